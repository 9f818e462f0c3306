"""Many draws of one sampler from one stream, at the speed of a kernel."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marrowtrace.streams import stream

SEED = 20_240_611


@cache
def _filler(sampler: Callable[..., float], arguments: int) -> Callable[..., None]:
    if arguments == 0:

        @njit
        def fill(rng, out):
            for i in range(out.size):
                out[i] = sampler(rng)
    elif arguments == 1:

        @njit
        def fill(rng, out, a):
            for i in range(out.size):
                out[i] = sampler(rng, a)
    else:

        @njit
        def fill(rng, out, a, b):
            for i in range(out.size):
                out[i] = sampler(rng, a, b)

    return fill


def draws(
    sampler: Callable[..., float], *arguments: float, count: int, process: int = 0
) -> NDArray[Any]:
    """Draw ``count`` values from the stream (SEED, process, 0)."""
    out = np.empty(count)
    _filler(sampler, len(arguments))(stream(SEED, process, 0), out, *map(float, arguments))
    return out


def next_bits(state: NDArray[np.uint64], word: int) -> NDArray[np.uint64]:
    """Return a copy of ``state`` whose next 64 random bits are ``word``."""
    crafted = state.copy()
    crafted[3], crafted[4] = np.uint64(word), np.uint64(1)
    return crafted


def probability_of_at_least(k: int, sampler: Callable[..., float], *arguments: float) -> float:
    """P(draw >= k) of a sampler that falls as its first 64 random bits rise, by bisection."""
    state = stream(SEED, 0, 0)
    below, above = 0, 2**64  # words below the edge give at least k
    while above - below > 1:
        word = (below + above) // 2
        if sampler(next_bits(state, word), *arguments) >= k:
            below = word
        else:
            above = word
    return above / 2**64
