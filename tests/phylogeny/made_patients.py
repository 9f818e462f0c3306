"""Made patients whose cells left the primary early or late, so that a verdict can be right."""

import numpy as np

from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cell_tree import clades_of
from tests.phylogeny.random_trees import genealogy


def patient(
    rng, modes, *, primary=25, marrow=15, trunk=20, parts=20, private=10, within=8,
    false_positive=0.01, false_negative=0.2, loss=0.02,
):  # fmt: skip
    """Calls of ``primary`` and ``marrow`` cells; one lineage of marrow cells a mode given."""
    total = primary + marrow
    number, between = rng.poisson(trunk), rng.poisson(parts)
    parent, length = genealogy(primary, rng)
    length[-1] = 0.0
    clades = clades_of(parent, primary)
    above = rng.choice(parent.size, between, p=length / length.sum())
    first = np.zeros((total, number + between), dtype=bool)
    first[:primary, :number] = True
    first[:primary, number:] = clades[above].T
    columns = [first]
    for cells in np.array_split(np.arange(primary, total), len(modes)):
        mode = modes[len(columns) // 2 % len(modes)] if len(modes) > 1 else modes[0]
        if mode == "linear":
            kept = np.flatnonzero(rng.random(number) > loss)
            if rng.random() < 0.5:
                up = rng.choice(np.flatnonzero(clades[:, rng.integers(primary)]))
                inherited = [j for j, v in enumerate(above) if clades[v][clades[up]].all()]
                first[np.ix_(cells, number + np.array(inherited, int))] = True
        else:
            kept = np.arange(rng.binomial(number, rng.random()))
        first[np.ix_(cells, kept)] = True
        columns += _own(rng, cells, total, private, within)
    truth = np.hstack(columns)
    calls = np.where(
        truth, rng.random(truth.shape) >= false_negative, rng.random(truth.shape) < false_positive
    )
    return CellMutations(
        tuple(f"cell{i}" for i in range(total)),
        ("primary",) * primary + ("bone_marrow",) * marrow,
        tuple(f"m{j}" for j in range(truth.shape[1])),
        calls.astype(np.int8),
    )


def _own(rng, cells, total, private, within):
    """Mutations that all cells of a lineage share, and those among them."""
    shared = np.zeros((total, rng.poisson(private)), dtype=bool)
    shared[cells] = True
    own = np.zeros((total, rng.poisson(within)), dtype=bool)
    if cells.size > 1:
        parent, length = genealogy(cells.size, rng)
        length[-1] = 0.0
        above = rng.choice(parent.size, own.shape[1], p=length / length.sum())
        own[cells] = clades_of(parent, cells.size)[above].T
    return [shared, own]
