"""Trees of clones: files of both forms, and every way of being no tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from marrowtrace.errors import InputFileError, MissingFileError
from marrowtrace.phylogeny.clone_tree import CloneTree
from marrowtrace.phylogeny.clone_tree_file import read_clone_tree


def read(tmp_path: Path, tree: str, labeling: str) -> CloneTree:
    (tmp_path / "a.tree").write_text(tree)
    (tmp_path / "a.labeling").write_text(labeling)
    return read_clone_tree(tmp_path / "a.tree", tmp_path / "a.labeling")


def test_both_forms(tmp_path: Path):
    found = read(tmp_path, "r a\nr b\r\n\n", "a P M\nb\tM\n")
    assert (found.names, found.parents) == (("r", "a", "b"), (-1, 0, 0))
    assert found.observed == (frozenset(), frozenset("PM"), frozenset("M"))
    assert (found.sites, found.children, len(found)) == (("M", "P"), ((1, 2), (), ()), 3)
    assert not found.leaves_only
    assert read(tmp_path, "r a\nr b\n", "a P\nb M\n").leaves_only


def test_a_founder_above_the_root():
    tree = CloneTree.from_edges([("a", "b")], {"b": ["M"]}).below("founder", "P")
    assert (tree.names, tree.parents) == (("founder", "a", "b"), (-1, 0, 1))


@pytest.mark.parametrize(
    ("tree", "labeling", "message"),
    [
        ("a b\nb c\nc a\n", "a P\n", "'a', 'b', 'c' go round in a circle, so the tree has no root"),
        ("a b\nc d\nd c\n", "b P\n", "'c', 'd' go round in a circle"),
        ("a b\nc b\na c\n", "b P\n", "'b' has two parents, 'a' and 'c'; a clone has one"),
        ("a b\nc d\n", "b P\nd M\n", r"there are 2 roots \('a', 'c'\); a tree has one"),
        ("a b\na c\n", "b P\n", "clone 'c': has no children and was seen nowhere; give it a site"),
        ("a bone\n", "bone P\nbon M\n", r"'bon' is not a clone of the tree; did you mean 'bone'\?"),
        ("a b c\n", "b P\n", "line 1: holds 'a b c'; wanted: parent child"),
        ("a b\n", "b\n", "line 1: 'b' has no site; wanted: clone site"),
        ("a b\n", "b P\nb M\n", "line 2: the clone 'b' stands twice"),
        ("a b\n", "b P P\n", "line 1: a site of 'b' stands twice"),
        ("a b\n", "", "'a.labeling' is empty"),
        ("", "b P\nc P\n", "edges: there are none"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, tree: str, labeling: str, message: str):
    with pytest.raises(InputFileError, match=message):
        read(tmp_path, tree, labeling)


def test_files_that_are_not_there(tmp_path: Path):
    with pytest.raises(MissingFileError):
        read_clone_tree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").write_bytes(b"\xff\xfe")
    with pytest.raises(InputFileError, match="is not UTF-8 text"):
        read_clone_tree(tmp_path / "a", tmp_path / "a")


@pytest.mark.parametrize(
    ("names", "parents", "message"),
    [
        (("a", "a"), (-1, 0), "'a' stands more than once"),
        (("a", "b"), (-1, -1), "its parent does not stand before it"),
        (("a", "b"), (1, 0), "its parent does not stand before it"),
        (("a",), (-1, 0), "as many names, parents and sets"),
        ((), (), "there is no clone in it"),
    ],
)
def test_impossible_trees(names: tuple[str, ...], parents: tuple[int, ...], message: str):
    with pytest.raises(InputFileError, match=message):
        CloneTree(names, parents, tuple(frozenset("P") for _ in names))


def test_a_long_ladder_needs_no_recursion():
    edges = [(str(n), str(n + 1)) for n in range(5000)]
    assert len(CloneTree.from_edges(edges, {"5000": ["P"]})) == 5001
