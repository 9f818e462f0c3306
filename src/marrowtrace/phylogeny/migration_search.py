r"""Every migration history of given counts, by a search that leaves dead ends early.

For models whose clones have a known set of sites or exactly one (`MigrationModel.closed`). Clones
are placed from the root on. A branch ends when the migrations spent and the least that the rest
must cost (a Sankoff recursion over the tree) exceed those allowed, when the comigrations opened
and one for each site not entered yet exceed those allowed, or when more sites seed than allowed.
It shares nothing with the integer program but the model, so that each checks the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from marrowtrace.phylogeny.clone_tree import ROOT
from marrowtrace.phylogeny.migration_model import Arc, MigrationModel

Pair: TypeAlias = tuple[int, int]
Counts: TypeAlias = dict[Pair, int]


@dataclass(frozen=True, slots=True)
class _State:
    """What the clones placed so far have spent."""

    migrations: int
    rest: float
    pairs: Counts
    entered: frozenset[int]
    seeds: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Placement:
    """Where one clone is, how it got there, and the migrations on the path to each of its sites."""

    arcs: tuple[Arc, ...]
    state: _State
    paths: dict[int, Counts] = field(hash=False)


def all_histories(
    model: MigrationModel, allowed: Mapping[str, int], *, steps: int | None = None
) -> Iterator[tuple[int, tuple[Arc, ...]] | None]:
    """Yield the root's site and the edges of every history that keeps to the counts.

    Parameters
    ----------
    model : MigrationModel
        A closed one.
    allowed : mapping of str to int
        Most migrations (M), comigrations (C) and seeding sites (S); what is not named is free.
    steps : int, optional
        Give up after so many partial trees.

    Yields
    ------
    tuple of (int, tuple of Arc), or None
        None, and nothing after it, if the search was given up.
    """
    assert model.closed
    search = _Search(model, allowed)
    size = len(model.tree)
    stack = [search.placements(0, None)]
    placed: list[_Placement] = []
    while stack:
        placement = next(stack[-1], None)
        if steps is not None and search.steps > steps:
            yield None
            return
        if placement is None:
            stack.pop()
            if placed:
                placed.pop()
            continue
        placed.append(placement)
        if len(placed) < size:
            stack.append(search.placements(len(placed), placed))
            continue
        root = next(iter(placed[0].paths))
        yield root, tuple(arc for each in placed for arc in each.arcs)
        placed.pop()


class _Search:
    """Bounds and steps of the search through one model."""

    def __init__(self, model: MigrationModel, allowed: Mapping[str, int]) -> None:
        self.model = model
        self.steps = 0
        self.most_migrations = float(allowed.get("M", math.inf))
        self.most_comigrations = float(allowed.get("C", math.inf))
        self.most_seeds = float(allowed.get("S", math.inf))
        self.wanted = frozenset().union(*model.required)
        self.least = self._sankoff()
        fixed = [(clone, self.model.required[clone]) for clone in range(len(model.tree))]
        self.several = [(clone, sites) for clone, sites in fixed if len(sites) > 1]

    def _sets(self, clone: int) -> list[frozenset[int]]:
        """The sets of sites that a clone may have."""
        model = self.model
        if model.single[clone]:
            return [frozenset({site}) for site in sorted(model.allowed[clone])]
        return [model.required[clone]]

    def _sankoff(self) -> list[dict[frozenset[int], int]]:
        """Least migrations within and below each clone, by its set of sites."""
        least: list[dict[frozenset[int], int]] = [{} for _ in self.model.tree.parents]
        for clone in reversed(range(len(least))):
            for sites in self._sets(clone):
                below = sum(
                    self._entry(child, sites, least) for child in self.model.tree.children[clone]
                )
                least[clone][sites] = len(sites) - 1 + below
        return least

    @staticmethod
    def _entry(child: int, sites: frozenset[int], least: list[dict[frozenset[int], int]]) -> int:
        """Least migrations from a parent in ``sites`` into and below ``child``."""
        return min(cost + (not own & sites) for own, cost in least[child].items())

    def placements(self, clone: int, placed: list[_Placement] | None) -> Iterator[_Placement]:
        """Yield the ways to place a clone, given those before it."""
        model = self.model
        if placed is None:
            empty = _State(0, 0.0, {}, frozenset(), frozenset())
            for sites in self._sets(clone):
                starts = [model.primary] if model.primary is not None else sorted(sites)
                for start in starts:
                    if start in sites:
                        yield from self._within(clone, sites, start, None, {}, empty)
            return
        parent = model.tree.parents[clone]
        assert parent != ROOT
        state = placed[-1].state
        paths = placed[parent].paths
        here = frozenset(paths)
        expected = self._entry(clone, here, self.least)
        base = _State(
            state.migrations, state.rest - expected, state.pairs, state.entered, state.seeds
        )
        for sites in self._sets(clone):
            for start in sorted(sites):
                for source in sorted(here):
                    arc = Arc(clone, source, start, within=False)
                    yield from self._within(clone, sites, start, arc, paths[source], base)

    def _within(
        self,
        clone: int,
        sites: frozenset[int],
        start: int,
        entry: Arc | None,
        path: Counts,
        base: _State,
    ) -> Iterator[_Placement]:
        """Yield the trees over the sites of a clone that is entered at ``start``."""
        children = self.model.tree.children[clone]
        below = sum(self._entry(child, sites, self.least) for child in children)
        spent = base.migrations + len(sites) - 1 + (entry is not None and entry.migrates)
        if spent + base.rest + below > self.most_migrations:
            return
        first = dict(path)
        if entry is not None and entry.migrates:
            pair = (entry.source, entry.target)
            first[pair] = first.get(pair, 0) + 1
        after = _State(spent, base.rest + below, base.pairs, base.entered, base.seeds)
        for above in self._trees(clone, start, sites, first, after):
            inner = tuple(
                Arc(clone, source, target, within=True) for target, source in above.items()
            )
            paths = _walk(start, above, first)
            state = self._charge(after, start, paths)
            if state is not None:
                yield _Placement(((entry,) if entry else ()) + inner, state, paths)

    def _trees(
        self,
        clone: int,
        start: int,
        sites: frozenset[int],
        first: Counts,
        state: _State,
    ) -> Iterator[dict[int, int]]:
        """Yield the trees over ``sites`` rooted at ``start``, as the source of each target."""
        targets = sorted(sites - {start})
        stack: list[dict[int, int]] = [{}]
        while stack:
            above = stack.pop()
            self.steps += 1
            if not self._affordable(clone, above, start, first, state):
                continue
            if len(above) == len(targets):
                yield above
                continue
            target = targets[len(above)]
            stack += [
                {**above, target: source}
                for source in sorted(sites - {target}, reverse=True)
                if not _circular(above, target, source)
            ]

    def _affordable(
        self, clone: int, above: Mapping[int, int], start: int, first: Counts, state: _State
    ) -> bool:
        """Whether the edges chosen leave enough comigrations and seeding sites."""
        pairs = {(source, target) for target, source in above.items()} | set(first)
        opened = len(pairs - set(state.pairs))
        waiting = self.wanted - state.entered - set(above) - {start}
        known = sum(state.pairs.values()) + opened
        if len(state.seeds | {source for source, _ in pairs}) > self.most_seeds:
            return False
        if known + len(waiting) > self.most_comigrations:
            return False
        slack = self.most_comigrations - known
        return all(
            self._missing(sites, pairs, state.pairs) + len(waiting - sites) <= slack
            for later, sites in self.several
            if later > clone
        )

    @staticmethod
    def _missing(sites: frozenset[int], pairs: set[Pair], more: Counts) -> int:
        """Least pairs that must still be opened to join the sites of one clone."""
        reached = {t for s, t in pairs if s in sites and t in sites}
        reached |= {t for s, t in more if s in sites and t in sites}
        return max(0, len(sites) - len(reached) - 1)

    def _charge(self, state: _State, start: int, paths: Mapping[int, Counts]) -> _State | None:
        """Return the state with the clone's paths counted, or None if they are too many."""
        pairs = dict(state.pairs)
        for counts in paths.values():
            for pair, count in counts.items():
                if count > pairs.get(pair, 0):
                    pairs[pair] = count
        entered = state.entered | set(paths) | {start}
        if sum(pairs.values()) + len(self.wanted - entered) > self.most_comigrations:
            return None
        seeds = state.seeds | {source for source, _ in pairs}
        if len(seeds) > self.most_seeds:
            return None
        return _State(state.migrations, state.rest, pairs, entered, seeds)


def _circular(above: Mapping[int, int], target: int, source: int) -> bool:
    """Whether ``source`` hangs below ``target`` already."""
    site: int | None = source
    while site is not None:
        if site == target:
            return True
        site = above.get(site)
    return False


def _walk(start: int, above: Mapping[int, int], first: Counts) -> dict[int, Counts]:
    """Return the migrations on the path to each site of a clone, the entered site first."""
    below: dict[int, list[int]] = {}
    for target, source in above.items():
        below.setdefault(source, []).append(target)
    paths = {start: first}
    stack = [start]
    while stack:
        source = stack.pop()
        for target in below.get(source, []):
            counts = dict(paths[source])
            counts[source, target] = counts.get((source, target), 0) + 1
            paths[target] = counts
            stack.append(target)
    return paths
