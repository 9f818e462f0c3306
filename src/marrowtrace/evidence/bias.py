r"""Tests of small-study effects (funnel asymmetry): Egger, Begg, Peters.

- Egger et al. 1997 (BMJ 315:629-634): weighted regression of the effect on its standard error; a
  slope other than 0 means that small studies find something else. As a plain weighted regression
  (t on k - 2 degrees of freedom; the original) or with a between-study variance (random effects).
- Begg and Mazumdar 1994 (Biometrics 50:1088-1101): Kendall's rank correlation of standardised
  effects with their variances.
- Peters et al. 2006 (JAMA 295:676-680): weighted regression of a log odds ratio on the inverse of
  the study size, with weights that do not contain the effect.

Asymmetry is not proof of publication bias: real differences between small and large studies look
the same. With fewer than ten studies no test here has power worth the name, and each says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats

from marrowtrace.errors import EvidenceError, ProblemList
from marrowtrace.evidence.heterogeneity import (
    Floats,
    Tau2Method,
    check_design,
    check_level,
    check_method,
    check_studies,
    weighted_fit,
)
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields
from marrowtrace.evidence.regression import (
    Test,
    check_test,
    critical_value,
    fit_linear,
    two_sided_p,
)

ENOUGH_STUDIES = 10
"""Below this many studies every test carries a warning (Cochrane's rule of thumb)."""


@dataclass(frozen=True)
class AsymmetryTest:
    """A test of funnel asymmetry.

    Parameters
    ----------
    name : str
    statistic, p_value : float
        t or z of the slope, or Kendall's tau; two-sided.
    df : float
        Degrees of freedom of t; infinite for z, NaN for Kendall's tau.
    slope, slope_se : float
        NaN for Begg's test.
    limit, limit_low, limit_high : float
        Effect predicted for a study without error (Egger) or of endless size (Peters); NaN for
        Begg's test.
    k : int
    warnings : tuple of str
    """

    name: str
    statistic: float
    p_value: float
    df: float
    slope: float
    slope_se: float
    limit: float
    limit_low: float
    limit_high: float
    k: int
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def low_power_warning(studies: int) -> tuple[str, ...]:
    """The warning for fewer than ten studies, or none."""
    if studies >= ENOUGH_STUDIES:
        return ()
    return (
        f"{studies} studies, fewer than {ENOUGH_STUDIES}: the test has little power, and finding "
        "no asymmetry means nothing",
    )


def egger(
    effects: npt.ArrayLike, variances: npt.ArrayLike, *, level: float = 0.95
) -> AsymmetryTest:
    """Egger's test in its original form, a weighted regression with an error variance of its own.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error; at least 3 studies.
    level : float
        Confidence level of the limit estimate.

    Returns
    -------
    AsymmetryTest

    Raises
    ------
    EvidenceError
        If an input is impossible, or all standard errors are equal.
    """
    y, v = check_studies(effects, variances, least=3)
    check_level(level)
    return _weighted_line("Egger", y, 1 / v, _with_ones(np.sqrt(v), "standard errors"), level)


def egger_random_effects(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    method: Tau2Method = "REML",
    test: Test = "wald",
    level: float = 0.95,
) -> AsymmetryTest:
    """Egger's regression with a between-study variance.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error; at least 3 studies.
    method, test, level
        As for `regression.meta_regression`, without the guard.

    Returns
    -------
    AsymmetryTest

    Raises
    ------
    EvidenceError
        If an input is impossible, or all standard errors are equal.
    """
    y, v = check_studies(effects, variances, least=3)
    check_method(method)
    check_test(test)
    check_level(level)
    x = _with_ones(np.sqrt(v), "standard errors")
    fit = fit_linear(y, v, x, method=method, test=test, guard=False)
    half = fit.quantile(level) * float(fit.se[0])
    return AsymmetryTest(
        name="Egger, random effects",
        statistic=float(fit.beta[1] / fit.se[1]),
        p_value=float(fit.p_values()[1]),
        df=fit.df,
        slope=float(fit.beta[1]),
        slope_se=float(fit.se[1]),
        limit=float(fit.beta[0]),
        limit_low=float(fit.beta[0]) - half,
        limit_high=float(fit.beta[0]) + half,
        k=y.size,
        warnings=low_power_warning(y.size),
    )


def begg(effects: npt.ArrayLike, variances: npt.ArrayLike) -> AsymmetryTest:
    """Begg and Mazumdar's rank correlation; exact p-value unless there are ties.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error; at least 3 studies.

    Returns
    -------
    AsymmetryTest

    Raises
    ------
    EvidenceError
        If an input is impossible, or all variances are equal.
    """
    y, v = check_studies(effects, variances, least=3)
    if np.ptp(v) == 0:
        raise EvidenceError("all variances are equal: there are no small studies to compare")
    w = 1 / v
    centred = (y - w @ y / w.sum()) / np.sqrt(v - 1 / w.sum())
    tied = np.unique(centred).size < y.size or np.unique(v).size < y.size
    found = stats.kendalltau(centred, v, method="asymptotic" if tied else "exact")
    nan = math.nan
    return AsymmetryTest(
        name="Begg",
        statistic=float(found.statistic),
        p_value=float(found.pvalue),
        df=nan,
        slope=nan,
        slope_se=nan,
        limit=nan,
        limit_low=nan,
        limit_high=nan,
        k=y.size,
        warnings=low_power_warning(y.size),
    )


def peters(
    effects: npt.ArrayLike,
    *,
    events: npt.ArrayLike,
    totals: npt.ArrayLike,
    level: float = 0.95,
) -> AsymmetryTest:
    """Peters' test: log odds ratio on 1/n, weighted by events and non-events.

    Parameters
    ----------
    effects : array_like, shape (k,)
        Log odds ratio of each study; at least 3 studies.
    events, totals : array_like, shape (k,)
        Events and patients of each study, both arms together.
    level : float
        Confidence level of the limit estimate.

    Returns
    -------
    AsymmetryTest

    Raises
    ------
    EvidenceError
        If an input is impossible, or all studies have one size.
    """
    d = np.atleast_1d(np.asarray(events, dtype=np.float64))
    n = np.atleast_1d(np.asarray(totals, dtype=np.float64))
    y, _ = check_studies(effects, np.ones_like(n), least=3)
    check_level(level)
    problems = ProblemList()
    if d.shape != n.shape:
        raise EvidenceError(f"{d.size} event counts but {n.size} totals; give one of each")
    for i in np.flatnonzero(~((d > 0) & (d < n) & np.isfinite(n))):
        problems.add(
            f"events[{i}]",
            f"{d[i]:g} of {n[i]:g} leaves no events or no patients without; leave the study out",
        )
    problems.raise_any(EvidenceError, "the event counts of Peters' test")
    w = 1 / (1 / d + 1 / (n - d))
    return _weighted_line("Peters", y, w, _with_ones(1 / n, "study sizes"), level)


def _with_ones(column: Floats, what: str) -> Floats:
    """Design with an intercept, or a plain refusal where the column does not vary."""
    if np.ptp(column) == 0:
        raise EvidenceError(f"all {what} are equal: there are no small studies to compare")
    return check_design(np.column_stack([np.ones(column.size), column]), column.size)


def _weighted_line(name: str, y: Floats, w: Floats, x: Floats, level: float) -> AsymmetryTest:
    """Weighted least squares with an estimated error variance, and the t-test of its slope."""
    beta, inverse = weighted_fit(y, w, x)
    df = y.size - 2
    error = float(w @ (y - x @ beta) ** 2) / df
    se = np.sqrt(error * np.diag(inverse))
    statistic = float(beta[1] / se[1])
    half = critical_value(df, level) * float(se[0])
    return AsymmetryTest(
        name=name,
        statistic=statistic,
        p_value=two_sided_p(statistic, df),
        df=float(df),
        slope=float(beta[1]),
        slope_se=float(se[1]),
        limit=float(beta[0]),
        limit_low=float(beta[0]) - half,
        limit_high=float(beta[0]) + half,
        k=y.size,
        warnings=low_power_warning(y.size),
    )
