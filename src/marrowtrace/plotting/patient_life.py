"""The course of one simulated patient: tumour, dormant cells, blood and lesions over the years."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    years = course["day"].to_numpy() / DAYS_PER_YEAR
    curves = (
        ("primary tumour", np.exp(course["log_primary_size"].to_numpy()), BLACK, "-"),
        ("largest lesion", np.exp(course["log_largest_lesion"].to_numpy()), VERMILION, "-"),
        ("dormant in marrow", (course["perivascular"] + course["endosteal"]).to_numpy(), BLUE, "-"),
        ("dormant in viscera", course["visceral"].to_numpy(), GREEN, "--"),
        ("in the blood (mean)", course["ctc"].to_numpy(), ORANGE, "-."),
    )
    with house_style():
        axes = new_axes(width=7.0, height=4.2) if ax is None else ax
        for label, cells, colour, dash in curves:
            shown = np.where(cells >= 1.0, cells, np.nan)
            if np.isfinite(shown).any():
                axes.plot(years, shown, dash, color=colour, label=label)
        axes.set_yscale("log")
        axes.set_ylim(0.3, 1e13)
        _draw_events(axes, result)
        axes.set_xlabel("Years from diagnosis")
        axes.set_ylabel("Cells")
        axes.set_title(f"Patient {result.patient}: {_ending(result)}")
        axes.legend(loc="upper right", ncols=2)
    return axes


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
