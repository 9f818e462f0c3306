"""What state each cell is in, or that it cannot be said.

Calls on programs are relative: a cell is called dormant because its programs stand out among random
sets of genes *in comparison with the other cells of its matrix*; a matrix of dormant cells only has
no dormant calls. Calls on receptors are absolute within the cell: a gene is on at or above the
median of the genes detected in that cell, off below their lower quartile in a deep cell, and in
between nothing is said. Every threshold is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.expression.matrix import Expression
from marrowtrace.expression.programs import program
from marrowtrace.expression.quality import FEWEST_DETECTED, PLATELET_BORNE, Quality
from marrowtrace.expression.scores import Scores, score_programs

HIGH = 1.5
"""Matched score, in standard deviations of random sets, from which a program is high (assumed)."""
LEAST_COVERAGE = 0.5
"""Share of a program's genes to be in the data before it is called on (assumed)."""
DEEP = 2000
"""Genes detected from which a low or silent gene is told from one not seen (assumed)."""
ABSTAIN = "not called"
AXES: dict[str, tuple[str, ...]] = {
    "cycle": ("dormant", "cycling"),
    "epithelial_mesenchymal": ("epithelial", "hybrid", "mesenchymal"),
    "stem_like": ("stem-like", "not stem-like"),
    "bone": ("osteoblast-like", "osteoclast-like", "neither"),
    "mhc1": ("low", "not low"),
    "upr": ("high", "not high"),
    "er": ("positive", "negative"),
    "her2": ("positive", "negative"),
}
"""Axes of calls, each with the states that a cell may be in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls of every cell of one matrix.

    Parameters
    ----------
    table : polars.DataFrame
        One row a cell; for each axis the state or ``not called``, and ``<axis>_why`` where it is
        not called.
    notes : tuple of str
    """

    table: pl.DataFrame
    notes: tuple[str, ...]

    def counts(self, axis: str) -> dict[str, int]:
        """How many cells are in each state of an axis."""
        values = self.table[axis].to_list()
        return {state: values.count(state) for state in (*AXES[axis], ABSTAIN)}


def call_states(expression: Expression, scores: Scores, quality: Quality) -> Calls:
    """Call every axis in every cell.

    Parameters
    ----------
    expression : Expression
    scores : Scores
        Of the same matrix.
    quality : Quality
        Of the same matrix; flagged cells are not called.

    Returns
    -------
    Calls
    """
    n = len(expression.samples)
    unfit = _unfit(quality)
    depth = expression.detected().astype(float)
    states = {
        "cycle": _cycle(scores),
        "epithelial_mesenchymal": _epithelial(expression, scores, quality),
        "stem_like": _high(scores, "stem_like", "stem-like", "not stem-like"),
        "bone": _bone(scores),
        "mhc1": _mhc1(scores, depth),
        "upr": _high(scores, "upr", "high", "not high"),
        "er": _receptor(expression, "ESR1"),
        "her2": _receptor(expression, "ERBB2"),
    }
    columns: dict[str, list[str]] = {
        "sample": list(expression.samples),
        "matrix": [expression.name] * n,
    }
    for axis, (state, why) in states.items():
        for i in range(n):
            if unfit[i]:
                state[i], why[i] = ABSTAIN, unfit[i]
        columns[axis] = state
        columns[f"{axis}_why"] = why
    notes = [
        "calls on programs are relative to the other cells of the same matrix; receptor calls are "
        "made within each cell",
        "a receptor is negative where its one gene is silent in a cell of "
        f"{DEEP} genes or more; cells miss transcripts, so negative calls are the weaker ones",
    ]
    covered = set(scores.table.filter(pl.col("coverage") >= LEAST_COVERAGE)["program"])
    thin = sorted(
        p for p in ("proliferation", "epithelial", "mesenchymal", "mhc1") if p not in covered
    )
    if thin:
        notes.append(
            f"too few genes of {', '.join(thin)} are in the data; nothing is called on them"
        )
    return Calls(table=pl.DataFrame(columns), notes=tuple(notes))


_State = tuple[list[str], list[str]]


def _unfit(quality: Quality) -> list[str]:
    """Why a cell is not to be called at all, or nothing."""
    bad = {
        "leukocyte": "looks like a leukocyte",
        "plasma_cell": "looks like a plasma cell",
        "shallow": f"fewer than {FEWEST_DETECTED} genes detected",
        "housekeeping": "housekeeping genes not detected",
        "mitochondrial": "mostly mitochondrial",
    }
    return [
        "; ".join(text for name, text in bad.items() if name in flags)
        for flags in quality.table["flags"]
    ]


def _covered(scores: Scores, *names: str) -> bool:
    table = scores.table
    return all(
        name in scores.programs
        and float(table.filter(pl.col("program") == name)["coverage"][0]) >= LEAST_COVERAGE
        for name in names
    )


def _nothing(scores: Scores, why: str) -> _State:
    n = len(scores.samples)
    return [ABSTAIN] * n, [why] * n


def _cycle(scores: Scores) -> _State:
    """Cycling on proliferation; dormant on a quiescence program with proliferation not high."""
    if not _covered(scores, "proliferation", "dormancy_core"):
        return _nothing(scores, "too few genes of the programs")
    cycling = scores.of("proliferation") >= HIGH
    core = scores.of("dormancy_core") >= HIGH
    arrest = scores.of("g0_arrest") >= HIGH
    quiet = scores.of("proliferation") < 0.0
    state, why = [], []
    for i in range(len(scores.samples)):
        if cycling[i] and not core[i]:
            state.append("cycling")
            why.append("")
        elif quiet[i] and (core[i] or arrest[i]):
            state.append("dormant")
            why.append("")
        else:
            state.append(ABSTAIN)
            why.append("programs disagree" if cycling[i] else "neither program stands out")
    return state, why


def _epithelial(expression: Expression, scores: Scores, quality: Quality) -> _State:
    """Epithelial, hybrid or mesenchymal, without the genes that platelets carry."""
    if not _covered(scores, "epithelial", "mesenchymal"):
        return _nothing(scores, "too few genes of the programs")
    mesenchymal = scores.of("mesenchymal")
    coated = quality.flagged("platelet")
    if coated.any():
        mesenchymal = without_platelets(expression)
    e, m = scores.of("epithelial") >= HIGH, mesenchymal >= HIGH
    state, why = [], []
    for i in range(len(scores.samples)):
        found = (
            "hybrid" if e[i] and m[i] else "epithelial" if e[i] else "mesenchymal" if m[i] else ""
        )
        state.append(found or ABSTAIN)
        why.append("" if found else "neither program stands out")
    return state, why


def without_platelets(expression: Expression) -> NDArray[np.float64]:
    """Return the matched mesenchymal score without genes of platelets, shape (samples,)."""
    base = program("mesenchymal")
    masked = type(base)(
        name=base.name,
        up=tuple(g for g in base.up if g not in PLATELET_BORNE),
        down=base.down,
        sources=base.sources,
        scope=base.scope,
        unchecked=base.unchecked,
    )
    return score_programs(expression, (masked,)).matched[:, 0]


def _high(scores: Scores, name: str, yes: str, no: str) -> _State:
    """High, or clearly not high; nothing in between."""
    if not _covered(scores, name):
        return _nothing(scores, "too few genes of the program")
    values = scores.of(name)
    state = [yes if v >= HIGH else no if v <= 0.0 else ABSTAIN for v in values]
    return state, ["" if s != ABSTAIN else "in between" for s in state]


def _bone(scores: Scores) -> _State:
    """Osteoblast- or osteoclast-like; osteomimicry has to stand beyond what EMT explains."""
    if not _covered(scores, "osteomimicry", "osteoclast_like"):
        return _nothing(scores, "too few genes of the programs")
    osteoblast = scores.of("osteomimicry") >= HIGH
    partial = scores.partial.get("osteomimicry")
    own = osteoblast if partial is None else osteoblast & (partial > 0)
    osteoclast = scores.of("osteoclast_like") >= HIGH
    low = (scores.of("osteomimicry") <= 0) & (scores.of("osteoclast_like") <= 0)
    state, why = [], []
    for i in range(len(scores.samples)):
        if own[i] != osteoclast[i]:
            state.append("osteoblast-like" if own[i] else "osteoclast-like")
            why.append("")
        elif low[i]:
            state.append("neither")
            why.append("")
        else:
            state.append(ABSTAIN)
            both = own[i] and osteoclast[i]
            follows = osteoblast[i] and not own[i]
            why.append("both stand out" if both else "follows EMT" if follows else "in between")
    return state, why


def _mhc1(scores: Scores, depth: NDArray[np.float64]) -> _State:
    """Low MHC class I, only where the cell is deep enough to tell low from not seen."""
    if not _covered(scores, "mhc1"):
        return _nothing(scores, "too few genes of the program")
    values = scores.of("mhc1")
    state, why = [], []
    for value, genes in zip(values, depth, strict=True):
        if value <= -HIGH and genes < DEEP:
            state.append(ABSTAIN)
            why.append(f"fewer than {DEEP} genes: low and not seen are the same")
        elif value <= -HIGH:
            state.append("low")
            why.append("")
        elif value > 0:
            state.append("not low")
            why.append("")
        else:
            state.append(ABSTAIN)
            why.append("in between")
    return state, why


def _receptor(expression: Expression, gene: str) -> _State:
    """On, off or not known, from the level of the gene among those detected in the cell."""
    n = len(expression.samples)
    if gene not in expression.genes or expression.scale == "ratio":
        return [ABSTAIN] * n, [f"{gene} is not in the data"] * n
    level = expression.gene(gene)
    lower, middle = _quantiles(expression)
    depth = expression.detected()
    state, why = [], []
    for i in range(n):
        if level[i] >= middle[i]:
            state.append("positive")
            why.append("")
        elif level[i] >= lower[i]:
            state.append(ABSTAIN)
            why.append(f"{gene} is faint")
        elif depth[i] < DEEP:
            state.append(ABSTAIN)
            why.append(f"{gene} not seen, in a cell of fewer than {DEEP} genes")
        else:
            state.append("negative")
            why.append("")
    return state, why


def _quantiles(expression: Expression) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower quartile and median of the genes detected in each sample."""
    out = np.empty((len(expression.samples), 2))
    for i in range(len(expression.samples)):
        if expression.sparse:
            a, b = expression.values.indptr[i], expression.values.indptr[i + 1]
            found = expression.values.data[a:b]
        else:
            found = expression.values[i][expression.values[i] > 0]
        out[i] = np.percentile(found, (25, 50)) if found.size else np.inf
    return out[:, 0], out[:, 1]
