r"""How well a predicted risk tells who will have the event by a horizon: ROC, AUC and Brier score.

Cases had the event by day :math:`t`; controls did not (cumulative cases, dynamic controls; Heagerty
and Zheng 2005, Biometrics 61:92-105), among them those with a competing event. Patients lost before
are represented by inverse probability of censoring weights, and errors come from the influence of
each patient, that through the censoring curve included (Blanche, Dartigues and Jacqmin-Gadda 2013,
Stat. Med. 32:5381-5397). Numbers are those of R's ``riskRegression``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.concordance import ranked
from marrowtrace.survival.cox import check_level, json_rows
from marrowtrace.survival.difference import Difference, influence_difference
from marrowtrace.survival.inverse_censoring import state_at_horizon
from marrowtrace.survival.weighted_measures import area, brier, interval

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A measure of accuracy at one or several horizons.

    Parameters
    ----------
    metric : {"auc", "brier"}
    horizons : tuple of float, length h
        Days.
    value, error, low, high : ndarray of float, shape (h,)
        Estimate, standard error and interval (normal, kept within [0, 1]).
    cases, controls : ndarray of int, shape (h,)
        Patients seen with the event by the horizon, and known to be without.
    influence : ndarray of float, shape (n, h)
        Each patient's part of the error; differences between predictions of the same patients have
        their standard error from the differences of these.
    level : float
    """

    metric: str
    horizons: tuple[float, ...]
    value: Array
    error: Array
    low: Array
    high: Array
    cases: NDArray[np.int64]
    controls: NDArray[np.int64]
    influence: Array
    level: float

    def table(self) -> pl.DataFrame:
        """Return one row a horizon."""
        return pl.DataFrame(
            {
                "metric": [self.metric] * len(self.horizons),
                "horizon": self.horizons,
                "value": self.value,
                "standard_error": self.error,
                "low": self.low,
                "high": self.high,
                "cases": self.cases,
                "controls": self.controls,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the estimates as JSON-ready values."""
        return {"metric": self.metric, "level": self.level, "rows": json_rows(self.table())}


@dataclass(frozen=True, slots=True)
class RocCurve:
    """Sensitivity and specificity at a horizon, one entry for each cut-point.

    Parameters
    ----------
    cut_point : ndarray of float, shape (c,)
        Predicted positive: risk above it. Decreasing, from the largest risk.
    true_positive, false_positive : ndarray of float, shape (c,)
        Share of cases and of controls predicted positive.
    area : float
    horizon : float
    """

    cut_point: Array
    true_positive: Array
    false_positive: Array
    area: float
    horizon: float

    def table(self) -> pl.DataFrame:
        """Return one row a cut-point."""
        return pl.DataFrame(
            {
                "cut_point": self.cut_point,
                "true_positive": self.true_positive,
                "false_positive": self.false_positive,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the curve as JSON-ready values."""
        rows = json_rows(self.table())
        return {"horizon": self.horizon, "area": self.area, "rows": rows}


def time_dependent_auc(
    time: ArrayLike,
    event: ArrayLike,
    *,
    risk: ArrayLike,
    horizons: Sequence[float],
    cause: int = 1,
    level: float = 0.95,
) -> Accuracy:
    """Estimate the probability that a case has a higher predicted risk than a control.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    risk : array_like of float, shape (n,) or (n, h)
        Higher means the event is more likely; a column a horizon if it depends on that.
    horizons : sequence of float, length h
        Days.
    cause : int
    level : float

    Returns
    -------
    Accuracy

    Raises
    ------
    CohortError
        If the rows are at fault, nobody is followed beyond a horizon, or there are no cases or no
        controls.
    """
    return _accuracy("auc", time, event, risk, horizons, cause, level)


def brier_score(
    time: ArrayLike,
    event: ArrayLike,
    *,
    risk: ArrayLike,
    horizons: Sequence[float],
    cause: int = 1,
    level: float = 0.95,
) -> Accuracy:
    """Estimate the mean squared difference of state and predicted probability; low is good.

    Parameters
    ----------
    time, event, horizons, cause, level
        As in `time_dependent_auc`.
    risk : array_like of float, shape (n,) or (n, h)
        Predicted probabilities of the event by the horizon, in [0, 1].

    Returns
    -------
    Accuracy

    Raises
    ------
    CohortError
        As `time_dependent_auc`; or if a prediction is not a probability.
    """
    values = np.asarray(risk, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise CohortError(
            "a Brier score needs predicted probabilities between 0 and 1; "
            f"found {values[~((values >= 0) & (values <= 1))][0]:g}"
        )
    return _accuracy("brier", time, event, risk, horizons, cause, level)


def accuracy_difference(
    first: Accuracy, second: Accuracy, *, level: float = 0.95
) -> list[Difference]:
    """Compare two predictions of the same patients, one result a horizon.

    Raises
    ------
    CohortError
        If metrics, horizons or the number of patients differ.
    """
    same = first.metric == second.metric and first.horizons == second.horizons
    if not same or first.influence.shape != second.influence.shape:
        raise CohortError(
            "two predictions can be compared only on the same patients, metric and horizons: "
            f"{first.metric} of {first.influence.shape[0]} and {second.metric} of "
            f"{second.influence.shape[0]} patients"
        )
    return [
        influence_difference(
            first.metric,
            horizon,
            float(first.value[k] - second.value[k]),
            first.influence[:, k] - second.influence[:, k],
            level,
        )
        for k, horizon in enumerate(first.horizons)
    ]


def roc_curve(
    time: ArrayLike, event: ArrayLike, *, risk: ArrayLike, horizon: float, cause: int = 1
) -> RocCurve:
    """Estimate sensitivity and specificity of every cut-point at a horizon.

    Parameters
    ----------
    time, event, cause
        As in `time_dependent_auc`.
    risk : array_like of float, shape (n,)
    horizon : float

    Returns
    -------
    RocCurve
    """
    state = state_at_horizon(time, event, horizon=horizon, cause=cause)
    risks = _risks(risk, state.time.size, 1)[:, 0]
    place, distinct = ranked(risks)
    values = np.empty(distinct)
    values[place] = risks
    cases = np.bincount(place, weights=state.weight * state.case)[::-1]
    controls = np.bincount(place, weights=state.weight * state.control)[::-1]
    true = np.concatenate([[0.0], np.cumsum(cases) / cases.sum()])
    false = np.concatenate([[0.0], np.cumsum(controls) / controls.sum()])
    under = float((np.diff(false) * (true[1:] + true[:-1]) / 2).sum())
    cuts = np.concatenate([values[::-1], [-np.inf]])
    return RocCurve(cuts, true, false, under, float(horizon))


def _accuracy(
    metric: str,
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    horizons: Sequence[float],
    cause: int,
    level: float,
) -> Accuracy:
    check_level(level)
    n, h = np.asarray(time).size, len(horizons)
    risks = _risks(risk, n, h)
    value, influence = np.empty(h), np.empty((n, h))
    cases, controls = np.empty(h, np.int64), np.empty(h, np.int64)
    for k, horizon in enumerate(horizons):
        state = state_at_horizon(time, event, horizon=horizon, cause=cause)
        estimate = area if metric == "auc" else brier
        value[k], influence[:, k] = estimate(state, risks[:, k])
        influence[:, k] *= np.sqrt(n / (n - 1))
        cases[k], controls[k] = state.case.sum(), state.control.sum()
    error, low, high = interval(value, influence, level)
    return Accuracy(
        metric,
        tuple(float(day) for day in horizons),
        value,
        error,
        np.maximum(0.0, low),
        np.minimum(1.0, high),
        cases,
        controls,
        influence,
        level,
    )


def _risks(risk: ArrayLike, n: int, horizons: int) -> Array:
    """Return predictions as columns, one a horizon."""
    values = np.asarray(risk, dtype=np.float64)
    if values.ndim == 1:
        values = np.repeat(values[:, None], horizons, axis=1)
    if values.shape != (n, horizons):
        raise CohortError(
            f"predictions have shape {np.shape(risk)}; allowed: ({n},) or ({n}, {horizons})"
        )
    if not np.isfinite(values).all():
        i = int((~np.isfinite(values)).any(axis=1).argmax())
        raise CohortError(f"the prediction of patient {i} is missing or not finite")
    return values
