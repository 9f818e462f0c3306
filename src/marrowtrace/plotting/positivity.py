"""Detection rates with exact intervals, one row for each site, assay and phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marrowtrace.enumeration.positivity import Positivity
from marrowtrace.plotting.style import BLACK, CELL_COLOURS, CELL_MARKERS, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def detection_rates(result: Positivity, *, ax: Axes | None = None) -> Axes:
    """Draw the share of positive samples with its interval.

    Parameters
    ----------
    result : Positivity
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    rows = result.rows.to_dicts()
    with house_style():
        if ax is None:
            ax = new_axes(width=6.4, height=1.1 + 0.32 * max(len(rows), 1))
        labels = []
        for position, row in enumerate(rows):
            colour = CELL_COLOURS.get(row["cell_class"], BLACK)
            ax.plot([row["low"], row["high"]], [position, position], color=colour, linewidth=1.2)
            ax.plot(row["rate"], position, CELL_MARKERS.get(row["cell_class"], "^"), color=colour)
            ax.annotate(
                f"{row['positive']}/{row['samples']}", (1.02, position),
                xycoords=("axes fraction", "data"), va="center", fontsize=8,
            )  # fmt: skip
            words = [row["cell_class"], row["site"].replace("_", " "), row["assay"], row["phase"]]
            labels.append(", ".join(word for word in words if word))
        ax.set_yticks(range(len(rows)), labels)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlim(0, 1)
        ax.set_xlabel(f"share of samples with {result.threshold} or more cells, or called positive")
    return ax


def missing_values(shares: dict[str, float], *, ax: Axes | None = None) -> Axes:
    """Draw the share of missing values by column.

    Parameters
    ----------
    shares : dict of str to float
        Column to share in [0, 1].
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=6.4, height=0.9 + 0.2 * max(len(shares), 1))
        ax.barh(range(len(shares)), list(shares.values()), color="#999999", height=0.7)
        ax.set_yticks(range(len(shares)), list(shares))
        ax.set_ylim(len(shares) - 0.5, -0.5)
        ax.set_xlim(0, 1)
        ax.set_xlabel("share of rows without a value")
    return ax
