r"""Fewest copy-number events between two samples and their common ancestor.

The distance of MEDICC2 (Kaufmann et al. 2022, Genome Biol. 23:241; remembered, the values of its
examples were seen): an event adds one copy to, or takes one from, a run of segments of one allele
of one chromosome. The last copy goes in events of their own, which come first; copies that are
lost stay lost; then a whole-genome doubling may add one copy to every segment that has any, as one
event; then come other losses and gains. The distance of x and y is the least number of events by
which an ancestor z becomes x and becomes y, over all z.

It is found exactly by a walk along the segments. The state is how many events of each kind cover
the segment on the way from z to x and to y; raising any of these by one opens an event and costs 1,
lowering is free.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.copy_numbers import CopyNumbers

MOST_COPIES = 8
FAR = 10_000


def event_distance(copies: CopyNumbers, first: str, second: str, *, doubling: bool = True) -> int:
    """Return the fewest events between two samples.

    Parameters
    ----------
    copies : CopyNumbers
        With alleles; segments that are missing in either sample are left out.
    first, second : str
        The samples.
    doubling : bool
        Whether whole-genome doublings may happen.

    Raises
    ------
    CohortError
        If a sample or the alleles are not known, or copies are above 8, where the
        exact walk takes too long.
    """
    if copies.alleles is None:
        raise CohortError("events are counted on alleles; these copy numbers are totals only")
    rows = copies.position(first), copies.position(second)
    pair = copies.alleles[:, list(rows)]
    known = np.all(pair >= 0, axis=(0, 1))
    highest = int(pair[:, :, known].max()) if known.any() else 0
    if highest > MOST_COPIES:
        raise CohortError(
            f"'{first}' or '{second}' has {highest} copies of an allele; events are counted up to "
            f"{MOST_COPIES}"
        )
    runs = [
        _run(pair[allele][:, mask])
        for allele in (0, 1)
        for chromosome in dict.fromkeys(copies.chromosomes)
        if (mask := known & (np.array(copies.chromosomes) == chromosome)).any()
    ]
    options = (0, 1) if doubling else (0,)
    return min(
        one + two + sum(_walk(run, bool(one), bool(two), highest) for run in runs)
        for one, two in itertools.product(options, options)
    )


def event_distances(copies: CopyNumbers, *, doubling: bool = True) -> pl.DataFrame:
    """Return the distances of all pairs of samples, one row a sample.

    Raises
    ------
    CohortError
        As `event_distance`.
    """
    size = len(copies.samples)
    values = np.zeros((size, size), dtype=np.int64)
    for i, j in itertools.combinations(range(size), 2):
        distance = event_distance(copies, copies.samples[i], copies.samples[j], doubling=doubling)
        values[i, j] = values[j, i] = distance
    return pl.DataFrame(
        {"sample": list(copies.samples)}
        | {name: values[:, column] for column, name in enumerate(copies.samples)}
    )


def _run(values: npt.NDArray[np.int16]) -> tuple[tuple[int, int], ...]:
    """Pairs of copies along a chromosome, equal neighbours once."""
    pairs = [(int(x), int(y)) for x, y in values.T]
    return tuple(pair for pair, _ in itertools.groupby(pairs))


@cache
def _walk(run: tuple[tuple[int, int], ...], one: bool, two: bool, highest: int) -> int:
    """Fewest events along one chromosome of one allele, without those of the doublings."""
    size = highest + 2
    cost = np.full((2, size, size, 2, size, size), FAR, dtype=np.int32)
    cost[0, 0, 0, 0, 0, 0] = 0
    for x, y in run:
        for axis in range(cost.ndim):
            cost = _move(cost, axis)
        cost = np.where(_possible(x, y, one, two, highest), cost, FAR)
    return int(cost.min())


def _move(cost: npt.NDArray[np.int32], axis: int) -> npt.NDArray[np.int32]:
    """Let one coordinate change: down is free, each step up costs 1."""
    moved = np.moveaxis(
        np.flip(np.minimum.accumulate(np.flip(cost, axis), axis=axis), axis), axis, 0
    )
    moved = moved.copy()
    for level in range(1, len(moved)):
        np.minimum(moved[level], moved[level - 1] + 1, out=moved[level])
    return np.moveaxis(moved, 0, axis)


@cache
def _possible(x: int, y: int, one: bool, two: bool, highest: int) -> npt.NDArray[np.bool_]:
    """Which losses and gains turn some ancestor into both x and y."""
    left, right = _reach(x, one, highest), _reach(y, two, highest)
    found = np.zeros(left.shape[1:] + right.shape[1:], dtype=bool)
    for from_left, from_right in zip(left, right, strict=True):
        found |= np.multiply.outer(from_left, from_right)
    return found


@cache
def _reach(copies: int, doubled: bool, highest: int) -> npt.NDArray[np.bool_]:
    """Whether z copies become ``copies``: axes z, last copy lost, other losses, gains."""
    size = highest + 2
    z, lost, losses, gains = np.ogrid[:size, :2, :size, :size]
    left = np.where(lost == 1, 0, z)
    allowed = (lost == 0) | (z <= 1)
    left = np.where((left > 0) & doubled, left + 1, left)
    allowed = allowed & ((left == 0) | (left > losses))
    return np.asarray(allowed & (np.where(left > 0, left - losses + gains, 0) == copies))
