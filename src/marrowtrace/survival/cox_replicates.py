"""Thousands of Cox models at once: simulated trials, permutations, bootstraps.

One kernel, one thread a replicate, the same numbers as `marrowtrace.survival.cox.cox_regression`.
A replicate that cannot be fitted is a result with a status, not an error that loses the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError

STATUS = ("converged", "not converged", "singular", "infinite estimate")


@dataclass(frozen=True, slots=True)
class CoxReplicates:
    """Cox models of replicates.

    Parameters
    ----------
    coefficients : ndarray of float, shape (r, p)
        NaN where the model has no finite estimate.
    variance : ndarray of float, shape (r, p, p)
    log_likelihood : ndarray of float, shape (r, 2)
        With all coefficients 0, and at the maximum.
    score : ndarray of float, shape (r,)
        Score statistic, chi-square on p degrees.
    status : ndarray of int, shape (r,)
        Index in `STATUS`.
    """

    coefficients: NDArray[np.float64]
    variance: NDArray[np.float64]
    log_likelihood: NDArray[np.float64]
    score: NDArray[np.float64]
    status: NDArray[np.int64]

    @property
    def standard_errors(self) -> NDArray[np.float64]:
        """Standard errors, shape (r, p)."""
        return np.sqrt(np.diagonal(self.variance, axis1=1, axis2=2))

    def table(self) -> pl.DataFrame:
        """Return one row a replicate and covariate."""
        r, p = self.coefficients.shape
        return pl.DataFrame(
            {
                "replicate": np.repeat(np.arange(r), p),
                "covariate": np.tile(np.arange(p), r),
                "coefficient": self.coefficients.ravel(),
                "standard_error": self.standard_errors.ravel(),
                "status": [STATUS[code] for code in np.repeat(self.status, p)],
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return how many replicates ended in each way."""
        counts = np.bincount(self.status, minlength=len(STATUS))
        return {
            "replicates": int(self.status.size),
            "status": {name: int(count) for name, count in zip(STATUS, counts, strict=True)},
        }


def cox_replicates(
    time: ArrayLike, event: ArrayLike, *, covariates: ArrayLike, ties: str = "efron"
) -> CoxReplicates:
    """Fit one Cox model to each replicate.

    Parameters
    ----------
    time : array_like of float, shape (r, n)
        Times [days], one row a replicate.
    event : array_like of bool, shape (r, n)
    covariates : array_like of float, shape (r, n, p) or (n, p)
        The latter if all replicates share them.
    ties : {"efron", "breslow"}

    Returns
    -------
    CoxReplicates

    Raises
    ------
    CohortError
        If the shapes do not fit or a value is not finite.
    """
    from marrowtrace.survival.cox_kernels import CONVERGED, many_fits

    if ties not in ("efron", "breslow"):
        raise CohortError(f"ties '{ties}' are not known; allowed: efron, breslow")
    times, seen = replicate_arrays(time, event)
    x = np.asarray(covariates, dtype=np.float64)
    if x.ndim == 2:
        x = np.broadcast_to(x, (times.shape[0], *x.shape))
    x = np.require(x, requirements=("C", "W"))  # one layout, so that one kernel is compiled
    if x.ndim != 3 or x.shape[:2] != times.shape:
        raise CohortError(
            f"covariates have shape {np.shape(covariates)}; allowed for times of shape "
            f"{times.shape}: {(*times.shape, 'p')} or {(times.shape[1], 'p')}"
        )
    if not np.isfinite(x).all():
        raise CohortError("covariates of replicates hold values that are missing or not finite")
    r, p = times.shape[0], x.shape[2]
    beta, variance = np.full((r, p), np.nan), np.full((r, p, p), np.nan)
    likelihoods, score, status = np.full((r, 2), np.nan), np.full(r, np.nan), np.zeros(r, np.int64)
    many_fits(times, seen, x, ties == "efron", 50, beta, variance, likelihoods, score, status)
    beta[status != CONVERGED] = np.nan
    variance[status != CONVERGED] = np.nan
    return CoxReplicates(beta, variance, likelihoods, score, status)


def replicate_arrays(
    time: ArrayLike, event: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Check times and events of replicates, shape (r, n)."""
    times = np.require(time, np.float64, ("C", "W"))
    seen = np.require(event, np.bool_, ("C", "W"))
    if times.ndim != 2 or times.shape != seen.shape or times.size == 0:
        raise CohortError(
            f"times {times.shape} and events {seen.shape} of replicates must be of one shape "
            "(replicates, patients), and not empty"
        )
    if not np.isfinite(times).all():
        raise CohortError("times of replicates hold values that are missing or not finite")
    return times, seen
