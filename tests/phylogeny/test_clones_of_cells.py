import numpy as np

from marrowtrace.phylogeny.cell_likelihood import ErrorRates
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cell_tree import infer_cell_tree
from marrowtrace.phylogeny.clones_of_cells import clones_of_cells
from marrowtrace.phylogeny.lineages import kept_apart_by, strays
from marrowtrace.phylogeny.migration import infer_migrations

RATES = ErrorRates(false_positive=0.01, false_negative=0.05)


def tree_of(rows: list[tuple[str, str]]):
    genotype = np.array([[int(c) for c in bits] for _, bits in rows])
    cells = CellMutations(
        tuple(f"c{i}" for i in range(len(rows))), tuple(site for site, _ in rows),
        tuple(f"m{j}" for j in range(genotype.shape[1])), genotype,
    )  # fmt: skip
    return infer_cell_tree(cells, np.random.default_rng(0), errors=RATES)


TWO = (
    [("primary", "1110000")] * 6
    + [("primary", "1111000")] * 5
    + [("liver", "1110110")] * 5
    + [("liver", "1111001")] * 5
)


def test_clones_with_their_sites():
    clones = clones_of_cells(tree_of(TWO), "primary")
    seen = dict(zip(clones.names, clones.observed, strict=True))
    assert seen["m0 + 2"] == {"primary"}
    assert seen["m3"] == {"primary"}
    assert seen["m4 + 1"] == {"liver"}
    assert seen["m6"] == {"liver"}
    best = infer_migrations(clones, "primary").best.graph
    assert (best.n_migrations, best.pattern) == (2, "pPS")


def test_a_stray_cell_is_no_migration():
    rows = [*TWO, ("liver", "1111000")]
    tree = tree_of(rows)
    assert strays(tree, "primary") <= {len(rows) - 1}
    assert (
        infer_migrations(clones_of_cells(tree, "primary"), "primary").best.graph.n_migrations == 2
    )


def test_cells_that_keep_two_lineages_apart():
    assert 5 <= kept_apart_by(tree_of(TWO), "primary") <= 11
    one = [("primary", "100")] * 5 + [("liver", "111")] * 5
    assert kept_apart_by(tree_of(one), "primary") == 0


def test_cells_without_a_mutation_are_the_ancestor():
    rows = [("primary", "000")] * 3 + [("primary", "100")] * 3 + [("liver", "011")] * 4
    clones = clones_of_cells(tree_of(rows), "primary")
    assert clones.names[0] == "ancestor"
    assert clones.observed[0] == {"primary"}
