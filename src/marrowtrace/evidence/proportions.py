r"""Pooled detection rates: binomial-normal model, logits, and the double arcsine.

- ``glmm``: the binomial-normal model of `logit_normal`; no study needs a correction. Default.
- ``reml-logit``, ``pm-logit``, ``dl-logit``: inverse-variance pooling of logits; a zero or full
  cell gets 1/2 on either side, which draws the study towards one half.
- ``freeman-tukey``: the double arcsine (Freeman and Tukey 1950, Ann. Math. Stat. 21:607-611),
  turned back at the harmonic mean of the sample sizes (Miller 1978, Am. Stat. 32:138). Offered
  because it is often asked for; Schwarzer et al. 2019 (Res. Synth. Methods 10:476-483; remembered,
  not seen here) show that the answer depends on the sample size chosen for the way back and can be
  far off.

The estimate of the first two is the rate of the median study, not the mean over studies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from marrowtrace.errors import EvidenceError, ProblemList, did_you_mean
from marrowtrace.evidence.effects import (
    PooledEffect,
    PredictionRule,
    check_prediction,
    pool_effects,
    prediction_df,
)
from marrowtrace.evidence.heterogeneity import Floats, Tau2Method, check_level
from marrowtrace.evidence.logit_normal import LogitNormalFit, fit_logit_normal, tau_interval
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields
from marrowtrace.evidence.regression import critical_value

ProportionMethod = Literal["glmm", "reml-logit", "pm-logit", "dl-logit", "freeman-tukey"]
ProportionTest = Literal["auto", "wald", "t", "knapp-hartung"]
"""``auto``: Wald for ``glmm``, Knapp-Hartung (guarded) for the others; ``t`` is for ``glmm``."""

PROPORTION_METHODS: tuple[str, ...] = get_args(ProportionMethod)
PROPORTION_TESTS: tuple[str, ...] = get_args(ProportionTest)
WIDEST_PREDICTION = 0.5
"""A prediction interval wider than this share of 0 to 1 is not pooled (assumed, not published)."""

_FREEMAN_TUKEY_WARNING = (
    "Freeman-Tukey: the way back from the double arcsine rests on one sample size for all studies "
    "(their harmonic mean); with unequal sizes it can be far off (Schwarzer 2019); prefer glmm"
)
_UNBOUNDED_WARNING = (
    "the studies are so far apart that their variance has no finite estimate: the pooled rate and "
    "its interval mean nothing"
)


@dataclass(frozen=True)
class PooledProportion:
    """A pooled detection rate.

    Parameters
    ----------
    estimate, ci_low, ci_high : float
        In [0, 1].
    prediction_low, prediction_high : float
        Where the rate of a new study would fall; NaN where undefined.
    prediction_rule : str
    tau2, tau2_low, tau2_high : float
        Between-study variance on the scale of ``link``; the interval is by Q-profile, for ``glmm``
        by profile likelihood.
    i2, i2_low, i2_high : float
        Share of the variance between studies, in [0, 1].
    q, q_p_value : float
        Cochran's Q, for ``glmm`` the likelihood-ratio statistic against one rate for each study.
    q_df : int
    k : int
        Number of studies.
    events, n : int
        Positive and examined patients over all studies.
    method, test, link : str
        ``link`` is ``logit`` or ``double-arcsine``.
    link_estimate, link_se : float
        On the scale of the link.
    level : float
    poolable : bool
        False where one pooled figure would mislead.
    verdict : str
        The same as a sentence.
    warnings : tuple of str
    """

    estimate: float
    ci_low: float
    ci_high: float
    prediction_low: float
    prediction_high: float
    prediction_rule: str
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    i2_low: float
    i2_high: float
    q: float
    q_df: int
    q_p_value: float
    k: int
    events: int
    n: int
    method: str
    test: str
    link: str
    link_estimate: float
    link_se: float
    level: float
    poolable: bool
    verdict: str
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def check_counts(events: npt.ArrayLike, totals: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return positive and examined counts as float arrays, or list all that is wrong with them.

    Raises
    ------
    EvidenceError
        If there is no study, the lengths differ, a count is not whole, a total is below 1 or more
        are positive than were examined.
    """
    k = np.atleast_1d(np.asarray(events, dtype=np.float64))
    n = np.atleast_1d(np.asarray(totals, dtype=np.float64))
    if k.ndim != 1 or k.size == 0 or k.shape != n.shape:
        raise EvidenceError(
            f"{k.size} positive counts but {n.size} totals; give one of each for every study"
        )
    problems = ProblemList()
    for i, (positive, examined) in enumerate(zip(k, n, strict=True)):
        if not (examined >= 1 and float(examined).is_integer()):
            problems.add(f"totals[{i}]", f"{examined:g} is not a whole number of 1 or more")
        elif not float(positive).is_integer():
            problems.add(
                f"events[{i}]",
                f"{positive:g} is not a whole number; give the count, not the percentage",
            )
        elif not 0 <= positive <= examined:
            problems.add(f"events[{i}]", f"{positive:g} positive is outside 0 to {examined:g}")
    problems.raise_any(EvidenceError, "the detection counts")
    return k, n


def exact_interval(
    events: npt.ArrayLike, totals: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Clopper-Pearson interval of each study's rate.

    Parameters
    ----------
    events, totals : array_like of int, shape (k,)
    level : float

    Returns
    -------
    low, high : ndarray, shape (k,)

    Examples
    --------
    >>> low, high = exact_interval([7], [7])
    >>> round(float(low[0]), 4), float(high[0])
    (0.5904, 1.0)
    """
    check_level(level)
    k, n = check_counts(events, totals)
    tail = (1 - level) / 2
    low = np.where(k == 0, 0.0, special.betaincinv(np.maximum(k, 1), n - k + 1, tail))
    high = np.where(k == n, 1.0, special.betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail))
    return low, high


def pool_proportions(
    events: npt.ArrayLike,
    totals: npt.ArrayLike,
    *,
    method: ProportionMethod = "glmm",
    test: ProportionTest = "auto",
    prediction: PredictionRule = "t(k-2)",
    level: float = 0.95,
) -> PooledProportion:
    """Pool detection rates over studies.

    Parameters
    ----------
    events, totals : array_like of int, shape (k,)
        Positive and examined patients of each study.
    method : {"glmm", "reml-logit", "pm-logit", "dl-logit", "freeman-tukey"}
    test : {"auto", "wald", "t", "knapp-hartung"}
        Confidence interval of the pooled rate; ``t`` is t(k-1) for ``glmm``.
    prediction : {"t(k-2)", "t(k-1)", "normal"}
    level : float

    Returns
    -------
    PooledProportion
        A single study, and studies that are all empty or all full, get the exact interval of the
        summed counts.

    Raises
    ------
    EvidenceError
        If a count is impossible, an option unknown, or the test does not go with the method.
    """
    k, n = check_counts(events, totals)
    check_level(level)
    check_prediction(prediction)
    chosen = _check_options(method, test)
    total, positive = n.sum(), k.sum()
    if k.size == 1 or (method == "glmm" and positive in (0, total)):
        pooled = _exact(k, n, method, level, prediction)
    elif method == "glmm":
        pooled = _glmm(k, n, chosen, prediction, level)
    elif method == "freeman-tukey":
        pooled = _freeman_tukey(k, n, chosen, prediction, level)
    else:
        pooled = _logit(k, n, method, chosen, prediction, level)
    poolable, verdict = _judge(pooled)
    return replace(pooled, poolable=poolable, verdict=verdict)


def logits(events: npt.ArrayLike, totals: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Logit of each rate and its variance; zero and full cells get 1/2 on either side."""
    k, n = check_counts(events, totals)
    add = np.where((k == 0) | (k == n), 0.5, 0.0)
    positive, negative = k + add, n - k + add
    return np.log(positive / negative), 1 / positive + 1 / negative


def double_arcsine(events: npt.ArrayLike, totals: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Freeman-Tukey transform of each rate (half the sum of arcsines) and its variance."""
    k, n = check_counts(events, totals)
    value = (np.arcsin(np.sqrt(k / (n + 1))) + np.arcsin(np.sqrt((k + 1) / (n + 1)))) / 2
    return value, 1 / (4 * n + 2)


def invert_double_arcsine(value: float, size: float) -> float:
    """Rate in [0, 1] whose double arcsine at sample size ``size`` is ``value`` (Miller 1978)."""
    lowest = math.asin(math.sqrt(1 / (size + 1))) / 2
    if value <= lowest:
        return 0.0
    if value >= math.pi / 2 - lowest:
        return 1.0
    sine = math.sin(2 * value)
    inner = 1 - (sine + (sine - 1 / sine) / size) ** 2
    return 0.5 * (1 - math.copysign(math.sqrt(max(inner, 0.0)), math.cos(2 * value)))


def _check_options(method: str, test: str) -> str:
    """The test that goes with the method."""
    if method not in PROPORTION_METHODS:
        raise EvidenceError(
            f"method '{method}' is unknown; allowed: {', '.join(PROPORTION_METHODS)}"
            f"{did_you_mean(method, PROPORTION_METHODS)}"
        )
    if test not in PROPORTION_TESTS:
        raise EvidenceError(
            f"test '{test}' is unknown; allowed: {', '.join(PROPORTION_TESTS)}"
            f"{did_you_mean(test, PROPORTION_TESTS)}"
        )
    if test == "auto":
        return "wald" if method == "glmm" else "knapp-hartung"
    fitting = ("wald", "t") if method == "glmm" else ("wald", "knapp-hartung")
    if test not in fitting:
        raise EvidenceError(
            f"test '{test}' does not go with method '{method}'; allowed: auto, {', '.join(fitting)}"
        )
    return test


def _exact(k: Floats, n: Floats, method: str, level: float, prediction: str) -> PooledProportion:
    """One study, or studies all empty or all full: the summed counts and their interval."""
    positive, total = int(k.sum()), int(n.sum())
    low, high = exact_interval([positive], [total], level=level)
    warnings = ["one study: its exact (Clopper-Pearson) interval is given, nothing is pooled"]
    if k.size > 1:
        extreme = "no patient" if positive == 0 else "every patient"
        warnings = [
            f"{extreme} of any study is positive: the model has no finite estimate, so the summed "
            "counts and their exact (Clopper-Pearson) interval are given"
        ]
    nan = math.nan
    return PooledProportion(
        estimate=positive / total,
        ci_low=float(low[0]),
        ci_high=float(high[0]),
        prediction_low=nan,
        prediction_high=nan,
        prediction_rule=prediction,
        tau2=0.0,
        tau2_low=nan,
        tau2_high=nan,
        i2=nan if k.size == 1 else 0.0,
        i2_low=nan,
        i2_high=nan,
        q=0.0,
        q_df=k.size - 1,
        q_p_value=nan if k.size == 1 else 1.0,
        k=k.size,
        events=positive,
        n=total,
        method=method,
        test="exact",
        link="double-arcsine" if method == "freeman-tukey" else "logit",
        link_estimate=nan,
        link_se=nan,
        level=level,
        poolable=False,
        verdict="",
        warnings=tuple(warnings),
    )


@lru_cache(maxsize=256)
def _fitted(
    k: tuple[float, ...], n: tuple[float, ...], level: float
) -> tuple[LogitNormalFit, tuple[float, float]]:
    """Fit of the binomial-normal model and interval of tau, once for each set of counts."""
    positive, total, x = np.array(k), np.array(n), np.ones((len(k), 1))
    fit = fit_logit_normal(positive, total, x)
    return fit, tau_interval(fit, positive, total, x, level)


def _glmm(k: Floats, n: Floats, test: str, prediction: str, level: float) -> PooledProportion:
    """Binomial-normal model with an intercept."""
    fit, (tau_low, tau_high) = _fitted(tuple(k.tolist()), tuple(n.tolist()), level)
    mean, se, tau2 = float(fit.beta[0]), float(fit.se[0]), fit.tau**2
    _, variances = logits(k, n)
    w = 1 / variances
    typical = (k.size - 1) / float(w.sum() - (w**2).sum() / w.sum())
    half = critical_value(math.inf if test == "wald" else k.size - 1, level) * se
    reach = critical_value(prediction_df(prediction, k.size), level) * math.sqrt(tau2 + se**2)
    q = max(0.0, 2 * (fit.log_likelihood_saturated - fit.log_likelihood_homogeneous))
    return PooledProportion(
        estimate=_expit(mean),
        ci_low=_expit(mean - half),
        ci_high=_expit(mean + half),
        prediction_low=_expit(mean - reach),
        prediction_high=_expit(mean + reach),
        prediction_rule=prediction,
        tau2=tau2,
        tau2_low=tau_low**2,
        tau2_high=tau_high**2,
        i2=_share(tau2, typical),
        i2_low=_share(tau_low**2, typical),
        i2_high=_share(tau_high**2, typical),
        q=q,
        q_df=k.size - 1,
        q_p_value=float(special.chdtrc(k.size - 1, q)),
        k=k.size,
        events=int(k.sum()),
        n=int(n.sum()),
        method="glmm",
        test=test,
        link="logit",
        link_estimate=mean,
        link_se=se,
        level=level,
        poolable=False,
        verdict="",
        warnings=_few_studies(k.size) + ((_UNBOUNDED_WARNING,) if fit.unbounded else ()),
    )


def _logit(
    k: Floats, n: Floats, method: str, test: str, prediction: PredictionRule, level: float
) -> PooledProportion:
    """Inverse-variance pooling of logits."""
    y, v = logits(k, n)
    tau2_method = cast("Tau2Method", method.split("-")[0].upper())
    pooled = pool_effects(
        y,
        v,
        method=tau2_method,
        test="wald" if test == "wald" else "knapp-hartung",
        prediction=prediction,
        level=level,
    )
    corrected = int(np.sum((k == 0) | (k == n)))
    warnings = list(_few_studies(k.size))
    if corrected:
        warnings.append(
            f"{corrected} zero or full cell(s) got 1/2 on either side, which draws them towards "
            "one half; prefer glmm"
        )
    ends = (_expit(v) for v in _ends(pooled))
    return _from_effect(pooled, k, n, method, "logit", tuple(ends), tuple(warnings))


def _freeman_tukey(
    k: Floats, n: Floats, test: str, prediction: PredictionRule, level: float
) -> PooledProportion:
    """REML pooling of double arcsines, turned back at the harmonic mean of the sizes."""
    y, v = double_arcsine(k, n)
    pooled = pool_effects(
        y,
        v,
        test="wald" if test == "wald" else "knapp-hartung",
        prediction=prediction,
        level=level,
    )
    size = k.size / float(np.sum(1 / n))
    ends = tuple(
        math.nan if math.isnan(value) else invert_double_arcsine(value, size)
        for value in _ends(pooled)
    )
    warnings = (*_few_studies(k.size), _FREEMAN_TUKEY_WARNING)
    return _from_effect(pooled, k, n, "freeman-tukey", "double-arcsine", ends, warnings)


def _ends(pooled: PooledEffect) -> tuple[float, ...]:
    """Estimate, interval and prediction interval on the scale of the link."""
    return (
        pooled.estimate,
        pooled.ci_low,
        pooled.ci_high,
        pooled.prediction_low,
        pooled.prediction_high,
    )


def _from_effect(
    pooled: PooledEffect,
    k: Floats,
    n: Floats,
    method: str,
    link: str,
    ends: tuple[float, ...],
    warnings: tuple[str, ...],
) -> PooledProportion:
    """Pooled proportion from a pooled effect and its five figures turned back."""
    found = pooled.heterogeneity
    return PooledProportion(
        estimate=ends[0],
        ci_low=ends[1],
        ci_high=ends[2],
        prediction_low=ends[3],
        prediction_high=ends[4],
        prediction_rule=pooled.prediction_rule,
        tau2=found.tau2,
        tau2_low=found.tau2_low,
        tau2_high=found.tau2_high,
        i2=found.i2,
        i2_low=found.i2_low,
        i2_high=found.i2_high,
        q=found.q,
        q_df=found.q_df,
        q_p_value=found.q_p_value,
        k=k.size,
        events=int(k.sum()),
        n=int(n.sum()),
        method=method,
        test=pooled.test,
        link=link,
        link_estimate=pooled.estimate,
        link_se=pooled.se,
        level=pooled.level,
        poolable=False,
        verdict="",
        warnings=warnings,
    )


def _judge(pooled: PooledProportion) -> tuple[bool, str]:
    """Whether one figure may stand for the studies, and why."""
    if pooled.k == 1:
        return False, "One study: there is nothing to pool."
    low, high = pooled.prediction_low, pooled.prediction_high
    if math.isnan(low):
        if pooled.test == "exact":
            return True, (
                "Every study agrees at the edge of the scale: the summed counts may be quoted."
            )
        return False, (
            "Too few studies for a prediction interval: quote the studies, not their mean."
        )
    span = f"from {_percent(low)} to {_percent(high)}"
    if high - low > WIDEST_PREDICTION:
        return False, (
            f"Should not be pooled: the next study could find anything {span}, so one pooled rate "
            "would describe no population."
        )
    return True, f"May be pooled: the next study would be expected {span}."


def _percent(share: float) -> str:
    """A share as a percentage that never rounds up to a false 0 or 100."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %"


def _few_studies(studies: int) -> tuple[str, ...]:
    """What a reader must know about so few studies."""
    if studies >= 5:
        return ()
    return (f"{studies} studies: the variance between them is all but unknown",)


def _share(tau2: float, typical: float) -> float:
    """I2; 1 where tau2 has no upper end."""
    return 1.0 if math.isinf(tau2) else tau2 / (tau2 + typical)


def _expit(value: float) -> float:
    """Inverse logit."""
    return float(special.expit(value))
