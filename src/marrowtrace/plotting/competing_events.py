"""Cumulative incidence by group where other events compete, with numbers at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.style import COLOURS, DASHES, house_style, new_axes
from marrowtrace.plotting.survival_curve import numbers_at_risk
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.survival.competing_risks import CumulativeIncidence
    from marrowtrace.survival.kaplan_meier import SurvivalCurve


def incidence_curves(
    curves: Mapping[str, CumulativeIncidence],
    *,
    ylabel: str,
    cause: int = 1,
    followed: Mapping[str, SurvivalCurve] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the cumulative incidence of one kind of event in each group, in years.

    Parameters
    ----------
    curves : mapping of str to CumulativeIncidence
        At least one.
    ylabel : str
    cause : int
    followed : mapping of str to SurvivalCurve, optional
        Curves of the same groups, for the numbers at risk.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=6.4, height=3.8 + 0.2 * len(curves))
        for index, (label, curve) in enumerate(curves.items()):
            colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
            years = np.concatenate([[0.0], curve.time]) / DAYS_PER_YEAR
            if cause not in curve.causes:
                ax.plot(years, np.zeros(years.size), dash, color=colour, label=label)
                continue
            row = curve.causes.index(cause)
            share, low, high = (
                np.concatenate([[0.0], np.nan_to_num(values[row])])
                for values in (curve.incidence, curve.low, curve.high)
            )
            ax.step(years, share, where="post", color=colour, linestyle=dash, label=label)
            ax.fill_between(years, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
        ax.set_ylim(0, None)
        ax.set_ylabel(ylabel)
        ax.margins(x=0.01)
        ax.legend(loc="upper left")
        if followed:
            numbers_at_risk(ax, followed)
        else:
            ax.set_xlabel("years")
    return ax
