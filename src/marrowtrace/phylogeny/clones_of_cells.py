"""The clones of a cell tree, with the sites where their cells were found."""

from __future__ import annotations

from collections import Counter

import numpy as np

from marrowtrace.phylogeny.cell_tree import CellTree
from marrowtrace.phylogeny.clone_tree import CloneTree
from marrowtrace.phylogeny.lineages import strays

_STRAY_SHARE = 0.05
ANCESTOR = "ancestor"


def clones_of_cells(
    tree: CellTree, primary: str = "", *, stray_share: float = _STRAY_SHARE
) -> CloneTree:
    """Return the clone tree that the mutations on a cell tree mark off.

    A clone is what stands below a branch with mutations and above the next ones; its cells tell
    its sites. A clone of too few cells and without descendants goes up to the one it came from.

    Parameters
    ----------
    tree : CellTree
    primary : str
        Site of the primary, whose stray lineages do not count either (`lineages.strays`); empty if
        it is not known.
    stray_share : float
        A clone's cells of one site that are fewer than this share of the site's cells, or a single
        one of several, are strays (wrong calls, or cells that passed through) and do not count.

    Returns
    -------
    CloneTree
        Clones are named by their first mutation and the number of further ones.
    """
    nodes = np.unique(tree.placed[tree.placed >= 0]).tolist()
    clones = {node: _name(tree, node) for node in nodes}
    cells: dict[str, Counter[str]] = {}
    of_site = Counter(tree.cells.sites)
    alone = strays(tree, primary) if primary in tree.cells.sites else frozenset()
    for cell, site in enumerate(tree.cells.sites):
        if cell in alone:
            continue
        cells.setdefault(_clone(tree, cell, clones), Counter())[site] += 1
    above = {clones[node]: _clone(tree, int(tree.parent[node]), clones) for node in nodes}
    least = {site: max(2 if n > 1 else 1, stray_share * n) for site, n in of_site.items()}
    while True:
        inner = set(above.values())
        small = [
            clone
            for clone in above
            if clone not in inner
            and not any(n >= least[site] for site, n in cells.get(clone, Counter()).items())
        ]
        if not small:
            break
        for clone in small:
            cells.setdefault(above.pop(clone), Counter()).update(cells.pop(clone, Counter()))
    observed = {
        clone: sorted(site for site, n in found.items() if n >= least[site])
        for clone, found in cells.items()
    }
    return CloneTree.from_edges(
        [(parent, clone) for clone, parent in above.items()],
        {clone: sites for clone, sites in observed.items() if sites},
        where="the clones of the cell tree",
    )


def _clone(tree: CellTree, node: int, clones: dict[int, str]) -> str:
    """The clone of a node: the nearest branch with mutations at or above it."""
    while node >= 0:
        if node in clones:
            return clones[node]
        node = int(tree.parent[node])
    return ANCESTOR


def _name(tree: CellTree, node: int) -> str:
    own = [tree.cells.mutations[j] for j in np.flatnonzero(tree.placed == node)]
    return own[0] + (f" + {len(own) - 1}" if len(own) > 1 else "")
