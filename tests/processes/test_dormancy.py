from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from marrowtrace.processes import dormancy
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue
from tests.processes.replicates import SEED, replicates

LAWS = {
    "exponential": dormancy.exponential(300.0),
    "erlang": dormancy.erlang_mixture([1.0], [4], [300.0]),
    "mixture": dormancy.erlang_mixture([0.3, 0.7], [1, 3], [50.0, 400.0]),
    "weibull, heavy": dormancy.weibull(0.7, 300.0),
    "weibull, light": dormancy.weibull(2.5, 300.0),
    "lognormal": dormancy.lognormal(1.2, 300.0),
}


def cdf(wait):
    def values(times):
        return np.array([1.0 - dormancy.survival(wait, t) for t in times])

    return values


def test_waits_follow_their_law():
    assert_family(
        {name: ks_pvalue(replicates(dormancy.draw_wait, w), cdf(w)) for name, w in LAWS.items()}
    )


@pytest.mark.parametrize("name", LAWS)
def test_the_check_has_power(name):
    """Waits 10 % too long must be caught."""
    draws = 1.10 * replicates(dormancy.draw_wait, LAWS[name], count=20_000)
    assert ks_pvalue(draws, cdf(LAWS[name])) < ALPHA


def test_laws_are_those_of_scipy():
    times = np.array([1.0, 50.0, 300.0, 2_000.0])
    scale = 300.0 / math.gamma(1.0 + 1.0 / 0.7)
    known = {
        "exponential": stats.expon(scale=300.0),
        "erlang": stats.gamma(4, scale=75.0),
        "weibull, heavy": stats.weibull_min(0.7, scale=scale),
        "lognormal": stats.lognorm(1.2, scale=300.0 * math.exp(-0.72)),
    }
    for name, law in known.items():
        ours = [dormancy.survival(LAWS[name], t) for t in times]
        np.testing.assert_allclose(ours, law.sf(times), rtol=1e-10)
        ours = [dormancy.density(LAWS[name], t) for t in times]
        np.testing.assert_allclose(ours, law.pdf(times), rtol=1e-10)
        assert dormancy.mean_wait(LAWS[name]) == pytest.approx(law.mean())
        assert dormancy.variance_wait(LAWS[name]) == pytest.approx(law.var())


@pytest.mark.parametrize("name", LAWS)
def test_density_mean_and_laplace_transform_agree_with_survival(name):
    wait = LAWS[name]
    edges = [0.0, 1e-3, 1.0, 50.0, 400.0, 3e3, 5e4]
    pairs = list(itertools.pairwise(edges))
    mass = sum(quad(lambda t: dormancy.density(wait, t), a, b)[0] for a, b in pairs)
    assert mass == pytest.approx(1.0 - dormancy.survival(wait, 5e4), abs=1e-4)
    mean = sum(quad(lambda t: dormancy.survival(wait, t), a, b)[0] for a, b in pairs)
    assert dormancy.mean_wait(wait) == pytest.approx(mean, rel=2e-3)
    loss = 0.004
    kept = sum(
        quad(lambda t: math.exp(-loss * t) * dormancy.survival(wait, t), a, b)[0] for a, b in pairs
    )
    expected = 1.0 - loss * kept
    assert dormancy.awakens_probability(wait, loss) == pytest.approx(expected, rel=1e-6)
    assert dormancy.awakened_by(wait, loss, 5e4) == pytest.approx(expected, rel=1e-5)


def test_limits_of_the_laws():
    for wait in LAWS.values():
        assert dormancy.survival(wait, 0.0) == 1.0
        assert dormancy.survival(wait, 1e30) == 0.0
        assert dormancy.density(wait, 0.0) == 0.0
        assert dormancy.awakens_probability(wait, 0.0) == pytest.approx(1.0, abs=1e-7)
        assert dormancy.awakened_by(wait, 0.0, 0.0) == 0.0


def test_operational_time():
    edges, modifiers = np.array([0.0, 10.0, 30.0]), np.array([1.0, 0.0, 2.0])
    assert dormancy.operational_time(-5.0, edges, modifiers) == 0.0
    assert dormancy.operational_time(4.0, edges, modifiers) == 4.0
    assert dormancy.operational_time(25.0, edges, modifiers) == 10.0
    assert dormancy.operational_time(40.0, edges, modifiers) == 30.0
    for tau in (0.0, 3.0, 10.0, 11.0, 500.0):
        time = dormancy.calendar_time(tau, edges, modifiers)
        assert dormancy.operational_time(time, edges, modifiers) == pytest.approx(tau)
    asleep = np.array([1.0, 0.0, 0.0])
    assert dormancy.calendar_time(11.0, edges, asleep) == math.inf


def test_modifier_is_one_at_normal_levels_and_moves_as_named():
    hold, wake = np.full(4, 0.5), np.array([2.0, 1.0, 0.5])
    level, none = np.ones(4), np.zeros(3)
    assert dormancy.awakening_modifier(hold, level, wake, none) == 1.0
    for k in range(len(dormancy.HOLD)):
        more, less = level.copy(), level.copy()
        more[k], less[k] = 1.5, 0.0
        assert dormancy.awakening_modifier(hold, more, wake, none) == pytest.approx(0.5)
        assert dormancy.awakening_modifier(hold, less, wake, none) == pytest.approx(2.0)
    for k in range(len(dormancy.WAKE)):
        woken = none.copy()
        woken[k] = 1.0
        pace = dormancy.awakening_modifier(hold, level, wake, woken)
        assert pace == pytest.approx(1.0 + wake[k])
    assert dormancy.awakening_modifier(hold, 9.0 * level, wake, none) == 0.0


@pytest.mark.parametrize("name", ["exponential", "mixture", "weibull, heavy", "lognormal"])
def test_sleepers_and_awakenings_are_independent_poisson_counts(name):
    """Cell by cell: Poisson arrivals, waits and losses, against the means of the infinite queue."""
    wait, loss, end = LAWS[name], 0.003, 400.0

    def arrivals(t):
        return 0.05 * math.exp(-t / 500.0)

    generator = np.random.default_rng(SEED)
    count = 3_000
    cells = generator.poisson(0.05 * end, size=count)
    total = int(cells.sum())
    times = generator.random(total) * end
    kept = generator.random(total) < np.exp(-times / 500.0)
    waits = replicates(dormancy.draw_wait, wait, count=total)
    losses = generator.exponential(1.0 / loss, total)
    ends = times + np.minimum(waits, losses)
    patient = np.repeat(np.arange(count), cells)
    asleep = np.bincount(patient, weights=kept & (ends > end), minlength=count)
    woken = np.bincount(patient, weights=kept & (ends <= end) & (waits < losses), minlength=count)
    sleeping = dormancy.expected_dormant(arrivals, wait, loss, end)
    awakened = dormancy.expected_awakenings(arrivals, wait, loss, end)
    sizes = np.arange(60)
    assert_family(
        {
            "asleep": chi2_pvalue(asleep, stats.poisson.pmf(sizes, sleeping)),
            "woken": chi2_pvalue(woken, stats.poisson.pmf(sizes, awakened)),
            "independent": stats.pearsonr(asleep, woken).pvalue,
        }
    )
    assert chi2_pvalue(asleep, stats.poisson.pmf(sizes, 1.07 * sleeping)) < ALPHA


def test_nothing_before_the_first_arrival():
    wait = LAWS["exponential"]
    assert dormancy.expected_dormant(lambda _: 1.0, wait, 0.1, 0.0) == 0.0
    assert dormancy.expected_awakenings(lambda _: 1.0, wait, 0.1, 0.0) == 0.0
