r"""Receptor status (ER, HER2) of disseminated cells: flips, and discordance with the primary.

A cell loses a receptor at rate l and gains it at rate g, so after a time t a cell that started
positive is positive with probability

.. math:: \pi + (1-\pi)\,e^{-(g+l)t}, \qquad \pi = g/(g+l),

and the discordance with a primary that keeps its status rises from 0 to l/(g+l) (positive
primaries) or g/(g+l) (negative ones).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.markov import two_state
from marrowtrace.streams import binomial, exponential, fine_uniform, kernel

RECEPTORS = ("er", "her2")


@kernel
def positive_probability(positive: bool, gain: float, loss: float, time: float) -> float:
    """Return the probability of being positive ``time`` days after the status ``positive``."""
    return two_state(1.0 if positive else 0.0, gain, loss, time)


@kernel
def discordance(positive: bool, gain: float, loss: float, time: float) -> float:
    """Return the probability that a cell, ``time`` days away, differs from its primary."""
    chance = positive_probability(positive, gain, loss, time)
    return 1.0 - chance if positive else chance


@kernel
def draw_status(
    rng: NDArray[np.uint64], positive: bool, gain: float, loss: float, time: float
) -> bool:
    """Draw a cell's status after ``time`` [day]."""
    return fine_uniform(rng) < positive_probability(positive, gain, loss, time)


@kernel
def draw_flip(rng: NDArray[np.uint64], positive: bool, gain: float, loss: float) -> float:
    """Draw the time [day] until the next flip; infinity if there is none."""
    rate = loss if positive else gain
    return exponential(rng) / rate if rate > 0.0 else math.inf


@kernel
def draw_positive_cells(
    rng: NDArray[np.uint64], positive: float, negative: float, gain: float, loss: float, time: float
) -> float:
    """Draw how many of ``positive`` and ``negative`` cells are positive after ``time`` [day]."""
    kept = binomial(rng, positive, two_state(1.0, gain, loss, time))
    return kept + binomial(rng, negative, two_state(0.0, gain, loss, time))


@kernel
def discordant_patient(discordance_of_cell: float, cells: float) -> float:
    """Return the probability that at least one of ``cells`` independent cells is discordant."""
    if discordance_of_cell >= 1.0:
        return 1.0 if cells > 0.0 else 0.0
    return -math.expm1(cells * math.log1p(-discordance_of_cell))
