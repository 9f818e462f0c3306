from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import ParameterError
from marrowtrace.simulation.reference_network import (
    R1,
    R2,
    SPECIES,
    NetworkRates,
    network_moments,
    network_pmf,
    simulate_network,
)
from tests.goodness_of_fit import (
    ALPHA,
    assert_family,
    chi2_pvalue,
    mean_pvalue,
    variance_pvalue,
)

SEED = 20_260_214

# R2 at 150 days, where a day of the default step is not the whole of it
DENSE_TIME = 150.0
# A shrinks, so that its lines end by dying out
SHRINKING = replace(R2, active_birth=0.03, active_death=0.05)
# nothing leaves A
CLOSED = replace(R2, falling_asleep=0.0, founding=0.0)
# cells wake and fall asleep many times, through many generations
RESTLESS = NetworkRates(
    shedding=1e-4, lodging=1.0, awakening=2.0, falling_asleep=3.0, founding=0.01,
    active_birth=0.06, active_death=0.02,
)  # fmt: skip


@cache
def law(rates, species, time, largest=127, start=1000):
    return network_pmf(rates, species, largest, time=time, start=start)


@pytest.mark.parametrize(
    ("rates", "step"), [(R2, 25.0), (R2, 7.0), (SHRINKING, 25.0), (CLOSED, 25.0)]
)
def test_counts_follow_the_exact_laws(rates, step):
    """Chi-square over the whole law, and the last thousandth of it on its own."""
    ends = simulate_network(40_000, SEED, time=DENSE_TIME, rates=rates, step=step)
    pvalues = {}
    for index, species in enumerate(SPECIES[1:], start=1):
        exact = law(rates, species, DENSE_TIME)
        if exact[0] > 1.0 - 1e-9:
            assert not ends[:, index].any()
            continue
        pvalues[species] = chi2_pvalue(ends[:, index], exact)
        beyond = int(np.argmax(np.cumsum(exact) > 0.999))
        share = 1.0 - float(np.cumsum(exact)[beyond])
        above = int((ends[:, index] > beyond).sum())
        pvalues[f"{species} > {beyond}"] = stats.binomtest(above, len(ends), share).pvalue
    assert_family(pvalues)


@pytest.mark.parametrize(
    ("name", "species"),
    [
        ("shedding", "C"),
        ("awakening", "A"),
        ("active_birth", "A"),
        ("falling_asleep", "A"),
        ("founding", "M"),
        ("metastasis_birth", "M"),
    ],
)
def test_the_check_has_power(name, species):
    """A simulator with one rate 12 % too high must be caught (falling asleep is rare: 100 %)."""
    factor = 2.0 if name == "falling_asleep" else 1.12
    wrong = replace(R2, **{name: factor * getattr(R2, name)})
    ends = simulate_network(40_000, SEED, time=DENSE_TIME, rates=wrong)
    exact = law(R2, species, DENSE_TIME)
    assert chi2_pvalue(ends[:, SPECIES.index(species)], exact) < ALPHA


def test_cells_that_wake_again_and_again():
    """Lines nest deeper than the room first made for them."""
    ends = simulate_network(20_000, SEED, time=120.0, rates=RESTLESS, start=200)
    pvalues = {s: chi2_pvalue(ends[:, SPECIES.index(s)], law(RESTLESS, s, 120.0, start=200))
               for s in SPECIES[1:]}  # fmt: skip
    assert_family(pvalues)


@pytest.mark.parametrize(
    ("rates", "time", "count"), [(R1, 300.0, 200_000), (R2, 300.0, 10_000), (R1, 700.0, 2_000)]
)
def test_moments_are_exact(rates, time, count):
    """Also at 1.1e9 cells of P. Near-normal counts have a fourth moment of 3 sd^4."""
    ends = simulate_network(count, SEED, time=time, rates=rates)
    exact = network_moments(rates, time)
    pvalues = {}
    for index, species in enumerate(SPECIES[:4]):
        mean, variance = exact.mean[index], exact.covariance[index, index]
        pvalues[f"mean of {species}"] = mean_pvalue(ends[:, index], mean, variance)
        if species in "PC":
            # Poisson on top of gamma: the excess of both adds to the normal's
            fourth = 3.0 * variance**2 * (1.0 + 0.01) + mean * (species == "C")
            name = f"variance of {species}"
            pvalues[name] = variance_pvalue(ends[:, index], mean, variance, fourth)
    assert_family(pvalues)
    assert mean_pvalue(ends[:, 0], 1.02 * exact.mean[0], exact.covariance[0, 0]) < ALPHA


@pytest.mark.parametrize("step", [1.0, 25.0, 300.0])
def test_means_do_not_depend_on_the_step(step):
    ends = simulate_network(3_000, SEED, time=300.0, rates=R2, step=step)
    exact = network_moments(R2, 300.0)
    assert_family(
        {
            species: mean_pvalue(ends[:, index], exact.mean[index], exact.covariance[index, index])
            for index, species in enumerate(SPECIES[:4])
        }
    )


@pytest.mark.parametrize("mean", [0.4, 3.0, 30.0])
def test_cells_in_the_blood_are_poisson(mean):
    """A source of constant size: a queue with infinitely many servers."""
    source = 10**9
    rates = NetworkRates(
        primary_birth=0.0, primary_death=0.0, shedding=12.0 * mean / source, lodging=0.0,
        awakening=0.0, founding=0.0,
    )  # fmt: skip
    ends = simulate_network(20_000, SEED, time=10.0, rates=rates, start=source)
    exact = stats.poisson.pmf(np.arange(100), mean)
    assert_family({"Poisson": chi2_pvalue(ends[:, 1], exact)})
    assert chi2_pvalue(ends[:, 1], stats.poisson.pmf(np.arange(100), 1.1 * mean)) < ALPHA
    assert not ends[:, 2:].any()


def test_limits():
    silent = replace(R2, shedding=0.0)
    assert not simulate_network(500, SEED, time=50.0, rates=silent)[:, 1:].any()
    asleep = simulate_network(500, SEED, time=200.0, rates=replace(R2, awakening=0.0))
    assert asleep[:, 2].min() > 0
    assert not asleep[:, 3:].any()
    immortal = replace(R2, awakening=0.0, dormant_death=0.0)
    assert_family({"D": chi2_pvalue(
        simulate_network(5_000, SEED, time=100.0, rates=immortal)[:, 2],
        law(immortal, "D", 100.0),
    )})  # fmt: skip
    assert simulate_network(0, SEED, time=50.0).shape == (0, 5)
    assert not simulate_network(20, SEED, time=50.0, start=0).any()
    extinct = replace(R1, primary_birth=0.0, primary_death=0.5)
    assert not simulate_network(50, SEED, time=400.0, rates=extinct)[:, :2].any()
    ends = simulate_network(50, SEED, time=500.0, rates=R2, start=1)
    assert np.isfinite(ends).all()
    assert (ends == np.floor(ends)).all()


def test_a_trajectory_depends_on_its_number_alone():
    whole = simulate_network(300, SEED, time=200.0, rates=R2)
    pieces = [
        simulate_network(100, SEED, time=200.0, rates=R2, first=first) for first in (0, 100, 200)
    ]
    np.testing.assert_array_equal(whole, np.concatenate(pieces))
    assert (simulate_network(300, SEED + 1, time=200.0, rates=R2) != whole).any()


def test_numbers_outside_their_range_are_all_named():
    with pytest.raises(ParameterError) as caught:
        simulate_network(-1, 2**64, time=0.0, start=-3, step=math.nan, first=-1)
    message = str(caught.value)
    for name in ("n", "seed", "time", "start", "step", "first"):
        assert f"\n  {name}: is " in message


def test_what_cannot_end_is_refused():
    with pytest.raises(ParameterError, match=r"expected cells of P: is inf; allowed: 0 to 1e\+15"):
        simulate_network(1, SEED, time=50_000.0)
    with pytest.raises(ParameterError, match=r"expected cells that awaken or leave A: is \d"):
        simulate_network(1, SEED, time=1_100.0, rates=R2)
    with pytest.raises(ParameterError, match="a shorter time, or fewer cells at the start"):
        simulate_network(1, SEED, time=3_000.0)
