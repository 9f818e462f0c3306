"""The course of one simulated patient: tumour, dormant cells, blood and lesions over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from marrowtrace.plotting.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    house_style,
    new_axes,
)
from marrowtrace.simulation import AGENTS, PatientHistory
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKS = {
    "lesion established": ("^", GREEN),
    "escape by mutation": ("P", PURPLE),
    "escape by environment": ("P", ORANGE),
    "lesion detected": ("*", VERMILION),
    "lesion eliminated": ("x", GREY),
}


def patient_life(result: PatientHistory, *, ax: Axes | None = None) -> Axes:
    """Draw one patient's cells over time, on a logarithmic scale.

    Parameters
    ----------
    result : PatientHistory
        From `marrowtrace.simulation.replay`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; new ones if left out.

    Returns
    -------
    matplotlib.axes.Axes
        Years from diagnosis across, cells up. Vertical lines are surgery (solid) and the starts
        of therapies (dotted), symbols at the foot what befell the lesions.
    """
    course = result.trajectory
    days = course["day"].to_numpy()
    when, largest = largest_lesion(result)
    marrow = (course["perivascular"] + course["endosteal"]).to_numpy()
    curves = (
        ("primary tumour", days, np.exp(course["log_primary_size"].to_numpy()), BLACK, "-"),
        ("largest lesion", when, np.exp(largest), VERMILION, "-"),
        ("dormant in marrow", days, marrow, BLUE, "-"),
        ("dormant in viscera", days, course["visceral"].to_numpy(), GREEN, "--"),
        ("in the blood (mean)", days, course["ctc"].to_numpy(), ORANGE, "-."),
    )
    with house_style():
        axes = new_axes(width=7.0, height=4.2) if ax is None else ax
        for label, at, cells, colour, dash in curves:
            shown = np.where(cells >= 1.0, cells, np.nan)
            if np.isfinite(shown).any():
                axes.plot(at / DAYS_PER_YEAR, shown, dash, color=colour, label=label)
        axes.set_yscale("log")
        axes.set_ylim(0.3, 1e13)
        _draw_events(axes, result)
        axes.set_xlabel("Years from diagnosis")
        axes.set_ylabel("Cells")
        axes.set_title(f"Patient {result.patient}: {_ending(result)}")
        axes.legend(loc="upper right", ncols=2)
    return axes


def largest_lesion(result: PatientHistory) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the log size of the largest lesion over time, with the sizes known at its events.

    The course has a point a step, and steps may be years apart; that a lesion is founded from one
    cell, leaves restriction at its restricted size and is detected at its detection size gives the
    points between.

    Returns
    -------
    days, log_sizes : ndarray of float64, shape (n,)
        Days ascending, twice where the size falls; minus infinity where there is no lesion.
    """
    values = result.record.scenario.parameters
    restricted = float(np.log(values["restricted_size"].canonical))
    known = {
        "lesion established": 0.0,
        "lesion is restricted": restricted,
        "escape by mutation": restricted,
        "escape by environment": restricted,
        "lesion eliminated": restricted,
        "lesion detected": float(np.log(values["detection_size"].canonical)),
    }
    days = result.trajectory["day"].to_numpy()
    sizes = result.trajectory["log_largest_lesion"].to_numpy()
    points = [(float(day), 0, float(size)) for day, size in zip(days, sizes, strict=True)]
    for day, event in result.events.select("day", "event").iter_rows():
        if event not in known or not days[0] < day < days[-1] or day in days:
            continue
        after = int(np.searchsorted(days, day))
        left, right = float(sizes[after - 1]), float(sizes[after])
        between = -np.inf
        if np.isfinite(left) and np.isfinite(right):
            part = (day - days[after - 1]) / (days[after] - days[after - 1])
            between = left + part * (right - left)
        if event == "lesion eliminated":
            falls = right < known[event]
            points.append((day, 0, known[event] if falls else max(known[event], between)))
            if falls:
                points.append((day, 1, right))
        else:
            points.append((day, 0, max(known[event], between)))
    points.sort()
    return np.array([p[0] for p in points]), np.array([p[2] for p in points])


def _draw_events(axes: Axes, result: PatientHistory) -> None:
    """Mark surgery, therapies and what befell the lesions."""
    for day, event, value in result.events.select("day", "event", "value").iter_rows():
        year = day / DAYS_PER_YEAR
        if event == "surgery":
            axes.axvline(year, color=GREY, linewidth=1.0)
        elif event == "therapy starts":
            axes.axvline(year, color=GREY, linewidth=0.8, linestyle=":")
            name = AGENTS[int(value)].replace("_", " ")
            axes.annotate(name, (year, 4e12), rotation=90, fontsize=6, va="top", ha="right")
    for event, (marker, colour) in _MARKS.items():
        days = result.events.filter(result.events["event"] == event)["day"].to_numpy()
        if days.size:
            axes.plot(
                days / DAYS_PER_YEAR,
                np.full(days.size, 0.5),
                marker,
                color=colour,
                markersize=5,
                linestyle="none",
                label=event,
            )


def _ending(result: PatientHistory) -> str:
    """What became of the patient, in words."""
    row = result.record.patient_table().row(0, named=True)
    relapse = row["distant_relapse"]
    first = "no distant relapse"
    if relapse is not None:
        first = f"distant relapse ({row['relapse_site']}) at {relapse / DAYS_PER_YEAR:.1f} years"
        if relapse == 0.0:
            first = f"metastatic at diagnosis ({row['relapse_site']})"
    if row["death"] is None:
        return f"{first}, alive at {row['end'] / DAYS_PER_YEAR:.1f} years"
    cause = "the cancer" if row["death_cause"] == "cancer" else row["death_cause"]
    return f"{first}, dead of {cause} at {row['death'] / DAYS_PER_YEAR:.1f} years"
