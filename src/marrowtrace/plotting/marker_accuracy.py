"""Accuracy of a blood and a marrow marker in the same patients, by years after the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marrowtrace.plotting.style import (
    CELL_COLOURS,
    CELL_MARKERS,
    GREY,
    house_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def marker_accuracy(accuracy: Sequence[Mapping[str, Any]], *, titles: Sequence[str]) -> Axes:
    """Draw the area under the curve by horizon, one panel an endpoint.

    Parameters
    ----------
    accuracy : sequence of mapping
        Each with ``auc``: rows of ``year`` and, for ``blood`` and ``marrow``, ``value``, ``low``
        and ``high``.
    titles : sequence of str

    Returns
    -------
    matplotlib.axes.Axes
        The first panel; the dotted line at one half is a marker that says nothing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(0.6 + 2.5 * len(accuracy), 3.1), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, len(accuracy), squeeze=False, sharey=True).ravel()
        for ax, panel, title in zip(axes, accuracy, titles, strict=True):
            years = [row["year"] for row in panel["auc"]]
            for shift, side, cells in ((-0.1, "blood", "CTC"), (0.1, "marrow", "DTC")):
                rows = [row[side] for row in panel["auc"]]
                if not rows:
                    continue
                spread = [
                    [row["value"] - row["low"] for row in rows],
                    [row["high"] - row["value"] for row in rows],
                ]
                ax.errorbar(
                    [place + shift for place in range(len(years))],
                    [row["value"] for row in rows], yerr=spread, color=CELL_COLOURS[cells],
                    marker=CELL_MARKERS[cells], linestyle="none", markersize=5,
                    label=f"{cells} ({side})",
                )  # fmt: skip
            ax.set_xticks(range(len(years)), [f"{year:g}" for year in years])
            ax.set_xlim(-0.5, max(0.5, len(years) - 0.5))
            ax.axhline(0.5, color=GREY, linewidth=0.8, linestyle=":")
            ax.set_title(title)
            ax.set_xlabel("years after the sample")
        axes[0].set_ylabel("AUC(t)")
        handles, labels = axes[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=2)
    first: Axes = axes[0]
    return first
