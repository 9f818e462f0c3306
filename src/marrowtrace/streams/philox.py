r"""Philox4x32-10: the counter-based generator under every stream.

Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", SC'11,
doi:10.1145/2063384.2063405. A block of four 32-bit words is a bijection of a 128-bit counter
under a 64-bit key; ten rounds, no other state, so any block of any stream can be had at once.

Layout
    ========================  =====================================================
    key                       the seed, 64 bits (low word first)
    counter word 0            block, bits 0 to 31
    counter word 1            block, bits 32 to 47, then the process (16 bits) above
    counter words 2 and 3     the patient, 64 bits (low word first)
    ========================  =====================================================

Two triples (seed, process, patient) never share a (key, counter) pair. A stream holds 2**48
blocks of two doubles; after 5.6e14 doubles it would run into the next process's stream.

The words are those of Random123, checked against its known-answer vectors. They are **not**
those of `numpy.random.Philox`, which is Philox4x64-10. What is NumPy's is the step from a
64-bit word to a double: the upper 53 bits times 2**-53, in [0, 1).

State
    A stream is an array of uint64, shape ``(STATE_WORDS,)``: counter words 0 and 1, the patient,
    the seed, the second half of the last block, and whether that half is still unused. It can be
    copied, and one array can be set anew with `init` for each patient of a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

_Function = TypeVar("_Function", bound=Callable[..., Any])

STATE_WORDS = 5
"""Length of the state of a stream."""

# Multipliers and key increments of Philox4x32: Random123, philox.h
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_PROCESS_SHIFT = np.uint64(48)
_DROP_11 = np.uint64(11)
_COARSE = np.uint64(2**42)
_TO_UNIT = 2.0**-53
_TO_UNIT_63 = 2.0**-63
_BELOW_ONE = 1.0 - 2.0**-53


def kernel(function: _Function) -> _Function:
    """Compile a draw with Numba: cached on disk, and without reference counts.

    For functions that make no arrays of their own (Numba refuses the others when it compiles).
    Left to itself Numba counts references to the state in every nested call, atomically, which
    costs more than the random number (24 ns against 5).

    Numba's cache looks only at the file of the function itself: after a change here, the caches
    of all that calls it (``__pycache__/*.nbi``) must be deleted, or they go on with the old text.
    """
    options: dict[str, Any] = {"cache": True, "_nrt": False}
    compiled: _Function = njit(**options)(function)
    return compiled


@kernel
def philox4x32(low: np.uint64, high: np.uint64, key: np.uint64) -> tuple[np.uint64, np.uint64]:
    """One block: four 32-bit words of a 128-bit counter under a 64-bit key, after ten rounds.

    Parameters
    ----------
    low, high : uint64
        Counter words 0 and 1, and 2 and 3, the lower-numbered word in the lower half.
    key : uint64
        Key words 0 and 1, likewise.

    Returns
    -------
    tuple of uint64, uint64
        Output words 0 and 1, and 2 and 3, likewise.
    """
    c0 = low & _LOW
    c1 = low >> _HALF
    c2 = high & _LOW
    c3 = high >> _HALF
    k0 = key & _LOW
    k1 = key >> _HALF
    for _ in range(10):
        first = _M0 * c0
        second = _M1 * c2
        c0 = (second >> _HALF) ^ c1 ^ k0
        c1 = second & _LOW
        c2 = (first >> _HALF) ^ c3 ^ k1
        c3 = first & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return c0 | (c1 << _HALF), c2 | (c3 << _HALF)


@kernel
def init(
    rng: NDArray[np.uint64],
    seed: int | np.uint64,
    process: int | np.uint64,
    patient: int | np.uint64,
) -> None:
    """Set ``rng`` to the start of the stream (seed, process, patient), inside a kernel.

    Nothing is checked: the seed and the patient are taken modulo 2**64, the process modulo
    2**16. `stream` is the same with checks, for Python.

    Parameters
    ----------
    rng : ndarray of uint64, shape (STATE_WORDS,)
    seed, process, patient : int
    """
    rng[0] = uint64(process) << _PROCESS_SHIFT
    rng[1] = uint64(patient)
    rng[2] = uint64(seed)
    rng[3] = _ZERO
    rng[4] = _ZERO


@kernel
def next_word(rng: NDArray[np.uint64]) -> np.uint64:
    """Draw 64 random bits, as uint64."""
    if rng[4] != _ZERO:
        rng[4] = _ZERO
        word: np.uint64 = rng[3]
        return word
    word, rng[3] = philox4x32(rng[0], rng[1], rng[2])
    rng[0] += _ONE
    rng[4] = _ONE
    return word


@kernel
def uniform(rng: NDArray[np.uint64]) -> float:
    """Draw a double from [0, 1), a multiple of 2**-53 (NumPy's conversion of a 64-bit word)."""
    return np.int64(next_word(rng) >> _DROP_11) * _TO_UNIT


@kernel
def fine_uniform(rng: NDArray[np.uint64]) -> float:
    """Draw a double from [0, 1) whose spacing is at most 2**-42 of its value, however small.

    ``fine_uniform(rng) < p`` has probability p to 12 digits for p down to 1e-30; with `uniform`
    a p of 1e-12 would be met only to 4 digits, for want of points below it.
    """
    word = next_word(rng) >> _ONE
    if word < _COARSE:
        return (np.int64(word) + uniform(rng)) * _TO_UNIT_63
    return min(np.int64(word) * _TO_UNIT_63, _BELOW_ONE)
