"""Moderators of detection rates (assay, analyte, phase, cancer) in the binomial-normal model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.heterogeneity import check_design, check_level
from marrowtrace.evidence.logit_normal import fit_logit_normal
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields
from marrowtrace.evidence.proportions import check_counts
from marrowtrace.evidence.regression import Coefficient, critical_value, two_sided_p


@dataclass(frozen=True)
class ProportionRegression:
    """A binomial-normal regression of detection rates.

    Parameters
    ----------
    coefficients : tuple of Coefficient
        Log odds: the intercept, then one for each moderator, with Wald tests.
    tau2, tau2_without : float
        Between-study variance on the logit scale, with and without the moderators.
    likelihood_ratio, p_value : float
        Test of all moderators together, chi-square on ``df`` degrees of freedom.
    df, k, n : int
        Moderators, studies and patients.
    level : float
    """

    coefficients: tuple[Coefficient, ...]
    tau2: float
    tau2_without: float
    likelihood_ratio: float
    df: int
    p_value: float
    k: int
    n: int
    level: float

    def table(self) -> pl.DataFrame:
        """Return one row for each coefficient, with its odds ratio."""
        return pl.DataFrame(
            [scalar_fields(c) | {"odds_ratio": math.exp(c.estimate)} for c in self.coefficients]
        )

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def proportion_regression(
    events: npt.ArrayLike,
    totals: npt.ArrayLike,
    *,
    moderators: npt.ArrayLike,
    names: Sequence[str],
    level: float = 0.95,
) -> ProportionRegression:
    """Regress detection rates on moderators.

    Parameters
    ----------
    events, totals : array_like of int, shape (k,)
        Positive and examined patients of each study.
    moderators : array_like, shape (k, m)
        One column for each moderator; a factor comes as `regression.indicators`.
    names : sequence of str, length m
    level : float

    Returns
    -------
    ProportionRegression

    Raises
    ------
    EvidenceError
        If an input is impossible, the design rank-deficient, there are no more studies than
        coefficients, or a coefficient has no finite estimate (separation).
    """
    k, n = check_counts(events, totals)
    check_level(level)
    columns = np.asarray(moderators, dtype=np.float64)
    if columns.ndim == 1:
        columns = columns[:, None]
    if columns.ndim != 2 or columns.shape != (k.size, len(names)) or not names:
        raise EvidenceError(
            f"moderators have shape {columns.shape}; needed are {k.size} rows (studies) and "
            f"{len(names)} columns, one for each name"
        )
    ones = np.ones((k.size, 1))
    x = check_design(np.column_stack([ones, columns]), k.size)
    if k.size <= x.shape[1]:
        raise EvidenceError(
            f"{x.shape[1]} coefficients cannot be fitted to {k.size} studies; drop moderators"
        )
    fit = fit_logit_normal(k, n, x)
    if fit.separated:
        raise EvidenceError(
            "a coefficient has no finite estimate: all studies at some level of a moderator are "
            "empty or all are full; merge that level with another or leave it out"
        )
    without = fit_logit_normal(k, n, ones)
    ratio = max(0.0, 2 * (fit.log_likelihood - without.log_likelihood))
    half = critical_value(math.inf, level)
    return ProportionRegression(
        coefficients=tuple(
            Coefficient(
                name=name,
                estimate=float(b),
                se=float(s),
                statistic=float(b / s),
                p_value=two_sided_p(float(b / s), math.inf),
                ci_low=float(b - half * s),
                ci_high=float(b + half * s),
            )
            for name, b, s in zip(["intercept", *names], fit.beta, fit.se, strict=True)
        ),
        tau2=fit.tau**2,
        tau2_without=without.tau**2,
        likelihood_ratio=ratio,
        df=len(names),
        p_value=float(special.chdtrc(len(names), ratio)),
        k=k.size,
        n=int(n.sum()),
        level=level,
    )
