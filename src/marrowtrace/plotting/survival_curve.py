"""Kaplan-Meier curves with their interval, censoring marks and the numbers at risk below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.style import COLOURS, DASHES, house_style, new_axes
from marrowtrace.survival.kaplan_meier import SurvivalCurve
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def survival_curves(
    curves: Mapping[str, SurvivalCurve],
    *,
    ylabel: str,
    ax: Axes | None = None,
    marks: bool = True,
) -> Axes:
    """Draw one curve a label, in years, with numbers at risk.

    Parameters
    ----------
    curves : mapping of str to SurvivalCurve
        Label to curve; at least one.
    ylabel : str
    ax : matplotlib.axes.Axes, optional
        Made where left out.
    marks : bool
        Whether censorings are marked.

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=6.4, height=3.8 + 0.2 * len(curves))
        for index, (label, curve) in enumerate(curves.items()):
            colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
            start = min(0.0, float(curve.time[0]))
            years = np.concatenate([[start], curve.time]) / DAYS_PER_YEAR
            ax.step(
                years, np.concatenate([[1.0], curve.survival]),
                where="post", color=colour, linestyle=dash, label=label,
            )  # fmt: skip
            low, high = _carried(curve.low), _carried(curve.high)
            ax.fill_between(
                years, np.concatenate([[1.0], low]), np.concatenate([[1.0], high]),
                step="post", color=colour, alpha=0.15, linewidth=0,
            )  # fmt: skip
            lost = curve.censored > 0
            if marks and lost.any():
                ax.plot(
                    curve.time[lost] / DAYS_PER_YEAR, curve.survival[lost],
                    "|", color=colour, markersize=4, markeredgewidth=0.6,
                )  # fmt: skip
        ax.set_ylim(0, 1.02)
        ax.set_ylabel(ylabel)
        ax.margins(x=0.01)
        if len(curves) > 1:
            ax.legend()
        numbers_at_risk(ax, curves)
    return ax


def _carried(bound: np.ndarray) -> np.ndarray:
    """Carry the last known bound on where the curve is 0, so that the band does not break."""
    known = np.maximum.accumulate(np.where(np.isnan(bound), -1, np.arange(bound.size)))
    return np.where(known < 0, 1.0, bound[np.maximum(known, 0)])


def numbers_at_risk(ax: Axes, curves: Mapping[str, SurvivalCurve]) -> None:
    """Write the numbers at risk under the ticks of the time axis, one line a curve.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With a time axis in years.
    curves : mapping of str to SurvivalCurve
    """
    right = ax.get_xlim()[1]
    ticks = [tick for tick in ax.get_xticks() if 0 <= tick <= right]
    ax.set_xticks(ticks)
    lines = []
    for tick in ticks:
        row = [f"{tick:g}"]
        for curve in curves.values():
            index = int(np.searchsorted(curve.time, tick * DAYS_PER_YEAR, side="left"))
            row.append(str(int(curve.at_risk[index])) if index < curve.time.size else "0")
        lines.append("\n".join(row))
    ax.set_xticklabels(lines)
    names = [name if len(curves) > 1 else "at risk" for name in curves]
    ax.set_xlabel(f"years (below: {' / '.join(names)})")
