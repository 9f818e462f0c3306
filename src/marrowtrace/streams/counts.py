"""Exact draws from laws on whole numbers, for use inside Numba kernels.

Counts are float64 that hold whole numbers, exact to 2**53 (9e15): populations reach 1e13 and meet
real-valued rates at every step. No normal approximation is used at any size.

Small means are drawn by inversion, walking up the survival function from P(N >= 1), which is
computed without cancellation, so a mean of 1e-12 is as exact as a mean of 5; larger means by
Hoermann's transformed rejection with the probabilities of `marrowtrace.streams.saddlepoint`.

No draw is ever NaN: a parameter outside its range has the result that each function states.

Rounding down is `numpy.floor`: in a kernel `math.floor` gives an int64, which overflows above 9e18.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.streams.continuous import exponential, gamma, log_gamma
from marrowtrace.streams.philox import fine_uniform, kernel, uniform
from marrowtrace.streams.saddlepoint import binomial_log_pmf, poisson_log_pmf

INVERSION_BELOW = 10.0
"""Means below this are drawn by inversion; the rejection methods are proven from 10 on."""

_NEGLIGIBLE = 1e-22  # a step of the survival function that can no longer change it
_BEYOND_DOUBLES = 1e33  # means whose standard deviation is below the spacing of doubles


@kernel
def bernoulli(rng: NDArray[np.uint64], p: float) -> bool:
    """Draw whether an event of probability ``p`` happens; p <= 0 or NaN never, p >= 1 always."""
    return fine_uniform(rng) < p


@kernel
def geometric(rng: NDArray[np.uint64], p: float) -> float:
    """Draw the number of trials up to and with the first success, 1, 2, ..., by inversion.

    ``p >= 1`` gives 1; ``p <= 0`` or NaN gives infinity.
    """
    if p >= 1.0:
        return 1.0
    if not p > 0.0:
        return math.inf
    return 1.0 + float(np.floor(exponential(rng) / -math.log1p(-p)))


@kernel
def _poisson_by_inversion(rng: NDArray[np.uint64], mean: float) -> float:
    """Poisson draw for means below 10."""
    u = fine_uniform(rng)
    if u > mean:  # P(N >= 1) < mean, so most draws of a small mean end here
        return 0.0
    step = math.exp(-mean)
    survival = 1.0 - step if mean > 0.01 else -math.expm1(-mean)
    k = 0.0
    while u < survival:
        k += 1.0
        step *= mean / k
        survival -= step
        if step < _NEGLIGIBLE:
            break
    return k


@kernel
def _poisson_by_rejection(rng: NDArray[np.uint64], mean: float) -> float:
    """Poisson draw for means of 10 and more.

    Algorithm PTRS of Hoermann (1993), Insurance: Mathematics and Economics 12:39-45.
    """
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    inner = 0.9277 - 3.6224 / (b - 2.0)
    whole = float(np.floor(mean))
    shift = mean - whole + 0.43
    while True:
        u = uniform(rng) - 0.5
        v = 1.0 - uniform(rng)
        edge = 0.5 - abs(u)
        if edge <= 0.0:
            continue
        k = whole + float(np.floor((2.0 * a / edge + b) * u + shift))
        if edge >= 0.07 and v <= inner:
            return k
        if k < 0.0 or (edge < 0.013 and v > edge):
            continue
        hat = inverse_alpha / (a / (edge * edge) + b)
        if math.log(v * hat) <= poisson_log_pmf(k, mean):
            return k


@kernel
def poisson(rng: NDArray[np.uint64], mean: float) -> float:
    """Draw from the Poisson law of ``mean``.

    A mean that is not above 0 gives 0. Above 1e33 the draw is the mean, as it is to the last digit
    of a double.
    """
    if not mean > 0.0:
        return 0.0
    if mean < INVERSION_BELOW:
        return _poisson_by_inversion(rng, mean)
    if mean > _BEYOND_DOUBLES:
        return mean
    return _poisson_by_rejection(rng, mean)


@kernel
def _binomial_by_inversion(rng: NDArray[np.uint64], n: float, p: float) -> float:
    """Binomial draw for p <= 1/2 and n p < 10."""
    u = fine_uniform(rng)
    if u > n * p:  # P(N >= 1) <= n p
        return 0.0
    log_none = n * math.log1p(-p)
    step = math.exp(log_none)
    survival = 1.0 - step if log_none < -0.01 else -math.expm1(log_none)
    odds = p / (1.0 - p)
    k = 0.0
    while u < survival and k < n:
        step *= odds * (n - k) / (k + 1.0)
        k += 1.0
        survival -= step
        if step < _NEGLIGIBLE:
            break
    return k


@kernel
def _binomial_by_rejection(rng: NDArray[np.uint64], n: float, p: float) -> float:
    """Binomial draw for p <= 1/2 and n p >= 10.

    Algorithm BTRS of Hoermann (1993), J. Statist. Comput. Simul. 46:101-110.
    """
    mean = n * p
    spread = math.sqrt(mean * (1.0 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    inner = 0.92 - 4.2 / b
    alpha = (2.83 + 5.1 / b) * spread
    whole = float(np.floor(mean))
    shift = mean - whole + 0.5
    at_mode = binomial_log_pmf(np.floor((n + 1.0) * p), n, p)
    while True:
        u = uniform(rng) - 0.5
        v = 1.0 - uniform(rng)
        edge = 0.5 - abs(u)
        if edge <= 0.0:
            continue
        k = whole + float(np.floor((2.0 * a / edge + b) * u + shift))
        if edge >= 0.07 and v <= inner:
            return k
        if k < 0.0 or k > n:
            continue
        hat = alpha / (a / (edge * edge) + b)
        if math.log(v * hat) <= binomial_log_pmf(k, n, p) - at_mode:
            return k


@kernel
def binomial(rng: NDArray[np.uint64], n: float, p: float) -> float:
    """Draw the number of successes in ``n`` trials (a whole number) of probability ``p``.

    An n or p that is not above 0 gives 0; p >= 1 or an infinite n gives n.
    """
    if not (n > 0.0 and p > 0.0):
        return 0.0
    if p >= 1.0 or n == math.inf:
        return n
    smaller = min(p, 1.0 - p)
    if n * smaller < INVERSION_BELOW:
        k = _binomial_by_inversion(rng, n, smaller)
    elif n * smaller > _BEYOND_DOUBLES:
        k = n * smaller
    else:
        k = _binomial_by_rejection(rng, n, smaller)
    return k if p <= 0.5 else n - k


@kernel
def negative_binomial(rng: NDArray[np.uint64], size: float, mean: float) -> float:
    """Draw from the negative binomial law of real ``size`` and ``mean``.

    The law of a Poisson count whose mean is gamma distributed with that size as its shape:
    variance = mean + mean^2 / size, P(0) = (1 + mean/size)^-size. For ``size`` = 1 it is the
    number of failures before a success of probability 1 / (1 + mean). A size or mean that is not
    above 0 gives 0; an infinite size gives the Poisson law.
    """
    if not (size > 0.0 and mean > 0.0):
        return 0.0
    if size == math.inf or mean == math.inf:
        return poisson(rng, mean)
    if size >= 1.0:
        return poisson(rng, gamma(rng, size) * (mean / size))
    log_rate = log_gamma(rng, size) + math.log(mean) - math.log(size)
    return poisson(rng, math.exp(min(log_rate, 700.0)))


@kernel
def multinomial(
    rng: NDArray[np.uint64], n: float, weights: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Share ``n`` among cells in proportion to ``weights``, writing the counts to ``out``.

    Weights need not sum to 1; one that is not above 0 gets nothing, and if none is, or n is not
    above 0, every count is 0. ``out`` must not be ``weights``.

    Parameters
    ----------
    rng : ndarray of uint64
    n : float
        Whole number to share.
    weights, out : ndarray of float64, shape (k,)
    """
    total = 0.0
    for cell in range(weights.size - 1, -1, -1):  # out holds the sums from here to the end
        if weights[cell] > 0.0:
            total += weights[cell]
        out[cell] = total
    left = n if n > 0.0 else 0.0
    for cell in range(weights.size):
        drawn = binomial(rng, left, weights[cell] / out[cell]) if weights[cell] > 0.0 else 0.0
        out[cell] = drawn
        left -= drawn
