"""Markers before and after therapy against outcome: the review's Table 2, made from a study.

For each marker and endpoint three clocks are set beside each other. *Landmark* starts at the
sampling, with those who gave the sample and were still at risk: what the result means on the day it
is known. *Naive* starts at entry with the same patients, so each is credited with the time up to
the sample that all of them had to survive (immortal time). *Never sampled as negative* starts at
entry with everyone and counts whoever gave no sample, because of an early relapse or death, as
negative. The last two are there to be seen through. Hazard ratios are those of a Cox model with
Efron's ties, p-values those of the log-rank test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import plain
from marrowtrace.study.sampled_marker import SampledMarker
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.catalog import Description
    from marrowtrace.study.panel import Panel

_PRINTED = {"death": "OS", "disease_free": "DFS", "relapse": "DFS", "distant_relapse": "DFS"}
FEW_EVENTS = 10
"""Events below which a comparison carries a remark."""
AFTER = 5.0
"""Years after the start of the clock at which freedom from the event is given."""


def marker_rows(
    panel: Panel,
    markers: Sequence[SampledMarker],
    endpoints: Sequence[str],
    *,
    strata: NDArray[np.int64] | None = None,
    members: NDArray[np.bool_] | None = None,
) -> list[dict[str, Any]]:
    """Compare positive with negative patients for each marker, endpoint and clock.

    Parameters
    ----------
    panel : Panel
    markers : sequence of SampledMarker
    endpoints : sequence of str
        Names of follow-up; a competing event ends the time at risk.
    strata : ndarray of int, shape (n,), optional
        Arms, each with its own baseline hazard.
    members : ndarray of bool, shape (n,), optional
        Patients that take part; all if left out.

    Returns
    -------
    list of dict
        One row a marker and endpoint (of a sample at relapse only what can still come):
        ``marker`` and its parts, ``endpoint``, ``landmark`` and,
        where the marker was measured after entry, ``naive`` and ``never_sampled_as_negative``,
        each as `compare` gives it, and ``immortal_years`` (median time from entry to sampling).
    """
    rows = []
    chosen = np.ones(panel.patients.height, dtype=bool) if members is None else members
    for marker in markers:
        verdict, day = marker.positive(panel), panel.sampled[marker.visit]
        for endpoint in endpoints:
            time, code = panel.follow_up[endpoint]
            event, since = code == 1, time - day
            known = chosen & (verdict >= 0) & np.isfinite(since) & (since > 0)
            positive = verdict == 1
            row: dict[str, Any] = {
                "marker": marker.label,
                "visit": marker.visit,
                "day": plain(marker.day),
                "phase": marker.phase,
                "assay": marker.assay,
                "cell_class": marker.cell_class,
                "endpoint": endpoint,
                "landmark": compare(since, event, positive, known, strata),
                "naive": None,
                "never_sampled_as_negative": None,
                "immortal_years": 0.0,
            }
            at_relapse = not np.isfinite(marker.day)
            if at_relapse and not known.any():
                continue
            if not at_relapse and known.any() and float(np.median(day[known])) > 0:
                followed = chosen & np.isfinite(time) & (time > 0)
                row["naive"] = compare(time, event, positive, known, strata)
                row["never_sampled_as_negative"] = compare(time, event, positive, followed, strata)
                row["immortal_years"] = float(np.median(day[known])) / DAYS_PER_YEAR
            rows.append(row)
    return rows


def compare(
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    known: NDArray[np.bool_],
    strata: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    """Compare positive with negative patients.

    Parameters
    ----------
    time : ndarray of float, shape (n,)
        Days from the start of the clock.
    event, positive, known : ndarray of bool, shape (n,)
        Only the rows ``known`` are used.
    strata : ndarray of int, shape (n,), optional

    Returns
    -------
    dict
        ``patients``, ``positives``, ``events``, ``events_positive``, ``hr`` with ``low`` and
        ``high``, ``p``, ``penalised`` (Firth's penalty, where one group had no event),
        ``free_positive`` and ``free_negative`` (Kaplan-Meier, 5 years from the start of the clock),
        ``remark`` (why something is null, or that events are few).
    """
    t, e, x = time[known], event[known], positive[known]
    row: dict[str, Any] = {
        "patients": int(t.size),
        "positives": int(x.sum()),
        "events": int(e.sum()),
        "events_positive": int((e & x).sum()),
        "hr": None,
        "low": None,
        "high": None,
        "p": None,
        "penalised": False,
        "free_positive": _free(t[x], e[x]),
        "free_negative": _free(t[~x], e[~x]),
        "remark": "",
    }
    reason = _cannot(row)
    if reason:
        return row | {"remark": reason}
    from marrowtrace.survival.cox import cox_regression
    from marrowtrace.survival.log_rank import log_rank_test

    blocks = None if strata is None else strata[known]
    try:
        fit = cox_regression(t, e, covariates={"positive": x.astype(np.float64)}, strata=blocks)
        table = fit.table().row(0, named=True)
        row |= {"hr": table["hazard_ratio"], "low": table["low"], "high": table["high"]}
        row["penalised"] = fit.penalised
        row["p"] = log_rank_test(t, e, group=x, strata=blocks).p
    except CohortError as error:
        row["remark"] = str(error)
    if row["events"] < FEW_EVENTS and not row["remark"]:
        row["remark"] = f"{row['events']} events only: read the interval, not the ratio"
    return {key: plain(value) for key, value in row.items()}


def _cannot(row: dict[str, Any]) -> str:
    """Why there is no hazard ratio; empty where there may be one."""
    if not row["patients"]:
        return "nobody gave a sample and was at risk"
    if row["positives"] in (0, row["patients"]):
        who = "nobody" if row["positives"] == 0 else "everybody"
        return f"{who} was positive, so there is nothing to compare"
    return "" if row["events"] else "nobody had the event"


def _free(time: NDArray[np.float64], event: NDArray[np.bool_]) -> float | None:
    """Share free of the event after `AFTER` years; None where follow-up is shorter."""
    from marrowtrace.survival.kaplan_meier import kaplan_meier

    day = AFTER * DAYS_PER_YEAR
    if not time.size or float(time.max()) < day:
        return None
    value = plain(kaplan_meier(time, event).at(day)[0])
    return None if value is None else float(value)  # type: ignore[arg-type]


def printed_effects(about: Description, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the review's Table 2 prints for the same cells, cancer and stage.

    Parameters
    ----------
    about : Description
        Cancer and stage of the parameter set.
    rows : sequence of dict
        As `marker_rows` gives them; printed rows on cells or endpoints not among them are left out.

    Returns
    -------
    list of dict
        ``row``, ``paper``, ``citation``, ``cell_class``, ``phase``, ``endpoint``, ``stage``,
        ``patients``, ``p`` and ``hr`` as printed, corrections applied.
    """
    from marrowtrace.evidence.tables import TABLE_2, bundled

    tables = bundled()
    wanted = {(row["cell_class"], _PRINTED.get(row["endpoint"], "")) for row in rows}
    found = []
    for entry in tables.effects:
        effect = entry.corrected()
        word = "DFS" if effect.endpoint in ("DFS", "PFS", "PSA-PFS", "RFS") else effect.endpoint
        if effect.source != TABLE_2 or effect.cancer != about.cancer:
            continue
        if (effect.analyte, word) not in wanted or not _same_stage(effect.stage, about.stage):
            continue
        found.append(
            {
                "row": effect.row,
                "paper": tables.label(effect.study),
                "citation": effect.study,
                "cell_class": effect.analyte,
                "phase": effect.phase,
                "endpoint": effect.endpoint,
                "stage": effect.stage,
                "patients": effect.n,
                "p": effect.p,
                "hr": effect.hr,
            }
        )
    return found


def _same_stage(printed: str, ours: str) -> bool:
    """Whether a printed row is about the stage of the study; metastatic and earlier do not mix."""
    return (printed == "metastatic") == ours.startswith("metastatic")
