"""Landmark analyses: curves from the landmark on, hazard ratios by landmark, dynamic prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.style import COLOURS, DASHES, GREY, MARKERS, house_style, new_axes
from marrowtrace.plotting.survival_curve import survival_curves
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.survival.kaplan_meier import SurvivalCurve
    from marrowtrace.survival.prognosis import LandmarkSeries


def landmark_curves(
    curves: Mapping[str, SurvivalCurve], *, landmark: float, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Draw Kaplan-Meier curves of the groups known at a landmark, with numbers at risk.

    Parameters
    ----------
    curves : mapping of str to SurvivalCurve
        By group; times are days after the landmark.
    landmark : float
        Day, named on the axis.
    ylabel : str
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    return name_the_landmark(survival_curves(curves, ylabel=ylabel, ax=ax), landmark)


def name_the_landmark(ax: Axes, landmark: float) -> Axes:
    """Say on a time axis in years that it starts at the landmark [day]; day 0 needs no saying."""
    if landmark:
        rest = ax.get_xlabel().removeprefix("years")
        ax.set_xlabel(f"years after the landmark, day {landmark:g}{rest}")
    return ax


def ratios_by_landmark(series: LandmarkSeries, *, ax: Axes | None = None) -> Axes:
    """Draw a marker's hazard ratio at each landmark, and that of the stacked model as a line.

    Parameters
    ----------
    series : LandmarkSeries
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    rows = series.ratios
    days = rows["landmark"].to_numpy()
    first, change = series.stacked.fit.coefficients[:2]
    place = np.linspace(0, 1, 50)
    with house_style():
        if ax is None:
            ax = new_axes(width=5.2, height=3.4)
        ratio = rows["hazard_ratio"].to_numpy()
        below, above = ratio - rows["low"].to_numpy(), rows["high"].to_numpy() - ratio
        ax.errorbar(
            days / DAYS_PER_YEAR, ratio, yerr=np.array([below, above]), fmt="o", color=COLOURS[0],
            capsize=2, label="each landmark on its own, with interval",
        )  # fmt: skip
        years = (days[0] + place * (days[-1] - days[0])) / DAYS_PER_YEAR
        ax.plot(
            years, np.exp(first + change * place), "--", color=COLOURS[1],
            label="all landmarks stacked",
        )  # fmt: skip
        ax.axhline(1, color=GREY, linewidth=0.8)
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("{x:g}")
        ax.set_xlabel("landmark (years from day 0)")
        ax.set_ylabel(f"hazard ratio {series.term.scale}")
        ax.legend()
    return ax


def dynamic_risk(series: LandmarkSeries, *, ax: Axes | None = None) -> Axes:
    """Draw the risk within the window that is predicted at each landmark, by the marker's value.

    Parameters
    ----------
    series : LandmarkSeries
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=5.2, height=3.4)
        for index, word in enumerate(series.risks["value"].unique(maintain_order=True)):
            rows = series.risks.filter(series.risks["value"] == word)
            years = rows["landmark"].to_numpy() / DAYS_PER_YEAR
            colour = COLOURS[index % len(COLOURS)]
            ax.plot(years, rows["risk"], MARKERS[index] + DASHES[index], color=colour, label=word)
            ax.fill_between(years, rows["low"], rows["high"], color=colour, alpha=0.15, linewidth=0)
        ax.set_ylim(0, None)
        ax.set_xlabel("landmark (years from day 0)")
        ax.set_ylabel(f"risk in the next {series.window / DAYS_PER_YEAR:.3g} years")
        ax.legend(title=series.term.text)
    return ax
