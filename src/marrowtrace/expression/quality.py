"""Quality of samples and of whole data sets, before any of them is believed.

Cells taken from blood carry platelets and red cells on them, and some "tumour cells" are
leukocytes.
A gene counts as *on* in a sample where it stands at or above the median of the genes detected in
that sample (assumed; a rule within the sample, so that depth does not move it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.expression.genes import HOUSEKEEPING
from marrowtrace.expression.matrix import Expression
from marrowtrace.expression.programs import program
from marrowtrace.expression.scores import area_under_curve

FEWEST_DETECTED = 500
"""Genes detected below which nothing is called in a cell (assumed)."""
MOST_MITOCHONDRIAL = 0.25
"""Share of counts from mitochondrial genes above which a cell is flagged (assumed)."""
FEWEST_HOUSEKEEPING = 0.2
"""Share of housekeeping genes detected below which a sample is flagged (assumed)."""
SET_HOUSEKEEPING = 0.3
"""The same for the median of a data set, below which it is rejected (assumed)."""
DEPTH_AUC, DEPTH_P = 0.95, 1e-3
"""A class equals depth where depth tells it apart this well, and not by chance (assumed)."""
PANELS = {
    "leukocyte": "qc_leukocyte",
    "platelet": "platelet_coat",
    "erythroid": "qc_erythroid",
    "plasma_cell": "qc_plasma_cell",
    "stroma": "qc_stromal",
}
PLATELET_BORNE = ("SPARC", "SERPINE1", "TGFB1I1", "TGFB1", "VCL", "CLU", "GNG11", "MMRN1", "THBS1")
"""Genes that platelets carry and mesenchymal lists name; left out of a mesenchymal call.

SPARC follows the platelet genes in the blood-borne cells of GSE75367; the others are known of
platelets (assumed).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Quality of one matrix.

    Parameters
    ----------
    table : polars.DataFrame
        One row a sample: total, genes detected, shares, markers on in each panel, and ``flags``.
    faults : tuple of str
        Why the data set as a whole is not fit; empty if it is.
    notes : tuple of str
    """

    table: pl.DataFrame
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the data set is fit for use."""
        return not self.faults

    def flagged(self, name: str) -> NDArray[np.bool_]:
        """Which samples carry a flag, shape (samples,)."""
        return np.array([name in flags for flags in self.table["flags"]])

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        flags = [flag for row in self.table["flags"] for flag in row]
        return {
            "passed": self.passed,
            "faults": list(self.faults),
            "notes": list(self.notes),
            "flags": {name: flags.count(name) for name in sorted(set(flags))},
        }


def assess(
    expression: Expression, types: Sequence[str] | None = None, *, cells: bool = True
) -> Quality:
    """Judge every sample of a matrix, and the matrix.

    Parameters
    ----------
    expression : Expression
    types : sequence of str, optional
        Class of each sample, to be compared with depth.
    cells : bool
        Whether samples are single cells, for which markers of other cells are contamination; in
        bulk they are counted but not flagged.

    Returns
    -------
    Quality
    """
    blind = expression.scale == "ratio"
    detected = expression.detected().astype(float)
    depth_known = not blind and bool(detected.min() < 0.98 * len(expression.genes))
    reference = _medians(expression)
    place = {gene: i for i, gene in enumerate(expression.genes)}
    housekeeping = _share_on(expression, HOUSEKEEPING, place, np.zeros_like(reference))
    panels = {
        name: _share_on(expression, program(key).genes, place, reference)
        for name, key in PANELS.items()
    }
    cd45 = expression.gene("PTPRC")
    leukocyte = (np.nan_to_num(cd45, nan=-np.inf) > reference) | (panels["leukocyte"] >= 0.5)
    mitochondrial = _mitochondrial(expression)
    flags: list[list[str]] = [[] for _ in expression.samples]
    if cells and not blind:
        marks = {
            "leukocyte": leukocyte,
            "platelet": panels["platelet"] >= 0.4,
            "erythroid": panels["erythroid"] >= 0.4,
            "plasma_cell": panels["plasma_cell"] >= 0.6,
            "stroma": panels["stroma"] >= 0.6,
            "mitochondrial": np.nan_to_num(mitochondrial) > MOST_MITOCHONDRIAL,
            "shallow": depth_known & (detected < FEWEST_DETECTED),
            "housekeeping": housekeeping < FEWEST_HOUSEKEEPING,
        }
        for name, mask in marks.items():
            for i in np.flatnonzero(mask):
                flags[i].append(name)
    totals = expression.totals()
    table = pl.DataFrame(
        {
            "sample": list(expression.samples),
            "matrix": [expression.name] * len(expression.samples),
            "total": totals,
            "genes_detected": detected.astype(int),
            "mitochondrial": mitochondrial,
            "housekeeping": housekeeping,
            **panels,
            "flags": flags,
        },
        schema_overrides={"flags": pl.List(pl.String)},
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    faults, notes = _verdict(
        expression, place, housekeeping, detected if depth_known else None, types
    )
    notes += _contamination_notes(expression, place) if cells else []
    return Quality(table=table, faults=tuple(faults), notes=tuple(notes))


def _medians(expression: Expression) -> NDArray[np.float64]:
    """Median of the genes detected in each sample, shape (samples,)."""
    if expression.sparse:
        pointer, data = expression.values.indptr, expression.values.data
        return np.array([np.median(data[a:b]) if b > a else np.inf for a, b in pairwise(pointer)])
    if expression.scale == "ratio":
        return np.asarray(np.median(expression.values, axis=1), dtype=np.float64)
    return np.array([np.median(row[row > 0]) if (row > 0).any() else np.inf
                     for row in expression.values])  # fmt: skip


def _share_on(
    expression: Expression,
    genes: Sequence[str],
    place: dict[str, int],
    reference: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Share of these genes above a level in each sample; NaN if none of them is in the data."""
    columns = [place[gene] for gene in genes if gene in place]
    if not columns:
        return np.full(len(expression.samples), np.nan)
    part = expression.values[:, columns]
    part = part.toarray() if expression.sparse else part
    share: NDArray[np.float64] = (part > reference[:, None]).mean(axis=1)
    return share


def _mitochondrial(expression: Expression) -> NDArray[np.float64]:
    """Share of the total from genes of the mitochondrion; NaN where that means nothing."""
    columns = [i for i, gene in enumerate(expression.genes) if gene.startswith(("MT-", "mt-"))]
    if not columns or expression.scale not in ("counts", "tpm", "linear"):
        return np.full(len(expression.samples), np.nan)
    part = np.asarray(expression.values[:, columns].sum(axis=1), dtype=np.float64).ravel()
    return part / np.maximum(expression.totals(), 1e-300)


def _verdict(
    expression: Expression,
    place: dict[str, int],
    housekeeping: NDArray[np.float64],
    detected: NDArray[np.float64] | None,
    types: Sequence[str] | None,
) -> tuple[list[str], list[str]]:
    """What is wrong with the whole, and what is to be known of it."""
    faults, notes = [], []
    absent = [gene for gene in HOUSEKEEPING if gene not in place]
    if len(absent) > len(HOUSEKEEPING) / 2:
        faults.append(
            f"{expression.name}: {len(absent)} of {len(HOUSEKEEPING)} housekeeping genes are not "
            f"in the matrix ({', '.join(absent[:5])}...); was it cut to selected genes?"
        )
    elif expression.scale != "ratio" and float(np.median(housekeeping)) < SET_HOUSEKEEPING:
        faults.append(
            f"{expression.name}: half of the samples express fewer than "
            f"{float(np.median(housekeeping)):.0%} of the housekeeping genes; empty wells?"
        )
    if detected is None:
        notes.append("every gene has a value in every sample, so depth cannot be judged")
    elif types is not None:
        for name in dict.fromkeys(types):
            inside = np.array([each == name for each in types])
            if len(set(types)) < 2 or min(inside.sum(), (~inside).sum()) < 2:
                continue
            auc = area_under_curve(detected, inside)
            side = max(auc, 1.0 - auc)
            p = _rank_sum_p(detected, inside)
            if side >= DEPTH_AUC and p < DEPTH_P:
                faults.append(
                    f"{expression.name}: {name} equals depth: the number of genes detected alone "
                    f"tells it apart with AUC {side:.2f} (P = {p:.1g})"
                )
            elif side >= 0.7 and p < 0.05:
                notes.append(
                    f"the number of genes detected alone tells {name} apart with AUC {side:.2f}: "
                    "read scores beside their slope on depth"
                )
            if len(set(types)) == 2:
                break
    return faults, notes


def _rank_sum_p(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(values[inside], values[~inside]).pvalue)


def _contamination_notes(expression: Expression, place: dict[str, int]) -> list[str]:
    """How many samples hold the loudest genes of platelets and red cells."""
    if expression.scale == "ratio":
        return []
    out = []
    for gene, what in (("PPBP", "platelets"), ("HBB", "red cells")):
        if gene in place:
            share = float(np.mean(expression.gene(gene) > 0))
            if share > 0.5:
                out.append(f"{gene} ({what}) is detected in {share:.0%} of the samples")
    return out
