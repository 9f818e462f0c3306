r"""Poisson and binomial probabilities that stay accurate at counts of 1e13.

Differences of log-gamma functions lose all their digits at large counts. Loader (2000), "Fast and
accurate computation of binomial probabilities", writes the same probability by two terms that do
not cancel, the error of Stirling's formula and the deviance

.. math:: D(x, m) = x\log(x/m) + m - x .
"""

from __future__ import annotations

import math

from marrowtrace.streams.philox import kernel

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@kernel
def stirling_error(n: float) -> float:
    r"""Return :math:`\log n! - \log(\sqrt{2\pi n}\,(n/e)^n)` for n > 0."""
    if n < 16.0:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - _HALF_LOG_2PI
    x = 1.0 / n
    y = x * x
    # Stirling's series; the first term left out is below 1.1e-16 at n = 16
    return x * (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188))))


@kernel
def deviance(x: float, m: float) -> float:
    r"""Return :math:`x\log(x/m) + m - x` for x >= 0 and m > 0, by a series where x is near m."""
    if x == 0.0:
        return m
    difference = x - m
    if abs(difference) >= 0.1 * (x + m):
        return x * math.log(x / m) - difference
    v = difference / (x + m)
    total = difference * v
    term = 2.0 * x * v
    odd = 3.0
    while True:
        term *= v * v
        larger = total + term / odd
        if larger == total:
            return total
        total = larger
        odd += 2.0


@kernel
def poisson_log_pmf(k: float, mean: float) -> float:
    """Log probability of ``k`` (whole, >= 0) under a Poisson law of ``mean`` > 0."""
    if k == 0.0:
        return -mean
    return -stirling_error(k) - deviance(k, mean) - 0.5 * math.log(k) - _HALF_LOG_2PI


@kernel
def binomial_log_pmf(k: float, n: float, p: float) -> float:
    """Log probability of ``k`` in 0..n under a binomial law of ``n`` trials, 0 < p < 1."""
    if k == 0.0:
        return n * math.log1p(-p)
    if k == n:
        return n * math.log(p)
    rest = n - k
    saddle = stirling_error(n) - stirling_error(k) - stirling_error(rest)
    saddle -= deviance(k, n * p) + deviance(rest, n * (1.0 - p))
    return saddle - 0.5 * math.log(k * (rest / n)) - _HALF_LOG_2PI
