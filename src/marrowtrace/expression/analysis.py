"""Everything about a set of matrices: design first, then quality, scores, calls and contrasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from marrowtrace.errors import CohortError
from marrowtrace.expression.calls import AXES, Calls, call_states
from marrowtrace.expression.design import Design, design
from marrowtrace.expression.differential import Comparison, compare_pairs, pool_comparisons
from marrowtrace.expression.fractions import Fraction, fraction
from marrowtrace.expression.matrix import Expression
from marrowtrace.expression.programs import programs
from marrowtrace.expression.quality import Quality, assess
from marrowtrace.expression.review import Statement, hold_against_review
from marrowtrace.expression.samples import Samples
from marrowtrace.expression.scores import Scores, area_under_curve, score_programs

SCHEMA = "marrowtrace.expression/1"
CELL_DEPTH = 8000
"""Median of genes detected up to which samples pass for single cells (assumed)."""
MOST_TYPES = 8
"""Types beyond which contrasts are not made of every pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixResult:
    """What was found in one matrix.

    Parameters
    ----------
    expression : Expression
    cells : bool
        Whether its samples were taken for single cells.
    quality : Quality
    scores : Scores or None
        None with fewer than three samples.
    calls : Calls or None
        None for bulk samples, or without scores.
    fractions : dict of str to dict of (axis, state) to Fraction
        By type ("all" where types are not known).
    discordance : tuple of dict
        Per patient and receptor: status of the primary, cells called, and those that differ.
    """

    expression: Expression
    cells: bool
    quality: Quality
    scores: Scores | None
    calls: Calls | None
    fractions: dict[str, dict[tuple[str, str], Fraction]] = field(default_factory=dict)
    discordance: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A contrast that was not made.

    Parameters
    ----------
    first, second, reason : str
    """

    first: str
    second: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The whole result.

    Parameters
    ----------
    samples : Samples
    design : Design or None
        None where types are not known or all samples are of one.
    matrices : tuple of MatrixResult
    comparisons : tuple of Comparison
    pooled : dict of str to polars.DataFrame
        Genes pooled over studies, by contrast.
    program_effects : polars.DataFrame
        Per contrast, study and program: AUC of the second type over the first.
    refused : tuple of Refusal
    statements : tuple of Statement
        Held against the review.
    forced : bool
        Whether data sets that failed were used all the same.
    notes : tuple of str
    """

    samples: Samples
    design: Design | None
    matrices: tuple[MatrixResult, ...]
    comparisons: tuple[Comparison, ...]
    pooled: dict[str, pl.DataFrame]
    program_effects: pl.DataFrame
    refused: tuple[Refusal, ...]
    statements: tuple[Statement, ...]
    forced: bool
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values, NaN as None."""
        plain: dict[str, Any] = _plain(
            {
                "schema": SCHEMA,
                "design": None if self.design is None else self.design.to_json(),
                "refused": [
                    {"first": r.first, "second": r.second, "reason": r.reason} for r in self.refused
                ],
                "forced": self.forced,
                "notes": list(self.notes),
                "matrices": [_matrix_json(each) for each in self.matrices],
                "comparisons": [each.to_json() for each in self.comparisons],
                "pooled": {name: t.head(100).to_dicts() for name, t in self.pooled.items()},
                "program_effects": self.program_effects.to_dicts(),
                "review": [each.to_json() for each in self.statements],
            }
        )
        return plain


def design_of(samples: Samples) -> Design:
    """Return the design of described samples.

    Raises
    ------
    CohortError
        If no types are known.
    """
    types = samples.column("type")
    if types is None:
        raise CohortError(
            "the type of the samples is not known; give --types, one for each matrix, or a "
            "metadata table with a column 'type'"
        )
    return design(
        types,
        samples.column("study") or [],
        batches=samples.batches(),
        patient=samples.column("patient"),
    )


def analyse(
    matrices: Sequence[Expression],
    samples: Samples,
    *,
    cells: bool | None = None,
    force: bool = False,
    differential: bool = True,
    quick: bool = False,
) -> Analysis:
    """Run the whole analysis.

    Parameters
    ----------
    matrices : sequence of Expression
    samples : Samples
        Of the same matrices in the same order.
    cells : bool, optional
        Whether samples are single cells; found out from depth if left out.
    force : bool
        Go on with data sets that fail; recorded in the result.
    differential : bool
        Whether genes are compared between types.
    quick : bool
        Compare counts by the moderated t test on log2 CPM instead of PyDESeq2.

    Returns
    -------
    Analysis

    Raises
    ------
    CohortError
        If a data set fails its quality check and is not forced.
    """
    types = samples.column("type")
    made = design_of(samples) if types is not None and len(set(types)) > 1 else None
    notes = list(samples.notes)
    if made is None:
        notes.append(
            "no types are known, so there is no contrast" if types is None
            else f"all samples are {types[0]}, so there is no contrast"
        )  # fmt: skip
    results: list[MatrixResult] = []
    faults: list[str] = []
    for matrix in matrices:
        rows = _rows(samples, matrix)
        kinds = None if types is None else [types[i] for i in rows]
        owners = samples.column("patient")
        found = _one_matrix(
            matrix, kinds, None if owners is None else [owners[i] for i in rows], cells
        )
        found = replace(found, discordance=_discordance(found, samples, rows))
        faults += found.quality.faults
        results.append(found)
    if faults and not force:
        raise CohortError(
            "the data are not fit for use:\n"
            + "\n".join(f"  {fault}" for fault in faults)
            + "\n  --force goes on all the same and records it"
        )
    comparisons: list[Comparison] = []
    refused: list[Refusal] = []
    pooled: dict[str, pl.DataFrame] = {}
    if made is not None and len(made.types) <= MOST_TYPES:
        comparisons, refused, pooled = _contrasts(
            made, matrices, samples, differential=differential, quick=quick
        )
    statements = tuple(s for each in comparisons for s in hold_against_review(each))
    return Analysis(
        samples=samples,
        design=made,
        matrices=tuple(results),
        comparisons=tuple(comparisons),
        pooled=pooled,
        program_effects=_program_effects(made, results, samples),
        refused=tuple(refused),
        statements=statements,
        forced=bool(faults) and force,
        notes=tuple(notes),
    )


def _rows(samples: Samples, matrix: Expression) -> list[int]:
    homes = samples.table["matrix"].to_list()
    return [i for i, home in enumerate(homes) if home == matrix.name]


def _one_matrix(
    matrix: Expression, types: list[str] | None, patients: list[str] | None, cells: bool | None
) -> MatrixResult:
    if cells is None:
        detected = matrix.detected()
        cells = (
            matrix.scale != "ratio"
            and float(np.median(detected)) < CELL_DEPTH
            and int(detected.min()) < 0.9 * len(matrix.genes)
        )
    quality = assess(matrix, types, cells=cells)
    scores = score_programs(matrix) if len(matrix.samples) >= 3 else None
    calls = call_states(matrix, scores, quality) if cells and scores is not None else None
    fractions = {} if calls is None else _fractions(calls, types, patients)
    return MatrixResult(
        expression=matrix, cells=cells, quality=quality, scores=scores, calls=calls,
        fractions=fractions,
    )  # fmt: skip


def _discordance(
    result: MatrixResult, samples: Samples, rows: Sequence[int]
) -> tuple[dict[str, Any], ...]:
    """Cells whose receptor differs from the patient's primary, where that is known."""
    owners = samples.column("patient")
    if result.calls is None or owners is None:
        return ()
    out: list[dict[str, Any]] = []
    for receptor in ("er", "her2"):
        primary = samples.column(f"primary_{receptor}")
        if primary is None:
            continue
        calls = result.calls.table[receptor].to_list()
        for patient in dict.fromkeys(owners[i] for i in rows):
            mine = [k for k, i in enumerate(rows) if owners[i] == patient]
            status = receptor_status(primary[rows[mine[0]]])
            called = [calls[k] for k in mine if calls[k] in ("positive", "negative")]
            out.append(
                {
                    "patient": patient,
                    "receptor": receptor.upper(),
                    "primary": status,
                    "cells_called": len(called),
                    "cells_positive": called.count("positive"),
                    "discordant": None
                    if status == "unknown"
                    else sum(each != status for each in called),
                }
            )
    return tuple(out)


def receptor_status(text: str) -> str:
    """Status of a receptor from what a table says of it.

    Examples
    --------
    >>> receptor_status("Pos"), receptor_status("0"), receptor_status("not done")
    ('positive', 'negative', 'unknown')
    """
    folded = text.strip().casefold()
    if folded in ("1", "+", "yes", "true", "pos", "positive", "high"):
        return "positive"
    if folded in ("0", "-", "no", "false", "neg", "negative", "low"):
        return "negative"
    return "unknown"


def _fractions(
    calls: Calls, types: list[str] | None, patients: list[str] | None
) -> dict[str, dict[tuple[str, str], Fraction]]:
    """Fraction of the called cells in each state, by type; without patients all are one."""
    n = calls.table.height
    kinds = ["all"] * n if types is None else types
    owners = ["one"] * n if patients is None else patients
    out: dict[str, dict[tuple[str, str], Fraction]] = {}
    for kind in dict.fromkeys(kinds):
        inside = [i for i in range(n) if kinds[i] == kind]
        found: dict[tuple[str, str], Fraction] = {}
        for axis, states in AXES.items():
            values = calls.table[axis].to_list()
            for state in states:
                k: dict[str, int] = {}
                m: dict[str, int] = {}
                for i in inside:
                    if values[i] in states:
                        m[owners[i]] = m.get(owners[i], 0) + 1
                        k[owners[i]] = k.get(owners[i], 0) + (values[i] == state)
                if m:
                    found[axis, state] = fraction([k[o] for o in m], list(m.values()))
        out[kind] = found
    return out


def _contrasts(
    made: Design,
    matrices: Sequence[Expression],
    samples: Samples,
    *,
    differential: bool,
    quick: bool,
) -> tuple[list[Comparison], list[Refusal], dict[str, pl.DataFrame]]:
    """Compare within each study that holds both types, then pool; or say why not."""
    refused = [
        Refusal(first=c.first, second=c.second, reason=c.reason)
        for c in made.contrasts
        if not c.identifiable or not c.within
    ]
    by_study: dict[str, list[tuple[str, str]]] = {}
    for contrast in made.contrasts:
        if contrast.identifiable:
            for study in contrast.within:
                by_study.setdefault(study, []).append((contrast.first, contrast.second))
    comparisons: list[Comparison] = []
    for study, pairs in by_study.items() if differential else ():
        for pair, found in zip(
            pairs, _within(study, pairs, matrices, samples, quick=quick), strict=True
        ):
            if isinstance(found, Comparison):
                comparisons.append(found)
            else:
                text = f"{pair[1]} against {pair[0]} in {study}: {found}"
                refused.append(Refusal(first=pair[0], second=pair[1], reason=text))
    pooled: dict[str, pl.DataFrame] = {}
    for contrast in made.contrasts:
        first, second = contrast.first, contrast.second
        here = [c for c in comparisons if (c.first, c.second) == (first, second)]
        if len(here) > 1:
            wanted = [g for p in programs() for g in p.genes]
            wanted += [g for each in here for g in each.table["gene"].head(200)]
            table = pool_comparisons(here, wanted)
            if table.height:
                pooled[f"{second} against {first}"] = table
    return comparisons, refused, pooled


def _within(
    study: str,
    pairs: Sequence[tuple[str, str]],
    matrices: Sequence[Expression],
    samples: Samples,
    *,
    quick: bool,
) -> Sequence[Comparison | CohortError]:
    """One study's comparisons, or for each why there is none."""
    names = {name for pair in pairs for name in pair}
    table = samples.table.with_row_index("row")
    rows = table.filter((pl.col("study") == study) & pl.col("type").is_in(list(names)))
    homes = set(rows["matrix"])
    parts = [m for m in matrices if m.name in homes]
    if len({m.scale for m in parts}) > 1:
        scales = ", ".join(f"{m.name}: {m.scale}" for m in parts)
        err = CohortError(f"its matrices are on different scales ({scales}); give both on one")
        return [err] * len(pairs)
    place = {(r["matrix"], r["sample"]): r["row"] for r in rows.iter_rows(named=True)}
    whole = [(m.name, s) for m in parts for s in m.samples]
    keep = [i for i, name in enumerate(whole) if name in place]
    order = [place[whole[i]] for i in keep]
    part = _joined(parts, study).take(keep)
    if quick and part.scale == "counts":
        part = replace(part, values=part.logged()[0], scale="log")
    batch = _taken(samples, "batch", order)
    purity = _taken(samples, "purity", order)
    return compare_pairs(
        part,
        _taken(samples, "type", order) or [],
        pairs,
        study=study,
        patient=_taken(samples, "patient", order),
        batch=batch if batch is not None and len(set(batch)) > 1 else None,
        purity=None if purity is None else [float(v) for v in purity],
    )


def _taken(samples: Samples, column: str, order: Sequence[int]) -> list[str] | None:
    values = samples.column(column)
    return None if values is None else [values[i] for i in order]


def _joined(parts: Sequence[Expression], study: str) -> Expression:
    """Matrices of one study side by side, on the genes that all of them have."""
    if len(parts) == 1:
        return parts[0]
    others = [set(p.genes) for p in parts[1:]]
    common = [g for g in parts[0].genes if all(g in other for other in others)]
    blocks = []
    for part in parts:
        place = {g: i for i, g in enumerate(part.genes)}
        block = part.values[:, [place[g] for g in common]]
        blocks.append(block if isinstance(block, np.ndarray) else block.toarray())
    return Expression(
        values=np.vstack(blocks),
        samples=tuple(s for p in parts for s in p.samples),
        genes=tuple(common),
        scale=parts[0].scale,
        name=study,
        species=parts[0].species,
    )


def _program_effects(
    made: Design | None, results: Sequence[MatrixResult], samples: Samples
) -> pl.DataFrame:
    """How well each program tells two types of one matrix apart, beside depth alone."""
    types = samples.column("type")
    rows: list[dict[str, Any]] = []
    if made is None or types is None or len(made.types) > MOST_TYPES:
        return pl.DataFrame()
    for contrast in made.contrasts:
        for result in results:
            if result.scores is None:
                continue
            kinds = np.array([types[i] for i in _rows(samples, result.expression)])
            inside = np.isin(kinds, [contrast.first, contrast.second])
            positive = kinds[inside] == contrast.second
            if min(positive.sum(), (~positive).sum()) < 2:
                continue
            depth = result.scores.depth
            by_depth = float("nan") if depth is None else area_under_curve(depth[inside], positive)
            for name in result.scores.programs:
                aucs = {
                    f"auc_{kind}": area_under_curve(result.scores.of(name, kind)[inside], positive)
                    for kind in ("raw", "matched", "corrected")
                }
                rows.append(
                    {
                        "matrix": result.expression.name,
                        "first": contrast.first,
                        "second": contrast.second,
                        "program": name,
                        **aucs,
                        "auc_depth": by_depth,
                    }
                )
    return (
        pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))
        if rows
        else (pl.DataFrame())
    )


def _matrix_json(result: MatrixResult) -> dict[str, Any]:
    expression = result.expression
    return {
        "name": expression.name,
        "samples": len(expression.samples),
        "genes": len(expression.genes),
        "scale": expression.scale,
        "species": expression.species,
        "cells": result.cells,
        "notes": list(expression.notes),
        "normalisation": expression.logged()[1],
        "quality": result.quality.to_json(),
        "programs": [] if result.scores is None else result.scores.table.to_dicts(),
        "calls": {} if result.calls is None else {a: result.calls.counts(a) for a in AXES},
        "call_notes": [] if result.calls is None else list(result.calls.notes),
        "fractions": {
            kind: {f"{axis}.{state}": f.to_json() for (axis, state), f in found.items()}
            for kind, found in result.fractions.items()
        },
        "discordance": list(result.discordance),
    }


def _plain(value: Any) -> Any:
    """Values that JSON can hold: NaN and infinities become None."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
