r"""Moderated t statistics for logarithms of expression.

A linear model is fitted to each gene; the residual variances :math:`s_g^2` on :math:`d` degrees
of freedom are shrunk towards a common :math:`s_0^2` with :math:`d_0` degrees of freedom, estimated
from the mean and variance of :math:`\log s_g^2`:

.. math:: \tilde s_g^2 = \frac{d_0 s_0^2 + d s_g^2}{d_0 + d}, \qquad
          \tilde t_g = \frac{\hat\beta_g}{\tilde s_g \sqrt{v}}
          \sim t_{d_0 + d}.

Smyth 2004, Stat Appl Genet Mol Biol 3: 3 (remembered, not seen); checked against limma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratedT:
    """One coefficient of a linear model of every gene.

    Parameters
    ----------
    effect, se, t, p : ndarray, shape (genes,)
        ``se`` is the moderated standard error.
    df : float
        Degrees of freedom of ``t``.
    prior_df, prior_variance : float
    """

    effect: NDArray[np.float64]
    se: NDArray[np.float64]
    t: NDArray[np.float64]
    p: NDArray[np.float64]
    df: float
    prior_df: float
    prior_variance: float


def moderated_t(
    values: NDArray[np.float64], design: NDArray[np.float64], coefficient: int
) -> ModeratedT:
    """Fit a linear model to every gene and moderate the variances.

    Parameters
    ----------
    values : ndarray, shape (samples, genes)
        Logarithms of expression, all finite.
    design : ndarray, shape (samples, columns)
        Of full column rank, with fewer columns than samples.
    coefficient : int
        Column whose coefficient is wanted.

    Returns
    -------
    ModeratedT

    Raises
    ------
    CohortError
        If the design is singular or leaves no degree of freedom for error.
    """
    from scipy.stats import t as student

    n, k = design.shape
    if np.linalg.matrix_rank(design) < k:
        raise CohortError(
            "the design is singular: a covariate equals the types or another covariate: drop it"
        )
    if n <= k:
        raise CohortError(f"{n} samples for {k} coefficients leave no degree of freedom for error")
    beta, *_ = np.linalg.lstsq(design, values, rcond=None)
    residual = values - design @ beta
    df = float(n - k)
    variance = (residual**2).sum(axis=0) / df
    unscaled = float(np.linalg.inv(design.T @ design)[coefficient, coefficient])
    prior_df, prior = fit_prior(variance, df)
    if np.isinf(prior_df):
        shrunk = np.full_like(variance, prior)
    else:
        shrunk = (prior_df * prior + df * variance) / (prior_df + df)
    total = min(df + prior_df, df * values.shape[1])
    effect = beta[coefficient]
    se = np.sqrt(shrunk * unscaled)
    t = np.divide(effect, se, out=np.zeros_like(effect), where=se > 0)
    return ModeratedT(
        effect=effect,
        se=se,
        t=t,
        p=2.0 * student.sf(np.abs(t), total),
        df=total,
        prior_df=prior_df,
        prior_variance=prior,
    )


def fit_prior(variance: NDArray[np.float64], df: float) -> tuple[float, float]:
    """Return the prior degrees of freedom and variance, by the moments of log s2.

    Parameters
    ----------
    variance : ndarray, shape (genes,)
        Residual variances, of which at least two differ.
    df : float
        Their degrees of freedom.
    """
    from scipy.special import digamma, polygamma

    median = float(np.median(variance))
    floor = 1e-5 * (median if median > 0 else 1.0)
    z = np.log(np.maximum(variance, floor))
    e = z - digamma(df / 2.0) + np.log(df / 2.0)
    spread = float(e.var(ddof=1)) - float(polygamma(1, df / 2.0))
    if spread <= 0:
        return float("inf"), float(np.maximum(variance, floor).mean())
    prior_df = 2.0 * inverse_trigamma(spread)
    prior = float(np.exp(e.mean() + digamma(prior_df / 2.0) - np.log(prior_df / 2.0)))
    return prior_df, prior


def inverse_trigamma(y: float) -> float:
    """Return x with trigamma(x) = y > 0, by Newton's method on 1/trigamma.

    Examples
    --------
    >>> round(inverse_trigamma(1.6449340668482264), 9)
    1.0
    """
    from scipy.special import polygamma

    if y > 1e7:
        return float(1.0 / np.sqrt(y))
    if y < 1e-6:
        return 1.0 / y
    x = 0.5 + 1.0 / y
    for _ in range(60):
        value = float(polygamma(1, x))
        step = value * (1.0 - value / y) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-10:
            break
    return x


def adjusted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini-Hochberg false discovery rates; NaN stays NaN and is not counted.

    Examples
    --------
    >>> adjusted(np.array([0.01, 0.04, 0.03, np.nan])).round(3).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])]
    scaled = p[order] * order.size / np.arange(1, order.size + 1)
    out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out
