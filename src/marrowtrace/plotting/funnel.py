"""Funnel plots: each study's effect against its standard error, and what a test makes of it.

The dashed lines hold 95 % of studies around the pooled figure if chance alone were at work. An
empty corner may be publication bias, or a real difference between small and large studies; with
fewer than ten studies it may be anything, and the plot says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marrowtrace.evidence.bias import ENOUGH_STUDIES, egger
from marrowtrace.plotting.style import BLUE, CELL_COLOURS, GREY, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.evidence.pooling import PooledRate
    from marrowtrace.evidence.prognosis import PooledPrognosis

_Z975 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelContent:
    """Everything that a funnel plot shows.

    Parameters
    ----------
    labels : tuple of str
    effects, errors : tuple of float
        On the logit or log scale.
    centre : float
    axis_label : str
    ticks : tuple of (float, str)
        Place on the scale of the effects, and what stands there.
    colour : str
    """

    labels: tuple[str, ...]
    effects: tuple[float, ...]
    errors: tuple[float, ...]
    centre: float
    axis_label: str
    ticks: tuple[tuple[float, str], ...]
    colour: str


def funnel_rates(result: PooledRate, *, ax: Axes | None = None) -> Axes:
    """Draw the funnel plot of a pooled detection rate, on the logit scale.

    Parameters
    ----------
    result : PooledRate
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    effects, errors = [], []
    for row in result.rows:
        add = 0.5 if row.k in (0, row.n) else 0.0
        positive, negative = row.k + add, row.n - row.k + add
        effects.append(math.log(positive / negative))
        errors.append(math.sqrt(1 / positive + 1 / negative))
    shares = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
    content = FunnelContent(
        labels=tuple(row.label for row in result.rows),
        effects=tuple(effects),
        errors=tuple(errors),
        centre=_logit(result.pooled.estimate),
        axis_label=f"{result.query.analyte} positive [%], logit scale",
        ticks=tuple((_logit(share), f"{100 * share:.0f}") for share in shares),
        colour=CELL_COLOURS.get(result.query.analyte, BLUE),
    )
    return draw_funnel(content, ax=ax)


def funnel_effects(result: PooledPrognosis, *, ax: Axes | None = None) -> Axes:
    """Draw the funnel plot of pooled hazard ratios, on the log scale.

    Parameters
    ----------
    result : PooledPrognosis
        Pooled by a method for hazard ratios.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    assert result.effect is not None
    ratios = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
    content = FunnelContent(
        labels=tuple(row.label for row in result.rows),
        effects=tuple(math.log(row.hr) for row in result.rows),
        errors=tuple(math.log(row.ci_high / row.ci_low) / (2 * _Z975) for row in result.rows),
        centre=result.effect.estimate,
        axis_label=f"Hazard ratio, {result.query.analyte} positive to negative, log scale",
        ticks=tuple((math.log(ratio), f"{ratio:g}") for ratio in ratios),
        colour=CELL_COLOURS.get(result.query.analyte, BLUE),
    )
    return draw_funnel(content, ax=ax)


def draw_funnel(content: FunnelContent, *, ax: Axes | None = None) -> Axes:
    """Draw a funnel plot from its content.

    Parameters
    ----------
    content : FunnelContent
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    with house_style():
        if ax is None:
            ax = new_axes(width=6.0, height=4.2)
        deepest = 1.12 * max(content.errors)
        reach = _Z975 * deepest
        low = min(content.centre - reach, *content.effects) - 0.1
        high = max(content.centre + reach, *content.effects) + 0.1
        ax.plot(
            (content.centre - reach, content.centre, content.centre + reach),
            (deepest, 0, deepest),
            color=GREY,
            linestyle="--",
            linewidth=0.9,
        )
        ax.plot((content.centre, content.centre), (0, deepest), color=GREY, linewidth=0.9)
        ax.plot(
            content.effects,
            content.errors,
            linestyle="",
            marker="o",
            markersize=6,
            color=content.colour,
            markeredgecolor="white",
        )
        ax.set_ylim(deepest, 0)
        ax.set_xlim(low, high)
        _name_points(ax, content, (low + high) / 2)
        shown = [(place, name) for place, name in content.ticks if low <= place <= high]
        ax.set_xticks([place for place, _ in shown], [name for _, name in shown])
        ax.set_xlabel(content.axis_label)
        ax.set_ylabel("Standard error")
        ax.set_title(asymmetry(content.effects, content.errors), fontsize=8, color=GREY, wrap=True)
        return ax


def asymmetry(effects: Sequence[float], errors: Sequence[float]) -> str:
    """Egger's test in a line, with what it cannot say."""
    studies = len(effects)
    if studies < 3 or max(errors) - min(errors) < 1e-12:
        return f"{studies} studies: no test of asymmetry is possible"
    test = egger(list(effects), [error**2 for error in errors])
    weak = (
        f"; under {ENOUGH_STUDIES} studies, so it says little" if studies < ENOUGH_STUDIES else ""
    )
    return f"Egger's test of asymmetry: p = {test.p_value:.2g} ({studies} studies{weak})"


def _name_points(ax: Axes, content: FunnelContent, middle: float) -> None:
    """Write each study's name beside its point, towards the middle of the plot."""
    placed: list[tuple[float, float]] = []
    width, depth = ax.get_xlim()[1] - ax.get_xlim()[0], max(content.errors)
    for name, effect, error in zip(content.labels, content.effects, content.errors, strict=True):
        left = effect > middle
        near = [
            other
            for other in placed
            if abs(other[0] - effect) < 0.3 * width and abs(other[1] - error) < 0.05 * depth
        ]
        placed.append((effect, error))
        ax.annotate(
            name,
            (effect, error),
            xytext=(-6 if left else 6, -9 * len(near)),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=7,
        )


def _logit(share: float) -> float:
    """Log odds, kept finite."""
    share = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(share / (1 - share))
