r"""Gompertz growth with an exponential beginning (Gomp-ex), in closed form.

A tumour of N cells grows at the relative rate :math:`\beta\log(K/N)`, but below a corner
:math:`N_c` at the constant rate :math:`r_0=\beta\log(K/N_c)`, since the Gompertz law alone would
let a single cell divide faster than any cell can. Gompertz growth of breast tumours follows Norton
(1988, Cancer Res. 48:7067-7071; remembered, not verified).

Everything is in :math:`x=\log N`. With :math:`u=\log K-x`, above the corner
:math:`u(t)=u(0)e^{-\beta t}`. What a tumour sheds scales as :math:`N^\gamma`, whose integral over
time is, above and below the corner,

.. math::
   \int N^\gamma dt = \frac{K^\gamma}{\beta}\,[E_1(\gamma u_2)-E_1(\gamma u_1)],
   \qquad \frac{N_2^\gamma-N_1^\gamma}{\gamma r_0} .

The three scalars ``rate`` (:math:`\beta`, 1/day), ``log_plateau`` (:math:`\log K`) and
``log_corner`` (:math:`\log N_c`) describe the growth everywhere.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.exponential_integral import exp1_between
from marrowtrace.streams import kernel, uniform


@kernel
def growth_rate(log_size: float, rate: float, log_plateau: float, log_corner: float) -> float:
    """Return the relative growth rate [1/day] at ``log_size``; 0 at the plateau."""
    return rate * (log_plateau - max(log_size, log_corner))


@kernel
def log_size_at(
    log_size: float, time: float, rate: float, log_plateau: float, log_corner: float
) -> float:
    """Return the log size ``time`` days after ``log_size``; a negative ``time`` looks back."""
    slope = rate * (log_plateau - log_corner)
    if slope <= 0.0:
        return log_size
    if log_size <= log_corner:
        to_corner = (log_corner - log_size) / slope
        if time <= to_corner:
            return log_size + slope * time
        return log_plateau - (log_plateau - log_corner) * math.exp(-rate * (time - to_corner))
    room = log_plateau - log_size
    if time < 0.0 and room > 0.0:
        since_corner = math.log((log_plateau - log_corner) / room) / rate
        if -time > since_corner:
            return log_corner + slope * (time + since_corner)
    return log_plateau - room * math.exp(-rate * time)


@kernel
def time_between(
    log_from: float, log_to: float, rate: float, log_plateau: float, log_corner: float
) -> float:
    """Return the time [day] from ``log_from`` to ``log_to``.

    Negative if the first is larger; infinity if ``log_to`` is not below the plateau.
    """
    if log_to == log_from:
        return 0.0
    if log_to < log_from:
        return -time_between_rising(log_to, log_from, rate, log_plateau, log_corner)
    return time_between_rising(log_from, log_to, rate, log_plateau, log_corner)


@kernel
def time_between_rising(
    log_from: float, log_to: float, rate: float, log_plateau: float, log_corner: float
) -> float:
    """Return the time [day] from ``log_from`` up to ``log_to``."""
    slope = rate * (log_plateau - log_corner)
    if slope <= 0.0 or (log_to >= log_plateau and log_to > log_corner):
        return math.inf
    time = 0.0
    start = log_from
    if start < log_corner:
        time = (min(log_to, log_corner) - start) / slope
        start = log_corner
    if log_to > start:
        time += math.log((log_plateau - start) / (log_plateau - log_to)) / rate
    return time


@kernel
def power_integral(
    power: float,
    log_from: float,
    log_to: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
) -> float:
    """Return the integral of N^power over the time of growth from ``log_from`` to ``log_to``.

    Parameters
    ----------
    power : float
        >= 0; at 0 the integral is the time [day].
    log_from, log_to : float
        ``log_from`` = minus infinity is allowed for a power above 0. No growth gives 0.
    rate, log_plateau, log_corner : float

    Returns
    -------
    float
        [cells^power day]; infinity if ``log_to`` is not below the plateau.
    """
    if log_to <= log_from:
        return 0.0
    if power <= 0.0:
        return time_between_rising(log_from, log_to, rate, log_plateau, log_corner)
    slope = rate * (log_plateau - log_corner)
    if slope <= 0.0 or log_to >= log_plateau:
        return math.inf
    total = 0.0
    if log_from < log_corner:
        end = min(log_to, log_corner)
        total = math.exp(power * end) * -math.expm1(power * (log_from - end)) / (power * slope)
    if log_to > log_corner:
        begin = max(log_from, log_corner)
        between = exp1_between(power * (log_plateau - log_to), power * (log_plateau - begin))
        total += math.exp(power * log_plateau) * between / rate
    return total


@kernel
def invert_power_integral(
    target: float,
    power: float,
    log_from: float,
    log_to: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
) -> float:
    """Return the log size, from ``log_from`` to ``log_to``, at which the integral is ``target``.

    Newton's method kept inside a bracket; the integrand is known, so each step costs one
    integral. A target beyond the whole integral gives ``log_to``; a rate of 0 gives ``log_from``,
    which must be finite. The result is good to 1e-10. `draw_log_size` is some thirty times faster
    where a random size is all that is wanted.
    """
    if target <= 0.0 or rate <= 0.0:
        return log_from
    if target >= power_integral(power, log_from, log_to, rate, log_plateau, log_corner):
        return log_to
    low = log_from
    high = log_to
    x = high - 0.5 / power if power > 0.0 else 0.5 * (low + high)
    if not low < x < high:
        x = 0.5 * (low + high)
    for _ in range(100):
        excess = power_integral(power, log_from, x, rate, log_plateau, log_corner) - target
        if excess > 0.0:
            high = x
        else:
            low = x
        # d integral / dx = N^power / growth; a step in exp(power x) is nearly linear
        growth = growth_rate(x, rate, log_plateau, log_corner)
        slope = math.exp(power * x) / growth if growth > 0.0 else 0.0
        step = excess / slope if slope > 0.0 else math.inf
        if power > 0.0 and power * step < 0.9:
            step = -math.log1p(-power * step) / power
        nearer = x - step
        if not low < nearer < high:
            nearer = 0.5 * (low + high)
        if abs(nearer - x) <= 1e-11 * max(1.0, abs(x)):
            return nearer
        x = nearer
    return x


@kernel
def draw_log_size(
    rng: NDArray[np.uint64],
    power: float,
    log_from: float,
    log_to: float,
    log_plateau: float,
    log_corner: float,
) -> float:
    r"""Draw the log size at a moment chosen with density N^power during the growth.

    The density in x is :math:`e^{\gamma x}/(\log K-\max(x,\log N_c))`, whatever the rate. The
    draw is exact: one factor is drawn by inversion and the other decides on acceptance, whichever
    way accepts more. No growth, a ``log_to`` that is not below the plateau, or a ``log_from`` of
    minus infinity with ``power`` 0 give ``log_to``.
    """
    least = log_plateau - max(log_to, log_corner)
    most = log_plateau - max(log_from, log_corner)
    span = log_to - log_from
    if not (span > 0.0 and least > 0.0 and (power > 0.0 or span < math.inf)):
        return log_to
    early = max(0.0, min(log_to, log_corner) - log_from) / most
    late = math.log(most / least)
    whole = -math.expm1(-power * span)
    if whole < power * least * (early + late):
        while True:
            x = log_to + math.log1p(-uniform(rng) * whole) / power
            if uniform(rng) * (log_plateau - max(x, log_corner)) <= least:
                return x
    while True:
        u = uniform(rng) * (early + late)
        x = log_from + u * most if u < early else log_plateau - most * math.exp(early - u)
        if uniform(rng) <= math.exp(power * (x - log_to)):
            return x
