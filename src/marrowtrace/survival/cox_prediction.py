r"""Predictions of a Cox model: baseline hazard and the survival of a patient, with intervals.

The cumulative hazard jumps at each event time by the terms of the tie (Breslow's estimator,
Efron's form of it). The variance of :math:`\hat H(t)e^{x^\top\hat\beta}` has two parts, that of the
jumps and that of the coefficients (Tsiatis 1981, Ann. Stat. 9:93-108); intervals of survival are on
the scale of :math:`\log(-\log S)`, as R's ``survfit(..., conf.type = "log-log")`` gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError, did_you_mean
from marrowtrace.survival.cox import CoxFit, json_rows
from marrowtrace.survival.cox_residuals import EventSums, event_sums


@dataclass(frozen=True, slots=True)
class PredictedSurvival:
    """Survival of one or several patients by a Cox model.

    Parameters
    ----------
    time : ndarray of float, shape (t,)
        Days.
    survival, low, high : ndarray of float, shape (q, t)
        Probability of no event up to and including each day, one row a patient.
    level : float
    """

    time: NDArray[np.float64]
    survival: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float

    def table(self) -> pl.DataFrame:
        """Return one row a patient and day."""
        q, t = self.survival.shape
        return pl.DataFrame(
            {
                "patient": np.repeat(np.arange(q), t),
                "time": np.tile(self.time, q),
                "survival": self.survival.ravel(),
                "low": self.low.ravel(),
                "high": self.high.ravel(),
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the predictions as JSON-ready values."""
        return {"level": self.level, "rows": json_rows(self.table())}


def baseline_hazard(fit: CoxFit) -> pl.DataFrame:
    """Return the cumulative hazard of a patient whose covariates and offset are all 0.

    Returns
    -------
    DataFrame
        ``stratum``, ``time`` [days], ``at_risk``, ``events``, ``hazard`` (cumulative within the
        stratum); one row a distinct event time.
    """
    sums = event_sums(fit.data, fit.coefficients, fit.ties)
    centre = fit.data.covariates.mean(axis=0)
    frame = pl.DataFrame(
        {
            "stratum": [fit.data.strata_names[g] for g in sums.stratum],
            "time": sums.day,
            "at_risk": sums.at_risk,
            "events": sums.deaths,
            "hazard": sums.hazard * np.exp(-centre @ fit.coefficients),
        }
    )
    return frame.with_columns(pl.col("hazard").cum_sum().over("stratum"))


def predict_survival(
    fit: CoxFit,
    covariates: Mapping[str, ArrayLike] | ArrayLike,
    *,
    times: ArrayLike,
    stratum: str | None = None,
    level: float = 0.95,
) -> PredictedSurvival:
    """Predict the survival of patients with given covariates.

    Parameters
    ----------
    fit : CoxFit
    covariates : mapping of str to values, or array_like, shape (q, p)
        One value, or q, for each covariate of the model.
    times : array_like of float, shape (t,)
        Days; increasing.
    stratum : str, optional
        Stratum of the patients; needed if the model has several.
    level : float

    Returns
    -------
    PredictedSurvival

    Raises
    ------
    CohortError
        If a covariate is missing, the stratum is unknown, or a day is after the last observation.
    """
    x = _rows(fit, covariates)
    group = _stratum(fit, stratum)
    days = np.atleast_1d(np.asarray(times, dtype=np.float64))
    last = float(fit.data.time[fit.data.strata == group].max())
    if not (days <= last).all():
        raise CohortError(
            f"day {days.max():g} is after the last observation (day {last:g}); a Cox model does "
            "not extrapolate"
        )
    sums = event_sums(fit.data, fit.coefficients, fit.ties)
    hazard, spread, mean = _cumulated(sums, group, days)
    risk = np.exp((x - fit.data.covariates.mean(axis=0)) @ fit.coefficients)[:, None]
    gradient = mean[None, :, :] - x[:, None, :] * hazard[None, :, None]
    variance = risk**2 * (spread + np.einsum("qta,ab,qtb->qt", gradient, fit.variance, gradient))
    cumulated = risk * hazard
    z = NormalDist().inv_cdf(0.5 + level / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(z * np.sqrt(variance) / cumulated)
        low = np.where(cumulated > 0, np.exp(-cumulated * factor), 1.0)
        high = np.where(cumulated > 0, np.exp(-cumulated / factor), 1.0)
    return PredictedSurvival(days, np.exp(-cumulated), low, high, level)


def _rows(fit: CoxFit, covariates: Mapping[str, ArrayLike] | ArrayLike) -> NDArray[np.float64]:
    """Return the covariates of the patients, shape (q, p), in the model's order."""
    if isinstance(covariates, Mapping):
        missing = [name for name in fit.names if name not in covariates]
        if missing:
            hint = did_you_mean(missing[0], list(covariates))
            raise CohortError(f"the model needs a value of '{missing[0]}'{hint}")
        columns = [np.atleast_1d(np.asarray(covariates[n], np.float64)) for n in fit.names]
        return np.column_stack(np.broadcast_arrays(*columns))
    array = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
    if array.shape[1] != len(fit.names):
        raise CohortError(
            f"the model has {len(fit.names)} covariate(s) ({', '.join(fit.names)}); "
            f"{array.shape[1]} given"
        )
    return array


def _stratum(fit: CoxFit, stratum: str | None) -> int:
    names = fit.data.strata_names
    if len(names) == 1:
        return 0
    if stratum is None or stratum not in names:
        hint = did_you_mean(stratum, names) if stratum is not None else ""
        raise CohortError(
            f"stratum {stratum!r} is not one of the model{hint}; allowed: {', '.join(names)}"
        )
    return names.index(stratum)


def _cumulated(
    sums: EventSums, group: int, days: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return hazard, its variance and the mean covariate's integral up to each day."""
    mine = sums.stratum == group
    place = np.searchsorted(sums.day[mine], days, side="right")

    def until(values: NDArray[np.float64]) -> NDArray[np.float64]:
        zero = np.zeros((1, *values.shape[1:]))
        return np.asarray(np.concatenate([zero, np.cumsum(values[mine], axis=0)])[place])

    return until(sums.hazard), until(sums.spread), until(sums.mean_hazard)
