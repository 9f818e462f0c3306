from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from marrowtrace.evidence.logit_normal import fit_logit_normal, homogeneous_beta, log_likelihood

K = np.array([0.0, 3.0, 50.0, 7.0, 120.0])
N = np.array([20.0, 40.0, 60.0, 7.0, 900.0])
ONES = np.ones((5, 1))


@pytest.mark.parametrize(
    ("mean", "tau", "tolerance"),
    [(-1.0, 0.3, 1e-9), (0.5, 1.5, 1e-9), (-3.0, 3.0, 1e-9), (1.0, 6.0, 1e-8), (0.0, 15.0, 1e-3)],
)
def test_likelihood_is_the_integral(mean, tau, tolerance):
    """Adaptive quadrature agrees with SciPy's integrator, study by study.

    At tau = 15, the largest allowed, a full study is a step in z: the hardest case.
    """
    for k, n in zip(K, N, strict=True):

        def log_integrand(z, k=k, n=n):
            at = mean + tau * z
            return k * at - n * np.logaddexp(0, at) + stats.norm.logpdf(z)

        def loss(z, f=log_integrand):
            return -f(z)

        peak = optimize.minimize_scalar(loss, bounds=(-8, 8), method="bounded").x
        top = log_integrand(peak)

        def scaled(z, f=log_integrand, top=top):
            return np.exp(f(z) - top)

        points = [peak + step for step in (-1, -0.1, 0, 0.1, 1)]
        area = integrate.quad(scaled, -15, 15, points=points, limit=500, epsabs=1e-13)[0]
        value, _ = log_likelihood(
            np.array([mean]), tau, np.array([k]), np.array([n]), np.ones((1, 1))
        )
        assert value == pytest.approx(top + math.log(area), abs=tolerance)


def test_gradient_is_the_derivative():
    theta = np.array([-0.7, 0.9])

    def value(t):
        return log_likelihood(t[:1], t[1], K, N, ONES, 41)[0]

    _, gradient = log_likelihood(theta[:1], theta[1], K, N, ONES, 61)
    numeric = optimize.approx_fprime(theta, value, 1e-6)
    assert gradient == pytest.approx(numeric, rel=1e-4, abs=1e-4)


def test_more_nodes_change_nothing():
    few = log_likelihood(np.array([-1.0]), 2.0, K, N, ONES, 61)[0]
    many = log_likelihood(np.array([-1.0]), 2.0, K, N, ONES, 151)[0]
    assert few == pytest.approx(many, abs=1e-9)


def test_likelihood_at_tau_zero_is_binomial():
    value, gradient = log_likelihood(np.array([-1.0]), 0.0, K, N, ONES)
    assert value == pytest.approx(float(np.sum(-K - N * np.log1p(math.exp(-1)))), rel=1e-12)
    assert gradient[1] == pytest.approx(0, abs=1e-9)


def test_homogeneous_fit_is_the_summed_rate():
    assert special.expit(homogeneous_beta(K, N, ONES)[0]) == pytest.approx(K.sum() / N.sum())


def test_fit_is_a_maximum():
    fit = fit_logit_normal(K, N, ONES)
    for step_mean, step_tau in [(0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)]:
        other, _ = log_likelihood(fit.beta + step_mean, fit.tau + step_tau, K, N, ONES)
        assert other < fit.log_likelihood
