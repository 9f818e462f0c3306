"""A clone tree: which clone descends from which, and the sites where each was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from marrowtrace.errors import InputFileError, ProblemList, did_you_mean

ROOT = -1


@dataclass(frozen=True, slots=True)
class CloneTree:
    """Clones, their parents, and the sites in which each was observed.

    Parameters
    ----------
    names : tuple of str
        The clones, all different, a parent before its children; the root first.
    parents : tuple of int
        Position of each clone's parent; -1 for the root.
    observed : tuple of frozenset of str
        Sites where each clone was seen; empty for one that is only inferred. A clone without
        children must have been seen somewhere.

    Raises
    ------
    InputFileError
        Listing every fault: names that stand twice, two roots, circles, leaves without a site.

    Examples
    --------
    >>> tree = CloneTree(("a", "b"), (-1, 0), (frozenset({"primary"}), frozenset({"marrow"})))
    >>> tree.sites, tree.children
    (('marrow', 'primary'), ((1,), ()))
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    observed: tuple[frozenset[str], ...]

    def __post_init__(self) -> None:
        problems = ProblemList()
        if not len(self.names) == len(self.parents) == len(self.observed):
            problems.add("tree", "needs as many names, parents and sets of sites")
            problems.raise_any(InputFileError, "the clone tree")
        if not self.names:
            problems.add("tree", "there is no clone in it")
        again = sorted({name for name in self.names if self.names.count(name) > 1})
        if again:
            problems.add("clones", f"'{again[0]}' stands more than once; names must be unique")
        for node, parent in enumerate(self.parents):
            if (parent == ROOT) != (node == 0) or parent >= node or parent < ROOT:
                problems.add(
                    f"clone '{self.names[node]}'",
                    "its parent does not stand before it; the root stands first and alone "
                    "(a circle, or two roots?)",
                )
        inner = set(self.parents)
        for node, sites in enumerate(self.observed):
            if not sites and node not in inner:
                problems.add(
                    f"clone '{self.names[node]}'",
                    "has no children and was seen nowhere; give it a site or leave it out",
                )
        problems.raise_any(InputFileError, "the clone tree")

    @classmethod
    def from_edges(
        cls,
        edges: Iterable[tuple[str, str]],
        observed: Mapping[str, Iterable[str]],
        *,
        where: str = "the clone tree",
    ) -> CloneTree:
        """Make a tree of pairs ``(parent, child)``.

        Parameters
        ----------
        edges : iterable of (str, str)
        observed : mapping of str to iterable of str
            Sites by clone.
        where : str
            What to call the tree in errors.

        Raises
        ------
        InputFileError
            Listing clones with two parents; if there is not one root, or a circle; listing clones
            of ``observed`` that the tree lacks.

        Examples
        --------
        >>> CloneTree.from_edges([("a", "b"), ("b", "a")], {})
        Traceback (most recent call last):
        ...
        marrowtrace.errors.InputFileError: 1 problem in the clone tree:
          edges: 'a', 'b' go round in a circle, so the tree has no root
        """
        problems = ProblemList()
        parent_of: dict[str, str] = {}
        children: dict[str, list[str]] = {}
        for parent, child in edges:
            if child in parent_of:
                problems.add(
                    "edges",
                    f"'{child}' has two parents, '{parent_of[child]}' and '{parent}'; a clone "
                    "has one",
                )
                continue
            parent_of[child] = parent
            children.setdefault(parent, []).append(child)
        roots = [name for name in children if name not in parent_of]
        if not children and len(observed) == 1:
            roots = list(observed)
        if len(roots) > 1:
            shown = ", ".join(f"'{name}'" for name in roots[:4])
            problems.add("edges", f"there are {len(roots)} roots ({shown}); a tree has one")
        names, parents = _preorder(roots, children)
        lost = sorted(set(parent_of) - set(names))
        if lost and len(roots) <= 1:
            shown = ", ".join(f"'{name}'" for name in lost[:4]) + (", ..." if lost[4:] else "")
            end = "" if roots else ", so the tree has no root"
            problems.add("edges", f"{shown} go round in a circle{end}")
        known = set(parent_of) | set(children) | set(roots)
        for name in observed:
            if name not in known:
                hint = did_you_mean(name, sorted(known))
                problems.add("labeling", f"'{name}' is not a clone of the tree{hint}")
        if not known:
            problems.add("edges", "there are none; an edge is a line 'parent child'")
        problems.raise_any(InputFileError, where)
        return cls(
            tuple(names),
            tuple(parents),
            tuple(frozenset(observed.get(name, ())) for name in names),
        )

    def __len__(self) -> int:
        """Return the number of clones."""
        return len(self.names)

    @property
    def sites(self) -> tuple[str, ...]:
        """All sites where a clone was seen, sorted."""
        return tuple(sorted(frozenset().union(*self.observed)))

    @property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the children of each clone."""
        lists: list[list[int]] = [[] for _ in self.parents]
        for node, parent in enumerate(self.parents):
            if parent != ROOT:
                lists[parent].append(node)
        return tuple(tuple(nodes) for nodes in lists)

    @property
    def leaves_only(self) -> bool:
        """Whether each leaf has one site and no inner clone has any (MACHINA's form)."""
        inner = set(self.parents)
        return all(
            len(sites) == (0 if node in inner else 1) for node, sites in enumerate(self.observed)
        )

    def check_site(self, site: str, what: str = "the primary") -> str:
        """Return ``site`` if a clone was seen there.

        Raises
        ------
        InputFileError
            If none was; the message names the nearest site.
        """
        if site not in self.sites:
            raise InputFileError(
                f"{what} '{site}' is not a site of the tree{did_you_mean(site, self.sites)}; it "
                f"has: {', '.join(self.sites)}"
            )
        return site

    def below(self, founder: str, site: str) -> CloneTree:
        """Return the tree with a founding clone above the root, seen only in ``site``."""
        return CloneTree(
            (founder, *self.names),
            (ROOT, *(parent + 1 for parent in self.parents)),
            (frozenset({site}), *self.observed),
        )


def _preorder(
    roots: Sequence[str], children: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[int]]:
    """Return the clones below the roots, a parent before its children, and their parents."""
    names: list[str] = []
    parents: list[int] = []
    stack = [(root, ROOT) for root in reversed(roots)]
    while stack:
        name, above = stack.pop()
        names.append(name)
        parents.append(above)
        at = len(names) - 1
        stack += [(child, at) for child in reversed(children.get(name, ()))]
    return names, parents
