"""Pooled detection rates from the evidence tables.

The statistics are those of `proportions`; here the rows are chosen, what was left out is named with
its reason, and every flag that touched the figure goes with it.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import cast

import polars as pl

from marrowtrace.errors import EvidenceError, did_you_mean
from marrowtrace.evidence.plain_values import PlainValue, plain
from marrowtrace.evidence.proportions import (
    PROPORTION_METHODS,
    WIDEST_PREDICTION,
    PooledProportion,
    ProportionMethod,
    exact_interval,
    pool_proportions,
)
from marrowtrace.evidence.records import DetectionRate
from marrowtrace.evidence.selection import RULE, LeftOut, Query, choose
from marrowtrace.evidence.tables import EvidenceTables

SCHEMA = "marrowtrace.evidence.pool/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledRow:
    """One row behind a pooled rate.

    Parameters
    ----------
    row, study, label : str
        Name of the row, key of its study, author and year.
    cancer, stage, phase, assay, marker, rule : str
    volume_ml : float
        Blood or marrow examined [mL]; NaN where not printed.
    k, n : int
    rate, ci_low, ci_high : float
        With the exact (Clopper-Pearson) interval.
    weight : float
        Share of the sum of 1 / (variance + tau2) on the logit scale; the binomial-normal model has
        no weights of its own, so for it this is a picture of them.
    faults : tuple of int
    notes : tuple of str
        Corrections and flags of the row.
    """

    row: str
    study: str
    label: str
    cancer: str
    stage: str
    phase: str
    assay: str
    marker: str
    rule: str
    volume_ml: float
    k: int
    n: int
    rate: float
    ci_low: float
    ci_high: float
    weight: float
    faults: tuple[int, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PooledRate:
    """A pooled detection rate with everything that it rests on.

    Parameters
    ----------
    query : Query
    pooled : PooledProportion
    rows : tuple of PooledRow
    left_out : tuple of LeftOut
    flags : tuple of str
        Faults, corrections and doubts that touched it.
    warnings : tuple of str
        What a reader must know before using the figure.
    papers : tuple of str
        Keys of the papers to cite.
    """

    query: Query
    pooled: PooledProportion
    rows: tuple[PooledRow, ...]
    left_out: tuple[LeftOut, ...]
    flags: tuple[str, ...]
    warnings: tuple[str, ...]
    papers: tuple[str, ...]

    @property
    def values(self) -> str:
        """Which values were pooled: ``as printed`` or ``corrected``."""
        return "as printed" if self.query.as_printed else "corrected"

    def table(self) -> pl.DataFrame:
        """Return one row for each row pooled."""
        return pl.DataFrame([dataclasses.asdict(row) for row in self.rows])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the result as plain JSON values."""
        pooled = self.pooled
        return {
            "schema": SCHEMA,
            "analyte": self.query.analyte,
            "phase": self.query.phase,
            "values": self.values,
            "as_printed": self.query.as_printed,
            "dependence": self.query.dependence,
            "rule": RULE if self.query.dependence == "pick" else "every row as independent",
            "estimate": plain(pooled.estimate),
            "ci_low": plain(pooled.ci_low),
            "ci_high": plain(pooled.ci_high),
            "prediction_low": plain(pooled.prediction_low),
            "prediction_high": plain(pooled.prediction_high),
            "tau2": plain(pooled.tau2),
            "i2": plain(pooled.i2),
            "i2_low": plain(pooled.i2_low),
            "i2_high": plain(pooled.i2_high),
            "k": pooled.k,
            "n": pooled.n,
            "method": pooled.method,
            "level": pooled.level,
            "poolable": pooled.poolable,
            "verdict": pooled.verdict,
            "rows": plain(self.rows),
            "left_out": plain(self.left_out),
            "flags": list(self.flags),
            "warnings": list(self.warnings),
            "papers": list(self.papers),
        }


def pool_rates(
    tables: EvidenceTables, query: Query, *, method: str = "glmm", level: float = 0.95
) -> PooledRate:
    """Pool the detection rates that a query asks for.

    Parameters
    ----------
    tables : EvidenceTables
    query : Query
    method : {"glmm", "reml-logit", "pm-logit", "dl-logit", "freeman-tukey"}
    level : float
        Confidence level.

    Returns
    -------
    PooledRate

    Raises
    ------
    EvidenceError
        If no row can be pooled, or the method is unknown.

    Examples
    --------
    >>> from marrowtrace.evidence.tables import bundled
    >>> careless = Query(analyte="DTC", phase="pre", as_printed=True, dependence="independent")
    >>> round(pool_rates(bundled(), careless).pooled.estimate, 3)
    0.258
    """
    if method not in PROPORTION_METHODS:
        raise EvidenceError(
            f"method '{method}' is unknown; allowed: {', '.join(PROPORTION_METHODS)}"
            f"{did_you_mean(method, PROPORTION_METHODS)}"
        )
    chosen = choose(tables.rates, query, tables, usable=_usable)
    k = [cast(int, row.count) for row in chosen.rows]
    n = [cast(int, row.n) for row in chosen.rows]
    pooled = pool_proportions(k, n, method=cast(ProportionMethod, method), level=level)
    if pooled.k == 3 and not pooled.poolable:
        pooled = _judge_three(pooled, k, n)
    warnings = [*pooled.warnings, *shared_warnings(chosen.shared)]
    thresholds = {row.threshold or 1 for row in chosen.rows}
    if len(thresholds) > 1:
        rules = ", ".join(str(threshold) for threshold in sorted(thresholds))
        warnings.append(f"rows with different thresholds ({rules} cells or more) are pooled")
    return PooledRate(
        query=query,
        pooled=pooled,
        rows=_pooled_rows(chosen.rows, k, n, pooled, tables, query),
        left_out=chosen.left_out,
        flags=chosen.flags,
        warnings=tuple(warnings),
        papers=tuple(dict.fromkeys(row.study for row in chosen.rows)),
    )


def shared_warnings(shared: tuple[tuple[str, ...], ...]) -> list[str]:
    """What to say of rows that share patients and are taken as independent all the same."""
    return [
        f"{', '.join(group)} share patients and are taken as independent: the interval is too "
        "narrow; shown for comparison only"
        for group in shared
    ]


def _judge_three(pooled: PooledProportion, k: list[int], n: list[int]) -> PooledProportion:
    """Tell three studies that are too few from three that lie far apart.

    With three, t(k-2) has one degree of freedom and the interval is wide whatever they find.
    """
    normal = pool_proportions(
        k, n, method=cast(ProportionMethod, pooled.method), prediction="normal", level=pooled.level
    )
    low, high = normal.prediction_low, normal.prediction_high
    if not high - low <= WIDEST_PREDICTION:
        return pooled
    verdict = (
        "Three rows are too few to say where the next study would fall: "
        f"{100 * pooled.prediction_low:.0f} to {100 * pooled.prediction_high:.0f} % by t with 1 "
        f"degree of freedom, {100 * low:.0f} to {100 * high:.0f} % by the normal quantile. The "
        "rate describes these three, no more."
    )
    return dataclasses.replace(pooled, verdict=verdict)


def _usable(row: DetectionRate) -> str:
    """Why a detection rate cannot be pooled; empty if it can."""
    if row.n is None:
        return "the number examined is not known"
    return "" if row.count is not None else "the number positive is not known"


def _pooled_rows(
    rows: tuple[DetectionRate, ...],
    k: list[int],
    n: list[int],
    pooled: PooledProportion,
    tables: EvidenceTables,
    query: Query,
) -> tuple[PooledRow, ...]:
    """What stands behind the pooled rate, row by row."""
    low, high = exact_interval(k, n, level=pooled.level)
    tau2 = pooled.tau2 if pooled.link == "logit" and math.isfinite(pooled.tau2) else 0.0
    shares = [1 / (_logit_variance(ki, ni) + tau2) for ki, ni in zip(k, n, strict=True)]
    printed = {row.row: row for row in tables.rates}
    made = []
    for i, row in enumerate(rows):
        source = printed[row.row]
        corrections = () if query.as_printed else source.corrections
        made.append(
            PooledRow(
                row=row.row,
                study=row.study,
                label=tables.label(row.study),
                cancer=row.cancer,
                stage=row.stage,
                phase=row.phase,
                assay=row.assay,
                marker=row.marker,
                rule=f">={row.threshold or 1}",
                volume_ml=math.nan if row.volume_ml is None else row.volume_ml,
                k=k[i],
                n=n[i],
                rate=k[i] / n[i],
                ci_low=float(low[i]),
                ci_high=float(high[i]),
                weight=shares[i] / sum(shares),
                faults=row.faults,
                notes=(*(f"{c.column}: {c.reason}" for c in corrections), *row.flags),
            )
        )
    return tuple(made)


def _logit_variance(k: int, n: int) -> float:
    """Variance of a logit; a zero or full cell gets 1/2 on either side."""
    add = 0.5 if k in (0, n) else 0.0
    return 1 / (k + add) + 1 / (n - k + add)
