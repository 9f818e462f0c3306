"""What is known at a landmark day and who is still at risk: the honest use of a later marker.

A marker measured after time zero may only be used from its own day on. At the landmark s, samples
with ``time <= s`` are known, a patient is at risk for an endpoint if observed by then and not yet
at its end (``entry <= s < time``), and the clock starts again at s (Anderson, Cain and Gelber 1983,
J Clin Oncol 1:710-719). An event or censoring on day s itself is before the landmark, as in van
Houwelingen's landmark data sets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from marrowtrace.errors import CohortError, did_you_mean

if TYPE_CHECKING:
    from marrowtrace.cohort.cohort import Cohort


@dataclass(frozen=True, slots=True)
class Landmark:
    """A cohort seen from one day.

    Parameters
    ----------
    cohort : Cohort
    day : float
        Landmark, days from the index event.
    """

    cohort: Cohort
    day: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.day):
            raise CohortError(f"the landmark is day {self.day}, which is not a finite number")

    @property
    def samples(self) -> pl.DataFrame:
        """Samples taken at or before the landmark."""
        return self.cohort.samples.filter(pl.col("time") <= self.day)

    @property
    def enumerations(self) -> pl.DataFrame:
        """Counts of the samples known at the landmark, with patient, site, day and phase."""
        known = self.samples.select("sample_id", "patient_id", "site", "time", "phase")
        return self.cohort.enumerations.join(
            known, on="sample_id", how="inner", maintain_order="left"
        )

    @property
    def measurements(self) -> pl.DataFrame:
        """Other markers of the samples known at the landmark, with patient, site and day."""
        known = self.samples.select("sample_id", "patient_id", "site", "time", "phase")
        return self.cohort.measurements.join(
            known, on="sample_id", how="inner", maintain_order="left"
        )

    def last_count(
        self, cell_class: str, *, assay: str | None = None, not_before: float | None = None
    ) -> pl.DataFrame:
        """Return each patient's last count of ``cell_class`` known at the landmark.

        Parameters
        ----------
        cell_class : str
            ``"CTC"``, ``"DTC"``, ...
        assay : str, optional
            Only counts of this assay.
        not_before : float, optional
            Only samples from this day on, so that an old value is not carried for ever.

        Returns
        -------
        DataFrame
            ``patient_id``, ``sample_id``, ``time``, ``count``, ``examined``, ``positive``; one row
            a patient who has such a count. Of samples of one day that with the larger amount
            examined is taken, then that with the later sample_id.
        """
        counts = self.enumerations.filter(pl.col("cell_class") == cell_class)
        if assay is not None:
            counts = counts.filter(pl.col("assay") == assay)
        if not_before is not None:
            counts = counts.filter(pl.col("time") >= not_before)
        return (
            counts.sort("time", "examined", "sample_id", nulls_last=False)
            .group_by("patient_id", maintain_order=True)
            .last()
            .select("patient_id", "sample_id", "time", "count", "examined", "positive")
            .sort("patient_id")
        )

    def last_value(self, analyte: str, *, not_before: float | None = None) -> pl.DataFrame:
        """Return each patient's last measured ``analyte`` known at the landmark.

        Returns
        -------
        DataFrame
            ``patient_id``, ``sample_id``, ``time``, ``value``, ``unit``.

        Raises
        ------
        CohortError
            If the cohort has no such analyte.
        """
        known = self.cohort.measurements["analyte"].unique().to_list()
        if analyte not in known:
            raise CohortError(f"no measurements of '{analyte}'{did_you_mean(analyte, known)}")
        values = self.measurements.filter(pl.col("analyte") == analyte)
        if not_before is not None:
            values = values.filter(pl.col("time") >= not_before)
        return (
            values.sort("time", "sample_id")
            .group_by("patient_id", maintain_order=True)
            .last()
            .select("patient_id", "sample_id", "time", "value", "unit")
            .sort("patient_id")
        )

    def at_risk(self, endpoint: str) -> pl.DataFrame:
        """Return the follow-up of the patients at risk, on a clock that starts at the landmark.

        Parameters
        ----------
        endpoint : str

        Returns
        -------
        DataFrame
            ``patient_id``, ``time`` (days after the landmark, > 0) and ``event``, for patients
            with ``entry <= landmark < time``.

        Raises
        ------
        CohortError
            If the cohort has no such endpoint.
        """
        endpoints = self.cohort.endpoints
        if endpoint not in endpoints:
            raise CohortError(
                f"no follow-up for the endpoint '{endpoint}'{did_you_mean(endpoint, endpoints)}. "
                f"The cohort has: {', '.join(endpoints) or 'none'}."
            )
        return (
            self.cohort.follow_up.filter(
                (pl.col("endpoint") == endpoint)
                & (pl.col("entry") <= self.day)
                & (pl.col("time") > self.day)
            )
            .select("patient_id", (pl.col("time") - self.day).alias("time"), "event")
            .sort("patient_id")
        )
