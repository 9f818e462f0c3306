r"""Cells or sites that move among a few states: exact transition probabilities and exact counts.

For a generator Q (rows sum to 0) the transition matrix is :math:`e^{Qt}`. It is summed by
uniformisation (Jensen 1953, Skand. Aktuarietidskr. 36:87-91; remembered, not verified) over a
short time and squared up to t: every term is positive, so no digit is lost to cancellation and
each row stays a probability law.

Independent sites that start in known states are then multinomial, row by row: exact for any time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.streams import binomial, kernel

_TERMS = 16  # 0.5^17 / 17! is below 1e-19


@kernel
def two_state(start: float, gain: float, loss: float, time: float) -> float:
    """Return the probability of the "on" state after ``time``, from probability ``start``.

    ``gain`` and ``loss`` are the rates off to on and on to off [1/day].
    """
    total = gain + loss
    if total <= 0.0 or time <= 0.0:
        return start
    return start + (gain / total - start) * -math.expm1(-total * time)


@kernel
def transition_matrix(
    generator: NDArray[np.float64],
    time: float,
    out: NDArray[np.float64],
    work: NDArray[np.float64],
) -> None:
    """Write exp(generator * time) to ``out``.

    Parameters
    ----------
    generator : ndarray of float64, shape (k, k)
        Rates off the diagonal [1/day], >= 0; the diagonal is not read.
    time : float
        [day]; not above 0 gives the unit matrix.
    out : ndarray of float64, shape (k, k)
    work : ndarray of float64, shape (2, k, k)
        Scratch.
    """
    k = generator.shape[0]
    fastest = 0.0
    for i in range(k):
        leaving = 0.0
        for j in range(k):
            out[i, j] = 1.0 if i == j else 0.0
            if i != j:
                leaving += generator[i, j]
        fastest = max(fastest, leaving)
    mean = fastest * time
    if not mean > 0.0:
        return
    doublings = 0
    while mean > 0.5:
        mean *= 0.5
        doublings += 1
    step = work[0]
    other = work[1]
    for i in range(k):  # one step of the uniformised chain
        stay = 1.0
        for j in range(k):
            if i != j:
                step[i, j] = generator[i, j] / fastest
                stay -= step[i, j]
        step[i, i] = max(stay, 0.0)
    for term in range(_TERMS, 0, -1):  # Horner: 1 + m/1 S (1 + m/2 S (1 + ...))
        _multiply(step, out, other)
        for i in range(k):
            for j in range(k):
                out[i, j] = other[i, j] * (mean / term) + (1.0 if i == j else 0.0)
    scale = math.exp(-mean)
    for i in range(k):
        for j in range(k):
            out[i, j] *= scale
    for _ in range(doublings):
        _multiply(out, out, other)
        for i in range(k):
            total = 0.0
            for j in range(k):
                total += other[i, j]
            for j in range(k):
                out[i, j] = other[i, j] / total


@kernel
def _multiply(
    left: NDArray[np.float64], right: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    k = left.shape[0]
    for i in range(k):
        for j in range(k):
            total = 0.0
            for m in range(k):
                total += left[i, m] * right[m, j]
            out[i, j] = total


@kernel
def move(
    means: NDArray[np.float64], transition: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Write the expected counts (or the composition) after a transition, means @ transition."""
    for j in range(means.size):
        total = 0.0
        for i in range(means.size):
            total += means[i] * transition[i, j]
        out[j] = total


@kernel
def draw_counts(
    rng: NDArray[np.uint64],
    counts: NDArray[np.float64],
    transition: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Draw how many members are in each state after a transition, multinomially from each state.

    Parameters
    ----------
    rng : ndarray of uint64
    counts : ndarray of float64, shape (k,)
        Whole numbers now.
    transition : ndarray of float64, shape (k, k)
        Row i: the law of a member now in state i.
    out : ndarray of float64, shape (k,)
        Must not be ``counts``.
    """
    k = counts.size
    for j in range(k):
        out[j] = 0.0
    for i in range(k):
        left = counts[i]
        chance = 1.0
        for j in range(k - 1):
            if left <= 0.0:
                break
            p = transition[i, j]
            drawn = binomial(rng, left, p / chance) if chance > 0.0 else 0.0
            out[j] += drawn
            left -= drawn
            chance -= p
        out[k - 1] += left


def expected_counts(
    counts: NDArray[np.float64], transition: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the exact mean of `draw_counts`, shape (k,)."""
    return counts @ transition


def counts_covariance(
    counts: NDArray[np.float64], transition: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the exact covariance of `draw_counts`, shape (k, k)."""
    means = np.diag(counts @ transition)
    return np.asarray(means - np.einsum("i,ij,ik->jk", counts, transition, transition))
