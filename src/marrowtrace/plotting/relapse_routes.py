"""Routes by which first relapses came, and how long each stage took: the truth of a simulation."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marrowtrace.plotting.style import BLACK, COLOURS, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def relapse_routes(groups: Sequence[Mapping[str, Any]], *, ax: Axes | None = None) -> Axes:
    """Draw the share of first relapses that came by each route, one bar a group.

    Parameters
    ----------
    groups : sequence of mapping
        Each with ``group``, ``relapses`` and ``routes``: rows of ``meaning``, ``positive``
        (relapses), ``rate``, ``low``, ``high``.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    meanings = list(dict.fromkeys(row["meaning"] for one in groups for row in one["routes"]))
    thick = 0.8 / max(1, len(groups))
    with house_style():
        if ax is None:
            ax = new_axes(width=6.8, height=1.0 + 0.3 * len(meanings) * (1 + len(groups)) / 1.4)
        top = 1.0
        for number, one in enumerate(groups):
            colour = COLOURS[number % len(COLOURS)]
            label = f"{one['group']} ({one['relapses']:,} relapses)"
            for row in one["routes"]:
                place = meanings.index(row["meaning"]) + thick * (number - (len(groups) - 1) / 2)
                value = 100 * row["rate"]
                ax.barh(place, value, height=0.9 * thick, color=colour, alpha=0.85, label=label)
                label = "_nolegend_"
                ends = [100 * row["low"], 100 * row["high"]]
                ax.plot(ends, [place, place], color=BLACK, linewidth=1)
                ax.annotate(
                    f"{row['positive']:,} ({value:.3g} %)", (100 * row["high"], place),
                    xytext=(5, 0), textcoords="offset points", va="center", fontsize=7.5,
                )  # fmt: skip
                top = max(top, 130 * row["high"])
        labels = ["\n".join(textwrap.wrap(meaning, 34)) for meaning in meanings]
        ax.set_yticks(range(len(meanings)), labels)
        ax.set_ylim(len(meanings) - 0.5, -0.5)
        ax.set_xlim(0, top)
        ax.set_xlabel("% of first distant relapses")
        if len(groups) > 1:
            ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    return ax


def relapse_durations(rows: Sequence[Mapping[str, Any]], *, ax: Axes | None = None) -> Axes:
    """Draw medians and quartiles of the stages of a relapse.

    Parameters
    ----------
    rows : sequence of mapping
        With ``interval``, ``origin``, ``relapses``, ``median``, ``low``, ``high`` [year].
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
    """
    intervals = list(dict.fromkeys(row["interval"] for row in rows))
    with house_style():
        if ax is None:
            ax = new_axes(width=6.8, height=1.0 + 0.27 * max(1, len(rows)))
        for place, row in enumerate(rows):
            colour = COLOURS[intervals.index(row["interval"]) % len(COLOURS)]
            ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=5, alpha=0.4)
            ax.plot(row["median"], place, "o", color=colour)
        labels = [f"{row['interval']}, {row['origin']} ({row['relapses']:,})" for row in rows]
        ax.set_yticks(range(len(rows)), labels)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlim(left=0)
        ax.set_xlabel("years: median (point) and quartiles (bar)")
    return ax
