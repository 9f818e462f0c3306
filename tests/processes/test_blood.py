from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from marrowtrace.processes import blood
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue, ks_pvalue
from tests.processes.replicates import SEED, replicates


def test_death_rates_add_up_to_the_half_life():
    out = np.empty(3)
    total = blood.death_rates(out, 1.5 / 24, 0.4, 0.1, 0.0, 0.0)
    assert total == pytest.approx(math.log(2.0) * 16.0)
    assert blood.half_life(total) == pytest.approx(1.5 / 24)
    np.testing.assert_allclose(out / total, [0.5, 0.4, 0.1])
    spared = blood.death_rates(out, 1.5 / 24, 0.4, 0.1, 1.0, 1.0)
    assert out.tolist() == [pytest.approx(0.5 * total), 0.0, 0.0]
    assert spared == out[0]


def test_fates_and_residence_follow_competing_risks():
    rates = np.array([5.5, 4.4, 1.1, 0.0, 0.9])
    law = blood.fate_probabilities(rates)
    fates = replicates(blood.draw_fate, rates)
    times = replicates(blood.draw_residence, rates.sum())
    assert_family(
        {
            "fate": chi2_pvalue(fates, law),
            "residence": ks_pvalue(times, stats.expon(scale=1.0 / rates.sum()).cdf),
        }
    )
    assert chi2_pvalue(fates, blood.fate_probabilities([5.5, 4.4, 1.1, 0.0, 1.1])) < ALPHA
    assert blood.lodging_probability(0.9, 11.0) == pytest.approx(law[4])
    assert blood.lodging_rate(law[4], 11.0) == pytest.approx(0.9)


def test_limits():
    assert replicates(blood.draw_fate, np.zeros(3), count=3).tolist() == [-1, -1, -1]
    assert replicates(blood.draw_fate, np.array([0.0, 2.0, 0.0]), count=3).tolist() == [1, 1, 1]
    assert replicates(blood.draw_residence, 0.0, count=1)[0] == math.inf
    assert blood.steady_mean(0.0, 11.0, 0.0) == 0.0
    assert blood.steady_mean(1.0, 0.01, -0.02) == math.inf
    assert blood.lodging_probability(0.0, 0.0) == 0.0
    assert blood.lodging_rate(1.0, 11.0) == math.inf
    assert (replicates(blood.draw_count, 0.0, count=20) == 0.0).all()


def test_mean_solves_its_equation():
    for start, flux, growth, removal in ((3.0, 50.0, 0.02, 11.0), (0.0, 5.0, -2.0, 2.0)):
        solution = solve_ivp(
            lambda t, m, f=flux, g=growth, k=removal: f * math.exp(g * t) - k * m,
            (0.0, 0.7), [start], rtol=1e-10, atol=1e-12, t_eval=[0.05, 0.3, 0.7],
        )  # fmt: skip
        ours = [blood.mean_at(start, flux, growth, removal, t) for t in solution.t]
        np.testing.assert_allclose(ours, solution.y[0], rtol=1e-7)


def test_removal_of_the_source_halves_the_mean_every_half_life():
    removal = math.log(2.0) * 16.0
    assert blood.mean_at(80.0, 0.0, 0.0, removal, 1.5 / 24) == pytest.approx(40.0)
    assert blood.mean_at(80.0, 0.0, 0.0, removal, 1.0) < 80.0 * 2e-5


def event_by_event(generator, mean, removal, growth):
    """Cells at time 0 from a source exp(growth t) that sheds them one by one since long ago."""
    horizon = 14.0 / (removal + growth)
    flux = mean * (removal + growth)
    arrivals = generator.poisson(flux * -math.expm1(-growth * horizon) / growth)
    ages = -np.log1p(generator.random(arrivals) * math.expm1(-growth * horizon)) / growth
    return int((generator.exponential(1.0 / removal, arrivals) > ages).sum())


@pytest.mark.parametrize("mean", [0.4, 3.0, 30.0])
def test_counts_are_poisson_where_leaping_fails(mean):
    """Against single cells, from a source that grows nearly as fast as cells are removed."""
    generator = np.random.default_rng(SEED)
    removal, growth = 12.01, 5.0
    cells = [event_by_event(generator, mean, removal, growth) for _ in range(10_000)]
    expected = blood.steady_mean(mean * (removal + growth), removal, growth)
    assert expected == pytest.approx(mean)
    law = stats.poisson.pmf(np.arange(80), expected)
    drawn = replicates(blood.draw_count, expected)
    assert_family({"cells": chi2_pvalue(cells, law), "draws": chi2_pvalue(drawn, law)})
    without_growth = blood.steady_mean(mean * (removal + growth), removal, 0.0)
    assert chi2_pvalue(cells, stats.poisson.pmf(np.arange(80), without_growth)) < ALPHA


def test_growth_correction_of_the_reference_network():
    """Removal 12.01 a day, growth 0.0199: leaving growth out is 0.17 % too high."""
    network = np.array([[0.0199, 0.0], [1e-4, -12.01]])  # means of the primary and of its CTCs
    primary, cells = expm(300.0 * network) @ [1_000.0, 0.0]
    assert blood.steady_mean(1e-4 * primary, 12.01, 0.0199) == pytest.approx(cells, rel=1e-9)
    assert blood.steady_mean(1e-4 * primary, 12.01, 0.0) / cells - 1.0 == pytest.approx(
        0.0199 / 12.01, rel=1e-6
    )
