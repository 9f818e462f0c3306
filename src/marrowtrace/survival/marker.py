"""A marker of a cohort, and what is known of it at a landmark.

Using a marker before the day it was measured gives those who have it, for free, the time until
they were measured: nobody who died or relapsed earlier can have it (immortal time; Anderson, Cain
and Gelber 1983, J. Clin. Oncol. 1:710-719). So values come only through `Cohort.at`, and a marker
that nobody had been measured for by the landmark is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, did_you_mean


@dataclass(frozen=True, slots=True)
class Marker:
    """What is taken from the samples of each patient: a count of cells, or a measured analyte.

    Parameters
    ----------
    name : str
        Name of the covariate, e.g. ``"DTC_post"``.
    cell_class : str, optional
        ``"CTC"``, ``"DTC"``, ...; this or ``analyte``.
    analyte : str, optional
    phase : str, optional
        Only samples of this phase: pre, on, post.
    assay : str, optional
        Only counts of this assay.
    threshold : float, optional
        Value 1 from this count (or measured value) on, else 0. A sample without a count that the
        laboratory called positive or negative is taken at its word if the threshold is 1.
    not_before : float, optional
        Only samples from this day on.
    """

    name: str
    cell_class: str | None = None
    analyte: str | None = None
    phase: str | None = None
    assay: str | None = None
    threshold: float | None = None
    not_before: float | None = None

    def __post_init__(self) -> None:
        if (self.cell_class is None) == (self.analyte is None):
            raise CohortError(
                f"marker '{self.name}' needs either a cell class (e.g. DTC) or an analyte"
            )

    def measured(self, cohort: Cohort) -> pl.DataFrame:
        """Return every value of the marker: ``patient_id``, ``time`` [days], ``value``.

        Raises
        ------
        CohortError
            If the cohort has no such values.
        """
        samples = cohort.samples.select("sample_id", "patient_id", "time", "phase")
        if self.cell_class is not None:
            rows = cohort.enumerations.filter(pl.col("cell_class") == self.cell_class)
            known = cohort.enumerations["cell_class"].unique().to_list()
            if self.assay is not None:
                rows = rows.filter(pl.col("assay") == self.assay)
            value = self._count()
            order = ["time", "examined", "sample_id"]
        else:
            rows = cohort.measurements.filter(pl.col("analyte") == self.analyte)
            known = cohort.measurements["analyte"].unique().to_list()
            value = pl.col("value")
            if self.threshold is not None:
                value = (value >= self.threshold).cast(pl.Float64)
            order = ["time", "sample_id"]
        joined = rows.join(samples, on="sample_id", how="inner")
        if self.phase is not None:
            joined = joined.filter(pl.col("phase") == self.phase)
        if self.not_before is not None:
            joined = joined.filter(pl.col("time") >= self.not_before)
        values = (
            joined.sort(order, nulls_last=False)
            .select("patient_id", "time", value.alias("value"))
            .drop_nulls("value")
        )
        if not values.height:
            sought = self.cell_class or self.analyte or ""
            raise CohortError(
                f"marker '{self.name}': the cohort has no values of '{sought}'"
                f"{did_you_mean(sought, [k for k in known if k != sought])}"
                f"{f' in phase {self.phase!r}' if self.phase else ''}"
            )
        return values

    def _count(self) -> pl.Expr:
        if self.threshold is None:
            return pl.col("count").cast(pl.Float64)
        counted = (pl.col("count") >= self.threshold).cast(pl.Float64)
        if self.threshold == 1:
            return pl.coalesce(counted, pl.col("positive").cast(pl.Float64))
        return counted

    def known(self, cohort: Cohort, *, landmark: float, endpoint: str) -> pl.DataFrame:
        """Return each patient's last value known at the landmark: ``patient_id``, ``value``.

        Parameters
        ----------
        cohort : Cohort
        landmark : float
            Day; a sample of that very day is known.
        endpoint : str
            Endpoint at risk for which the values are wanted.

        Raises
        ------
        CohortError
            If of those at risk at the landmark nobody had been measured by then, or fewer than
            were measured first after it: the marker is then one of a later day.
        """
        at_risk = cohort.at(landmark).at_risk(endpoint).select("patient_id")
        values = self.measured(cohort).join(at_risk, on="patient_id", maintain_order="left")
        first = values.group_by("patient_id").agg(pl.col("time").min())["time"]
        early, late = first.filter(first <= landmark), first.filter(first > landmark)
        if late.len() and early.len() <= late.len():
            wait = float(first.quantile(0.9, interpolation="higher") or 0.0)
            raise CohortError(
                f"marker '{self.name}' was first measured after day {landmark:g} in {late.len()} "
                f"of the {first.len()} patients at risk who have it (median day "
                f"{float(np.median(late.to_numpy())):g}). Using it as if known on day "
                f"{landmark:g} would credit those patients with the time they had to survive to be "
                "measured (immortal time), and "
                "leave out all who relapsed or died before. Choose a later landmark: by day "
                f"{wait:g} nine in ten had been measured"
            )
        return (
            values.filter(pl.col("time") <= landmark)
            .group_by("patient_id", maintain_order=True)
            .last()
            .select("patient_id", "value")
        )
