r"""The exponential integral inside compiled code, where SciPy cannot be called.

.. math:: E_1(x) = \int_x^\infty \frac{e^{-u}}{u}\,du .

The power series serves below 2, a continued fraction above (Abramowitz and Stegun 1964, Handbook
of Mathematical Functions, 5.1.11 and 5.1.22), evaluated from its end with a number of terms that
grows as x falls to 2.
"""

from __future__ import annotations

import math

from marrowtrace.streams import kernel

EULER_GAMMA = 0.577215664901532860606512090082


@kernel
def exp1(x: float) -> float:
    """Return E1(x) to a relative error below 2e-14.

    ``x`` = 0 gives infinity, infinity gives 0, and a negative ``x`` gives NaN.
    """
    if x <= 0.0:
        return math.inf if x == 0.0 else math.nan
    if x > 740.0:  # exp(-x) is below the smallest double
        return 0.0
    if x < 2.0:
        total = x
        term = x
        k = 1.0
        while term > 1e-17 * x:
            k += 1.0
            term *= x / k
            step = term / k
            total += step if k % 2.0 == 1.0 else -step
        return -EULER_GAMMA - math.log(x) + total
    return math.exp(-x) * _scaled_tail(x)


@kernel
def _scaled_tail(x: float) -> float:
    """Continued fraction of exp(x) E1(x) for x >= 2."""
    terms = int(6.0 + 76.0 / x)
    tail = 0.0
    for k in range(terms, 0, -1):
        tail = k * k / (x + 2.0 * k + 1.0 - tail)
    return 1.0 / (x + 1.0 - tail)


@kernel
def exp1_between(low: float, high: float) -> float:
    """Return E1(low) - E1(high) for 0 < low <= high, without cancellation where they are near."""
    width = high - low
    if width <= 0.0:
        return 0.0
    if width > 0.3 * low or width > 0.5:
        return exp1(low) - exp1(high)
    # Gauss-Legendre with eight points on exp(-u)/u
    middle = 0.5 * (low + high)
    half = 0.5 * width
    total = 0.0
    for node, weight in _GAUSS:
        total += weight * (
            math.exp(-(middle - half * node)) / (middle - half * node)
            + math.exp(-(middle + half * node)) / (middle + half * node)
        )
    return half * total


_GAUSS = (
    (0.18343464249564980, 0.36268378337836198),
    (0.52553240991632899, 0.31370664587788729),
    (0.79666647741362674, 0.22238103445337447),
    (0.96028985649753623, 0.10122853629037626),
)
