"""The statistic that a published figure names, had from the simulated patients with its interval.

The interval is that of the simulated study alone: exact for shares (Clopper and Pearson) and rates
(Poisson, a ratio of rates by the binomial law given their sum), log-log for cumulative incidences,
Wald's on the logarithm for hazard ratios and for ratios of shares (Katz et al. 1978, Biometrics
34:469-474; remembered).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import CohortError
from marrowtrace.evidence.proportions import exact_interval
from marrowtrace.study.annual_hazard import hazard_rate
from marrowtrace.study.prognosis_tables import compare
from marrowtrace.study.sampled_marker import marker_status
from marrowtrace.study.subgroup import members
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel
    from marrowtrace.study.published import Marker, Statistic

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Value:
    """A statistic of the simulated patients.

    Parameters
    ----------
    value, low, high : float or None
        Estimate with its 95 % interval; None where it cannot be had.
    patients, events : int
        How many it rests on.
    remark : str
        Why there is no value, or what to mind.
    """

    value: float | None
    low: float | None
    high: float | None
    patients: int
    events: int
    remark: str = ""


def evaluate(
    panel: Panel, statistic: Statistic, *, among: NDArray[np.bool_] | None = None
) -> Value:
    """Return a statistic of the simulated patients.

    Parameters
    ----------
    panel : Panel
    statistic : marrowtrace.study.published.Statistic
    among : ndarray of bool, shape (n,), optional
        Patients that take part, beside what the statistic itself selects.
    """
    everybody = np.ones(panel.patients.height, dtype=bool) if among is None else among
    chosen = members(panel, statistic.subgroup) & everybody
    other = members(panel, statistic.reference) & everybody
    try:
        match statistic.kind:
            case "positivity":
                return _share(_status(panel, statistic.marker)[chosen])
            case "persistence":
                before = _status(panel, statistic.before) == 1
                return _share(_status(panel, statistic.marker)[chosen & before])
            case "positivity_ratio":
                status = _status(panel, statistic.marker)
                return _share_ratio(status[chosen], status[other])
            case "share":
                if statistic.column == "screened":
                    return _screened(panel, statistic)
                return _share(_has(panel, statistic)[chosen])
            case "cumulative_incidence" | "kaplan_meier":
                return _incidence(panel, statistic, chosen)
            case "rate":
                return _rate(panel, statistic, chosen)
            case "rate_ratio":
                one, two = _pair(panel, statistic, chosen, other)
                return _rate_ratio(_rate(panel, statistic, one), _rate(panel, statistic, two))
            case "hazard_ratio":
                return _hazard_ratio(panel, statistic, chosen)
    except CohortError as error:
        return Value(None, None, None, int(chosen.sum()), 0, str(error))
    raise AssertionError(f"no statistic of kind {statistic.kind}")


def _status(panel: Panel, marker: Marker | None) -> NDArray[np.int8]:
    assert marker is not None
    return marker_status(panel, marker)


def _share(status: NDArray[np.int8]) -> Value:
    """Share of ones among zeros and ones."""
    positive, total = int((status == 1).sum()), int((status >= 0).sum())
    if not total:
        return Value(None, None, None, 0, 0, "nobody was assayed")
    low, high = exact_interval([positive], [total])
    return Value(positive / total, float(low[0]), float(high[0]), total, positive)


def _share_ratio(one: NDArray[np.int8], two: NDArray[np.int8]) -> Value:
    first, second = _share(one), _share(two)
    patients, events = first.patients + second.patients, first.events + second.events
    if not first.events or not second.events:
        return Value(None, None, None, patients, events, "nobody is positive in one of the groups")
    assert first.value is not None
    assert second.value is not None
    error = math.sqrt(
        1 / first.events - 1 / first.patients + 1 / second.events - 1 / second.patients
    )
    ratio, reach = first.value / second.value, math.exp(_Z * error)
    return Value(ratio, ratio / reach, ratio * reach, patients, events)


def _screened(panel: Panel, statistic: Statistic) -> Value:
    """Share of all simulated patients who were left out for one reason, or enrolled."""
    arms = list(statistic.subgroup.arms) or panel.screened["arm"].unique().to_list()
    rows = panel.screened.filter(panel.screened["arm"].is_in(arms))
    hit = rows.filter(rows["reason"].str.to_lowercase() == statistic.equals.lower())
    positive, total = int(hit["patients"].sum()), int(rows["patients"].sum())
    if not total:
        return Value(None, None, None, 0, 0, "nobody was simulated")
    low, high = exact_interval([positive], [total])
    return Value(positive / total, float(low[0]), float(high[0]), total, positive)


def _has(panel: Panel, statistic: Statistic) -> NDArray[np.int8]:
    """1 where the column has the value sought, 0 where another, -1 where unknown or no event."""
    held = panel.patients if statistic.column in panel.patients.columns else panel.truth
    words = held[statistic.column].cast(pl.String).str.to_lowercase()
    found = (words == statistic.equals.lower()).fill_null(value=False).to_numpy()
    usable = words.is_not_null().to_numpy()
    if statistic.endpoint:
        time, code = panel.follow_up[statistic.endpoint]
        start, stop = _window(statistic)
        usable = usable & (code == 1) & (time > start if start > 0 else time >= 0) & (time <= stop)
    return np.where(usable, found, -1).astype(np.int8)


def _window(statistic: Statistic) -> tuple[float, float]:
    """First and last day of a statistic."""
    start = 0.0 if statistic.from_day is None else statistic.from_day
    return start, math.inf if statistic.day is None else statistic.day


def _incidence(panel: Panel, statistic: Statistic, chosen: NDArray[np.bool_]) -> Value:
    from marrowtrace.survival.competing_risks import cumulative_incidence
    from marrowtrace.survival.kaplan_meier import kaplan_meier

    time, code = panel.follow_up[statistic.endpoint]
    start, stop = _window(statistic)
    rows = chosen & np.isfinite(time) & (time > start)
    since, kind = time[rows] - start, code[rows]
    if not since.size:
        return Value(None, None, None, 0, 0, "nobody was at risk")
    last = float(since.max())
    days = last if math.isinf(stop) else stop - start
    if days > last * (1 + 1e-9):
        remark = f"follow-up ends after {(start + last) / DAYS_PER_YEAR:.1f} years"
        return Value(None, None, None, int(since.size), int((kind == 1).sum()), remark)
    events = int(((kind == 1) & (since <= days)).sum())
    if not events:
        high = float(exact_interval([0], [since.size])[1][0])
        return Value(0.0, 0.0, high, int(since.size), 0)
    if statistic.kind == "kaplan_meier":
        free, low, high = kaplan_meier(since, kind == 1).at(days)
        return Value(1 - free, 1 - high, 1 - low, int(since.size), events)
    value, low, high = cumulative_incidence(since, kind).at(days)
    return Value(value, low, high, int(since.size), events)


def _rate(panel: Panel, statistic: Statistic, chosen: NDArray[np.bool_]) -> Value:
    time, code = panel.follow_up[statistic.endpoint]
    rows = chosen & np.isfinite(time) & (time > 0)
    start, stop = _window(statistic)
    last = float(time[rows].max()) if rows.any() else 0.0
    years = start / DAYS_PER_YEAR, min(stop, last) / DAYS_PER_YEAR
    if years[1] <= years[0]:
        return Value(None, None, None, 0, 0, "nobody was followed so long")
    found = hazard_rate(time[rows], code[rows] == 1, years)
    at_risk = int((rows & (time > start)).sum())
    return Value(found["rate"], found["low"], found["high"], at_risk, found["events"])


def _pair(
    panel: Panel, statistic: Statistic, chosen: NDArray[np.bool_], other: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The two groups of a ratio: two arms, or two subgroups."""
    if not statistic.arms:
        return chosen, other
    arm = panel.patients["arm"].to_numpy()
    return chosen & (arm == statistic.arms[0]), chosen & (arm == statistic.arms[1])


def _rate_ratio(one: Value, two: Value) -> Value:
    patients, events = one.patients + two.patients, one.events + two.events
    if not one.value or not two.value:
        return Value(None, None, None, patients, events, "no events in one of the groups")
    exposure = (one.events / one.value) / (two.events / two.value)
    low, high = exact_interval([one.events], [events])
    odds = [float(p / (1 - p)) / exposure for p in (low[0], high[0])]
    return Value(one.value / two.value, odds[0], odds[1], patients, events)


def _hazard_ratio(panel: Panel, statistic: Statistic, chosen: NDArray[np.bool_]) -> Value:
    time, code = panel.follow_up[statistic.endpoint]
    start, stop = _window(statistic)
    begin = np.full(time.shape, start)
    if statistic.arms:
        arm = panel.patients["arm"].to_numpy()
        one, known = arm == statistic.arms[0], np.isin(arm, statistic.arms)
    else:
        assert statistic.marker is not None
        status = _status(panel, statistic.marker)
        one, known = status == 1, status >= 0
        begin = np.fmax(begin, panel.sampled[statistic.marker.visit])
    rows = chosen & known & np.isfinite(time) & (time > begin)
    event = (code == 1) & (time <= stop)
    found = compare(np.minimum(time, stop) - begin, event, one, rows)
    return Value(
        found["hr"], found["low"], found["high"], found["patients"], found["events"],
        found["remark"],
    )  # fmt: skip
