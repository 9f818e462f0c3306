r"""Prognostic effects from the evidence tables, pooled as far as what is printed allows.

Where a table prints p-values alone, they can be combined but give neither size nor direction.
Hazard ratios are pooled only where an interval, or an exact p-value with them, gives a standard
error: :math:`\mathrm{se} = |\log HR| / z_{p/2}` (Tierney et al. 2007, Trials 8:16).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import polars as pl
from scipy import special

from marrowtrace.errors import EvidenceError, did_you_mean
from marrowtrace.evidence.effect_sizes import LogHazardRatio, log_hr_from_interval
from marrowtrace.evidence.effects import PooledEffect, pool_effects
from marrowtrace.evidence.heterogeneity import TAU2_METHODS, Tau2Method
from marrowtrace.evidence.p_values import (
    COMBINATION_METHODS,
    CombinationMethod,
    CombinedP,
    combine_p_values,
    parse_p,
)
from marrowtrace.evidence.plain_values import PlainValue, plain
from marrowtrace.evidence.pooling import SCHEMA, shared_warnings
from marrowtrace.evidence.records import PrognosticEffect
from marrowtrace.evidence.selection import RULE, LeftOut, Query, choose
from marrowtrace.evidence.tables import EvidenceTables

FAMILIES = {
    "death": ("OS", "BCSS"),
    "progression": ("DFS", "DFI", "DDFS", "RFS", "PFS", "PSA-PFS"),
}
"""Endpoints that a careless table puts into one column; not one endpoint, and said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One row behind a pooled effect.

    Parameters
    ----------
    row, study, label, cancer, stage, phase, assay, marker : str
    endpoint, p, direction, adjustment : str
    volume_ml : float
        Blood or marrow examined [mL]; NaN where not printed.
    n : int or None
    hr, ci_low, ci_high : float
        The interval as printed, else from the p-value; NaN where there is neither.
    se : float
        Standard error of log HR; NaN where there is none.
    weight : float
        Share in the pooled hazard ratio, or of the patients where p-values are combined.
    faults : tuple of int
    notes : tuple of str
    """

    row: str
    study: str
    label: str
    cancer: str
    stage: str
    phase: str
    assay: str
    marker: str
    endpoint: str
    p: str
    direction: str
    adjustment: str
    volume_ml: float
    n: int | None
    hr: float
    ci_low: float
    ci_high: float
    se: float
    weight: float
    faults: tuple[int, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PooledPrognosis:
    """Combined p-values, or a pooled hazard ratio, with everything that it rests on.

    Parameters
    ----------
    query : Query
    method : str
    p : CombinedP or None
        For a method that combines p-values.
    effect : PooledEffect or None
        For a method that pools log hazard ratios.
    rows, left_out, flags, warnings, papers : see `pooling.PooledRate`
    """

    query: Query
    method: str
    p: CombinedP | None
    effect: PooledEffect | None
    rows: tuple[EffectRow, ...]
    left_out: tuple[LeftOut, ...]
    flags: tuple[str, ...]
    warnings: tuple[str, ...]
    papers: tuple[str, ...] = field(default=())

    @property
    def values(self) -> str:
        """Which values were pooled: ``as printed`` or ``corrected``."""
        return "as printed" if self.query.as_printed else "corrected"

    def table(self) -> pl.DataFrame:
        """Return one row for each row pooled."""
        return pl.DataFrame([cast("dict[str, PlainValue]", plain(row)) for row in self.rows])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the result as plain JSON values; the effect is a hazard ratio."""
        ends = _hazard_ratio(self.effect)
        patients = [row.n for row in self.rows if row.n is not None]
        return {
            "schema": SCHEMA,
            "analyte": self.query.analyte,
            "phase": self.query.phase,
            "endpoints": list(self.query.endpoints),
            "values": self.values,
            "as_printed": self.query.as_printed,
            "dependence": self.query.dependence,
            "rule": RULE if self.query.dependence == "pick" else "every row as independent",
            **{name: plain(value) for name, value in ends.items()},
            "tau2": plain(self.effect.tau2) if self.effect else None,
            "i2": plain(self.effect.i2) if self.effect else None,
            "p_low": plain(self.p.p_low) if self.p else None,
            "p_high": plain(self.p.p_high) if self.p else None,
            "direction": self.p.direction if self.p else None,
            "k": len(self.rows),
            "n": sum(patients) if patients else None,
            "method": self.method,
            "rows": plain(self.rows),
            "left_out": plain(self.left_out),
            "flags": list(self.flags),
            "warnings": list(self.warnings),
            "papers": list(self.papers),
        }


def endpoints_of(word: str) -> tuple[str, ...]:
    """Endpoints that ``word`` names: one, or those of a family of `FAMILIES`.

    Examples
    --------
    >>> endpoints_of("death"), endpoints_of("DFS")
    (('OS', 'BCSS'), ('DFS',))
    """
    return FAMILIES.get(word.strip().casefold(), (word.strip(),))


def combined_p_text(low: float, high: float) -> str:
    """Return a combined p-value, or its range, as text.

    Examples
    --------
    >>> combined_p_text(0.012, 0.012), combined_p_text(0.0, 8.1e-5), combined_p_text(0.02, 0.6)
    ('0.012', '< 8.1e-05', '0.02 to 0.6')
    """
    if low == high:
        return f"{high:.2g}"
    return f"< {high:.2g}" if low == 0 else f"{low:.2g} to {high:.2g}"


def pool_prognosis(
    tables: EvidenceTables, query: Query, *, method: str = "fisher", level: float = 0.95
) -> PooledPrognosis:
    """Pool the prognostic effects that a query asks for.

    Parameters
    ----------
    tables : EvidenceTables
    query : Query
        With its endpoints.
    method : str
        ``fisher``, ``stouffer`` (weights: square root of n), ``wilkinson``, ``edgington`` or
        ``harmonic`` combine p-values; ``REML``, ``DL``, ``PM``, ``ML``, ``EB``, ``SJ``, ``HE``,
        ``HS`` and ``common`` pool log hazard ratios (Knapp-Hartung, with the guard).
    level : float

    Returns
    -------
    PooledPrognosis

    Raises
    ------
    EvidenceError
        If no row can be pooled, no endpoint is given or the method is unknown.
    """
    if not query.endpoints:
        raise EvidenceError("no endpoint given; name one, e.g. OS or DFS")
    methods = (*COMBINATION_METHODS, *TAU2_METHODS)
    if method not in methods:
        raise EvidenceError(
            f"method '{method}' is unknown; allowed: {', '.join(methods)}"
            f"{did_you_mean(method, methods)}"
        )
    combining = method in COMBINATION_METHODS
    usable = _usable_p if combining else _usable_ratio
    chosen = choose(tables.effects, query, tables, usable=usable)
    warnings = shared_warnings(chosen.shared)
    mixed = sorted({row.endpoint for row in chosen.rows})
    if len(mixed) > 1:
        warnings.append(f"different endpoints are pooled as one: {', '.join(mixed)}")
    if len({row.adjustment for row in chosen.rows}) > 1:
        warnings.append("univariable and multivariable effects are pooled, or it is not printed")
    p, effect = None, None
    if combining:
        p, weights = combine_rows(chosen.rows, method, warnings)
        warnings.extend(p.warnings)
    else:
        effect = _pool(chosen.rows, method, level)
        weights = effect.weights
        warnings.extend(effect.warnings)
    return PooledPrognosis(
        query=query,
        method=method,
        p=p,
        effect=effect,
        rows=_effect_rows(chosen.rows, weights, tables, query),
        left_out=chosen.left_out,
        flags=chosen.flags,
        warnings=tuple(warnings),
        papers=tuple(dict.fromkeys(row.study for row in chosen.rows)),
    )


def hazard_ratio(row: PrognosticEffect) -> LogHazardRatio | None:
    """Log hazard ratio of a row with its standard error; None where it cannot be had."""
    if row.hr is None:
        return None
    if row.ci_low is not None and row.ci_high is not None:
        return log_hr_from_interval(row.hr, row.ci_low, row.ci_high, level=row.ci_level, decimals=1)
    if not row.p or row.hr == 1:
        return None
    p = parse_p(row.p)
    if p.censored or not 0 < p.low < 1:
        return None
    log_hr = math.log(row.hr)
    return LogHazardRatio(log_hr, abs(log_hr) / -float(special.ndtri(p.low / 2)), "HR and p")


def _usable_p(row: PrognosticEffect) -> str:
    """Why a row has no p-value to combine; empty if it has one."""
    return "" if row.p else "no p-value is printed"


def _usable_ratio(row: PrognosticEffect) -> str:
    """Why a row has no hazard ratio to pool; empty if it has one."""
    if row.hr is None:
        return "no hazard ratio is printed"
    if hazard_ratio(row) is None:
        return "neither an interval nor an exact p-value is printed with the hazard ratio"
    return ""


def combine_rows(
    rows: Sequence[PrognosticEffect] | Sequence[EffectRow], method: str, warnings: list[str]
) -> tuple[CombinedP, tuple[float, ...]]:
    """Combine the p-values of rows; with the share of patients of each, and ``warnings`` added."""
    sizes = [row.n for row in rows]
    known = [size for size in sizes if size is not None]
    shares = tuple((size or math.nan) / sum(known) if known else math.nan for size in sizes)
    weights = None
    if method == "stouffer":
        if len(known) == len(sizes):
            weights = [math.sqrt(size) for size in known]
        else:
            warnings.append("n is not known for every row: Stouffer's method without weights")
    p_values = [parse_p(row.p) for row in rows]
    return (
        combine_p_values(p_values, method=cast(CombinationMethod, method), weights=weights),
        shares,
    )


def _pool(rows: Sequence[PrognosticEffect], method: str, level: float) -> PooledEffect:
    """Pool log hazard ratios."""
    ratios = [cast(LogHazardRatio, hazard_ratio(row)) for row in rows]
    return pool_effects(
        [ratio.log_hr for ratio in ratios],
        [ratio.variance for ratio in ratios],
        method=cast(Tau2Method, method),
        level=level,
    )


def _hazard_ratio(effect: PooledEffect | None) -> dict[str, float | None]:
    """Pooled effect and its intervals as hazard ratios."""
    names = ("estimate", "ci_low", "ci_high", "prediction_low", "prediction_high")
    if effect is None:
        return dict.fromkeys(names)
    return {name: math.exp(getattr(effect, name)) for name in names}


def _effect_rows(
    rows: Sequence[PrognosticEffect],
    weights: Sequence[float],
    tables: EvidenceTables,
    query: Query,
) -> tuple[EffectRow, ...]:
    """What stands behind the pooled effect, row by row."""
    printed = {row.row: row for row in tables.effects}
    made = []
    for row, weight in zip(rows, weights, strict=True):
        corrections = () if query.as_printed else printed[row.row].corrections
        ratio = hazard_ratio(row)
        low, high = ratio.interval() if ratio else (math.nan, math.nan)
        if row.ci_low is not None and row.ci_high is not None:
            low, high = row.ci_low, row.ci_high
        made.append(
            EffectRow(
                row=row.row,
                study=row.study,
                label=tables.label(row.study),
                cancer=row.cancer,
                stage=row.stage,
                phase=row.phase,
                assay=row.assay,
                marker=row.marker,
                endpoint=row.endpoint,
                p=row.p,
                direction=row.direction,
                adjustment=row.adjustment,
                volume_ml=math.nan if row.volume_ml is None else row.volume_ml,
                n=row.n,
                hr=row.hr if row.hr is not None else math.nan,
                ci_low=low,
                ci_high=high,
                se=ratio.se if ratio else math.nan,
                weight=weight,
                faults=row.faults,
                notes=(*(f"{c.column}: {c.reason}" for c in corrections), *row.flags),
            )
        )
    return tuple(made)
