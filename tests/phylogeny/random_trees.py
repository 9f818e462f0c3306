"""Made cells whose tree is known: a random genealogy, mutations along it, and wrong calls."""

import numpy as np

from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cell_tree import clades_of


def genealogy(cells: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Kingman's coalescent: parent of each node, and the length of the branch above it."""
    nodes = 2 * cells - 1
    parent, born, length = np.full(nodes, -1), np.zeros(nodes), np.zeros(nodes)
    active, now = list(range(cells)), 0.0
    for fresh in range(cells, nodes):
        k = len(active)
        now += rng.exponential(2 / (k * (k - 1)))
        pair = rng.choice(k, 2, replace=False)
        for child in (active[i] for i in pair):
            parent[child], length[child] = fresh, now - born[child]
        born[fresh] = now
        active = [node for i, node in enumerate(active) if i not in pair] + [fresh]
    length[-1] = 0.1 * length.sum()
    return parent, length


def observed(cells, mutations, rng, *, false_positive, false_negative, missing=0.0):
    """Calls, true genotypes and the true parents."""
    parent, length = genealogy(cells, rng)
    above = rng.choice(parent.size, mutations, p=length / length.sum())
    truth = clades_of(parent, cells)[above].T
    calls = np.where(
        truth, rng.random(truth.shape) >= false_negative, rng.random(truth.shape) < false_positive
    ).astype(np.int8)
    calls[rng.random(truth.shape) < missing] = -1
    return (
        CellMutations(
            tuple(f"cell{i}" for i in range(cells)),
            ("primary",) * cells,
            tuple(f"m{j}" for j in range(mutations)),
            calls,
        ),
        truth,
        parent,
    )


def all_trees(cells: int) -> list[np.ndarray]:
    """Every rooted binary tree of so many cells, as parents: (2n - 3)!! of them."""
    nodes = 2 * cells - 1
    found = []

    def grow(edges: dict[int, int], root: int, leaf: int) -> None:
        if leaf == cells:
            parent = np.full(nodes, -1)
            for child, above in edges.items():
                parent[child] = above
            found.append(parent)
            return
        fresh = cells + leaf - 1
        for target in [root, *edges]:
            grown = dict(edges)
            if target in edges:
                grown[fresh] = edges[target]
            grown[target], grown[leaf] = fresh, fresh
            grow(grown, fresh if target == root else root, leaf + 1)

    grow({}, 0, 1)
    return found
