"""Detection rates pooled within subgroups: by cancer, stage, assay, marker or phase."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

from marrowtrace.errors import EvidenceError, did_you_mean
from marrowtrace.evidence.plain_values import PlainValue, plain_fields
from marrowtrace.evidence.pooling import PooledRate
from marrowtrace.evidence.proportions import PooledProportion, ProportionMethod, pool_proportions
from marrowtrace.evidence.regression import indicators, meta_regression

SUBGROUPS = ("cancer", "stage", "assay", "marker", "phase")


@dataclass(frozen=True, kw_only=True)
class RateSubgroups:
    """Pooled rates of subgroups and a test that they are equal.

    Parameters
    ----------
    by : str
    groups : tuple of str
        In the order in which they first stand in the rows.
    pooled : tuple of PooledProportion
    p_value : float
        F test on the logit scale with one tau2 for all (REML, Knapp-Hartung); NaN where there are
        no more rows than groups.
    warnings : tuple of str
    """

    by: str
    groups: tuple[str, ...]
    pooled: tuple[PooledProportion, ...]
    p_value: float
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values."""
        return plain_fields(self)


def group_of(row: object, by: str) -> str:
    """Subgroup of a pooled row; ``not printed`` where the column is empty."""
    return str(getattr(row, by)) or "not printed"


def rate_subgroups(result: PooledRate, by: str) -> RateSubgroups:
    """Pool the rows of a result within subgroups.

    Parameters
    ----------
    result : PooledRate
    by : {"cancer", "stage", "assay", "marker", "phase"}

    Raises
    ------
    EvidenceError
        If ``by`` is none of these.
    """
    if by not in SUBGROUPS:
        raise EvidenceError(
            f"subgroup '{by}' is unknown; allowed: {', '.join(SUBGROUPS)}"
            f"{did_you_mean(by, SUBGROUPS)}"
        )
    labels = [group_of(row, by) for row in result.rows]
    groups = tuple(dict.fromkeys(labels))
    pooled = []
    for group in groups:
        rows = [row for row, label in zip(result.rows, labels, strict=True) if label == group]
        pooled.append(
            pool_proportions(
                [row.k for row in rows],
                [row.n for row in rows],
                method=cast(ProportionMethod, result.pooled.method),
                level=result.pooled.level,
            )
        )
    alone = [group for group in groups if labels.count(group) == 1]
    warnings = [f"one row each in {', '.join(alone)}: groups and studies cannot be told apart"]
    return RateSubgroups(
        by=by,
        groups=groups,
        pooled=tuple(pooled),
        p_value=_p_between(result, labels) if 1 < len(groups) < len(labels) else math.nan,
        warnings=tuple(warnings) if alone else (),
    )


def _p_between(result: PooledRate, labels: list[str]) -> float:
    """p-value that the groups are equal, on the logit scale."""
    logits, variances = [], []
    for row in result.rows:
        add = 0.5 if row.k in (0, row.n) else 0.0
        positive, negative = row.k + add, row.n - row.k + add
        logits.append(math.log(positive / negative))
        variances.append(1 / positive + 1 / negative)
    columns, names = indicators(labels)
    return meta_regression(logits, variances, moderators=columns, names=names).moderator_p_value
