r"""Log-rank tests: of several groups, stratified, for trend, and of the :math:`G^\rho` family.

At each event time the events of a group are compared with its share of those at risk, with the
hypergeometric variance (Mantel 1966, Cancer Chemother. Rep. 50:163-170); weights
:math:`\hat S(t-)^\rho` give early events more say (Harrington and Fleming 1982, Biometrika
69:553-566; :math:`\rho=1` is Peto and Peto's form of the Wilcoxon test). Numbers are R's
``survdiff``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError, ProblemList


@dataclass(frozen=True, slots=True)
class LogRankTest:
    """A comparison of the hazards of groups.

    Parameters
    ----------
    groups : tuple of str, length k
    patients : ndarray of int, shape (k,)
    observed, expected : ndarray of float, shape (k,)
        Events, weighted if ``rho`` is not 0.
    variance : ndarray of float, shape (k, k)
        Of observed less expected.
    statistic : float
        Chi-square statistic.
    degrees : int
    p : float
    trend : bool
    rho : float
    """

    groups: tuple[str, ...]
    patients: NDArray[np.int64]
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    variance: NDArray[np.float64]
    statistic: float
    degrees: int
    p: float
    trend: bool
    rho: float

    def table(self) -> pl.DataFrame:
        """Return one row a group."""
        return pl.DataFrame(
            {
                "group": self.groups,
                "patients": self.patients,
                "observed": self.observed,
                "expected": self.expected,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the test as JSON-ready values."""
        return {
            "statistic": self.statistic,
            "degrees": self.degrees,
            "p": self.p,
            "trend": self.trend,
            "rho": self.rho,
            "groups": self.table().to_dicts(),
        }


def log_rank_test(
    time: ArrayLike,
    event: ArrayLike,
    *,
    group: ArrayLike,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    scores: Sequence[float] | None = None,
    rho: float = 0.0,
) -> LogRankTest:
    """Test whether groups have the same hazard.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of bool, shape (n,)
    group : array_like, shape (n,)
        Labels; groups are taken in sorted order.
    strata : array_like, shape (n,), optional
        Labels within which groups are compared.
    entry : array_like of float, shape (n,), optional
        Start of observation [days] (left truncation).
    scores : sequence of float, length k, optional
        Asks for the test for trend, one degree of freedom, with these scores of the groups, e.g.
        ``(0, 1, 2)``.
    rho : float
        0 for the log-rank test, 1 for that of Peto and Peto.

    Returns
    -------
    LogRankTest

    Raises
    ------
    CohortError
        If lengths differ, values are missing, there are fewer than two groups, the scores do not
        fit, or nothing can be compared.
    """
    from scipy.special import chdtrc

    from marrowtrace.survival.log_rank_kernels import stratum_sums

    times = np.asarray(time, dtype=np.float64).ravel()
    seen = np.asarray(event).astype(bool).ravel()
    names, codes = np.unique(np.asarray(group).ravel(), return_inverse=True)
    blocks = np.zeros(times.size, np.int64) if strata is None else _codes(strata)
    entries = np.empty(0) if entry is None else np.asarray(entry, np.float64).ravel()
    _check(times, seen, codes, blocks, entries, entry is not None)
    k = names.size
    if k < 2:
        raise CohortError(f"a log-rank test needs two groups or more; all patients are in {k}")
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for block in np.unique(blocks):
        rows = np.flatnonzero(blocks == block)
        rows = rows[np.argsort(times[rows])]
        late = entries[rows] if entries.size else entries
        stratum_sums(
            times[rows], seen[rows], codes[rows].astype(np.int64), k, late,
            np.argsort(late).astype(np.int64), float(rho), observed, expected, variance,
        )  # fmt: skip
    difference = observed - expected
    if scores is not None:
        statistic, degrees = _trend(scores, names, difference, variance), 1
    else:
        kept = np.flatnonzero(expected > 0)
        if kept.size < 2:
            raise CohortError(
                "no event happened while two groups were at risk, so nothing can be compared"
            )
        free = kept[:-1]
        part = variance[np.ix_(free, free)]
        if np.linalg.matrix_rank(part) < free.size:
            raise CohortError(
                "the log-rank variance is singular: groups are never at risk together; join groups "
                "or leave one out"
            )
        statistic = float(difference[free] @ np.linalg.solve(part, difference[free]))
        degrees = free.size
    return LogRankTest(
        tuple(str(name) for name in names),
        np.bincount(codes, minlength=k).astype(np.int64),
        observed,
        expected,
        variance,
        statistic,
        degrees,
        float(chdtrc(degrees, statistic)),
        scores is not None,
        float(rho),
    )


@dataclass(frozen=True, slots=True)
class LogRankReplicates:
    """Log-rank tests of replicates with two groups.

    Parameters
    ----------
    statistic, difference, variance : ndarray of float, shape (r,)
        Chi-square statistic on one degree (NaN if nothing can be compared), observed less expected
        events of group 1, and its variance.
    p : ndarray of float, shape (r,)
    """

    statistic: NDArray[np.float64]
    difference: NDArray[np.float64]
    variance: NDArray[np.float64]
    p: NDArray[np.float64]

    def table(self) -> pl.DataFrame:
        """Return one row a replicate."""
        return pl.DataFrame(
            {
                "statistic": self.statistic,
                "difference": self.difference,
                "variance": self.variance,
                "p": self.p,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return how many tests were made, and how many reach 5 %."""
        made = np.isfinite(self.statistic)
        below = int((self.p[made] < 0.05).sum())
        return {"replicates": int(made.size), "tested": int(made.sum()), "p_below_0.05": below}


def log_rank_replicates(
    time: ArrayLike, event: ArrayLike, *, group: ArrayLike, rho: float = 0.0
) -> LogRankReplicates:
    """Compare two groups in each replicate, all at once.

    Parameters
    ----------
    time : array_like of float, shape (r, n)
        Times [days], one row a replicate.
    event : array_like of bool, shape (r, n)
    group : array_like of bool, shape (r, n) or (n,)
    rho : float

    Returns
    -------
    LogRankReplicates

    Raises
    ------
    CohortError
        If the shapes do not fit, or groups are not 0 and 1.
    """
    from scipy.special import chdtrc

    from marrowtrace.survival.cox_replicates import replicate_arrays
    from marrowtrace.survival.log_rank_kernels import many_tests

    times, seen = replicate_arrays(time, event)
    arms = np.asarray(group)
    if arms.ndim == 1:
        arms = np.broadcast_to(arms, (times.shape[0], arms.size))
    if arms.shape != times.shape:
        raise CohortError(f"groups {np.shape(group)} do not fit times of shape {times.shape}")
    if not np.isin(arms, (0, 1)).all():
        raise CohortError("groups of replicates must be 0 or 1")
    r = times.shape[0]
    statistic, difference, variance = np.empty(r), np.empty(r), np.empty(r)
    codes = np.require(arms, np.int64, ("C", "W"))
    many_tests(times, seen, codes, float(rho), statistic, difference, variance)
    return LogRankReplicates(statistic, difference, variance, chdtrc(1, statistic))


def _codes(labels: ArrayLike) -> NDArray[np.int64]:
    return np.unique(np.asarray(labels).ravel(), return_inverse=True)[1].astype(np.int64)


def _trend(
    scores: Sequence[float],
    names: NDArray[Any],
    difference: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> float:
    values = np.asarray(scores, dtype=np.float64)
    if values.shape != names.shape or np.ptp(values) == 0:
        raise CohortError(
            f"the test for trend needs one score for each of {names.size} groups "
            f"({', '.join(map(str, names))}), not all the same; {values.size} given"
        )
    spread = float(values @ variance @ values)
    if not spread > 0:
        raise CohortError(
            "no event happened while two groups were at risk, so nothing can be compared"
        )
    return float(values @ difference) ** 2 / spread


def _check(
    times: NDArray[np.float64],
    seen: NDArray[np.bool_],
    codes: NDArray[Any],
    blocks: NDArray[np.int64],
    entries: NDArray[np.float64],
    late: bool,
) -> None:
    sizes = {"time": times.size, "event": seen.size, "group": codes.size, "strata": blocks.size}
    if late:
        sizes["entry"] = entries.size
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise CohortError(f"the columns of a log-rank test differ in length: {listed}")
    problems = ProblemList()
    for name, values in (("time", times), ("entry", entries)):
        bad = ~np.isfinite(values)
        if bad.any():
            i = int(bad.argmax())
            problems.add(name, f"{int(bad.sum())} row(s) ({i}) are missing, e.g. {values[i]}")
    if late and (entries >= times).any():
        i = int((entries >= times).argmax())
        problems.add("entry", f"row {i} enters (day {entries[i]:g}) when or after it leaves")
    problems.raise_any(CohortError, "the rows of the log-rank test")
