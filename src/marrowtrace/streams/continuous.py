"""Exact draws from continuous laws, for use inside Numba kernels.

The first argument is the state of a stream (`marrowtrace.streams.init`). No draw is ever NaN: a
parameter outside its range has the result that each function states.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.streams.philox import fine_uniform, kernel, next_word, uniform

_LAYER_BITS = np.uint64(255)
_SIGN_BIT = np.uint64(256)
_DROP_11 = np.uint64(11)
_TO_UNIT = 2.0**-53
_BASE = 3.6541528853610088  # right edge of the base layer that makes 256 layers close at the top


def _ziggurat() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right edges of the layers, from the base to the top (0), and the heights of those edges.

    Every layer has the area of the base: its rectangle and the tail beyond it.
    """
    height = math.exp(-0.5 * _BASE * _BASE)
    area = _BASE * height + math.sqrt(0.5 * math.pi) * math.erfc(_BASE / math.sqrt(2.0))
    edges = [area / height, _BASE]
    for _ in range(254):
        height += area / edges[-1]
        edges.append(math.sqrt(-2.0 * math.log(height)))
    edges.append(0.0)
    return np.array(edges), np.exp(-0.5 * np.square(edges))


_EDGES, _HEIGHTS = _ziggurat()


@kernel
def exponential(rng: NDArray[np.uint64]) -> float:
    """Draw from the exponential law of mean 1, by inversion.

    Small values are as finely spaced as large ones, so P(draw < 1e-12) is right to 12 digits; the
    largest value is 36.7.
    """
    u = fine_uniform(rng)
    # log is four times as fast as log1p; above 1e-3 it is as good to 13 digits
    return -math.log(1.0 - u) if u > 1e-3 else -math.log1p(-u)


@kernel
def normal(rng: NDArray[np.uint64]) -> float:
    """Draw from the standard normal law.

    The ziggurat of Marsaglia and Tsang (2000), J. Stat. Softw. 5(8), with 256 layers; layer, sign
    and position come from separate bits of one 64-bit word.
    """
    while True:
        word = next_word(rng)
        layer = np.int64(word & _LAYER_BITS)
        sign = 1.0 if word & _SIGN_BIT else -1.0
        z: float = np.int64(word >> _DROP_11) * _TO_UNIT * _EDGES[layer]
        if z < _EDGES[layer + 1]:
            return sign * z
        if layer == 0:
            return sign * _normal_tail(rng)
        low = _HEIGHTS[layer]
        if low + uniform(rng) * (_HEIGHTS[layer + 1] - low) < math.exp(-0.5 * z * z):
            return sign * z


@kernel
def _normal_tail(rng: NDArray[np.uint64]) -> float:
    """Normal draw above the base layer (Marsaglia 1964, Technometrics 6:101-102)."""
    while True:
        beyond = exponential(rng) / _BASE
        if 2.0 * exponential(rng) > beyond * beyond:
            return _BASE + beyond


@kernel
def _log_acceptance(t: float) -> float:
    """Return log(1 + t) - t + t^2/2 - t^3/3, by its series where t is small."""
    if abs(t) > 0.1:
        return math.log1p(t) - t * (1.0 - t * (0.5 - t / 3.0))
    total = 0.0
    for power in range(16, 3, -1):
        total = 1.0 / power - t * total
    return -total * t * t * t * t


@kernel
def _gamma_from_one(rng: NDArray[np.uint64], shape: float) -> float:
    """Gamma draw of ``shape`` >= 1 and scale 1.

    Marsaglia and Tsang (2000), ACM Trans. Math. Softw. 26:363-372. With t = c x and 9 d c^2 = 1
    their log acceptance, x^2/2 + d (1 - v + log v), is 3 d (log(1+t) - t + t^2/2 - t^3/3), which
    does not cancel for large shapes.
    """
    d = shape - 1.0 / 3.0
    c = 1.0 / (3.0 * math.sqrt(d))
    while True:
        x = normal(rng)
        t = c * x
        if t <= -1.0:
            continue
        u = 1.0 - uniform(rng)
        if u < 1.0 - 0.0331 * x * x * x * x or math.log(u) < 3.0 * d * _log_acceptance(t):
            return d * (1.0 + t) ** 3


@kernel
def log_gamma(rng: NDArray[np.uint64], shape: float) -> float:
    """Draw the logarithm of a gamma variate of ``shape`` and scale 1.

    Shapes of 1e-12 give logarithms near -1e12, whose exponential would be 0. A shape that is not
    above 0 gives minus infinity.
    """
    if not shape > 0.0:
        return -math.inf
    if shape >= 1.0:
        return math.log(_gamma_from_one(rng, shape))
    return math.log(_gamma_from_one(rng, shape + 1.0)) - exponential(rng) / shape


@kernel
def gamma(rng: NDArray[np.uint64], shape: float) -> float:
    """Draw from the gamma law of ``shape`` and scale 1 (mean and variance = shape).

    Exact for shapes up to 1e15. Below 1 a draw may be smaller than the smallest double, and is
    then 0; `log_gamma` keeps it. A shape that is not above 0 gives 0.
    """
    if shape >= 1.0:
        return _gamma_from_one(rng, shape)
    return math.exp(log_gamma(rng, shape))


@kernel
def beta(rng: NDArray[np.uint64], a: float, b: float) -> float:
    """Draw from the beta law of shapes ``a`` and ``b``, as a ratio of gamma variates.

    A value within 1e-16 of 1 is 1. An ``a`` that is not above 0 gives 0; otherwise a ``b`` that
    is not above 0, or an infinite ``a``, gives 1.
    """
    if not a > 0.0:
        return 0.0
    if not b > 0.0 or a == math.inf:
        return 1.0
    if a >= 1.0 and b >= 1.0:
        x = _gamma_from_one(rng, a)
        return x / (x + _gamma_from_one(rng, b))
    log_a, log_b = log_gamma(rng, a), log_gamma(rng, b)
    if log_a == log_b:  # both minus infinity: shapes below 1e-306, whose beta law is a coin
        return 1.0 if uniform(rng) < a / (a + b) else 0.0
    log_odds = log_a - log_b
    if log_odds > 0.0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)
