"""Breakpoints of copy number that two samples share.

A breakpoint is where the copies (of an allele, if alleles are known) change from one segment to the
next of the same chromosome. Two of them are one if they lie within a tolerance and step the same
way; each is matched once, the nearest first. A clone passes its breakpoints on, whatever ploidy is
fitted to it, so they compare samples when states do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from marrowtrace.errors import ParameterError
from marrowtrace.phylogeny.copy_numbers import CopyNumbers


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """Breakpoints of two samples.

    Parameters
    ----------
    first, second : int
        Breakpoints of each.
    shared : int
    jaccard : float
        Shared over all different ones; NaN if neither has any.
    distance : float
        1 - jaccard.
    """

    first: int
    second: int
    shared: int
    jaccard: float
    distance: float


def compare_breakpoints(
    copies: CopyNumbers, first: int, second: int, *, tolerance: float = 0.0
) -> Breakpoints:
    """Match the breakpoints of two samples.

    Parameters
    ----------
    copies : CopyNumbers
    first, second : int
        Rows of the samples.
    tolerance : float
        Largest distance of two breakpoints that are one [bp], from 0.

    Raises
    ------
    ParameterError
        If the tolerance is negative.
    """
    if not tolerance >= 0:
        raise ParameterError(f"a tolerance of {tolerance:g} bp is not possible; wanted 0 or more")
    one, two = (_steps(copies, row) for row in (first, second))
    near = sorted(
        (abs(a[2] - b[2]), i, j)
        for i, a in enumerate(one)
        for j, b in enumerate(two)
        if a[:2] == b[:2] and a[3] == b[3] and abs(a[2] - b[2]) <= tolerance
    )
    taken: tuple[set[int], set[int]] = (set(), set())
    for _, i, j in near:
        if i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
    shared = len(taken[0])
    union = len(one) + len(two) - shared
    jaccard = shared / union if union else math.nan
    return Breakpoints(len(one), len(two), shared, jaccard, 1 - jaccard)


def _steps(copies: CopyNumbers, row: int) -> list[tuple[int, str, int, int]]:
    """Allele, chromosome, position and sign of each step of a sample."""
    states = copies.total[None, row] if copies.alleles is None else copies.alleles[:, row]
    steps = []
    for allele, state in enumerate(states):
        before: tuple[str, int] | None = None
        for at in np.flatnonzero(state >= 0):
            chromosome, value = copies.chromosomes[at], int(state[at])
            if before is not None and before[0] == chromosome and before[1] != value:
                sign = 1 if value > before[1] else -1
                steps.append((allele, chromosome, int(copies.start[at]), sign))
            before = (chromosome, value)
    return steps
