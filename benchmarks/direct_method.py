"""Gillespie's direct method for any network of first-order reactions, compiled with Numba."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def simulate(seed, n, time, start, sources, rates, changes):
    """Ends of ``n`` trajectories, shape (n, n_kinds).

    Parameters
    ----------
    seed, n : int
    time : float
        [day].
    start : ndarray of int64, shape (n_kinds,)
    sources : ndarray of int64, shape (n_reactions,)
        The kind that reacts; -1 for arrivals from outside.
    rates : ndarray of float64, shape (n_reactions,)
        [1/day], per cell.
    changes : ndarray of int64, shape (n_reactions, n_kinds)
    """
    np.random.seed(seed)  # noqa: NPY002 - Numba's own generator, the fastest it has
    ends = np.empty((n, start.size))
    speeds = np.empty(rates.size)
    for i in range(n):
        counts = start.copy()
        now = 0.0
        while True:
            total = 0.0
            for j in range(rates.size):
                cells = 1.0 if sources[j] < 0 else counts[sources[j]]
                speeds[j] = rates[j] * cells
                total += speeds[j]
            if total == 0.0:
                break
            now += np.random.exponential() / total  # noqa: NPY002
            if now > time:
                break
            left = np.random.random() * total  # noqa: NPY002
            chosen = 0
            while left >= speeds[chosen] and chosen < rates.size - 1:
                left -= speeds[chosen]
                chosen += 1
            for k in range(start.size):
                counts[k] += changes[chosen, k]
        ends[i] = counts
    return ends
