"""Tests of the twin's patients against the engine's, and how many twins notice an error.

A *count* is one number a patient. Its mean is compared after the part that the patient's traits
explain is taken out of both sides (a control variate, fitted on the engine: whatever is fitted, the
test is valid), and its whole law by chi-square. *Times* are compared by Kolmogorov and Smirnov's
test, *classes* by chi-square.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

POWER = 0.9
_MANY = 1000.0
"""Events from which a normal limit is used for a total; below it, a negative binomial law."""
_LEAST = 25.0
"""Expected patients in the smallest cell of a chi-square test."""
_SHARE = 0.08
"""Least probability of a cell where the law of a count is cut into cells."""
_PRECISE = 1e-9
_RARE = 1e-3
"""Mean of a count below which its power is not asked for: the normal limit would mislead."""
_FITTED = 8000
"""Patients of the engine on whom the control variate is fitted."""


@dataclass(frozen=True)
class Sample:
    """What one program found of one quantity.

    Parameters
    ----------
    kind : {"count", "times", "classes"}
    values : ndarray of float
        One a patient; classes are whole numbers from 0 on.
    rows : ndarray of int, optional
        Patients that ``values`` belong to, where not all have one.
    poisson : bool
        A count whose values are the means of Poisson laws, not counts.
    """

    kind: str
    values: NDArray[np.float64]
    rows: NDArray[np.int64] | None = None
    poisson: bool = False

    def of(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows of ``features`` that belong to the values."""
        return features if self.rows is None else features[self.rows]


@dataclass(frozen=True)
class Adjusted:
    """Mean of a count on both sides, the error of the difference, and the p-value."""

    twin: float
    engine: float
    error: float
    pvalue: float


def fit(sample: Sample, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares coefficients of a count on the features, on some of the patients."""
    values, design = sample.values[:_FITTED], _first(sample, features)
    gram = design.T @ design + 1e-9 * np.eye(design.shape[1])
    return np.asarray(np.linalg.solve(gram, design.T @ values), dtype=np.float64)


def _first(sample: Sample, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features of the patients that are fitted."""
    return features[:_FITTED] if sample.rows is None else features[sample.rows[:_FITTED]]


def _spread(sample: Sample, features: NDArray[np.float64], slope: NDArray[np.float64]) -> float:
    """Variance of a count without what the features explain."""
    rest = sample.values[:_FITTED] - _first(sample, features) @ slope
    variance = float(rest.var())
    return variance + float(sample.values.mean()) if sample.poisson else variance


def means(
    twin: Sample,
    engine: Sample,
    twin_features: NDArray[np.float64],
    engine_features: NDArray[np.float64],
    *,
    own_variance: bool = False,
) -> Adjusted:
    """Compare the mean of a count.

    ``own_variance`` takes the variance of the twin's counts, where the engine's is known not to
    hold.
    """
    n, many = twin.values.size, engine.values.size
    expected = float(engine.values.mean())
    if n * expected < _MANY:  # a total with the engine's mean and variance, as counts are: skewed
        whole = float(engine.values.var()) + (expected if engine.poisson else 0.0)
        least = max(expected, 1.0 / many)
        error = math.sqrt(max(whole, least) * (1.0 / n + 1.0 / many))
        seen = float(twin.values.sum())
        p = _total_pvalue(seen, n * least, (n * error) ** 2)
        return Adjusted(float(twin.values.mean()), expected, error, p)
    slope = fit(engine, engine_features)
    variance = _spread(engine, engine_features, slope)
    rest = twin.values - twin.of(twin_features) @ slope
    shift = float(engine.of(engine_features).mean(axis=0) @ slope)
    if own_variance:
        variance = float(rest.var())
    error = math.sqrt(max(variance, 1e-300) * (1.0 / n + 1.0 / many))
    mean = float(rest.mean()) + shift
    p = 2.0 * stats.norm.sf(abs(mean - expected) / error)
    return Adjusted(mean, expected, error, float(p))


def _total_pvalue(seen: float, mean: float, variance: float) -> float:
    """Two-sided p-value of a total by a negative binomial law (Poisson if it varies no more)."""
    if variance <= mean * (1.0 + _PRECISE):
        law = stats.poisson(mean)
    else:
        law = stats.nbinom(mean**2 / (variance - mean), mean / variance)
    return float(min(1.0, 2.0 * min(law.cdf(seen), law.sf(seen - 1))))


def law(sample: Sample, top: int) -> NDArray[np.float64]:
    """Return the pmf of a count on 0, ..., ``top`` and beyond, shape (top + 2,)."""
    if not sample.poisson:
        cells = np.minimum(sample.values, top + 1).astype(np.int64)
        return np.bincount(cells, minlength=top + 2) / cells.size
    means_ = np.sort(sample.values)
    blocks = np.array([part.mean() for part in np.array_split(means_, min(300, means_.size))])
    pmf = stats.poisson.pmf(np.arange(top + 1)[:, None], blocks).mean(axis=1)
    return np.append(pmf, max(0.0, 1.0 - pmf.sum()))


def cut(cells: NDArray[np.float64], least: float) -> NDArray[np.int64] | None:
    """Return where to begin groups of at least ``least`` probability; None if there are not two."""
    groups, running, left = [0], 0.0, float(cells.sum())
    for cell, probability in enumerate(cells):
        running += probability
        left -= probability
        if running >= least and left >= least:
            groups.append(cell + 1)
            running = 0.0
    return np.array(groups) if len(groups) > 1 else None


def laws(twin: Sample, engine: Sample) -> float | None:
    """Chi-square p-value of the whole law of a count or of classes; None if it has one cell."""
    n = twin.values.size
    top = int(max(twin.values.max(), 1.0))
    expected = law(engine, top)
    groups = cut(expected, max(_LEAST / n, _SHARE if engine.kind == "count" else 0.0))
    if groups is None:
        return None
    observed = np.bincount(twin.values.astype(np.int64), minlength=top + 2)
    seen = np.add.reduceat(observed.astype(np.float64), groups)
    probability = np.add.reduceat(expected, groups)
    scale = n * probability * (1.0 + (0.0 if engine.poisson else n / engine.values.size))
    statistic = float(((seen - n * probability) ** 2 / scale).sum())
    return float(stats.chi2.sf(statistic, groups.size - 1))


def times(twin: Sample, engine: Sample) -> float:
    """Kolmogorov-Smirnov p-value of two samples."""
    found = stats.ks_2samp(twin.values, engine.values, method="asymp")
    return float(found.pvalue)


# ---- how many twins notice an error ----------------------------------------------------------
def needed(
    right: Sample, wrong: Sample, features: NDArray[np.float64], level: float
) -> dict[str, float]:
    """Return the twins that notice with probability 0.9 at ``level`` that the engine is wrong.

    Parameters
    ----------
    right, wrong : Sample
        The engine's, as it should be and as it is, of the same patients where that is possible.
    features : ndarray of float, shape (n, k)
        Of the patients of ``right``.
    level : float
        Two-sided level of one comparison.

    Returns
    -------
    dict of str to float
        By statistic: ``"mean"``, ``"law"`` or ``"times"``; infinity if there is no difference.
    """
    share = right.values.size / features.shape[0]
    if share == 0.0 or wrong.values.size == 0:
        return {}
    found = {}
    if right.kind == "times":
        distance = float(stats.ks_2samp(right.values, wrong.values, method="asymp").statistic)
        quantile = math.sqrt(0.5 * math.log(2.0 / level)) + 0.5 * float(stats.norm.ppf(POWER))
        found["times"] = (quantile / distance) ** 2 if distance > 0.0 else math.inf
    else:
        top = int(max(right.values.max(), 1.0) + 1.0)
        one, two = law(right, top), law(wrong, top)
        groups = cut(one, _SHARE if right.kind == "count" else 0.005)
        if groups is not None:
            p, q = np.add.reduceat(one, groups), np.add.reduceat(two, groups)
            per_twin = float(((q - p) ** 2 / p).sum())
            found["law"] = _noncentrality(groups.size - 1, level) / max(per_twin, 1e-12)
    if right.kind == "count" and right.values.mean() > _RARE:
        variance = _spread(right, features, fit(right, features))
        gap = abs(float(wrong.values.mean()) - float(right.values.mean()))
        quantile = float(stats.norm.isf(0.5 * level)) + float(stats.norm.ppf(POWER))
        found["mean"] = variance * (quantile / gap) ** 2 if gap > 0.0 else math.inf
    return {key: value / share for key, value in found.items()}


@lru_cache(maxsize=1000)
def _noncentrality(freedom: int, level: float) -> float:
    """Noncentrality that a chi-square test notices with probability `POWER`."""
    critical = stats.chi2.isf(level, freedom)
    return float(
        optimize.brentq(lambda x: stats.ncx2.sf(critical, freedom, x) - POWER, 1.0, 1000.0)
    )
