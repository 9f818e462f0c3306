from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from marrowtrace.processes import birth_death, gompertz, lesion
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue, mean_pvalue
from tests.processes.replicates import SEED, replicates

GROWTH = (1.15e-3, math.log(3.1e12), math.log(1e4))
LAW = {"death_share": 0.8, "rate": GROWTH[0], "log_plateau": GROWTH[1], "log_corner": GROWTH[2]}
DETECTABLE = math.log(1e9)


def test_delay_to_detection_is_gumbel():
    pvalues = {}
    for detectable in (DETECTABLE, math.log(500.0)):  # above and below the corner
        draws = replicates(lesion.draw_delay, detectable, 0.8, *GROWTH)
        mean, variance = lesion.delay_moments(detectable, **LAW)
        pvalues[f"law {detectable:.1f}"] = ks_pvalue(
            draws, lambda t, x=detectable: lesion.delay_cdf(t, x, **LAW)
        )
        pvalues[f"mean {detectable:.1f}"] = mean_pvalue(draws, mean, variance)
        wrong = {**LAW, "death_share": 0.75}
        pvalue = ks_pvalue(draws, lambda t, x=detectable, w=wrong: lesion.delay_cdf(t, x, **w))
        assert pvalue < ALPHA
    assert_family(pvalues)


def test_moments_are_those_of_the_cdf():
    mean, variance = lesion.delay_moments(DETECTABLE, **LAW)
    grid = np.linspace(0.0, mean + 30.0 * math.sqrt(variance), 200_001)
    survival = 1.0 - lesion.delay_cdf(grid, DETECTABLE, **LAW)
    assert np.trapezoid(survival, grid) == pytest.approx(mean, rel=1e-6)
    second = 2.0 * np.trapezoid(grid * survival, grid)
    assert second - mean**2 == pytest.approx(variance, rel=1e-4)


def test_effective_size_carries_the_chance_of_the_beginning():
    """A clone at a later time, by its effective size, against the exact law of its size."""
    birth, death, time, cells = 0.3, 0.2, 80.0, 4.0

    def late(rng, cells):
        start = lesion.effective_log_size(rng, cells, birth, death)
        return math.exp(start + (birth - death) * time) if start > -math.inf else 0.0

    draws = replicates(late, cells)
    exact = replicates(birth_death.draw_size, cells, birth, death, time, process=1)
    assert_family({"two samples": stats.ks_2samp(draws, exact).pvalue})
    assert stats.ks_2samp(draws, 1.2 * exact).pvalue < ALPHA


def test_size_switches_from_exact_to_effective_without_a_step():
    """Below and above the corner the mean of a young lesion is that of birth and death."""
    birth, death = lesion.turnover(GROWTH[0] * (GROWTH[1] - GROWTH[2]), 0.8)
    net = birth - death
    pvalues = {}
    for log_mean in (GROWTH[2] - 1.2, GROWTH[2] - 0.8):  # just on either side of the switch
        time = (log_mean - math.log(50.0)) / net
        draws = replicates(lesion.draw_size, 50.0, birth, death, time, *GROWTH)
        exact = replicates(birth_death.draw_size, 50.0, birth, death, time, process=2)
        dies = stats.fisher_exact(
            [[(draws == 0).sum(), (draws > 0).sum()], [(exact == 0).sum(), (exact > 0).sum()]]
        ).pvalue
        pvalues[f"{log_mean:.1f} extinct"] = float(dies)
        small = draws < math.exp(GROWTH[2])  # beyond the corner growth slows down
        pvalues[f"{log_mean:.1f} size"] = stats.ks_2samp(
            draws[small], exact[exact < math.exp(GROWTH[2])]
        ).pvalue
    assert_family(pvalues)


def test_limits():
    def effective(*parameters):
        return replicates(lesion.effective_log_size, *parameters, count=3)

    assert effective(1e9, 0.3, 0.2) == pytest.approx(math.log(1e9))
    assert (effective(1e9, 0.2, 0.3) == -math.inf).all()
    assert (effective(0.0, 0.3, 0.2) == -math.inf).all()
    assert (replicates(lesion.draw_size, 0.0, 0.3, 0.2, 9.0, *GROWTH, count=3) == 0.0).all()
    assert (replicates(lesion.draw_size, 7.0, 0.3, 0.2, 0.0, *GROWTH, count=3) == 7.0).all()
    survivor = replicates(lesion.effective_log_size_of_survivor, 0.2, 0.2, count=1)
    assert survivor[0] == -math.inf
    beyond = replicates(lesion.draw_delay, GROWTH[1] + 1.0, 0.8, *GROWTH, count=3)
    assert (beyond == math.inf).all()
    large = replicates(lesion.draw_size, 1e9, 0.3, 0.2, 100.0, *GROWTH, count=1)[0]
    expected = math.exp(gompertz.log_size_at(DETECTABLE, 100.0, *GROWTH))
    assert large == pytest.approx(expected)


RELAPSE = {
    "seeding": 1.2e-10, "primary_growth": 0.012, "primary_size": 1e9,
    "birth": 0.10, "death": 0.08, "detectable": 1e7,
}  # fmt: skip


def test_relapse_times_follow_from_seeding_and_growth():
    """Lesion by lesion, from an exponentially growing primary that is removed at day 0."""
    p, count = RELAPSE, 3_000
    net = p["birth"] - p["death"]
    generator = np.random.default_rng(SEED)
    founders = p["seeding"] * p["primary_size"] / p["primary_growth"] * net / p["birth"]
    seeds = generator.poisson(founders, size=count)
    ages = generator.exponential(1.0 / p["primary_growth"], seeds.sum())
    delays = replicates(
        birth_death.draw_time_to_size, p["detectable"], p["birth"], p["death"],
        count=int(seeds.sum()),
    )  # fmt: skip
    times = np.full(count, np.inf)
    np.minimum.at(times, np.repeat(np.arange(count), seeds), delays - ages)
    pvalues = {}
    for t in (0.0, 300.0, 600.0, 900.0, 1_200.0):
        chance = float(lesion.relapse_free(t, **p))
        pvalues[f"day {t:.0f}"] = stats.binomtest(int((times > t).sum()), count, chance).pvalue
    assert_family(pvalues)
    wrong = float(lesion.relapse_free(600.0, **{**p, "seeding": 1.2 * p["seeding"]}))
    assert stats.binomtest(int((times > 600.0).sum()), count, wrong).pvalue < ALPHA


def test_relapse_law_equals_quadrature():
    p = RELAPSE
    net = p["birth"] - p["death"]
    for t in (0.0, 300.0, 2_000.0):

        def late(age, t=t):
            size = p["detectable"] * (net / p["birth"]) * math.exp(-net * (t + age))
            return math.exp(-p["primary_growth"] * age - size)

        lesions = quad(late, 0.0, 6_000.0, points=[500.0, 800.0, 1_200.0], limit=200)[0]
        lesions *= p["seeding"] * p["primary_size"] * net / p["birth"]
        assert -math.log(lesion.relapse_free(t, **p)) == pytest.approx(lesions, rel=1e-6)
    assert lesion.relapse_free(1e3, **{**p, "seeding": 0.0}) == 1.0
