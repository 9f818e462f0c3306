r"""Restricted mean survival time: the mean time free of the event within a horizon.

The area :math:`\mu=\int_0^\tau S(t)\,dt` under the Kaplan-Meier curve, with the variance
:math:`\sum_{t_i\le\tau}\bigl(\int_{t_i}^\tau S\bigr)^2 d_i/\{n_i(n_i-d_i)\}`; it needs no
proportional hazards (Royston and Parmar 2013, BMC Med. Res. Methodol. 13:152). Numbers are those of
R's ``print(survfit(...), rmean = tau)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from marrowtrace.errors import CohortError
from marrowtrace.survival.kaplan_meier import SurvivalCurve, kaplan_meier


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """A restricted mean, or a difference of two.

    Parameters
    ----------
    value, error, low, high : float
        Days, with standard error and interval.
    p : float
        Two-sided p-value that it is 0; of use for a difference only.
    horizon : float
        Days.
    level : float
    """

    value: float
    error: float
    low: float
    high: float
    p: float
    horizon: float
    level: float

    def table(self) -> pl.DataFrame:
        """Return a table of one row."""
        return pl.DataFrame([self.to_json()])

    def to_json(self) -> dict[str, Any]:
        """Return the mean as JSON-ready values."""
        return {
            "value": self.value,
            "standard_error": self.error,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "horizon": self.horizon,
            "level": self.level,
        }


def restricted_mean(
    time: ArrayLike,
    event: ArrayLike,
    *,
    horizon: float,
    entry: ArrayLike | None = None,
    level: float = 0.95,
) -> RestrictedMean:
    """Estimate the mean time free of the event from day 0 to the horizon.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of bool, shape (n,)
    horizon : float
        Days, > 0, and no later than the curve is known.
    entry : array_like of float, shape (n,), optional
        Start of observation [days] (left truncation).
    level : float

    Returns
    -------
    RestrictedMean

    Raises
    ------
    CohortError
        If the rows are at fault or the horizon is after the last time while the curve is above 0.
    """
    return restricted_mean_of(kaplan_meier(time, event, entry=entry, level=level), horizon=horizon)


def restricted_mean_of(curve: SurvivalCurve, *, horizon: float) -> RestrictedMean:
    """Estimate the restricted mean of a Kaplan-Meier curve; see `restricted_mean`."""
    if not horizon > 0:
        raise CohortError(f"the horizon is day {horizon:g}; a restricted mean needs one above 0")
    if horizon > curve.time[-1] and curve.survival[-1] > 0:
        raise CohortError(
            f"the horizon (day {horizon:g}) is after the last time observed (day "
            f"{curve.time[-1]:g}), so the curve is not known up to it; choose an earlier one"
        )
    inside = (curve.time <= horizon) & (curve.time > 0)
    edges = np.concatenate([[0.0], curve.time[inside], [horizon]])
    before = curve.survival[curve.time <= 0]
    first = float(before[-1]) if before.size else 1.0
    pieces = np.diff(edges) * np.concatenate([[first], curve.survival[inside]])
    mean = float(pieces.sum())
    ahead = np.cumsum(pieces[::-1])[::-1][1:]
    at_risk, events = curve.at_risk[inside], curve.events[inside]
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(at_risk > events, events / (at_risk * (at_risk - events)), 0.0)
    error = float(np.sqrt((ahead**2 * hazard).sum()))
    return _with_interval(mean, error, horizon, curve.level)


def restricted_mean_difference(
    first: RestrictedMean, second: RestrictedMean, *, level: float = 0.95
) -> RestrictedMean:
    """Return how much longer the first group is free of the event, the groups being independent.

    Raises
    ------
    CohortError
        If the horizons differ.
    """
    if first.horizon != second.horizon:
        raise CohortError(
            f"restricted means up to day {first.horizon:g} and day {second.horizon:g} cannot be "
            "compared; use one horizon"
        )
    error = float(np.hypot(first.error, second.error))
    return _with_interval(first.value - second.value, error, first.horizon, level)


def _with_interval(value: float, error: float, horizon: float, level: float) -> RestrictedMean:
    z = NormalDist().inv_cdf(0.5 + level / 2)
    p = 0.0 if value else 1.0
    if error > 0:
        p = math.erfc(abs(value) / error / math.sqrt(2))
    return RestrictedMean(value, error, value - z * error, value + z * error, p, horizon, level)
