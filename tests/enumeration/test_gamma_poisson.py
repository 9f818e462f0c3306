from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.enumeration import gamma_poisson
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue


@pytest.mark.parametrize("theta", [0.05, 0.25, 4.0, 1e9, math.inf])
@pytest.mark.parametrize("mean", [1e-6, 0.3, 25.0])
@pytest.mark.parametrize("threshold", [1, 2, 7])
def test_probabilities_equal_scipy(theta, mean, threshold):
    p = theta / (theta + mean) if math.isfinite(theta) else 1.0
    law = stats.nbinom(theta, p) if theta < 1e6 else stats.poisson(mean)
    below = gamma_poisson.probability_below(threshold, mean, theta)
    above = gamma_poisson.probability_at_least(threshold, mean, theta)
    tolerance = 1e-10 if theta < 1e6 or math.isinf(theta) else 1e-6  # Poisson is its limit
    assert float(below) == pytest.approx(law.cdf(threshold - 1), rel=tolerance)
    assert float(above) == pytest.approx(law.sf(threshold - 1), rel=max(tolerance, 1e-6))
    assert float(below + above) == pytest.approx(1.0)


@pytest.mark.parametrize("theta", [0.1, 0.25, 4.0, math.inf])
@pytest.mark.parametrize("threshold", [1, 3])
@pytest.mark.parametrize("wanted", [0.01, 0.5, 0.99])
def test_mean_for_inverts_the_probability(theta, threshold, wanted):
    mean = gamma_poisson.mean_for(threshold, wanted, theta)
    found = gamma_poisson.probability_at_least(threshold, mean, theta)
    assert float(found) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("theta", [0.3, 50.0, 3e4])
def test_log_likelihood_equals_scipy(theta):
    y, mu = np.array([0.0, 1.0, 4.0, 250.0]), np.array([0.2, 3.0, 1.0, 180.0])
    wanted = stats.nbinom.logpmf(y, theta, theta / (theta + mu)).sum()
    assert float(gamma_poisson.log_likelihood(y, mu, theta)) == pytest.approx(wanted, rel=1e-10)


def test_many_sets_are_fitted_as_one_by_one():
    rng = np.random.default_rng(3)
    a = rng.choice([5.0, 7.5, 30.0], 60)
    sets = gamma_poisson.draw(rng, 0.3 * a, 0.4, 20)
    sets[3] = 0
    mean, theta = gamma_poisson.fit(sets, a)
    assert mean[3] == 0
    assert math.isnan(theta[3])
    for k in (0, 7, 19):
        one = gamma_poisson.fit(sets[k : k + 1], a)
        assert (mean[k], theta[k]) == pytest.approx((one[0][0], one[1][0]), rel=1e-8)


def test_fit_is_a_maximum():
    rng = np.random.default_rng(4)
    a = rng.choice([5.0, 7.5, 30.0], 80)
    y = gamma_poisson.draw(rng, 0.3 * a, 0.4, 1)
    mean, theta = gamma_poisson.fit(y, a)
    best = gamma_poisson.log_likelihood(y[0], mean[0] * a, theta[0])
    for c, t in [(1.01, 1), (0.99, 1), (1, 1.02), (1, 0.98), (1.01, 1.02), (0.99, 1.02)]:
        assert gamma_poisson.log_likelihood(y[0], c * mean[0] * a, t * theta[0]) < best
    assert gamma_poisson.theta_given_mean(y[0], mean[0] * a) == pytest.approx(theta[0], rel=1e-7)


def test_even_counts_are_poisson():
    mean, theta = gamma_poisson.fit(np.array([[1.0, 1, 1, 1, 2]]), np.full(5, 7.5))
    assert (float(mean[0]), float(theta[0])) == (pytest.approx(0.16), math.inf)
    assert gamma_poisson.theta_given_mean(np.array([1.0, 1, 2]), np.array([1.3, 1.3, 1.3])) == (
        math.inf
    )


def test_draws_follow_the_law():
    """20,000 draws: theta 0.25 in place of 0.3 is refused with power above 0.99."""
    rng = np.random.default_rng(5)
    law = {t: stats.nbinom(t, t / (t + 2.0)).pmf(np.arange(60)) for t in (0.25, 0.3, 5.0)}
    law[math.inf] = stats.poisson(2.0).pmf(np.arange(60))
    drawn = {t: gamma_poisson.draw(rng, np.full(20_000, 2.0), t, 1)[0] for t in law}
    assert_family({f"theta {t}": chi2_pvalue(drawn[t], law[t]) for t in law})
    assert chi2_pvalue(drawn[0.25], law[0.3]) < ALPHA
