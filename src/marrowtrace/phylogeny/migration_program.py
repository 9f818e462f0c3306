r"""The most parsimonious migration history as an integer linear program, solved by HiGHS.

A binary variable for each possible edge of a history says whether it is used. With :math:`e_v(s,t)`
for the edge from the parent of clone v, :math:`w_v(s,t)` for one within v and :math:`r(s)` for the
root, a clone v is in site t if :math:`n_v(t)=\sum_s e_v(s,t)+\sum_s w_v(s,t)` is 1. Each clone is
entered once, an edge leaves only from where the parent is, and ranks that rise along the edges
within a clone forbid circles. Migrations from s to t on the path to a clone are the entries on the
way and those inner edges that lead to where the path leaves; :math:`c(s,t)` is at least each such
sum. Criteria are minimised one after the other, the values reached being kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from marrowtrace.errors import InputFileError, ParameterError
from marrowtrace.phylogeny.clone_tree import ROOT
from marrowtrace.phylogeny.migration_model import Arc, MigrationModel

Terms = list[tuple[int, float]]
Pair = tuple[int, int]


class MigrationProgram:
    """The program of one model; `minimise` finds an optimum, `forbid` rules one out.

    Parameters
    ----------
    model : MigrationModel
    """

    def __init__(self, model: MigrationModel) -> None:
        self.model = model
        self.arcs: dict[Arc, int] = {}
        self._upper: list[float] = []
        self._integral: list[bool] = []
        self._rows: list[tuple[Terms, float, float]] = []
        self._used: dict[Pair, int] = {}
        self._root = {site: self._new() for site in sorted(model.allowed[0])}
        self._entries: dict[tuple[int, int], Terms] = {}
        self._exits: dict[tuple[int, int], Terms] = {}
        self._place_arcs()
        self._limit_clones()
        self._limit_circles()
        self._goals = {"U": self._unobserved(), "M": self._migrations()}

    def _goal(self, letter: str) -> Terms:
        """The terms that a criterion adds up; what comigrations need is made when first asked."""
        if letter not in self._goals:
            pairs = self._count_pairs()
            self._goals["C"] = [(column, 1.0) for column in pairs.values()]
            self._goals["S"] = self._seeding(pairs)
        return self._goals[letter]

    def _new(self, *, upper: float = 1.0, integral: bool = True) -> int:
        self._upper.append(upper)
        self._integral.append(integral)
        return len(self._upper) - 1

    def _require(self, terms: Terms, low: float, high: float) -> None:
        if terms:
            self._rows.append((terms, low, high))

    def _place_arcs(self) -> None:
        """Make the variables of the edges, and note what enters and leaves each clone and site."""
        model = self.model
        for clone, parent in enumerate(model.tree.parents):
            for target in sorted(model.allowed[clone]):
                self._entries[clone, target] = []
                self._exits[clone, target] = []
            if parent == ROOT:
                for site, column in self._root.items():
                    self._entries[clone, site].append((column, 1.0))
            else:
                for source in sorted(model.allowed[parent]):
                    for target in sorted(model.allowed[clone]):
                        column = self._add_arc(Arc(clone, source, target, within=False))
                        self._exits[parent, source].append((column, 1.0))
                        self._entries[clone, target].append((column, 1.0))
            if not model.single[clone]:
                for source in sorted(model.allowed[clone]):
                    for target in sorted(model.allowed[clone] - {source}):
                        column = self._add_arc(Arc(clone, source, target, within=True))
                        self._exits[clone, source].append((column, 1.0))
                        self._entries[clone, target].append((column, 1.0))

    def _add_arc(self, arc: Arc) -> int:
        self.arcs[arc] = self._new()
        return self.arcs[arc]

    def _arc(self, clone: int, source: int, target: int, *, within: bool) -> int | None:
        return self.arcs.get(Arc(clone, source, target, within=within))

    def _limit_clones(self) -> None:
        model = self.model
        if model.primary is not None:
            self._require([(self._root[model.primary], 1.0)], 1, 1)
        self._require([(column, 1.0) for column in self._root.values()], 1, 1)
        for clone, parent in enumerate(model.tree.parents):
            if parent != ROOT:
                entry = [
                    (column, 1.0)
                    for arc, column in self.arcs.items()
                    if arc.clone == clone and not arc.within
                ]
                self._require(entry, 1, 1)
            inside: Terms = []
            for site in sorted(model.allowed[clone]):
                there = self._entries[clone, site]
                self._require(there, 1 if site in model.required[clone] else 0, 1)
                inside += there
                self._limit_exits(clone, site)
            if model.single[clone]:
                self._require(inside, 1, 1)

    def _limit_exits(self, clone: int, site: int) -> None:
        """An edge leaves only where the clone is; where nobody saw it, something must leave."""
        model = self.model
        there = self._entries[clone, site]
        absent = [(column, -value) for column, value in there]
        for child in model.tree.children[clone]:
            out = [
                (column, 1.0)
                for target in model.allowed[child]
                if (column := self._arc(child, site, target, within=False)) is not None
            ]
            self._require(out + absent, -np.inf, 0)
        for target in model.allowed[clone] - {site}:
            column = self._arc(clone, site, target, within=True)
            if column is not None:
                self._require([(column, 1.0), *absent], -np.inf, 0)
        if model.unobserved(clone, site):
            out = self._exits[clone, site]
            forced = clone == 0 and site == model.primary
            # one edge out would only be passed through, unless common comigrations are worth it
            several = (
                not model.single[clone]
                and not forced
                and model.order[0] in {"U", "M"}
                and "M" in model.order
                and len(model.tree.children[clone]) > 1
            )
            needed = 2.0 if several else 1.0
            self._require(out + [(c, -v * needed) for c, v in there], 0, np.inf)

    def _limit_circles(self) -> None:
        """Ranks rise along the edges within a clone."""
        model = self.model
        for clone, single in enumerate(model.single):
            count = len(model.allowed[clone])
            if single or count < 2:
                continue
            rank = {
                site: self._new(upper=count - 1.0, integral=False)
                for site in sorted(model.allowed[clone])
            }
            for source in rank:
                for target in rank:
                    column = self._arc(clone, source, target, within=True)
                    if column is None:
                        continue
                    back = self._arc(clone, target, source, within=True)
                    assert back is not None
                    # Desrochers and Laporte's lifting of the ranks
                    self._require(
                        [
                            (rank[source], 1.0),
                            (rank[target], -1.0),
                            (column, float(count)),
                            (back, count - 2.0),
                        ],
                        -np.inf,
                        count - 1.0,
                    )

    def _unobserved(self) -> Terms:
        model = self.model
        return [
            term
            for clone, allowed in enumerate(model.allowed)
            for site in sorted(allowed)
            if model.unobserved(clone, site)
            for term in self._entries[clone, site]
        ]

    def _migrations(self) -> Terms:
        return [(column, 1.0) for arc, column in self.arcs.items() if arc.migrates]

    def _count_pairs(self) -> dict[Pair, int]:
        """Make one variable for the comigrations of each pair of sites."""
        model = self.model
        by_pair: dict[Pair, list[tuple[Arc, int]]] = {}
        for arc, column in self.arcs.items():
            if arc.migrates:
                by_pair.setdefault((arc.source, arc.target), []).append((arc, column))
        pairs = {pair: self._new(upper=float(len(model.tree)), integral=False) for pair in by_pair}
        on_way = self._inner_on_way()
        children = model.tree.children
        for (source, target), used in by_pair.items():
            count = pairs[source, target]
            for _, column in used:
                self._require([(count, 1.0), (column, -1.0)], 0, np.inf)
            # walk from the root: terms of the path to each clone
            stack: list[tuple[int, Terms]] = [(0, [])]
            while stack:
                clone, path = stack.pop()
                entry = self._arc(clone, source, target, within=False)
                path = path if entry is None else [*path, (entry, -1.0)]
                inner = self._arc(clone, source, target, within=True)
                here = path if inner is None else [*path, (inner, -1.0)]
                if len(here) > 1:
                    self._require([(count, 1.0), *here], 0, np.inf)
                for child in children[clone]:
                    step = on_way.get((child, source, target))
                    stack.append((child, path if step is None else [*path, (step, -1.0)]))
        self._reach_all(pairs)
        return pairs

    def _reach_all(self, pairs: Mapping[Pair, int]) -> None:
        """Each site but the root's is entered."""
        for site in range(len(self.model.sites)):
            entries = [(column, 1.0) for (_, target), column in pairs.items() if target == site]
            if site in self._root:
                entries.append((self._root[site], 1.0))
            seen = any(site in required for required in self.model.required)
            if seen:
                self._require(entries, 1, np.inf)

    def _inner_on_way(self) -> dict[tuple[int, int, int], int]:
        """Make variables for the inner edges of a clone that the path to a child goes over."""
        model = self.model
        on_way: dict[tuple[int, int, int], int] = {}
        for child, parent in enumerate(model.tree.parents):
            if parent == ROOT or model.single[parent]:
                continue
            above = {site: self._new(integral=False) for site in sorted(model.allowed[parent])}
            for site, column in above.items():
                leaves: Terms = [
                    (arc, -1.0)
                    for target in sorted(model.allowed[child])
                    if (arc := self._arc(child, site, target, within=False)) is not None
                ]
                self._require([(column, 1.0), *leaves], 0, np.inf)
            for source in above:
                for target in above:
                    inner = self._arc(parent, source, target, within=True)
                    if inner is None:
                        continue
                    step = self._new(integral=False)
                    on_way[child, source, target] = step
                    for column in (step, above[source]):
                        self._require(
                            [(column, 1.0), (above[target], -1.0), (inner, -1.0)], -1, np.inf
                        )
        return on_way

    def _seeding(self, pairs: Mapping[Pair, int]) -> Terms:
        sources = sorted({source for source, _ in pairs})
        seeds = {source: self._new(integral=False) for source in sources}
        for arc, column in self.arcs.items():
            if arc.migrates:
                self._require([(seeds[arc.source], 1.0), (column, -1.0)], 0, np.inf)
        return [(column, 1.0) for column in seeds.values()]

    def minimise(self, criteria: Sequence[str], *, time_limit: float) -> dict[str, int]:
        """Minimise the criteria in order and keep each value reached.

        Parameters
        ----------
        criteria : sequence of {"U", "M", "C", "S"}
        time_limit : float
            Seconds for each criterion.

        Returns
        -------
        dict of str to int
            Least value of each criterion, given those before it.

        Raises
        ------
        InputFileError
            If no history is possible.
        ParameterError
            If the time was not enough.
        """
        values: dict[str, int] = {}
        for letter in criteria:
            goal = self._goal(letter)
            found = self._solve(goal, time_limit=time_limit)
            if found is None:
                raise InputFileError("no migration history is possible with these sites")
            values[letter] = round(sum(value * found[column] for column, value in goal))
            self._require(list(goal), -np.inf, values[letter] + 0.25)
            self._last = found
        return values

    def another(self, *, time_limit: float) -> tuple[Arc, ...] | None:
        """Return a history that keeps the values reached and is not forbidden; None if none is."""
        found = self._solve([], time_limit=time_limit)
        if found is None:
            return None
        self._last = found
        return self.last

    @property
    def last(self) -> tuple[Arc, ...]:
        """The edges of the history found last."""
        return tuple(arc for arc, column in self.arcs.items() if self._last[column] > 0.5)

    @property
    def last_root(self) -> int:
        """Site of the root in the history found last."""
        return next(site for site, column in self._root.items() if self._last[column] > 0.5)

    def forbid(self, arcs: Iterable[Arc]) -> None:
        """Rule out the history with exactly these edges."""
        used = set(arcs)
        terms = [(column, -1.0 if arc in used else 1.0) for arc, column in self.arcs.items()]
        root = self._root[self.last_root]
        self._require([*terms, (root, -1.0)], -float(len(used)), np.inf)

    def vary(self, common: frozenset[Pair], *, time_limit: float) -> tuple[Arc, ...]:
        """Return a history that keeps the values reached and uses the fewest of some migrations.

        Parameters
        ----------
        common : frozenset of (int, int)
            Pairs of sites.
        time_limit : float
            Seconds.
        """
        if not self._used:
            pairs = dict.fromkeys((arc.source, arc.target) for arc in self.arcs if arc.migrates)
            self._used = {pair: self._new(integral=False) for pair in pairs}
            for arc, column in self.arcs.items():
                if arc.migrates:
                    used = self._used[arc.source, arc.target]
                    self._require([(used, 1.0), (column, -1.0)], 0, np.inf)
        found = self._solve([(self._used[pair], 1.0) for pair in common], time_limit=time_limit)
        assert found is not None, "the history found before is still allowed"
        self._last = found
        return self.last

    def _solve(
        self, goal: Iterable[tuple[int, float]], *, time_limit: float
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
        from scipy import optimize, sparse

        size = len(self._upper)
        cost = np.zeros(size)
        for column, value in goal:
            cost[column] += value
        lengths = [len(terms) for terms, _, _ in self._rows]
        rows = np.repeat(np.arange(len(self._rows)), lengths)
        columns = np.fromiter((c for terms, _, _ in self._rows for c, _ in terms), dtype=np.intp)
        values = np.fromiter((v for terms, _, _ in self._rows for _, v in terms), dtype=np.float64)
        matrix = sparse.csr_array((values, (rows, columns)), shape=(len(self._rows), size))
        result = optimize.milp(
            cost,
            integrality=np.array(self._integral, dtype=np.int8),
            bounds=optimize.Bounds(0, np.array(self._upper)),
            constraints=optimize.LinearConstraint(
                matrix, [low for _, low, _ in self._rows], [high for _, _, high in self._rows]
            ),
            options={"time_limit": time_limit, "mip_rel_gap": 0.0},
        )
        if result.status == 2:
            return None
        if result.status == 1:
            raise ParameterError(
                f"the integer program was not solved to the optimum in {time_limit:g} s; give it "
                "more time, or a shorter order of criteria"
            )
        assert result.status == 0, result.message
        found: np.ndarray[tuple[int], np.dtype[np.float64]] = result.x
        return found
