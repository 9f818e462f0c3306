"""Kernels of the concordance: weighted counts of ordered pairs by a binary indexed tree."""

from __future__ import annotations

import numpy as np

from marrowtrace.survival.compilation import Flags, Floats, Whole, compiled


@compiled
def _add(tree: Floats, place: int, value: float) -> None:
    k = place + 1
    while k < tree.size:
        tree[k] += value
        k += k & -k


@compiled
def _below(tree: Floats, place: int) -> float:
    """Sum over the places before ``place``."""
    total, k = 0.0, place
    while k > 0:
        total += tree[k]
        k -= k & -k
    return total


@compiled
def pair_counts(
    time: Floats,
    event: Flags,
    entry: Floats,
    by_entry: Whole,
    starts: Whole,
    rank: Whole,
    ranks: int,
    weights: Floats,
    event_weights: Floats,
    concordant: Floats,
    pairs: Floats,
) -> tuple[float, float, float]:
    """Count pairs of an event and a row still at risk just after it.

    Rows are sorted by stratum and decreasing time; ``rank`` (0, ..., ranks - 1) grows with the
    predicted risk. A pair weighs ``event_weights`` of the event times ``weights`` of both. Fills
    for each row the derivatives to its weight of the concordant pairs (ties count half) and of
    all pairs. Returns the total of concordant, discordant and tied pairs.
    """
    agree, against, tied = 0.0, 0.0, 0.0
    concordant[:] = 0.0
    pairs[:] = 0.0
    late = entry.size > 0
    tree = np.zeros(ranks + 1)
    for g in range(starts.size - 1):
        first, last = starts[g], starts[g + 1]
        # backwards in time: each event against those at risk after it
        tree[:] = 0.0
        i, leaving, present = first, first, 0.0
        while i < last:
            now, stop = time[i], i
            while late and leaving < last and entry[by_entry[leaving]] >= now:
                j = by_entry[leaving]
                leaving += 1
                _add(tree, rank[j], -weights[j])
                present -= weights[j]
            while stop < last and time[stop] == now:
                if not event[stop]:
                    _add(tree, rank[stop], weights[stop])
                    present += weights[stop]
                stop += 1
            for k in range(i, stop):
                if event[k] and event_weights[k] > 0.0:
                    less = _below(tree, rank[k])
                    equal = _below(tree, rank[k] + 1) - less
                    u = event_weights[k]
                    agree += weights[k] * u * less
                    tied += weights[k] * u * equal
                    against += weights[k] * u * (present - less - equal)
                    concordant[k] += u * (less + 0.5 * equal)
                    pairs[k] += u * present
            for k in range(i, stop):
                if event[k]:
                    _add(tree, rank[k], weights[k])
                    present += weights[k]
            i = stop
        # forwards in time: each row against the events it outlived
        tree[:] = 0.0
        total = 0.0
        i, entering = last - 1, last - 1
        while i >= first:
            now, stop = time[i], i
            while late and entering >= first and entry[by_entry[entering]] < now:
                j = by_entry[entering]
                entering -= 1
                less = _below(tree, rank[j] + 1)
                equal = less - _below(tree, rank[j])
                concordant[j] -= total - less + 0.5 * equal
                pairs[j] -= total
            while stop >= first and time[stop] == now:
                if event[stop]:
                    less = _below(tree, rank[stop] + 1)
                    equal = less - _below(tree, rank[stop])
                    concordant[stop] += total - less + 0.5 * equal
                    pairs[stop] += total
                stop -= 1
            for k in range(stop + 1, i + 1):
                if event[k] and event_weights[k] > 0.0:
                    _add(tree, rank[k], weights[k] * event_weights[k])
                    total += weights[k] * event_weights[k]
            for k in range(stop + 1, i + 1):
                if not event[k]:
                    less = _below(tree, rank[k] + 1)
                    equal = less - _below(tree, rank[k])
                    concordant[k] += total - less + 0.5 * equal
                    pairs[k] += total
            i = stop
    return agree, against, tied
