"""The area under the ROC curve over the horizon, one line a marker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.style import COLOURS, DASHES, GREY, MARKERS, house_style, new_axes
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.survival.time_dependent_accuracy import Accuracy


def areas_over_time(results: Mapping[str, Accuracy], *, ax: Axes | None = None) -> Axes:
    """Draw each marker's area with its interval over the horizon.

    Parameters
    ----------
    results : mapping of str to Accuracy
        At least one.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=5.2, height=3.6)
        for index, (label, result) in enumerate(results.items()):
            apart = 0.01 * (index - (len(results) - 1) / 2) * max(result.horizons)
            years = (np.asarray(result.horizons) + apart) / DAYS_PER_YEAR
            error = np.array([result.value - result.low, result.high - result.value])
            ax.errorbar(
                years, result.value, yerr=error, capsize=2, label=label,
                fmt=MARKERS[index % len(MARKERS)] + DASHES[index % len(DASHES)],
                color=COLOURS[index % len(COLOURS)],
            )  # fmt: skip
        ax.axhline(0.5, color=GREY, linewidth=0.8)
        ax.set_xlim(0, None)
        ax.set_ylim(min(0.4, ax.get_ylim()[0]), 1)
        ax.set_xlabel("years after the start of the analysis")
        ax.set_ylabel("area under the ROC curve")
        ax.legend()
    return ax
