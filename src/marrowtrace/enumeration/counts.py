"""Counts with the amounts they were counted in: what is allowed, and one marker's in a cohort."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, ParameterError, ProblemList, did_you_mean

Floats: TypeAlias = NDArray[np.float64]
PER = MappingProxyType({"mL": 1.0, "nucleated_cells": 1e6})
"""Amount that a concentration refers to, by the unit of the amount examined."""

_LISTED = 5
_RANGES: Mapping[str, Callable[[float], bool]] = MappingProxyType(
    {
        "above 0": lambda v: v > 0,
        "above 0, finite": lambda v: 0 < v < math.inf,
        "from 0, finite": lambda v: 0 <= v < math.inf,
        "above 0, to 1": lambda v: 0 < v <= 1,
        "above 0, below 1": lambda v: 0 < v < 1,
        "from 0, below 1": lambda v: 0 <= v < 1,
        "whole numbers from 1": lambda v: v >= 1 and float(v).is_integer(),
        "whole numbers from 99": lambda v: v >= 99 and float(v).is_integer(),
    }
)


def check_arguments(what: str, *arguments: tuple[str, float, str]) -> None:
    """Refuse arguments outside their range, all at once.

    Parameters
    ----------
    what : str
        What they are for, for the message.
    arguments : tuple
        ``(name, value, range)`` of each, the range one of the keys of `_RANGES`.

    Raises
    ------
    ParameterError
        With every argument that is outside its range.

    Examples
    --------
    >>> check_arguments("the assay", ("recovery", 85.0, "above 0, to 1"))
    Traceback (most recent call last):
    ...
    marrowtrace.errors.ParameterError: 1 problem in the assay:
      recovery: is 85; allowed: above 0, to 1
    """
    problems = ProblemList()
    for name, value, allowed in arguments:
        if not _RANGES[allowed](value):
            problems.add(name, f"is {value:g}; allowed: {allowed}")
    problems.raise_any(ParameterError, what)


def check_counts(counts: ArrayLike, amounts: ArrayLike) -> tuple[Floats, Floats]:
    """Return counts and amounts as float arrays of one shape, or list what is wrong with them.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Cells counted, >= 0.
    amounts : array_like of float, shape (n,) or scalar
        Amount examined [mL or nucleated cells], > 0.

    Raises
    ------
    CohortError
        If there is no count, a count is not a whole number of at least 0, an amount is not above 0,
        or the lengths differ.
    """
    y = np.atleast_1d(np.asarray(counts, dtype=np.float64))
    a = np.atleast_1d(np.asarray(amounts, dtype=np.float64))
    if a.size == 1:
        a = np.full(y.shape, a.item())
    if y.ndim != 1 or y.size == 0 or a.shape != y.shape:
        raise CohortError(
            f"{y.size} count(s) but {a.size} amount(s) examined; give one amount for each count, "
            "and at least one count"
        )
    problems = ProblemList()
    whole = np.isfinite(y) & (y >= 0) & (y == np.floor(np.where(np.isfinite(y), y, 0.0)))
    for i in np.flatnonzero(~whole)[:_LISTED]:
        problems.add(f"counts[{i}]", f"is {y[i]:g}; allowed: whole numbers from 0")
    usable = np.isfinite(a) & (a > 0)
    for i in np.flatnonzero(~usable)[:_LISTED]:
        problems.add(f"amounts[{i}]", f"is {a[i]:g}; allowed: above 0, in mL or nucleated cells")
    problems.raise_any(CohortError, "the counts")
    return y, a


def marker_counts(
    cohort: Cohort,
    cell_class: str,
    *,
    assay: str | None = None,
    site: str | None = None,
    phase: str | None = None,
    counted: bool = True,
) -> pl.DataFrame:
    """Return the samples of one marker with their counts.

    Parameters
    ----------
    cohort : Cohort
    cell_class : str
        ``"CTC"``, ``"DTC"``, ...
    assay, site, phase : str, optional
        Only these. The assay must be named where the cohort has several for the class, because
        their counts do not compare.
    counted : bool
        Leave out samples with a verdict but no count.

    Returns
    -------
    DataFrame
        ``patient_id``, ``sample_id``, ``site``, ``phase``, ``time`` (day), ``assay``, ``count``,
        ``examined``, ``examined_unit``, ``positive``; sorted by patient, day and sample.

    Raises
    ------
    CohortError
        If nothing fits, several assays do, or the amounts are in different units.
    """
    rows = cohort.enumerations.join(
        cohort.samples.select("sample_id", "patient_id", "site", "phase", "time"), on="sample_id"
    )
    wanted = {"cell_class": cell_class, "assay": assay, "site": site, "phase": phase}
    for column, value in wanted.items():
        if value is None:
            continue
        known = rows[column].drop_nulls().unique().sort().to_list()
        if value not in known:
            raise CohortError(
                f"no enumeration has {column} '{value}'"
                f"{_among(cell_class, column)}{did_you_mean(value, known)}; "
                f"the cohort has: {', '.join(known) or 'none'}"
            )
        rows = rows.filter(pl.col(column) == value)
    if counted:
        rows = rows.filter(pl.col("count").is_not_null())
        if not rows.height:
            raise CohortError(
                f"the {cell_class} samples have verdicts but no counts; this needs cells counted "
                "in a known amount"
            )
    assays = rows["assay"].unique().sort().to_list()
    if len(assays) > 1:
        raise CohortError(
            f"{cell_class} was counted by {len(assays)} assays, whose counts do not compare; "
            f"name one: {', '.join(assays)}"
        )
    units = rows["examined_unit"].drop_nulls().unique().sort().to_list()
    if len(units) > 1:
        raise CohortError(
            f"{cell_class} was counted in different units ({', '.join(units)}), which do not "
            "compare; choose a site or phase with one unit"
        )
    return rows.select(
        "patient_id", "sample_id", "site", "phase", "time", "assay", "count", "examined",
        "examined_unit", "positive",
    ).sort("patient_id", "time", "sample_id")  # fmt: skip


def first_per_patient(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each patient's earliest sample; of one day that with the larger amount examined."""
    return (
        rows.sort("time", pl.col("examined") * -1, "sample_id", nulls_last=True)
        .group_by("patient_id", maintain_order=True)
        .first()
        .sort("patient_id")
    )


def unit_of(rows: pl.DataFrame) -> str:
    """Unit of the amounts examined: ``mL`` or ``nucleated_cells``."""
    return str(rows["examined_unit"].drop_nulls()[0])


def _among(cell_class: str, column: str) -> str:
    """Where a word was looked for."""
    return "" if column == "cell_class" else f" for {cell_class}"
