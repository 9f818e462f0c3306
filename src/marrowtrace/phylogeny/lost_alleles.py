"""Where a sample has lost an allele that the primary kept: a mutation may have gone with it."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from marrowtrace.phylogeny.copy_numbers import CopyNumbers
from marrowtrace.phylogeny.sample_mutations import SampleMutations

_PLACE = re.compile(r"^(?:chr)?([0-9XY]+)[:_](\d+)\b")


def lost_alleles(samples: SampleMutations, copies: CopyNumbers, primary: str) -> NDArray[np.bool_]:
    """Return where a sample has lost one of the two alleles that every sample of the primary has.

    Parameters
    ----------
    samples : SampleMutations
        Mutations are named by their place, e.g. ``10:119029638:G>A``.
    copies : CopyNumbers
        Of the same samples, with alleles.
    primary : str
        Site of the primary.

    Returns
    -------
    ndarray of bool, shape (n_samples, n_mutations)
        False where the place of a mutation or its copies are not known.
    """
    lost = np.zeros((len(samples), len(samples.mutations)), dtype=bool)
    if copies.alleles is None:
        return lost
    minor = copies.alleles.min(axis=0)
    own = [row for row, site in enumerate(copies.sites) if site == primary]
    kept = (minor[own] >= 1).all(axis=0) & bool(own)
    names = np.array([each.removeprefix("chr") for each in copies.chromosomes])
    row_of = {name: row for row, name in enumerate(copies.samples)}
    for column, mutation in enumerate(samples.mutations):
        place = _PLACE.match(mutation)
        if place is None:
            continue
        at = int(place[2])
        inside = np.flatnonzero((names == place[1]) & (copies.start <= at) & (copies.end >= at))
        if not inside.size or not kept[inside[0]]:
            continue
        for row, sample in enumerate(samples.samples):
            if sample in row_of:
                lost[row, column] = minor[row_of[sample], inside[0]] == 0
    return lost
