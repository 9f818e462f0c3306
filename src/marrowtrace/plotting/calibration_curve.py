"""Calibration plots: predicted against observed probability in groups of similar risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.style import COLOURS, GREY, MARKERS, house_style, new_axes
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.survival.calibration import Calibration


def calibration_curves(results: Mapping[str, Calibration], *, ax: Axes | None = None) -> Axes:
    """Draw observed over predicted probability, one symbol a group of patients.

    Parameters
    ----------
    results : mapping of str to Calibration
        At least one, all of one horizon.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=4.4, height=4.2)
        top, years = 0.0, 0.0
        for index, (label, result) in enumerate(results.items()):
            groups = result.groups
            x, y = groups["predicted"].to_numpy(), groups["observed"].to_numpy()
            low = np.where(np.isnan(groups["low"].to_numpy()), y, groups["low"].to_numpy())
            high = np.where(np.isnan(groups["high"].to_numpy()), y, groups["high"].to_numpy())
            ax.errorbar(
                x, y, yerr=np.array([y - low, high - y]), fmt=MARKERS[index % len(MARKERS)],
                color=COLOURS[index % len(COLOURS)], capsize=2,
                label=f"{label} (slope {result.slope:.2f})",
            )  # fmt: skip
            top, years = max(top, float(high.max()), float(x.max())), result.horizon
        top = min(1.0, 1.08 * top)
        ax.plot([0, top], [0, top], color=GREY, linewidth=0.8)
        ax.set_xlim(0, top)
        ax.set_ylim(0, top)
        ax.set_xlabel(f"predicted probability by {years / DAYS_PER_YEAR:.3g} years")
        ax.set_ylabel("observed probability")
        ax.legend()
    return ax
