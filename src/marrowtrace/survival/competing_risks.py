r"""Cumulative incidence with competing risks: the Aalen-Johansen estimator, exact with ties.

:math:`\hat F_k(t)=\sum_{u\le t}\hat S(u-)\,d_k(u)/n(u)`, with :math:`\hat S` the Kaplan-Meier curve
of being free of every kind of event (Aalen and Johansen 1978, Scand. J. Stat. 5:141-150). Taking
competing events as censorings instead overstates the incidence. Variances are those of the
infinitesimal jackknife, as R's ``survfit`` gives for several states; intervals are on the scale of
:math:`\log(-\log F)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError, ProblemList
from marrowtrace.survival.cox import CoxFit, check_level, cox_regression, json_rows
from marrowtrace.survival.observations import Covariates

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """Cumulative incidence of each kind of event, one entry for each distinct event time.

    Parameters
    ----------
    causes : tuple of int, length k
        Event codes, increasing.
    time : ndarray of float, shape (m,)
        Distinct times of events of any kind [days], increasing.
    at_risk : ndarray of int, shape (m,)
    events : ndarray of int, shape (k, m)
    incidence, error, low, high : ndarray of float, shape (k, m)
        Probability of each kind of event up to and including each time, with standard error and
        interval (NaN where the incidence is 0 or 1).
    free : ndarray of float, shape (m,)
        Probability of no event of any kind.
    level : float
    """

    causes: tuple[int, ...]
    time: Array
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    incidence: Array
    error: Array
    low: Array
    high: Array
    free: Array
    level: float

    def at(self, time: float, *, cause: int = 1) -> tuple[float, float, float]:
        """Return the incidence of ``cause`` by day ``time``, with its interval."""
        if cause not in self.causes:
            allowed = ", ".join(map(str, self.causes))
            raise CohortError(f"no event of code {cause} was seen; codes seen: {allowed}")
        row = self.causes.index(cause)
        index = int(np.searchsorted(self.time, time, side="right")) - 1
        if index < 0:
            return 0.0, 0.0, 0.0
        return (
            float(self.incidence[row, index]),
            float(self.low[row, index]),
            float(self.high[row, index]),
        )

    def table(self) -> pl.DataFrame:
        """Return one row a cause and time."""
        k, m = self.incidence.shape
        return pl.DataFrame(
            {
                "cause": np.repeat(np.asarray(self.causes, dtype=np.int64), m),
                "time": np.tile(self.time, k),
                "at_risk": np.tile(self.at_risk, k),
                "events": self.events.ravel(),
                "incidence": self.incidence.ravel(),
                "standard_error": self.error.ravel(),
                "low": self.low.ravel(),
                "high": self.high.ravel(),
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the curves as JSON-ready values."""
        return {"level": self.level, "rows": json_rows(self.table())}


def cumulative_incidence(
    time: ArrayLike, event: ArrayLike, *, entry: ArrayLike | None = None, level: float = 0.95
) -> CumulativeIncidence:
    """Estimate the cumulative incidence of each kind of event.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of int, shape (n,)
        0 censored, 1 the event, 2 and more competing events.
    entry : array_like of float, shape (n,), optional
        Start of observation [days]; a patient is at risk after it (left truncation).
    level : float

    Returns
    -------
    CumulativeIncidence

    Raises
    ------
    CohortError
        If there is nobody, lengths differ, values are missing, codes are not whole numbers >= 0,
        someone leaves before entering, or nobody had an event.
    """
    check_level(level)
    times, codes, entries = checked(time, event, entry)
    causes = np.unique(codes[codes > 0])
    if not causes.size:
        raise CohortError(
            f"none of {times.size} patients had an event of any kind; check the event codes"
        )
    days = np.unique(times[codes > 0])
    at_risk = np.searchsorted(np.sort(entries), days, side="left") - np.searchsorted(
        np.sort(times), days, side="left"
    )
    events = np.array([count_on(times[codes == cause], days) for cause in causes])
    hazard = events.sum(axis=0) / at_risk
    free = np.cumprod(1.0 - hazard)
    before = np.concatenate([[1.0], free[:-1]])
    incidence = np.cumsum(before * events / at_risk, axis=1)
    variance = np.array(
        [
            _variance(times, codes, entries, int(cause), days, at_risk, hazard, before, curve, own)
            for cause, curve, own in zip(causes, incidence, events, strict=True)
        ]
    )
    error = np.sqrt(np.maximum(variance, 0.0))
    low, high = log_log_interval(incidence, error, level)
    return CumulativeIncidence(
        tuple(int(cause) for cause in causes), days, at_risk.astype(np.int64), events, incidence,
        error, low, high, free, level,
    )  # fmt: skip


def cause_specific_cox(
    time: ArrayLike,
    event: ArrayLike,
    *,
    covariates: Covariates,
    cause: int = 1,
    names: Sequence[str] | None = None,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> CoxFit:
    """Fit a Cox model to the hazard of one kind of event; the others end the time at risk.

    It tells what changes the rate among those still free of everything; for what changes the
    probability use `marrowtrace.survival.fine_gray.fine_gray`.

    Parameters
    ----------
    time : array_like of float, shape (n,)
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    covariates, names, entry, strata, cluster, level
        As in `marrowtrace.survival.cox.cox_regression`.
    cause : int

    Returns
    -------
    CoxFit
    """
    codes = np.asarray(event)
    return cox_regression(
        time, codes == cause, covariates=covariates, names=names, entry=entry, strata=strata,
        cluster=cluster, level=level,
    )  # fmt: skip


def checked(
    time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None
) -> tuple[Array, NDArray[np.int64], Array]:
    """Check times, event codes and entries; without entries everyone is there from the start."""
    times = np.asarray(time, dtype=np.float64).ravel()
    numbers = np.asarray(event).astype(np.float64).ravel()
    entries = np.full(times.shape, -np.inf)
    if entry is not None:
        entries = np.asarray(entry, dtype=np.float64).ravel()
    if not times.size:
        raise CohortError("competing risks need at least one patient; there is none")
    if len({times.size, numbers.size, entries.size}) > 1:
        raise CohortError(
            f"times ({times.size}), events ({numbers.size}) and entries ({entries.size}) must be "
            "of one length"
        )
    problems = ProblemList()
    bad = ~np.isfinite(times)
    if bad.any():
        problems.add("time", f"{int(bad.sum())} row(s) ({int(bad.argmax())}) are missing")
    bad = ~((numbers >= 0) & (numbers == np.floor(numbers)))
    if bad.any():
        problems.add(
            "event",
            f"{int(bad.sum())} row(s) ({int(bad.argmax())}) hold {numbers[bad][0]:g}; allowed: 0 "
            "(censored), 1 (event), 2 or more (competing)",
        )
    bad = ~(entries < times) & np.isfinite(times)
    if bad.any():
        i = int(bad.argmax())
        problems.add("entry", f"row {i} enters (day {entries[i]:g}) when or after it leaves")
    problems.raise_any(CohortError, "the rows with competing risks")
    return times, numbers.astype(np.int64), entries


def log_log_interval(probability: Array, error: Array, level: float) -> tuple[Array, Array]:
    """Interval of probabilities on the scale of log(-log); NaN where they are 0 or 1."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    inside = (probability > 0) & (probability < 1)
    p = np.where(inside, probability, 0.5)
    spread = z * error / (p * np.abs(np.log(p)))
    with np.errstate(over="ignore"):  # near 1 the interval may reach down to 0
        low = np.where(inside, p ** np.exp(spread), np.nan)
        high = np.where(inside, p ** np.exp(-spread), np.nan)
    return low, high


def count_on(times: Array, days: Array) -> NDArray[np.int64]:
    """Count how many of ``times`` are on each day."""
    ordered = np.sort(times)
    after = np.searchsorted(ordered, days, side="right")
    return (after - np.searchsorted(ordered, days, side="left")).astype(np.int64)


def _variance(
    times: Array, codes: NDArray[np.int64], entries: Array, cause: int, days: Array,
    at_risk: NDArray[np.int64], hazard: Array, before: Array, curve: Array,
    events: NDArray[np.int64],
) -> Array:  # fmt: skip
    """Sum the squared influences of the patients on one curve, at each day.

    A patient's influence at t is X(t) - F(t) M(t), where X and M jump at the patient's own event
    and fall at every event time while at risk; they stand still after the patient has left. So the
    sum of squares needs only running sums over those who left and those who are there.
    """
    keeps = np.where(hazard < 1, 1 - hazard, np.inf)
    total = hazard * at_risk
    fall_x = np.cumsum(before * events / at_risk**2 + curve * total / (at_risk**2 * keeps))
    fall_m = np.cumsum(total / (at_risk**2 * keeps))
    fall_x, fall_m = np.concatenate([[0.0], fall_x]), np.concatenate([[0.0], fall_m])
    start = np.searchsorted(days, entries, side="right")
    stop = np.searchsorted(days, times, side="right")
    seen = codes > 0
    own = np.searchsorted(days, times[seen], side="left")
    x = fall_x[start] - fall_x[stop]
    m = fall_m[start] - fall_m[stop]
    mine = (codes[seen] == cause) * before[own]
    x[seen] += mine / at_risk[own] + curve[own] / (at_risk[own] * keeps[own])
    m[seen] += 1 / (at_risk[own] * keeps[own])
    left = _running(times, days, (x * x, x * m, m * m))
    x0, m0 = fall_x[start], fall_m[start]
    entered = (np.ones(times.size), x0, m0, x0 * x0, x0 * m0, m0 * m0)
    there = _running(entries, days, entered) - _running(times, days, entered)
    fx, fm = fall_x[1:], fall_m[1:]
    xx = left[0] + there[3] - 2 * fx * there[1] + fx * fx * there[0]
    xm = left[1] + there[4] - fx * there[2] - fm * there[1] + fx * fm * there[0]
    mm = left[2] + there[5] - 2 * fm * there[2] + fm * fm * there[0]
    return np.asarray(xx - 2 * curve * xm + curve**2 * mm)


def _running(when: Array, days: Array, values: Sequence[Array]) -> Array:
    """Sum each array of values over those with ``when`` at or before each day."""
    order = np.argsort(when)
    place = np.searchsorted(when[order], days, side="right")
    return np.array([np.concatenate([[0.0], np.cumsum(v[order])])[place] for v in values])
