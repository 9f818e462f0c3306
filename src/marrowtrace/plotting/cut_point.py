"""The search for a cut-point: the statistic of every candidate, and what the search costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marrowtrace.plotting.style import COLOURS, GREY, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.survival.cut_points import CutPoint


def cut_point_search(result: CutPoint, *, name: str, ax: Axes | None = None) -> Axes:
    """Draw the standardised log-rank statistic of each candidate cut-point.

    Parameters
    ----------
    result : CutPoint
    name : str
        Name of the marker, for the axis.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=5.2, height=3.2)
        curve = result.curve
        style = "-" if curve.height > 40 else "o-"
        ax.plot(curve["cut"], curve["statistic"], style, color=COLOURS[0], markersize=3)
        ax.axhline(1.96, color=GREY, linewidth=0.8, linestyle="--")
        ax.annotate(
            "1.96: 5 % for a cut-point fixed beforehand", (0.99, 1.96),
            xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7, color=GREY,
        )  # fmt: skip
        ax.axvline(result.cut, color=COLOURS[1], linewidth=1)
        ax.set_title(
            f"best at {result.cut:.3g}: p {result.p_naive:.2g} if it had been given, "
            f"{result.p_permutation:.2g} corrected"
        )
        ax.set_ylim(0, None)
        ax.set_xlabel(f"cut-point of {name}")
        ax.set_ylabel("standardised log-rank statistic")
    return ax
