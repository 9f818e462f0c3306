"""Flow of patients through a study: boxes with counts, one column an arm."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marrowtrace.plotting.style import BLACK, GREY, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GAP, _WIDTH, _BESIDE = 0.38, 4.4, 2
_INCHES, _LETTERS = 4.0, 54


def flow_diagram(
    flow: Mapping[str, Any],
    *,
    labels: Mapping[str, str] | None = None,
    visits: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw who was simulated, left out, followed and sampled.

    Parameters
    ----------
    flow : mapping
        ``screened`` (rows of ``arm``, ``reason``, ``patients``) and ``arms`` (rows of ``arm``,
        ``patients``, ``visits`` with ``visit``, ``relapsed``, ``died``, ``left``, ``there``,
        ``sampled``, ``rules``, and ``end``).
    labels : mapping of str to str, optional
        What each arm is called.
    visits : sequence of str
        Visits that get a box; all if empty.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    names = labels or {}
    arms = flow["arms"]
    columns = [_column(flow, row, names.get(row["arm"], row["arm"]), visits) for row in arms]
    bands = [columns[i : i + _BESIDE] for i in range(0, len(columns), _BESIDE)]
    heights = [_heights(band) for band in bands]
    deep = [sum(sizes) + _GAP * (len(sizes) - 1) for sizes in heights]
    total = sum(deep) + 2 * _GAP * (len(bands) - 1)
    wide = min(_BESIDE, len(columns))
    with house_style():
        if ax is None:
            ax = new_axes(width=0.2 + _INCHES * wide, height=0.2 + 0.62 * total)
        start = total
        for band, sizes, depth in zip(bands, heights, deep, strict=True):
            for number, column in enumerate(band):
                _draw_column(ax, _WIDTH * (number + 0.5), start, column, sizes)
            start -= depth + 2 * _GAP
        ax.set_xlim(0, _WIDTH * wide)
        ax.set_ylim(-0.05, total + 0.05)
        ax.set_axis_off()
    return ax


def _heights(columns: Sequence[Sequence[str]]) -> list[float]:
    """Height of each row of boxes: that of its tallest text."""
    depth = max((len(column) for column in columns), default=0)
    return [max(_height(c[i]) for c in columns if i < len(c)) for i in range(depth)]


def _draw_column(
    ax: Axes, centre: float, top: float, texts: Sequence[str], sizes: Sequence[float]
) -> None:
    """Boxes of one arm, joined by arrows."""
    for place, text in enumerate(texts):
        height = sizes[place]
        _box(ax, centre, top - height / 2, height, text)
        if place + 1 < len(texts):
            _arrow(ax, centre, top - height, top - height - _GAP)
        top -= height + _GAP


def _column(
    flow: Mapping[str, Any], row: Mapping[str, Any], label: str, visits: Sequence[str]
) -> list[str]:
    """Texts of the boxes of one arm, from the top."""
    mine = [one for one in flow["screened"] if one["arm"] == row["arm"]]
    simulated = sum(one["patients"] for one in mine)
    out = [
        f"{one['reason']}: {one['patients']:,}"
        for one in mine
        if one["reason"] != "enrolled" and one["patients"]
    ]
    first = f"{simulated:,} simulated" if mine else f"{row['patients']:,} patients"
    if out:
        first += "\nleft out: " + "; ".join(out)
    boxes = [_wrapped(first), _wrapped(f"{label}: {row['patients']:,} patients")]
    for rule in row.get("rules", ()):
        added = f"{rule['regimen']} for {rule['positive']:,} positive at {rule['visit']}"
        boxes[1] += f"\n{_wrapped(added)}"
    for step in row["visits"]:
        if visits and step["visit"] not in visits:
            continue
        gone = _gone(step)
        whole = step["sampled"] <= step["there"]
        who = f"of {step['there']:,} under observation" if whole else "(relapsed ones included)"
        text = f"{step['visit']}: {step['sampled']:,} sampled {who}"
        boxes.append(_wrapped(text + (f"\nbefore: {gone}" if gone else "")))
    boxes.append(_wrapped(f"end of follow-up\n{_gone(row['end']) or 'nobody left'}"))
    return boxes


def _gone(counts: Mapping[str, Any]) -> str:
    words = (("relapsed", "relapsed"), ("died", "died"), ("left", "left observation"))
    return ", ".join(f"{counts[key]:,} {word}" for key, word in words if counts[key])


def _wrapped(text: str) -> str:
    return "\n".join(line for part in text.split("\n") for line in textwrap.wrap(part, _LETTERS))


def _height(text: str) -> float:
    return 0.3 + 0.27 * (text.count("\n") + 1)


def _box(ax: Axes, x: float, y: float, height: float, text: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    width = 0.92 * _WIDTH
    corner = (x - width / 2, y - height / 2)
    ax.add_patch(
        FancyBboxPatch(
            corner, width, height, boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="#f4f6f8", edgecolor=GREY, linewidth=0.9,
        )
    )  # fmt: skip
    ax.text(x, y, text, ha="center", va="center", fontsize=8, color=BLACK, linespacing=1.3)


def _arrow(ax: Axes, x: float, start: float, stop: float) -> None:
    form = {"arrowstyle": "-|>", "color": GREY, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x, stop), (x, start), arrowprops=form)
