r"""Binomial-normal model of detection rates, fitted by maximum likelihood.

Study i finds :math:`k_i` positive among :math:`n_i` with
:math:`k_i \sim \mathrm{Bin}(n_i, \mathrm{logit}^{-1}(x_i^\top\beta + \tau z_i))`,
:math:`z_i \sim N(0,1)`. No study needs a correction for a zero or a full cell. The integral over
:math:`z_i` is taken by adaptive quadrature: the trapezium rule after
:math:`z = m + w\sinh u`, with m the mode of the integrand and w its width from the curvature there.
The integrand is log-concave with curvature 1 or more, so 8 units either side of m hold it all; the
rule stays exact both for a study of a million patients (a spike) and for one that is empty or full
under a large :math:`\tau` (a step), where Gauss-Hermite nodes about the mode fail.
The model is that of Stijnen, Hamza and Ozdemir 2010 (Stat. Med. 29:3046-3067).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import optimize, special

from marrowtrace.evidence.heterogeneity import Floats

NODES = 61
_REACH = 8.0
_MODE_STEPS = 100
LARGEST_TAU = 15.0
"""A likelihood that still rises here has no finite estimate of tau."""

_LARGEST_LOGIT = 25.0
_OPTIMISERS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "TNC": {"ftol": 1e-15, "gtol": 1e-9, "maxfun": 2000},
        "L-BFGS-B": {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
    }
)
_INNER_TAU = (0.05, 5.0)  # between these an optimum by TNC is taken
_STEP = 1e-4  # of the numerical second derivatives


@dataclass(frozen=True, eq=False)
class LogitNormalFit:
    """Maximum-likelihood fit of the binomial-normal model.

    Parameters
    ----------
    beta, se : ndarray, shape (p,)
        Coefficients on the logit scale.
    covariance : ndarray, shape (p, p)
        From the observed information of coefficients and tau together.
    tau : float
        Standard deviation between studies on the logit scale.
    log_likelihood : float
        Without the binomial coefficients.
    log_likelihood_homogeneous, log_likelihood_saturated : float
        At tau = 0, and with every study at its own rate.
    separated : bool
        The likelihood rises without end: some coefficient has no finite estimate.
    unbounded : bool
        The same for tau, which is then `LARGEST_TAU`.
    """

    beta: Floats
    se: Floats
    covariance: Floats
    tau: float
    log_likelihood: float
    log_likelihood_homogeneous: float
    log_likelihood_saturated: float
    separated: bool
    unbounded: bool


def fit_logit_normal(k: Floats, n: Floats, x: Floats) -> LogitNormalFit:
    """Fit the binomial-normal model to checked arrays.

    Parameters
    ----------
    k, n : ndarray of float, shape (studies,)
        Positive and examined.
    x : ndarray, shape (studies, p)
        Design of full rank with a column of ones.

    Returns
    -------
    LogitNormalFit
    """
    p = x.shape[1]

    def loss(theta: Floats) -> tuple[float, Floats]:
        value, gradient = log_likelihood(theta[:p], float(theta[p]), k, n, x)
        return -value, -gradient

    beta0 = homogeneous_beta(k, n, x)
    flat, _ = log_likelihood(beta0, 0.0, k, n, x)
    rough = float(np.std(special.logit((k + 0.5) / (n + 1))))
    bounds = [(-_LARGEST_LOGIT, _LARGEST_LOGIT)] * p + [(0.0, LARGEST_TAU)]
    best = np.append(beta0, 0.0)
    best_value = flat
    # a second mode is a matter of few studies
    for start in (max(0.05, rough), 0.1) if k.size < 100 else (max(0.05, rough),):
        # TNC is quick, but where tau is small it steps onto 0 and stays: then the slow way
        for method, options in _OPTIMISERS.items():
            found = optimize.minimize(
                loss,
                np.append(beta0, start),
                jac=True,
                method=method,
                bounds=bounds,
                options=dict(options),
            )
            if _INNER_TAU[0] < found.x[p] < _INNER_TAU[1]:
                break
        if -found.fun > best_value + 1e-10:
            best_value, best = -float(found.fun), np.asarray(found.x, dtype=np.float64)
    best = _polish(best, k, n, x)
    tau = float(best[p])
    unbounded = tau > 0.99 * LARGEST_TAU
    size = p if unbounded or tau == 0 else p + 1
    covariance = np.linalg.pinv(_information(best, k, n, x)[:size, :size])[:p, :p]
    rate = k / n
    saturated = float(np.sum(special.xlogy(k, rate) + special.xlogy(n - k, 1 - rate)))
    return LogitNormalFit(
        beta=best[:p],
        se=np.sqrt(np.diag(covariance)),
        covariance=np.asarray(covariance, dtype=np.float64),
        tau=tau,
        log_likelihood=log_likelihood(best[:p], tau, k, n, x)[0],
        log_likelihood_homogeneous=flat,
        log_likelihood_saturated=saturated,
        separated=bool(np.any(np.abs(x @ best[:p]) > 0.6 * _LARGEST_LOGIT)),
        unbounded=unbounded,
    )


def log_likelihood(
    beta: Floats, tau: float, k: Floats, n: Floats, x: Floats, nodes: int = NODES
) -> tuple[float, Floats]:
    """Marginal log-likelihood and its gradient in (beta, tau), by adaptive quadrature.

    Parameters
    ----------
    beta : ndarray, shape (p,)
    tau : float
        At least 0.
    k, n : ndarray, shape (studies,)
    x : ndarray, shape (studies, p)
    nodes : int
        Quadrature points for each study.

    Returns
    -------
    value : float
        Without the binomial coefficients.
    gradient : ndarray, shape (p + 1,)
    """
    eta = x @ beta
    mode, width = _mode(eta, tau, k, n)
    ends = np.arcsinh(_REACH / width)
    u = ends[:, None] * np.linspace(-1, 1, nodes)
    z = mode[:, None] + width[:, None] * np.sinh(u)
    at = eta[:, None] + tau * z
    logs = k[:, None] * at - n[:, None] * np.logaddexp(0, at) - z**2 / 2
    spacing = 2 * ends / (nodes - 1)
    logs += (np.log(width * spacing) - 0.5 * np.log(2 * np.pi))[:, None] + np.log(np.cosh(u))
    per_study = special.logsumexp(logs, axis=1)
    posterior = np.exp(logs - per_study[:, None])
    residual = k[:, None] - n[:, None] * special.expit(at)
    gradient_beta = x.T @ np.sum(posterior * residual, axis=1)
    gradient_tau = float(np.sum(posterior * residual * z))
    return float(per_study.sum()), np.append(gradient_beta, gradient_tau)


def _mode(eta: Floats, tau: float, k: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Mode in z of each study's integrand, by damped Newton steps, and its width there."""
    mode = np.zeros_like(eta)
    for _ in range(_MODE_STEPS):
        rate = special.expit(eta + tau * mode)
        step = (tau * (k - n * rate) - mode) / (1 + tau**2 * n * rate * (1 - rate))
        step = np.clip(step, -0.5, 0.5)
        mode = mode + step
        if np.max(np.abs(step)) < 1e-8:
            break
    rate = special.expit(eta + tau * mode)
    return mode, 1 / np.sqrt(1 + tau**2 * n * rate * (1 - rate))


def homogeneous_beta(k: Floats, n: Floats, x: Floats) -> Floats:
    """Logistic regression without a study effect, by iterated least squares."""
    beta = np.asarray(
        np.linalg.lstsq(x, special.logit((k + 0.5) / (n + 1)), rcond=None)[0], dtype=np.float64
    )
    for _ in range(100):
        rate = special.expit(x @ beta)
        weight = n * rate * (1 - rate) + 1e-300
        step = np.linalg.lstsq((x.T * weight) @ x, x.T @ (k - n * rate), rcond=None)[0]
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.max(np.abs(step)) < 1e-12 or np.max(np.abs(beta)) > _LARGEST_LOGIT:
            break
    return np.clip(beta, -_LARGEST_LOGIT, _LARGEST_LOGIT)


def tau_interval(
    fit: LogitNormalFit, k: Floats, n: Floats, x: Floats, level: float
) -> tuple[float, float]:
    """Profile-likelihood interval of tau; the lower end is 0 where that is not excluded."""
    drop = float(special.chdtri(1, 1 - level)) / 2
    p = x.shape[1]

    def profile(tau: float) -> float:
        def loss(beta: Floats) -> tuple[float, Floats]:
            value, gradient = log_likelihood(beta, tau, k, n, x)
            return -value, -gradient[:p]

        found = optimize.minimize(
            loss, fit.beta, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 200}
        )
        # on this scale the profile is all but a straight line either side of the estimate
        return math.sqrt(drop) - math.sqrt(max(0.0, fit.log_likelihood + float(found.fun)))

    low = 0.0
    if fit.tau > 0 and profile(0.0) < 0:
        low = float(optimize.brentq(profile, 0.0, fit.tau, xtol=1e-6))
    high = max(1.3 * fit.tau, 0.3)
    while profile(high) > 0:
        if high >= LARGEST_TAU:
            return low, math.inf
        high = min(2 * high, LARGEST_TAU)
    return low, float(optimize.brentq(profile, fit.tau, high, xtol=1e-6))


def _polish(theta: Floats, k: Floats, n: Floats, x: Floats) -> Floats:
    """A few Newton steps on the gradient, kept only while they climb."""
    p = x.shape[1]
    free = p + 1 if theta[p] > 1e-4 else p
    if free == p:
        theta = np.append(theta[:p], 0.0)
    value, gradient = log_likelihood(theta[:p], float(theta[p]), k, n, x)
    for _ in range(5):
        information = _information(theta, k, n, x)[:free, :free]
        step = np.linalg.lstsq(information, gradient[:free], rcond=None)[0]
        trial = theta.copy()
        trial[:free] += step
        if not 0 <= trial[p] <= LARGEST_TAU or np.max(np.abs(step)) > 1:
            break
        new, new_gradient = log_likelihood(trial[:p], float(trial[p]), k, n, x)
        if new < value - 1e-12:
            break
        theta, value, gradient = trial, new, new_gradient
        if np.max(np.abs(step)) < 1e-11:
            break
    return theta


def _information(theta: Floats, k: Floats, n: Floats, x: Floats) -> Floats:
    """Observed information of (beta, tau), from central differences of the gradient."""
    size = theta.size
    matrix = np.zeros((size, size))
    for j in range(size):
        shift = np.zeros(size)
        shift[j] = _STEP
        _, above = log_likelihood((theta + shift)[:-1], float(theta[-1] + shift[-1]), k, n, x)
        _, below = log_likelihood((theta - shift)[:-1], float(theta[-1] - shift[-1]), k, n, x)
        matrix[j] = -(above - below) / (2 * _STEP)
    return (matrix + matrix.T) / 2
