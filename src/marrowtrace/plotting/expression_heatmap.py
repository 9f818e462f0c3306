"""The clustered heatmap of programs: genes by program in rows, samples in columns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from marrowtrace.errors import MissingExtraError
from marrowtrace.plotting.style import COLOURS, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from marrowtrace.expression.matrix import Expression

ROWS: dict[str, tuple[str, ...]] = {
    "dormancy": ("NR2F1", "BHLHE41", "SOX9", "TGFB2", "TGFBR3", "CDKN1B", "CDKN1A", "DDR1"),
    "proliferation": ("MKI67", "TOP2A", "PCNA", "MCM2", "CCNB1", "FOXM1", "BIRC5"),
    "epithelial": ("EPCAM", "CDH1", "KRT8", "KRT18", "KRT19", "MUC1", "CLDN4"),
    "mesenchymal": ("VIM", "CDH2", "SNAI1", "SNAI2", "ZEB1", "TWIST1", "FN1", "MMP2"),
    "stem-like": ("CD44", "CD24", "ALDH1A1", "PROM1", "ITGA6", "MET"),
    "osteoblast-like": ("SPP1", "ALPL", "RUNX2", "IBSP", "COL1A1", "BMP4"),
    "osteoclast-like": ("TNFRSF11A", "CTSK", "ACP5", "TNFRSF11B", "CSF1R"),
    "MHC class I": ("HLA-A", "HLA-B", "B2M", "TAP1", "NLRC5"),
    "UPR": ("HSPA5", "XBP1", "ATF4", "DDIT3", "P4HB"),
    "receptors": ("ESR1", "PGR", "ERBB2", "GRB7", "AR"),
    "blood and marrow": ("PTPRC", "PPBP", "HBB", "SDC1"),
}
"""Genes shown, by program; the bundled subset follows the themes of the review's Figure 2."""
LIMIT = 2.5
"""Standard deviations at which the colours end."""
MOST_SAMPLES = 400
"""Samples drawn at most; beyond it an even choice of them is shown, and said."""


def draw_heatmap(
    expression: Expression,
    annotations: Mapping[str, Sequence[str]],
    *,
    rows: Mapping[str, Sequence[str]] | None = None,
    cluster: bool = True,
) -> Figure:
    """Draw standardised expression with samples clustered and rows grouped by program.

    Parameters
    ----------
    expression : Expression
        One matrix; genes are standardised over its samples.
    annotations : mapping of str to sequence of str
        Coloured bars over the columns: type, study, calls; each of as many values as samples.
    rows : mapping of str to sequence of str, optional
        Genes by program; `ROWS` if left out.
    cluster : bool
        Whether samples are clustered (average linkage on correlation); else they keep their order.

    Raises
    ------
    MissingExtraError
        If Marsilea is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import marsilea as ma  # type: ignore[import-untyped]
            from marsilea import plotter as mp
    except ImportError as err:
        raise MissingExtraError(
            "the heatmap needs Marsilea; install it with: pip install 'marrowtrace[expression]'"
        ) from err
    import matplotlib as mpl
    from matplotlib import pyplot as plt
    from matplotlib.layout_engine import PlaceHolderLayoutEngine

    chosen = ROWS if rows is None else rows
    values, genes, groups = _rows(expression, chosen)
    index = np.arange(len(expression.samples))
    if index.size > MOST_SAMPLES:
        index = np.linspace(0, index.size - 1, MOST_SAMPLES).astype(int)
    data = values[:, index]
    width = min(8.0, max(3.2, 0.09 * index.size))
    loose = mpl.rc_context({"figure.constrained_layout.use": False})
    with house_style(), loose, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        board = ma.Heatmap(
            data, cmap="RdBu_r", vmin=-LIMIT, vmax=LIMIT, width=width, height=0.135 * len(genes),
            label="z", cbar_kws={"orientation": "horizontal"},
        )  # fmt: skip
        names = list(dict.fromkeys(groups))
        board.group_rows(groups, order=names, spacing=0.006)
        board.add_left(mp.Chunk(names, rotation=0, padding=4, align="right", fontsize=8), pad=0.05)
        board.add_right(mp.Labels(genes, fontsize=6.5), pad=0.05)
        for title, given in reversed(list(annotations.items())):
            palette, shown = _palette(np.array([given[int(i)] for i in index], dtype=object))
            board.add_top(
                mp.Colors(shown, palette=palette, label=title,
                          label_props={"fontsize": 8}), size=0.14, pad=0.03,
            )  # fmt: skip
        if cluster and index.size > 2:
            board.add_dendrogram("top", method="average", metric="euclidean", size=0.4, pad=0.03,
                                 linewidth=0.6)  # fmt: skip
        board.add_legends(side="bottom", pad=0.15)
        board.render()
        figure: Figure = board.figure
    figure.set_layout_engine(
        PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=True)
    )
    plt.close(figure)
    return figure


def _rows(
    expression: Expression, chosen: Mapping[str, Sequence[str]]
) -> tuple[np.ndarray, list[str], list[str]]:
    """Standardised values (genes, samples) of the genes that are there and vary."""
    logged = expression.logged()[0]
    place = {gene: i for i, gene in enumerate(expression.genes)}
    values, genes, groups = [], [], []
    for name, wanted in chosen.items():
        for gene in wanted:
            if gene not in place:
                continue
            column = logged[:, [place[gene]]]
            column = column if isinstance(column, np.ndarray) else column.toarray()
            column = np.asarray(column, dtype=float).ravel()
            if column.std() > 0:
                values.append((column - column.mean()) / column.std(ddof=1))
                genes.append(gene)
                groups.append(name)
    return np.clip(np.array(values), -LIMIT, LIMIT), genes, groups


def _palette(values: np.ndarray) -> tuple[dict[str, str], np.ndarray]:
    """Colours of up to seven levels, the rarest beyond them as 'other'; not called is pale grey."""
    text = np.array([str(v) for v in values], dtype=object)
    levels, counts = np.unique(text, return_counts=True)
    order = [str(levels[i]) for i in np.argsort(-counts, kind="stable")]
    named = [level for level in order if level != "not called"]
    kept, rest = named[:7], set(named[7:])
    shown = np.array(["other" if v in rest else v for v in text], dtype=object)
    palette = {level: COLOURS[i % len(COLOURS)] for i, level in enumerate(sorted(kept))}
    if rest:
        palette["other"] = "#888888"
    if "not called" in order:
        palette["not called"] = "#e4e4e4"
    return palette, shown.astype(str)
