"""A pooled figure without each of its rows in turn, and which rows carry it.

Pooling is repeated by the method of the figure itself. A row is influential by the rules of
`influence.StudyInfluence`, on the logit scale for rates (REML there, whatever the method).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl

from marrowtrace.evidence.effects import pool_effects
from marrowtrace.evidence.heterogeneity import Tau2Method
from marrowtrace.evidence.influence import influence
from marrowtrace.evidence.plain_values import PlainValue, plain
from marrowtrace.evidence.pooling import PooledRate
from marrowtrace.evidence.prognosis import PooledPrognosis, combine_rows
from marrowtrace.evidence.proportions import ProportionMethod, pool_proportions
from marrowtrace.evidence.row_effects import Pooled, row_effects

LEAST = 3
MOST = 200
"""With more rows than this the table is neither read nor quick, and is left out (assumed)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutRow:
    """The pooled figure without one row.

    Parameters
    ----------
    row, label : str
        Which row is left out.
    estimate, ci_low, ci_high : float
        Pooled rate or hazard ratio; NaN where p-values are combined.
    tau2, i2 : float
        NaN where p-values are combined.
    p_low, p_high : float
        Combined p-value; NaN where effects are pooled.
    studentised_residual, dffits, cook_distance : float
        Of the row left out; NaN where p-values are combined.
    influential : bool or None
        None where p-values are combined.
    """

    row: str
    label: str
    estimate: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    tau2: float = math.nan
    i2: float = math.nan
    p_low: float = math.nan
    p_high: float = math.nan
    studentised_residual: float = math.nan
    dffits: float = math.nan
    cook_distance: float = math.nan
    influential: bool | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOutInTurn:
    """A pooled figure without each of its rows in turn.

    Parameters
    ----------
    rows : tuple of WithoutRow
        In the order of the rows; empty with fewer than `LEAST` or more than `MOST`.
    """

    rows: tuple[WithoutRow, ...]

    @property
    def influential(self) -> tuple[str, ...]:
        """Names of the rows that carry the figure."""
        return tuple(row.row for row in self.rows if row.influential)

    def table(self) -> pl.DataFrame:
        """Return one row for each row left out."""
        return pl.DataFrame([cast("dict[str, PlainValue]", plain(row)) for row in self.rows])

    def to_json(self) -> list[PlainValue]:
        """Return the rows as plain JSON values, NaN as None."""
        return [plain(row) for row in self.rows]


def leave_rows_out(result: Pooled) -> LeftOutInTurn:
    """Pool again without each row in turn.

    Parameters
    ----------
    result : PooledRate or PooledPrognosis

    Returns
    -------
    LeftOutInTurn
        Without rows where there are fewer than three: two without one are a single study.
    """
    if not LEAST <= len(result.rows) <= MOST:
        return LeftOutInTurn(rows=())
    if isinstance(result, PooledRate):
        return LeftOutInTurn(rows=_rates(result))
    if result.effect is None:
        return LeftOutInTurn(rows=_p_values(result))
    return LeftOutInTurn(rows=_ratios(result))


def _rates(result: PooledRate) -> tuple[WithoutRow, ...]:
    """Rates without each row."""
    diagnostics = influence(*row_effects(result)).studies
    made = []
    for row, found in zip(result.rows, diagnostics, strict=True):
        rest = [other for other in result.rows if other is not row]
        pooled = pool_proportions(
            [other.k for other in rest],
            [other.n for other in rest],
            method=cast(ProportionMethod, result.pooled.method),
            level=result.pooled.level,
        )
        made.append(
            WithoutRow(
                row=row.row,
                label=row.label,
                estimate=pooled.estimate,
                ci_low=pooled.ci_low,
                ci_high=pooled.ci_high,
                tau2=pooled.tau2,
                i2=pooled.i2,
                studentised_residual=found.studentised_residual,
                dffits=found.dffits,
                cook_distance=found.cook_distance,
                influential=found.influential,
            )
        )
    return tuple(made)


def _ratios(result: PooledPrognosis) -> tuple[WithoutRow, ...]:
    """Hazard ratios without each row."""
    assert result.effect is not None
    method = cast("Tau2Method", result.method)
    effects, variances = row_effects(result)
    diagnostics = influence(effects, variances, method=method).studies
    made = []
    for i, (row, found) in enumerate(zip(result.rows, diagnostics, strict=True)):
        rest = np.arange(effects.size) != i
        pooled = pool_effects(
            effects[rest], variances[rest], method=method, level=result.effect.level
        )
        made.append(
            WithoutRow(
                row=row.row,
                label=row.label,
                estimate=math.exp(pooled.estimate),
                ci_low=math.exp(pooled.ci_low),
                ci_high=math.exp(pooled.ci_high),
                tau2=pooled.tau2,
                i2=pooled.i2,
                studentised_residual=found.studentised_residual,
                dffits=found.dffits,
                cook_distance=found.cook_distance,
                influential=found.influential,
            )
        )
    return tuple(made)


def _p_values(result: PooledPrognosis) -> tuple[WithoutRow, ...]:
    """Combined p-values without each row."""
    made = []
    for row in result.rows:
        rest = [other for other in result.rows if other is not row]
        combined, _ = combine_rows(rest, result.method, [])
        made.append(
            WithoutRow(row=row.row, label=row.label, p_low=combined.p_low, p_high=combined.p_high)
        )
    return tuple(made)
