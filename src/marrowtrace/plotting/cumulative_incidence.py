"""Cumulative incidence curves with their bands and the numbers behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from marrowtrace.plotting.style import COLOURS, DASHES, GREY, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def cumulative_incidence_curves(
    curves: Sequence[Mapping[str, Any]],
    *,
    xlabel: str,
    ylabel: str = "cumulative incidence",
    title: str = "",
    test: Mapping[str, Any] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one curve a group.

    Parameters
    ----------
    curves : sequence of mapping
        Each with ``group``, ``patients``, ``events`` and ``curve``: ``year``, ``incidence``,
        ``low``, ``high`` of one length.
    xlabel, ylabel, title : str
    test : mapping, optional
        ``name`` and ``p`` of the comparison, written into the figure.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.ticker import MaxNLocator

    with house_style():
        if ax is None:
            ax = new_axes(width=6.4, height=3.8)
        top = 0.0
        for index, row in enumerate(curves):
            curve = row["curve"]
            years, value = np.asarray(curve["year"]), np.asarray(curve["incidence"])
            if not years.size:
                continue
            colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
            label = f"{row['group']} ({row['events']:,} of {row['patients']:,})"
            ax.step(years, value, where="post", color=colour, linestyle=dash, label=label)
            ax.fill_between(
                years, curve["low"], curve["high"], step="post", color=colour, alpha=0.15,
                linewidth=0,
            )  # fmt: skip
            top = max(top, float(np.max(curve["high"])), float(value.max()))
        ax.set_ylim(0, min(1.0, max(0.05, 1.15 * top)))
        ax.set_xlim(left=0)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        if title:
            ax.set_title(title)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(loc="upper left")
        if test is not None and test.get("p") is not None:
            words = f"{test['name']} p {p_text(test['p'])}"
            ax.annotate(
                words, (0.99, 0.02), xycoords="axes fraction", ha="right", color=GREY, fontsize=8
            )
    return ax


def incidence_grid(
    panels: Sequence[Mapping[str, Any]], *, titles: Sequence[str], xlabel: str
) -> Axes:
    """Draw several comparisons beside each other, two a row, on one scale.

    Parameters
    ----------
    panels : sequence of mapping
        Each with ``curves`` and ``test``, as `cumulative_incidence_curves` takes them.
    titles : sequence of str
    xlabel : str

    Returns
    -------
    matplotlib.axes.Axes
        The first of them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style():
        rows = (len(panels) + 1) // 2
        columns = min(2, len(panels))
        figure = Figure(figsize=(3.6 * columns + 0.4, 2.9 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, panel, title in zip(axes, panels, titles, strict=False):
            cumulative_incidence_curves(
                panel["curves"], xlabel=xlabel, title=title, test=panel["test"], ax=ax
            )
        used = axes[: len(panels)]
        top = max(ax.get_ylim()[1] for ax in used)
        for ax in used:
            ax.set_ylim(0, top)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
    first: Axes = axes[0]
    return first


def p_text(p: float) -> str:
    """Return a p-value for a reader.

    Examples
    --------
    >>> p_text(0.0312), p_text(1e-9), p_text(0.5)
    ('= 0.031', '< 0.001', '= 0.50')
    """
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"
