"""The tree of cells that best explains their mutations, with the support of each clade."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.cell_likelihood import ErrorRates, log_odds, log_without
from marrowtrace.phylogeny.cell_mutations import CellMutations

if TYPE_CHECKING:
    import polars as pl

_ROUNDS = 3
_SWEEPS = 200
_PRIOR_CALLS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class CellTree:
    """The most likely rooted tree of cells.

    Node ``i < n_cells`` is cell i; the other nodes are common ancestors. A mutation placed at a
    node arose on the branch above it, so that the cells below carry it and no other cell does.

    Parameters
    ----------
    cells : CellMutations
    parent : ndarray of int64, shape (2 n_cells - 1,)
        -1 for the root.
    root : int
    placed : ndarray of int64, shape (n_mutations,)
        Node of each mutation; -1 for one that no cell carries.
    log_likelihood : float
        Of all calls or reads, with each mutation at its best place.
    errors : ErrorRates
        As given or as estimated.
    support : ndarray of float64, shape (2 n_cells - 1,)
        Share of sampled trees that hold the clade; NaN if no trees were sampled.
    samples : ndarray of int64, shape (n_samples, 2 n_cells - 1)
        Parents in the sampled trees.
    """

    cells: CellMutations
    parent: NDArray[np.int64]
    root: int
    placed: NDArray[np.int64]
    log_likelihood: float
    errors: ErrorRates
    support: NDArray[np.float64]
    samples: NDArray[np.int64]

    @property
    def clades(self) -> NDArray[np.bool_]:
        """Whether each node is above (or is) each cell, shape (2 n_cells - 1, n_cells)."""
        return clades_of(self.parent, len(self.cells))

    @property
    def genotype(self) -> NDArray[np.bool_]:
        """The genotypes that the tree implies, shape (n_cells, n_mutations)."""
        return genotype_of(self.parent, self.placed, len(self.cells))

    def newick(self) -> str:
        """Return the tree in Newick form, with the number of mutations as length of a branch."""
        cells = len(self.cells)
        lengths = np.bincount(self.placed[self.placed >= 0], minlength=2 * cells - 1)
        text = {i: _quoted(self.cells.names[i]) for i in range(cells)}
        children: dict[int, list[int]] = {}
        for node in upward(self.parent):
            inner = children.get(node)
            if inner:
                text[node] = "(" + ",".join(f"{text[c]}:{lengths[c]}" for c in inner) + ")"
            children.setdefault(int(self.parent[node]), []).append(node)
        return f"{text[self.root]}:{lengths[self.root]};"

    def table(self) -> pl.DataFrame:
        """Return the clades that carry mutations: cells, sites, mutations and support."""
        import polars as pl

        clades = self.clades
        rows: list[dict[str, Any]] = []
        for node in np.unique(self.placed[self.placed >= 0]):
            inside = np.flatnonzero(clades[node])
            rows.append(
                {
                    "node": int(node),
                    "cells": inside.size,
                    "sites": ", ".join(sorted({self.cells.sites[i] for i in inside})),
                    "mutations": ", ".join(
                        self.cells.mutations[j] for j in np.flatnonzero(self.placed == node)
                    ),
                    "support": float(self.support[node]),
                }
            )
        schema = {"node": pl.Int64, "cells": pl.Int64, "sites": pl.String, "mutations": pl.String,
                  "support": pl.Float64}  # fmt: skip
        return pl.DataFrame(rows, schema=schema).sort("cells", "node", descending=[True, False])

    def to_json(self) -> dict[str, Any]:
        """Return the tree as plain values."""
        return {
            "newick": self.newick(),
            "log_likelihood": self.log_likelihood,
            "false_positive": self.errors.false_positive,
            "false_negative": self.errors.false_negative,
            "clades": self.table().to_dicts(),
            "not_carried": [self.cells.mutations[j] for j in np.flatnonzero(self.placed < 0)],
        }


def infer_cell_tree(
    cells: CellMutations,
    rng: np.random.Generator,
    *,
    errors: ErrorRates | None = None,
    restarts: int = 4,
    samples: int = 0,
    thinning: int = 2,
) -> CellTree:
    """Return the most likely tree of cells under false positives, dropout and missing calls.

    From the neighbour-joining tree, clades are regrafted wherever the likelihood rises, until no
    regraft of any clade helps. Each restart climbs first on mutations drawn with replacement and
    then again on all (the ratchet of Nixon 1999, with likelihood for parsimony).

    Parameters
    ----------
    cells : CellMutations
        Two cells or more. Doublets and normal cells are taken as they are; see
        `marrowtrace.phylogeny.doublets`.
    rng : numpy.random.Generator
    errors : ErrorRates, optional
        Estimated along with the tree if left out. Rates estimated at the most likely tree are
        somewhat too low, since the tree is chosen to fit.
    restarts : int
        0 or more.
    samples : int
        Trees to sample for the support of clades; 0 for none. They follow the likelihood with each
        mutation at its best place, all trees being equally likely beforehand.
    thinning : int
        Rounds over all clades between two sampled trees, 1 or more.

    Returns
    -------
    CellTree

    Raises
    ------
    CohortError
        If no genotype is informative, or a count is out of range.

    Notes
    -----
    The likelihood is that of ScisTree (Wu 2019, Bioinformatics) and of SCITE with its mutation
    tree's attachments maximised (Jahn 2016, Genome Biology): each mutation arose once and was never
    lost. Neighbour joining: Saitou and Nei 1987.
    """
    from marrowtrace.phylogeny.cell_tree_kernels import placements

    for name, value, low in (("restarts", restarts, 0), ("samples", samples, 0),
                             ("thinning", thinning, 1)):  # fmt: skip
        if value < low:
            raise CohortError(f"{name}: {value} is out of range; give {low} or more")
    start = rates = errors or ErrorRates()
    order = np.arange(2 * len(cells) - 1)
    tree: _Tree | None = None
    for _ in range(1 if errors else _ROUNDS):
        weight = log_odds(cells, rates)
        tree = _climbed(tree or _joined(weight), weight, order)
        placed, _ = placements(tree.left, tree.right, tree.root, weight)
        if errors is None:
            rates = estimate_errors(cells, genotype_of(tree.parent, placed, len(cells)), start)
    assert tree is not None
    weight = log_odds(cells, rates)
    tree = _climbed(tree, weight, order)
    for _ in range(restarts if len(cells) > 2 else 0):
        other = _ratcheted(tree, weight, rng)
        if other.gain >= tree.gain:
            tree = other
    placed, gains = placements(tree.left, tree.right, tree.root, weight)
    support, sampled = _sampled(tree, weight, rng, samples, thinning)
    return CellTree(
        cells,
        tree.parent,
        tree.root,
        placed,
        log_without(cells, rates) + float(gains.sum()),
        rates,
        support,
        sampled,
    )


def estimate_errors(
    cells: CellMutations, genotype: NDArray[np.bool_], before: ErrorRates
) -> ErrorRates:
    """Return the error rates at which calls and genotypes agree best, drawn a little to ``before``.

    ``before`` counts as much as two calls.
    """
    known, called = cells.known, cells.present
    absent, carried = known & ~genotype, known & genotype

    def share(wrong: int, of: int, prior: float) -> float:
        return (wrong + _PRIOR_CALLS * prior) / (of + _PRIOR_CALLS)

    return replace(
        before,
        false_positive=min(
            0.49, share(int((called & absent).sum()), int(absent.sum()), before.false_positive)
        ),
        false_negative=min(
            0.5, share(int((~called & carried).sum()), int(carried.sum()), before.false_negative)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Tree:
    """A binary tree as the kernels take it."""

    parent: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    root: int
    gain: float


def _joined(weight: NDArray[np.float64]) -> _Tree:
    """Neighbour joining on the expected number of mutations by which two cells differ."""
    from marrowtrace.phylogeny.cell_tree_kernels import join_neighbours

    carried = 1.0 / (1.0 + np.exp(-np.clip(weight, -500, 500)))
    carried = np.vstack([carried, np.zeros(weight.shape[1])])
    apart = carried @ (1.0 - carried).T
    return _Tree(*join_neighbours(apart + apart.T), 0.0)


def _climbed(
    tree: _Tree,
    weight: NDArray[np.float64],
    order: NDArray[np.int64],
    repeats: NDArray[np.float64] | None = None,
    sweeps: int = _SWEEPS,
) -> _Tree:
    from marrowtrace.phylogeny.cell_tree_kernels import climb

    parent, left, right = tree.parent.copy(), tree.left.copy(), tree.right.copy()
    if parent.size == 1:
        return tree
    repeats = np.ones(weight.shape[1]) if repeats is None else repeats
    root, gain, _ = climb(parent, left, right, tree.root, weight, repeats, order, sweeps)
    return _Tree(parent, left, right, root, gain)


def _ratcheted(tree: _Tree, weight: NDArray[np.float64], rng: np.random.Generator) -> _Tree:
    nodes, mutations = tree.parent.size, weight.shape[1]
    drawn = rng.multinomial(mutations, np.full(mutations, 1.0 / mutations)).astype(float)
    moved = _climbed(tree, weight, rng.permutation(nodes), drawn, sweeps=1)
    return _climbed(moved, weight, rng.permutation(nodes))


def _sampled(tree: _Tree, weight: NDArray[np.float64], rng: np.random.Generator, samples: int,
             thinning: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """Share of sampled trees with each clade of the tree, and the sampled trees."""
    from marrowtrace.phylogeny.cell_tree_kernels import wander

    nodes = tree.parent.size
    cells = (nodes + 1) // 2
    kept = np.empty((samples, nodes), np.int64)
    if samples == 0 or cells < 3:
        return np.full(nodes, np.nan if samples == 0 else 1.0), kept[: 0 if cells < 3 else samples]
    parent, left, right, root = tree.parent.copy(), tree.left.copy(), tree.right.copy(), tree.root
    wanted = {clade.tobytes(): node for node, clade in enumerate(clades_of(tree.parent, cells))}
    seen = np.zeros(nodes)
    steps = thinning * nodes
    for sample in range(samples):
        order = rng.integers(0, nodes, steps)
        root, _ = wander(parent, left, right, root, weight, order, rng.random(steps))
        kept[sample] = parent
        for clade in clades_of(parent, cells):
            node = wanted.get(clade.tobytes())
            if node is not None:
                seen[node] += 1.0
    return seen / samples, kept


def upward(parent: NDArray[np.int64]) -> list[int]:
    """Return the nodes of a tree, children before parents."""
    children: dict[int, list[int]] = {}
    for node, above in enumerate(parent.tolist()):
        children.setdefault(above, []).append(node)
    order = list(children.get(-1, ()))
    for node in order:
        order.extend(children.get(node, ()))
    return order[::-1]


def clades_of(parent: NDArray[np.int64], cells: int) -> NDArray[np.bool_]:
    """Return which cells are below each node of a tree, shape (2 n_cells - 1, n_cells)."""
    clades = np.zeros((parent.size, cells), dtype=bool)
    clades[np.arange(cells), np.arange(cells)] = True
    for node in upward(parent):
        if parent[node] >= 0:
            clades[parent[node]] |= clades[node]
    return clades


def genotype_of(
    parent: NDArray[np.int64], placed: NDArray[np.int64], cells: int
) -> NDArray[np.bool_]:
    """Return the genotypes that a tree with its mutations implies, shape (n_cells, n_mutations)."""
    genotype = np.zeros((cells, placed.size), dtype=bool)
    carried = placed >= 0
    genotype[:, carried] = clades_of(parent, cells)[placed[carried]].T
    return genotype


def _quoted(name: str) -> str:
    """A name as Newick takes it."""
    plain = name.replace("'", "''")
    return f"'{plain}'" if any(c in name for c in " ()[]{}:;,'\t") else name
