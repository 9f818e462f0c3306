"""The migration histories of a clone tree that parsimony cannot tell apart.

`infer_migrations` finds the least counts by an integer program (`migration_program`) and then all
histories that reach them (`migration_search`), up to a bound. Where there are more, the migrations
that all of them share are still exact: the program is asked for a history with as few of those
seen so far as possible, until it cannot do without any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from marrowtrace.errors import ParameterError
from marrowtrace.evidence.plain_values import PlainValue
from marrowtrace.phylogeny.clone_tree import ROOT, CloneTree
from marrowtrace.phylogeny.migration_graph import MigrationGraph, migration_graph
from marrowtrace.phylogeny.migration_model import (
    CRITERIA,
    DEFAULT_ORDER,
    Arc,
    MigrationModel,
    make_model,
)
from marrowtrace.phylogeny.migration_program import MigrationProgram
from marrowtrace.phylogeny.migration_search import all_histories

UNKNOWN, UNSAMPLED = "unknown", "unsampled"
UNSAMPLED_SITE = "unsampled_primary"
FOUNDER = "founder"
RANK = ("M", "C", "S", "U")
LIMIT, STEPS, SOLVES, SECONDS = 1000, 15_000, 24, 120.0


@dataclass(frozen=True, slots=True)
class MigrationHistory:
    """A tree of clones split over sites, each node with one site.

    Parameters
    ----------
    clones, sites : tuple of str
        Clone and site of each node; a parent stands before its children, the root first.
    parents : tuple of int
        Position of each node's parent; -1 for the root.
    unobserved : int
        Nodes whose clone was not seen in their site.
    """

    clones: tuple[str, ...]
    sites: tuple[str, ...]
    parents: tuple[int, ...]
    unobserved: int

    @property
    def graph(self) -> MigrationGraph:
        """The migrations, counted by pair of sites."""
        return migration_graph(self.parents, self.sites)

    @property
    def values(self) -> dict[str, int]:
        """Each criterion's value."""
        graph = self.graph
        return {
            "U": self.unobserved,
            "M": graph.n_migrations,
            "C": graph.n_comigrations,
            "S": len(graph.seeding_sites),
        }

    def to_json(self) -> dict[str, PlainValue]:
        """Return the graph, and the nodes as clone, site and parent."""
        nodes: list[PlainValue] = [
            {"clone": clone, "site": site, "parent": None if parent == ROOT else parent}
            for clone, site, parent in zip(self.clones, self.sites, self.parents, strict=True)
        ]
        return {**self.graph.to_json(), "unobserved_clones": self.unobserved, "nodes": nodes}


@dataclass(frozen=True, slots=True)
class MigrationHistories:
    """Histories of equal parsimony.

    Parameters
    ----------
    primary : str
        The site asked for, or ``unknown`` or ``unsampled``.
    order : tuple of str
        Criteria that were minimised, one after the other.
    values : mapping of str to int
        Their least values.
    histories : tuple of MigrationHistory
        Those found. The first has, among all histories of these values, the least of the criteria
        that were not asked for (in the order M, C, S, U).
    complete : bool
        Whether these are all.
    common : tuple of (str, str)
        Pairs of sites with a migration in every history, also in those that were not listed.
    """

    primary: str
    order: tuple[str, ...]
    values: Mapping[str, int]
    histories: tuple[MigrationHistory, ...]
    complete: bool
    common: tuple[tuple[str, str], ...]

    @property
    def best(self) -> MigrationHistory:
        """The first history."""
        return self.histories[0]

    @property
    def patterns(self) -> Mapping[str, int]:
        """Number of listed histories by pattern."""
        return MappingProxyType(dict(Counter(h.graph.pattern for h in self.histories)))

    @property
    def origins(self) -> tuple[str, ...]:
        """Sites of the root in the listed histories, sorted."""
        return tuple(sorted({history.sites[0] for history in self.histories}))

    def table(self) -> pl.DataFrame:
        """Return one row for each kind of history: counts, pattern and how many are listed."""
        kinds = Counter(
            (
                h.sites[0],
                *(h.values[letter] for letter in CRITERIA),
                h.graph.pattern,
                h.graph.pattern_words,
            )
            for h in self.histories
        )
        names = ("primary", "unobserved_clones", "migrations", "comigrations", "seeding_sites",
                 "pattern", "pattern_words")  # fmt: skip
        rows = [
            dict(zip(names, kind, strict=True)) | {"histories": count}
            for kind, count in kinds.items()
        ]
        return pl.DataFrame(rows).select(*names, "histories")

    def pair_table(self) -> pl.DataFrame:
        """Return one row for each pair of sites: share of the histories, and whether in all.

        The share is null where not all histories are listed: those that are were chosen to differ.
        """
        found: Counter[tuple[str, str]] = Counter()
        for history in self.histories:
            found.update(set(history.graph.migrations))
        total = len(self.histories)
        rows = [
            {
                "source": source,
                "target": target,
                "share": count / total if self.complete else None,
                "in_all": (source, target) in self.common,
            }
            for (source, target), count in sorted(found.items(), key=lambda i: (-i[1], i[0]))
        ]
        schema = {"source": pl.String, "target": pl.String, "share": pl.Float64,
                  "in_all": pl.Boolean}  # fmt: skip
        return pl.DataFrame(rows, schema=schema)

    def to_json(self) -> dict[str, PlainValue]:
        """Return the counts of the first history, how many there are, and what they share."""
        best = self.best.to_json()
        return {
            "schema": "marrowtrace.migrations/1",
            "primary": self.primary,
            "order": list(self.order),
            "migrations": best["migrations"],
            "comigrations": best["comigrations"],
            "seeding_sites": best["seeding_sites"],
            "unobserved_clones": best["unobserved_clones"],
            "pattern": best["pattern"],
            "pattern_words": best["pattern_words"],
            "reseeding": best["reseeding"],
            "self_seeding": best["self_seeding"],
            "marrow_seeds": best["marrow_seeds"],
            "solutions": len(self.histories),
            "complete": self.complete,
            "patterns": dict(self.patterns),
            "common": [{"source": source, "target": target} for source, target in self.common],
            "best": best,
        }


def infer_migrations(
    tree: CloneTree,
    primary: str,
    *,
    order: Iterable[str] = DEFAULT_ORDER,
    resolve: bool | None = None,
    limit: int = LIMIT,
    steps: int = STEPS,
    time_limit: float = SECONDS,
) -> MigrationHistories:
    """Find the histories with the fewest unobserved clones, migrations, comigrations or sources.

    Parameters
    ----------
    tree : CloneTree
    primary : str
        A site of the tree; ``unknown`` if any of them may be the primary; ``unsampled`` if the
        primary is none of them, which adds a site ``unsampled_primary`` above the root.
    order : iterable of {"U", "M", "C", "S"}
        Criteria, the most important first.
    resolve : bool, optional
        Whether a clone may be split over sites; see `make_model`.
    limit : int
        Most histories to list.
    steps : int
        Effort of the search for all histories, in partial trees.
    time_limit : float
        Seconds for each integer program.

    Returns
    -------
    MigrationHistories

    Raises
    ------
    InputFileError
        If the primary is no site of the tree, or the sites allow no history.
    ParameterError
        If the order is not known, the limit is below 1, or the time is not enough.

    Examples
    --------
    >>> tree = CloneTree.from_edges([("a", "b"), ("a", "c")],
    ...                             {"a": ["breast"], "b": ["marrow"], "c": ["marrow", "liver"]})
    >>> found = infer_migrations(tree, "breast")
    >>> dict(found.values), found.best.graph.pattern, len(found.histories)
    ({'U': 0, 'M': 3, 'C': 2}, 'pS', 1)
    """
    if limit < 1 or steps < 0 or time_limit <= 0:
        raise ParameterError(
            f"limit {limit}, steps {steps} and time limit {time_limit:g} s are not possible; "
            "wanted: a limit of 1 or more, steps from 0, a time above 0"
        )
    model = primary_model(tree, primary, order=order, resolve=resolve)
    program = MigrationProgram(model)
    values = program.minimise(model.order, time_limit=time_limit)
    found = {(program.last_root, frozenset(program.last))}
    if model.closed:
        complete = _search(model, values, found, limit, steps)
    else:
        complete = _solve_again(program, found, min(limit, SOLVES), time_limit)
    common = None
    if not complete:
        common = _common(model, program, found, time_limit)
        program.minimise([c for c in RANK if c not in model.order], time_limit=time_limit)
        found.add((program.last_root, frozenset(program.last)))
    histories = [_history(model, root, arcs) for root, arcs in found]
    for history in histories:
        assert all(history.values[letter] == value for letter, value in values.items())
    histories.sort(key=_rank)
    if common is None:
        shared = set.intersection(*(set(h.graph.migrations) for h in histories))
    else:
        shared = {(model.sites[source], model.sites[target]) for source, target in common}
    return MigrationHistories(
        primary=primary,
        order=model.order,
        values=MappingProxyType(values),
        histories=tuple(histories[:limit]),
        complete=complete and len(histories) <= limit,
        common=tuple(sorted(shared)),
    )


def primary_model(
    tree: CloneTree, primary: str, *, order: Iterable[str], resolve: bool | None
) -> MigrationModel:
    """Return the model for a primary that may be ``unknown`` or ``unsampled``.

    Raises
    ------
    InputFileError, ParameterError
        As `make_model`.
    """
    if primary == UNSAMPLED and UNSAMPLED not in tree.sites:
        split = not tree.leaves_only if resolve is None else resolve
        rooted = tree.below(FOUNDER, UNSAMPLED_SITE)
        return make_model(rooted, UNSAMPLED_SITE, order=order, resolve=split)
    start = None if primary == UNKNOWN and UNKNOWN not in tree.sites else primary
    return make_model(tree, start, order=order, resolve=resolve)


Found = set[tuple[int, frozenset[Arc]]]


def _search(
    model: MigrationModel, values: Mapping[str, int], found: Found, limit: int, steps: int
) -> bool:
    """Add all histories of these counts; return whether there are no more."""
    for history in all_histories(model, values, steps=steps):
        if history is None:
            return False
        root, arcs = history
        found.add((root, frozenset(arcs)))
        if len(found) > limit:
            return False
    return True


def _solve_again(program: MigrationProgram, found: Found, limit: int, time_limit: float) -> bool:
    """Add histories by ruling out one after the other; return whether there are no more."""
    program.forbid(program.last)
    while (arcs := program.another(time_limit=time_limit)) is not None:
        found.add((program.last_root, frozenset(arcs)))
        if len(found) >= limit:
            return False
        program.forbid(arcs)
    return True


def _common(
    model: MigrationModel, program: MigrationProgram, found: Found, time_limit: float
) -> frozenset[tuple[int, int]]:
    """Return the pairs of sites that no history does without, adding those that show it."""

    def pairs(arcs: Iterable[Arc]) -> frozenset[tuple[int, int]]:
        return frozenset((arc.source, arc.target) for arc in arcs if arc.migrates)

    common = frozenset.intersection(*(pairs(arcs) for _, arcs in found))
    while common:
        arcs = program.vary(common, time_limit=time_limit)
        found.add((program.last_root, frozenset(arcs)))
        fewer = common & pairs(arcs)
        if fewer == common:
            break
        common = fewer
    return common


def _history(model: MigrationModel, root: int, arcs: frozenset[Arc]) -> MigrationHistory:
    """Lay the edges out as a tree, a parent before its children."""
    tree = model.tree
    entries = {arc.clone: arc for arc in arcs if not arc.within}
    inner: dict[tuple[int, int], list[int]] = {}
    for arc in arcs:
        if arc.within:
            inner.setdefault((arc.clone, arc.source), []).append(arc.target)
    at: dict[tuple[int, int], int] = {}
    parents: list[int] = []
    unobserved = 0
    for clone in range(len(tree)):
        if clone in entries:
            entry = entries[clone]
            start, above = entry.target, at[tree.parents[clone], entry.source]
        else:
            start, above = root, ROOT
        stack = [(start, above)]
        while stack:
            site, above = stack.pop()
            at[clone, site] = len(parents)
            parents.append(above)
            unobserved += model.unobserved(clone, site)
            stack += [(t, at[clone, site]) for t in sorted(inner.get((clone, site), ()))][::-1]
    return MigrationHistory(
        tuple(tree.names[clone] for clone, _ in at),
        tuple(model.sites[site] for _, site in at),
        tuple(parents),
        unobserved,
    )


def _rank(history: MigrationHistory) -> tuple[object, ...]:
    values = history.values
    pattern = history.graph.pattern
    order = ("none", "mPS", "pPS", "mS", "pS", "mM", "pM", "mR", "pR")
    return (
        *(values[letter] for letter in RANK),
        order.index(pattern),
        history.sites,
        history.parents,
    )
