"""Decision curves: the net benefit of acting on a prediction against treating all or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.style import COLOURS, DASHES, GREY, house_style, new_axes
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.survival.net_benefit import DecisionCurve


def decision_curves(curves: Mapping[str, DecisionCurve], *, ax: Axes | None = None) -> Axes:
    """Draw the net benefit of each prediction over the risk from which one would treat.

    Parameters
    ----------
    curves : mapping of str to DecisionCurve
        At least one, all of one horizon.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=6.0, height=3.8)
        longest = max(curves.values(), key=lambda curve: len(curve.thresholds))
        ax.plot(longest.thresholds, longest.treat_all, color=GREY, linewidth=1, label="treat all")
        ax.axhline(0, color=GREY, linewidth=1, linestyle=":", label="treat nobody")
        for index, (label, curve) in enumerate(curves.items()):
            colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
            ax.plot(curve.thresholds, curve.value, dash, color=colour, label=label)
            ax.fill_between(
                curve.thresholds, curve.low, curve.high, color=colour, alpha=0.12, linewidth=0
            )
        top = max(float(np.max(curve.high)) for curve in curves.values())
        ax.set_ylim(-0.25 * top if top > 0 else None, 1.1 * top if top > 0 else None)
        ax.set_xlim(0, None)
        ax.set_xlabel("risk from which one would treat")
        years = longest.horizon / DAYS_PER_YEAR
        ax.set_ylabel(f"net benefit at {years:.3g} years\n(true less weighted false positives)")
        ax.legend()
    return ax
