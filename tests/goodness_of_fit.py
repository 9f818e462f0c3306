"""Tests of a sample against the law it should follow, and the correction for doing many of them.

Every function returns a p-value; `assert_family` judges all p-values of a test together by Holm's
step-down procedure (Holm 1979, Scand. J. Statist. 6:65-70) at level `ALPHA`, so that a correct
simulator fails once in a thousand re-seedings, however many laws one test compares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

ALPHA = 1e-3
SMALLEST_EXPECTED = 5.0


def holm_rejections(pvalues: Mapping[str, float], alpha: float = ALPHA) -> list[str]:
    """Names of the hypotheses that Holm's procedure rejects at ``alpha``, smallest p-value first.

    A p-value that is NaN counts as 0: a check that could not be made has not been passed.
    """
    ordered = sorted((0.0 if math.isnan(p) else float(p), name) for name, p in pvalues.items())
    rejected = []
    for position, (p, name) in enumerate(ordered):
        if p > alpha / (len(ordered) - position):
            break
        rejected.append(name)
    return rejected


def assert_family(pvalues: Mapping[str, float], alpha: float = ALPHA) -> None:
    """Fail if Holm's procedure at ``alpha`` rejects any of ``pvalues``, and list those.

    Parameters
    ----------
    pvalues : mapping of str to float
        The p-value of each comparison by its name; must not be empty.
    alpha : float
        Probability that a family of true hypotheses fails.
    """
    if not pvalues:
        raise ValueError("no p-values were given, so nothing was tested")
    rejected = holm_rejections(pvalues, alpha)
    lines = "\n".join(f"  {name}: p = {pvalues[name]:.3g}" for name in rejected)
    if rejected:
        heading = f"{len(rejected)} of {len(pvalues)} comparisons fail (Holm, alpha = {alpha:g}):"
        raise AssertionError(f"{heading}\n{lines}")


def chi2_pvalue(draws: ArrayLike, pmf: ArrayLike) -> float:
    """Pearson chi-square p-value of counts against the pmf on 0, 1, ..., len(pmf) - 1.

    What ``pmf`` lacks to 1 is the tail, one more cell. Neighbouring cells are pooled until each
    expects at least 5 draws. A draw where the pmf is exactly 0 gives a p-value of 0.

    Parameters
    ----------
    draws : array_like, shape (n,)
        Whole numbers >= 0.
    pmf : array_like, shape (k,)
        Probabilities of 0, ..., k - 1.
    """
    values = np.asarray(draws, dtype=np.float64).ravel()
    probabilities = np.asarray(pmf, dtype=np.float64).ravel()
    if values.size == 0 or np.any(values < 0) or np.any(values != np.floor(values)):
        raise ValueError("draws must be whole numbers of at least 0, and there must be some")
    total = probabilities.sum()
    if np.any(probabilities < 0) or not total <= 1 + 1e-9:
        raise ValueError(
            f"the pmf must hold probabilities >= 0 with a sum <= 1; its sum is {total}"
        )
    k = probabilities.size
    cells = np.append(probabilities, max(0.0, 1.0 - total))
    observed = np.bincount(np.minimum(values, k).astype(np.int64), minlength=k + 1)
    if np.any(observed[cells == 0] > 0):
        return 0.0
    pooled_observed, pooled_expected = _pool(observed, cells * values.size)
    if pooled_observed.size < 2:
        raise ValueError("fewer than two cells expect 5 draws: draw more, or test otherwise")
    statistic = float(((pooled_observed - pooled_expected) ** 2 / pooled_expected).sum())
    return float(stats.chi2.sf(statistic, pooled_observed.size - 1))


def _pool(
    observed: NDArray[Any], expected: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Join neighbouring cells from the left until each expects at least `SMALLEST_EXPECTED`."""
    starts, running = [0], 0.0
    for cell, value in enumerate(expected):
        running += value
        if running >= SMALLEST_EXPECTED:
            starts.append(cell + 1)
            running = 0.0
    if len(starts) > 1:  # what is left over after the last full cell joins that cell
        starts.pop()
    return (
        np.add.reduceat(observed.astype(np.float64), starts),
        np.add.reduceat(expected, starts),
    )


def ks_pvalue(
    draws: ArrayLike,
    cdf: Callable[[NDArray[np.float64]], ArrayLike],
    *,
    discrete: bool = False,
) -> float:
    """Kolmogorov-Smirnov p-value (two-sided) of draws against their cdf.

    Parameters
    ----------
    draws : array_like, shape (n,)
    cdf : callable
        The cdf at an array of values, e.g. ``scipy.stats.gamma(2.0).cdf``.
    discrete : bool
        The law lives on whole numbers: each draw k becomes a uniform point between
        ``cdf(k - 1)`` and ``cdf(k)`` (from a fixed seed), which makes the test exact.
    """
    values = np.asarray(draws, dtype=np.float64).ravel()
    if values.size == 0 or np.any(np.isnan(values)):
        raise ValueError("draws must be numbers, and there must be some")
    upper = np.asarray(cdf(values), dtype=np.float64)
    if discrete:
        lower = np.asarray(cdf(values - 1.0), dtype=np.float64)
        upper = lower + np.random.default_rng(20_110_712).random(values.size) * (upper - lower)
    return float(stats.kstest(np.clip(upper, 0.0, 1.0), "uniform").pvalue)


def mean_pvalue(draws: ArrayLike, mean: float, variance: float) -> float:
    """Two-sided p-value of the sample mean (normal limit, exact mean and variance)."""
    values = np.asarray(draws, dtype=np.float64).ravel()
    z = (values.mean() - mean) / math.sqrt(variance / values.size)
    return float(2.0 * stats.norm.sf(abs(z)))


def variance_pvalue(draws: ArrayLike, mean: float, variance: float, fourth: float) -> float:
    """Two-sided p-value of the mean squared deviation from the law's exact mean (normal limit).

    ``fourth`` is the exact fourth central moment: the squares have variance fourth - variance^2.
    """
    values = np.asarray(draws, dtype=np.float64).ravel()
    square = float(np.mean((values - mean) ** 2))
    z = (square - variance) / math.sqrt((fourth - variance**2) / values.size)
    return float(2.0 * stats.norm.sf(abs(z)))
