"""One simulated patient's years: cells by compartment, therapies, and what the samples showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from marrowtrace.plotting.style import (
    BLACK,
    BLUE,
    CELL_COLOURS,
    CELL_MARKERS,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    house_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES = (
    ("primary", "primary tumour", BLACK, "-"),
    ("lesion", "largest lesion", VERMILION, "-"),
    ("marrow", "dormant in marrow", BLUE, "-"),
    ("viscera", "dormant in viscera", GREEN, "--"),
    ("blood", "in the blood (mean)", ORANGE, "-."),
)
_EVENTS = {
    "lesion detected": ("*", VERMILION, "lesion found"),
    "escape by environment": ("P", ORANGE, "escape from restriction"),
    "escape by mutation": ("P", GREEN, "escape by mutation"),
}


def life_with_samples(life: Mapping[str, Any], *, index_event: str = "diagnosis") -> Axes:
    """Draw a life: cells above, therapies and samples below on the same years.

    Parameters
    ----------
    life : mapping
        ``number``, ``ending``, ``course`` (``year`` and cells by compartment, null below one),
        ``therapies`` (``agent``, ``start``, ``stop``), ``events`` (``year``, ``event``) and
        ``samples`` (``year``, ``cell_class``, ``count``, ``positive``).
    index_event : str
        What year 0 is.

    Returns
    -------
    matplotlib.axes.Axes
        The upper panel. In the lower one a filled mark is a positive sample, an open one a
        negative, with the cells counted beside it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    agents = list(dict.fromkeys(one["agent"] for one in life["therapies"]))
    classes = list(dict.fromkeys(one["cell_class"] for one in life["samples"]))
    lanes = [*agents, *classes]
    with house_style():
        figure = Figure(figsize=(7.2, 4.0 + 0.26 * len(lanes)), layout="constrained")
        FigureCanvasAgg(figure)
        ratios = [3.4, 0.26 * max(len(lanes), 1)]
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=ratios)
        _cells(upper, life)
        end = float(np.max(life["course"]["year"]))
        _lanes(lower, life, lanes, end)
        lower.set_xlabel(f"years from {index_event}")
        upper.set_title(f"Patient {life['number']}: {life['ending']}", fontsize=9)
        upper.legend(loc="upper right", ncols=2, fontsize=7)
        upper.set_xlim(float(np.min(life["course"]["year"])), end + 0.02 * max(end, 1.0))
    first: Axes = upper
    return first


def _cells(ax: Axes, life: Mapping[str, Any]) -> None:
    """Cells by compartment, with surgery and what befell the lesions."""
    years = np.asarray(life["course"]["year"], dtype=np.float64)
    for name, label, colour, dash in _CURVES:
        cells = np.array([np.nan if v is None else v for v in life["course"][name]])
        if np.isfinite(cells).any():
            ax.plot(years, cells, dash, color=colour, label=label)
    ax.set_yscale("log")
    ax.set_ylim(0.3, 1e14)
    ax.set_ylabel("cells")
    for name, (marker, colour, label) in _EVENTS.items():
        at = [one["year"] for one in life["events"] if one["event"] == name]
        if at:
            ax.plot(at, [0.6] * len(at), marker, color=colour, markersize=6, label=label)
    for one in life["events"]:
        if one["event"] == "surgery":
            ax.axvline(one["year"], color=GREY, linewidth=1.0)
            ax.annotate(
                "surgery", (one["year"], 3e13), xytext=(3, 0), textcoords="offset points",
                fontsize=7, color=GREY, va="top",
            )  # fmt: skip


def _lanes(ax: Axes, life: Mapping[str, Any], lanes: list[str], end: float) -> None:
    """Therapies as bars, samples as marks."""
    for one in life["therapies"]:
        stop = end if one["stop"] is None else min(one["stop"], end)
        width = max(stop - one["start"], 0.03)
        ax.barh(lanes.index(one["agent"]), width, left=one["start"], height=0.5, color="#b8c4cf")
    for one in life["samples"]:
        place, cells = lanes.index(one["cell_class"]), one["cell_class"]
        colour = CELL_COLOURS.get(cells, BLACK)
        ax.plot(
            one["year"], place, CELL_MARKERS.get(cells, "^"), color=colour, markersize=5,
            markerfacecolor=colour if one["positive"] else "white",
        )  # fmt: skip
        if one["count"]:
            ax.annotate(
                f"{one['count']:,}", (one["year"], place), xytext=(4, 2),
                textcoords="offset points", fontsize=6.5, color=colour,
            )  # fmt: skip
    names = {"CTC": "blood: CTCs", "DTC": "marrow: DTCs"}
    ax.set_yticks(range(len(lanes)), [names.get(lane, lane) for lane in lanes])
    ax.set_ylim(max(len(lanes), 1) - 0.4, -0.6)
