"""Which share of one site's mutations another site carries, as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.site_colours import words
from marrowtrace.plotting.style import house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.phylogeny.overlap import Overlap

_DARK = 0.6


def overlap_heatmap(overlap: Overlap, *, group: str = "all", ax: Axes | None = None) -> Axes:
    """Draw the overlap of all pairs of sites.

    Parameters
    ----------
    overlap : Overlap
    group : {"all", "clonal", "subclonal"}
        Which mutations, by their clonality in the site of the row.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
        Per cent of the row's mutations that the column carries, of those that could be seen there.
    """
    shares = overlap.matrix(group)
    sites = overlap.presence.sites
    with house_style():
        if ax is None:
            size = 2.4 + 0.48 * len(sites)
            ax = new_axes(width=size + 1.0, height=size)
        ax.imshow(np.ma.masked_invalid(shares), cmap="Blues", vmin=0.0, vmax=1.0)
        for row in range(len(sites)):
            for column in range(len(sites)):
                value = shares[row, column]
                text = "" if row == column else "-" if np.isnan(value) else f"{100 * value:.0f}"
                ax.text(
                    column, row, text, ha="center", va="center", fontsize=7.5,
                    color="white" if value > _DARK else "black",
                )  # fmt: skip
        names = [words(site) for site in sites]
        counts = [int(row.sum()) for row in overlap.presence.present]
        ax.set_xticks(range(len(sites)), names, rotation=50, ha="right")
        ax.set_yticks(range(len(sites)), [f"{n} ({c})" for n, c in zip(names, counts, strict=True)])
        ax.set_xlabel("carried by [%]")
        ax.set_ylabel("mutations of (number called)")
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return ax
