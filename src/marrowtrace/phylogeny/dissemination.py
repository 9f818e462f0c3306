"""One patient's dissemination: cell tree, verdict, timing, migrations and what would resolve it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from marrowtrace.evidence.plain_values import plain
from marrowtrace.phylogeny.cell_tree import CellTree, infer_cell_tree
from marrowtrace.phylogeny.clones_of_cells import clones_of_cells
from marrowtrace.phylogeny.departure_times import DepartureTimes, departure_times
from marrowtrace.phylogeny.lost_alleles import lost_alleles
from marrowtrace.phylogeny.migration import UNKNOWN, MigrationHistories, infer_migrations
from marrowtrace.phylogeny.resolution import Design, Prospect, prospect_table, prospects, to_json
from marrowtrace.phylogeny.rooting import Rootings, compare_rootings
from marrowtrace.phylogeny.site_comparison import SiteComparison
from marrowtrace.phylogeny.verdict import THRESHOLD, Verdict, verdict_of_cells, verdict_of_samples

if TYPE_CHECKING:
    import polars as pl

    from marrowtrace.phylogeny.sample_mutations import SampleMutations

_TREES = 100
_READ_FALSE_POSITIVE, _READ_FALSE_NEGATIVE = 0.001, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Dissemination:
    """What was found of one patient.

    Parameters
    ----------
    comparison : SiteComparison
    tree : CellTree or None
        None for bulk samples.
    verdict : Verdict
    times : DepartureTimes or None
        None where the primary is not known.
    histories : MigrationHistories or None
        By the clone tree given, else by the clones of the cell tree; None without either.
    rootings : Rootings or None
        Where the primary is not known.
    prospects : tuple of Prospect
        What would resolve it, if there is no verdict.
    """

    comparison: SiteComparison
    tree: CellTree | None
    verdict: Verdict
    times: DepartureTimes | None
    histories: MigrationHistories | None
    rootings: Rootings | None
    prospects: tuple[Prospect, ...]

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables by the name of their file."""
        found = dict(self.comparison.tables())
        if self.histories is not None:
            found["migrations"] = self.histories.pair_table()
        found["lineages"] = self.verdict.table()
        if self.tree is not None:
            found["clades"] = self.tree.table()
        if self.times is not None:
            found["timing"] = self.times.table()
        if self.prospects:
            found["what_would_resolve_it"] = prospect_table(self.prospects)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        found: dict[str, Any] = dict(self.comparison.to_json())
        if self.histories is not None:
            history = self.histories.to_json()
            counts = ("migrations", "comigrations", "seeding_sites", "pattern")
            found.update({name: history[name] for name in counts})
            found["migration_history"] = history
        found["rootings"] = None if self.rootings is None else self.rootings.to_json()
        judged = self.verdict.to_json()
        found["verdict"] = judged.pop("verdict")
        found["support"] = judged.pop("support")
        found["verdict_basis"] = plain(judged)
        found["timing"] = None if self.times is None else self.times.to_json()
        found["cell_tree"] = None if self.tree is None else plain(self.tree.to_json())
        found["what_would_resolve_it"] = to_json(self.prospects) if self.prospects else []
        return found


def judge_dissemination(
    comparison: SiteComparison,
    rng: np.random.Generator,
    *,
    threshold: float = THRESHOLD,
    expansion: float | None = None,
    clock: float | None = None,
    clock_log_sd: float = 0.0,
    trees: int = _TREES,
) -> Dissemination:
    """Build the tree of the cells, judge the dissemination, time it and trace the migrations.

    Parameters
    ----------
    comparison : SiteComparison
    rng : numpy.random.Generator
    threshold : float
        Support from which a verdict is given.
    expansion, clock, clock_log_sd
        As in `departure_times`.
    trees : int
        Sampled trees for the support of clades.

    Raises
    ------
    CohortError
        If a number is out of range.
    """
    primary = comparison.patient.primary
    tree = None
    if comparison.clean is not None:
        tree = infer_cell_tree(comparison.clean.cells, rng, samples=trees)
        verdict = verdict_of_cells(tree, primary, rng, threshold=threshold)
    else:
        samples = comparison.patient.samples
        assert samples is not None
        copies = comparison.patient.copies
        deleted = None if copies is None else lost_alleles(samples, copies, primary)
        verdict = verdict_of_samples(samples, primary, threshold=threshold, deleted=deleted)
    histories, rootings = comparison.migrations, comparison.rootings
    if histories is None and tree is not None:
        clones = clones_of_cells(tree, primary)
        if primary == UNKNOWN or primary in clones.sites:
            histories = infer_migrations(clones, primary)
            rootings = compare_rootings(clones) if primary == UNKNOWN else None
    times = None
    if primary != UNKNOWN:
        times = departure_times(
            comparison.overlap.presence, primary, expansion=expansion, clock=clock,
            clock_log_sd=clock_log_sd,
        )  # fmt: skip
    open_question: tuple[Prospect, ...] = ()
    if verdict.verdict == "undetermined":
        open_question = prospects(rng, _design(comparison, tree, verdict), threshold=threshold)
    return Dissemination(comparison, tree, verdict, times, histories, rootings, open_question)


def _design(comparison: SiteComparison, tree: CellTree | None, verdict: Verdict) -> Design:
    """The data at hand, as a design."""
    primary = comparison.patient.primary
    counted = [each for each in verdict.lineages if each.counted]
    if tree is not None:
        cells = tree.cells
        trunk = round(counted[0].departure.trunk) if counted else _common(tree)
        inside = sum(site == primary for site in cells.sites)
        return Design(
            trunk=trunk,
            units=counted[0].cells if counted else max(1, len(cells) - inside),
            primary_units=max(1, inside),
            tissue=False,
            false_positive=max(1e-4, tree.errors.false_positive),
            false_negative=min(0.49, max(1e-3, tree.errors.false_negative)),
            missing=float(1.0 - cells.known.mean()),
        )
    samples: SampleMutations | None = comparison.patient.samples
    assert samples is not None
    trunk = round(counted[0].departure.trunk) if counted else len(samples.mutations) // 2
    return Design(
        trunk=trunk,
        units=counted[0].cells if counted else 1,
        primary_units=max(1, sum(site == primary for site in samples.sites)),
        tissue=True,
        false_positive=_READ_FALSE_POSITIVE,
        false_negative=_READ_FALSE_NEGATIVE,
    )


def _common(tree: CellTree) -> int:
    """Mutations that nearly all cells carry: the trunk, as far as it can be seen."""
    return int((tree.genotype.mean(axis=0) > 0.9).sum())
