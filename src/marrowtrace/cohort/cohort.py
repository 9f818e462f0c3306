"""A cohort: the tables of DESIGN, validated as a whole and frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from marrowtrace import terms
from marrowtrace.cohort import validation
from marrowtrace.cohort.schema import TABLES, table
from marrowtrace.errors import CohortError, ProblemList, did_you_mean
from marrowtrace.provenance import Provenance

if TYPE_CHECKING:
    from anndata import AnnData

    from marrowtrace.cohort.landmark import Landmark

MATRICES = ("variants", "copy_number", "expression")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Cohort:
    """Patients with their samples, counts, cells and follow-up; real and simulated alike.

    Make one with `Cohort.from_tables`, which checks everything once; analyses never check again.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        All tables of the schema, conformed.
    index_event : str
        What day 0 is, e.g. ``"diagnosis"``.
    provenance : Provenance
    matrices : mapping of str to AnnData
        ``variants``, ``copy_number`` and ``expression``, rows aligned to the ``cells`` table.
    """

    tables: Mapping[str, pl.DataFrame]
    index_event: str
    provenance: Provenance
    matrices: Mapping[str, AnnData]

    @classmethod
    def from_tables(
        cls,
        tables: Mapping[str, pl.DataFrame],
        *,
        index_event: str,
        provenance: Provenance | None = None,
        matrices: Mapping[str, AnnData] | None = None,
    ) -> Cohort:
        """Check the tables as a whole and freeze them.

        Parameters
        ----------
        tables : mapping of str to DataFrame
            Tables by name; tables and optional columns may be left out.
        index_event : str
            What day 0 is: diagnosis, surgery, randomisation, first_treatment, enrolment,
            first_sample.
        provenance : Provenance, optional
        matrices : mapping of str to AnnData, optional
            Observation names must be the cell_id of the ``cells`` table.

        Raises
        ------
        CohortError
            Listing every problem with table, column, rows, value, what is allowed and the nearest
            valid word.

        Examples
        --------
        >>> frame = pl.DataFrame({"patient_id": ["P1"], "sex": ["femal"]})
        >>> Cohort.from_tables({"patients": frame}, index_event="diagnosis")
        Traceback (most recent call last):
        ...
        marrowtrace.errors.CohortError: 1 problem in the cohort tables:
          patients.sex: 1 row(s) (0) hold 'femal'; allowed: female, male, other; \
did you mean 'female'?
        """
        problems = ProblemList()
        event = terms.INDEX_EVENT.normalise(index_event)
        if event is None:
            allowed = terms.INDEX_EVENT.allowed
            hint = did_you_mean(index_event, allowed)
            problems.add("index_event", f"is '{index_event}'; allowed: {', '.join(allowed)}{hint}")
        conformed = validation.conform(tables, problems)
        if not conformed["patients"].height and not len(problems):
            problems.add("patients", "has no rows; a cohort needs at least one patient")
        aligned = _align(matrices or {}, conformed["cells"], problems)
        problems.raise_any(CohortError, "the cohort tables")
        return cls(
            tables=MappingProxyType(conformed),
            index_event=event or "",
            provenance=provenance or Provenance(action="tables"),
            matrices=MappingProxyType(aligned),
        )

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return the table ``name``."""
        return self.tables[table(name).name]

    @property
    def patients(self) -> pl.DataFrame:
        """Who is studied, one row a patient."""
        return self.tables["patients"]

    @property
    def treatments(self) -> pl.DataFrame:
        """Courses of treatment."""
        return self.tables["treatments"]

    @property
    def samples(self) -> pl.DataFrame:
        """Samples with site and day."""
        return self.tables["samples"]

    @property
    def enumerations(self) -> pl.DataFrame:
        """Cells counted in samples."""
        return self.tables["enumerations"]

    @property
    def measurements(self) -> pl.DataFrame:
        """Other markers measured in samples."""
        return self.tables["measurements"]

    @property
    def cells(self) -> pl.DataFrame:
        """Single cells."""
        return self.tables["cells"]

    @property
    def clones(self) -> pl.DataFrame:
        """Clones and their descent."""
        return self.tables["clones"]

    @property
    def clone_prevalence(self) -> pl.DataFrame:
        """Cancer cell fraction by sample and clone."""
        return self.tables["clone_prevalence"]

    @property
    def follow_up(self) -> pl.DataFrame:
        """Times to events, one row a patient and endpoint."""
        return self.tables["follow_up"]

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoints that the follow-up holds, sorted."""
        return tuple(self.follow_up["endpoint"].unique().sort().to_list())

    def __len__(self) -> int:
        """Return the number of patients."""
        return self.patients.height

    def __repr__(self) -> str:
        filled = [f"{name}: {frame.height}" for name, frame in self.tables.items() if frame.height]
        return f"<Cohort from {self.index_event}; rows {', '.join(filled)}>"

    def equals(self, other: Cohort) -> bool:
        """Return whether two cohorts hold the same tables, types, index event and matrices.

        Provenance, which says how a cohort was made, is not compared.
        """
        return (
            self.index_event == other.index_event
            and all(
                self.tables[name].schema == other.tables[name].schema
                and self.tables[name].equals(other.tables[name])
                for name in TABLES
            )
            and set(self.matrices) == set(other.matrices)
            and all(_same(self.matrices[m], other.matrices[m]) for m in self.matrices)
        )

    def select(self, patient_ids: Iterable[str]) -> Cohort:
        """Return the cohort of these patients only, with all that belongs to them.

        Raises
        ------
        CohortError
            If an id is not a patient of the cohort.
        """
        wanted = list(patient_ids)
        unknown = set(wanted) - set(self.patients["patient_id"].to_list())
        if unknown:
            names = ", ".join(f"'{u}'" for u in sorted(unknown)[:3])
            raise CohortError(f"{len(unknown)} id(s) are not patients of the cohort: {names}")
        keep: dict[str, pl.DataFrame] = {}
        for name in ("patients", "treatments", "samples", "clones", "follow_up"):
            keep[name] = self.tables[name].filter(pl.col("patient_id").is_in(wanted))
        samples = keep["samples"]["sample_id"].implode()
        for name in ("enumerations", "measurements", "cells", "clone_prevalence"):
            keep[name] = self.tables[name].filter(pl.col("sample_id").is_in(samples))
        cells = keep["cells"]["cell_id"].to_list()
        matrices = {name: matrix[cells].copy() for name, matrix in self.matrices.items()}
        return Cohort(
            MappingProxyType({name: keep[name] for name in TABLES}),
            self.index_event,
            self.provenance,
            MappingProxyType(matrices),
        )

    def at(self, landmark: float) -> Landmark:
        """Return what is known at day ``landmark``, and who is still at risk after it.

        Parameters
        ----------
        landmark : float
            Day from the index event. A sample of that very day is known; an event of that very
            day has happened.
        """
        from marrowtrace.cohort.landmark import Landmark

        return Landmark(self, landmark)


def _align(
    matrices: Mapping[str, Any], cells: pl.DataFrame, problems: ProblemList
) -> dict[str, Any]:
    """Check that each matrix has the cells of the ``cells`` table, and order it so."""
    aligned: dict[str, Any] = {}
    wanted = cells["cell_id"].to_list()
    for name, matrix in matrices.items():
        if name not in MATRICES:
            hint = did_you_mean(name, MATRICES)
            problems.add(name, f"is not a matrix of a cohort{hint}; allowed: {', '.join(MATRICES)}")
            continue
        found = [str(cell) for cell in matrix.obs_names]
        missing, strange = set(wanted) - set(found), set(found) - set(wanted)
        if len(set(found)) < len(found):
            problems.add(name, "has two rows for one cell; cell names must be unique")
        elif missing or strange:
            example = sorted(missing or strange)[0]
            where = "is not in the matrix" if missing else "is not in the cells table"
            problems.add(
                name,
                f"does not match the cells table: {len(missing)} cell(s) missing, "
                f"{len(strange)} unknown; e.g. '{example}' {where}",
            )
        else:
            aligned[name] = matrix if found == wanted else matrix[wanted].copy()
    return aligned


def _same_features(left: Any, right: Any) -> bool:
    """Return whether two matrices say the same of their features, whatever the column types."""
    return list(left.columns) == list(right.columns) and all(
        left[name].astype(object).where(left[name].notna(), None).tolist()
        == right[name].astype(object).where(right[name].notna(), None).tolist()
        for name in left.columns
    )


def _same(left: Any, right: Any) -> bool:
    """Return whether two AnnData matrices hold the same values, names and layers."""
    import numpy as np

    def dense(values: Any) -> Any:
        return values.toarray() if hasattr(values, "toarray") else np.asarray(values)

    if list(left.obs_names) != list(right.obs_names) or list(left.var_names) != list(
        right.var_names
    ):
        return False
    if set(left.layers) != set(right.layers) or not _same_features(left.var, right.var):
        return False
    pairs = [(left.X, right.X), *((left.layers[k], right.layers[k]) for k in left.layers)]
    return all(
        (a is None and b is None)
        or (a is not None and b is not None and np.array_equal(dense(a), dense(b), equal_nan=True))
        for a, b in pairs
    )
