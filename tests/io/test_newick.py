from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrace.errors import InputFileError, MissingFileError
from marrowtrace.io.newick import (
    Tree,
    format_newick,
    parse_newick,
    read_edges,
    read_newick,
    write_newick,
)

LABEL = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
COMMENT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), max_size=5)


@st.composite
def trees(draw) -> Tree:
    size = draw(st.integers(1, 9))
    parents = [-1, *(draw(st.integers(0, node - 1)) for node in range(1, size))]
    children = {node: [c for c in range(size) if parents[c] == node] for node in range(size)}
    order, stack = [], [0]
    while stack:
        node = stack.pop()
        order.append(node)
        stack += reversed(children[node])
    at = {node: position for position, node in enumerate(order)}
    lengths = st.none() | st.floats(allow_nan=False, allow_infinity=False)
    return Tree(
        tuple(-1 if node == 0 else at[parents[node]] for node in order),
        # an unnamed, uncommented leaf at the root would be an empty tree
        ("root", *(draw(LABEL) for _ in order[1:])),
        tuple(draw(lengths) for _ in order),
        tuple(draw(COMMENT) for _ in order),
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(trees(), min_size=1, max_size=3))
def test_any_trees_return_equal(made: list[Tree]):
    assert parse_newick("\n".join(format_newick(tree) for tree in made)) == tuple(made)


@settings(max_examples=300, deadline=None)
@given(st.text("()[],:;'ab1. \n", max_size=12))
def test_any_text_is_read_or_refused(text: str):
    try:
        made = parse_newick(text)
    except InputFileError:
        return
    assert parse_newick("".join(format_newick(tree) for tree in made)) == made


@pytest.mark.parametrize(
    ("text", "names", "parents"),
    [
        ("A;", ("A",), (-1,)),
        ("(A,B,C,D);", ("", "A", "B", "C", "D"), (-1, 0, 0, 0, 0)),
        ("((A,B)x,(C,D)y)z;", ("z", "x", "A", "B", "y", "C", "D"), (-1, 0, 1, 1, 0, 4, 4)),
        ("(,(,));", ("",) * 5, (-1, 0, 0, 2, 2)),
        (" ( A\n,\tB ) r ;\r\n", ("r", "A", "B"), (-1, 0, 0)),
        ("('it''s (a) [x]; b','')_r_s;", ("_r_s", "it's (a) [x]; b", ""), (-1, 0, 0)),
        ("[rooted](A[c1],B)r[c2];", ("r", "A", "B"), (-1, 0, 0)),
    ],
)
def test_topology_and_labels(text: str, names: tuple[str, ...], parents: tuple[int, ...]):
    (tree,) = parse_newick(text)
    assert (tree.names, tree.parents) == (names, parents)


def test_lengths_comments_and_leaves():
    (tree,) = parse_newick("(A:1,B[&x=1]:2.5e-3[y],C)r[&&NHX:S=h]:-0.5;")
    assert tree.lengths == (-0.5, 1.0, 0.0025, None)
    assert tree.comments == ("&&NHX:S=h", "", "&x=1y", "")
    assert tree.leaves == (1, 2, 3)
    assert tree.children[0] == (1, 2, 3)


def test_published_program_output():
    """Tree of MEDICC2's simple example, with an unnamed root and a diploid outgroup."""
    text = (
        "((((taxon_5:1.0,(taxon_2:0.0,taxon_3:2.0)internal_1:2.0)internal_4:1.0,"
        "taxon_1:0.0)internal_3:1.0,taxon_4:0.0)internal_2:0.0,diploid:0.0):0.0;"
    )
    (tree,) = parse_newick(text)
    assert [tree.names[leaf] for leaf in tree.leaves] == [
        "taxon_5", "taxon_2", "taxon_3", "taxon_1", "taxon_4", "diploid",
    ]  # fmt: skip
    assert sum(length or 0.0 for length in tree.lengths) == 7.0


def test_deep_trees_need_no_recursion():
    text = "(" * 20_000 + "a" + ")b" * 20_000 + ";"
    (tree,) = parse_newick(text)
    assert len(tree) == 20_001
    assert format_newick(tree) == text


def test_labels_are_quoted_when_another_reader_might_change_them():
    assert format_newick(parse_newick("(a_b,'a b',a-1.2)'';")[0]) == "('a_b','a b',a-1.2);"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.nwk: holds no tree"),
        ("  [only a comment] ", "holds no tree"),
        (";", "t.nwk:1:1: ';' ends a tree, but there is none before it"),
        ("(A,B)", "1:6: the tree does not end with ';'"),
        ("(A,B;", r"1:5: 1 bracket\(s\) '\(' are not closed"),
        ("\n(A,B));", r"t.nwk:2:6: '\)' closes nothing"),
        ("A,B;", "',' is outside the brackets"),
        ("(A B);", "'B' is not expected here: a comma is missing"),
        ("(A(B));", r"'\(' is not expected after a label"),
        ("(A:x,B);", "the branch length 'x' is not a number"),
        ("(A:inf,B);", "the branch length 'inf' is not a number"),
        ("(A:,B);", "a branch length is missing after ':'"),
        ("A:;", "a branch length is missing after ':'"),
        ("(A:1:2,B);", "a node has two branch lengths"),
        ("('A,B);", "a quoted label is not closed"),
        ("(A[x,B);", "a comment is not closed"),
        ("(A],B);", r"'\]' is not expected here"),
    ],
)
def test_broken_text_names_line_and_column(text: str, message: str):
    with pytest.raises(InputFileError, match=message):
        parse_newick(text, where="t.nwk")


class TestFiles:
    def test_round_trip(self, tmp_path: Path):
        made = parse_newick("(A,B)r; 'x\ny':1.0;")
        assert read_newick(write_newick(made, tmp_path / "t.nwk")) == made

    def test_missing(self, tmp_path: Path):
        (tmp_path / "tree.nwk").touch()
        with pytest.raises(MissingFileError, match=r"did you mean 'tree.nwk'"):
            read_newick(tmp_path / "tre.nwk")

    def test_not_text(self, tmp_path: Path):
        (tmp_path / "t.nwk").write_bytes(b"(\xff,B);")
        with pytest.raises(InputFileError, match=r"is not UTF-8 text"):
            read_newick(tmp_path / "t.nwk")
        with pytest.raises(InputFileError, match=r"is not UTF-8 text"):
            read_edges(tmp_path / "t.nwk")

    def test_byte_order_mark(self, tmp_path: Path):
        (tmp_path / "t.nwk").write_bytes(b"\xef\xbb\xbf(A,B);")
        assert len(read_newick(tmp_path / "t.nwk")[0]) == 3

    def test_comment_that_cannot_be_written(self, tmp_path: Path):
        tree = Tree((-1,), ("A",), (None,), ("x]y",))
        with pytest.raises(InputFileError, match=r"'x\]y' holds a bracket"):
            write_newick([tree], tmp_path / "t.nwk")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("parents", "names", "message"),
    [
        ((-1, 0), ("A",), "as many parents, names"),
        ((), (), "as many parents, names"),
        ((0,), ("A",), "a parent must stand before its children"),
        ((-1, 2, 0), ("A", "B", "C"), "a parent must stand before its children"),
        ((-1, -1), ("A", "B"), "a parent must stand before its children"),
    ],
)
def test_impossible_trees(parents: tuple[int, ...], names: tuple[str, ...], message: str):
    n = len(parents)
    with pytest.raises(InputFileError, match=message):
        Tree(parents, names, (None,) * n, ("",) * n)


class TestEdges:
    def read(self, tmp_path: Path, text: str) -> Tree:
        (tmp_path / "a.tree").write_text(text)
        return read_edges(tmp_path / "a.tree")

    def test_prostate_tree_of_mach2(self, tmp_path: Path):
        text = "grey\tdark_pink\ngrey\tlight_blue\ndark_pink\tgoldA\nlight_blue\tdark_greenC\n"
        tree = self.read(tmp_path, text)
        assert tree.names == ("grey", "dark_pink", "goldA", "light_blue", "dark_greenC")
        assert tree.parents == (-1, 0, 1, 0, 3)

    def test_every_bad_line_is_listed(self, tmp_path: Path):
        with pytest.raises(InputFileError, match=r"2 problems in 'a.tree'") as caught:
            self.read(tmp_path, "a b\na\nc b\n\n")
        assert "a.tree:2: holds 'a'; wanted: parent child" in str(caught.value)
        assert "a.tree:3: 'b' has a second parent 'c'; it has 'a' already" in str(caught.value)

    def test_roots(self, tmp_path: Path):
        with pytest.raises(InputFileError, match=r"has 2 roots \('a', 'c'\)"):
            self.read(tmp_path, "a b\nc d")
        with pytest.raises(InputFileError, match=r"has 0 roots \(none\)"):
            self.read(tmp_path, "a b\nb a")
        with pytest.raises(InputFileError, match=r"has 0 roots"):
            self.read(tmp_path, "")

    def test_circle_beside_the_tree(self, tmp_path: Path):
        with pytest.raises(InputFileError, match=r"'c' is in a circle|'d' is in a circle"):
            self.read(tmp_path, "a b\nc d\nd c")
