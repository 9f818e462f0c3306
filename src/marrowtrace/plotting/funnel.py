"""Funnel plots: each study's effect against its standard error, and what a test makes of it.

The dashed lines hold 95 % of studies around the pooled figure if chance alone were at work. An
empty corner may be publication bias, or a real difference between small and large studies; with
fewer than ten studies it may be anything, and the plot says so. Studies that trim and fill made up
are hollow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marrowtrace.evidence.asymmetry import Asymmetry, asymmetry
from marrowtrace.evidence.pooling import PooledRate
from marrowtrace.evidence.row_effects import row_effects
from marrowtrace.plotting.style import BLUE, CELL_COLOURS, GREY, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.evidence.prognosis import PooledPrognosis

_Z975 = 1.959963984540054
_LETTER = 3.9  # width of a letter of a name [point]


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
    title : str
        What a test makes of it.
    filled : tuple of (float, float)
        Effect and error of each study that trim and fill made up.
    """

    labels: tuple[str, ...]
    effects: tuple[float, ...]
    errors: tuple[float, ...]
    centre: float
    axis_label: str
    ticks: tuple[tuple[float, str], ...]
    colour: str
    title: str
    filled: tuple[tuple[float, float], ...] = ()


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
    return funnel(asymmetry(result), ax=ax)


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

    Raises
    ------
    EvidenceError
        If p-values were combined, which have no funnel.
    """
    return funnel(asymmetry(result), ax=ax)


def funnel(found: Asymmetry, *, ax: Axes | None = None) -> Axes:
    """Draw the funnel plot of rows that were tested for asymmetry.

    Parameters
    ----------
    found : Asymmetry
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    return draw_funnel(funnel_content(found), ax=ax)


def funnel_content(found: Asymmetry) -> FunnelContent:
    """What the funnel plot of tested rows shows."""
    result = found.result
    effects, variances = row_effects(result)
    analyte = result.query.analyte
    if isinstance(result, PooledRate):
        centre = _logit(result.pooled.estimate)
        label = f"{analyte} positive [%], logit scale"
        shares = (0.01, 0.02, 0.05, *(ten / 10 for ten in range(1, 10)), 0.95, 0.98, 0.99)
        ticks = tuple((_logit(share), f"{100 * share:.0f}") for share in shares)
    else:
        assert result.effect is not None
        centre = result.effect.estimate
        label = f"Hazard ratio, {analyte} positive to negative, log scale"
        ticks = tuple((math.log(r), f"{r:g}") for r in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20))
    fill = found.fill
    return FunnelContent(
        labels=tuple(row.label for row in result.rows),
        effects=tuple(float(effect) for effect in effects),
        errors=tuple(math.sqrt(variance) for variance in variances),
        centre=centre,
        axis_label=label,
        ticks=ticks,
        colour=CELL_COLOURS.get(analyte, BLUE),
        title=found.sentence,
        filled=tuple(
            (effect, math.sqrt(variance))
            for effect, variance in zip(fill.filled_effects, fill.filled_variances, strict=True)
        )
        if fill
        else (),
    )


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
        made_up = [effect for effect, _ in content.filled]
        low = min(content.centre - reach, *content.effects, *made_up) - 0.1
        high = max(content.centre + reach, *content.effects, *made_up) + 0.1
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
        if content.filled:
            ax.plot(
                made_up,
                [error for _, error in content.filled],
                linestyle="",
                marker="o",
                markersize=6,
                markerfacecolor="white",
                markeredgecolor=content.colour,
                label="made up by trim and fill",
            )
            ax.legend(loc="upper right", frameon=False, fontsize=7)
        ax.set_ylim(deepest, 0)
        ax.set_xlim(low, high)
        _name_points(ax, content, (low + high) / 2)
        shown = [(place, name) for place, name in content.ticks if low <= place <= high]
        ax.set_xticks([place for place, _ in shown], [name for _, name in shown])
        ax.set_xlabel(content.axis_label)
        ax.set_ylabel("Standard error")
        ax.set_title(content.title, fontsize=8, color=GREY, wrap=True)
        return ax


def _name_points(ax: Axes, content: FunnelContent, middle: float) -> None:
    """Write each study's name beside its point where it covers no other name and no point."""
    drawn = list(zip(content.effects, content.errors, strict=True))
    inches = ax.figure.dpi / 72
    points = ax.transData.transform([*drawn, *content.filled]) / inches
    taken: list[tuple[float, float]] = [(float(x), float(y)) for x, y in points]
    for name, place, (x, y) in zip(content.labels, drawn, taken[: len(drawn)], strict=True):
        width = _LETTER * len(name)
        inwards = place[0] > middle
        tries = [(left, up) for up in (0, -9, 9) for left in (inwards, not inwards)]
        covered = []
        for left, up in tries:
            start = x - 6 - width if left else x + 6
            covered.append(
                sum(start - 3 < u < start + width + 3 and abs(v - y - up) < 7 for u, v in taken)
            )
        left, up = tries[covered.index(min(covered))]
        start = x - 6 - width if left else x + 6
        taken.extend((start + part * width, y + up) for part in (0, 0.25, 0.5, 0.75, 1))
        ax.annotate(
            name,
            place,
            xytext=(-6 if left else 6, up),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=7,
        )


def _logit(share: float) -> float:
    """Log odds, kept finite."""
    share = min(max(share, 1e-6), 1 - 1e-6)
    return math.log(share / (1 - share))
