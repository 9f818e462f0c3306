"""Each site as the primary: ties are said, and an unsampled primary costs one migration more."""

from __future__ import annotations

import pytest

from marrowtrace.errors import InputFileError
from marrowtrace.phylogeny.bundled import bundled_file
from marrowtrace.phylogeny.clone_tree import CloneTree
from marrowtrace.phylogeny.clone_tree_file import read_clone_tree
from marrowtrace.phylogeny.rooting import compare_rootings


def patient1() -> CloneTree:
    return read_clone_tree(
        bundled_file("patient1.leaves.tree"), bundled_file("patient1.leaves.labeling")
    )


def test_either_ovary_costs_the_same():
    """13 migrations from each, by MACHINA too; a third site would cost less."""
    found = compare_rootings(patient1(), order="M")
    values = {each.origin: each.values["M"] for each in found.rootings}
    assert (values["LOv"], values["ROv"]) == (13, 13)
    assert values["unsampled"] == min(values.values()) + 1
    assert found.rootings[0].values["M"] == min(values.values())


def test_what_cannot_be_told_is_said():
    tree = CloneTree.from_edges([("a", "b"), ("a", "c")], {"b": ["marrow"], "c": ["breast"]})
    found = compare_rootings(tree)
    assert found.candidates == ("breast", "marrow")
    assert "is not identifiable" in found.statement
    assert not found.to_json()["identifiable"]
    assert found.table()["best"].to_list() == [True, True, False]


def test_one_candidate():
    tree = CloneTree.from_edges([("a", "b")], {"a": ["breast"], "b": ["marrow"]})
    found = compare_rootings(tree)
    assert found.candidates == ("breast",)
    assert found.statement.startswith("breast alone costs least")
    kept = compare_rootings(tree, resolve=False)
    assert kept.impossible == ("marrow",)


def test_clones_that_may_not_be_split():
    tree = CloneTree.from_edges([("a", "b")], {"a": ["breast", "liver"], "b": ["marrow"]})
    with pytest.raises(InputFileError, match="no site of the tree can be the origin"):
        compare_rootings(tree, resolve=False)
