"""Which types were measured in which studies: the picture of what a data set can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marrowtrace.plotting.style import BLUE, GREY, VERMILION, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.expression.design import Design


def draw_design(design: Design) -> Axes:
    """Draw types against batches, circles as large as their number of samples.

    Types joined by a line within one row can be compared there; a type that is alone in its rows
    cannot be told from its study.

    Parameters
    ----------
    design : Design
    """
    table = design.counts
    factors = [name for name in table.columns if name not in design.types]
    rows = table.to_dicts()
    height = 1.4 + 0.5 * len(rows)
    with house_style():
        ax = new_axes(width=max(5.0, 2.6 + 1.3 * len(design.types)), height=height)
        largest = max(max(int(row[t]) for t in design.types) for row in rows)
        for y, row in enumerate(rows):
            present = [x for x, t in enumerate(design.types) if row[t]]
            if len(present) > 1:
                ax.plot([present[0], present[-1]], [y, y], color=BLUE, lw=2, zorder=1)
            for x in present:
                count = int(row[design.types[x]])
                alone = len(present) == 1
                ax.scatter(
                    x, y, s=160 + 540 * count / largest, zorder=2, edgecolor="white",
                    marker="s" if alone else "o", color=VERMILION if alone else BLUE,
                )  # fmt: skip
                ax.annotate(str(count), (x, y), ha="center", va="center", color="white",
                            fontsize=8, zorder=3)  # fmt: skip
        ax.set_xticks(range(len(design.types)), design.types)
        ax.set_yticks(
            range(len(rows)), [" / ".join(str(row[name]) for name in factors) for row in rows]
        )
        ax.set_xlim(-0.6, len(design.types) - 0.4)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.grid(axis="y", color="#e5e5e5", lw=0.8)
        ax.tick_params(length=0)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        verdict = (
            "every contrast can be answered" if design.identifiable
            else "some contrasts cannot be told from the batches"
        )  # fmt: skip
        ax.set_title(verdict, color=GREY)
    return ax
