"""What a cohort holds: who, how long followed, what was found where and when, what is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from marrowtrace.cohort import TABLES, Cohort
from marrowtrace.enumeration.positivity import Positivity, positivity
from marrowtrace.survival.kaplan_meier import SurvivalCurve, kaplan_meier, reverse_kaplan_meier
from marrowtrace.units import DAYS_PER_YEAR

SCHEMA = "marrowtrace.cohort-description/1"
_MOST_ARMS = 6
_PATIENT_GROUPS = ("cancer_type", "subtype", "er", "her2", "stage", "sex", "arm")


@dataclass(frozen=True, slots=True)
class CohortDescription:
    """The description of one cohort.

    Parameters
    ----------
    index_event : str
        What day 0 is.
    rows : DataFrame
        ``table``, ``rows`` for each table that holds any.
    groups : DataFrame
        ``characteristic``, ``value``, ``patients``, ``share``.
    numbers : DataFrame
        ``characteristic``, ``unit``, ``known``, ``median``, ``q1``, ``q3``, ``low``, ``high``.
    follow_up : DataFrame
        One row an endpoint: patients, events, competing, person-years, median follow-up by
        reverse Kaplan-Meier with its interval [years], and share free of the event at 5 years.
    detection : Positivity
    measurements : DataFrame
        One row an analyte and unit: patients, samples, samples per patient, quartiles.
    treatments : DataFrame
        One row a regimen and agent: patients, courses, median start day.
    missing : DataFrame
        ``table``, ``column``, ``missing``, ``rows``, ``share`` for columns with gaps.
    event_free, followed : dict of str to SurvivalCurve
        Curves by endpoint: free of the event (competing events censored), and still followed.
    event_free_by_arm : dict of str to dict of str to SurvivalCurve
        The same by endpoint and arm, where there are two to six arms.
    """

    index_event: str
    rows: pl.DataFrame
    groups: pl.DataFrame
    numbers: pl.DataFrame
    follow_up: pl.DataFrame
    detection: Positivity
    measurements: pl.DataFrame
    treatments: pl.DataFrame
    missing: pl.DataFrame
    event_free: dict[str, SurvivalCurve]
    event_free_by_arm: dict[str, dict[str, SurvivalCurve]]
    followed: dict[str, SurvivalCurve]

    def follow_up_table(self) -> pl.DataFrame:
        """Return the follow-up for reading, each figure with its interval in one column."""
        rows = [
            {
                "endpoint": row["endpoint"].replace("_", " "),
                "patients": row["patients"],
                "events": row["events"],
                "competing": row["competing"],
                "person-years": round(row["person_years"]),
                "median follow-up, years (95 %)": _with_interval(
                    row["median_follow_up"], row["follow_up_low"], row["follow_up_high"], ".1f"
                ),
                "free of it at 5 years (95 %)": _with_interval(
                    row["free_at_5_years"], row["free_low"], row["free_high"], ".3f"
                ),
            }
            for row in self.follow_up.iter_rows(named=True)
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def detection_table(self) -> pl.DataFrame:
        """Return the detection rates for reading, each rate with its interval in one column."""
        rows = [
            {
                "cells": row["cell_class"],
                "site": row["site"].replace("_", " "),
                "assay": row["assay"],
                "phase": row["phase"],
                "patients": row["patients"],
                "positive samples": f"{row['positive']}/{row['samples']}",
                "rate (95 %)": _with_interval(row["rate"], row["low"], row["high"], ".3f"),
                "median day": row["median_day"],
                "median count": row["median_count"],
                "largest": row["max_count"],
                "examined (median)": row["median_examined"],
                "unit": (row["examined_unit"] or "").replace("_", " ") or None,
            }
            for row in self.detection.rows.iter_rows(named=True)
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the curves as JSON-ready values; NaN becomes null."""
        frames = {
            "rows": self.rows,
            "groups": self.groups,
            "numbers": self.numbers,
            "follow_up": self.follow_up,
            "measurements": self.measurements,
            "treatments": self.treatments,
            "missing": self.missing,
        }
        return {
            "schema": SCHEMA,
            "index_event": self.index_event,
            **{name: _json_rows(frame) for name, frame in frames.items()},
            "detection": {
                "threshold": self.detection.threshold,
                "level": self.detection.level,
                "rows": _json_rows(self.detection.rows),
            },
        }


def describe(cohort: Cohort) -> CohortDescription:
    """Describe a cohort.

    Parameters
    ----------
    cohort : Cohort

    Returns
    -------
    CohortDescription
    """
    event_free: dict[str, SurvivalCurve] = {}
    by_arm: dict[str, dict[str, SurvivalCurve]] = {}
    followed: dict[str, SurvivalCurve] = {}
    follow_up: list[dict[str, Any]] = []
    for endpoint in cohort.endpoints:
        frame = cohort.follow_up.filter(pl.col("endpoint") == endpoint)
        time, event = frame["time"].to_numpy(), frame["event"].to_numpy()
        entry = frame["entry"].to_numpy()
        event_free[endpoint] = kaplan_meier(time, event == 1, entry=_truncation(entry, time))
        by_arm[endpoint] = _curves_by_arm(frame, cohort.patients)
        followed[endpoint] = reverse_kaplan_meier(time, event)
        median, low, high = (day / DAYS_PER_YEAR for day in followed[endpoint].median())
        free, free_low, free_high = event_free[endpoint].at(5 * DAYS_PER_YEAR)
        follow_up.append(
            {
                "endpoint": endpoint,
                "patients": frame.height,
                "events": int((event == 1).sum()),
                "competing": int((event >= 2).sum()),
                "person_years": float((time - entry).sum()) / DAYS_PER_YEAR,
                "median_follow_up": median,
                "follow_up_low": low,
                "follow_up_high": high,
                "free_at_5_years": free,
                "free_low": free_low,
                "free_high": free_high,
            }
        )
    return CohortDescription(
        index_event=cohort.index_event,
        rows=pl.DataFrame(
            [{"table": name, "rows": cohort[name].height} for name in TABLES if cohort[name].height]
        ),
        groups=_groups(cohort.patients),
        numbers=_numbers(cohort.patients),
        follow_up=pl.DataFrame(follow_up, infer_schema_length=None),
        detection=positivity(cohort),
        measurements=_measurements(cohort),
        treatments=_treatments(cohort),
        missing=_missing(cohort),
        event_free=event_free,
        event_free_by_arm=by_arm,
        followed=followed,
    )


def _curves_by_arm(frame: pl.DataFrame, patients: pl.DataFrame) -> dict[str, SurvivalCurve]:
    arms = frame.join(patients.select("patient_id", "arm"), on="patient_id").drop_nulls("arm")
    names = arms["arm"].unique().sort().to_list()
    if not 2 <= len(names) <= _MOST_ARMS:
        return {}
    curves = {}
    for name in names:
        of_arm = arms.filter(pl.col("arm") == name)
        time = of_arm["time"].to_numpy()
        entry = _truncation(of_arm["entry"].to_numpy(), time)
        curves[name] = kaplan_meier(time, of_arm["event"].to_numpy() == 1, entry=entry)
    return curves


def _with_interval(value: float, low: float, high: float, form: str) -> str:
    if math.isnan(value):
        return "not reached"
    low_text, high_text = (
        "?" if math.isnan(bound) else format(bound, form) for bound in (low, high)
    )
    return f"{value:{form}} ({low_text} to {high_text})"


def _truncation(entry: Any, time: Any) -> Any:
    """Return entries for a curve; a patient who leaves on the entry day is at risk that day."""
    return np.where(entry >= time, np.nextafter(time, -np.inf), entry)


def _groups(patients: pl.DataFrame) -> pl.DataFrame:
    frames = [
        patients.select(pl.col(name).alias("value"))
        .group_by("value")
        .agg(pl.len().cast(pl.Int64).alias("patients"))
        .sort(["patients", "value"], descending=[True, False], nulls_last=True)
        .with_columns(
            pl.lit(name).alias("characteristic"),
            pl.col("value").fill_null("not stated"),
            (pl.col("patients") / patients.height).alias("share"),
        )
        .select("characteristic", "value", "patients", "share")
        .head(20)
        for name in _PATIENT_GROUPS
        if patients[name].null_count() < patients.height
    ]
    return pl.concat(frames) if frames else pl.DataFrame()


def _numbers(patients: pl.DataFrame) -> pl.DataFrame:
    spec = TABLES["patients"]
    units = {c.name: c.unit for c in spec.columns}
    rows = []
    for name, dtype in patients.schema.items():
        known = patients[name].drop_nulls()
        if not dtype.is_numeric() or not len(known):
            continue
        rows.append({"characteristic": name, "unit": units.get(name, ""), **_quartiles(known)})
    return pl.DataFrame(rows)


def _quartiles(values: pl.Series) -> dict[str, Any]:
    numbers = values.cast(pl.Float64)
    return {
        "known": len(values),
        "median": numbers.median(),
        "q1": numbers.quantile(0.25, interpolation="linear"),
        "q3": numbers.quantile(0.75, interpolation="linear"),
        "low": numbers.min(),
        "high": numbers.max(),
    }


def _measurements(cohort: Cohort) -> pl.DataFrame:
    joined = cohort.measurements.join(
        cohort.samples.select("sample_id", "patient_id", "time"), on="sample_id"
    )
    if not joined.height:
        return pl.DataFrame()
    per_patient = (
        joined.group_by("analyte", "unit", "patient_id")
        .agg(pl.len().alias("serial"))
        .group_by("analyte", "unit")
        .agg(pl.col("serial").median().alias("median_per_patient"))
    )
    return (
        joined.group_by("analyte", "unit")
        .agg(
            pl.col("patient_id").n_unique().cast(pl.Int64).alias("patients"),
            pl.len().cast(pl.Int64).alias("samples"),
            pl.col("value").median().alias("median"),
            pl.col("value").quantile(0.25, interpolation="linear").alias("q1"),
            pl.col("value").quantile(0.75, interpolation="linear").alias("q3"),
            pl.col("time").max().alias("last_day"),
        )
        .join(per_patient, on=["analyte", "unit"], nulls_equal=True)
        .sort("analyte", "unit")
    )


def _treatments(cohort: Cohort) -> pl.DataFrame:
    if not cohort.treatments.height:
        return pl.DataFrame()
    return (
        cohort.treatments.group_by("regimen", "agent")
        .agg(
            pl.col("patient_id").n_unique().cast(pl.Int64).alias("patients"),
            pl.len().cast(pl.Int64).alias("courses"),
            pl.col("start").median().alias("median_start"),
        )
        .sort(["patients", "regimen", "agent"], descending=[True, False, False])
    )


def _missing(cohort: Cohort) -> pl.DataFrame:
    rows = [
        {
            "table": name,
            "column": column,
            "missing": frame[column].null_count(),
            "rows": frame.height,
            "share": frame[column].null_count() / frame.height,
        }
        for name, frame in cohort.tables.items()
        if frame.height
        for column in frame.columns
        if frame[column].null_count()
    ]
    schema = {"table": pl.String, "column": pl.String, "missing": pl.Int64, "rows": pl.Int64}
    return pl.DataFrame(rows, schema=schema | {"share": pl.Float64})


def _json_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        for row in frame.to_dicts()
    ]
