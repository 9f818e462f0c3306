r"""Niches of finite capacity: sites that tumour cells share with haematopoietic stem cells.

Arrivals at rate a pick one of K sites at random; they lodge if it is free, and displace a stem
cell with probability :math:`\varepsilon`. While arrivals come from outside, the sites are
independent chains with three states, so the counts at any time are exactly multinomial
(`site_generator` with `markov.transition_matrix` and `markov.draw_counts`), and the expected number
of tumour cells solves a linear equation, for pools without stem cells

.. math:: m' = a\,(1 - m/K) - \delta m .

If cells that leave come back to the same sites, arrivals depend on the count. Using the mean in
their place is then wrong by O(1/K) (Kurtz 1970, J. Appl. Probab. 7:49-58; remembered, not
verified). `feedback_bias` measures it exactly for the one-dimensional chain: 0.3/K to 5/K in the
cases tested, the more the fewer sites are held, where nine in ten cells that leave come back; so
5e-5 at most at the capacities of bone marrow (1e5 sites and more).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import kernel

EMPTY, STEM, TUMOUR = 0, 1, 2


@kernel
def site_generator(
    out: NDArray[np.float64],
    arrivals: float,
    capacity: float,
    displacement: float,
    stem_entry: float,
    stem_exit: float,
    loss: float,
) -> None:
    """Write the rates between the states empty, stem cell and tumour cell of one site.

    Parameters
    ----------
    out : ndarray of float64, shape (3, 3)
    arrivals : float
        Tumour cells that try to lodge [1/day].
    capacity : float
        Number of sites, above 0.
    displacement : float
        Probability that an arrival takes a site from a stem cell, 0 to 1.
    stem_entry : float
        Rate at which an empty site is taken by a stem cell [1/day].
    stem_exit, loss : float
        Rates at which a stem cell and a tumour cell leave their site [1/day].
    """
    per_site = arrivals / capacity
    out[:, :] = 0.0
    out[EMPTY, STEM] = stem_entry
    out[EMPTY, TUMOUR] = per_site
    out[STEM, EMPTY] = stem_exit
    out[STEM, TUMOUR] = displacement * per_site
    out[TUMOUR, EMPTY] = loss


@kernel
def pool_mean(mean: float, arrivals: float, loss: float, capacity: float, time: float) -> float:
    """Return the mean number of cells in a niche after ``time`` [day], from ``mean``.

    Parameters
    ----------
    mean : float
    arrivals : float
        Cells that try to lodge [1/day], constant over the time.
    loss : float
        All exits of one cell [1/day].
    capacity : float
        Sites free for tumour cells; 0 holds none, infinity never fills.
    time : float
    """
    if capacity <= 0.0:
        return 0.0
    if time <= 0.0:
        return mean
    total = loss + arrivals / capacity
    if total * time < 1e-9:
        return mean + (arrivals - total * mean) * time
    return mean + (arrivals / total - mean) * -math.expm1(-total * time)


@kernel
def pool_integral(mean: float, arrivals: float, loss: float, capacity: float, time: float) -> float:
    """Return the integral of `pool_mean` over ``time`` [cell day]."""
    if capacity <= 0.0 or time <= 0.0:
        return 0.0
    total = loss + arrivals / capacity
    x = total * time
    if x < 1e-4:
        return time * (mean + (arrivals - total * mean) * time * (0.5 - x / 6.0))
    level = arrivals / total
    return level * time + (mean - level) * -math.expm1(-x) / total


@kernel
def lodged(mean: float, arrivals: float, loss: float, capacity: float, time: float) -> float:
    """Return the expected arrivals that found a free site during ``time``."""
    if capacity <= 0.0 or time <= 0.0:
        return 0.0
    filled = pool_integral(mean, arrivals, loss, capacity, time) / capacity
    return arrivals * (time - filled)


@kernel
def free_share(mean: float, capacity: float) -> float:
    """Return the share of sites that are free, 0 for a niche without sites."""
    return max(0.0, 1.0 - mean / capacity) if capacity > 0.0 else 0.0


def feedback_mean_field(
    arrivals: float, loss: float, egress: float, returning: float, capacity: float
) -> float:
    """Return the steady mean-field number of cells when a share of those leaving comes back.

    Parameters
    ----------
    arrivals, loss, egress : float
        Arrivals from outside, death and egress per cell [1/day].
    returning : float
        Share of egressed cells that try to lodge again, 0 to 1.
    capacity : float
        Sites, above 0.

    Raises
    ------
    ParameterError
        If a parameter is outside its range.
    """
    _check_feedback(arrivals, loss, egress, returning, capacity)
    back = egress * returning
    # (arrivals + back m)(1 - m / K) = (loss + egress) m
    linear = loss + egress + arrivals / capacity - back
    root = math.sqrt(linear**2 + 4.0 * arrivals * back / capacity)
    if linear > 0.0:
        return 2.0 * arrivals / (linear + root)
    return (root - linear) * capacity / (2.0 * back)


def feedback_mean(
    arrivals: float, loss: float, egress: float, returning: float, capacity: int
) -> float:
    """Return the exact steady mean of the same niche, from the law of its birth-death chain."""
    _check_feedback(arrivals, loss, egress, returning, capacity)
    below = np.arange(capacity, dtype=np.float64)
    up = (arrivals + egress * returning * below) * (1.0 - below / capacity)
    down = (loss + egress) * (below + 1.0)
    with np.errstate(divide="ignore"):
        log_law = np.concatenate([[0.0], np.cumsum(np.log(up) - np.log(down))])
    law = np.exp(log_law - log_law.max())
    return float((np.arange(capacity + 1) * law).sum() / law.sum())


def feedback_bias(
    arrivals: float, loss: float, egress: float, returning: float, capacity: int
) -> float:
    """Return the relative error of the mean field, (mean field - exact) / exact."""
    exact = feedback_mean(arrivals, loss, egress, returning, capacity)
    return feedback_mean_field(arrivals, loss, egress, returning, capacity) / exact - 1.0


def _check_feedback(
    arrivals: float, loss: float, egress: float, returning: float, capacity: float
) -> None:
    check_domain(
        "a niche with returning cells",
        ("arrivals", arrivals, 5e-324, math.inf),
        ("loss", loss, 5e-324, math.inf),
        ("egress", egress, 5e-324, math.inf),
        ("returning", returning, 5e-324, 1.0),
        ("capacity", capacity, 1, math.inf),
    )
