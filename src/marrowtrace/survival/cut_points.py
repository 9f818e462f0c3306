r"""Choosing a cut-point of a marker, with the price of the choice paid.

The cut-point that separates best is found by the maximally selected log-rank statistic. Its plain
p-value and hazard ratio are far too good, since the best of many was taken (Altman, Lausen,
Sauerbrei and Schumacher 1994, J. Natl. Cancer Inst. 86:829-835). Given here beside them: p-values
corrected for the search, by the limit of Lausen and Schumacher (1992, Biometrics 48:73-85), by the
improved Bonferroni inequality of Lausen, Sauerbrei and Schumacher (1994), in small samples by its
exact form (Hothorn and Lausen 2003), and by permutation; and
the hazard ratio cross-validated, each patient classified by a cut-point chosen without them
(Faraggi and Simon 1996, Stat. Med. 15:2203-2213).

With log-rank scores :math:`a_i=\delta_i-\hat\Lambda(t_i)`, the statistic of a cut-point with
:math:`m` of :math:`n` patients at or below it is :math:`|\sum a_i - m\bar a|` over those, divided
by its standard deviation under permutation, :math:`\sqrt{m(n-m)/\{n(n-1)\}\sum(a_i-\bar a)^2}`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import CoxFit, check_level, cox_regression, json_rows
from marrowtrace.survival.cut_point_bound import MOST_PATIENTS, small_sample_p
from marrowtrace.survival.observations import observations

Array = NDArray[np.float64]
_BLOCK = 4_000_000  # permuted scores held at a time


@dataclass(frozen=True, slots=True)
class CutPoint:
    """The best cut-point of a marker, and what it is worth.

    Parameters
    ----------
    cut : float
        Patients with a marker above it are the high group.
    statistic : float
        Largest standardised log-rank statistic.
    p_naive : float
        As if the cut-point had been given: wrong, for comparison.
    p_limit, p_bonferroni, p_permutation : float
        Corrected for the search.
    p_small_sample : float or None
        Upper bound from exact laws, for up to 50 patients; see `cut_point_bound`.
    naive, validated : CoxFit
        High against low group at the cut-point, and by cross-validated classification.
    curve : DataFrame
        ``cut``, ``low_group`` (patients at or below), ``statistic``; one row a candidate.
    permutations, folds : int
    """

    cut: float
    statistic: float
    p_naive: float
    p_limit: float
    p_bonferroni: float
    p_permutation: float
    p_small_sample: float | None
    naive: CoxFit
    validated: CoxFit
    curve: pl.DataFrame
    permutations: int
    folds: int

    def table(self) -> pl.DataFrame:
        """Return the naive and the cross-validated hazard ratio, one row each."""
        parts = [
            fit.table().with_columns(pl.lit(kind).alias("estimate"))
            for kind, fit in (("naive", self.naive), ("cross-validated", self.validated))
        ]
        return pl.concat(parts).select("estimate", pl.exclude("estimate", "covariate"))

    def to_json(self) -> dict[str, Any]:
        """Return the cut-point as JSON-ready values."""
        return {
            "cut": self.cut,
            "statistic": self.statistic,
            "p_naive": self.p_naive,
            "p_limit": self.p_limit,
            "p_bonferroni": self.p_bonferroni,
            "p_permutation": self.p_permutation,
            "p_small_sample": self.p_small_sample,
            "permutations": self.permutations,
            "folds": self.folds,
            "hazard_ratios": json_rows(self.table()),
        }


def cut_point(
    rng: np.random.Generator,
    time: ArrayLike,
    event: ArrayLike,
    *,
    marker: ArrayLike,
    smallest: float = 0.1,
    permutations: int = 9999,
    folds: int = 10,
    level: float = 0.95,
) -> CutPoint:
    """Find the cut-point of a marker that separates best, and judge it honestly.

    Parameters
    ----------
    rng : numpy.random.Generator
        For permutations and folds.
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of bool, shape (n,)
    marker : array_like of float, shape (n,)
    smallest : float
        Least share of patients on either side of a candidate, in (0, 0.5).
    permutations : int
    folds : int
        Parts of the cross-validation, from 2 to n.
    level : float

    Returns
    -------
    CutPoint

    Raises
    ------
    CohortError
        If the rows are at fault, no cut-point leaves enough patients on both sides, or a setting is
        outside its range.
    """
    check_level(level)
    data = observations(time, event, covariates={"marker": marker})
    days, seen, values = (np.empty(data.rows) for _ in range(3))
    days[data.row], seen[data.row], values[data.row] = (
        data.time, data.event, data.covariates[:, 0],
    )  # fmt: skip
    n = data.rows
    if not 0 < smallest < 0.5:
        raise CohortError(f"the smallest share is {smallest:g}; allowed: inside (0, 0.5)")
    if not 2 <= folds <= n:
        raise CohortError(f"{folds} folds cannot be made of {n} patients; allowed: 2 to {n}")
    if permutations < 1:
        raise CohortError(f"{permutations} permutations say nothing; allowed: 1 or more")
    happened = seen == 1
    scores = _scores(days, happened)
    cuts, sizes = _candidates(values, smallest)
    order = np.argsort(values, kind="stable")
    curve = _statistics(scores[order][None, :], sizes)[0]
    best = int(curve.argmax())
    statistic = float(curve[best])
    naive = _two_groups(days, happened, values > cuts[best], level)
    high = np.zeros(n, bool)
    member = rng.permutation(n) % folds
    for fold in range(folds):
        rest = member != fold
        high[~rest] = values[~rest] > _best_cut(days[rest], happened[rest], values[rest], smallest)
    validated = _two_groups(days, happened, high, level)
    return CutPoint(
        float(cuts[best]),
        statistic,
        math.erfc(statistic / math.sqrt(2)),
        limit_p(statistic, smallest),
        bonferroni_p(statistic, n, sizes),
        _permutation_p(rng, scores, sizes, statistic, permutations),
        small_sample_p(statistic, scores, sizes) if n <= MOST_PATIENTS else None,
        naive,
        validated,
        pl.DataFrame({"cut": cuts, "low_group": sizes, "statistic": curve}),
        permutations,
        folds,
    )


def limit_p(statistic: float, smallest: float) -> float:
    """P-value of the largest statistic by the limiting process (Lausen and Schumacher 1992).

    Parameters
    ----------
    statistic : float
    smallest : float
        Least share of patients on either side.
    """
    if statistic < 1:
        return 1.0
    density = math.exp(-(statistic**2) / 2) / math.sqrt(2 * math.pi)
    width = 2 * math.log((1 - smallest) / smallest)
    return min(1.0, density * (4 / statistic + (statistic - 1 / statistic) * width))


def bonferroni_p(statistic: float, n: int, sizes: ArrayLike) -> float:
    """P-value of the largest statistic by the improved Bonferroni inequality (Lausen et al. 1994).

    Parameters
    ----------
    statistic : float
    n : int
        Number of patients.
    sizes : array_like of int, shape (k,)
        Patients at or below each candidate, increasing.
    """
    m = np.asarray(sizes, dtype=np.float64)
    t = np.sqrt(1 - m[:-1] * (n - m[1:]) / ((n - m[:-1]) * m[1:]))
    square = statistic**2
    more = math.exp(-square / 2) / math.pi * (t - (square / 4 - 1) * t**3 / 6).sum()
    return min(1.0, math.erfc(statistic / math.sqrt(2)) + float(more))


def _scores(days: Array, happened: NDArray[np.bool_]) -> Array:
    """Return log-rank scores: the event less the cumulative hazard up to the time."""
    distinct, place = np.unique(days, return_inverse=True)
    events = np.bincount(place, weights=happened, minlength=distinct.size)
    leaving = np.bincount(place, minlength=distinct.size)
    at_risk = days.size - (np.cumsum(leaving) - leaving)
    return np.asarray(happened - np.cumsum(events / at_risk)[place])


def _candidates(values: Array, smallest: float) -> tuple[Array, NDArray[np.int64]]:
    """Return the cut-points that leave enough on both sides, and how many are at or below each."""
    distinct, counts = np.unique(values, return_counts=True)
    sizes = np.cumsum(counts)
    n = values.size
    allowed = (sizes >= smallest * n) & (n - sizes >= smallest * n)
    if not allowed.any():
        raise CohortError(
            f"no cut-point leaves at least {smallest:.0%} of the patients on both sides: the "
            f"marker has {distinct.size} distinct values; lower the smallest share"
        )
    return distinct[allowed], sizes[allowed].astype(np.int64)


def _statistics(ordered: Array, sizes: NDArray[np.int64]) -> Array:
    """Return the standardised statistic of each candidate; scores (r, n) by increasing marker."""
    n = ordered.shape[1]
    centred = ordered - ordered.mean(axis=1, keepdims=True)
    spread = (centred**2).sum(axis=1, keepdims=True)
    sums = np.cumsum(centred, axis=1)[:, sizes - 1]
    deviation = np.sqrt(sizes * (n - sizes) / (n * (n - 1)) * spread)
    return np.asarray(np.abs(sums) / np.where(deviation > 1e-12, deviation, np.inf))


def _best_cut(days: Array, happened: NDArray[np.bool_], values: Array, smallest: float) -> float:
    cuts, sizes = _candidates(values, smallest)
    scores = _scores(days, happened)[np.argsort(values, kind="stable")]
    return float(cuts[_statistics(scores[None, :], sizes)[0].argmax()])


def _permutation_p(
    rng: np.random.Generator, scores: Array, sizes: NDArray[np.int64], statistic: float, count: int
) -> float:
    """Share of permutations, the data themselves counted in, with as large a statistic."""
    block = max(1, _BLOCK // scores.size)
    reached = 0
    for start in range(0, count, block):
        rows = min(block, count - start)
        shuffled = rng.permuted(np.broadcast_to(scores, (rows, scores.size)), axis=1)
        reached += int((_statistics(shuffled, sizes).max(axis=1) >= statistic - 1e-9).sum())
    return (1 + reached) / (1 + count)


def _two_groups(
    days: Array, happened: NDArray[np.bool_], high: NDArray[np.bool_], level: float
) -> CoxFit:
    return cox_regression(days, happened, covariates={"high": high.astype(float)}, level=level)
