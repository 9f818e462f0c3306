r"""Random-effects meta-regression on several moderators, with Wald or Knapp-Hartung inference.

Knapp and Hartung 2003 (Stat. Med. 22:2693-2710) multiply the variance of the coefficients by
:math:`s^2 = Q(\hat\tau^2)/(k-p)` and refer to Student's t on :math:`k - p` degrees of freedom. With
the guard, :math:`\max(1, s^2)`, the interval is never shorter than Wald's through luck alone
(Jackson et al. 2017, Stat. Med. 36:3923-3934, discuss when it would be).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from marrowtrace.errors import EvidenceError, did_you_mean
from marrowtrace.evidence.heterogeneity import (
    Floats,
    Heterogeneity,
    Tau2Method,
    check_design,
    check_level,
    check_studies,
    estimate_tau2,
    heterogeneity,
    weighted_fit,
)
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields

Test = Literal["wald", "knapp-hartung"]
"""How coefficients are tested: normal quantiles, or Knapp-Hartung's scaled t."""

TESTS: tuple[str, ...] = get_args(Test)
STUDIES_PER_MODERATOR = 10
"""Fewer studies than this for each moderator raises a warning (rule of thumb, assumed)."""


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of a meta-regression, on the scale of the effect.

    Parameters
    ----------
    name : str
    estimate, se, statistic, p_value, ci_low, ci_high : float
        ``statistic`` is z under the Wald test and t under Knapp-Hartung.
    """

    name: str
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class MetaRegression:
    """A fitted random-effects meta-regression.

    Parameters
    ----------
    coefficients : tuple of Coefficient
    covariance : tuple of tuple of float
        Covariance of the coefficients, scaled if Knapp-Hartung.
    residual : Heterogeneity
        What is left after the moderators; its Q is the test of residual heterogeneity.
    r2 : float
        Share of the between-study variance explained, 1 - tau2 / tau2 without moderators, cut at 0;
        NaN where the variance without moderators is 0.
    moderator_statistic, moderator_p_value : float
        Test of all moderators together: chi-square (Wald) or F (Knapp-Hartung).
    moderator_df : tuple of float
        Its degrees of freedom, (m, inf) or (m, k - p).
    k : int
        Number of studies.
    test : str
    level : float
    warnings : tuple of str
    """

    coefficients: tuple[Coefficient, ...]
    covariance: tuple[tuple[float, ...], ...]
    residual: Heterogeneity
    r2: float
    moderator_statistic: float
    moderator_df: tuple[float, float]
    moderator_p_value: float
    k: int
    test: str
    level: float
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return one row for each coefficient."""
        return pl.DataFrame([scalar_fields(coefficient) for coefficient in self.coefficients])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


@dataclass(frozen=True)
class LinearFit:
    """Coefficients at an estimated tau2: the core that every model here shares.

    Parameters
    ----------
    beta, se : ndarray, shape (p,)
    covariance : ndarray, shape (p, p)
    tau2 : float
    scale : float
        Knapp-Hartung's factor, 1 for Wald.
    df : float
        Degrees of freedom of t; infinite for Wald.
    """

    beta: Floats
    se: Floats
    covariance: Floats
    tau2: float
    scale: float
    df: float

    def quantile(self, level: float) -> float:
        """Two-sided critical value at ``level``."""
        return critical_value(self.df, level)

    def p_values(self) -> Floats:
        """Two-sided p-values of the coefficients, shape (p,)."""
        return np.array(
            [two_sided_p(b / s, self.df) for b, s in zip(self.beta, self.se, strict=True)]
        )


def critical_value(df: float, level: float) -> float:
    """Two-sided critical value of Student's t, or of the normal where ``df`` is infinite."""
    if math.isnan(df) or df <= 0:
        return math.nan
    if math.isinf(df):
        return float(special.ndtri((1 + level) / 2))
    return float(special.stdtrit(df, (1 + level) / 2))


def two_sided_p(statistic: float, df: float) -> float:
    """Two-sided p-value of Student's t, or of the normal where ``df`` is infinite."""
    if math.isnan(df) or df <= 0:
        return math.nan
    if math.isinf(df):
        return float(2 * special.ndtr(-abs(statistic)))
    return float(2 * special.stdtr(df, -abs(statistic)))


def check_test(test: str) -> None:
    """Raise `EvidenceError` if ``test`` names no way of testing."""
    if test not in TESTS:
        raise EvidenceError(
            f"test '{test}' is unknown; allowed: {', '.join(TESTS)}{did_you_mean(test, TESTS)}"
        )


def fit_linear(
    y: Floats, v: Floats, x: Floats, *, method: str, test: str, guard: bool
) -> LinearFit:
    """Fit checked arrays; the caller has seen to names, rank and finite values."""
    k, p = x.shape
    tau2 = estimate_tau2(y, v, x, method)
    w = 1 / (v + tau2)
    beta, inverse = weighted_fit(y, w, x)
    scale, df = 1.0, math.inf
    if test == "knapp-hartung" and k > p:
        scale = float(w @ (y - x @ beta) ** 2) / (k - p)
        scale = max(1.0, scale) if guard else scale
        df = float(k - p)
    covariance = scale * inverse
    return LinearFit(beta, np.sqrt(np.diag(covariance)), covariance, tau2, scale, df)


def meta_regression(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    moderators: npt.ArrayLike,
    names: Sequence[str],
    method: Tau2Method = "REML",
    test: Test = "knapp-hartung",
    guard: bool = True,
    intercept: bool = True,
    level: float = 0.95,
) -> MetaRegression:
    """Regress study effects on moderators, with the between-study variance that they leave.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study (log HR, logit proportion, ...) and its squared standard error.
    moderators : array_like, shape (k, m)
        One column for each moderator; a factor comes as indicator columns (see `indicators`).
    names : sequence of str, length m
    method : str
        Estimator of tau2.
    test : {"knapp-hartung", "wald"}
    guard : bool
        Never let Knapp-Hartung's factor fall below 1.
    intercept : bool
        Add a column of ones.
    level : float
        Confidence level.

    Returns
    -------
    MetaRegression

    Raises
    ------
    EvidenceError
        If an input is impossible, the design is rank-deficient, or there are no more studies than
        coefficients.
    """
    y, v = check_studies(effects, variances, least=2)
    check_test(test)
    check_level(level)
    columns = np.asarray(moderators, dtype=np.float64)
    if columns.ndim == 1:
        columns = columns[:, None]
    if columns.ndim != 2 or columns.shape[1] != len(names):
        raise EvidenceError(
            f"{len(names)} moderator names for columns of shape {columns.shape}; "
            "give one name for each column"
        )
    if columns.shape[1] == 0:
        raise EvidenceError("no moderators given; to pool without any, use effects.pool_effects")
    if columns.shape[0] == y.size and intercept:
        columns = np.column_stack([np.ones(y.size), columns])
    x = check_design(columns, y.size)
    if y.size <= x.shape[1]:
        raise EvidenceError(
            f"{x.shape[1]} coefficients cannot be fitted to {y.size} studies; drop moderators"
        )
    residual = heterogeneity(y, v, method=method, design=x, level=level)
    fit = fit_linear(y, v, x, method=method, test=test, guard=guard)
    first = 1 if intercept else 0
    statistic, df, p_value = _joint_test(fit, first)
    tau2_before = estimate_tau2(y, v, np.ones((y.size, 1)), method)
    warnings: list[str] = []
    if y.size < STUDIES_PER_MODERATOR * len(names):
        warnings.append(
            f"{y.size} studies for {len(names)} moderator(s): fewer than "
            f"{STUDIES_PER_MODERATOR} for each, so power is low and false findings are likely"
        )
    return MetaRegression(
        coefficients=tuple(_coefficients(fit, (["intercept"] * first) + list(names), level)),
        covariance=tuple(tuple(float(c) for c in row) for row in fit.covariance),
        residual=residual,
        r2=max(0.0, 1 - fit.tau2 / tau2_before) if intercept and tau2_before > 0 else math.nan,
        moderator_statistic=statistic,
        moderator_df=df,
        moderator_p_value=p_value,
        k=y.size,
        test=test,
        level=level,
        warnings=tuple(warnings),
    )


def indicators(
    levels: Sequence[str], *, reference: str | None = None
) -> tuple[Floats, tuple[str, ...]]:
    """Code a factor as indicator columns against a reference level.

    Parameters
    ----------
    levels : sequence of str, length k
        Level of each study.
    reference : str, optional
        Level without a column; the first in sorted order if left out.

    Returns
    -------
    columns : ndarray, shape (k, levels - 1)
    names : tuple of str

    Raises
    ------
    EvidenceError
        If the reference is not a level, or there is only one.

    Examples
    --------
    >>> indicators(["CTC", "DTC", "DTC"])[1]
    ('DTC',)
    """
    distinct = sorted(set(levels))
    if len(distinct) < 2:
        raise EvidenceError(f"all studies have level {distinct}; a moderator needs two or more")
    base = distinct[0] if reference is None else reference
    if base not in distinct:
        raise EvidenceError(
            f"reference level '{base}' is not among {', '.join(distinct)}"
            f"{did_you_mean(base, distinct)}"
        )
    others = tuple(level for level in distinct if level != base)
    columns = np.array([[float(level == other) for other in others] for level in levels])
    return columns, others


def _coefficients(fit: LinearFit, names: Sequence[str], level: float) -> list[Coefficient]:
    """One record for each coefficient."""
    half = fit.quantile(level)
    return [
        Coefficient(
            name=name,
            estimate=float(b),
            se=float(s),
            statistic=float(b / s),
            p_value=float(p),
            ci_low=float(b - half * s),
            ci_high=float(b + half * s),
        )
        for name, b, s, p in zip(names, fit.beta, fit.se, fit.p_values(), strict=True)
    ]


def _joint_test(fit: LinearFit, first: int) -> tuple[float, tuple[float, float], float]:
    """Wald chi-square, or F, of all coefficients from ``first`` on."""
    beta = fit.beta[first:]
    chi2 = float(beta @ np.linalg.solve(fit.covariance[first:, first:], beta))
    m = beta.size
    if math.isinf(fit.df):
        return chi2, (float(m), math.inf), float(special.chdtrc(m, chi2))
    return chi2 / m, (float(m), fit.df), float(special.fdtrc(m, fit.df, chi2 / m))
