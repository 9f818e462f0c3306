"""Residuals of a Cox model: martingale, score, and those of Schoenfeld.

Martingale: events seen less events expected (Therneau, Grambsch and Fleming 1990, Biometrika
77:147-160). Score: each row's part of the gradient, summed over its time at risk; times the model
variance it approximates the change of the coefficients without the row (dfbeta). Schoenfeld (1982,
Biometrika 69:239-241): the covariate of each event less its mean over the risk set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.survival.cox import CoxFit
from marrowtrace.survival.observations import Observations

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EventSums:
    """Sums at the event times, strata in order and time increasing within each.

    Parameters
    ----------
    stratum, deaths, at_risk : ndarray of int, shape (m,)
    day, total, hazard, own, spread : ndarray of float, shape (m,)
    mean, mean_hazard, mean_own : ndarray of float, shape (m, p)
    information : ndarray of float, shape (m, p, p) or (0, p, p)
        See `marrowtrace.survival.cox_kernels.event_sums`.
    """

    stratum: NDArray[np.int64]
    day: Array
    deaths: NDArray[np.int64]
    total: Array
    at_risk: NDArray[np.int64]
    hazard: Array
    own: Array
    spread: Array
    mean: Array
    mean_hazard: Array
    mean_own: Array
    information: Array


def event_sums(
    data: Observations, coefficients: Array, ties: str, *, information: bool = False
) -> EventSums:
    """Sum over the risk set at each event time; hazards are those of mean covariates, offset 0.

    Parameters
    ----------
    data : Observations
    coefficients : ndarray of float, shape (p,)
    ties : {"efron", "breslow"}
    information : bool
        Whether the information matrix of each event time is wanted.
    """
    from marrowtrace.survival import cox_kernels as kernels

    centre = data.covariates.mean(axis=0)
    found = kernels.event_sums(
        data.covariates - centre, data.time, data.event, data.entry, data.by_entry, data.starts,
        data.weights, data.offset, coefficients, ties == "efron", information,
    )  # fmt: skip
    order = np.lexsort((found[1], found[0]))
    parts = [part[order] if part.shape[0] else part for part in found]
    parts[8] = parts[8] + centre
    parts[9] = parts[9] + parts[5][:, None] * centre
    parts[10] = parts[10] + parts[6][:, None] * centre
    return EventSums(*parts)


def relative_risk(data: Observations, coefficients: Array) -> Array:
    """Return each row's hazard relative to one with mean covariates and offset 0."""
    centred = data.covariates - data.covariates.mean(axis=0)
    return np.asarray(np.exp(data.offset + centred @ coefficients))


def _until(data: Observations, sums: EventSums, days: Array, values: Array) -> Array:
    """Sum ``values`` over the event times of each row's stratum up to its day in ``days``."""
    cumulated = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    out = np.zeros((days.size, *values.shape[1:]))
    bounds = np.searchsorted(sums.stratum, np.arange(data.starts.size))
    for g in range(data.starts.size - 1):
        rows = slice(data.starts[g], data.starts[g + 1])
        times = sums.day[bounds[g] : bounds[g + 1]]
        place = np.searchsorted(times, days[rows], side="right")
        out[rows] = cumulated[bounds[g] + place] - cumulated[bounds[g]]
    return out


def place_of_events(data: Observations, sums: EventSums) -> NDArray[np.int64]:
    """Return, for each row with an event, the place of its event time in the sums."""
    place = np.zeros(data.rows, dtype=np.int64)
    bounds = np.searchsorted(sums.stratum, np.arange(data.starts.size))
    for g in range(data.starts.size - 1):
        rows = slice(data.starts[g], data.starts[g + 1])
        times = sums.day[bounds[g] : bounds[g + 1]]
        place[rows] = bounds[g] + np.searchsorted(times, data.time[rows], side="left")
    return place[data.event]


def _at_risk(data: Observations, sums: EventSums, values: Array, own: Array) -> Array:
    """Sum ``values`` over the event times at which each row was at risk.

    At its own event a row is charged ``own`` in place of ``values``.
    """
    total = _until(data, sums, data.time, values)
    if data.entry.size:
        total = total - _until(data, sums, data.entry, values)
    place = place_of_events(data, sums)
    total[data.event] += own[place] - values[place]
    return total


def score_residuals_of(data: Observations, coefficients: Array, ties: str) -> Array:
    """Return the score residuals, shape (n, p), of the sorted rows."""
    sums = event_sums(data, coefficients, ties)
    risk = relative_risk(data, coefficients)
    hazard = _at_risk(data, sums, sums.hazard, sums.own)
    mean = _at_risk(data, sums, sums.mean_hazard, sums.mean_own)
    residuals = -risk[:, None] * (data.covariates * hazard[:, None] - mean)
    residuals[data.event] += data.covariates[data.event] - sums.mean[place_of_events(data, sums)]
    return np.asarray(residuals)


def score_residuals(fit: CoxFit) -> Array:
    """Return the score residuals, shape (n, p), rows as given (NaN for weight 0)."""
    return fit.data.in_given_order(score_residuals_of(fit.data, fit.coefficients, fit.ties))


def martingale_residuals(fit: CoxFit) -> Array:
    """Return the martingale residuals, shape (n,), rows as given (NaN for weight 0)."""
    data = fit.data
    sums = event_sums(data, fit.coefficients, fit.ties)
    risk = relative_risk(data, fit.coefficients)
    expected = risk * _at_risk(data, sums, sums.hazard, sums.own)
    return data.in_given_order(data.event - expected)


def schoenfeld_residuals(fit: CoxFit) -> pl.DataFrame:
    """Return one row an event, by stratum and time: ``row``, ``time``, then each covariate."""
    data = fit.data
    sums = event_sums(data, fit.coefficients, fit.ties)
    residuals = data.covariates[data.event] - sums.mean[place_of_events(data, sums)]
    row, time = data.row[data.event], data.time[data.event]
    order = np.lexsort((row, time, data.strata[data.event]))
    columns = {name: residuals[order, j] for j, name in enumerate(data.names)}
    return pl.DataFrame({"row": row[order], "time": time[order], **columns})
