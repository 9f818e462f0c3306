"""Golden counts of MACHINA and MACH2, the program against exhaustive search, limits, messages."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np
import pytest

from marrowtrace.errors import InputFileError, ParameterError
from marrowtrace.phylogeny.bundled import bundled_file
from marrowtrace.phylogeny.clone_tree import CloneTree
from marrowtrace.phylogeny.clone_tree_file import read_clone_tree
from marrowtrace.phylogeny.migration import UNSAMPLED_SITE, infer_migrations
from marrowtrace.phylogeny.migration_graph import migration_graph
from marrowtrace.phylogeny.migration_model import make_model
from marrowtrace.phylogeny.migration_program import MigrationProgram
from tests.phylogeny.golden_counts import MACH2, MACHINA


def leaves(name: str) -> CloneTree:
    return read_clone_tree(
        bundled_file(f"{name}.leaves.tree"), bundled_file(f"{name}.leaves.labeling")
    )


def observed(name: str) -> CloneTree:
    return read_clone_tree(bundled_file(f"{name}.tree"), bundled_file(f"{name}.observed.labeling"))


@pytest.mark.parametrize(("name", "primary"), MACHINA)
def test_labellings_of_machina(name: str, primary: str):
    migrations, kinds = MACHINA[name, primary]
    found = infer_migrations(leaves(name), primary, order="M")
    assert found.complete
    assert found.values == {"M": migrations}
    graphs = [history.graph for history in found.histories]
    assert kinds == Counter((g.n_comigrations, len(g.seeding_sites), g.pattern) for g in graphs)
    best = infer_migrations(leaves(name), primary)
    assert dict(best.values) | {"U": 0} == {"U": 0, "M": migrations, "C": min(kinds)[0]}
    assert len(best.histories) == sum(n for kind, n in kinds.items() if kind[0] == min(kinds)[0])


@pytest.mark.parametrize("name", MACH2)
def test_optima_of_mach2(name: str):
    primary, migrations, comigrations = MACH2[name]
    found = infer_migrations(observed(name), primary)
    assert (found.values["M"], found.values["C"]) == (migrations, comigrations)
    json = found.to_json()
    assert (json["migrations"], json["comigrations"]) == (migrations, comigrations)


def test_a22_has_ten_sites_and_takes_seconds():
    tree = observed("A22")
    assert len(tree.sites) == 10
    start = time.process_time()
    found = infer_migrations(tree, "prostate")
    assert time.process_time() - start < 5
    assert not found.complete
    assert found.values == {"U": 0, "M": 26, "C": 12}
    assert found.best.values["S"] == infer_migrations(tree, "prostate", order="UMCS").values["S"]
    assert ("bladder", "left_humerus_bone_marrow") not in found.common


def random_tree(rng: np.random.Generator, sites: list[str], *, sets: bool) -> CloneTree:
    size = int(rng.integers(3, 6))
    parents = [-1, *(int(rng.integers(0, node)) for node in range(1, size))]
    seen: list[frozenset[str]] = []
    for node in range(size):
        leaf = node not in parents
        count = int(rng.integers(1, 3 if sets else 2)) if leaf else int(sets and rng.integers(0, 3))
        seen.append(frozenset(rng.choice(sites, count, replace=False).tolist()))
    return CloneTree(tuple(f"c{node}" for node in range(size)), tuple(parents), tuple(seen))


@pytest.mark.parametrize("order", ["M", "MC", "CM", "SMC", "MS", "UMCS"])
def test_program_equals_exhaustive_labelling(order: str):
    rng = np.random.default_rng(71)
    sites = ["a", "b", "c"]
    for _ in range(8):
        tree = random_tree(rng, sites, sets=False)
        best, count = None, 0
        primary = tree.sites[0]
        free = [
            sorted(seen) if seen else list(tree.sites)
            for seen in (tree.observed[0] | {primary}, *tree.observed[1:])
        ]
        free[0] = [primary]
        for labels in itertools.product(*free):
            graph = migration_graph(tree.parents, labels)
            values = {
                "U": sum(not seen for seen in tree.observed),
                "M": graph.n_migrations,
                "C": graph.n_comigrations,
                "S": len(graph.seeding_sites),
            }
            key = tuple(values[letter] for letter in order)
            if best is None or key < best:
                best, count = key, 0
            count += key == best
        found = infer_migrations(tree, primary, order=order)
        assert tuple(found.values.values()) == best
        assert found.complete
        assert len(found.histories) == count


@pytest.mark.parametrize("order", ["UM", "UMC", "UCM", "USMC", "UMS"])
def test_program_equals_search_over_split_clones(order: str):
    """Without limits the search lists every history; the least of them is the optimum."""
    rng = np.random.default_rng(72)
    for _ in range(8):
        tree = random_tree(rng, ["a", "b", "c", "d"], sets=True)
        model = make_model(tree, tree.sites[0], order=order, resolve=True)
        values = MigrationProgram(model).minimise(order, time_limit=30)
        found = infer_migrations(tree, tree.sites[0], order=order, resolve=True)
        everything = infer_everything(tree, order)
        assert dict(found.values) == values
        least = min(everything)
        assert tuple(values.values()) == least
        assert len(found.histories) == everything[least]


def infer_everything(tree: CloneTree, order: str) -> Counter[tuple[int, ...]]:
    """All histories with the fewest unobserved clones, by the values of the criteria."""
    listed = infer_migrations(
        tree, tree.sites[0], order="U", resolve=True, limit=10**6, steps=10**7
    )
    assert listed.complete
    return Counter(tuple(h.values[letter] for letter in order) for h in listed.histories)


@pytest.mark.parametrize("order", ["MUC", "CMU"])
def test_orders_that_may_add_unobserved_clones(order: str):
    """The least migrations over all splits are not more than over those that add no clone."""
    rng = np.random.default_rng(73)
    for _ in range(5):
        tree = random_tree(rng, ["a", "b", "c"], sets=True)
        first = infer_migrations(tree, tree.sites[0], order=order, resolve=True)
        plain = infer_migrations(tree, tree.sites[0], order=f"U{order.replace('U', '')}")
        assert first.values[order[0]] <= plain.best.values[order[0]]
        assert all(h.values == h.values | dict(first.values) for h in first.histories)


def test_a_polytomy_is_resolved():
    """Three leaves of one site below one clone: one migration if they may share it, else three."""
    edges = [("a", "p"), ("a", "x"), ("a", "y"), ("a", "z")]
    tree = CloneTree.from_edges(edges, {"p": ["P"], "x": ["m"], "y": ["m"], "z": ["m"]})
    kept = infer_migrations(tree, "P", order="MC")
    assert (dict(kept.values), kept.best.graph.pattern) == ({"M": 3, "C": 1}, "pPS")
    split = infer_migrations(tree, "P", order="MC", resolve=True)
    assert (dict(split.values), split.best.graph.pattern) == ({"M": 1, "C": 1}, "mPS")


def test_common_migrations_are_in_every_history():
    found = infer_migrations(leaves("patient3"), "ROv", order="M")
    cut = infer_migrations(leaves("patient3"), "ROv", order="M", limit=2, steps=1)
    assert not cut.complete
    assert found.complete
    assert cut.common == found.common
    assert cut.pair_table()["share"].null_count() == cut.pair_table().height
    assert found.pair_table()["share"].null_count() == 0
    assert set(found.common) <= set(found.best.graph.migrations)


def test_primary_without_a_sample():
    found = infer_migrations(observed("A22"), "unsampled")
    assert found.values["M"] == 27
    assert found.best.sites[0] == UNSAMPLED_SITE
    assert UNSAMPLED_SITE in found.best.graph.seeding_sites


def test_any_site_may_be_the_primary():
    found = infer_migrations(observed("A31"), "unknown")
    assert found.origins == ("left_adrenal_gland",)
    assert found.values["U"] == 0


def test_one_site_has_no_migration():
    tree = CloneTree.from_edges([("a", "b")], {"a": ["P"], "b": ["P"]})
    found = infer_migrations(tree, "P")
    assert found.best.graph.pattern == "none"
    assert found.best.graph.pattern_words == "no migration"
    assert found.pair_table().height == 0


def test_tables_and_json():
    found = infer_migrations(leaves("A10"), "prostate", order="M")
    table = found.table()
    assert table["histories"].sum() == 6
    assert found.pair_table().filter("in_all")["share"].to_list() == [1.0] * len(found.common)
    json = found.to_json()
    assert (json["solutions"], json["complete"]) == (6, True)
    assert json["patterns"] == {"mPS": 2, "mS": 4}


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("X", "the order 'X' is not known; allowed: some of U unobserved clones, M migrations"),
        ("", "the order '' is not known"),
        ("MM", "names a criterion twice"),
    ],
)
def test_orders_that_are_refused(order: str, message: str):
    with pytest.raises(ParameterError, match=message):
        infer_migrations(observed("A10"), "prostate", order=order)


def test_unknown_primary_is_refused_with_the_nearest():
    with pytest.raises(InputFileError, match=r"'prostat' is not a site.*did you mean 'prostate'"):
        infer_migrations(observed("A10"), "prostat")


def test_clones_in_several_sites_cannot_be_kept():
    with pytest.raises(InputFileError, match=r"was seen in 2 sites .* cannot be kept whole"):
        infer_migrations(observed("A12"), "prostate", resolve=False)
    tree = CloneTree.from_edges([("a", "b")], {"a": ["x"], "b": ["y"]})
    with pytest.raises(InputFileError, match=r"root 'a' was seen in x, not in the primary 'y'"):
        infer_migrations(tree, "y", resolve=False)


@pytest.mark.parametrize("bad", [{"limit": 0}, {"steps": -1}, {"time_limit": 0.0}])
def test_impossible_effort(bad: dict[str, int]):
    with pytest.raises(ParameterError, match="are not possible"):
        infer_migrations(observed("A10"), "prostate", **bad)


def test_too_little_time_is_said():
    with pytest.raises(ParameterError, match=r"not solved to the optimum in 1e-09 s"):
        infer_migrations(observed("A22"), "prostate", time_limit=1e-9)
