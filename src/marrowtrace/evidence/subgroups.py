"""Test of subgroup differences: pool within each group, then compare the pooled effects.

With ``common_tau2`` one between-study variance is shared (a meta-regression on the group); without
it every group has its own, and the pooled effects are compared as in Cochran's Q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.effects import PooledEffect, PredictionRule, pool_effects
from marrowtrace.evidence.heterogeneity import Tau2Method, check_studies
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields
from marrowtrace.evidence.regression import Test, indicators, meta_regression


@dataclass(frozen=True)
class SubgroupTest:
    """Pooled effect of each group and the test that they are equal.

    Parameters
    ----------
    groups : tuple of str
        In sorted order.
    pooled : tuple of PooledEffect
        One for each group, each with its own tau2.
    statistic, p_value : float
        Q between groups and its p-value; chi-square with ``df[0]`` degrees of freedom where
        ``df[1]`` is infinite, otherwise F.
    df : tuple of float
    common_tau2 : float
        The shared between-study variance; NaN where every group has its own.
    warnings : tuple of str
    """

    groups: tuple[str, ...]
    pooled: tuple[PooledEffect, ...]
    statistic: float
    df: tuple[float, float]
    p_value: float
    common_tau2: float
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return one row for each group, the pooled effect in columns."""
        return pl.DataFrame(
            [
                {"group": group} | scalar_fields(pooled)
                for group, pooled in zip(self.groups, self.pooled, strict=True)
            ]
        )

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def subgroup_test(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    groups: Sequence[str],
    method: Tau2Method = "REML",
    test: Test = "knapp-hartung",
    guard: bool = True,
    common_tau2: bool = False,
    prediction: PredictionRule = "t(k-2)",
    level: float = 0.95,
) -> SubgroupTest:
    """Pool within groups and test whether the groups differ.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error.
    groups : sequence of str, length k
    method, test, guard, prediction, level
        As for `effects.pool_effects`.
    common_tau2 : bool
        Test under one shared between-study variance; the pooled effects keep their own.

    Returns
    -------
    SubgroupTest

    Raises
    ------
    EvidenceError
        If the lengths differ, there is one group only, or an option is unknown.
    """
    y, v = check_studies(effects, variances, least=2)
    if len(groups) != y.size:
        raise EvidenceError(f"{len(groups)} group labels for {y.size} studies; give one for each")
    columns, _ = indicators(groups)
    names = tuple(sorted(set(groups)))
    labels = np.array(groups)
    pooled = tuple(
        pool_effects(
            y[labels == name],
            v[labels == name],
            method=method,
            test=test,
            guard=guard,
            prediction=prediction,
            level=level,
        )
        for name in names
    )
    warnings = [
        f"group '{name}' holds one study: its difference from the others may be that study's own"
        for name, part in zip(names, pooled, strict=True)
        if part.k == 1
    ]
    if common_tau2:
        fit = meta_regression(
            y,
            v,
            moderators=columns,
            names=names[1:],
            method=method,
            test=test,
            guard=guard,
            level=level,
        )
        return SubgroupTest(
            names,
            pooled,
            fit.moderator_statistic,
            fit.moderator_df,
            fit.moderator_p_value,
            fit.residual.tau2,
            tuple(warnings),
        )
    w = np.array([1 / part.se**2 for part in pooled])
    means = np.array([part.estimate for part in pooled])
    q = float(w @ (means - w @ means / w.sum()) ** 2)
    df = len(names) - 1
    return SubgroupTest(
        names,
        pooled,
        q,
        (float(df), float("inf")),
        float(special.chdtrc(df, q)),
        float("nan"),
        tuple(warnings),
    )
