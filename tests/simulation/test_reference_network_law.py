from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from marrowtrace.errors import ParameterError
from marrowtrace.processes import birth_death
from marrowtrace.simulation.reference_network_law import (
    R1,
    R2,
    SPECIES,
    NetworkRates,
    expected_work,
    network_moments,
    network_pmf,
)
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, mean_pvalue

# dense enough that every kind is met in 30 days from 20 cells
SMALL = NetworkRates(
    primary_birth=0.15,
    primary_death=0.10,
    shedding=0.05,
    clearance=4.0,
    lodging=2.0,
    dormant_death=0.02,
    awakening=0.08,
    active_birth=0.20,
    active_death=0.08,
    falling_asleep=0.05,
    founding=0.06,
    metastasis_birth=0.15,
    metastasis_death=0.10,
)
SMALL_START = 20
SMALL_TIME = 30.0


def event_by_event(generator):
    """The counts of SMALL at SMALL_TIME by Gillespie's direct method, from no formula."""
    r = SMALL
    reactions = [
        (0, r.primary_birth, {0: 1}),
        (0, r.primary_death, {0: -1}),
        (0, r.shedding, {0: -1, 1: 1}),
        (1, r.clearance, {1: -1}),
        (1, r.lodging, {1: -1, 2: 1}),
        (2, r.dormant_death, {2: -1}),
        (2, r.awakening, {2: -1, 3: 1}),
        (3, r.active_birth, {3: 1}),
        (3, r.active_death, {3: -1}),
        (3, r.falling_asleep, {3: -1, 2: 1}),
        (3, r.founding, {3: -1, 4: 1}),
        (4, r.metastasis_birth, {4: 1}),
        (4, r.metastasis_death, {4: -1}),
    ]
    sources = [source for source, _, _ in reactions]
    rates = [rate for _, rate, _ in reactions]
    counts, now = [SMALL_START, 0, 0, 0, 0], 0.0
    while True:
        speeds = [rate * counts[source] for rate, source in zip(rates, sources, strict=True)]
        total = sum(speeds)
        if total == 0.0:
            return counts
        now += -np.log1p(-generator.random()) / total
        if now > SMALL_TIME:
            return counts
        left = generator.random() * total
        chosen = np.flatnonzero(np.cumsum(speeds) > left)[0]
        for kind, step in reactions[chosen][2].items():
            counts[kind] += step


@pytest.mark.parametrize(
    ("rates", "expected", "places"),
    [
        (R1, {"P": 391_506, "C": 3.254, "D": 1.587, "A": 0.067, "M": 1.2e-4}, None),
        (R2, {"D": 599, "A": 253, "M": 52}, None),
    ],
)
def test_means_are_those_known(rates, expected, places):
    mean = network_moments(rates, 300.0).mean
    for species, value in expected.items():
        digits = len(f"{value:g}".replace(".", "").lstrip("0").split("e")[0])
        assert mean[SPECIES.index(species)] == pytest.approx(value, rel=0.6 * 10.0 ** (1 - digits))


def test_spreads_are_those_known():
    assert network_moments(R1, 300.0).sd[0] == pytest.approx(24_807, abs=0.5)
    assert network_moments(R2, 300.0).sd[4] == pytest.approx(82, abs=0.5)


@pytest.mark.parametrize("time", [0.0, 3.0, 300.0, 700.0])
def test_the_primary_is_a_birth_death_process(time):
    for rates in (R1, R2):
        moments = network_moments(rates, time, start=50)
        b, d = rates.primary_birth, rates.primary_death + rates.shedding
        assert moments.mean[0] == pytest.approx(birth_death.mean(b, d, time, start=50), rel=1e-9)
        variance = birth_death.variance(b, d, time, start=50)
        assert moments.covariance[0, 0] == pytest.approx(variance, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("species", SPECIES[1:])
def test_moments_are_those_of_the_pmf(species):
    """Two derivations: forward equations of the moments, backward ones of the law."""
    moments = network_moments(SMALL, SMALL_TIME, start=SMALL_START)
    law = network_pmf(SMALL, species, 250, time=SMALL_TIME, start=SMALL_START)
    sizes = np.arange(law.size)
    index = SPECIES.index(species)
    mean = (sizes * law).sum()
    assert law.sum() == pytest.approx(1.0, abs=1e-8)
    assert mean == pytest.approx(moments.mean[index], rel=1e-6)
    spread = math.sqrt(((sizes - mean) ** 2 * law).sum())
    assert spread == pytest.approx(moments.sd[index], rel=1e-5)


def test_pmf_and_covariance_are_those_of_the_events():
    generator = np.random.default_rng(20_250_301)
    ends = np.array([event_by_event(generator) for _ in range(3_000)])
    laws = {s: network_pmf(SMALL, s, 150, time=SMALL_TIME, start=SMALL_START) for s in SPECIES[1:]}
    pvalues = {s: chi2_pvalue(ends[:, SPECIES.index(s)], laws[s]) for s in laws}
    moments = network_moments(SMALL, SMALL_TIME, start=SMALL_START)
    for i, j in ((0, 2), (0, 3), (2, 3), (3, 4)):
        product = (ends[:, i] - moments.mean[i]) * (ends[:, j] - moments.mean[j])
        name = f"covariance of {SPECIES[i]} and {SPECIES[j]}"
        pvalues[name] = mean_pvalue(product, moments.covariance[i, j], product.var())
    assert_family(pvalues)
    wrong = network_pmf(
        replace(SMALL, awakening=0.10), "D", 150, time=SMALL_TIME, start=SMALL_START
    )
    assert chi2_pvalue(ends[:, 2], wrong) < ALPHA


def test_limits():
    moments = network_moments(R1, 0.0, start=7)
    assert moments.mean.tolist() == [7.0, 0.0, 0.0, 0.0, 0.0]
    assert not moments.covariance.any()
    silent = NetworkRates(shedding=0.0, lodging=1.0, awakening=1.0, founding=1.0)
    assert network_pmf(silent, "C", 3, time=10.0).tolist() == pytest.approx([1, 0, 0, 0], abs=1e-9)
    assert network_moments(silent, 10.0).mean[1:].tolist() == [0.0] * 4
    largest, lines = expected_work(silent, 10.0, 7)
    assert largest == pytest.approx(7 * math.exp(0.2))
    assert lines == 0.0
    assert expected_work(R1, 1e5, 1) == (math.inf, math.inf)


def test_rates_outside_their_range_are_all_named():
    with pytest.raises(ParameterError) as caught:
        NetworkRates(shedding=-1.0, lodging=math.nan, awakening=1e9, founding=0.0, active_birth=0.0)
    message = str(caught.value)
    assert message.startswith("4 problems in the reference network:")
    assert "shedding: is -1.0; allowed: 0 to 1e+06" in message
    assert "lodging: is nan; allowed: 0 to 1e+06" in message
    assert "awakening: is 1000000000.0; allowed: 0 to 1e+06" in message
    assert "active_birth: is 0.0; allowed: 1e-12 to 1e+06" in message


def test_cells_must_leave_the_blood_fast():
    with pytest.raises(ParameterError, match=r"clearance: is 0\.5; allowed: 0\.99 to"):
        NetworkRates(shedding=0.0, lodging=0.01, awakening=0.0, founding=0.0, clearance=0.5)


def test_bad_questions_are_refused():
    with pytest.raises(ParameterError, match=r"species 'X' has no pmf here; allowed: C, D, A, M"):
        network_pmf(R1, "X", 10, time=1.0)
    with pytest.raises(ParameterError, match=r"species 'd' .*did you mean 'D'"):
        network_pmf(R1, "d", 10, time=1.0)
    with pytest.raises(ParameterError, match="largest: is 0; allowed: 1 to 100000"):
        network_pmf(R1, "D", 0, time=1.0)
    with pytest.raises(ParameterError, match=r"time: is -1.0(.|\n)*start: is -2"):
        network_moments(R1, -1.0, start=-2)
