"""Meta-regression of the rows behind a pooled figure on what the tables say of them.

Assay, cancer, stage, marker and phase are factors against their commonest level; volume is a number
[mL]. A row in which a moderator is not printed is left out and named. Restricted maximum likelihood
with Knapp-Hartung's test and its guard.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl

from marrowtrace.errors import EvidenceError, ProblemList, did_you_mean
from marrowtrace.evidence.heterogeneity import Floats, Tau2Method
from marrowtrace.evidence.plain_values import PlainValue, plain
from marrowtrace.evidence.pooling import PooledRow
from marrowtrace.evidence.prognosis import EffectRow, PooledPrognosis
from marrowtrace.evidence.regression import MetaRegression, indicators, meta_regression
from marrowtrace.evidence.row_effects import Pooled, row_effects, scale_of
from marrowtrace.evidence.selection import LeftOut

FACTORS = ("assay", "cancer", "stage", "marker", "phase")
MODERATORS = (*FACTORS, "volume")
_OTHER_WORDS = {"timing": "phase"}
_SPARE_ROWS = 2  # rows beyond the coefficients, below which nothing is left to judge the fit by


@dataclass(frozen=True, kw_only=True)
class RowRegression:
    """A meta-regression of pooled rows.

    Parameters
    ----------
    moderators : tuple of str
    references : tuple of str
        Level of each factor without a coefficient, as ``cancer breast``.
    scale : str
        ``logit`` or ``log hazard ratio``.
    fit : MetaRegression
    rows : tuple of str
    left_out : tuple of LeftOut
        Rows in which a moderator is not printed.
    """

    moderators: tuple[str, ...]
    references: tuple[str, ...]
    scale: str
    fit: MetaRegression
    rows: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    def table(self) -> pl.DataFrame:
        """Return one row for each coefficient; odds or hazard ratio beside it."""
        return self.fit.table().with_columns(ratio=pl.col("estimate").exp())

    def to_json(self) -> dict[str, PlainValue]:
        """Return the regression as plain JSON values."""
        fit, left = self.fit, self.fit.residual
        return {
            "moderators": list(self.moderators),
            "references": list(self.references),
            "scale": self.scale,
            "method": left.method,
            "test": fit.test,
            "coefficients": plain(fit.coefficients),
            "p_value": plain(fit.moderator_p_value),
            "r2": plain(fit.r2),
            "residual": plain(left),
            "k": fit.k,
            "level": fit.level,
            "rows": list(self.rows),
            "left_out": plain(self.left_out),
            "warnings": list(fit.warnings),
        }


def parse_moderators(words: str) -> tuple[str, ...]:
    """Names of moderators from words parted by commas.

    Parameters
    ----------
    words : str
        Any of assay, cancer, stage, marker, phase (or timing) and volume.

    Raises
    ------
    EvidenceError
        With every word that is unknown.

    Examples
    --------
    >>> parse_moderators("assay, timing")
    ('assay', 'phase')
    """
    problems, found = ProblemList(), []
    allowed = (*MODERATORS, *_OTHER_WORDS)
    for word in (part.strip().casefold() for part in words.split(",")):
        if word not in allowed:
            problems.add(
                "moderators",
                f"'{word}' is unknown; allowed: {', '.join(allowed)}{did_you_mean(word, allowed)}",
            )
        found.append(_OTHER_WORDS.get(word, word))
    problems.raise_any(EvidenceError, "the meta-regression")
    return tuple(dict.fromkeys(found))


def regress_rows(
    result: Pooled, moderators: Sequence[str], *, level: float = 0.95
) -> RowRegression:
    """Regress the effects of pooled rows on moderators.

    Parameters
    ----------
    result : PooledRate or PooledPrognosis
        A prognosis pooled by a method for hazard ratios, which then estimates tau2; rates use
        REML.
    moderators : sequence of str
        From `MODERATORS`.
    level : float

    Returns
    -------
    RowRegression
        Coefficients on the logit or log hazard scale.

    Raises
    ------
    EvidenceError
        If a moderator is the same in all rows, two say the same, there are fewer rows than
        coefficients + 2, or p-values were combined.
    """
    names = parse_moderators(",".join(moderators))
    effects, variances = row_effects(result)
    all_rows: tuple[PooledRow | EffectRow, ...] = result.rows
    reasons = [_lacking(row, names) for row in all_rows]
    kept = [i for i, reason in enumerate(reasons) if not reason]
    rows = [all_rows[i] for i in kept]
    left_out = tuple(
        LeftOut(row.row, reason) for row, reason in zip(all_rows, reasons, strict=True) if reason
    )
    x, coefficients, references = _design(rows, names)
    needed = x.shape[1] + 1 + _SPARE_ROWS
    if len(rows) < needed:
        without = "".join(f"; {out.row} is left out: {out.reason}" for out in left_out)
        raise EvidenceError(
            f"meta-regression on {', '.join(names)} has {x.shape[1] + 1} coefficients and needs "
            f"{needed} rows; there are {len(rows)}{without}; drop a moderator or widen --phase, "
            "--cancer, --stage or --source"
        )
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(rows)), x])) < x.shape[1] + 1:
        raise EvidenceError(
            f"moderators {', '.join(names)} cannot be told apart in these {len(rows)} rows: one "
            "follows from the others (rank-deficient); drop one"
        )
    method = result.method if isinstance(result, PooledPrognosis) else "REML"
    return RowRegression(
        moderators=names,
        references=references,
        scale=scale_of(result),
        fit=meta_regression(
            effects[kept],
            variances[kept],
            moderators=x,
            names=coefficients,
            method=cast("Tau2Method", method),
            level=level,
        ),
        rows=tuple(row.row for row in rows),
        left_out=left_out,
    )


def _lacking(row: PooledRow | EffectRow, names: Sequence[str]) -> str:
    """Why a row cannot take part; empty if it can."""
    lacking = [name for name in names if not _known(row, name)]
    return f"{' and '.join(lacking)} not printed" if lacking else ""


def _known(row: PooledRow | EffectRow, name: str) -> bool:
    """Whether the row says what the moderator is."""
    if name == "volume":
        return math.isfinite(row.volume_ml)
    return getattr(row, name) not in ("", "unknown")


def _design(
    rows: Sequence[PooledRow | EffectRow], names: Sequence[str]
) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """Columns without the intercept, their names, and the reference levels."""
    columns: list[Floats] = []
    coefficients, references, same = [], [], ProblemList()
    for name in names:
        volumes = [row.volume_ml for row in rows]
        values = [
            f"{row.volume_ml:g} mL" if name == "volume" else str(getattr(row, name)) for row in rows
        ]
        if len(set(values)) < 2:
            printed = " and ".join(names)
            said = f"no row prints {printed}"
            if values:
                said = f"is {values[0]} in all {len(rows)} rows that print {printed}"
            same.add(name, f"{said}; a moderator has to differ between rows, drop it")
        elif name == "volume":
            columns.append(np.array(volumes)[:, None])
            coefficients.append("volume [mL]")
        else:
            tally = Counter(values)
            base = min(tally, key=lambda value: (-tally[value], value))
            made, levels = indicators(values, reference=base)
            columns.append(made)
            coefficients.extend(f"{name} {level}" for level in levels)
            references.append(f"{name} {base}")
    same.raise_any(EvidenceError, "the meta-regression")
    return np.column_stack(columns), tuple(coefficients), tuple(references)
