"""Counting subsets of scores by size and sum, for the law of maximally selected statistics."""

from __future__ import annotations

import numpy as np

from marrowtrace.survival.compilation import Floats, Whole, compiled


@compiled
def _subsets(grid: Whole, most: int, left_out: int) -> Floats:
    """Share of subsets of each size with each sum, shape (most + 1, total + 1).

    ``left_out`` is a patient who may not be in a subset, or -1. Shares rather than counts keep
    the numbers small: after i patients entry [m, s] is the probability that a random subset of
    those of size m has sum s.
    """
    total = grid.sum()
    out = np.zeros((most + 1, total + 1))
    out[0, 0] = 1.0
    seen, sum_seen = 0, 0
    for i in range(grid.size):
        if i == left_out:
            continue
        seen += 1
        sum_seen += grid[i]
        for m in range(min(most, seen), 0, -1):
            with_it = m / seen
            for s in range(sum_seen, -1, -1):
                before = out[m - 1, s - grid[i]] if s >= grid[i] else 0.0
                rest = out[m, s] if m < seen else 0.0
                out[m, s] = with_it * before + (1 - with_it) * rest
    return out


@compiled
def size_probabilities(grid: Whole, sizes: Whole, low: Whole, high: Whole) -> Floats:
    """Probability that each statistic is reached, shape (k,)."""
    law = _subsets(grid, sizes.max(), -1)
    out = np.zeros(sizes.size)
    for i in range(sizes.size):
        for s in range(law.shape[1]):
            if s <= low[i] or s >= high[i]:
                out[i] += law[sizes[i], s]
    return out


@compiled
def pair_probabilities(grid: Whole, sizes: Whole, low: Whole, high: Whole) -> Floats:
    """Probability that a statistic and the one before are reached, shape (k,).

    It is 0 for the first, and for those with more than one patient between.
    """
    n = grid.size
    out = np.zeros(sizes.size)
    for j in range(n):
        law = _subsets(grid, sizes.max(), j)
        for i in range(1, sizes.size):
            if sizes[i] - sizes[i - 1] != 1:
                continue
            for s in range(law.shape[1]):
                after = s + grid[j]
                if (s <= low[i - 1] or s >= high[i - 1]) and (after <= low[i] or after >= high[i]):
                    out[i] += law[sizes[i - 1], s] / n
    return out
