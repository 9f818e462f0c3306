"""Linear or parallel, from data: where each lineage left the primary's trunk, and how sure it is.

After Figure 1 of Sai and Xiang 2018, which draws the two modes as a scheme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marrowtrace.plotting.site_colours import site_colours, words
from marrowtrace.plotting.style import BLACK, GREY, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.phylogeny.verdict import Verdict

_LATE = 1.0
_MOST = 12


def dissemination_modes(verdict: Verdict, *, ax: Axes | None = None) -> Axes:
    """Draw the primary's trunk and the place where each lineage left it.

    Parameters
    ----------
    verdict : Verdict
        With one lineage or more.
    ax : matplotlib.axes.Axes, optional
        Made where left out.

    Returns
    -------
    matplotlib.axes.Axes
        A lineage leaves at the end of the trunk if late is likelier (linear), before if early is
        (parallel); the bar is the 95 % interval of the place if it left early.
    """
    found = sorted(verdict.lineages, key=lambda each: not each.counted)[:_MOST]
    sites = [site for each in verdict.lineages for site in each.sites]
    colours = site_colours(sites)
    with house_style():
        if ax is None:
            ax = new_axes(width=7.2, height=1.7 + 0.55 * max(1, len(found)))
        ax.annotate(
            "", xy=(1.12, 0), xytext=(0, 0),
            arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 5},
        )  # fmt: skip
        ax.text(0.0, 0.22, "primary's trunk", color=GREY, fontsize=8)
        for row, each in enumerate(found):
            what = each.departure
            colour = colours[each.sites[0]]
            early = what.early >= 0.5
            left, height = (what.fraction if early else _LATE), -0.8 - 0.75 * row
            faint = 1.0 if each.counted else 0.45
            ax.plot(
                [left, left, 1.25], [0, height, height], color=colour, linewidth=2.2, alpha=faint
            )
            if early:
                ax.plot(
                    [what.fraction_low, what.fraction_high], [height, height], color=BLACK,
                    linewidth=1, alpha=faint, marker="|",
                )  # fmt: skip
            names = ", ".join(words(site) for site in each.sites[:2])
            more = f" and {len(each.sites) - 2} more sites" if len(each.sites) > 2 else ""
            cells = f"{each.cells} cell{'s' if each.cells != 1 else ''}"
            if verdict.sorted_by_site is None:
                cells = cells.replace("cell", "sample")
            chance = f"early {what.early:.2g}, late {1 - what.early:.2g}"
            ax.text(
                1.27, height, f"{names}{more} ({cells})\n{chance}", va="center", fontsize=7.5,
                color=BLACK if each.counted else GREY,
            )  # fmt: skip
        ax.axvline(_LATE, color=GREY, linewidth=0.7, linestyle=":")
        ax.set_xlim(-0.03, 2.05)
        ax.set_ylim(-0.8 - 0.75 * len(found), 0.6)
        ax.set_yticks([])
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25", "50", "75", "100"])
        ax.set_xlabel("trunk mutations gathered when the lineage left [%]", loc="left")
        ax.spines["left"].set_visible(False)
        ax.spines["bottom"].set_bounds(0, 1)
    return ax


def support_bars(verdict: Verdict, *, ax: Axes | None = None) -> Axes:
    """Draw the support of linear, parallel and mixed, with the threshold of a verdict."""
    with house_style():
        if ax is None:
            ax = new_axes(width=5.0, height=1.7)
        names = list(verdict.support)
        for place, name in enumerate(names):
            value = verdict.support[name]
            given = name == verdict.verdict
            ax.barh(place, value, color=BLACK if given else GREY, height=0.55)
            ax.text(value + 0.01, place, f"{value:.2g}", va="center", fontsize=8)
        ax.axvline(verdict.threshold, color=BLACK, linewidth=0.8, linestyle="--")
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xlim(0, 1.12)
        ax.set_xticks([0, 0.5, verdict.threshold, 1.0])
        ax.set_xlabel("support")
    return ax
