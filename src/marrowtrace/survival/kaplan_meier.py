r"""Kaplan-Meier curves, with left truncation, and follow-up by the reverse Kaplan-Meier method.

At each event time :math:`t_i` with :math:`d_i` events among :math:`n_i` at risk,
:math:`S(t)=\prod_{t_i\le t}(1-d_i/n_i)` (Kaplan and Meier 1958). The interval is that of
:math:`\log(-\log S)` with Greenwood's variance, as R's ``survfit(conf.type = "log-log")`` gives.
Censorings at an event time come after the event. Follow-up is the curve of being censored, with
events as its censorings (Schemper and Smith 1996).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """A Kaplan-Meier curve, one entry for each distinct time observed.

    Parameters
    ----------
    time : ndarray of float, shape (n_times,)
        Distinct times [days], increasing.
    at_risk, events, censored : ndarray of int, shape (n_times,)
        Number at risk just before each time, and events and censorings at it.
    survival, low, high : ndarray of float, shape (n_times,)
        Probability of no event up to and including each time, with its interval; the interval is
        NaN where the curve is 1 or 0.
    level : float
        Confidence level.
    """

    time: NDArray[np.float64]
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    censored: NDArray[np.int64]
    survival: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float

    def at(self, time: float) -> tuple[float, float, float]:
        """Return survival and its interval at ``time`` [days]; NaN after the last time."""
        index = int(np.searchsorted(self.time, time, side="right")) - 1
        if index < 0:
            return 1.0, 1.0, 1.0
        if time > self.time[-1] and self.survival[-1] > 0:
            return math.nan, math.nan, math.nan
        return float(self.survival[index]), float(self.low[index]), float(self.high[index])

    def median(self) -> tuple[float, float, float]:
        """Return the median time [days] and its interval; NaN where a curve stays above half.

        The interval holds the times at which the pointwise interval includes one half
        (Brookmeyer and Crowley 1982); where the curve is exactly one half over a stretch the
        middle of the stretch is taken, as R does.
        """
        return (
            _crossing(self.time, self.survival),
            _crossing(self.time, self.low),
            _crossing(self.time, self.high),
        )

    def table(self) -> pl.DataFrame:
        """Return the curve as a table, one row a time."""
        return pl.DataFrame(
            {
                "time": self.time,
                "at_risk": self.at_risk,
                "events": self.events,
                "censored": self.censored,
                "survival": self.survival,
                "low": self.low,
                "high": self.high,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the curve as JSON-ready values; what is not a number becomes null."""
        rows = [
            {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
            for row in self.table().iter_rows(named=True)
        ]
        return {"level": self.level, "rows": rows}


def kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, entry: ArrayLike | None = None, level: float = 0.95
) -> SurvivalCurve:
    """Estimate the curve of being free of the event.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of bool, shape (n,)
        Whether the event was seen.
    entry : array_like of float, shape (n,), optional
        Start of observation [days]; a patient is at risk after it (left truncation).
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    SurvivalCurve

    Raises
    ------
    CohortError
        If there is nobody, the lengths differ, a time is missing, or someone leaves before
        entering.
    """
    times = np.asarray(time, dtype=np.float64)
    seen = np.asarray(event, dtype=bool)
    entries = np.full(times.shape, -np.inf) if entry is None else np.asarray(entry, np.float64)
    _check(times, seen, entries, level)
    distinct, position = np.unique(times, return_inverse=True)
    events = np.bincount(position, weights=seen, minlength=distinct.size).astype(np.int64)
    leaving = np.bincount(position, minlength=distinct.size).astype(np.int64)
    entered = np.searchsorted(np.sort(entries), distinct, side="left")
    at_risk = entered - (np.cumsum(leaving) - leaving)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(at_risk > 0, events / at_risk, 0.0)
        survival = np.cumprod(1.0 - hazard)
        variance = np.cumsum(np.where(events > 0, hazard / (at_risk - events), 0.0))
        z = NormalDist().inv_cdf(0.5 + level / 2)
        spread = z * np.sqrt(variance) / np.abs(np.log(survival))
        inside = (survival > 0) & (survival < 1)
        low = np.where(inside, survival ** np.exp(spread), np.nan)
        high = np.where(inside, survival ** np.exp(-spread), np.nan)
    whole = survival == 1
    return SurvivalCurve(
        distinct,
        at_risk.astype(np.int64),
        events,
        leaving - events,
        survival.astype(np.float64),
        np.where(whole, 1.0, low).astype(np.float64),
        np.where(whole, 1.0, high).astype(np.float64),
        level,
    )


def reverse_kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, level: float = 0.95
) -> SurvivalCurve:
    """Estimate the curve of still being followed, taking every kind of event as censoring.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of int, shape (n,)
        0 censored; anything else an event, competing ones included.
    level : float

    Returns
    -------
    SurvivalCurve
        Its median is the median follow-up.
    """
    return kaplan_meier(time, np.asarray(event) == 0, level=level)


def _check(
    times: NDArray[np.float64], seen: NDArray[np.bool_], entries: NDArray[np.float64], level: float
) -> None:
    if times.size == 0:
        raise CohortError("a survival curve needs at least one patient; there is none")
    if times.shape != seen.shape or times.shape != entries.shape:
        raise CohortError(
            f"times ({times.size}), events ({seen.size}) and entries ({entries.size}) "
            "must be of one length"
        )
    if not np.isfinite(times).all() or np.isnan(entries).any():
        bad = int((~np.isfinite(times) | np.isnan(entries)).argmax())
        raise CohortError(f"time {times[bad]} of patient {bad} is not a finite number of days")
    if (entries > times).any():
        bad = int((entries > times).argmax())
        raise CohortError(
            f"patient {bad} enters at day {entries[bad]:g} after leaving at day {times[bad]:g}"
        )
    if not 0 < level < 1:
        raise CohortError(f"confidence level {level} is outside (0, 1), e.g. 0.95")


def _crossing(time: NDArray[np.float64], curve: NDArray[np.float64]) -> float:
    """Return the first time at which ``curve`` is at most one half."""
    tolerance = 1e-12
    reached = np.flatnonzero(curve <= 0.5 + tolerance)
    if not reached.size:
        return math.nan
    first = int(reached[0])
    if abs(curve[first] - 0.5) <= tolerance:
        below = np.flatnonzero(curve < 0.5 - tolerance)
        if below.size:
            return float((time[first] + time[below[0]]) / 2)
    return float(time[first])
