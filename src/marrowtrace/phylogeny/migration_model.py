r"""What a migration history of a clone tree may look like, and what is counted in it.

A history gives each clone u a set of sites :math:`R_u` and a tree over them: where the lineage of
the clone arrived, and how it went on to the others. A clone that was seen in sites keeps them all;
one that was seen nowhere has at least one. The edge from a clone to its child leaves from a site
of the parent and arrives at one of the child. Splitting a clone over several sites this way is
what resolves polytomies (El-Kebir, Satas and Raphael 2018, Nat. Genet. 50:718-726; Roddur and
El-Kebir 2024, bioRxiv 2024.11.19.624301).

Counted are

- M, migrations: edges of the history whose ends lie in different sites;
- C, comigrations: for each pair (s, t) the most migrations from s to t on one path away from the
  root, summed over pairs; migrations that no path joins may have gone together;
- S, seeding sites: sites that a migration leaves from;
- U, unobserved clones: pairs of clone and site that the history needs and nobody saw.

(The first paper is remembered, of the second the program and its notes were read.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from marrowtrace.errors import InputFileError, ParameterError
from marrowtrace.phylogeny.clone_tree import ROOT, CloneTree

CRITERIA = ("U", "M", "C", "S")
DEFAULT_ORDER = ("U", "M", "C")
MEANING = {
    "U": "unobserved clones",
    "M": "migrations",
    "C": "comigrations",
    "S": "seeding sites",
}


@dataclass(frozen=True, slots=True)
class Arc:
    """One edge of a history: from ``(parent clone, source)`` to ``(clone, target)``.

    Parameters
    ----------
    clone : int
        Clone that the edge arrives at.
    source, target : int
        Sites, by position.
    within : bool
        Whether the edge lies within the clone, else it comes from the clone's parent.
    """

    clone: int
    source: int
    target: int
    within: bool

    @property
    def migrates(self) -> bool:
        """Whether its ends lie in different sites."""
        return self.source != self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationModel:
    """The clone tree with the sites that each clone must have and may have.

    Parameters
    ----------
    tree : CloneTree
    sites : tuple of str
    primary : int or None
        Site of the root; None if any will do.
    required, allowed : tuple of frozenset of int
        Sites that each clone must have, and those it may have.
    single : tuple of bool
        Whether a clone has exactly one site.
    order : tuple of str
        Criteria, the most important first.
    """

    tree: CloneTree
    sites: tuple[str, ...]
    primary: int | None
    required: tuple[frozenset[int], ...]
    allowed: tuple[frozenset[int], ...]
    single: tuple[bool, ...]
    order: tuple[str, ...]

    @property
    def closed(self) -> bool:
        """Whether the set of sites of each clone is known but for single ones."""
        return all(
            single or required == allowed
            for single, required, allowed in zip(
                self.single, self.required, self.allowed, strict=True
            )
        )

    def unobserved(self, clone: int, site: int) -> bool:
        """Whether nobody saw the clone in the site."""
        return self.sites[site] not in self.tree.observed[clone]


def check_order(order: Iterable[str]) -> tuple[str, ...]:
    """Return the criteria as a tuple.

    Raises
    ------
    ParameterError
        If there is none, one is unknown, or one stands twice.

    Examples
    --------
    >>> check_order("M,C".split(","))
    ('M', 'C')
    """
    letters = tuple(letter.strip().upper() for letter in order)
    allowed = ", ".join(f"{letter} {meaning}" for letter, meaning in MEANING.items())
    if not letters or any(letter not in CRITERIA for letter in letters):
        raise ParameterError(
            f"the order '{','.join(letters)}' is not known; allowed: some of {allowed}; e.g. U,M,C"
        )
    if len(set(letters)) < len(letters):
        raise ParameterError(f"the order '{','.join(letters)}' names a criterion twice")
    return letters


def make_model(
    tree: CloneTree,
    primary: str | None,
    *,
    order: Iterable[str] = DEFAULT_ORDER,
    resolve: bool | None = None,
) -> MigrationModel:
    """Say which sites each clone must and may have.

    Parameters
    ----------
    tree : CloneTree
    primary : str or None
        Site of the root; None if any of the tree's sites will do.
    order : iterable of {"U", "M", "C", "S"}
    resolve : bool, optional
        Whether a clone may be split over sites, which resolves polytomies. By default it may,
        unless only leaves have sites and each has one, which is how MACHINA's labellings look.

    Raises
    ------
    InputFileError
        If the primary is no site of the tree, or a clone was seen in several sites and may not
        be split, or the root is fixed in another site.
    ParameterError
        If the order is not known.
    """
    letters = check_order(order)
    split = not tree.leaves_only if resolve is None else resolve
    sites = tree.sites
    at = {site: position for position, site in enumerate(sites)}
    start = None if primary is None else at[tree.check_site(primary)]
    every = frozenset(range(len(sites)))
    required = [frozenset(at[site] for site in seen) for seen in tree.observed]
    if not split:
        _refuse_several(tree, primary)
    allowed, single = [], []
    for clone, seen in enumerate(required):
        if start is not None and tree.parents[clone] == ROOT:
            required[clone] = seen = seen | {start}
            if letters[0] == "U" or not split:
                allowed.append(seen)
                single.append(len(seen) == 1)
                continue
        single.append(not split or (letters[0] == "U" and not seen))
        allowed.append(seen if seen and (not split or letters[0] == "U") else every)
    return MigrationModel(
        tree=tree,
        sites=sites,
        primary=start,
        required=tuple(required),
        allowed=tuple(allowed),
        single=tuple(single),
        order=letters,
    )


def _refuse_several(tree: CloneTree, primary: str | None) -> None:
    """Refuse clones that cannot have one site only."""
    for name, seen in zip(tree.names, tree.observed, strict=True):
        if len(seen) > 1:
            raise InputFileError(
                f"clone '{name}' was seen in {len(seen)} sites ({', '.join(sorted(seen))}) and "
                "cannot be kept whole; allow clones to be split over sites (resolve polytomies)"
            )
    if primary is not None and tree.observed[0] and primary not in tree.observed[0]:
        raise InputFileError(
            f"the root '{tree.names[0]}' was seen in {', '.join(tree.observed[0])}, not in the "
            f"primary '{primary}'; allow clones to be split over sites, or put a clone of the "
            "primary above it"
        )
