r"""Receptors and tolerance of the dormant cells of a place, as shares of its pool.

A cell is ER+ or ER-, HER2+ or HER2-, and may be tolerant of endocrine therapy, for good. Within a
place the ER+ cells that are not tolerant, s, are those that endocrine therapy acts on. They flip
at rates l (loss) and g (gain), become tolerant at the rate :math:`\tau`, and leave the pool at a
rate that is larger by :math:`\delta` than that of the others. With m the ER- cells not tolerant,

.. math:: s' = -(l+\delta+\tau)s + g m, \qquad m' = l s - g m,

two exponentials; what remains of the place, apart from losses that all share, is
:math:`T = 1-\delta\int s`, so that :math:`\int s/T = -\ln(T)/\delta` is the exact exposure of the
pool. HER2+ cells are the same with no tolerance. So a step may be of any length.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.layout import (
    Q_RECEPTORS,
    R_HER2,
    R_SENSITIVE,
    R_TOLERANT,
    R_TOLERANT_ER,
)
from marrowtrace.streams import kernel

RECEPTORS = 4  # shares noted for each place


@kernel
def _once(rate: float, fading: float, time: float) -> float:
    """Return the integral of exp(-rate u) over 0..time; ``fading``: exp(-rate time)."""
    x = rate * time
    return time * (1.0 - 0.5 * x + x * x / 6.0) if abs(x) < 1e-4 else (1.0 - fading) / rate


@kernel
def _between(
    one: float, one_fading: float, other: float, other_fading: float, time: float
) -> float:
    """Return the integral of exp(-one u) exp(-other (time - u)) over 0..time."""
    x = (one - other) * time
    if abs(x) < 1e-4:
        return other_fading * time * (1.0 - 0.5 * x + x * x / 6.0)
    return (other_fading - one_fading) / (one - other)


@kernel
def begin_receptors(pools: NDArray[np.float64], er: float, her2: float) -> None:
    """Set the shares of all places to those of the tumour."""
    for place in range(4):
        at = Q_RECEPTORS + RECEPTORS * place
        pools[at + R_SENSITIVE], pools[at + R_HER2] = er, her2
        pools[at + R_TOLERANT_ER] = pools[at + R_TOLERANT] = 0.0


@kernel
def sensitive_share(
    responding: float, others: float, extra: float, gain: float, loss: float, time: float
) -> tuple[float, float, float, float, float, float, float]:
    """Follow responding cells that leave faster than others by ``extra`` [1/day].

    Parameters
    ----------
    responding, others : float
        Cells at the start.
    extra, gain, loss : float
        Leaving in excess of the others', and flipping to and from responding [1/day].
    time : float
        [day]

    Returns
    -------
    tuple of float
        Responding cells at the end, their integral, the amplitude of the first of their two
        modes, the rates of both, and what each fades to.
    """
    half = 0.5 * (loss + extra + gain)
    root = max(1e-9, math.sqrt((0.5 * (loss + extra - gain)) ** 2 + loss * gain))
    slow, fast = half - root, half + root
    slope = gain * others - (loss + extra) * responding
    first = (slope + fast * responding) / (fast - slow)
    second = responding - first
    slow_fading, fast_fading = math.exp(-slow * time), math.exp(-fast * time)
    left = first * slow_fading + second * fast_fading
    total = first * _once(slow, slow_fading, time) + second * _once(fast, fast_fading, time)
    return left, total, first, slow, fast, slow_fading, fast_fading


@kernel
def follow(
    pools: NDArray[np.float64],
    place: int,
    time: float,
    extra_er: float,
    extra_her2: float,
    tolerance: float,
    er_gain: float,
    er_loss: float,
    her2_gain: float,
    her2_loss: float,
    er_fading: float,
    her2_fading: float,
) -> tuple[float, float]:
    """Advance the shares of one place under therapy; no cell arrives meanwhile.

    Parameters
    ----------
    pools : ndarray of float64, shape (POOLS,)
        Changed in place.
    place : int
        0 to 3: V, E, O, and O by way of marrow.
    time : float
        [day], above 0.
    extra_er, extra_her2 : float
        By how much responding cells leave the pool faster than others [1/day].
    tolerance : float
        Rate at which ER+ cells become tolerant [1/day].
    er_gain, er_loss, her2_gain, her2_loss : float
        Flips [1/day].
    er_fading, her2_fading : float
        exp(-(gain + loss) time) of either receptor.

    Returns
    -------
    tuple of float, float
        Mean shares, over the step and as the pool feels them, of the cells that endocrine and
        HER2-targeted therapy act on.
    """
    at = Q_RECEPTORS + RECEPTORS * place
    sensitive, positive = pools[at + R_SENSITIVE], pools[at + R_TOLERANT_ER]
    tolerant = pools[at + R_TOLERANT]
    others = max(0.0, 1.0 - tolerant - sensitive)
    left, total, first, slow, fast, slow_fading, fast_fading = sensitive_share(
        sensitive, others, extra_er + tolerance, er_gain, er_loss, time
    )
    remain = 1.0 - extra_er * total
    pools[at + R_SENSITIVE] = left / remain
    felt_er = _felt(total, extra_er) / time
    if tolerance > 0.0 or tolerant > 0.0:
        turnover = er_gain + er_loss
        limit = er_gain / turnover if turnover > 0.0 else 0.0
        now = tolerant + tolerance * total
        moved = tolerance * (
            first * _between(slow, slow_fading, turnover, er_fading, time)
            + (sensitive - first) * _between(fast, fast_fading, turnover, er_fading, time)
        )
        positive = positive * er_fading + moved + limit * (now - tolerant * er_fading - moved)
        pools[at + R_TOLERANT_ER] = positive / remain
        pools[at + R_TOLERANT] = now / remain
    her2 = pools[at + R_HER2]
    if extra_her2 == 0.0:
        turnover = her2_gain + her2_loss
        limit = her2_gain / turnover if turnover > 0.0 else her2
        pools[at + R_HER2] = limit + (her2 - limit) * her2_fading
        return felt_er, her2  # no therapy acts on it: any value
    left, total, _, _, _, _, _ = sensitive_share(
        her2, 1.0 - her2, extra_her2, her2_gain, her2_loss, time
    )
    pools[at + R_HER2] = left / (1.0 - extra_her2 * total)
    return felt_er, _felt(total, extra_her2) / time


@kernel
def _felt(total: float, extra: float) -> float:
    """Return the integral of the share, -ln(1 - extra total) / extra."""
    x = extra * total
    if abs(x) < 0.02:  # the series is exact to 1e-12 there
        series = 0.2 + x * (1.0 / 6.0 + x / 7.0)
        return total * (1.0 + x * (0.5 + x * (1.0 / 3.0 + x * (0.25 + x * series))))
    return -math.log1p(-x) / extra


@kernel
def flip(
    pools: NDArray[np.float64],
    place: int,
    er: float,
    er_limit: float,
    her2: float,
    her2_limit: float,
) -> None:
    """Let the shares of one place flip without therapy; ``er``, ``her2`` are what has not."""
    at = Q_RECEPTORS + RECEPTORS * place
    tolerant = pools[at + R_TOLERANT]
    limit = er_limit * (1.0 - tolerant)
    pools[at + R_SENSITIVE] = limit + (pools[at + R_SENSITIVE] - limit) * er
    if tolerant > 0.0:
        limit = er_limit * tolerant
        pools[at + R_TOLERANT_ER] = limit + (pools[at + R_TOLERANT_ER] - limit) * er
    pools[at + R_HER2] = her2_limit + (pools[at + R_HER2] - her2_limit) * her2


@kernel
def admit(
    pools: NDArray[np.float64],
    place: int,
    share: float,
    sensitive: float,
    tolerant_er: float,
    tolerant: float,
    her2: float,
) -> None:
    """Mix the shares of a place with those of newcomers, which make up ``share`` of it."""
    at = Q_RECEPTORS + RECEPTORS * place
    pools[at + R_SENSITIVE] += (sensitive - pools[at + R_SENSITIVE]) * share
    if tolerant > 0.0 or pools[at + R_TOLERANT] > 0.0:
        pools[at + R_TOLERANT_ER] += (tolerant_er - pools[at + R_TOLERANT_ER]) * share
        pools[at + R_TOLERANT] += (tolerant - pools[at + R_TOLERANT]) * share
    pools[at + R_HER2] += (her2 - pools[at + R_HER2]) * share
