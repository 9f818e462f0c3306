"""Detection rates with exact intervals (Clopper and Pearson 1934, Biometrika 26:404-413)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from marrowtrace.evidence.proportions import exact_interval

_BY = ("site", "cell_class", "assay", "phase")


@dataclass(frozen=True, slots=True)
class Positivity:
    """Detection rates of a cohort.

    Parameters
    ----------
    rows : DataFrame
        One row for each site, cell class, assay and phase: ``patients``, ``samples``,
        ``positive`` (samples with at least ``threshold`` cells, or called positive), ``rate`` with
        its exact interval ``low`` to ``high``, ``median_day``, and ``median_count``, ``max_count``
        and ``median_examined`` of those counted.
    threshold : int
        Cells that make a sample positive.
    level : float
        Confidence level.
    """

    rows: pl.DataFrame
    threshold: int
    level: float

    def table(self) -> pl.DataFrame:
        """Return the rates, one row a site, class, assay and phase."""
        return self.rows

    def to_json(self) -> dict[str, Any]:
        """Return the rates as JSON-ready values."""
        return {"threshold": self.threshold, "level": self.level, "rows": self.rows.to_dicts()}


def positivity(cohort: Cohort, *, threshold: int = 1, level: float = 0.95) -> Positivity:
    """Count how often tumour cells were found, by site, cell class, assay and phase.

    A sample without a count is positive if the laboratory called it so. Samples that were not
    assayed have no row and do not count; several samples of one patient in a phase count each, so
    the interval is for samples (``patients`` says how many gave them).

    Parameters
    ----------
    cohort : Cohort
    threshold : int
        Cells that make a sample positive, at least 1.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    Positivity

    Raises
    ------
    CohortError
        If the threshold is below 1.
    """
    if threshold < 1:
        raise CohortError(f"threshold {threshold} would call every sample positive; allowed: >= 1")
    counts = cohort.enumerations.join(
        cohort.samples.select("sample_id", "patient_id", "site", "phase", "time"), on="sample_id"
    )
    verdict = (
        pl.when(pl.col("count").is_not_null())
        .then(pl.col("count") >= threshold)
        .otherwise(pl.col("positive"))
    )
    rows = (
        counts.with_columns(verdict.alias("found"))
        .filter(pl.col("found").is_not_null())
        .group_by(*_BY)
        .agg(
            pl.col("patient_id").n_unique().cast(pl.Int64).alias("patients"),
            pl.len().cast(pl.Int64).alias("samples"),
            pl.col("found").sum().cast(pl.Int64).alias("positive"),
            pl.col("time").median().alias("median_day"),
            pl.col("count").median().alias("median_count"),
            pl.col("count").max().alias("max_count"),
            pl.col("examined").median().alias("median_examined"),
            pl.col("examined_unit").first(),
        )
        .sort("site", "cell_class", "assay", "median_day")
    )
    low = high = rate = np.empty(0)
    if rows.height:
        found, total = rows["positive"].to_numpy(), rows["samples"].to_numpy()
        low, high = exact_interval(found, total, level=level)
        rate = found / total
    rows = rows.with_columns(
        pl.Series("rate", rate, dtype=pl.Float64),
        pl.Series("low", low, dtype=pl.Float64),
        pl.Series("high", high, dtype=pl.Float64),
    ).select(
        *_BY, "patients", "samples", "positive", "rate", "low", "high", "median_day",
        "median_count", "max_count", "median_examined", "examined_unit",
    )  # fmt: skip
    return Positivity(rows, threshold, level)
