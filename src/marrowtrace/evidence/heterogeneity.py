r"""Between-study variance: estimators, Q-profile interval and I2, with or without moderators.

The model is :math:`y_i = x_i^\top\beta + u_i + e_i` with :math:`u_i \sim N(0, \tau^2)` and
:math:`e_i \sim N(0, v_i)`, the :math:`v_i` taken as known. With :math:`W = \mathrm{diag}(w_i)` and
:math:`P = W - WX(X^\top WX)^{-1}X^\top W`, Cochran's generalised statistic is
:math:`Q(\tau^2) = y^\top P y` at :math:`w_i = 1/(v_i + \tau^2)`.

Sources: DerSimonian and Laird 1986 (DL, Control. Clin. Trials 7:177-188); Paule and Mandel 1982
(PM, J. Res. Natl Bur. Stand. 87:377-385), of which the empirical Bayes estimator of Morris 1983
(EB, J. Am. Stat. Assoc. 78:47-55) is the same root; Harville 1977 (ML, REML, J. Am. Stat. Assoc.
72:320-338); Sidik and Jonkman 2005 (SJ, J. R. Stat. Soc. C 54:367-384); Hedges and Olkin 1985
(HE); Hunter and Schmidt 1990 (HS); Viechtbauer 2007 (Q-profile, Stat. Med. 26:37-52); Higgins and
Thompson 2002 (I2, Stat. Med. 21:1539-1558). Taken from the reference lists of R's metafor, against
which the numbers are held.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import optimize, special

from marrowtrace.errors import EvidenceError, ProblemList, did_you_mean
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields

Floats: TypeAlias = npt.NDArray[np.float64]
Tau2Method = Literal["DL", "PM", "REML", "ML", "EB", "SJ", "HE", "HS", "common"]
"""Estimators of the between-study variance; ``common`` sets it to 0 (the fixed-effect model)."""

TAU2_METHODS: tuple[str, ...] = get_args(Tau2Method)
_GRID_POINTS = 48  # scan of the likelihood score, so that a second mode is not overlooked


@dataclass(frozen=True)
class Heterogeneity:
    """How much the studies differ beyond chance.

    Parameters
    ----------
    method : str
        Estimator of tau2.
    tau2, tau2_low, tau2_high : float
        Between-study variance and its Q-profile interval, in squared units of the effect.
    i2, i2_low, i2_high : float
        Share of the total variance that lies between studies, in [0, 1]; the interval follows from
        that of tau2.
    h2 : float
        Total variance over the typical within-study variance, 1 or more.
    q, q_p_value : float
        Cochran's Q (residual Q with moderators) and its chi-square p-value.
    q_df : int
        Degrees of freedom, studies less coefficients.
    typical_variance : float
        Typical within-study variance of Higgins and Thompson.
    level : float
        Confidence level of the intervals.
    """

    method: str
    tau2: float
    tau2_low: float
    tau2_high: float
    i2: float
    i2_low: float
    i2_high: float
    h2: float
    q: float
    q_df: int
    q_p_value: float
    typical_variance: float
    level: float

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def check_studies(
    effects: npt.ArrayLike, variances: npt.ArrayLike, *, least: int = 1
) -> tuple[Floats, Floats]:
    """Return effects and variances as arrays, or list everything that is wrong with them.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error.
    least : int
        Fewest studies that the caller can use.

    Returns
    -------
    tuple of ndarray, shape (k,)

    Raises
    ------
    EvidenceError
        If the lengths differ, a value is not finite, a variance is not above 0, or there are fewer
        than ``least`` studies.
    """
    y = np.atleast_1d(np.asarray(effects, dtype=np.float64))
    v = np.atleast_1d(np.asarray(variances, dtype=np.float64))
    problems = ProblemList()
    if y.ndim != 1 or v.ndim != 1:
        raise EvidenceError("effects and variances must be one-dimensional, one value for a study")
    if y.size != v.size:
        raise EvidenceError(
            f"{y.size} effects but {v.size} variances; give one of each for a study"
        )
    if y.size < least:
        raise EvidenceError(f"{y.size} studies given; at least {least} are needed")
    for i in np.flatnonzero(~np.isfinite(y)):
        problems.add(f"effects[{i}]", f"{y[i]} is not a finite number; leave the study out")
    for i in np.flatnonzero(~(np.isfinite(v) & (v > 0))):
        problems.add(
            f"variances[{i}]",
            f"{v[i]} is not a variance above 0; give the squared standard error",
        )
    problems.raise_any(EvidenceError, "the study effects")
    return y, v


def check_level(level: float) -> float:
    """Return ``level``, or raise `EvidenceError` if it is not between 0 and 1."""
    if not 0 < level < 1:
        raise EvidenceError(f"confidence level {level} is outside (0, 1); for 95 % give 0.95")
    return level


def check_method(method: str) -> None:
    """Raise `EvidenceError` if ``method`` names no estimator of the between-study variance."""
    if method not in TAU2_METHODS:
        raise EvidenceError(
            f"tau2 method '{method}' is unknown; allowed: {', '.join(TAU2_METHODS)}"
            f"{did_you_mean(method, TAU2_METHODS)}"
        )


def heterogeneity(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    method: Tau2Method = "REML",
    design: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> Heterogeneity:
    """Estimate the between-study variance and what follows from it.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error.
    method : str
        Estimator of tau2.
    design : array_like, shape (k, p), optional
        Moderators with a column of ones; left out, the intercept alone.
    level : float
        Confidence level.

    Returns
    -------
    Heterogeneity
        With fewer studies than coefficients plus one, everything but Q is 0 or NaN.

    Raises
    ------
    EvidenceError
        If a value is impossible, the method unknown, or the design rank-deficient.
    """
    y, v = check_studies(effects, variances)
    check_method(method)
    check_level(level)
    x = np.ones((y.size, 1)) if design is None else check_design(design, y.size)
    df = y.size - x.shape[1]
    q = q_statistic(y, v, x, 0.0)
    if df < 1:
        nan = math.nan
        return Heterogeneity(method, 0.0, nan, nan, nan, nan, nan, nan, q, 0, nan, nan, level)
    typical = df / _trace_p(1 / v, x)
    tau2 = estimate_tau2(y, v, x, method)
    low, high = q_profile(y, v, x, level)
    if method == "common":
        i2, h2 = max(0.0, (q - df) / q) if q > 0 else 0.0, q / df
    else:
        i2, h2 = tau2 / (tau2 + typical), (tau2 + typical) / typical
    return Heterogeneity(
        method=method,
        tau2=tau2,
        tau2_low=low,
        tau2_high=high,
        i2=i2,
        i2_low=low / (low + typical),
        i2_high=high / (high + typical),
        h2=h2,
        q=q,
        q_df=df,
        q_p_value=float(special.chdtrc(df, q)),
        typical_variance=typical,
        level=level,
    )


def check_design(design: npt.ArrayLike, studies: int) -> Floats:
    """Return the design matrix, shape (k, p), or say why it cannot be fitted."""
    x = np.asarray(design, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != studies:
        raise EvidenceError(
            f"the design has shape {x.shape}; it needs one row for each of the {studies} studies"
        )
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise EvidenceError(
            f"moderator column {column}, study {row} is {x[row, column]}; "
            "every study needs every moderator, leave the study out"
        )
    rank = int(np.linalg.matrix_rank(x))
    if rank < x.shape[1]:
        raise EvidenceError(
            f"the design is rank-deficient: {x.shape[1]} coefficients but rank {rank} from "
            f"{studies} studies; drop a moderator that is constant, repeats another or has "
            "as many levels as there are studies"
        )
    return x


def weighted_fit(y: Floats, w: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return the weighted least-squares coefficients and the inverse of X'WX."""
    xtw = x.T * w
    inverse = np.asarray(np.linalg.inv(xtw @ x), dtype=np.float64)
    return inverse @ (xtw @ y), inverse


def q_statistic(y: Floats, v: Floats, x: Floats, tau2: float) -> float:
    """Cochran's generalised Q at a given between-study variance."""
    w = 1 / (v + tau2)
    beta, _ = weighted_fit(y, w, x)
    return float(w @ (y - x @ beta) ** 2)


def estimate_tau2(y: Floats, v: Floats, x: Floats, method: str) -> float:
    """Estimate the between-study variance from checked arrays; 0 where the estimate is below 0."""
    k = int(x.shape[0])
    df = k - int(x.shape[1])
    if method == "common" or df < 1:
        return 0.0
    if method in ("PM", "EB"):
        return _root_of_q(y, v, x, float(df))
    if method in ("ML", "REML"):
        return _likelihood_tau2(y, v, x, restricted=method == "REML")
    if method == "DL":
        return _not_negative((q_statistic(y, v, x, 0.0) - df) / _trace_p(1 / v, x))
    if method == "HS":
        return _not_negative((q_statistic(y, v, x, 0.0) - k) / float(np.sum(1 / v)))
    if method == "HE":
        beta, inverse = weighted_fit(y, np.ones(k), x)
        leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
        sum_of_squares = float(np.sum((y - x @ beta) ** 2))
        return _not_negative((sum_of_squares - float((1 - leverage) @ v)) / df)
    assert method == "SJ"
    rough = float(np.var(y))
    if rough == 0:
        return 0.0
    return rough * q_statistic(y, v, x, rough) / df


def _not_negative(value: float) -> float:
    """The value, or 0 where it is below."""
    return value if value > 0 else 0.0


def q_profile(y: Floats, v: Floats, x: Floats, level: float) -> tuple[float, float]:
    """Interval of tau2 by inverting Q; (0, 0) where even tau2 = 0 is too much heterogeneity."""
    df = x.shape[0] - x.shape[1]
    upper_quantile = float(special.chdtri(df, (1 - level) / 2))
    lower_quantile = float(special.chdtri(df, (1 + level) / 2))
    return _root_of_q(y, v, x, upper_quantile), _root_of_q(y, v, x, lower_quantile)


def _root_of_q(y: Floats, v: Floats, x: Floats, target: float) -> float:
    """The tau2 at which Q equals ``target``; 0 if Q is below it everywhere (Q falls with tau2)."""

    def excess(tau2: float) -> float:
        return q_statistic(y, v, x, tau2) - target

    if excess(0.0) <= 0:
        return 0.0
    high = max(float(np.ptp(y)) ** 2, float(v.max()))
    while excess(high) > 0:
        high *= 4
    return float(optimize.brentq(excess, 0.0, high, xtol=1e-14 * high, rtol=1e-14))


def _trace_p(w: Floats, x: Floats) -> float:
    """Trace of P without forming a k by k matrix."""
    inverse = np.asarray(np.linalg.inv((x.T * w) @ x), dtype=np.float64)
    return float(w.sum() - np.trace(inverse @ ((x.T * w**2) @ x)))


def _likelihood_tau2(y: Floats, v: Floats, x: Floats, *, restricted: bool) -> float:
    """ML or REML: the best of 0 and every root of the score found on a scan of tau2."""

    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        beta, _ = weighted_fit(y, w, x)
        trace = _trace_p(w, x) if restricted else float(w.sum())
        return float(np.sum((w * (y - x @ beta)) ** 2)) - trace

    def log_likelihood(tau2: float) -> float:
        w = 1 / (v + tau2)
        beta, _ = weighted_fit(y, w, x)
        value = 0.5 * float(np.sum(np.log(w))) - 0.5 * float(w @ (y - x @ beta) ** 2)
        if restricted:
            value -= 0.5 * float(np.linalg.slogdet((x.T * w) @ x)[1])
        return value

    ceiling = 10 * max(float(np.ptp(y)) ** 2, float(v.min()))
    floor = min(1e-6 * float(v.min()), 1e-6 * ceiling)
    grid = np.concatenate([[0.0], np.geomspace(floor, ceiling, _GRID_POINTS)])
    roots = _falling_roots(score, grid)
    return max([0.0, *roots], key=log_likelihood)


def _falling_roots(function: Callable[[float], float], grid: Floats) -> list[float]:
    """Roots at which ``function`` passes from above to below 0 between neighbours of ``grid``."""
    values = [function(float(point)) for point in grid]
    return [
        float(optimize.brentq(function, grid[i], grid[i + 1], xtol=1e-14 * grid[i + 1], rtol=1e-14))
        for i in range(len(values) - 1)
        if values[i] > 0 >= values[i + 1]
    ]
