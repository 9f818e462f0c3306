from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.processes import establishment
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue, mean_pvalue
from tests.processes.replicates import replicates

# target, birth, death, killing, half saturation, Allee
CASES = [
    (30, 0.30, 0.20, 0.0, 1.0, 0.0),
    (30, 0.30, 0.05, 0.5, 5.0, 0.0),
    (30, 0.30, 0.05, 0.0, 1.0, 2.0),
    (12, 0.30, 0.10, 0.5, 3.0, 0.5),
]


def chain(case):
    target, birth, death, killing, half_saturation, allee = case
    return establishment.rates(
        target, birth, death, killing=killing, half_saturation=half_saturation, allee=allee
    )


def test_paths_succeed_with_the_probability_and_take_the_time_of_the_law():
    pvalues = {}
    for k, case in enumerate(CASES):
        target, *rest = case
        paths = replicates(establishment.draw_path, float(target), *rest, count=4_000, process=k)
        reached = paths[:, 0] == 1.0
        times = paths[reached, 1]
        births, deaths = chain(case)
        law = establishment.hitting_time(births, deaths)
        chance = establishment.probability(float(target), *rest)
        assert law.probability == pytest.approx(chance)
        pvalues[f"{k} reached"] = stats.binomtest(int(reached.sum()), 4_000, chance).pvalue
        pvalues[f"{k} mean time"] = mean_pvalue(times, law.mean, law.variance)
        grid = np.linspace(0.0, times.max(), 400)
        cdf = establishment.hitting_cdf(grid, births, deaths)
        pvalues[f"{k} time"] = ks_pvalue(times, lambda t, g=grid, c=cdf: np.interp(t, g, c))
        assert ks_pvalue(1.15 * times, lambda t, g=grid, c=cdf: np.interp(t, g, c)) < ALPHA
    assert_family(pvalues)


def test_moments_are_those_of_the_cdf():
    births, deaths = chain(CASES[1])
    law = establishment.hitting_time(births, deaths)
    grid = np.linspace(0.0, law.mean + 25.0 * math.sqrt(law.variance), 2_001)
    survival = 1.0 - establishment.hitting_cdf(grid, births, deaths)
    mean = np.trapezoid(survival, grid)
    assert law.mean == pytest.approx(mean, rel=1e-3)
    second = 2.0 * np.trapezoid(grid * survival, grid)
    assert law.variance == pytest.approx(second - mean**2, rel=1e-2)


def test_cdf_takes_times_in_any_order():
    births, deaths = chain(CASES[0])
    times = np.array([50.0, 0.0, 20.0])
    forward = establishment.hitting_cdf(np.sort(times), births, deaths)
    np.testing.assert_allclose(
        establishment.hitting_cdf(times, births, deaths), forward[[2, 0, 1]], atol=1e-12
    )
    assert forward[0] == 0.0


def test_without_hindrance_it_is_the_gambler_s_ruin():
    for target in (1.0, 2.0, 10.0, 1e4, 1e9):
        expected = (1 - 2 / 3) / (1 - (2 / 3) ** target) if target > 1 else 1.0
        ours = establishment.probability(target, 0.3, 0.2, 0.0, 1.0, 0.0)
        assert ours == pytest.approx(expected, rel=1e-12)
    assert establishment.probability(100.0, 0.2, 0.2, 0.0, 1.0, 0.0) == pytest.approx(0.01)
    # beyond 1e5 cells the rest of the sum is closed
    for death in (0.2, 0.2 * (1.0 + 1e-6), 0.2 * (1.0 - 1e-6), 0.3):
        ratio = death / 0.2
        exact = (
            1e-6
            if ratio == 1.0
            else (1.0 - ratio) / -math.expm1(1e6 * math.log(ratio))
            if (ratio < 1.4)
            else 0.0
        )
        ours = establishment.probability(1e6, 0.2, death, 0.0, 1.0, 0.0)
        assert ours == pytest.approx(exact, rel=1e-8)


def test_early_stop_equals_the_whole_sum():
    for killing, allee in ((0.0, 3.0), (4.0, 0.0), (4.0, 3.0), (60.0, 10.0)):
        births, deaths = establishment.rates(
            5_000, 0.3, 0.1, killing=killing, half_saturation=20.0, allee=allee
        )
        whole = establishment.reach_probabilities(births, deaths)[0]
        ours = establishment.probability(5_000.0, 0.3, 0.1, killing, 20.0, allee)
        assert ours == pytest.approx(whole, rel=1e-12)


def test_limits():
    assert establishment.probability(1e4, 0.3, 0.0, 0.0, 1.0, 5.0) == 1.0  # nothing dies
    assert establishment.probability(1e4, 0.0, 0.1, 0.0, 1.0, 0.0) == 0.0  # nothing divides
    assert establishment.probability(1e4, 0.3, 0.1, 1e9, 1.0, 0.0) == 0.0
    assert establishment.probability(1e4, 0.3, 0.1, 1.0, 0.0, 0.0) > 0.0
    hindered = [establishment.probability(1e4, 0.3, 0.1, k, 9.0, 0.0) for k in (0, 1, 5, 25)]
    assert sorted(hindered, reverse=True) == hindered
    assert replicates(establishment.draw_path, 5.0, 0.0, 0.0, 0.0, 1.0, 0.0, count=1).tolist() == [
        [0.0, math.inf]
    ]
    assert establishment.death_rate(0.0, 0.1, 1.0, 0.0) == 0.1
