r"""Shedding of cells into the blood: a Poisson process whose rate follows the size of the tumour.

A tumour of N cells sheds at the rate

.. math:: \lambda(N) = \min\{F\,(N/N_{ref})^{\alpha},\; c\,N\} \text{ for } N \ge N_v,

and nothing below :math:`N_v`, where it has no vessels of its own. The power law follows Iwata,
Kawasaki and Shigesada (2000, J. Theor. Biol. 203:177-186; remembered, not verified); the cap c per
cell keeps a small exponent from letting a few cells shed several a day each.

Given the growth, the number shed in a time is Poisson and the moments of shedding are independent
with density :math:`\lambda`, whole in closed form through `gompertz.power_integral`. A share of the
events are clusters of two or more cells. The law of their size is assumed: two and a geometric
excess.

The five scalars ``flux`` (F, 1/day), ``exponent`` (:math:`\alpha`), ``log_reference``, ``cap``
(c, 1/day) and ``log_onset`` describe the shedding everywhere, after the three of `gompertz`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes import gompertz
from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import kernel, negative_binomial, poisson, uniform


@kernel
def intensity(
    log_size: float,
    flux: float,
    exponent: float,
    log_reference: float,
    cap: float,
    log_onset: float,
) -> float:
    """Return the shedding events per day of a tumour of ``log_size``."""
    if log_size < log_onset or flux <= 0.0:
        return 0.0
    return min(flux * math.exp(exponent * (log_size - log_reference)), cap * math.exp(log_size))


@kernel
def log_crossing(flux: float, exponent: float, log_reference: float, cap: float) -> float:
    """Return the log size at which the cap per cell and the power law meet.

    The cap is the smaller below it if ``exponent`` < 1, above it if ``exponent`` > 1. At 1 one of
    them is smaller everywhere: the result is infinite with the sign of the part that holds.
    """
    excess = math.log(flux / cap) - exponent * log_reference
    if exponent == 1.0:
        return math.inf if excess > 0.0 else -math.inf
    return excess / (1.0 - exponent)


@kernel
def _low_and_high(
    log_from: float,
    log_to: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
    flux: float,
    exponent: float,
    log_reference: float,
    cap: float,
    log_onset: float,
) -> tuple[float, float, float]:
    """Expected events below and above the crossing, and the crossing within the range."""
    begin = max(log_from, log_onset)
    if log_to <= begin or flux <= 0.0 or cap <= 0.0:
        return 0.0, 0.0, begin
    crossing = min(max(log_crossing(flux, exponent, log_reference, cap), begin), log_to)
    low_power = 1.0 if exponent <= 1.0 else exponent
    high_power = exponent if exponent <= 1.0 else 1.0
    of_power_law = flux * math.exp(-exponent * log_reference)
    low_factor = cap if exponent <= 1.0 else of_power_law
    high_factor = of_power_law if exponent <= 1.0 else cap
    low = 0.0
    high = 0.0
    if crossing > begin:
        low = low_factor * gompertz.power_integral(
            low_power, begin, crossing, rate, log_plateau, log_corner
        )
    if log_to > crossing:
        high = high_factor * gompertz.power_integral(
            high_power, crossing, log_to, rate, log_plateau, log_corner
        )
    return low, high, crossing


@kernel
def expected(
    log_from: float,
    log_to: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
    flux: float,
    exponent: float,
    log_reference: float,
    cap: float,
    log_onset: float,
) -> float:
    """Return the expected events while the tumour grows from ``log_from`` to ``log_to``."""
    low, high, _ = _low_and_high(
        log_from, log_to, rate, log_plateau, log_corner,
        flux, exponent, log_reference, cap, log_onset,
    )  # fmt: skip
    return low + high


@kernel
def _draw_from(
    rng: NDArray[np.uint64],
    low: float,
    high: float,
    crossing: float,
    begin: float,
    log_to: float,
    log_plateau: float,
    log_corner: float,
    exponent: float,
) -> float:
    """Log size at one event, given the expected events on either side of the crossing."""
    if uniform(rng) * (low + high) < low:
        power = 1.0 if exponent <= 1.0 else exponent
        return gompertz.draw_log_size(rng, power, begin, crossing, log_plateau, log_corner)
    power = exponent if exponent <= 1.0 else 1.0
    return gompertz.draw_log_size(rng, power, crossing, log_to, log_plateau, log_corner)


@kernel
def draw_log_size(
    rng: NDArray[np.uint64],
    log_from: float,
    log_to: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
    flux: float,
    exponent: float,
    log_reference: float,
    cap: float,
    log_onset: float,
) -> float:
    """Draw the log size that the tumour had when a cell, shed during this growth, left it.

    NaN if nothing can be shed.
    """
    low, high, crossing = _low_and_high(
        log_from, log_to, rate, log_plateau, log_corner,
        flux, exponent, log_reference, cap, log_onset,
    )  # fmt: skip
    if low + high <= 0.0:
        return math.nan
    begin = max(log_from, log_onset)
    return _draw_from(rng, low, high, crossing, begin, log_to, log_plateau, log_corner, exponent)


@kernel
def draw_times(
    rng: NDArray[np.uint64],
    out: NDArray[np.float64],
    chance: float,
    log_from: float,
    log_to: float,
    rate: float,
    log_plateau: float,
    log_corner: float,
    flux: float,
    exponent: float,
    log_reference: float,
    cap: float,
    log_onset: float,
) -> int:
    """Draw the moments of shedding while the tumour grows from ``log_from`` to ``log_to``.

    Parameters
    ----------
    rng : ndarray of uint64
    out : ndarray of float64, shape (capacity,)
        Filled with days since ``log_from``, in no order.
    chance : float
        Each event is kept with this probability (thinning).
    log_from, log_to, rate, log_plateau, log_corner : float
    flux, exponent, log_reference, cap, log_onset : float

    Returns
    -------
    int
        Number of events. If it exceeds the capacity, ``out`` holds an unbiased part of them.
    """
    low, high, crossing = _low_and_high(
        log_from, log_to, rate, log_plateau, log_corner,
        flux, exponent, log_reference, cap, log_onset,
    )  # fmt: skip
    count = int(min(poisson(rng, chance * (low + high)), 9e15))
    begin = max(log_from, log_onset)
    for event in range(min(count, out.size)):
        x = _draw_from(rng, low, high, crossing, begin, log_to, log_plateau, log_corner, exponent)
        out[event] = gompertz.time_between(log_from, x, rate, log_plateau, log_corner)
    return count


@kernel
def draw_cluster_size(rng: NDArray[np.uint64], mean_size: float) -> float:
    """Draw the cells of a cluster, 2 or more, with mean ``mean_size`` (2 or less gives 2)."""
    return 2.0 + negative_binomial(rng, 1.0, mean_size - 2.0)


@kernel
def cells_per_event(cluster_share: float, mean_size: float) -> float:
    """Return the mean cells of an event of which a ``cluster_share`` are clusters."""
    return 1.0 + cluster_share * (max(mean_size, 2.0) - 1.0)


@kernel
def seedings_per_event(cluster_share: float, advantage: float) -> float:
    """Return the seeding of an event relative to a single cell.

    ``advantage`` is how many times more often a cluster seeds than a single cell.
    """
    return 1.0 + cluster_share * (advantage - 1.0)


def cluster_size_pmf(largest: int, mean_size: float) -> NDArray[np.float64]:
    """Return the probabilities of clusters of 0, 1, ..., ``largest`` cells.

    Raises
    ------
    ParameterError
        If ``mean_size`` is below 2.
    """
    check_domain("the law of cluster sizes", ("mean_size", mean_size, 2.0, math.inf))
    sizes = np.arange(largest + 1)
    more = (mean_size - 2.0) / (mean_size - 1.0)
    with np.errstate(divide="ignore"):
        return np.where(sizes < 2, 0.0, (1.0 - more) * more ** np.maximum(sizes - 2.0, 0.0))


def size_cdf(
    log_sizes: NDArray[np.float64],
    log_from: float,
    log_to: float,
    growth: tuple[float, float, float],
    shedding: tuple[float, float, float, float, float],
) -> NDArray[np.float64]:
    """Return the cdf of `draw_log_size` at ``log_sizes``, shape as given."""
    whole = expected(log_from, log_to, *growth, *shedding)
    parts = [
        expected(log_from, min(max(x, log_from), log_to), *growth, *shedding)
        for x in np.asarray(log_sizes, dtype=np.float64).ravel()
    ]
    return np.reshape(np.array(parts) / whole, np.shape(log_sizes))
