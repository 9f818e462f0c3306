"""One patient's sites compared: what was left out, overlap, copy numbers, migration history."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from marrowtrace.evidence.plain_values import PlainValue, plain
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.copy_number_similarity import (
    CopyNumberSimilarities,
    compare_copy_numbers,
)
from marrowtrace.phylogeny.doublets import CleanCells, keep_tumour_cells
from marrowtrace.phylogeny.migration import MigrationHistories, infer_migrations
from marrowtrace.phylogeny.overlap import Overlap, overlap
from marrowtrace.phylogeny.patient import PatientData
from marrowtrace.phylogeny.presence import DEFAULT_RULE, CallRule, call
from marrowtrace.phylogeny.rooting import Rootings, compare_rootings
from marrowtrace.phylogeny.sample_mutations import SampleMutations

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class SiteComparison:
    """What the sites of a patient share.

    Parameters
    ----------
    patient : PatientData
    clean : CleanCells or None
        Cells that stay and those left out; None for bulk samples.
    overlap : Overlap
    copies : CopyNumberSimilarities or None
    migrations : MigrationHistories or None
        Where a clone tree was given.
    rootings : Rootings or None
        Where the primary is not known.
    """

    patient: PatientData
    clean: CleanCells | None
    overlap: Overlap
    copies: CopyNumberSimilarities | None
    migrations: MigrationHistories | None
    rootings: Rootings | None

    @property
    def data(self) -> CellMutations | SampleMutations:
        """The cells or samples that were compared."""
        if self.clean is not None:
            return self.clean.cells
        assert self.patient.samples is not None
        return self.patient.samples

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know, in sentences."""
        said = []
        if self.clean is not None and self.clean.dropped:
            said.append(
                f"{len(self.clean.dropped)} of {len(self.clean.dropped) + len(self.clean.cells)} "
                "cells were left out (normal cells, doublets, clusters)."
            )
        if self.patient.primary == UNKNOWN:
            said.append(
                "The primary is not known: what all sites share may be its trunk or may have "
                "arisen on the way, and the direction of the first migration is open."
            )
        if self.rootings is not None:
            said.append(f"Origin: {self.rootings.statement}.")
        if self.migrations is not None and not self.migrations.complete:
            said.append(
                "There are more migration histories of this cost than were listed; those said to "
                "be in all hold for them as well."
            )
        return tuple(said)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables by the name of their file."""
        found = {"overlap": self.overlap.table(), "mutations": self.overlap.presence.table()}
        if self.clean is not None:
            found["cells_left_out"] = self.clean.table()
        if self.copies is not None:
            found["copy_numbers"] = self.copies.table()
        if self.migrations is not None:
            found["migrations"] = self.migrations.pair_table()
        return found

    def to_json(self) -> dict[str, PlainValue]:
        """Return all parts; migrations, comigrations and seeding sites are None without a tree."""
        history = None if self.migrations is None else self.migrations.to_json()
        counts = {
            name: None if history is None else history[name]
            for name in ("migrations", "comigrations", "seeding_sites", "pattern")
        }
        return {
            "schema": "marrowtrace.phylogeny/1",
            "patient": self.patient.name,
            "primary": self.patient.primary,
            "sites": list(self.patient.sites),
            "unit": self.overlap.presence.unit,
            "left_out": None if self.clean is None else plain(self.clean.table().to_dicts()),
            "overlap": self.overlap.to_json(),
            "copy_numbers": None if self.copies is None else self.copies.to_json(),
            **counts,
            "migration_history": history,
            "rootings": None if self.rootings is None else self.rootings.to_json(),
            "notes": list(self.notes),
        }


def compare_sites(
    patient: PatientData, *, rule: CallRule = DEFAULT_RULE, detect: bool = True
) -> SiteComparison:
    """Compare the sites of a patient.

    Parameters
    ----------
    patient : PatientData
    rule : CallRule
        How mutations are called.
    detect : bool
        Whether normal cells and doublets are looked for among those not declared.

    Raises
    ------
    CohortError, InputFileError
        If too few cells are left, or all are of one site.
    """
    clean = None
    data: CellMutations | SampleMutations
    if patient.cells is not None:
        given = patient.cells
        clean = keep_tumour_cells(
            given.cells, kinds=given.kinds, clusters=given.clusters, detect=detect
        )
        data = clean.cells
    else:
        assert patient.samples is not None
        data = patient.samples
    histories = rootings = None
    if patient.tree is not None:
        histories = infer_migrations(patient.tree, patient.primary)
        if patient.primary == UNKNOWN:
            rootings = compare_rootings(patient.tree)
    return SiteComparison(
        patient=patient,
        clean=clean,
        overlap=overlap(call(data, rule)),
        copies=None if patient.copies is None else compare_copy_numbers(patient.copies),
        migrations=histories,
        rootings=rootings,
    )
