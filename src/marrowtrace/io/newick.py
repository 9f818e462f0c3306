"""Trees in Newick: labels, quotes, comments, branch lengths, polytomies, and several trees a file.

The grammar is Olsen's (G. Olsen, 'Newick's 8:45' tree format standard, 1990, as kept on the PHYLIP
pages), with two departures that most programs share: an underscore of a label without quotes stays
an underscore, and a comment in brackets after a node is kept as the node's annotation. Written
labels that hold anything but letters, digits, full stop and hyphen are quoted, so strict readers
agree. Reading and writing are loops, not recursion: a ladder of 100 000 nodes is no problem.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from marrowtrace.errors import InputFileError, ProblemList
from marrowtrace.storage import atomic_file, require_file

ROOT = -1
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<comment>\[[^\]]*\])
    | (?P<quoted>'(?:[^']|'')*')
    | (?P<sign>[(),:;])
    | (?P<plain>[^\s()\[\]',:;]+)
    | (?P<bad>.)""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z0-9.\-]+")


@dataclass(frozen=True, slots=True)
class Tree:
    """A rooted tree; a parent stands before its children, the root first (as read: in preorder).

    Parameters
    ----------
    parents : tuple of int
        Position of each node's parent; ``-1`` for the root, which is node 0.
    names : tuple of str
        Label of each node; empty if it has none.
    lengths : tuple of float or None
        Length of the branch above each node, in the unit of the file; None if not given.
    comments : tuple of str
        Text in brackets after each node, without the brackets; empty if none.

    Examples
    --------
    >>> tree = parse_newick("(A:1,(B,C)x);")[0]
    >>> tree.names, tree.parents
    (('', 'A', 'x', 'B', 'C'), (-1, 0, 0, 2, 2))
    """

    parents: tuple[int, ...]
    names: tuple[str, ...]
    lengths: tuple[float | None, ...]
    comments: tuple[str, ...]

    def __post_init__(self) -> None:
        sizes = {len(self.parents), len(self.names), len(self.lengths), len(self.comments)}
        if len(sizes) != 1 or not self.parents:
            raise InputFileError("a tree needs as many parents, names, lengths and comments")
        if self.parents[0] != ROOT or any(
            not 0 <= parent < node for node, parent in enumerate(self.parents) if node
        ):
            raise InputFileError("a parent must stand before its children, and the root first")

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.parents)

    @property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the children of each node, in order."""
        lists: list[list[int]] = [[] for _ in self.parents]
        for node, parent in enumerate(self.parents):
            if parent != ROOT:
                lists[parent].append(node)
        return tuple(tuple(nodes) for nodes in lists)

    @property
    def leaves(self) -> tuple[int, ...]:
        """Positions of the nodes without children."""
        inner = set(self.parents)
        return tuple(node for node in range(len(self)) if node not in inner)


def read_newick(path: Path | str) -> tuple[Tree, ...]:
    """Read all trees of a Newick file.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    InputFileError
        If it is not UTF-8 text, is empty, or breaks the grammar; line and column are named.
    """
    file = require_file(Path(path))
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            text = handle.read()
    except UnicodeDecodeError as err:
        raise InputFileError(f"'{file.name}' is not UTF-8 text: {err.reason}") from err
    except OSError as err:
        raise InputFileError(f"'{file.name}' cannot be read: {err.strerror}") from err
    return parse_newick(text, where=file.name)


def write_newick(trees: Iterable[Tree], path: Path | str) -> Path:
    """Write trees to a Newick file, one a line, whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    InputFileError
        If a comment holds a ']', which Newick cannot hold.
    """
    target = Path(path)
    text = "".join(f"{format_newick(tree)}\n" for tree in trees)
    with atomic_file(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        out.write(text)
    return target


def parse_newick(text: str, *, where: str = "Newick text") -> tuple[Tree, ...]:
    """Read all trees of a text.

    Parameters
    ----------
    text : str
    where : str
        What to call the text in errors.

    Raises
    ------
    InputFileError
        If there is no tree or the grammar is broken; line and column are named.

    Examples
    --------
    >>> [len(tree) for tree in parse_newick("(a,b)root[&&NHX:S=x]:0.5; 'it''s one';")]
    [3, 1]
    """
    trees: list[Tree] = []
    builder = _Builder(text, where)
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind == "space":
            continue
        if kind == "sign" and match[0] == ";":
            trees.append(builder.finish(match.start()))
            builder = _Builder(text, where)
        else:
            builder.take(kind, match[0], match.start())
    if builder.started:
        raise builder.error(len(text), "the tree does not end with ';'")
    if not trees:
        raise InputFileError(f"{where}: holds no tree; a tree looks like '(A,B)root;'")
    return tuple(trees)


class _Builder:
    """Puts one tree together from the tokens of a text."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.parents: list[int] = [ROOT]
        self.names: list[str] = [""]
        self.lengths: list[float | None] = [None]
        self.comments: list[str] = [""]
        self.node = 0
        self.started = False
        # what may come next: a child list or label, a label, a length, or the end of the node
        self.state = "open"
        self.opened: list[int] = []

    def take(self, kind: str, token: str, at: int) -> None:
        if kind == "comment":
            if self.started:
                self.comments[self.node] += token[1:-1]
            return
        self.started = True
        if kind == "bad":
            what = {"[": "a comment", "'": "a quoted label"}.get(token)
            raise self.error(
                at, f"{what} is not closed" if what else f"'{token}' is not expected here"
            )
        if kind == "sign":
            self._sign(token, at)
        elif self.state == "length" and kind == "plain":
            self.lengths[self.node] = self._length(token, at)
            self.state = "done"
        elif self.state in {"open", "label"}:
            quoted = kind == "quoted"
            self.names[self.node] = token[1:-1].replace("''", "'") if quoted else token
            self.state = "named"
        else:
            raise self.error(
                at, f"'{token}' is not expected here: a comma is missing, or the label needs quotes"
            )

    def _sign(self, sign: str, at: int) -> None:
        if self.state == "length":
            raise self.error(at, "a branch length is missing after ':'")
        if sign == "(":
            if self.state != "open":
                raise self.error(at, "'(' is not expected after a label: a comma is missing")
            self.opened.append(self.node)
            self._child(self.node)
        elif sign == ":":
            if self.state == "done":
                raise self.error(at, "a node has two branch lengths")
            self.state = "length"
        elif not self.opened:
            what = "closes nothing" if sign == ")" else "is outside the brackets of a tree"
            raise self.error(at, f"'{sign}' {what}; each tree ends with ';'")
        elif sign == ",":
            self._child(self.opened[-1])
        else:
            self.node = self.opened.pop()
            self.state = "label"

    def _child(self, parent: int) -> None:
        self.parents.append(parent)
        self.names.append("")
        self.lengths.append(None)
        self.comments.append("")
        self.node = len(self.parents) - 1
        self.state = "open"

    def _length(self, token: str, at: int) -> float:
        try:
            length = float(token)
        except ValueError:
            length = math.nan
        if not math.isfinite(length):
            raise self.error(at, f"the branch length '{token}' is not a number")
        return length

    def finish(self, at: int) -> Tree:
        if self.state == "length":
            raise self.error(at, "a branch length is missing after ':'")
        if self.opened:
            raise self.error(at, f"{len(self.opened)} bracket(s) '(' are not closed before ';'")
        if not self.started:
            raise self.error(at, "';' ends a tree, but there is none before it")
        return Tree(
            tuple(self.parents), tuple(self.names), tuple(self.lengths), tuple(self.comments)
        )

    def error(self, at: int, message: str) -> InputFileError:
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        return InputFileError(f"{self.where}:{line}:{column}: {message}")


def format_newick(tree: Tree) -> str:
    """Return the tree as one line of Newick text (of more if a label holds a line end).

    Raises
    ------
    InputFileError
        If a comment holds a ']', which Newick cannot hold.

    Examples
    --------
    >>> format_newick(parse_newick("( a , 'b c':2 )'it''s';")[0])
    "(a,'b c':2.0)'it''s';"
    """
    children = tree.children
    return "".join(_pieces(tree, children)) + ";"


def _pieces(tree: Tree, children: Sequence[tuple[int, ...]]) -> Iterator[str]:
    """Yield the text of a tree, walking it with a stack of what is still to be written."""
    stack: list[int | str] = [0]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        ending = _node(tree, item)
        if children[item]:
            yield "("
            stack.append(")" + ending)
            for position, child in reversed(list(enumerate(children[item]))):
                stack.append(child)
                if position:
                    stack.append(",")
        else:
            yield ending


def _node(tree: Tree, node: int) -> str:
    name, length, comment = tree.names[node], tree.lengths[node], tree.comments[node]
    if "]" in comment or "[" in comment:
        raise InputFileError(f"the comment '{comment}' holds a bracket, which Newick cannot hold")
    plain = not name or _PLAIN.fullmatch(name)
    label = name if plain else "'" + name.replace("'", "''") + "'"
    note = f"[{comment}]" if comment else ""
    return label + note + ("" if length is None else f":{float(length)!r}")


def read_edges(path: Path | str) -> Tree:
    """Read a tree given as one ``parent child`` pair a line (MACHINA's and MACH2's ``.tree``).

    Raises
    ------
    MissingFileError
        If the file does not exist.
    InputFileError
        Listing every line that is no pair and every node with two parents, or if there is not
        exactly one root.
    """
    file = require_file(Path(path))
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as err:
        raise InputFileError(f"'{file.name}' is not UTF-8 text: {err.reason}") from err
    problems = ProblemList()
    parent_of: dict[str, str] = {}
    children: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2:
            problems.add(f"{file.name}:{number}", f"holds '{line.strip()}'; wanted: parent child")
            continue
        parent, child = words
        if child in parent_of:
            problems.add(
                f"{file.name}:{number}",
                f"'{child}' has a second parent '{parent}'; it has '{parent_of[child]}' already",
            )
            continue
        parent_of[child] = parent
        children.setdefault(parent, []).append(child)
    problems.raise_any(InputFileError, f"'{file.name}'")
    roots = [node for node in children if node not in parent_of]
    if len(roots) != 1:
        names = ", ".join(f"'{root}'" for root in roots[:3]) or "none"
        raise InputFileError(f"'{file.name}' has {len(roots)} roots ({names}); a tree has one")
    names_, parents, stack = [], [], [(roots[0], ROOT)]
    while stack:
        node, above = stack.pop()
        names_.append(node)
        parents.append(above)
        stack += [(child, len(names_) - 1) for child in reversed(children.get(node, []))]
    if len(names_) <= len(parent_of):
        lost = next(node for node in parent_of if node not in set(names_))
        raise InputFileError(f"'{file.name}': '{lost}' is in a circle, not below the root")
    none: tuple[None, ...] = (None,) * len(names_)
    return Tree(tuple(parents), tuple(names_), none, ("",) * len(names_))
