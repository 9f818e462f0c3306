"""A few patients lived again in detail, chosen by stated rules, with what their samples showed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import MarrowtraceError
from marrowtrace.evidence.plain_values import plain
from marrowtrace.study.sampled_marker import SampledMarker
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.simulation import PatientHistory, Scenario
    from marrowtrace.study.panel import Panel

POINTS = 400
"""Points kept of a course."""
BEFORE = 3.0
"""Years before day 0 from which a course is kept."""
EARLY, LATE = 3.0, 10.0
"""Years: what counts as an early relapse, and as staying free of one."""
REST = 1.0
"""Years in marrow from which a cell counts as having rested there."""
MOST_EVENTS = 200
CURVES = ("primary", "lesion", "marrow", "viscera", "blood")
_KEPT = (
    "surgery",
    "lesion established",
    "lesion detected",
    "lesion eliminated",
    "escape by mutation",
    "escape by environment",
    "death of cancer",
    "death of other causes",
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A patient to replay, and why.

    Parameters
    ----------
    row : int
        Row in the panel.
    title, rule : str
    """

    row: int
    title: str
    rule: str


def choose_lives(
    panel: Panel,
    markers: Sequence[SampledMarker],
    *,
    wanted: int = 3,
    members: NDArray[np.bool_] | None = None,
) -> list[Chosen]:
    """Choose patients by rules, the lowest number that fits each.

    Parameters
    ----------
    panel : Panel
    markers : sequence of SampledMarker
        In order of their days; the first marrow one says who carried cells, else the first.
    wanted : int
    members : ndarray of bool, shape (n,), optional
        Patients to choose from; all if left out.

    Returns
    -------
    list of Chosen
        At most ``wanted``; a rule that nobody fits is passed over.
    """
    chosen = np.ones(len(panel), dtype=bool) if members is None else members
    rested = _rested_in_marrow(panel)
    found_on = panel.truth["detected"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    name = next((n for n in ("distant_relapse", "relapse") if n in panel.follow_up), "")
    last, code = panel.follow_up[name or "death"]
    happened = code == 1
    sampled = [m for m in markers if m.cell_class == "DTC"] or list(markers)
    carrier = sampled[0].positive(panel) == 1 if sampled else np.zeros(len(panel), dtype=bool)
    what = sampled[0].label if sampled else "cells"
    event = "a distant relapse" if name else "death"
    late = min(LATE, 0.75 * float(np.nanmax(last, initial=0.0)) / DAYS_PER_YEAR)
    seen = happened if name else np.isfinite(found_on)
    rules = [
        (
            seen & rested & carrier & (last >= EARLY * DAYS_PER_YEAR),
            "A relapse from the marrow reservoir",
            f"positive for {what}; {event} after {EARLY:g} years or later, from a cell that had "
            f"rested in marrow for {REST:g} year or more",
        ),
        (
            carrier & ~happened & (last >= late * DAYS_PER_YEAR),
            "Cells in the sample, yet no event",
            f"positive for {what}, followed for {late:.3g} years or more without {event}",
        ),
        (
            happened & (last > 0) & (last <= EARLY * DAYS_PER_YEAR),
            "An early event",
            f"{event} within {EARLY:g} years",
        ),
        (seen & rested, "A relapse from the marrow reservoir", "from a cell that rested in marrow"),
        (happened, "A later event", f"{event} at any time"),
        (~happened & (last > 0), "No event", f"followed without {event}"),
    ]
    numbers = panel.patients["number"].to_numpy()
    order = np.argsort(numbers, kind="stable")
    found: list[Chosen] = []
    for mask, title, rule in rules:
        free = [int(i) for i in order[(mask & chosen)[order]][: wanted + 1]]
        rows = [i for i in free if i not in {one.row for one in found}]
        if rows and title not in {one.title for one in found} and len(found) < wanted:
            found.append(Chosen(rows[0], title, f"{rule}; the lowest patient number that fits"))
    return found


def _rested_in_marrow(panel: Panel) -> NDArray[np.bool_]:
    """Whose first relapse grew from a cell that had rested in marrow for `REST` years or more."""
    truth = panel.truth
    rested = (truth["relapse_site"] == "bone") | (truth["relapse_origin"] == "marrow reservoir")
    years = (truth["awakened"] - truth["seeded"]).cast(pl.Float64) / DAYS_PER_YEAR
    return (rested & (years >= REST)).fill_null(value=False).to_numpy()


def replay_lives(
    panel: Panel,
    markers: Sequence[SampledMarker],
    chosen: Sequence[Chosen],
    scenario_of: Callable[[int], Scenario],
) -> list[dict[str, Any]]:
    """Simulate patients again in detail.

    Parameters
    ----------
    panel : Panel
    markers : sequence of SampledMarker
    chosen : sequence of Chosen
    scenario_of : callable
        Row of the panel to the scenario that this patient lived, added therapy included.

    Returns
    -------
    list of dict
        One a patient: ``number``, ``arm``, ``title``, ``rule``, ``ending``, ``course`` (``year``
        and cells by `CURVES`, null below one cell), ``therapies`` (with the planned end),
        ``events``, ``samples``; or
        ``remark`` where the replay failed.
    """
    from marrowtrace.simulation import life

    lives = []
    for one in chosen:
        patient = panel.patients.row(one.row, named=True)
        head = {
            "number": int(patient["number"]),
            "patient_id": patient["patient_id"],
            "arm": patient["arm"],
            "age": plain(patient["age"]),
            "title": one.title,
            "rule": one.rule,
            "remark": "",
        }
        try:
            again = life(scenario_of(one.row), panel.protocol.seed, int(patient["number"]))
        except MarrowtraceError as error:
            lives.append({**head, "remark": str(error)})
            continue
        lives.append({**head, **_told(again), "samples": _samples(panel, markers, one.row)})
    return lives


def _told(again: PatientHistory) -> dict[str, Any]:
    """Course, therapies and events of a replay, in years from the day follow-up began."""
    record = again.record.patient_table().row(0, named=True)
    shift = float(record["index_day"] or 0.0)
    years = (again.trajectory["day"].to_numpy() - shift) / DAYS_PER_YEAR
    kept = _thinned(years)
    course: dict[str, Any] = {"year": plain(np.round(years[kept], 4))}
    for name, cells in _cells(again).items():
        shown = cells[kept]
        course[name] = [
            float(f"{v:.4g}") if np.isfinite(v) and v >= 1.0 else None for v in shown.tolist()
        ]
    events = again.events.with_columns((pl.col("day") - shift) / DAYS_PER_YEAR)
    return {
        "course": course,
        "therapies": _therapies(events, again.record.scenario),
        "events": [
            {"year": round(float(day), 4), "event": event, "place": place}
            for day, event, place in events.select("day", "event", "place").iter_rows()
            if event in _KEPT and day >= -BEFORE
        ][:MOST_EVENTS],
        "ending": _ending(record, shift),
    }


def _cells(again: PatientHistory) -> Mapping[str, NDArray[np.float64]]:
    """Cells by compartment along the course."""
    course = again.trajectory
    with np.errstate(over="ignore"):
        return {
            "primary": np.exp(course["log_primary_size"].to_numpy()),
            "lesion": np.exp(course["log_largest_lesion"].to_numpy()),
            "marrow": (course["perivascular"] + course["endosteal"]).to_numpy(),
            "viscera": course["visceral"].to_numpy(),
            "blood": course["ctc"].to_numpy(),
        }


def _thinned(years: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places of at most `POINTS` moments, evenly spread, from shortly before day 0 on."""
    shown = np.flatnonzero(years >= -BEFORE)
    if shown.size <= POINTS:
        return shown
    grid = np.linspace(years[shown[0]], years[shown[-1]], POINTS)
    return np.unique(np.searchsorted(years, grid).clip(0, years.size - 1))


def _therapies(events: pl.DataFrame, scenario: Scenario) -> list[dict[str, Any]]:
    """Therapies taken, with their start and planned end; null for one that goes on."""
    from marrowtrace.simulation import AGENTS

    given = []
    chosen = events.filter(pl.col("event") == "therapy starts")
    for year, value in chosen.select("day", "value").iter_rows():
        agent, start = AGENTS[int(value)], float(year) * DAYS_PER_YEAR
        windows = [one for one in scenario.therapies if one.agent == agent]
        window = min(windows, key=lambda one: abs(one.start - start), default=None)
        lasts = np.inf if window is None else window.duration
        given.append(
            {
                "agent": agent.replace("_", " "),
                "start": round(float(year), 4),
                "stop": plain(round((start + lasts) / DAYS_PER_YEAR, 4)),
            }
        )
    return given


def _samples(panel: Panel, markers: Sequence[SampledMarker], row: int) -> list[dict[str, Any]]:
    """What the samples of one patient showed."""
    found = []
    for marker in markers:
        day = float(panel.sampled[marker.visit][row])
        count, verdict = (int(v[marker.key][row]) for v in (panel.counts, panel.positive))
        if np.isfinite(day) and (count >= 0 or verdict >= 0):
            found.append(
                {
                    "year": round(day / DAYS_PER_YEAR, 4),
                    "visit": marker.visit,
                    "assay": marker.assay,
                    "cell_class": marker.cell_class,
                    "count": count if count >= 0 else None,
                    "positive": bool(verdict == 1),
                }
            )
    return found


def _ending(record: Mapping[str, Any], shift: float) -> str:
    """What became of the patient, in words."""

    def year(day: float) -> str:
        return f"{(day - shift) / DAYS_PER_YEAR:.1f}"

    relapse, death = record["distant_relapse"], record["death"]
    if relapse is None:
        first = "no distant relapse"
    elif relapse - shift <= 0:
        first = f"metastases from the start ({record['relapse_site']})"
    else:
        first = f"distant relapse ({record['relapse_site']}) after {year(relapse)} years"
    if death is None:
        return f"{first}; alive after {year(record['end'])} years"
    cause = "the cancer" if record["death_cause"] == "cancer" else str(record["death_cause"])
    return f"{first}; died of {cause} after {year(death)} years"
