"""Draws that belong to the study, not to the disease: arm, day of entry, drop-out, attendance.

Each has a process of its own, keyed by the patient's number, so that none depends on how many
patients or workers there are, and changing one leaves the others.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marrowtrace.streams import STATE_WORDS, exponential, init, kernel, uniform

STREAM_ARM, STREAM_ENTRY, STREAM_DROP_OUT, STREAM_ATTENDANCE = 1000, 1001, 1002, 1003
"""Processes of the random streams; those of the disease are in ``docs/model.md``, section 12."""


@kernel
def _uniforms(
    seed: int,
    process: int,
    block: int,
    numbers: NDArray[np.int64],
    state: NDArray[np.uint64],
    out: NDArray[np.float64],
) -> None:
    for i in range(numbers.size):
        init(state, seed, process, numbers[i])
        state[0] += np.uint64(block)
        out[i] = uniform(state)


@kernel
def _exponentials(
    seed: int,
    process: int,
    numbers: NDArray[np.int64],
    state: NDArray[np.uint64],
    out: NDArray[np.float64],
) -> None:
    for i in range(numbers.size):
        init(state, seed, process, numbers[i])
        out[i] = exponential(state)


def _drawn(
    seed: int, process: int, numbers: NDArray[np.int64], block: int = 0
) -> NDArray[np.float64]:
    out = np.empty(numbers.size)
    _uniforms(seed, process, block, numbers, np.zeros(STATE_WORDS, np.uint64), out)
    return out


def draw_arms(seed: int, numbers: NDArray[np.int64], shares: Sequence[float]) -> NDArray[np.int64]:
    """Allocate each patient to one arm.

    Parameters
    ----------
    seed : int
    numbers : ndarray of int64, shape (n,)
        Patient numbers.
    shares : sequence of float
        Relative sizes of the arms, above 0.

    Returns
    -------
    ndarray of int64, shape (n,)
        Place of the arm.
    """
    bounds = np.cumsum(shares) / math.fsum(shares)
    found = np.searchsorted(bounds, _drawn(seed, STREAM_ARM, numbers), side="right")
    return np.minimum(found, len(shares) - 1).astype(np.int64)


def draw_entry(seed: int, numbers: NDArray[np.int64], accrual: float) -> NDArray[np.float64]:
    """Draw the day on which each patient enters, uniform over ``accrual`` [day], shape (n,)."""
    return accrual * _drawn(seed, STREAM_ENTRY, numbers)


def draw_drop_out(seed: int, numbers: NDArray[np.int64], rate: float) -> NDArray[np.float64]:
    """Draw the day after entry on which each patient is lost, rate [1/day]; infinite at rate 0."""
    if rate <= 0.0:
        return np.full(numbers.size, math.inf)
    out = np.empty(numbers.size)
    _exponentials(seed, STREAM_DROP_OUT, numbers, np.zeros(STATE_WORDS, np.uint64), out)
    return out / rate


def draw_attendance(
    seed: int, numbers: NDArray[np.int64], visit: str, probability: float
) -> NDArray[np.bool_]:
    """Draw who comes to a visit, shape (n,); a visit keeps its draws whatever others there are."""
    if probability >= 1.0:
        return np.ones(numbers.size, dtype=bool)
    block = zlib.crc32(visit.encode("utf-8")) >> 1
    found: NDArray[np.bool_] = _drawn(seed, STREAM_ATTENDANCE, numbers, block) < probability
    return found
