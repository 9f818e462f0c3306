r"""Random-effects pooling of study effects (log hazard ratios, log odds ratios, logits).

The prediction interval for the effect of a new study is
:math:`\hat\mu \pm t_{k-2}\sqrt{\hat\tau^2 + \mathrm{se}^2}` (Higgins, Thompson and Spiegelhalter
2009, J. R. Stat. Soc. A 172:137-159; the same form is in Riley, Higgins
and Deeks 2011, BMJ 342:d549). Other software takes :math:`t_{k-1}` or the normal; all three are
offered and the result says which was used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from marrowtrace.errors import EvidenceError, did_you_mean
from marrowtrace.evidence.heterogeneity import (
    Heterogeneity,
    Tau2Method,
    check_level,
    check_method,
    check_studies,
    heterogeneity,
)
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields
from marrowtrace.evidence.regression import Test, check_test, critical_value, fit_linear

PredictionRule = Literal["t(k-2)", "t(k-1)", "normal"]
"""Quantile of the prediction interval; ``t(k-2)`` is that of Higgins et al. 2009."""

PREDICTION_RULES: tuple[str, ...] = get_args(PredictionRule)


@dataclass(frozen=True)
class PooledEffect:
    """A pooled effect with its uncertainty and its heterogeneity.

    Parameters
    ----------
    estimate, se, ci_low, ci_high : float
        On the scale of the effects given (log HR stays log HR).
    statistic, p_value, df : float
        Test of no effect: z with infinite ``df``, or t.
    prediction_low, prediction_high : float
        Interval for the effect of a new study; NaN where it is undefined.
    prediction_rule : str
        Quantile used for it.
    heterogeneity : Heterogeneity
    k : int
        Number of studies.
    method, test : str
    scale : float
        Knapp-Hartung's variance factor after the guard, 1 for Wald.
    level : float
    weights : tuple of float, length k
        Share of each study, summing to 1.
    warnings : tuple of str
    """

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    statistic: float
    df: float
    p_value: float
    prediction_low: float
    prediction_high: float
    prediction_rule: str
    heterogeneity: Heterogeneity
    k: int
    method: str
    test: str
    scale: float
    level: float
    weights: tuple[float, ...]
    warnings: tuple[str, ...]

    @property
    def tau2(self) -> float:
        """Between-study variance."""
        return self.heterogeneity.tau2

    @property
    def i2(self) -> float:
        """Share of the variance between studies, in [0, 1]."""
        return self.heterogeneity.i2

    def table(self) -> pl.DataFrame:
        """Return one row: the pooled effect, then tau2, I2 and Q with their intervals."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def pool_effects(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    method: Tau2Method = "REML",
    test: Test = "knapp-hartung",
    guard: bool = True,
    prediction: PredictionRule = "t(k-2)",
    level: float = 0.95,
) -> PooledEffect:
    """Pool study effects under a random-effects model.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error.
    method : str
        Estimator of tau2; ``common`` for the fixed-effect model.
    test : {"knapp-hartung", "wald"}
    guard : bool
        Never let Knapp-Hartung's variance factor fall below 1.
    prediction : {"t(k-2)", "t(k-1)", "normal"}
        Quantile of the prediction interval.
    level : float
        Confidence level of every interval.

    Returns
    -------
    PooledEffect
        A single study is returned as it is, with a warning and without a prediction interval.

    Raises
    ------
    EvidenceError
        If a value is impossible or an option unknown.
    """
    y, v = check_studies(effects, variances)
    check_level(level)
    check_method(method)
    check_test(test)
    check_prediction(prediction)
    x = np.ones((y.size, 1))
    fit = fit_linear(y, v, x, method=method, test=test, guard=guard)
    estimate, se = float(fit.beta[0]), float(fit.se[0])
    half = fit.quantile(level)
    spread = math.sqrt(se**2 + fit.tau2)
    reach = critical_value(prediction_df(prediction, y.size), level) * spread
    share = 1 / (v + fit.tau2)
    return PooledEffect(
        estimate=estimate,
        se=se,
        ci_low=estimate - half * se,
        ci_high=estimate + half * se,
        statistic=estimate / se,
        df=fit.df,
        p_value=float(fit.p_values()[0]),
        prediction_low=estimate - reach,
        prediction_high=estimate + reach,
        prediction_rule=prediction,
        heterogeneity=heterogeneity(y, v, method=method, level=level),
        k=y.size,
        method=method,
        test=test,
        scale=fit.scale,
        level=level,
        weights=tuple(float(w) for w in share / share.sum()),
        warnings=tuple(_warnings(y.size, test)),
    )


def check_prediction(prediction: str) -> None:
    """Raise `EvidenceError` if ``prediction`` names no rule."""
    if prediction not in PREDICTION_RULES:
        raise EvidenceError(
            f"prediction rule '{prediction}' is unknown; allowed: {', '.join(PREDICTION_RULES)}"
            f"{did_you_mean(prediction, PREDICTION_RULES)}"
        )


def prediction_df(prediction: str, studies: int) -> float:
    """Degrees of freedom of a prediction rule; NaN where it is undefined."""
    if prediction == "normal":
        return math.inf if studies > 1 else math.nan
    df = studies - (2 if prediction == "t(k-2)" else 1)
    return float(df) if df >= 1 else math.nan


def _warnings(studies: int, test: str) -> list[str]:
    """What a reader must know about so few studies."""
    if studies == 1:
        return ["one study: nothing is pooled, and heterogeneity cannot be seen"]
    notes = []
    if studies == 2:
        notes.append("two studies: tau2 is all but unknown, and t(k-2) has no prediction interval")
    if test == "wald" and studies < 10:
        notes.append(
            f"Wald interval with {studies} studies: too short on average; prefer Knapp-Hartung"
        )
    return notes
