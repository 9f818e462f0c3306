"""The genealogy of sampled cells, given who seeded whom and when: a tskit tree sequence.

Lines of descent are followed back in time. Within a deme two of them meet at the rate of
`deme.Deme.last_meeting`; at the founding of a deme those that are left are shared out among its
founders, which are random cells of the source on that day. So the genealogy is drawn from its exact
law given the sizes; nobody's life is simulated. A line of descent divides 2 b times a day on
average, and each division brings a Poisson number of mutations, every one at a place of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from marrowtrace.errors import CohortError, ProblemList, did_you_mean
from marrowtrace.phylogeny.deme import Deme

if TYPE_CHECKING:
    import polars as pl

_LEAST_GAP = 1e-7
"""Days between two nodes of the tree at least; tskit wants parents older than children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledCells:
    """Cells taken from a deme.

    Parameters
    ----------
    deme : str
    day : float
        Between the deme's first and last day.
    cells : int
        1 or more.
    site : str
        Where they were taken if that is not the deme's site, e.g. ``blood``; empty otherwise.
    """

    deme: str
    day: float
    cells: int
    site: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Genealogy:
    """The genealogy of sampled cells.

    Parameters
    ----------
    trees : tskit.TreeSequence
        One tree with the mutations on its branches; time is days before the last sample,
        populations are demes (metadata: name and site), migrations are foundings of demes.
    names : tuple of str
        The cells, in the order of the samples.
    sites : tuple of str
        Where each was taken.
    days : tuple of float
        When.
    """

    trees: Any
    names: tuple[str, ...]
    sites: tuple[str, ...]
    days: tuple[float, ...]

    @property
    def genotype(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each cell carries each mutation, shape (n_cells, n_mutations)."""
        if self.trees.num_sites == 0:
            return np.zeros((len(self.names), 0), dtype=bool)
        return np.asarray(self.trees.genotype_matrix().T > 0)

    def migrations(self) -> pl.DataFrame:
        """Return the foundings that sampled lines went through: source, target, day, lines."""
        import polars as pl

        last = max(self.days)
        names = [population.metadata["name"] for population in self.trees.populations()]
        rows = [
            {"source": names[each.dest], "target": names[each.source], "day": last - each.time}
            for each in self.trees.migrations()
        ]
        frame = pl.DataFrame(
            rows, schema={"source": pl.String, "target": pl.String, "day": pl.Float64}
        )
        return frame.group_by("source", "target", "day").len("lines").sort("day", "target")


def draw_genealogy(
    rng: np.random.Generator,
    demes: Sequence[Deme],
    samples: Sequence[SampledCells],
    *,
    mutations_per_division: float,
    origin: float | None = None,
) -> Genealogy:
    """Draw the genealogy of sampled cells with its mutations.

    Parameters
    ----------
    rng : numpy.random.Generator
    demes : sequence of Deme
        One of them has no source. A deme is founded while its source lives.
    samples : sequence of SampledCells
    mutations_per_division : float
        Mean mutations that a daughter cell gains, 0 or more.
    origin : float, optional
        Mutations of the first cell of all, added to every cell; none if left out.

    Returns
    -------
    Genealogy

    Raises
    ------
    CohortError
        Listing sources that do not exist or do not live when they found a deme, circles, and
        samples that no deme can give.
    """
    by_name = _checked(demes, samples, mutations_per_division)
    last = max(each.day for each in samples)
    tree = _Tree(last)
    waiting: dict[str, list[tuple[float, int]]] = {name: [] for name in by_name}
    cells: list[str] = []
    for each in samples:
        for _ in range(each.cells):
            node = tree.add(each.day, each.deme, sample=True)
            waiting[each.deme].append((each.day, node))
            cells.append(f"{each.site or each.deme}_{len(cells) + 1}")
    for name in _latest_first(by_name):
        deme = by_name[name]
        lines = _back(rng, tree, deme, waiting[name])
        for line in lines:
            if deme.source:
                tree.move(line, deme)
                waiting[deme.source].append((deme.founded, line))
            else:
                tree.roots.append(line)
    trees = tree.finish(rng, demes, by_name, mutations_per_division, origin)
    return Genealogy(
        trees,
        tuple(cells),
        tuple(each.site or by_name[each.deme].site for each in samples for _ in range(each.cells)),
        tuple(each.day for each in samples for _ in range(each.cells)),
    )


def _checked(
    demes: Sequence[Deme], samples: Sequence[SampledCells], per_division: float
) -> Mapping[str, Deme]:
    problems = ProblemList()
    by_name = {deme.name: deme for deme in demes}
    if len(by_name) < len(demes):
        problems.add("demes", "a name stands more than once")
    first = [deme.name for deme in demes if not deme.source]
    if len(first) != 1:
        problems.add("demes", f"{len(first)} have no source; there must be one, the first of all")
    for deme in demes:
        source = by_name.get(deme.source)
        if deme.source and source is None:
            hint = did_you_mean(deme.source, tuple(by_name))
            problems.add(f"deme '{deme.name}'", f"its source '{deme.source}' does not exist{hint}")
        elif source is not None and not (source.founded < deme.founded <= source.days[-1]):
            problems.add(
                f"deme '{deme.name}'",
                f"was founded on day {deme.founded:g}, when its source '{source.name}' did not "
                f"live (day {source.founded:g} to {source.days[-1]:g})",
            )
    if not samples:
        problems.add("samples", "there are none")
    for each in samples:
        source = by_name.get(each.deme)
        if source is None:
            hint = did_you_mean(each.deme, tuple(by_name))
            problems.add("samples", f"the deme '{each.deme}' does not exist{hint}")
        elif not source.founded < each.day <= source.days[-1]:
            problems.add(
                "samples",
                f"day {each.day:g} of '{each.deme}' is not after day {source.founded:g} and up to "
                f"{source.days[-1]:g}",
            )
        if each.cells < 1:
            problems.add("samples", f"{each.cells} cells of '{each.deme}'; give 1 or more")
    if not 0.0 <= per_division < np.inf:
        problems.add("mutations_per_division", f"{per_division!r} is out of range; give 0 on")
    problems.raise_any(CohortError, "the seeding history")
    return by_name


def _latest_first(by_name: Mapping[str, Deme]) -> list[str]:
    """Demes before their sources."""
    return sorted(by_name, key=lambda name: -by_name[name].founded)


def _back(
    rng: np.random.Generator, tree: _Tree, deme: Deme, entering: list[tuple[float, int]]
) -> list[int]:
    """Follow lines back to the founding of their deme; return one for each founder hit."""
    entering = sorted(entering, key=lambda line: -line[0])
    active: list[int] = []
    day = deme.days[-1]
    while entering or len(active) > 1:
        if not active and entering:
            day = entering[0][0]
        while entering and entering[0][0] >= day:
            active.append(entering.pop(0)[1])
        until = entering[0][0] if entering else deme.founded
        meeting = deme.last_meeting(rng, len(active), day)
        if meeting <= until:
            day = until
            if not entering:
                break
            continue
        one, other = rng.choice(len(active), 2, replace=False)
        joined = tree.join(active[one], active[other], meeting, deme.name)
        active = [line for i, line in enumerate(active) if i not in (one, other)] + [joined]
        day = meeting
    return _shared_out(rng, tree, deme, active)


def _shared_out(rng: np.random.Generator, tree: _Tree, deme: Deme, lines: list[int]) -> list[int]:
    """Distinct lines have distinct founders; more lines than founders meet at the founding."""
    while len(lines) > max(1, deme.founders):
        one, other = rng.choice(len(lines), 2, replace=False)
        joined = tree.join(lines[one], lines[other], np.nextafter(deme.founded, np.inf), deme.name)
        lines = [line for i, line in enumerate(lines) if i not in (one, other)] + [joined]
    return lines


class _Tree:
    """Nodes, edges and moves while they are gathered."""

    def __init__(self, last: float) -> None:
        self.last = last
        self.day: list[float] = []
        self.deme: list[str] = []
        self.is_sample: list[bool] = []
        self.parent: dict[int, int] = {}
        self.moves: list[tuple[int, Deme]] = []
        self.roots: list[int] = []

    def add(self, day: float, deme: str, *, sample: bool = False) -> int:
        self.day.append(float(day))
        self.deme.append(deme)
        self.is_sample.append(sample)
        return len(self.day) - 1

    def join(self, one: int, other: int, day: float, deme: str) -> int:
        node = self.add(min(day, min(self.day[one], self.day[other]) - _LEAST_GAP), deme)
        self.parent[one] = self.parent[other] = node
        return node

    def move(self, line: int, deme: Deme) -> None:
        self.moves.append((line, deme))

    def finish(
        self,
        rng: np.random.Generator,
        demes: Sequence[Deme],
        by_name: Mapping[str, Deme],
        per_division: float,
        origin: float | None,
    ) -> Any:
        """Put mutations on the branches and write the tables of tskit."""
        import tskit

        first = next(deme for deme in demes if not deme.source)
        top = self.add(first.founded, first.name)
        for line in self.roots:
            self.parent[line] = top
        gained = self._gained(rng, by_name, per_division)
        if origin:
            gained += [(top, first.founded)] * int(rng.poisson(origin))
        tables = tskit.TableCollection(sequence_length=max(1, len(gained)))
        tables.time_units = "days"
        tables.populations.metadata_schema = tskit.MetadataSchema.permissive_json()
        number = {deme.name: row for row, deme in enumerate(demes)}
        for deme in demes:
            tables.populations.add_row(metadata={"name": deme.name, "site": deme.site})
        length = tables.sequence_length
        for day, name, sample in zip(self.day, self.deme, self.is_sample, strict=True):
            flags = tskit.NODE_IS_SAMPLE if sample else 0
            tables.nodes.add_row(flags=flags, time=self.last - day, population=number[name])
        for child, parent in self.parent.items():
            tables.edges.add_row(0, length, parent, child)
        for line, deme in sorted(self.moves, key=lambda move: -move[1].founded):
            tables.migrations.add_row(
                0, length, line, number[deme.name], number[deme.source], self.last - deme.founded
            )
        order = rng.permutation(len(gained))
        for place, which in enumerate(order):
            node, day = gained[which]
            tables.sites.add_row(position=place, ancestral_state="0")
            above = self.parent.get(node)
            oldest = np.inf if above is None else self.last - self.day[above] - 0.1 * _LEAST_GAP
            time = max(self.last - self.day[node], min(self.last - day, oldest))
            tables.mutations.add_row(site=place, node=node, derived_state="1", time=time)
        tables.sort()
        return tables.tree_sequence()

    def _gained(
        self, rng: np.random.Generator, by_name: Mapping[str, Deme], per_division: float
    ) -> list[tuple[int, float]]:
        """Node and day of each mutation: divisions along each branch, and the one it began with."""
        founded: dict[int, list[Deme]] = {}
        for line, deme in self.moves:
            founded.setdefault(line, []).append(deme)
        found: list[tuple[int, float]] = []
        tips = set(self.parent)
        for node in tips:
            stop, name = self.day[node], self.deme[node]
            start = self.day[self.parent[node]]
            for deme in founded.get(node, ()):
                found += _along(rng, by_name[name], node, deme.founded, stop, per_division)
                stop, name = deme.founded, deme.source
            found += _along(rng, by_name[name], node, start, stop, per_division)
            if self.parent[node] != len(self.day) - 1:
                found += [(node, start)] * int(rng.poisson(per_division))
        return found


def _along(
    rng: np.random.Generator, deme: Deme, node: int, start: float, stop: float, per_division: float
) -> list[tuple[int, float]]:
    """Mutations of a stretch of a branch within one deme, each with its day."""
    found: list[tuple[int, float]] = []
    low, high = np.maximum(deme.days[:-1], start), np.minimum(deme.days[1:], stop)
    for one, other, birth in zip(low, high, deme.birth, strict=True):
        if other > one:
            count = rng.poisson(2.0 * birth * (other - one) * per_division)
            days = rng.uniform(one, other, count)
            found += [(node, float(day)) for day in days]
    return found
