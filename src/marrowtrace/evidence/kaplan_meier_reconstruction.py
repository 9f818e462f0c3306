r"""Patient-level data from a digitised Kaplan-Meier curve (Guyot et al. 2012).

A published curve is read off as points (time, survival); below it stand numbers at risk at a few
times. Guyot, Ades, Ouwens and Welton 2012 (BMC Med. Res. Methodol. 12:9) invert the Kaplan-Meier
equations: within each interval of the risk table, so many censorings are spread evenly that the
number at risk at its end is the printed one, and at each point
:math:`d = \mathrm{round}\{n(1 - S/\hat S)\}` events fall, :math:`\hat S` being the reconstructed
curve at the event before. After the last printed number the censorings are chosen to meet the total
number of events where it is printed; otherwise they go on at the rate seen so far.

What comes out is *a* set of patients that draws the same curve. It is labelled reconstructed: it
serves for hazard ratios, medians and re-pooling, never as the trial's own data. Guyot et al. find
hazard ratios reliable only where numbers at risk or the total number of events are printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import optimize

from marrowtrace.errors import EvidenceError, ProblemList
from marrowtrace.evidence.heterogeneity import Floats
from marrowtrace.evidence.plain_values import PlainValue, plain_fields

Ints = npt.NDArray[np.int64]
OUT_OF_RANGE = 0.02
"""Survival read as up to this much below 0 or above 1 is taken for a slip of the hand (assumed)."""


@dataclass(frozen=True, eq=False)
class ReconstructedArm:
    """One arm of a trial, reconstructed.

    Parameters
    ----------
    times : ndarray, shape (patients,)
        In the unit of the curve, sorted.
    events : ndarray of int, shape (patients,)
        1 event, 0 censored.
    curve_times, curve_survival, curve_fitted : ndarray, shape (points,)
        The points after repair, and the reconstructed curve there.
    risk_times : ndarray, shape (intervals,)
    at_risk_printed, at_risk_found : ndarray of int, shape (intervals,)
    total_events_printed : int or None
    largest_gap : float
        Largest distance between the curve and its reconstruction.
    notes : tuple of str
        Every repair and every printed figure that could not be met.
    """

    times: Floats
    events: Ints
    curve_times: Floats
    curve_survival: Floats
    curve_fitted: Floats
    risk_times: Floats
    at_risk_printed: Ints
    at_risk_found: Ints
    total_events_printed: int | None
    largest_gap: float
    notes: tuple[str, ...]

    @property
    def total_events(self) -> int:
        """Number of reconstructed events."""
        return int(self.events.sum())

    @property
    def median(self) -> float:
        """Median survival of the reconstruction, NaN where the curve stays above one half."""
        below = np.flatnonzero(self.curve_fitted <= 0.5)
        return float(self.curve_times[below[0]]) if below.size else math.nan

    def table(self) -> pl.DataFrame:
        """Return one row for each reconstructed patient: time and event."""
        return pl.DataFrame({"time": self.times, "event": self.events})

    def risk_table(self) -> pl.DataFrame:
        """Return the numbers at risk, as printed and as reconstructed."""
        return pl.DataFrame(
            {
                "time": self.risk_times,
                "printed": self.at_risk_printed,
                "reconstructed": self.at_risk_found,
            }
        )

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True, eq=False)
class _Stretch:
    """One interval of the risk table, filled with a given number of censorings."""

    deaths: Ints  # at each point of the interval
    fitted: Floats  # reconstructed curve at each point
    losses: Floats  # times of the censorings
    left: int  # at risk at the end of the interval


def reconstruct_arm(
    times: npt.ArrayLike,
    survival: npt.ArrayLike,
    *,
    risk_times: Sequence[float],
    at_risk: Sequence[int],
    total_events: int | None = None,
) -> ReconstructedArm:
    """Reconstruct the patients of one arm from its drawn curve.

    Parameters
    ----------
    times, survival : array_like, shape (points,)
        Points read off the curve, survival as a share of 1. Order, a missing start at (0, 1) and
        points that rise are mended, and the result says so.
    risk_times : sequence of float
        Times of the risk table, from 0, increasing, in the unit of ``times``.
    at_risk : sequence of int
        Numbers printed there.
    total_events : int, optional
        Events of the arm over the whole curve, if printed.

    Returns
    -------
    ReconstructedArm

    Raises
    ------
    EvidenceError
        If an input is impossible; all that is wrong is listed.
    """
    t, s, notes = _mend_curve(times, survival)
    risk_t, risk_n = _check_risk_table(risk_times, at_risk, total_events)
    t, s = _with_risk_times(t, s, risk_t)
    edges = np.append(np.searchsorted(t, risk_t), t.size)
    stretches: list[_Stretch] = []
    found = [int(risk_n[0])]
    curve = 1.0
    for i in range(risk_t.size - 1):
        part = slice(int(edges[i]), int(edges[i + 1]))
        target, end, start = int(risk_n[i + 1]), float(risk_t[i + 1]), (found[-1], curve)
        stretch = _search(
            partial(_fill, t[part], s[part], end, start),
            partial(_left_over, target=target),
            start[0],
        )
        stretches.append(stretch)
        curve = float(stretch.fitted[-1])
        found.append(stretch.left)
        if stretch.left != target:
            notes.append(
                f"{target} at risk are printed at {end:g}; the curve allows {stretch.left}"
            )
    last = slice(int(edges[-2]), None)
    stretch, unmet = _last_stretch(t[last], s[last], (found[-1], curve), stretches, total_events)
    stretches.append(stretch)
    patient_times, events = _assemble(t, stretches, float(t[-1]))
    fitted = np.concatenate([part.fitted for part in stretches])
    return ReconstructedArm(
        times=patient_times,
        events=events,
        curve_times=t,
        curve_survival=s,
        curve_fitted=fitted,
        risk_times=risk_t,
        at_risk_printed=risk_n,
        at_risk_found=np.array(found, dtype=np.int64),
        total_events_printed=total_events,
        largest_gap=float(np.max(np.abs(fitted - s))),
        notes=tuple(notes + unmet),
    )


def _left_over(stretch: _Stretch, *, target: int) -> int:
    """How many more are at risk at the end of an interval than should be."""
    return stretch.left - target


def _mend_curve(times: npt.ArrayLike, survival: npt.ArrayLike) -> tuple[Floats, Floats, list[str]]:
    """Sorted, falling points from (0, 1) on, and what had to be mended."""
    t = np.atleast_1d(np.asarray(times, dtype=np.float64))
    s = np.atleast_1d(np.asarray(survival, dtype=np.float64))
    if t.ndim != 1 or t.shape != s.shape or t.size < 2:
        raise EvidenceError(
            f"{t.size} times and {s.size} survival values; give at least 2 points, one of each"
        )
    problems = ProblemList()
    for i in np.flatnonzero(~(np.isfinite(t) & (t >= 0))):
        problems.add(f"times[{i}]", f"{t[i]} is not a time of 0 or more")
    if np.isfinite(s).all() and s.max() > 1.5:
        problems.add("survival", f"values up to {s.max():g} look like per cent; divide them by 100")
    else:
        for i in np.flatnonzero(~((s >= -OUT_OF_RANGE) & (s <= 1 + OUT_OF_RANGE))):
            problems.add(f"survival[{i}]", f"{s[i]} is outside 0 to 1")
    problems.raise_any(EvidenceError, "the digitised curve")
    notes: list[str] = []
    outside = int(np.sum((s < 0) | (s > 1)))
    if outside:
        notes.append(f"{outside} point(s) just outside 0 to 1 were moved to the edge")
        s = np.clip(s, 0, 1)
    if np.any(np.diff(t) < 0):
        notes.append("points were sorted by time")
        order = np.argsort(t, kind="stable")
        t, s = t[order], s[order]
    if t[0] > 0:
        t, s = np.append(0.0, t), np.append(1.0, s)
    elif s[0] < 1:
        notes.append(f"survival at time 0 was read as {s[0]:g} and set to 1")
        s = s.copy()
        s[0] = 1.0
    rising = int(np.sum(np.diff(s) > 0))
    if rising:
        level = np.asarray(optimize.isotonic_regression(s, increasing=False).x, dtype=np.float64)
        notes.append(
            f"{rising} point(s) rise above the one before; the curve was levelled, by at most "
            f"{np.max(np.abs(level - s)):.3g}"
        )
        s = level
        s[0] = 1.0
    return t, s, notes


def _check_risk_table(
    risk_times: Sequence[float], at_risk: Sequence[int], total_events: int | None
) -> tuple[Floats, Ints]:
    """The risk table as arrays, or all that is wrong with it."""
    t = np.asarray(risk_times, dtype=np.float64)
    n = np.asarray(at_risk, dtype=np.float64)
    if t.ndim != 1 or t.shape != n.shape or t.size == 0:
        raise EvidenceError(
            f"{t.size} risk times and {n.size} numbers at risk; give one of each, from time 0 on"
        )
    problems = ProblemList()
    if t[0] != 0:
        problems.add("risk_times", f"the first is {t[0]:g}; the table must start at 0")
    if np.any(~np.isfinite(t)) or np.any(np.diff(t) <= 0):
        problems.add("risk_times", "must be finite and increase")
    if np.any(n != np.round(n)) or np.any(n < 0) or n[0] < 1:
        problems.add("at_risk", "must be whole numbers of 0 or more, the first 1 or more")
    for i in np.flatnonzero(np.diff(n) > 0):
        problems.add(f"at_risk[{i + 1}]", f"{n[i + 1]:g} is more than the {n[i]:g} before it")
    if total_events is not None and not 0 <= total_events <= n[0]:
        problems.add("total_events", f"{total_events} is outside 0 to {n[0]:g}, the patients at 0")
    problems.raise_any(EvidenceError, "the risk table")
    return t, n.astype(np.int64)


def _with_risk_times(t: Floats, s: Floats, risk_t: Floats) -> tuple[Floats, Floats]:
    """The curve with a point at every risk time, at the level reached by then."""
    missing = risk_t[~np.isin(risk_t, t)]
    level = s[np.searchsorted(t, missing, side="right") - 1]
    t, s = np.append(t, missing), np.append(s, level)
    order = np.argsort(t, kind="stable")
    return t[order], s[order]


def _fill(t: Floats, s: Floats, end: float, start: tuple[int, float], losses: int) -> _Stretch:
    """Go through one interval from (at risk, curve) with ``losses`` censorings spread evenly."""
    n, curve = start
    when = t[0] + (end - t[0]) * np.arange(1, losses + 1) / (losses + 1)
    gone = np.histogram(when, bins=np.append(t, end))[0].astype(np.int64)
    deaths = np.zeros(t.size, dtype=np.int64)
    fitted = np.empty(t.size)
    for k in range(t.size):
        if n > 0 and curve > 0:
            deaths[k] = min(n, max(0, round(n * (1 - float(s[k]) / curve))))
            curve *= 1 - int(deaths[k]) / n
        fitted[k] = curve
        n -= int(deaths[k])
        gone[k] = min(int(gone[k]), n)
        n -= int(gone[k])
    return _Stretch(deaths, fitted, when[: int(gone.sum())], n)


def _search(
    fill: Callable[[int], _Stretch], excess: Callable[[_Stretch], int], most: int
) -> _Stretch:
    """The fill whose ``excess``, which falls with the censorings, is nearest to 0."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        if excess(fill(middle)) > 0:
            low = middle + 1
        else:
            high = middle
    # rounding makes the excess bumpy, so the neighbours are looked at too
    near = [fill(c) for c in range(max(0, low - 3), min(most, low + 3) + 1)]
    return min(near, key=lambda stretch: abs(excess(stretch)))


def _last_stretch(
    t: Floats,
    s: Floats,
    start: tuple[int, float],
    before: list[_Stretch],
    total_events: int | None,
) -> tuple[_Stretch, list[str]]:
    """The part after the last printed number at risk, and what could not be met."""
    end = float(t[-1])

    def fill(losses: int) -> _Stretch:
        return _fill(t, s, end, start, losses)

    if total_events is not None:
        so_far = sum(int(stretch.deaths.sum()) for stretch in before)
        wanted = total_events - so_far
        stretch = _search(fill, lambda x: int(x.deaths.sum()) - wanted, start[0])
        total = so_far + int(stretch.deaths.sum())
        notes = []
        if total != total_events:
            notes.append(f"{total_events} events are printed; the curve allows {total}")
        if not before:
            notes.append(
                "no numbers at risk after time 0: censoring is spread evenly, and a hazard ratio "
                "is off where it was not"
            )
        return stretch, notes
    if not before:
        return fill(0), [
            "neither later numbers at risk nor the total of events are given: censoring is put at "
            "the end of the curve, and a hazard ratio from it is not reliable"
        ]
    rate = sum(stretch.losses.size for stretch in before) / float(t[0])
    return fill(min(start[0], round(rate * (end - float(t[0]))))), []


def _assemble(t: Floats, stretches: list[_Stretch], end: float) -> tuple[Floats, Ints]:
    """Times and events of all patients, sorted; those left at the end are censored there."""
    deaths = np.concatenate([stretch.deaths for stretch in stretches])
    lost = np.concatenate([stretch.losses for stretch in stretches])
    died = np.repeat(t, deaths)
    times = np.concatenate([died, lost, np.full(stretches[-1].left, end)])
    events = np.zeros(times.size, dtype=np.int64)
    events[: died.size] = 1
    order = np.lexsort((1 - events, times))
    return times[order], events[order]
