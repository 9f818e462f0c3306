"""Cumulative incidence of a study's endpoints, by arm and by marker, with competing risks.

Curves are Aalen-Johansen estimates (`marrowtrace.survival.competing_risks`). A marker is used from
its own sampling on: patients who gave the sample and were at risk then, on a clock that starts
there. Groups are compared by Gray's test, or where that would take long, by the log-rank test of
the cause-specific hazard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import plain
from marrowtrace.study.sampled_marker import SampledMarker
from marrowtrace.survival.competing_risks import cumulative_incidence
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel

MARKS = (2.0, 5.0, 10.0, 15.0, 20.0)
"""Years at which incidences are given in numbers."""
POINTS = 160
"""Points kept of a curve for drawing."""
AT_RISK = 10
"""Patients who must be at risk for a curve to be drawn on."""
GRAY_LIMIT = 200_000
"""Patients above whom the log-rank test stands in for Gray's."""


def recurrence_by_arm(
    panel: Panel,
    endpoint: str,
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
    *,
    start: NDArray[np.float64] | None = None,
    paired: bool = False,
) -> dict[str, Any]:
    """Estimate an endpoint's cumulative incidence in each arm.

    Parameters
    ----------
    panel : Panel
    endpoint : str
    groups : sequence of (name, mask of shape (n,))
    start : ndarray of float, shape (n,), optional
        Day from which each patient's time counts, such as that of surgery; the index event if left
        out. Whose time is not after it is not at risk.
    paired : bool
        The same patients are in every group, so no test of independent groups is made.

    Returns
    -------
    dict
        As `incidences`.
    """
    time, code = panel.follow_up[endpoint]
    since = time if start is None else time - start
    usable = np.isfinite(since) & (since > 0)
    chosen = [(name, members & usable) for name, members in groups]
    clock = "index" if start is None else "surgery"
    found = incidences(since, code, chosen, paired=paired)
    return {"endpoint": endpoint, "clock": clock, **found}


def recurrence_by_marker(
    panel: Panel,
    endpoint: str,
    marker: SampledMarker,
    *,
    members: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """Estimate an endpoint's cumulative incidence in positive and negative patients.

    Parameters
    ----------
    panel : Panel
    endpoint : str
    marker : SampledMarker
    members : ndarray of bool, shape (n,), optional
        Patients that take part; all if left out.

    Returns
    -------
    dict
        As `incidences`; time counts from the sampling.
    """
    time, code = panel.follow_up[endpoint]
    since = time - panel.sampled[marker.visit]
    usable = np.isfinite(since) & (since > 0) & (True if members is None else members)
    verdict = marker.positive(panel)
    groups = [("positive", usable & (verdict == 1)), ("negative", usable & (verdict == 0))]
    return {
        "endpoint": endpoint,
        "clock": "sampling",
        "visit": marker.visit,
        "assay": marker.assay,
        "cell_class": marker.cell_class,
        "phase": marker.phase,
        **incidences(since, code, groups),
    }


def incidences(
    time: NDArray[np.float64],
    code: NDArray[np.int8],
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
    *,
    paired: bool = False,
) -> dict[str, Any]:
    """Estimate and compare cumulative incidences of event 1.

    Parameters
    ----------
    time : ndarray of float, shape (n,)
        Days.
    code : ndarray of int, shape (n,)
    groups : sequence of (name, mask of shape (n,))
    paired : bool

    Returns
    -------
    dict
        ``curves``, one a group (``group``, ``patients``, ``events``, ``competing``, ``at`` the
        years of `MARKS` within follow-up, and ``curve`` with ``year``, ``incidence``, ``low``,
        ``high``), and ``test`` (``name``, ``p``, or null with the reason under ``remark``).
    """
    curves = [_curve(name, time[mask], code[mask]) for name, mask in groups]
    if paired and len(groups) > 1:
        remark = "the same patients are in every arm, so independent groups are not compared"
        return {"curves": curves, "test": {"name": None, "p": None, "remark": remark}}
    return {"curves": curves, "test": _test(time, code, groups)}


def _curve(name: str, time: NDArray[np.float64], code: NDArray[np.int8]) -> dict[str, Any]:
    """One group's curve, thinned for drawing."""
    row: dict[str, Any] = {
        "group": name,
        "patients": int(time.size),
        "events": int((code == 1).sum()),
        "competing": int((code >= 2).sum()),
    }
    last = float(time.max()) / DAYS_PER_YEAR if time.size else 0.0
    marks = [year for year in MARKS if year <= last * (1 + 1e-9)]
    if not row["events"]:
        flat = [0.0, last] if time.size else []
        zero = [0.0 for _ in flat]
        row["at"] = [{"year": y, "incidence": 0.0, "low": None, "high": None} for y in marks]
        row["curve"] = {"year": flat, "incidence": zero, "low": zero, "high": zero}
        return row
    found = cumulative_incidence(time, code)
    row["at"] = [
        {"year": year, **dict(zip(("incidence", "low", "high"), map(plain, at), strict=True))}
        for year, at in ((year, found.at(year * DAYS_PER_YEAR)) for year in marks)
    ]
    place = found.causes.index(1)
    ordered = np.sort(time)
    drawn = float(ordered[-min(AT_RISK, ordered.size)])
    grid = np.linspace(0.0, drawn, POINTS)
    index = np.searchsorted(found.time, grid, side="right") - 1
    columns = {
        word: np.where(index < 0, 0.0, values[place][np.maximum(index, 0)])
        for word, values in (
            ("incidence", found.incidence), ("low", found.low), ("high", found.high),
        )
    }  # fmt: skip
    row["curve"] = {"year": plain(np.round(grid / DAYS_PER_YEAR, 4))} | {
        word: plain(np.round(np.nan_to_num(values), 6)) for word, values in columns.items()
    }
    return row


def _test(
    time: NDArray[np.float64],
    code: NDArray[np.int8],
    groups: Sequence[tuple[str, NDArray[np.bool_]]],
) -> dict[str, Any]:
    """Compare the groups, or say why that cannot be done."""
    from marrowtrace.survival.gray import gray_test
    from marrowtrace.survival.log_rank import log_rank_test

    filled = [(name, mask) for name, mask in groups if mask.any()]
    if len(filled) < 2:
        return {"name": None, "p": None, "remark": "there is one group alone"}
    rows = np.concatenate([np.flatnonzero(mask) for _, mask in filled])
    label = np.repeat(np.arange(len(filled)), [int(mask.sum()) for _, mask in filled])
    try:
        if rows.size > GRAY_LIMIT:
            p = log_rank_test(time[rows], code[rows] == 1, group=label).p
            return {"name": "log-rank", "p": plain(p), "remark": ""}
        return {
            "name": "Gray",
            "p": plain(gray_test(time[rows], code[rows], group=label).p),
            "remark": "",
        }
    except CohortError as error:
        return {"name": None, "p": None, "remark": str(error)}
