r"""Scores of programs, against expression-matched random sets, and what depth does to them.

Each gene is standardised over the samples of a matrix (:math:`z`). The raw score of a program with
signs :math:`c_g = \pm 1` is :math:`\frac1n \sum_g c_g z_g`. A program of highly expressed genes
rises with depth whatever the cell does, so the score is set against random sets whose genes come
from the same bins of mean expression (the idea of Tirosh 2016, remembered, not seen). Their mean
and variance need no drawing: for :math:`n_b` genes drawn without replacement from the :math:`N_b`
of bin :math:`b`, with signs that sum to :math:`C_b`, and bin mean and variance :math:`m_b, s_b^2`
(divisor :math:`N_b - 1`) of that sample,

.. math:: E = \frac1n \sum_b C_b m_b, \qquad
          V = \frac1{n^2} \sum_b s_b^2 \left(n_b - C_b^2 / N_b\right),

the usual variance of a linear form in a simple random sample. The matched score is
:math:`(\text{raw} - E)/\sqrt V`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.expression.matrix import Expression
from marrowtrace.expression.programs import Program, programs

BINS = 25
"""Bins of mean expression."""
CHUNK = 4096
FEWEST_GENES = 2
"""Genes of a program to be in the data for a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of every program in every sample of one matrix.

    Parameters
    ----------
    programs : tuple of str
    samples : tuple of str
    raw : ndarray, shape (samples, programs)
        Mean of the signed z-scores; NaN where fewer than `FEWEST_GENES` genes are in the data
        (one gene is enough for a program of one).
    matched : ndarray, shape (samples, programs)
        Against random sets matched by expression, in their standard deviations.
    corrected : ndarray, shape (samples, programs)
        Matched score less what a straight line in the number of genes detected explains; equal to
        it where depth is not known.
    partial : dict of str to ndarray, shape (samples,)
        Scores of overlapping programs without the shared genes and less what EMT explains.
    table : polars.DataFrame
        One row a program: genes found, coverage, slope on depth and rank correlations with it.
    depth : ndarray or None, shape (samples,)
        Genes detected; None where every gene is always detected.
    """

    programs: tuple[str, ...]
    samples: tuple[str, ...]
    raw: NDArray[np.float64]
    matched: NDArray[np.float64]
    corrected: NDArray[np.float64]
    partial: dict[str, NDArray[np.float64]]
    table: pl.DataFrame
    depth: NDArray[np.float64] | None

    def of(self, name: str, kind: str = "matched") -> NDArray[np.float64]:
        """Return one program's scores, shape (samples,); all NaN if it is not there."""
        if name not in self.programs:
            return np.full(len(self.samples), np.nan)
        values: NDArray[np.float64] = getattr(self, kind)[:, self.programs.index(name)]
        return values

    def long(self) -> pl.DataFrame:
        """Return one row a sample and program."""
        count = len(self.programs)
        return pl.DataFrame(
            {
                "sample": np.repeat(np.array(self.samples, dtype=object), count).tolist(),
                "program": list(self.programs) * len(self.samples),
                "raw": self.raw.ravel(),
                "matched": self.matched.ravel(),
                "corrected": self.corrected.ravel(),
                "partial": np.column_stack(
                    [
                        self.partial.get(name, np.full(len(self.samples), np.nan))
                        for name in self.programs
                    ]
                ).ravel(),
            }
        ).with_columns(pl.col(pl.Float64).fill_nan(None))


def score_programs(expression: Expression, chosen: tuple[Program, ...] | None = None) -> Scores:
    """Score programs in every sample.

    Parameters
    ----------
    expression : Expression
        Three samples or more; genes without variance are left out.
    chosen : tuple of Program, optional
        Every shipped program if left out.

    Returns
    -------
    Scores
    """
    chosen = programs() if chosen is None else chosen
    logged, _ = expression.logged()
    mean, sd = _moments(logged)
    usable = np.flatnonzero(sd > 1e-12)
    genes = np.array(expression.genes, dtype=object)[usable]
    place = {gene: i for i, gene in enumerate(genes)}
    x = logged if usable.size == sd.size else logged[:, usable]
    m, s = mean[usable], sd[usable]
    bins = _bins(m)
    weights, signs, counts = _weights(chosen, place, bins)
    sizes = np.bincount(bins, minlength=BINS).astype(float)
    raw, matched = _chunks(x, m, s, weights, signs, counts, bins, sizes)
    enough = np.array([_enough(each, place) for each in chosen])
    raw[:, ~enough] = np.nan
    matched[:, ~enough] = np.nan
    depth = _depth(expression)
    corrected, slopes = _depth_corrected(matched, depth)
    names = tuple(each.name for each in chosen)
    return Scores(
        programs=names,
        samples=expression.samples,
        raw=raw,
        matched=matched,
        corrected=corrected,
        partial=_partial(chosen, x, m, s, place, raw),
        table=_table(chosen, place, raw, matched, depth, slopes),
        depth=depth,
    )


def _moments(x: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n = x.shape[0]
    mean = np.asarray(x.mean(axis=0), dtype=np.float64).ravel()
    if isinstance(x, np.ndarray):
        return mean, x.std(axis=0, ddof=1) if n > 1 else np.zeros_like(mean)
    square = np.zeros(x.shape[1])
    for start in range(0, n, CHUNK):
        part = x[start : start + CHUNK]
        square += np.bincount(
            part.indices, weights=part.data.astype(np.float64) ** 2, minlength=x.shape[1]
        )
    variance = np.maximum(square - n * mean**2, 0.0) / max(n - 1, 1)
    return mean, np.sqrt(variance)


def _bins(mean: NDArray[np.float64]) -> NDArray[np.int64]:
    """Bin of each gene: equal numbers of genes, by rank of mean expression."""
    ranks = np.empty(mean.size, dtype=np.int64)
    ranks[np.argsort(mean, kind="stable")] = np.arange(mean.size)
    return ranks * BINS // max(mean.size, 1)


def _weights(
    chosen: tuple[Program, ...], place: dict[str, int], bins: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Signed membership (genes x programs), sum of signs and number of genes (bins x programs)."""
    weights = np.zeros((len(place), len(chosen)))
    signs = np.zeros((BINS, len(chosen)))
    counts = np.zeros((BINS, len(chosen)))
    for j, each in enumerate(chosen):
        for genes, sign in ((each.up, 1.0), (each.down, -1.0)):
            for gene in genes:
                if (i := place.get(gene)) is not None:
                    weights[i, j] = sign
                    signs[bins[i], j] += sign
                    counts[bins[i], j] += 1.0
    return weights, signs, counts


def _chunks(
    x: Any,
    mean: NDArray[np.float64],
    sd: NDArray[np.float64],
    weights: NDArray[np.float64],
    signs: NDArray[np.float64],
    counts: NDArray[np.float64],
    bins: NDArray[np.int64],
    sizes: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Raw and matched scores, a few thousand samples at a time; sparse input is never filled."""
    import scipy.sparse as sp

    n = np.maximum(counts.sum(axis=0), 1.0)
    member = sp.csr_array(
        (np.ones(bins.size), (np.arange(bins.size), bins)), shape=(bins.size, BINS)
    )
    scale = 1.0 / sd
    by_scale = sp.csr_array(sp.diags_array(scale) @ member)
    by_square = sp.csr_array(sp.diags_array(scale**2) @ member)
    crossed = sp.csr_array(sp.diags_array(mean * scale**2) @ member)
    shift = (mean * scale) @ member
    constant = (mean * scale) ** 2 @ member
    scaled = weights * scale[:, None]
    offset = (mean * scale) @ weights
    raw = np.empty((x.shape[0], weights.shape[1]))
    matched = np.empty_like(raw)
    spread = np.maximum(counts - signs**2 / np.maximum(sizes, 1.0)[:, None], 0.0)
    for start in range(0, x.shape[0], CHUNK):
        part = x[start : start + CHUNK]
        square = part * part if isinstance(part, np.ndarray) else part.multiply(part).tocsr()
        score = (part @ scaled - offset) / n
        total = _dense(part @ by_scale) - shift
        squares = _dense(square @ by_square) - 2.0 * _dense(part @ crossed) + constant
        bin_mean = total / np.maximum(sizes, 1.0)
        variance = np.maximum(squares - sizes * bin_mean**2, 0.0) / np.maximum(sizes - 1.0, 1.0)
        expected = bin_mean @ signs / n
        error = np.sqrt(variance @ spread) / n
        raw[start : start + CHUNK] = score
        with np.errstate(divide="ignore", invalid="ignore"):
            matched[start : start + CHUNK] = np.where(error > 0, (score - expected) / error, np.nan)
    return raw, matched


def _dense(x: Any) -> NDArray[np.float64]:
    return x if isinstance(x, np.ndarray) else np.asarray(x.toarray())


def _enough(each: Program, place: dict[str, int]) -> bool:
    found = sum(gene in place for gene in each.genes)
    return found >= min(FEWEST_GENES, len(each.genes))


def _depth(expression: Expression) -> NDArray[np.float64] | None:
    """Genes detected, or None where that says nothing (arrays: every gene has a value)."""
    if expression.scale == "ratio":
        return None
    found = expression.detected().astype(float)
    return found if found.std() > 0 and found.min() < 0.98 * len(expression.genes) else None


def _depth_corrected(
    matched: NDArray[np.float64], depth: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Residuals of a line in the standardised depth, and its slopes."""
    slopes = np.full(matched.shape[1], np.nan)
    if depth is None or depth.size < 3:
        return matched.copy(), slopes
    d = (depth - depth.mean()) / depth.std(ddof=1)
    slopes = d @ (matched - matched.mean(axis=0)) / (d @ d)
    return matched - d[:, None] * slopes, slopes


PARTIAL = ("osteomimicry", "homing", "osteolysis_drive", "stem_like")
"""Programs that share genes with, or follow, the mesenchymal program."""


def _partial(
    chosen: tuple[Program, ...],
    x: Any,
    mean: NDArray[np.float64],
    sd: NDArray[np.float64],
    place: dict[str, int],
    raw: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Scores without the genes of the mesenchymal program, less what that program explains."""
    by_name = {each.name: (i, each) for i, each in enumerate(chosen)}
    if "mesenchymal" not in by_name or x.shape[0] < 4:
        return {}
    index, base = by_name["mesenchymal"]
    basis = raw[:, index]
    if not np.isfinite(basis).all() or basis.std() == 0:
        return {}
    out = {}
    for name in PARTIAL:
        if name not in by_name:
            continue
        each = by_name[name][1]
        own = [(g, s) for genes, s in ((each.up, 1.0), (each.down, -1.0)) for g in genes]
        kept = [(place[g], s) for g, s in own if g not in base.genes and g in place]
        if len(kept) < FEWEST_GENES:
            continue
        columns = np.array([i for i, _ in kept])
        signs = np.array([s for _, s in kept])
        z = (_dense(x[:, columns]) - mean[columns]) / sd[columns]
        score = z @ signs / len(kept)
        centred = basis - basis.mean()
        out[name] = score - score.mean() - centred * (centred @ score) / (centred @ centred)
    return out


def _table(
    chosen: tuple[Program, ...],
    place: dict[str, int],
    raw: NDArray[np.float64],
    matched: NDArray[np.float64],
    depth: NDArray[np.float64] | None,
    slopes: NDArray[np.float64],
) -> pl.DataFrame:
    rows = []
    for j, each in enumerate(chosen):
        found = sum(gene in place for gene in each.genes)
        rows.append(
            {
                "program": each.name,
                "scope": each.scope,
                "genes": len(each.genes),
                "found": found,
                "coverage": found / len(each.genes) if each.genes else 0.0,
                "unchecked": len(each.unchecked),
                "depth_slope": float(slopes[j]),
                "rho_depth_raw": rank_correlation(raw[:, j], depth),
                "rho_depth_matched": rank_correlation(matched[:, j], depth),
            }
        )
    return pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))


def rank_correlation(values: NDArray[np.float64], other: NDArray[np.float64] | None) -> float:
    """Spearman's rank correlation; NaN where either is constant or unknown."""
    from scipy.stats import rankdata

    if other is None or values.size < 3 or not np.isfinite(values).all():
        return float("nan")
    a, b = rankdata(values), rankdata(other)
    if a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def area_under_curve(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Chance that a positive sample scores above a negative one, ties half; NaN if one is empty.

    Examples
    --------
    >>> area_under_curve(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    0.75
    """
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m or not np.isfinite(values).all():
        return float("nan")
    ranks = rankdata(values)
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))
