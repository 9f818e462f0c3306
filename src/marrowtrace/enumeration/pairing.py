"""Two samples of each patient that belong together: nearest in time, or one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.enumeration.counts import marker_counts
from marrowtrace.errors import CohortError, ParameterError


@dataclass(frozen=True, slots=True)
class Marker:
    """What is counted, and when it makes a sample positive.

    Parameters
    ----------
    cell_class : str
        ``"CTC"``, ``"DTC"``, ...
    threshold : int
        Cells that make a sample positive, at least 1.
    assay, site, phase : str, optional
        Only these samples.
    """

    cell_class: str
    threshold: int = 1
    assay: str | None = None
    site: str | None = None
    phase: str | None = None

    def __post_init__(self) -> None:
        if not self.threshold >= 1 or not float(self.threshold).is_integer():
            raise ParameterError(
                f"threshold {self.threshold} of {self.cell_class} is not allowed; "
                "allowed: whole numbers from 1"
            )

    def __str__(self) -> str:
        detail = [w for w in (self.assay, self.site, self.phase) if w]
        if self.threshold > 1:
            detail.append(f">= {self.threshold}")
        return f"{self.cell_class} ({', '.join(detail)})" if detail else self.cell_class


def paired_samples(
    cohort: Cohort,
    first: Marker,
    second: Marker,
    *,
    window: float = math.inf,
    in_order: bool = False,
    counted: bool = False,
) -> pl.DataFrame:
    """Pair one sample of each marker in each patient: the two that are nearest in time.

    Of pairs equally near the earlier is taken, then the larger amounts, then the lower sample_id.
    Patients without such a pair have no row.

    Parameters
    ----------
    cohort : Cohort
    first, second : Marker
    window : float
        Days the two may be apart.
    in_order : bool
        The second sample must be later than the first.
    counted : bool
        Only samples with counts; else a laboratory's verdict serves where there is no count.

    Returns
    -------
    DataFrame
        ``patient_id``, ``gap`` (days from first to second), and for each of the two, with the
        suffix ``_first`` or ``_second``: ``sample_id``, ``time``, ``count``, ``examined`` and
        ``positive``; sorted by patient.

    Raises
    ------
    CohortError
        If a marker is not in the cohort, or no patient has such a pair.
    ParameterError
        If the window is negative.
    """
    if not window >= 0:
        raise ParameterError(f"the window of {window:g} days is not allowed; allowed: 0 and above")
    left, right = (_judged(cohort, m, counted) for m in (first, second))
    pairs = left.join(right, on="patient_id", suffix="_second")
    pairs = pairs.rename({c: f"{c}_first" for c in left.columns if c != "patient_id"})
    gap = pl.col("time_second") - pl.col("time_first")
    pairs = pairs.with_columns(gap.alias("gap")).filter(
        pl.col("gap").abs() <= window, pl.col("sample_id_first") != pl.col("sample_id_second")
    )
    if in_order:
        pairs = pairs.filter(pl.col("gap") > 0)
    if not pairs.height:
        near = "" if math.isinf(window) else f" within {window:g} days"
        order = f", {second} after {first}" if in_order else ""
        raise CohortError(
            f"no patient has samples of both {first} and {second}{near}{order}; "
            "widen the window or choose other samples"
        )
    return (
        pairs.sort(
            pl.col("gap").abs(), "time_first", pl.col("examined_first") * -1,
            pl.col("examined_second") * -1, "sample_id_first", "sample_id_second", nulls_last=True,
        )
        .group_by("patient_id", maintain_order=True)
        .first()
        .select(
            "patient_id", "gap",
            *(f"{c}_{which}" for which in ("first", "second") for c in left.columns[1:]),
        )
        .sort("patient_id")
    )  # fmt: skip


def _judged(cohort: Cohort, marker: Marker, counted: bool) -> pl.DataFrame:
    """Samples of a marker with whether they are positive; those without either are left out."""
    rows = marker_counts(
        cohort,
        marker.cell_class,
        assay=marker.assay,
        site=marker.site,
        phase=marker.phase,
        counted=counted,
    )
    verdict = (
        pl.when(pl.col("count").is_not_null())
        .then(pl.col("count") >= marker.threshold)
        .otherwise(pl.col("positive"))
    )
    return (
        rows.with_columns(verdict.alias("positive"))
        .filter(pl.col("positive").is_not_null())
        .select("patient_id", "sample_id", "time", "count", "examined", "positive")
    )
