"""Lineages that left the primary: the largest clades of a cell tree without a cell of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.phylogeny.cell_tree import CellTree, upward
from marrowtrace.phylogeny.primary_roles import ELSEWHERE, odds_of_sample
from marrowtrace.phylogeny.sample_mutations import SampleMutations

_COMMON = 2.0
_SMALLEST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Lineage:
    """One clade of cells found outside the primary only.

    Parameters
    ----------
    node : int
        Its last common ancestor in the tree.
    cells : tuple of int
        Positions of its cells.
    sites : tuple of str
        Where they were found.
    """

    node: int
    cells: tuple[int, ...]
    sites: tuple[str, ...]


def lineages(tree: CellTree, primary: str) -> tuple[Lineage, ...]:
    """Return the largest clades without a cell of the primary, those of most cells first."""
    outside = np.array([site != primary for site in tree.cells.sites])
    clades = tree.clades
    pure = ~(clades & ~outside).any(axis=1)
    found = []
    for node in np.flatnonzero(pure):
        above = tree.parent[node]
        if above >= 0 and pure[above]:
            continue
        inside = np.flatnonzero(clades[node])
        sites = tuple(sorted({tree.cells.sites[i] for i in inside}))
        found.append(Lineage(int(node), tuple(int(i) for i in inside), sites))
    return tuple(sorted(found, key=lambda lineage: (-len(lineage.cells), lineage.node)))


def smallest_counted(outside: int) -> int:
    """Return the fewest cells of a lineage that counts: 2, and 5 % of those outside the primary.

    Smaller ones may be wrong calls, normal cells or passers-by; a lone cell counts if it is all
    there is.
    """
    return max(2, int(np.ceil(_SMALLEST_SHARE * outside))) if outside > 1 else 1


def strays(tree: CellTree, primary: str) -> frozenset[int]:
    """Return the cells outside the primary that are of no lineage that counts."""
    found = lineages(tree, primary)
    least = smallest_counted(sum(len(each.cells) for each in found))
    small = [each for each in found if len(each.cells) < least]
    return (
        frozenset()
        if len(small) == len(found)
        else frozenset(cell for each in small for cell in each.cells)
    )


def kept_apart_by(tree: CellTree, primary: str) -> int:
    """Return how many cells of the primary keep the lineages that count from being one.

    These are the primary's cells below the lineages' last common ancestor; 0 for one lineage.
    """
    found = lineages(tree, primary)
    least = smallest_counted(sum(len(each.cells) for each in found))
    counted = [each for each in found if len(each.cells) >= least]
    if len(counted) < 2:
        return 0
    cells = np.array([cell for each in counted for cell in each.cells])
    clades = tree.clades
    above = clades[clades[:, cells].all(axis=1)]
    smallest = above[int(np.argmin(above.sum(axis=1)))]
    inside = np.array([site == primary for site in tree.cells.sites])
    return int((smallest & inside).sum())


def lineages_of_samples(
    samples: SampleMutations, primary: str, roles: NDArray[np.float64]
) -> tuple[tuple[str, ...], ...]:
    """Return the sites of each lineage: those that share mutations which the primary lacks.

    Two sites belong together if they are expected to share two such mutations or more; so do those
    that a third one joins.

    Parameters
    ----------
    samples : SampleMutations
    primary : str
    roles : ndarray of float64, shape (n_mutations, 3)
        Of the mutations in the primary (`primary_roles`).

    Returns
    -------
    tuple of tuple of str
        Those of most sites first.
    """
    where = np.array(samples.sites)
    sites = [site for site in samples.site_names if site != primary]
    odds = [odds_of_sample(samples, np.flatnonzero(where == site)) for site in sites]
    carried = 1.0 / (1.0 + np.exp(-np.clip(np.array(odds), -500, 500)))
    common = (carried * roles[:, ELSEWHERE]) @ carried.T >= _COMMON
    group = list(range(len(sites)))
    for one in range(len(sites)):
        for other in np.flatnonzero(common[one]):
            old, new = group[int(other)], group[one]
            group = [new if g == old else g for g in group]
    together = [
        tuple(site for site, g in zip(sites, group, strict=True) if g == wanted)
        for wanted in dict.fromkeys(group)
    ]
    return tuple(sorted(together, key=lambda each: -len(each)))


def site_changes(parent: NDArray[np.int64], outside: NDArray[np.bool_]) -> int:
    """Return the fewest changes between primary and elsewhere along the tree (Fitch 1971)."""
    states = np.zeros(parent.size, np.int64)
    cells = outside.size
    states[:cells] = np.where(outside, 2, 1)
    first: dict[int, int] = {}
    changes = 0
    for node in upward(parent):
        above = int(parent[node])
        if above < 0:
            continue
        if above not in first:
            first[above] = int(states[node])
            continue
        both = first[above] & int(states[node])
        states[above] = both or first[above] | int(states[node])
        changes += both == 0
    return changes


def association(
    parent: NDArray[np.int64],
    outside: NDArray[np.bool_],
    rng: np.random.Generator,
    permutations: int = 999,
) -> float:
    """Return the p-value of cells being sorted by site along the tree no more than by chance.

    The fewest changes of site are compared with those of cells whose labels are permuted (Slatkin
    and Maddison 1989, Genetics 123:603).

    Parameters
    ----------
    parent : ndarray of int64, shape (2 n_cells - 1,)
    outside : ndarray of bool, shape (n_cells,)
        Whether each cell is from outside the primary.
    rng : numpy.random.Generator
    permutations : int
    """
    changes = site_changes(parent, outside)
    as_few = sum(
        site_changes(parent, rng.permutation(outside)) <= changes for _ in range(permutations)
    )
    return (1 + as_few) / (1 + permutations)
