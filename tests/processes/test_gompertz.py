from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from marrowtrace.processes import gompertz
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue
from tests.processes.replicates import replicates

GROWTH = (5.3e-4, math.log(3.1e12), math.log(1e4))
LARGE = math.log(4e9)
POWERS = (0.0, 0.02, 0.31, 0.66, 1.0, 1.5)


def test_size_solves_the_growth_equation():
    solution = solve_ivp(
        lambda _, x: [gompertz.growth_rate(x[0], *GROWTH)], (0.0, 6_000.0), [0.0],
        rtol=1e-10, atol=1e-10, max_step=50.0, t_eval=np.linspace(0.0, 6_000.0, 25),
    )  # fmt: skip
    ours = [gompertz.log_size_at(0.0, t, *GROWTH) for t in solution.t]
    np.testing.assert_allclose(ours, solution.y[0], atol=2e-7)


@pytest.mark.parametrize("start", [0.0, 5.0, GROWTH[2], 15.0, LARGE])
def test_time_inverts_size_forwards_and_backwards(start):
    for end in (0.0, 3.0, GROWTH[2], 12.0, 24.0):
        time = gompertz.time_between(start, end, *GROWTH)
        assert gompertz.log_size_at(start, time, *GROWTH) == pytest.approx(end, abs=1e-9)
        assert gompertz.time_between(end, start, *GROWTH) == pytest.approx(-time, abs=1e-9)


def test_limits():
    rate, plateau, corner = GROWTH
    assert gompertz.time_between(1.0, plateau, *GROWTH) == math.inf
    assert gompertz.time_between(1.0, 1.0, *GROWTH) == 0.0
    assert gompertz.log_size_at(LARGE, 1e9, *GROWTH) == pytest.approx(plateau)
    assert gompertz.log_size_at(3.0, 0.0, *GROWTH) == 3.0
    assert gompertz.growth_rate(plateau, *GROWTH) == 0.0
    assert gompertz.log_size_at(3.0, 50.0, 0.0, plateau, corner) == 3.0
    assert gompertz.time_between(3.0, 4.0, 0.0, plateau, corner) == math.inf
    # pure Gompertz: the corner is the first cell
    pure = gompertz.log_size_at(0.0, 100.0, rate, plateau, 0.0)
    assert pure == pytest.approx(plateau * -math.expm1(-rate * 100.0))


@pytest.mark.parametrize("power", POWERS)
def test_power_integral_equals_quadrature(power):
    def integrand(x):
        return math.exp(power * x) / gompertz.growth_rate(x, *GROWTH)

    for low, high in ((0.0, LARGE), (0.0, 5.0), (2.0, GROWTH[2]), (10.0, 28.0), (15.0, 15.001)):
        pieces = [low, *(x for x in (GROWTH[2],) if low < x < high), high]
        exact = sum(
            quad(integrand, a, b, epsabs=0.0, epsrel=1e-12)[0]
            for a, b in itertools.pairwise(pieces)
        )
        ours = gompertz.power_integral(power, low, high, *GROWTH)
        assert ours == pytest.approx(exact, rel=1e-9)


def test_power_integral_limits():
    assert gompertz.power_integral(0.5, 5.0, 5.0, *GROWTH) == 0.0
    assert gompertz.power_integral(0.5, 5.0, 4.0, *GROWTH) == 0.0
    assert gompertz.power_integral(0.5, 5.0, GROWTH[1], *GROWTH) == math.inf
    from_none = gompertz.power_integral(0.5, -math.inf, 5.0, *GROWTH)
    assert from_none == pytest.approx(math.exp(2.5) / (0.5 * gompertz.growth_rate(0.0, *GROWTH)))


@pytest.mark.parametrize("power", POWERS)
def test_inversion_finds_the_size(power):
    for low, high in ((0.0, LARGE), (0.0, 28.0), (12.0, 20.0)):
        whole = gompertz.power_integral(power, low, high, *GROWTH)
        for share in (1e-9, 1e-4, 0.1, 0.5, 0.9, 1.0 - 1e-9):
            x = gompertz.invert_power_integral(share * whole, power, low, high, *GROWTH)
            error = gompertz.power_integral(power, low, x, *GROWTH) - share * whole
            slope = math.exp(power * x) / gompertz.growth_rate(x, *GROWTH)
            assert abs(error / slope) < 1e-9
        assert gompertz.invert_power_integral(0.0, power, low, high, *GROWTH) == low
        assert gompertz.invert_power_integral(2 * whole, power, low, high, *GROWTH) == high


def cdf(power, low, high):
    whole = gompertz.power_integral(power, low, high, *GROWTH)

    def values(x):
        return np.array([gompertz.power_integral(power, low, v, *GROWTH) for v in x]) / whole

    return values


def test_drawn_sizes_follow_the_density():
    pvalues = {}
    for power in POWERS:
        for low, high in ((0.0, LARGE), (20.0, 28.5)):
            draws = replicates(gompertz.draw_log_size, power, low, high, *GROWTH[1:], count=5_000)
            pvalues[f"{power} {low:.0f}"] = ks_pvalue(draws, cdf(power, low, high))
    assert_family(pvalues)


def test_draws_end_at_the_edges():
    """No choice of sizes may hang."""
    plateau = GROWTH[1]
    cases = [(0.3, 5.0, 5.0), (0.3, 6.0, 5.0), (0.3, 1.0, plateau), (0.0, -math.inf, 5.0)]
    for power, low, high in cases:
        assert replicates(gompertz.draw_log_size, power, low, high, *GROWTH[1:], count=1)[0] == high
    near = replicates(gompertz.draw_log_size, 0.3, 0.0, plateau - 1e-9, *GROWTH[1:], count=500)
    assert_family({"near the plateau": ks_pvalue(near, cdf(0.3, 0.0, plateau - 1e-9))})
    young = replicates(gompertz.draw_log_size, 0.3, -math.inf, 5.0, *GROWTH[1:], count=5_000)
    assert_family({"from nothing": ks_pvalue(young, lambda x: np.exp(0.3 * (x - 5.0)))})


def test_the_check_has_power():
    """An exponent of 0.36 for 0.31 must be caught."""
    draws = replicates(gompertz.draw_log_size, 0.36, 0.0, LARGE, *GROWTH[1:])
    assert ks_pvalue(draws, cdf(0.31, 0.0, LARGE)) < ALPHA
