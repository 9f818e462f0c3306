r"""The gamma-Poisson (negative binomial) law of rare-cell counts, and its maximum likelihood.

A patient's concentration is gamma with mean c and shape :math:`\theta`, the count in the amount a
is Poisson around it; so counts are negative binomial with mean :math:`\mu = ca` and variance
:math:`\mu + \mu^2/\theta` (Greenwood and Yule 1920, J. R. Stat. Soc. 83:255-279; remembered, not
verified). With :math:`p = \theta/(\theta+\mu)`, :math:`P(X < t) = I_p(\theta, t)`, the regularised
incomplete beta function. :math:`\theta = \infty` is the Poisson law. A recovery below 1 thins the
mean and leaves :math:`\theta` as it is.

The fit maximises over c for each theta (the score in log c falls steadily, so its root is the
maximum), and over theta by a scan of the profile likelihood and bisection of its slope. It works on
many data sets at once, for the bootstrap.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from marrowtrace.enumeration.counts import Floats, check_arguments

SMALLEST_THETA = 1e-4
LARGEST_THETA = 1e5  # times the mean count if above 1; beyond it the law is Poisson to the eye
_SCAN, _HALVINGS, _NEWTON = 32, 44, 60
_LARGE = 1e3


def probability_below(threshold: ArrayLike, mean: ArrayLike, theta: ArrayLike) -> Floats:
    """Probability of fewer than ``threshold`` cells.

    Parameters
    ----------
    threshold : array_like of int
        At least 1.
    mean : array_like of float
        Expected cells, >= 0.
    theta : array_like of float
        Shape, above 0; infinity for Poisson.

    Returns
    -------
    ndarray of float
        Of the shape the arguments broadcast to.

    Examples
    --------
    >>> round(float(probability_below(1, 3.0, np.inf)), 4), round(math.exp(-3), 4)
    (0.0498, 0.0498)
    """
    t, mu, shape = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (threshold, mean, theta))
    )
    poisson = np.isinf(shape)
    finite = np.where(poisson, 1.0, shape)
    p, q = finite / (finite + mu), mu / (finite + mu)
    mixed = np.where(q < p, special.betaincc(t, finite, q), special.betainc(finite, t, p))
    return np.asarray(np.where(poisson, special.gammaincc(t, mu), mixed))


def probability_at_least(threshold: ArrayLike, mean: ArrayLike, theta: ArrayLike) -> Floats:
    """Probability of ``threshold`` cells or more; arguments as for `probability_below`."""
    t, mu, shape = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (threshold, mean, theta))
    )
    poisson = np.isinf(shape)
    finite = np.where(poisson, 1.0, shape)
    p, q = finite / (finite + mu), mu / (finite + mu)
    mixed = np.where(q < p, special.betainc(t, finite, q), special.betaincc(finite, t, p))
    return np.asarray(np.where(poisson, special.gammainc(t, mu), mixed))


def mean_for(threshold: int, probability: float, theta: float) -> float:
    """Mean at which ``threshold`` cells or more are found with ``probability``.

    Raises
    ------
    ParameterError
        If an argument is outside its range.
    """
    check_arguments(
        "the mean for a wanted probability",
        ("threshold", threshold, "whole numbers from 1"),
        ("probability", probability, "from 0, below 1"),
        ("theta", theta, "above 0"),
    )
    if math.isinf(theta):
        return float(special.gammaincinv(threshold, probability))
    q = float(special.betaincinv(threshold, theta, probability))
    p = float(special.betainccinv(theta, threshold, probability))
    return theta * q / p if p > 0 else math.inf


def log_likelihood(counts: Floats, means: Floats, theta: ArrayLike) -> Floats:
    """Log-likelihood of counts, summed over the last axis.

    Parameters
    ----------
    counts, means : ndarray of float, shape (..., n)
    theta : array_like of float, shape (...)
    """
    shape = np.asarray(theta, dtype=np.float64)[..., np.newaxis]
    poisson = np.isinf(shape)
    s = np.where(poisson, 1.0, shape)
    y = np.maximum(counts, 1.0)
    log_means = np.log(np.maximum(means, 5e-324))
    if s.max() < _LARGE:
        rising = special.gammaln(y + s) - special.gammaln(s)
    else:  # the difference would lose its digits
        rising = special.gammaln(y) - special.betaln(y, s)
    rising = np.where(counts > 0, rising, 0.0)
    mixed = rising + counts * (log_means - np.log(s + means)) - s * np.log1p(means / s)
    plain = counts * log_means - means
    return np.asarray((np.where(poisson, plain, mixed) - special.gammaln(counts + 1)).sum(axis=-1))


def mean_given_theta(counts: Floats, amounts: Floats, theta: Floats, start: Floats) -> Floats:
    """Maximum-likelihood mean concentration of each data set at a given theta.

    Parameters
    ----------
    counts : ndarray of float, shape (sets, n)
        At least one above 0 in each set.
    amounts : ndarray of float, shape (n,)
    theta, start : ndarray of float, shape (sets,)
        Shape, and where to start.
    """
    shape = theta[:, np.newaxis]
    log_c = np.log(start)
    for _ in range(_NEWTON):
        mu = np.exp(log_c)[:, np.newaxis] * amounts
        weight = shape / (shape + mu)
        score = (weight * (counts - mu)).sum(axis=1)
        slope = (weight * mu * (shape + counts) / (shape + mu)).sum(axis=1)
        step = np.clip(score / slope, -1.0, 1.0)
        log_c = log_c + step
        if np.abs(step).max() < 1e-12:
            break
    return np.asarray(np.exp(log_c))


def fit(counts: Floats, amounts: Floats) -> tuple[Floats, Floats]:
    """Maximum-likelihood mean concentration and shape of each data set.

    Parameters
    ----------
    counts : ndarray of float, shape (sets, n)
    amounts : ndarray of float, shape (n,)

    Returns
    -------
    mean : ndarray of float, shape (sets,)
        Cells per unit of amount.
    theta : ndarray of float, shape (sets,)
        Infinity where the counts spread no more than Poisson's; NaN where all are 0.
    """
    mean = counts.sum(axis=1) / amounts.sum()
    theta = np.full(mean.shape, np.nan)
    some = mean > 0
    if not some.any():
        return mean, theta
    y, start = counts[some], mean[some]
    scan = _scan(start * amounts.mean())
    best = log_likelihood(y, start[:, np.newaxis] * amounts, np.full(start.shape, np.inf))
    position, c = np.full(start.shape, -1), start
    for k in range(_SCAN):
        c = mean_given_theta(y, amounts, np.exp(scan[k]), c)
        value = log_likelihood(y, c[:, np.newaxis] * amounts, np.exp(scan[k]))
        position = np.where(value > best, k, position)
        best = np.maximum(best, value)
    found, inner = np.full(start.shape, np.inf), (position >= 0) & (position < _SCAN - 1)
    if inner.any():
        at, column = position[inner], np.flatnonzero(inner)
        low, high = scan[np.maximum(at - 1, 0), column], scan[at + 1, column]
        y_in, c = y[inner], start[inner]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            c = mean_given_theta(y_in, amounts, np.exp(middle), c)
            rising = theta_score(y_in, c[:, np.newaxis] * amounts, np.exp(middle)) > 0
            low, high = np.where(rising, middle, low), np.where(rising, high, middle)
        found[inner] = np.exp((low + high) / 2)
        start = start.copy()
        start[inner] = c
    theta[some], mean[some] = found, start
    return mean, theta


def theta_given_mean(counts: Floats, means: Floats) -> float:
    """Maximum-likelihood shape of one data set at given means; infinity for Poisson."""
    y, mu = counts[np.newaxis], means[np.newaxis]
    scan = _scan(np.array([means.mean()]))[:, 0]
    values = [float(log_likelihood(y, mu, np.array([math.exp(s)]))[0]) for s in scan]
    at = int(np.argmax(values))
    if at == _SCAN - 1 or float(log_likelihood(y, mu, np.array([np.inf]))[0]) >= values[at]:
        return math.inf
    low, high = scan[max(at - 1, 0)], scan[at + 1]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if theta_score(y, mu, np.array([math.exp(middle)]))[0] > 0:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def theta_score(counts: Floats, means: Floats, theta: Floats) -> Floats:
    """Slope of the log-likelihood in theta, summed over the last axis."""
    shape = theta[:, np.newaxis]
    terms = (
        special.psi(counts + shape)
        - special.psi(shape)
        - np.log1p(means / shape)
        + (means - counts) / (shape + means)
    )
    return np.asarray(terms.sum(axis=-1))


def draw(rng: np.random.Generator, means: Floats, theta: float, sets: int) -> Floats:
    """Draw data sets of gamma-Poisson counts, shape (sets, n)."""
    burden = np.ones((sets, means.size))
    if math.isfinite(theta):
        burden = rng.gamma(theta, 1 / theta, burden.shape)
    return rng.poisson(burden * means).astype(np.float64)


def _scan(mean_count: Floats) -> Floats:
    """Values of log theta to look at, shape (_SCAN, sets)."""
    top = np.log(LARGEST_THETA * np.maximum(mean_count, 1.0))
    return np.asarray(np.linspace(math.log(SMALLEST_THETA), top, _SCAN))
