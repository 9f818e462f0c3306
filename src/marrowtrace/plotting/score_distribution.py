"""Scores of a few programs by type, every sample a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.plotting.style import COLOURS, GREY, MARKERS, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from marrowtrace.expression.scores import Scores

SHOWN = (
    "dormancy_core", "g0_arrest", "proliferation", "epithelial", "mesenchymal", "stem_like",
    "osteomimicry", "osteoclast_like", "mhc1", "upr", "receptor_er", "receptor_her2",
)  # fmt: skip


def draw_scores(
    scores: Scores, types: Sequence[str] | None, *, programs: Sequence[str] = SHOWN
) -> Figure:
    """Draw matched scores, one panel a program, points spread sideways by rank, medians as bars.

    Parameters
    ----------
    scores : Scores
    types : sequence of str or None
        Type of each sample.
    programs : sequence of str
        Those without scores are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [p for p in programs if np.isfinite(scores.of(p)).any()]
    kinds = list(types) if types is not None else ["all"] * len(scores.samples)
    names = list(dict.fromkeys(kinds))
    columns = 4
    rows = max(1, -(-len(shown) // columns))
    with house_style():
        figure = Figure(figsize=(8.6, 1.9 * rows + 0.5), layout="constrained")
        FigureCanvasAgg(figure)
        for k, program in enumerate(shown):
            ax = figure.add_subplot(rows, columns, k + 1)
            values = scores.of(program)
            for x, name in enumerate(names):
                mine = values[[i for i, kind in enumerate(kinds) if kind == name]]
                mine = mine[np.isfinite(mine)]
                order = np.argsort(np.argsort(mine, kind="stable"), kind="stable")
                spread = ((order * 0.618034) % 1.0 - 0.5) * 0.5
                ax.scatter(
                    x + spread, mine, s=9, color=COLOURS[x % len(COLOURS)], alpha=0.7, lw=0,
                    marker=MARKERS[x % len(MARKERS)], rasterized=len(kinds) > 400,
                )  # fmt: skip
                if mine.size:
                    ax.hlines(np.median(mine), x - 0.33, x + 0.33, color="black", lw=1.4)
            ax.axhline(0, color=GREY, lw=0.6, ls=":")
            ax.set_title(program.replace("_", " "), fontsize=8.5)
            ax.set_xlim(-0.6, len(names) - 0.4)
            rotated = max(map(len, names)) * len(names) > 16
            ax.set_xticks(range(len(names)), names, fontsize=7, rotation=30 if rotated else 0,
                          ha="right" if rotated else "center")  # fmt: skip
        figure.supylabel("score against matched random sets [SD]", fontsize=8.5)
    return figure
