"""Forest plots of detection rates and hazard ratios: weights, subgroups, prediction interval.

A pooled figure that should not be used is drawn hollow and says so; what touched a row (a fault of
the printed table, a correction) stands as a letter beside it and in the footnotes below.
"""

from __future__ import annotations

import math
import string
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marrowtrace.evidence.audit import faults_of
from marrowtrace.plotting.style import BLACK, BLUE, CELL_COLOURS, GREY, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from marrowtrace.evidence.pooling import PooledRate
    from marrowtrace.evidence.prognosis import PooledPrognosis
    from marrowtrace.evidence.proportions import PooledProportion
    from marrowtrace.evidence.rate_subgroups import RateSubgroups
    from marrowtrace.evidence.selection import LeftOut

_LINE = 0.27  # height of a row [inch]
_SIZE = 8.5
_WIDTH = 8.2  # of a figure of our own [inch]
_WRAP = 150  # characters of a footnote


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestLine:
    """One line of a forest plot.

    Parameters
    ----------
    kind : {"study", "heading", "pooled", "subtotal", "prediction", "text"}
    label : str
    left, right : tuple of str
        Cells of the columns to the left and right of the plot.
    estimate, low, high, weight : float
        NaN where there is nothing to draw.
    solid : bool
        False for a pooled figure that should not be used.
    """

    kind: str
    label: str
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    weight: float = math.nan
    solid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestContent:
    """Everything that a forest plot shows.

    Parameters
    ----------
    lines : sequence of ForestLine
    left_heads, right_heads : tuple of str
    axis_label : str
    log_scale : bool
        Hazard ratios; otherwise shares from 0 to 1, shown in per cent.
    reference : float
        Where the dashed line stands.
    colour : str
    footnotes : sequence of str
    """

    lines: Sequence[ForestLine]
    left_heads: tuple[str, ...]
    right_heads: tuple[str, ...]
    axis_label: str
    log_scale: bool
    reference: float
    colour: str
    footnotes: Sequence[str] = field(default=())


def forest_rates(
    result: PooledRate, *, subgroups: RateSubgroups | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the forest plot of a pooled detection rate.

    Parameters
    ----------
    result : PooledRate
    subgroups : RateSubgroups, optional
        Group the rows, with a subtotal where a group has two rows or more.
    ax : matplotlib.axes.Axes, optional
        Drawn into; a figure of fitting size is made if left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    return draw_forest(rate_content(result, subgroups=subgroups), ax=ax)


def forest_effects(result: PooledPrognosis, *, ax: Axes | None = None) -> Axes:
    """Draw the forest plot of hazard ratios, pooled or, under a method for p-values, not.

    Parameters
    ----------
    result : PooledPrognosis
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    return draw_forest(effect_content(result), ax=ax)


def rate_content(result: PooledRate, *, subgroups: RateSubgroups | None = None) -> ForestContent:
    """What the forest plot of a detection rate shows."""
    letters, footnotes = _letters([row.faults for row in result.rows])
    lines: list[ForestLine] = []

    def study(index: int) -> ForestLine:
        row = result.rows[index]
        return ForestLine(
            kind="study",
            label=f"{row.label}{letters[index]}",
            left=(row.cancer, row.assay or row.marker or "not printed", f"{row.k}/{row.n}"),
            right=(_rate(row.rate, row.ci_low, row.ci_high), f"{100 * row.weight:.0f} %"),
            estimate=row.rate,
            low=row.ci_low,
            high=row.ci_high,
            weight=row.weight,
        )

    if subgroups is None:
        lines.extend(study(i) for i in range(len(result.rows)))
    else:
        from marrowtrace.evidence.rate_subgroups import group_of

        for group, pooled in zip(subgroups.groups, subgroups.pooled, strict=True):
            members = [
                i for i, row in enumerate(result.rows) if group_of(row, subgroups.by) == group
            ]
            lines.append(ForestLine(kind="heading", label=group))
            lines.extend(study(i) for i in members)
            if len(members) > 1:
                lines.append(_rate_total("subtotal", "Subtotal", pooled))
        if math.isfinite(subgroups.p_value):
            text = f"Test of subgroups ({subgroups.by}): p = {subgroups.p_value:.2g}"
            footnotes.append(text)
    pooled = result.pooled
    label = f"Pooled ({pooled.method}, {result.values})"
    lines.append(_rate_total("pooled", label, pooled))
    if math.isfinite(pooled.prediction_low):
        low, high = pooled.prediction_low, pooled.prediction_high
        text = f"{_percent(low)} to {_percent(high)}"
        lines.append(
            ForestLine(
                kind="prediction", label="Prediction interval", right=(text, ""), low=low, high=high
            )
        )
    spread = f"tau² = {pooled.tau2:.2g}, I² = {100 * pooled.i2:.0f} %"
    if math.isfinite(pooled.i2_low):
        spread += f" ({100 * pooled.i2_low:.0f} to {100 * pooled.i2_high:.0f} %)"
    footnotes = [spread + f", {pooled.k} rows, {pooled.n} patients", pooled.verdict, *footnotes]
    footnotes.extend(_left_out(result.left_out))
    footnotes.extend(f"Note: {warning}" for warning in result.warnings)
    return ForestContent(
        lines=lines,
        left_heads=("Study", "Cancer", "Found by", "k/n"),
        right_heads=(f"Rate ({100 * pooled.level:.0f} % CI)", "Weight"),
        axis_label=f"{result.query.analyte} positive [%]",
        log_scale=False,
        reference=pooled.estimate,
        colour=CELL_COLOURS.get(result.query.analyte, BLUE),
        footnotes=footnotes,
    )


def effect_content(result: PooledPrognosis) -> ForestContent:
    """What the forest plot of prognostic effects shows."""
    from marrowtrace.evidence.prognosis import combined_p_text

    letters, footnotes = _letters([row.faults for row in result.rows])
    lines = []
    for row, letter in zip(result.rows, letters, strict=True):
        drawn = math.isfinite(row.ci_low)
        ratio = _ratio(row.hr, row.ci_low, row.ci_high) if drawn else "not printed"
        lines.append(
            ForestLine(
                kind="study",
                label=f"{row.label}{letter}",
                left=(row.endpoint, "–" if row.n is None else str(row.n)),  # noqa: RUF001
                right=(ratio, f"{100 * row.weight:.0f} %" if result.effect else row.p),
                estimate=row.hr if drawn else math.nan,
                low=row.ci_low,
                high=row.ci_high,
                weight=row.weight if result.effect else 1 / len(result.rows),
            )
        )
    effect = result.effect
    if effect is not None:
        ends = [math.exp(v) for v in (effect.estimate, effect.ci_low, effect.ci_high)]
        label = f"Pooled ({effect.method}, {result.values})"
        lines.append(
            ForestLine(
                kind="pooled",
                label=label,
                right=(_ratio(*ends), ""),
                estimate=ends[0],
                low=ends[1],
                high=ends[2],
            )
        )
        if math.isfinite(effect.prediction_low):
            low, high = math.exp(effect.prediction_low), math.exp(effect.prediction_high)
            lines.append(
                ForestLine(
                    kind="prediction",
                    label="Prediction interval",
                    right=(f"{low:.2g} to {high:.2g}", ""),
                    low=low,
                    high=high,
                )
            )
    elif result.p is not None:
        p = combined_p_text(result.p.p_low, result.p.p_high)
        text = f"Combined p ({result.method}, {result.values}): {p}"
        lines.append(ForestLine(kind="text", label=text))
        footnotes.insert(0, f"Direction: {result.p.direction}")
    footnotes.extend(_left_out(result.left_out))
    footnotes.extend(f"Note: {warning}" for warning in result.warnings)
    return ForestContent(
        lines=lines,
        left_heads=("Study", "Endpoint", "n"),
        right_heads=("Hazard ratio (95 % CI)", "Weight" if result.effect else "p printed"),
        axis_label=f"Hazard ratio, {result.query.analyte} positive to negative",
        log_scale=True,
        reference=1.0,
        colour=CELL_COLOURS.get(result.query.analyte, BLUE),
        footnotes=footnotes,
    )


def draw_forest(content: ForestContent, *, ax: Axes | None = None) -> Axes:
    """Draw a forest plot from its content.

    Parameters
    ----------
    content : ForestContent
    ax : matplotlib.axes.Axes, optional
        Wholly taken up: columns of text at the sides, the plot between, footnotes below.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given or made; the plot proper is its first child axes.
    """
    with house_style():
        notes = [part for note in content.footnotes for part in textwrap.wrap(note, _WRAP) or [""]]
        rows = len(content.lines) + 1
        height = _LINE * (rows + 1) + 0.55 + 0.165 * len(notes)
        if ax is None:
            ax = _own_axes(height)
        figure = ax.get_figure(root=True)
        assert figure is not None
        ax.set_axis_off()
        box = ax.get_window_extent()
        tall = max(box.height / figure.dpi, 0.1)
        notes_share = min(0.85, (0.55 + 0.165 * len(notes)) / tall)
        columns = _Columns(ax, figure, content, bottom=notes_share, rows=rows)
        plot = ax.inset_axes((columns.plot_left, notes_share, columns.plot_width, 1 - notes_share))
        _draw_plot(plot, content, rows)
        columns.write()
        for i, note in enumerate(notes):
            y = notes_share - (0.55 + 0.165 * i) / tall
            ax.text(0, y, note, transform=ax.transAxes, fontsize=7, color=GREY, va="top")
        return ax


def _own_axes(height: float) -> Axes:
    """Axes that fill a figure of their own."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height))
    figure.set_layout_engine("none")
    FigureCanvasAgg(figure)
    return figure.add_axes((0.015, 0.01, 0.97, 0.98))


class _Columns:
    """Text columns at the sides, as wide as their widest cell."""

    def __init__(
        self, ax: Axes, figure: Figure, content: ForestContent, *, bottom: float, rows: int
    ) -> None:
        self.ax, self.content = ax, content
        self.bottom, self.rows = bottom, rows
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        total = ax.get_window_extent(renderer).width
        gap = 10 / total

        def width(texts: Sequence[str]) -> float:
            widest = 0.0
            for text in texts:
                probe = ax.text(0, 0, text, fontsize=_SIZE, fontweight="bold")
                widest = max(widest, probe.get_window_extent(renderer).width)
                probe.remove()
            return widest / total

        tables = [line for line in content.lines if line.left]
        labels = [line.label for line in content.lines if line.kind in ("study", "heading")]
        left = [width([content.left_heads[0], *labels])]
        for i, head in enumerate(content.left_heads[1:]):
            left.append(width([head, *(line.left[i] for line in tables)]))
        right = [
            width([head, *(line.right[i] for line in content.lines if len(line.right) > i)])
            for i, head in enumerate(content.right_heads)
        ]
        spans = [line.label for line in content.lines if line.kind not in ("study", "heading")]
        used = max(sum(left) + gap * len(left), width(spans) + gap)
        self.left = [sum(left[:i]) + gap * i for i in range(len(left))]
        self.plot_left = used
        right_used = sum(right) + gap * len(right)
        self.plot_width = max(0.15, 1 - used - right_used)
        edge = used + self.plot_width + gap
        self.right = [edge + sum(right[:i]) + gap * i for i in range(len(right))]

    def _y(self, line: int) -> float:
        """Height of a line in the axes, 0 being the heads."""
        return self.bottom + (1 - self.bottom) * (1 - (line + 0.5) / self.rows)

    def write(self) -> None:
        """Write all cells."""
        for x, head in zip(self.left, self.content.left_heads, strict=True):
            self._text(x, 0, head, bold=True)
        for x, head in zip(self.right, self.content.right_heads, strict=True):
            self._text(x, 0, head, bold=True)
        for number, line in enumerate(self.content.lines, start=1):
            bold = line.kind in ("heading", "pooled", "text")
            self._text(0, number, line.label, bold=bold)
            for x, cell in zip(self.left[1:], line.left, strict=False):
                self._text(x, number, cell)
            for x, cell in zip(self.right, line.right, strict=False):
                self._text(x, number, cell, bold=bold)

    def _text(self, x: float, line: int, text: str, *, bold: bool = False) -> None:
        """Write one cell."""
        self.ax.text(
            x,
            self._y(line),
            text,
            transform=self.ax.transAxes,
            fontsize=_SIZE,
            fontweight="bold" if bold else "normal",
            va="center",
            ha="left",
        )


def _draw_plot(plot: Axes, content: ForestContent, rows: int) -> None:
    """Draw squares, whiskers, diamonds and the prediction interval."""
    from matplotlib.patches import Polygon

    plot.set_ylim(rows, 0)
    if content.log_scale:
        plot.set_xscale("log")
    low, high = _limits(content)
    plot.set_xlim(low, high)
    reference = [content.reference, content.reference]
    plot.plot(reference, (1, rows), color=GREY, linestyle="--", linewidth=0.8, zorder=0)
    for number, line in enumerate(content.lines, start=1):
        y = number + 0.5
        if line.kind == "study" and math.isfinite(line.low):
            _whisker(plot, line, y, (low, high), content.colour)
        elif line.kind in ("pooled", "subtotal"):
            middle = [
                (line.low, y),
                (line.estimate, y - 0.28),
                (line.high, y),
                (line.estimate, y + 0.28),
            ]
            style: dict[str, Any] = {"facecolor": BLACK if line.solid else "white"}
            if line.kind == "subtotal" and line.solid:
                style["facecolor"] = GREY
            if not line.solid:
                style["hatch"] = "////"
            plot.add_patch(Polygon(middle, closed=True, edgecolor=BLACK, linewidth=0.9, **style))
        elif line.kind == "prediction":
            ends = (max(line.low, low), min(line.high, high))
            plot.plot(ends, (y, y), color=BLACK, linewidth=3, solid_capstyle="butt", alpha=0.55)
    plot.set_yticks([])
    plot.spines["left"].set_visible(False)
    plot.set_xlabel(content.axis_label)
    if content.log_scale:
        ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low <= t <= high]
        plot.set_xticks(ticks, [f"{t:g}" for t in ticks])
        plot.minorticks_off()
    else:
        ticks = [0, 0.25, 0.5, 0.75, 1]
        plot.set_xticks(ticks, [f"{100 * t:.0f}" for t in ticks])


def _whisker(
    plot: Axes, line: ForestLine, y: float, limits: tuple[float, float], colour: str
) -> None:
    """One study: interval and a square whose area goes with the weight; arrows where cut off."""
    ends = (max(line.low, limits[0]), min(line.high, limits[1]))
    plot.plot(ends, (y, y), color=colour, linewidth=1.2, zorder=2)
    for end, cut, marker in (
        (ends[0], line.low < limits[0], "<"),
        (ends[1], line.high > limits[1], ">"),
    ):
        if cut:
            plot.plot(end, y, marker=marker, color=colour, markersize=4, clip_on=False)
    size = 3 + 9 * math.sqrt(min(1.0, line.weight)) if math.isfinite(line.weight) else 4
    plot.plot(line.estimate, y, marker="s", color=colour, markersize=size, zorder=3, linestyle="")


def _limits(content: ForestContent) -> tuple[float, float]:
    """Ends of the axis."""
    if not content.log_scale:
        return -0.01, 1.01
    values = [
        v
        for line in content.lines
        if line.kind != "prediction"
        for v in (line.low, line.high)
        if math.isfinite(v) and v > 0
    ]
    low, high = min([*values, 0.5]), max([*values, 2.0])
    return max(low * 0.85, 0.05), min(high * 1.15, 50.0)


def _letters(faults: Sequence[tuple[int, ...]]) -> tuple[list[str], list[str]]:
    """Superscript letters of each row and the footnotes they stand for."""
    numbers = sorted({number for row in faults for number in row})
    names = dict(zip(numbers, string.ascii_lowercase, strict=False))
    marks = []
    for row in faults:
        own = ",".join(names[number] for number in row if number in names)
        marks.append(f"$^{{{own}}}$" if own else "")
    notes = [
        f"{names[fault.number]}  {fault.flag}. {fault.source_says}"
        for fault in faults_of(tuple(names))
    ]
    return marks, notes


def _left_out(rows: Sequence[LeftOut]) -> list[str]:
    """Footnotes on the rows left out, one for each reason."""
    reasons: dict[str, list[str]] = {}
    for out in rows:
        reasons.setdefault(out.reason, []).append(out.row)
    return [f"Left out: {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _rate_total(kind: str, label: str, pooled: PooledProportion) -> ForestLine:
    """Line of a pooled rate."""
    if not pooled.poolable:
        label += ": too few to pool" if pooled.k < 4 else ": should not be pooled"
    return ForestLine(
        kind=kind,
        label=label,
        right=(_rate(pooled.estimate, pooled.ci_low, pooled.ci_high), ""),
        estimate=pooled.estimate,
        low=pooled.ci_low,
        high=pooled.ci_high,
        solid=pooled.poolable,
    )


def _rate(rate: float, low: float, high: float) -> str:
    """A rate with its interval in per cent."""
    return f"{100 * rate:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _percent(share: float) -> str:
    """A share in per cent, bounded where it would print as 0 or 100."""
    if share < 0.005:
        return "<1 %"
    return ">99 %" if share > 0.995 else f"{100 * share:.0f} %"


def _ratio(ratio: float, low: float, high: float) -> str:
    """A hazard ratio with its interval."""
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"
