"""Published figures and their simulated counterparts, row by row, in or out of the interval."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marrowtrace.plotting.style import BLACK, BLUE, GREY, VERMILION, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VERDICTS = {True: "in", False: "OUT", None: "not judged"}
_WIDTH = 46


def published_comparison(
    rows: Sequence[Mapping[str, Any]],
    *,
    xlabel: str,
    scale: float = 1.0,
    logarithmic: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw one row a published figure.

    Parameters
    ----------
    rows : sequence of mapping
        With ``label``, ``paper``, ``published``, ``ci_low``, ``ci_high``, ``simulated``,
        ``simulated_low``, ``simulated_high``, ``inside``, ``calibrated``; null where not known.
    xlabel : str
    scale : float
        Factor on all values, 100 for per cent.
    logarithmic : bool
        For ratios.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
        Black diamonds: published; circles: simulated, filled blue inside the published interval,
        open red outside it, open grey where there is no interval to judge by.
    """
    with house_style():
        labels = [_label(row) for row in rows]
        lines = sum(label.count("\n") + 1 for label in labels)
        if ax is None:
            ax = new_axes(width=8.0, height=1.3 + 0.12 * lines + 0.16 * len(rows))
        for place, row in enumerate(rows):
            _published(ax, row, place - 0.16, scale)
            _simulated(ax, row, place + 0.16, scale)
            used = "calibrated to" if row["calibrated"] else "not used in calibration"
            words = f"{VERDICTS[row['inside']]}\n{used}"
            ax.annotate(
                words, (1.0, place), xycoords=("axes fraction", "data"), xytext=(6, 0),
                textcoords="offset points", va="center", fontsize=7, linespacing=1.15,
                color=VERMILION if row["inside"] is False else BLACK if row["inside"] else GREY,
                fontweight="bold" if row["inside"] is False else "normal",
            )  # fmt: skip
        ax.set_yticks(range(len(rows)), labels, fontsize=7.5)
        ax.set_ylim(len(rows) - 0.4, -0.9)
        if logarithmic:
            _log_axis(ax)
        else:
            ax.set_xlim(left=0)
        ax.set_xlabel(xlabel)
        ax.grid(axis="y", color="#eeeeee", linewidth=0.6)
        _legend(ax)
    return ax


def _label(row: Mapping[str, Any]) -> str:
    """What was measured, and by whom, in short lines."""
    what = "\n".join(textwrap.wrap(str(row["label"]), _WIDTH))
    paper = row.get("paper") or "no paper"
    return f"{what}\n{paper}" if len(what) + len(paper) > _WIDTH else f"{what}, {paper}"


def _published(ax: Axes, row: Mapping[str, Any], place: float, scale: float) -> None:
    if row["ci_low"] is not None and row["ci_high"] is not None:
        ends = [scale * row["ci_low"], scale * row["ci_high"]]
        ax.plot(ends, [place, place], color=BLACK, linewidth=1.1)
    ax.plot(scale * row["published"], place, "D", color=BLACK, markersize=4)


def _simulated(ax: Axes, row: Mapping[str, Any], place: float, scale: float) -> None:
    if row["simulated"] is None:
        return
    colour = {True: BLUE, False: VERMILION, None: GREY}[row["inside"]]
    if row["simulated_low"] is not None and row["simulated_high"] is not None:
        ends = [scale * row["simulated_low"], scale * row["simulated_high"]]
        ax.plot(ends, [place, place], color=colour, linewidth=1.1)
    ax.plot(
        scale * row["simulated"], place, "o", markersize=5, color=colour,
        markerfacecolor=colour if row["inside"] else "white",
    )  # fmt: skip


def _log_axis(ax: Axes) -> None:
    """A logarithmic scale with plain numbers, and a line at 1."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ax.set_xscale("log")
    low, high = ax.get_xlim()
    marks = [m for m in (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100) if low <= m <= high]
    ax.set_xticks(marks)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.axvline(1.0, color=GREY, linewidth=0.8, linestyle=":")


def _legend(ax: Axes) -> None:
    from matplotlib.lines import Line2D

    def mark(shape: str, colour: str, label: str, *, filled: bool) -> Line2D:
        face = colour if filled else "white"
        return Line2D(
            [], [], marker=shape, color=colour, markerfacecolor=face, markersize=5, label=label
        )

    ax.legend(
        handles=[
            mark("D", BLACK, "published, 95 % interval", filled=True),
            mark("o", BLUE, "simulated, inside", filled=True),
            mark("o", VERMILION, "simulated, outside", filled=False),
            mark("o", GREY, "simulated, no interval to judge by", filled=False),
        ],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
    )
