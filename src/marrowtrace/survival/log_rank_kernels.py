"""Kernels of the log-rank test on plain arrays."""

from __future__ import annotations

import numpy as np
from numba import prange

from marrowtrace.survival.compilation import Flags, Floats, Whole, compiled, compiled_parallel


@compiled
def stratum_sums(
    time: Floats,
    event: Flags,
    group: Whole,
    groups: int,
    entry: Floats,
    by_entry: Whole,
    rho: float,
    observed: Floats,
    expected: Floats,
    variance: Floats,
) -> None:
    """Add one stratum, sorted by increasing time, to the sums of the log-rank test.

    Each event time weighs the curve of all groups just before it, to the power ``rho``. Rows
    whose ``entry`` (empty if nobody enters late; ``by_entry`` increasing) is not before a time are
    not yet at risk at it.
    """
    n = time.size
    at_risk, dying = np.zeros(groups), np.zeros(groups)
    late = entry.size > 0
    total = 0.0
    if not late:
        for i in range(n):
            at_risk[group[i]] += 1.0
        total = float(n)
    i, entering, survival = 0, 0, 1.0
    while i < n:
        now = time[i]
        while late and entering < n and entry[by_entry[entering]] < now:
            at_risk[group[by_entry[entering]]] += 1.0
            total += 1.0
            entering += 1
        d, stop = 0.0, i
        while stop < n and time[stop] == now:
            if event[stop]:
                if d == 0.0:
                    dying[:] = 0.0
                dying[group[stop]] += 1.0
                d += 1.0
            stop += 1
        if d > 0.0:
            weight = survival**rho if rho != 0.0 else 1.0
            for a in range(groups):
                share = at_risk[a] / total
                observed[a] += weight * dying[a]
                expected[a] += weight * d * share
                if total > 1.0:
                    factor = weight * weight * d * (total - d) / (total - 1.0) * share
                    variance[a, a] += factor
                    for b in range(groups):
                        variance[a, b] -= factor * at_risk[b] / total
            survival *= 1.0 - d / total
        for k in range(i, stop):
            at_risk[group[k]] -= 1.0
            total -= 1.0
        i = stop


@compiled_parallel
def many_tests(
    time: Floats,
    event: Flags,
    group: Whole,
    rho: float,
    statistic: Floats,
    difference: Floats,
    variance: Floats,
) -> None:
    """Compare two groups in each replicate: ``time``, ``event`` and ``group`` of shape (r, n).

    Fills the chi-square statistic, observed less expected events of group 1, and their variance.
    """
    replicates, n = time.shape
    for r in prange(replicates):
        order = np.argsort(time[r])
        days, seen, arm = np.empty(n), np.empty(n, np.bool_), np.empty(n, np.int64)
        for k in range(n):
            days[k], seen[k], arm[k] = time[r, order[k]], event[r, order[k]], group[r, order[k]]
        observed, expected, spread = np.zeros(2), np.zeros(2), np.zeros((2, 2))
        none, nothing = np.empty(0), np.empty(0, np.int64)
        stratum_sums(days, seen, arm, 2, none, nothing, rho, observed, expected, spread)
        difference[r] = observed[1] - expected[1]
        variance[r] = spread[1, 1]
        statistic[r] = difference[r] ** 2 / spread[1, 1] if spread[1, 1] > 0.0 else np.nan
