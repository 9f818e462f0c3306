"""Hazard ratios of markers before and after therapy, on the honest clock and on naive ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marrowtrace.plotting.style import (
    CELL_COLOURS,
    CELL_MARKERS,
    GREY,
    house_style,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50)


def marker_hazard_ratios(
    rows: Sequence[Mapping[str, Any]], *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw one row a marker: landmark estimate in colour, that of the naive clock in grey.

    Parameters
    ----------
    rows : sequence of mapping
        With ``marker``, ``cell_class``, ``landmark`` and ``never_sampled_as_negative`` (or null):
        each with ``hr``, ``low``, ``high``.
    title : str
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.ticker import FuncFormatter, NullFormatter

    with house_style():
        if ax is None:
            ax = new_axes(width=7.4, height=1.0 + 0.34 * max(1, len(rows)))
        for place, row in enumerate(rows):
            _estimate(ax, row["landmark"], place - 0.12, row["cell_class"])
            if row["never_sampled_as_negative"] is not None:
                _estimate(ax, row["never_sampled_as_negative"], place + 0.2, "")
        ax.set_xscale("log")
        ax.axvline(1.0, color=GREY, linewidth=0.8, linestyle=":")
        low, high = ax.get_xlim()
        ax.set_xlim(min(low, 0.8), max(high, 1.25))
        low, high = ax.get_xlim()
        ax.set_xticks([mark for mark in _MARKS if low <= mark <= high])
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_yticks(range(len(rows)), [row["marker"] for row in rows])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlabel("hazard ratio, positive against negative (log scale)")
        if title:
            ax.set_title(title)
        _legend(ax, rows)
    return ax


def _estimate(ax: Axes, found: Mapping[str, Any], place: float, cells: str) -> None:
    """One estimate with its interval; grey for a naive clock (no cells named)."""
    if found["hr"] is None:
        ax.annotate(
            "cannot be estimated" if cells else "", (0.5, place),
            xycoords=("axes fraction", "data"), fontsize=7, color=GREY, va="center", ha="center",
        )  # fmt: skip
        return
    colour = CELL_COLOURS.get(cells, GREY)
    if found["low"] is not None and found["high"] is not None:
        ax.plot([found["low"], found["high"]], [place, place], color=colour, linewidth=1.3)
    shape = CELL_MARKERS.get(cells, "x")
    ax.plot(found["hr"], place, shape, color=colour, markersize=5 if cells else 4)


def _legend(ax: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    from matplotlib.lines import Line2D

    classes = list(dict.fromkeys(row["cell_class"] for row in rows))
    handles = [
        Line2D(
            [], [], color=CELL_COLOURS.get(c, GREY), marker=CELL_MARKERS.get(c, "x"),
            label=f"{c}, from the sample on",
        )
        for c in classes
    ]  # fmt: skip
    if any(row["never_sampled_as_negative"] for row in rows):
        handles.append(
            Line2D([], [], color=GREY, marker="x", label="from entry, never sampled = negative")
        )
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    if ax.get_title(loc="left"):
        ax.set_title(ax.get_title(loc="left"), pad=38)
