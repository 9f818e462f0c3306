"""Rows of a time-to-event analysis, checked once and sorted into risk sets.

A row is a stretch of observation of one patient: at risk after ``entry`` and up to ``time``, with
an event at its end or none. One row a patient is the common case; several make covariates that
change with time (start-stop rows), tied together by ``cluster``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError, ProblemList

Covariates = ArrayLike | Mapping[str, ArrayLike] | pl.DataFrame
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Observations:
    """Checked rows, sorted by stratum and within it by decreasing time.

    Parameters
    ----------
    time : ndarray of float, shape (n,)
        End of each stretch [days].
    event : ndarray of bool, shape (n,)
    entry : ndarray of float, shape (n,) or (0,)
        Start of each stretch [days]; empty if nobody enters late.
    weights, offset : ndarray of float, shape (n,)
    covariates : ndarray of float, shape (n, p)
    names : tuple of str, length p
    strata, cluster : ndarray of int, shape (n,)
        Codes from 0; without clusters each row is its own.
    strata_names : tuple of str
    starts : ndarray of int, shape (n_strata + 1,)
        Where each stratum starts.
    by_entry : ndarray of int, shape (n,) or (0,)
        Rows of each stratum by decreasing entry.
    row : ndarray of int, shape (n,)
        Place of each row in the arrays that were given.
    given : int
        Number of rows given; rows of weight 0 are left out.
    """

    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    entry: NDArray[np.float64]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    covariates: NDArray[np.float64]
    names: tuple[str, ...]
    strata: NDArray[np.int64]
    strata_names: tuple[str, ...]
    cluster: NDArray[np.int64]
    starts: NDArray[np.int64]
    by_entry: NDArray[np.int64]
    row: NDArray[np.int64]
    given: int

    @property
    def rows(self) -> int:
        """Number of rows analysed."""
        return int(self.time.size)

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    def in_given_order(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values of sorted rows in the order given; NaN for rows of weight 0."""
        out = np.full((self.given, *values.shape[1:]), np.nan)
        out[self.row] = values
        return out


def observations(
    time: ArrayLike,
    event: ArrayLike,
    *,
    covariates: Covariates,
    names: Sequence[str] | None = None,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Observations:
    """Check and sort the rows of an analysis.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of bool, shape (n,)
    covariates : array_like of float, shape (n, p), or mapping or DataFrame of p columns
    names : sequence of str, optional
        Names of the columns of an array; ``x1``, ``x2``, ... if left out.
    entry : array_like of float, shape (n,), optional
        Start of observation [days]; a row is at risk after it.
    weights, offset : array_like of float, shape (n,), optional
        Case weights >= 0, and a known part of the linear predictor.
    strata, cluster : array_like, shape (n,), optional
        Labels: baseline hazards of their own; rows that belong together.

    Raises
    ------
    CohortError
        Listing every problem: lengths, missing values, order of entry and time, negative times
        and weights, one patient, no events, constant and collinear covariates.
    """
    times = np.asarray(time, dtype=np.float64).ravel()
    n = times.size
    matrix, labels = _matrix(covariates, names, n)
    problems = ProblemList()
    happened = _events(event, problems)
    columns: dict[str, NDArray[np.float64]] = {"time": times}
    for name, given in (("entry", entry), ("weights", weights), ("offset", offset)):
        if given is not None:
            columns[name] = np.asarray(given, dtype=np.float64).ravel()
    groups = {"strata": strata, "cluster": cluster}
    codes = {name: _codes(given) for name, given in groups.items() if given is not None}
    lengths = {name: values.size for name, values in columns.items()}
    lengths |= {"event": happened.size, "covariates": matrix.shape[0]}
    lengths |= {name: code.size for name, (code, _) in codes.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in lengths.items())
        raise CohortError(f"the columns of a survival analysis differ in length: {listed}")
    if n < 2:
        raise CohortError(f"a survival model needs at least two patients; there {_is(n)}")
    if len(labels) != matrix.shape[1] or len(set(labels)) < len(labels):
        raise CohortError(
            f"{matrix.shape[1]} covariate(s) have the names {', '.join(labels)}; "
            "give one name to each, all different"
        )
    for name, values in columns.items():
        _check_finite(name, values, problems)
    _check_order(columns, problems)
    for j, name in enumerate(labels):
        _check_finite(name, matrix[:, j], problems)
    problems.raise_any(CohortError, "the rows of the survival analysis")
    weight = columns.get("weights", np.ones(n))
    keep = np.flatnonzero(weight > 0)
    if not happened[keep].any():
        raise CohortError(
            f"none of {keep.size} patients had an event, so no hazard can be compared; "
            "check the endpoint and its event code"
        )
    _check_rank(matrix[keep], labels, problems)
    problems.raise_any(CohortError, "the covariates of the survival analysis")
    return _sorted(times, happened, matrix, labels, columns, codes, keep)


def _sorted(
    times: NDArray[np.float64],
    happened: NDArray[np.bool_],
    matrix: NDArray[np.float64],
    labels: tuple[str, ...],
    columns: Mapping[str, NDArray[np.float64]],
    codes: Mapping[str, tuple[NDArray[np.int64], tuple[str, ...]]],
    keep: NDArray[np.int64],
) -> Observations:
    """Sort the rows of positive weight into risk sets."""
    n = times.size
    stratum, stratum_names = codes.get("strata", (np.zeros(n, np.int64), ("",)))
    kept_time = times[keep]
    if len(stratum_names) > 1:
        order = keep[np.lexsort((-kept_time, stratum[keep]))]
    else:
        order = keep[np.argsort(-kept_time)]
    sorted_strata = stratum[order]
    starts = np.searchsorted(sorted_strata, np.arange(len(stratum_names) + 1)).astype(np.int64)
    entry = columns["entry"][order] if "entry" in columns else np.empty(0)
    by_entry = np.lexsort((-entry, sorted_strata)) if entry.size else np.empty(0, np.int64)
    ones = np.ones(n)
    cluster = codes["cluster"][0] if "cluster" in codes else np.arange(n)
    return Observations(
        time=times[order],
        event=happened[order],
        entry=entry,
        weights=columns.get("weights", ones)[order],
        offset=columns.get("offset", np.zeros(n))[order],
        covariates=np.ascontiguousarray(matrix[order]),
        names=labels,
        strata=sorted_strata,
        strata_names=stratum_names,
        cluster=cluster[order].astype(np.int64),
        starts=starts,
        by_entry=by_entry.astype(np.int64),
        row=order.astype(np.int64),
        given=n,
    )


def _matrix(
    covariates: Covariates, names: Sequence[str] | None, n: int
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the covariates as an array with names."""
    if isinstance(covariates, (pl.DataFrame, Mapping)):
        if isinstance(covariates, pl.DataFrame):
            parts = {name: covariates[name].to_numpy() for name in covariates.columns}
        else:
            parts = {str(name): np.asarray(values) for name, values in covariates.items()}
        for name, values in parts.items():
            if values.dtype.kind not in "biuf":
                raise CohortError(
                    f"covariate '{name}' is not numeric; code its groups as 0 and 1 first"
                )
            if values.shape != (n,):
                raise CohortError(f"covariate '{name}' has {values.size} values for {n} times")
        return _stack(list(parts.values()), n), tuple(parts) if names is None else tuple(names)
    array = np.asarray(covariates, dtype=np.float64)
    if array.ndim == 1:
        array = array[:, None]
    default = [f"x{j + 1}" for j in range(array.shape[1])]
    return array, tuple(default if names is None else names)


def _stack(columns: list[NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    if not columns:
        return np.empty((n, 0))
    return np.column_stack([np.asarray(c, dtype=np.float64) for c in columns])


def _events(event: ArrayLike, problems: ProblemList) -> NDArray[np.bool_]:
    """Return events as booleans; only 0 and 1 are allowed."""
    values = np.asarray(event).ravel()
    if values.dtype == np.bool_:
        return values
    numbers = values.astype(np.float64)
    wrong = ~np.isin(numbers, (0.0, 1.0))
    if wrong.any():
        problems.add(
            "event",
            f"{int(wrong.sum())} row(s) ({_rows(wrong)}) hold {numbers[wrong][0]:g}; allowed: 0 "
            "(censored) and 1 (event); say which code is the event, e.g. event == 1",
        )
    return np.asarray(numbers == 1.0)


def _codes(labels: ArrayLike) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return labels as codes from 0, with their names in sorted order."""
    names, codes = np.unique(np.asarray(labels).ravel(), return_inverse=True)
    return codes.astype(np.int64), tuple(str(name) for name in names)


def _check_finite(name: str, values: NDArray[np.float64], problems: ProblemList) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        problems.add(
            name,
            f"{int(bad.sum())} row(s) ({_rows(bad)}) are missing or not finite, e.g. "
            f"{values[bad][0]}; leave those patients out or impute",
        )


def _check_order(columns: Mapping[str, NDArray[np.float64]], problems: ProblemList) -> None:
    times = columns["time"]
    if "entry" in columns:
        entry = columns["entry"]
        bad = entry >= times
        if bad.any():
            i = int(bad.argmax())
            problems.add(
                "entry",
                f"{int(bad.sum())} row(s) ({_rows(bad)}) enter when or after they leave, e.g. day "
                f"{entry[i]:g} and day {times[i]:g}; a row must be observed for some time",
            )
    elif (times < 0).any():
        bad = times < 0
        problems.add(
            "time",
            f"{int(bad.sum())} row(s) ({_rows(bad)}) are negative, e.g. {times[bad][0]:g}; follow-"
            "up starts at day 0, so check the index date, or give the entry of each patient",
        )
    if "weights" in columns and (columns["weights"] < 0).any():
        bad = columns["weights"] < 0
        problems.add(
            "weights",
            f"{int(bad.sum())} row(s) ({_rows(bad)}) are negative, e.g. "
            f"{columns['weights'][bad][0]:g}; allowed: 0 (left out) or more",
        )


def _check_rank(
    matrix: NDArray[np.float64], labels: tuple[str, ...], problems: ProblemList
) -> None:
    """Find covariates that are constant, or a sum of earlier ones."""
    constant = matrix.max(axis=0) == matrix.min(axis=0)
    for j in np.flatnonzero(constant).tolist():
        problems.add(
            labels[j],
            f"is {matrix[0, j]:g} for every patient, so its effect cannot be estimated; leave it "
            "out",
        )
    varying = np.flatnonzero(~constant)
    if varying.size < 2:
        return
    chosen = matrix[:, varying] - matrix[:, varying].mean(axis=0)
    chosen = chosen / np.sqrt((chosen**2).sum(axis=0))
    gram = chosen.T @ chosen
    free: list[int] = []
    places: list[int] = varying.tolist()
    for j in range(len(places)):
        if free:
            weights = np.linalg.solve(gram[np.ix_(free, free)], gram[free, j])
            left = gram[j, j] - weights @ gram[free, j]
            if left < 1e-10:
                of = [
                    labels[places[k]] for k, w in zip(free, weights, strict=True) if abs(w) > 1e-6
                ]
                problems.add(
                    labels[places[j]],
                    f"is determined by {', '.join(of)} (collinear); leave one of them out",
                )
                continue
        free.append(j)


def _rows(bad: NDArray[np.bool_]) -> str:
    where = np.flatnonzero(bad)
    return ", ".join(str(i) for i in where[:_SHOWN]) + (", ..." if where.size > _SHOWN else "")


def _is(n: int) -> str:
    return "is one" if n == 1 else "are none"
