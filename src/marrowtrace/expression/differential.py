"""Genes that differ between two types within one study, and the same over several studies.

Cells are brought together by patient and type first (counts added, logarithms averaged), because
the patient is the unit. Counts go to PyDESeq2 (negative binomial, Wald test; Love 2014, not seen),
all else to the moderated t test. Studies are never thrown together: each gives its effects, and
those are pooled under random effects.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import CohortError, MissingExtraError
from marrowtrace.expression.design import FEWEST
from marrowtrace.expression.matrix import Expression
from marrowtrace.expression.moderated_t import adjusted, moderated_t

FDR = 0.05
SHIFT = 0.5
"""Share of genes below `FDR` from which a shift of the transcriptome is suspected (assumed)."""
FEWEST_COUNTS = 10
"""Counts that a gene needs in as many samples as the smaller type has (assumed, as edgeR does)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two types compared within one study.

    Parameters
    ----------
    study, first, second : str
        Effects are second minus first, log2.
    method : str
    units : tuple of int
        Patients or samples of the first and the second type.
    paired : bool
        Whether patients are compared with themselves.
    table : polars.DataFrame
        ``gene``, ``mean``, ``effect``, ``se``, ``p``, ``fdr``; sorted by ``p``.
    notes : tuple of str
    """

    study: str
    first: str
    second: str
    method: str
    units: tuple[int, int]
    paired: bool
    table: pl.DataFrame
    notes: tuple[str, ...] = field(default=())

    @property
    def significant(self) -> int:
        """Genes below a false discovery rate of `FDR`."""
        return int((self.table["fdr"].fill_null(1.0) < FDR).sum())

    def effect(self, gene: str) -> tuple[float, float] | None:
        """Effect and false discovery rate of one gene, or None if it was not tested."""
        row = self.table.filter(pl.col("gene") == gene)
        if not row.height or row["fdr"][0] is None:
            return None
        return float(row["effect"][0]), float(row["fdr"][0])

    def to_json(self, *, top: int = 50) -> dict[str, Any]:
        """Return the comparison as plain values, with its first genes."""
        return {
            "study": self.study,
            "first": self.first,
            "second": self.second,
            "method": self.method,
            "units": list(self.units),
            "paired": self.paired,
            "genes_tested": self.table.height,
            "genes_below_fdr": self.significant,
            "fdr": FDR,
            "notes": list(self.notes),
            "top": self.table.head(top).to_dicts(),
        }


@dataclass(frozen=True, slots=True)
class _Units:
    """Patients by type, ready for a model."""

    levels: NDArray[np.float64]
    types: list[str]
    patients: list[str]
    covariates: dict[str, list[str]]
    numbers: dict[str, list[float]]


def compare_types(
    expression: Expression,
    types: Sequence[str],
    first: str,
    second: str,
    *,
    study: str,
    patient: Sequence[str] | None = None,
    batch: Sequence[str] | None = None,
    purity: Sequence[float] | None = None,
) -> Comparison:
    """Compare two types within one study.

    Parameters
    ----------
    expression : Expression
        Samples of one study on one scale.
    types : sequence of str, length samples
    first, second : str
        The effect is second minus first.
    study : str
    patient, batch : sequence of str, optional
        Patients with both types are compared with themselves if there are enough of them.
    purity : sequence of float, optional
        Share of tumour cells, taken out as a covariate.

    Returns
    -------
    Comparison

    Raises
    ------
    CohortError
        If a type has fewer than two units, or a covariate equals the types.
    """
    found = compare_pairs(
        expression, types, [(first, second)], study=study, patient=patient, batch=batch,
        purity=purity,
    )[0]  # fmt: skip
    if isinstance(found, CohortError):
        raise found
    return found


def compare_pairs(
    expression: Expression,
    types: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    study: str,
    patient: Sequence[str] | None = None,
    batch: Sequence[str] | None = None,
    purity: Sequence[float] | None = None,
) -> list[Comparison | CohortError]:
    """Compare several pairs of types within one study; counts of all of them are fitted once.

    Parameters
    ----------
    expression, types, study, patient, batch, purity
        As of `compare_types`.
    pairs : sequence of (str, str)
        Each effect is the second minus the first of a pair.

    Returns
    -------
    list of Comparison or CohortError
        For each pair its result, or why there is none.
    """
    out: dict[tuple[str, str], Comparison | CohortError] = {}
    shared: list[tuple[str, str]] = []
    for pair in pairs:
        try:
            units, paired, notes = _prepared(expression, types, pair, study, patient, batch, purity)
            if expression.scale == "counts" and not paired:
                shared.append(pair)
                continue
            if expression.scale == "counts":
                table = _deseq(units, expression.genes, [pair], paired=True)[0]
            else:
                table = _limma(units, expression.genes, *pair, paired=paired)
            out[pair] = _comparison(table, units, pair, study, notes, expression, paired=paired)
        except CohortError as err:
            out[pair] = err
    if shared:
        names = tuple(dict.fromkeys(name for pair in shared for name in pair))
        try:
            every, _, notes = _prepared(
                expression, types, tuple(names), study, patient, batch, purity
            )
            tables = _deseq(every, expression.genes, shared, paired=False)
            for pair, table in zip(shared, tables, strict=True):
                out[pair] = _comparison(table, every, pair, study, notes, expression, paired=False)
        except CohortError as err:
            out |= dict.fromkeys(shared, err)
    return [out[pair] for pair in pairs]


def _prepared(
    expression: Expression,
    types: Sequence[str],
    chosen: tuple[str, ...],
    study: str,
    patient: Sequence[str] | None,
    batch: Sequence[str] | None,
    purity: Sequence[float] | None,
) -> tuple[_Units, bool, list[str]]:
    """Units of the chosen types, whether they are paired, and what was done."""
    keep = [i for i, name in enumerate(types) if name in chosen]
    part = expression.take(keep)
    kinds = [types[i] for i in keep]
    owners = [part.samples[j] if patient is None else patient[i] for j, i in enumerate(keep)]
    covariates = {} if batch is None else {"batch": [batch[i] for i in keep]}
    numbers = {} if purity is None else {"purity": [purity[i] for i in keep]}
    units = _units(part, kinds, owners, covariates, numbers, counts=expression.scale == "counts")
    notes = []
    if len(units.types) < len(kinds):
        notes.append(
            f"{len(kinds)} samples were brought together into {len(units.types)} units, one for "
            "each patient and type"
        )
    for name in chosen:
        if (size := units.types.count(name)) < FEWEST:
            raise CohortError(
                f"{study}: '{name}' has {size} patient(s) or sample(s); a comparison needs "
                f"{FEWEST} or more of each type"
            )
    if len(chosen) != 2:
        return units, False, notes
    units, paired = _paired(units, *chosen)
    if paired:
        notes.append(
            f"{len(units.types) // 2} patients have both types and are compared with themselves"
        )
    return units, paired, notes


def _comparison(
    table: pl.DataFrame,
    units: _Units,
    pair: tuple[str, str],
    study: str,
    notes: list[str],
    expression: Expression,
    *,
    paired: bool,
) -> Comparison:
    """The result, with what is to be known when it is read."""
    first, second = pair
    table = table.sort("p", nulls_last=True)
    share = float(np.mean(table["fdr"].fill_null(1.0).to_numpy() < FDR)) if table.height else 0.0
    said = list(notes)
    if share > SHIFT:
        said.append(
            f"{share:.0%} of the genes differ: suspect a shift of the whole transcriptome (cell "
            "size, amount of RNA), which no normalisation within the sample can take out"
        )
    if expression.scale == "counts":
        said += _library_note(units, first, second)
    return Comparison(
        study=study,
        first=first,
        second=second,
        method="PyDESeq2" if expression.scale == "counts" else "moderated t",
        units=(units.types.count(first), units.types.count(second)),
        paired=paired,
        table=table,
        notes=tuple(said),
    )


def _units(
    part: Expression,
    types: list[str],
    owners: list[str],
    covariates: dict[str, list[str]],
    numbers: dict[str, list[float]],
    *,
    counts: bool,
) -> _Units:
    """One row a patient and type."""
    import scipy.sparse as sp

    keys = list(zip(owners, types, strict=True))
    distinct = list(dict.fromkeys(keys))
    values = part.values if counts else part.logged()[0]
    row = {key: i for i, key in enumerate(distinct)}
    target = np.array([row[key] for key in keys])
    fold = sp.csr_array(
        (np.ones(len(keys)), (target, np.arange(len(keys)))), shape=(len(distinct), len(keys))
    )
    summed = fold @ values
    merged = summed if isinstance(summed, np.ndarray) else summed.toarray()
    merged = np.asarray(merged, dtype=np.float64)
    sizes = np.bincount(target).astype(float)
    if not counts:
        merged = merged / sizes[:, None]
    first = [int(np.flatnonzero(target == i)[0]) for i in range(len(distinct))]
    means = {
        name: [float(np.mean([v for v, t in zip(given, target, strict=True) if t == i]))
               for i in range(len(distinct))]
        for name, given in numbers.items()
    }  # fmt: skip
    return _Units(
        merged,
        [key[1] for key in distinct],
        [key[0] for key in distinct],
        {name: [given[i] for i in first] for name, given in covariates.items()},
        means,
    )


def _paired(units: _Units, first: str, second: str) -> tuple[_Units, bool]:
    """Keep the patients with both types, if they are most of the units and three or more."""
    kinds: dict[str, set[str]] = {}
    for owner, kind in zip(units.patients, units.types, strict=True):
        kinds.setdefault(owner, set()).add(kind)
    both = [owner for owner, found in kinds.items() if {first, second} <= found]
    if len(both) < 3 or 2 * len(both) <= len(units.types) / 2:
        return units, False
    keep = [i for i, owner in enumerate(units.patients) if owner in both]
    return (
        _Units(
            units.levels[keep],
            [units.types[i] for i in keep],
            [units.patients[i] for i in keep],
            {n: [v[i] for i in keep] for n, v in units.covariates.items()},
            {n: [v[i] for i in keep] for n, v in units.numbers.items()},
        ),
        True,
    )


def _design(units: _Units, types: Sequence[str], *, paired: bool) -> NDArray[np.float64]:
    """Intercept, a column for each type but the first, then whatever is to be taken out."""
    columns = [np.ones(len(units.types))]
    columns += [np.array([float(t == name) for t in units.types]) for name in types[1:]]
    factors = list(units.covariates.values()) + ([units.patients] if paired else [])
    for values in factors:
        for level in list(dict.fromkeys(values))[1:]:
            columns.append(np.array([float(v == level) for v in values]))
    columns += [np.array(values) for values in units.numbers.values()]
    return np.column_stack(columns)


def _limma(
    units: _Units, genes: tuple[str, ...], first: str, second: str, *, paired: bool
) -> pl.DataFrame:
    keep = np.flatnonzero(units.levels.std(axis=0) > 1e-12)
    fit = moderated_t(units.levels[:, keep], _design(units, (first, second), paired=paired), 1)
    return pl.DataFrame(
        {
            "gene": [genes[i] for i in keep],
            "mean": units.levels[:, keep].mean(axis=0),
            "effect": fit.effect,
            "se": fit.se,
            "p": fit.p,
            "fdr": adjusted(fit.p),
        }
    )


def expressed(counts: NDArray[np.float64], smallest: int) -> NDArray[np.bool_]:
    """Which genes have enough counts to be tested, shape (genes,).

    A gene needs `FEWEST_COUNTS` in a sample of median size, in ``smallest`` samples.
    """
    totals = counts.sum(axis=1)
    level = FEWEST_COUNTS / np.median(totals)
    enough: NDArray[np.bool_] = (counts / totals[:, None] >= level).sum(axis=0) >= smallest
    return enough


def _deseq(
    units: _Units, genes: tuple[str, ...], pairs: Sequence[tuple[str, str]], *, paired: bool
) -> list[pl.DataFrame]:
    """One fit of every type, then a table for each pair."""
    try:
        import pandas as pd

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pydeseq2.dds import DeseqDataSet  # type: ignore[import-untyped]
            from pydeseq2.default_inference import (  # type: ignore[import-untyped]
                DefaultInference,
            )
            from pydeseq2.ds import DeseqStats  # type: ignore[import-untyped]
            from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as err:
        raise MissingExtraError(
            "comparing counts needs PyDESeq2; install it: pip install 'marrowtrace[expression]'"
        ) from err
    types = list(dict.fromkeys(name for pair in pairs for name in pair))
    design = _design(units, types, paired=paired)
    _check_design(design)
    keep = np.flatnonzero(expressed(units.levels, min(units.types.count(t) for t in types)))
    rows = [f"u{i}" for i in range(len(units.types))]
    names = [genes[i] for i in keep]
    frame = pd.DataFrame(units.levels[:, keep].astype(np.int64), index=rows, columns=names)
    columns = ["intercept", *(f"x{i}" for i in range(1, design.shape[1]))]
    matrix = pd.DataFrame(design, index=rows, columns=columns)
    about = pd.DataFrame({"type": units.types}, index=rows)
    inference = DefaultInference(n_cpus=1)
    out = []
    # one thread: the matrices are tiny, and threads that wait for each other cost six times as much
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore")
        data = DeseqDataSet(
            counts=frame, metadata=about, design=matrix, refit_cooks=True, inference=inference,
            quiet=True,
        )  # fmt: skip
        data.deseq2()
        for first, second in pairs:
            stats = DeseqStats(
                data, contrast=_vector(types, first, second, design.shape[1]),
                inference=inference, quiet=True,
            )  # fmt: skip
            stats.summary()
            found = stats.results_df.loc[names]
            p = found["pvalue"].to_numpy(dtype=float)
            out.append(
                pl.DataFrame(
                    {
                        "gene": names,
                        "mean": np.log2(1.0 + found["baseMean"].to_numpy(dtype=float)),
                        "effect": found["log2FoldChange"].to_numpy(dtype=float),
                        "se": found["lfcSE"].to_numpy(dtype=float),
                        "p": p,
                        "fdr": adjusted(p),
                    }
                ).with_columns(pl.col(pl.Float64).fill_nan(None))
            )
    return out


def _vector(types: list[str], first: str, second: str, width: int) -> NDArray[np.float64]:
    """Second minus first, where the first of the types is the intercept."""
    out = np.zeros(width)
    for name, sign in ((second, 1.0), (first, -1.0)):
        if (place := types.index(name)) > 0:
            out[place] += sign
    return out


def _check_design(design: NDArray[np.float64]) -> None:
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise CohortError(
            "the design is singular: a covariate equals the types or another covariate: drop it"
        )
    if design.shape[0] <= design.shape[1]:
        raise CohortError(
            f"{design.shape[0]} units for {design.shape[1]} coefficients leave no degree of "
            "freedom for error"
        )


def _library_note(units: _Units, first: str, second: str) -> list[str]:
    """Say so where the libraries of one type are all smaller than those of the other."""
    totals = units.levels.sum(axis=1) / 1e6
    groups = {
        name: [t for t, kind in zip(totals, units.types, strict=True) if kind == name]
        for name in (first, second)
    }
    for small, large in ((first, second), (second, first)):
        if max(groups[small]) < min(groups[large]):
            return [
                f"{small} libraries are all smaller ({min(groups[small]):.3g} to "
                f"{max(groups[small]):.3g} million) than those of {large} "
                f"({min(groups[large]):.3g} to {max(groups[large]):.3g} million)"
            ]
    return []


def pool_comparisons(comparisons: Sequence[Comparison], genes: Sequence[str]) -> pl.DataFrame:
    """Pool the effects of genes over studies by random effects (REML, Knapp-Hartung).

    Parameters
    ----------
    comparisons : sequence of Comparison
        Of the same two types in the same order, two or more studies.
    genes : sequence of str
        Genes to pool; those tested in fewer than two studies are left out.

    Returns
    -------
    polars.DataFrame
        ``gene``, ``studies``, ``effect``, ``ci_low``, ``ci_high``, ``p``, ``fdr``, ``tau2`` and
        ``i2``.
    """
    from marrowtrace.evidence.effects import pool_effects

    tables = [
        {row["gene"]: (row["effect"], row["se"]) for row in each.table.iter_rows(named=True)}
        for each in comparisons
    ]
    rows = []
    for gene in dict.fromkeys(genes):
        found = [t[gene] for t in tables if gene in t and t[gene][1] is not None and t[gene][1] > 0]
        if len(found) < 2:
            continue
        pooled = pool_effects([e for e, _ in found], [se**2 for _, se in found])
        rows.append(
            {
                "gene": gene,
                "studies": len(found),
                "effect": pooled.estimate,
                "ci_low": pooled.ci_low,
                "ci_high": pooled.ci_high,
                "p": pooled.p_value,
                "tau2": pooled.tau2,
                "i2": pooled.i2,
            }
        )
    if not rows:
        return pl.DataFrame()
    table = pl.DataFrame(rows)
    return table.with_columns(pl.Series("fdr", adjusted(table["p"].to_numpy()))).sort("p")
