"""Effect against evidence for every gene of one comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.style import BLUE, GREY, VERMILION, house_style, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from marrowtrace.expression.differential import Comparison

TALLEST = 300.0
"""-log10 P beyond which points are drawn at the rim."""


def draw_volcano(comparison: Comparison, *, named: Sequence[str] = (), top: int = 12) -> Axes:
    """Draw log2 change against -log10 P.

    Parameters
    ----------
    comparison : Comparison
    named : sequence of str
        Genes to name if they were tested; ``top`` further ones are the first of the table.
    top : int
    """
    from marrowtrace.expression.differential import FDR

    table = comparison.table.drop_nulls(["p", "effect"])
    effect = table["effect"].to_numpy()
    height = np.minimum(-np.log10(np.maximum(table["p"].to_numpy(), 1e-320)), TALLEST)
    settled = table["fdr"].fill_null(1.0).to_numpy() < FDR
    reach = max(float(np.percentile(np.abs(effect), 99.8)) * 1.15, 1.0) if effect.size else 1.0
    with house_style():
        ax = new_axes(width=6.4, height=4.6)
        for mask, colour, label in (
            (~settled, "#bbbbbb", "not settled"),
            (settled & (effect > 0), VERMILION, f"higher in {comparison.second}"),
            (settled & (effect < 0), BLUE, f"lower in {comparison.second}"),
        ):
            ax.scatter(
                np.clip(effect[mask], -reach, reach), height[mask], s=5, color=colour, alpha=0.5,
                lw=0, rasterized=True, label=f"{label} ({int(mask.sum()):,})",
            )  # fmt: skip
        genes = table["gene"].to_list()
        place = {gene: i for i, gene in enumerate(genes)}
        wanted = [g for g in named if g in place and settled[place[g]]][:14]
        wanted += [g for g in genes[:top] if g not in wanted and settled[place[g]]]
        wanted = [g for g in wanted if not g.startswith("ENS")]
        _name_points(ax, wanted, place, np.clip(effect, -reach, reach), height)
        ax.axvline(0, color=GREY, lw=0.8)
        ax.set_xlim(-1.08 * reach, 1.08 * reach)
        ax.set_xlabel(f"log2 change, {comparison.second} over {comparison.first}")
        ax.set_ylabel("-log10 P")
        ax.set_title(
            f"{comparison.study}: {comparison.significant:,} of {len(genes):,} genes at FDR {FDR:g}"
        )
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, markerscale=3)
    return ax


def _name_points(
    ax: Axes,
    wanted: list[str],
    place: dict[str, int],
    effect: np.ndarray,
    height: np.ndarray,
) -> None:
    """Write names from high to low, each below the last on its side where they would meet."""
    step = 0.045 * float(height.max() or 1.0)
    for side in (-1, 1):
        last = np.inf
        chosen = [g for g in wanted if np.sign(effect[place[g]]) == side]
        for gene in sorted(chosen, key=lambda g: -height[place[g]]):
            x, y = float(effect[place[gene]]), float(height[place[gene]])
            at = min(y, last - step)
            last = at
            ax.annotate(
                gene, (x, y), (x + side * 0.03 * float(np.abs(effect).max()), at), fontsize=7,
                ha="left" if side > 0 else "right", va="center",
                arrowprops={"arrowstyle": "-", "lw": 0.4, "color": GREY},
            )  # fmt: skip
