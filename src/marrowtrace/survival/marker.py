"""A marker of a cohort, and what is known of it at a landmark.

Using a marker before the day it was measured gives those who have it, for free, the time until
they were measured: nobody who died or relapsed earlier can have it (immortal time; Anderson, Cain
and Gelber 1983, J. Clin. Oncol. 1:710-719). So values come only through `Cohort.at`, and a marker
that nobody had been measured for by the landmark is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, did_you_mean

_SCALES: Mapping[str, pl.Expr] = MappingProxyType(
    {
        "value": pl.col("value"),
        "log2": pl.col("value").log(2),
        "log2_plus_1": (pl.col("value") + 1).log(2),
        "minus": -pl.col("value"),
        "minus_log2": -pl.col("value").log(2),
        "below": (1 - pl.col("value")).alias("value"),
    }
)


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
        Only samples of this phase: pre, on, post. A sample whose phase was not recorded is taken as
        pre if it is of day 0 or earlier.
    assay : str, optional
        Only counts of this assay.
    threshold : float, optional
        Value 1 from this count (or measured value) on, else 0. A sample without a count that the
        laboratory called positive or negative is taken at its word if the threshold is 1.
    not_before : float, optional
        Only samples from this day on.
    until : float, optional
        Only samples up to this day; the marker is known from that day on and not before.
    scale : {"value", "log2", "log2_plus_1", "minus", "minus_log2", "below"}
        Scale on which the values are given; ``"below"`` is 1 below the threshold, else 0.
    """

    name: str
    cell_class: str | None = None
    analyte: str | None = None
    phase: str | None = None
    assay: str | None = None
    threshold: float | None = None
    not_before: float | None = None
    until: float | None = None
    scale: str = "value"

    def __post_init__(self) -> None:
        if self.scale not in _SCALES:
            raise CohortError(
                f"marker '{self.name}' is wanted on the scale '{self.scale}'"
                f"{did_you_mean(self.scale, list(_SCALES))}; allowed: {', '.join(_SCALES)}"
            )
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
            joined = joined.filter(self._in_phase(self.phase))
        if self.not_before is not None:
            joined = joined.filter(pl.col("time") >= self.not_before)
        if self.until is not None:
            joined = joined.filter(pl.col("time") <= self.until)
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
                f"{f' up to day {self.until:g}' if self.until is not None else ''}"
            )
        if self.scale.endswith("log2") and (values["value"] <= 0).any():
            low = values.filter(pl.col("value") <= 0)["value"]
            raise CohortError(
                f"marker '{self.name}': {low.len()} value(s) are not above 0, e.g. {low[0]:g}, and "
                "have no logarithm; leave log2 out"
            )
        return values.with_columns(_SCALES[self.scale])

    @staticmethod
    def _in_phase(phase: str) -> pl.Expr:
        recorded = pl.col("phase") == phase
        if phase != "pre":
            return recorded
        return recorded | (pl.col("phase").is_null() & (pl.col("time") <= 0))

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
            were measured first after it, or the marker is one of a later day by its name.
        """
        if self.until is not None and self.until > landmark:
            raise CohortError(
                f"marker '{self.name}' is what is known on day {self.until:g}, but the analysis "
                f"starts on day {landmark:g}. Using it as if known by then would credit the "
                "patients who have it with the time they had to survive to be measured (immortal "
                f"time). Choose day {self.until:g} or a later one as the landmark"
            )
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
