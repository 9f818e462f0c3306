r"""Calibration: do predicted probabilities come true?

The slope is the coefficient of :math:`\log(-\log(1-p))` in a Cox model of the time to the event (in
a Fine-Gray model with competing events): 1 if predictions are as spread as the outcomes, below 1 if
they are too extreme, as after overfitting (van Houwelingen 2000, Stat. Med. 19:3401-3415).
Calibration in the large compares events observed by the horizon with events predicted; groups of
similar risk make the calibration plot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.competing_risks import checked, cumulative_incidence
from marrowtrace.survival.cox import CoxFit, cox_regression, json_rows
from marrowtrace.survival.fine_gray import fine_gray


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of predicted probabilities at a horizon.

    Parameters
    ----------
    slope, slope_low, slope_high : float
    slope_p : float
        Two-sided p-value that the slope is 1.
    observed, predicted : float
        Probability of the event by the horizon: estimated, and the mean of the predictions.
    ratio, ratio_low, ratio_high : float
        Observed over predicted, interval from that of the observed.
    groups : DataFrame
        One row a group of similar risk: ``patients``, ``predicted``, ``observed``, ``low``,
        ``high``.
    horizon : float
        Days.
    level : float
    """

    slope: float
    slope_low: float
    slope_high: float
    slope_p: float
    observed: float
    predicted: float
    ratio: float
    ratio_low: float
    ratio_high: float
    groups: pl.DataFrame
    horizon: float
    level: float

    def table(self) -> pl.DataFrame:
        """Return the groups of the calibration plot."""
        return self.groups

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as JSON-ready values."""
        return {
            "slope": {"value": self.slope, "low": self.slope_low, "high": self.slope_high},
            "slope_p": self.slope_p,
            "observed": self.observed,
            "predicted": self.predicted,
            "ratio": {"value": self.ratio, "low": self.ratio_low, "high": self.ratio_high},
            "horizon": self.horizon,
            "level": self.level,
            "groups": json_rows(self.groups),
        }


def calibration(
    time: ArrayLike,
    event: ArrayLike,
    *,
    risk: ArrayLike,
    horizon: float,
    cause: int = 1,
    groups: int = 5,
    level: float = 0.95,
) -> Calibration:
    """Compare predicted probabilities with what happened.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    risk : array_like of float, shape (n,)
        Predicted probability of the event by the horizon, inside (0, 1).
    horizon : float
        Days.
    cause : int
    groups : int
        Groups of the calibration plot, of about equal size.
    level : float

    Returns
    -------
    Calibration

    Raises
    ------
    CohortError
        If the rows are at fault, a prediction is not inside (0, 1), or nobody is followed up to the
        horizon.
    """
    times, codes, _ = checked(time, event)
    risks = np.asarray(risk, dtype=np.float64)
    if risks.shape != times.shape or not ((risks > 0) & (risks < 1)).all():
        raise CohortError(
            f"calibration needs one predicted probability inside (0, 1) for each of {times.size} "
            "patients"
        )
    if not 0 < horizon <= times.max():
        raise CohortError(
            f"the horizon (day {horizon:g}) is not within the follow-up (day 0 to {times.max():g})"
        )
    if groups < 1:
        raise CohortError(f"{groups} groups cannot be made; allowed: 1 or more")
    fit = _slope(times, codes, risks, cause, level)
    slope, error = float(fit.coefficients[0]), float(fit.standard_errors[0])
    from scipy.special import ndtr

    observed, low, high = cumulative_incidence(times, codes, level=level).at(horizon, cause=cause)
    mean = float(risks.mean())
    return Calibration(
        slope=slope,
        slope_low=float(fit.low[0]),
        slope_high=float(fit.high[0]),
        slope_p=float(2 * ndtr(-abs(slope - 1) / error)),
        observed=observed,
        predicted=mean,
        ratio=observed / mean,
        ratio_low=low / mean,
        ratio_high=high / mean,
        groups=_groups(times, codes, risks, horizon, cause, groups, level),
        horizon=float(horizon),
        level=level,
    )


def _slope(
    times: NDArray[np.float64],
    codes: NDArray[np.int64],
    risks: NDArray[np.float64],
    cause: int,
    level: float,
) -> CoxFit:
    x = {"log(-log(1 - risk))": np.log(-np.log1p(-risks))}
    if ((codes > 0) & (codes != cause)).any():
        return fine_gray(times, codes, covariates=x, cause=cause, level=level)
    return cox_regression(times, codes == cause, covariates=x, level=level)


def _groups(
    times: NDArray[np.float64],
    codes: NDArray[np.int64],
    risks: NDArray[np.float64],
    horizon: float,
    cause: int,
    groups: int,
    level: float,
) -> pl.DataFrame:
    """Return predicted and observed probability of groups of similar risk; equal risks stay one."""
    edges = np.unique(np.quantile(risks, np.arange(1, groups) / groups))
    member = np.searchsorted(edges, risks, side="left")
    rows = []
    for g in np.unique(member):
        mine = member == g
        row = {"patients": int(mine.sum()), "predicted": float(risks[mine].mean())}
        observed, low, high = 0.0, float("nan"), float("nan")
        if (codes[mine] == cause).any():
            curve = cumulative_incidence(times[mine], codes[mine], level=level)
            observed, low, high = curve.at(horizon, cause=cause)
        rows.append({**row, "observed": observed, "low": low, "high": high})
    return pl.DataFrame(rows)
