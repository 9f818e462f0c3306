r"""Cox regression with Firth's penalty, for likelihoods that rise for ever.

Maximises :math:`\ell(\beta)+\tfrac12\log\det I(\beta)` (Firth 1993, Biometrika 80:27-38; for the
Cox model Heinze and Schemper 2001, Biometrics 57:114-119), which has a finite maximum where a group
has no events. Intervals and p-values come from the profile of the penalised likelihood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError

RiskArrays: TypeAlias = tuple[
    NDArray[np.float64],
    NDArray[np.bool_],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float64],
]
"""time, event, entry, by_entry, starts, weights, sorted as the kernels take them."""

_STEPS = 500
_FARTHEST = 60.0  # log hazard ratio per standard deviation beyond which a limit is called infinite


@dataclass(frozen=True, slots=True)
class PenalisedFit:
    """Maximum of the penalised likelihood, in the units of the covariates given.

    Parameters
    ----------
    coefficients, low, high, p : ndarray of float, shape (p,)
        With profile intervals and p-values of the penalised likelihood ratio.
    information : ndarray of float, shape (p, p)
        Of the plain likelihood at the maximum.
    log_likelihood : tuple of float
        Penalised, at 0 and at the maximum.
    """

    coefficients: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]
    information: NDArray[np.float64]
    log_likelihood: tuple[float, float]


def fit_penalised(
    x: NDArray[np.float64],
    arrays: RiskArrays,
    offset: NDArray[np.float64],
    efron: bool,
    level: float,
    names: tuple[str, ...],
    *,
    profile: bool = True,
) -> PenalisedFit:
    """Maximise the penalised likelihood of sorted rows and profile each coefficient.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Covariates, best with mean 0 and standard deviation 1.
    arrays : tuple of ndarray
        See `RiskArrays`.
    offset : ndarray of float, shape (n,)
    efron : bool
    level : float
    names : tuple of str
    profile : bool
        Whether intervals and p-values are wanted; they take most of the time, and are NaN without.

    Raises
    ------
    CohortError
        If the penalised fit does not converge.
    """
    from scipy.special import chdtrc, chdtri

    p = x.shape[1]
    best, value, information = _climb(x, arrays, offset, efron, np.zeros(p), ())
    if not np.isfinite(value):
        raise CohortError(
            f"the information on {', '.join(names)} is singular, so not even a penalised fit "
            "exists; leave covariates out"
        )
    start = _penalised(x, arrays, offset, efron, np.zeros(p))[0]
    drop = float(chdtri(1, 1 - level)) / 2
    low, high, p_values = np.full(p, np.nan), np.full(p, np.nan), np.full(p, np.nan)
    for j in range(p if profile else 0):

        def height(at: float, j: int = j, near: NDArray[np.float64] = best) -> float:
            begin = near.copy()
            begin[j] = at
            return _climb(x, arrays, offset, efron, begin, (j,))[1]

        p_values[j] = float(chdtrc(1, max(0.0, 2 * (value - height(0.0)))))
        width = 1 / np.sqrt(information[j, j])
        low[j] = _limit(height, best[j], -width, value - drop)
        high[j] = _limit(height, best[j], width, value - drop)
    return PenalisedFit(best, low, high, p_values, information, (start, value))


def _limit(height: Callable[[float], float], centre: float, step: float, wanted: float) -> float:
    """Find where the profile falls to ``wanted`` on one side; infinite if it does not."""
    from scipy.optimize import brentq

    inner, outer = centre, centre + step
    while height(outer) > wanted:
        inner, outer = outer, outer + 2 * (outer - inner)
        if abs(outer - centre) > _FARTHEST:
            return float(np.copysign(np.inf, step))
    return float(brentq(lambda at: height(at) - wanted, inner, outer, xtol=1e-10, rtol=1e-12))


def _penalised(
    x: NDArray[np.float64],
    arrays: RiskArrays,
    offset: NDArray[np.float64],
    efron: bool,
    beta: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the penalised log likelihood, its gradient and the information at ``beta``."""
    from marrowtrace.survival import cox_kernels as kernels

    p = x.shape[1]
    score, information, penalty = np.empty(p), np.empty((p, p)), np.empty(p)
    value = kernels.likelihood(x, *arrays, offset, beta, efron, score, information)
    if not np.isfinite(value) or not np.isfinite(information).all():
        return -np.inf, score, information
    if not _definite(information):
        return -np.inf, score, information
    logdet = np.linalg.slogdet(information)[1]
    inverse = np.linalg.inv(information).astype(np.float64)
    kernels.penalty_score(x, *arrays, offset, beta, efron, inverse, penalty)
    return float(value + logdet / 2), score + penalty, information


def _climb(
    x: NDArray[np.float64],
    arrays: RiskArrays,
    offset: NDArray[np.float64],
    efron: bool,
    start: NDArray[np.float64],
    fixed: tuple[int, ...],
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Climb from ``start`` by Newton steps, holding the coefficients ``fixed``."""
    beta = start.copy()
    free = np.array([j for j in range(beta.size) if j not in fixed], dtype=np.int64)
    value, gradient, information = _penalised(x, arrays, offset, efron, beta)
    for _step in range(_STEPS):
        if not free.size or not np.isfinite(value):
            break
        curvature = _curvature(x, arrays, offset, efron, beta)
        part = curvature[np.ix_(free, free)]
        if not _definite(part):
            part = information[np.ix_(free, free)]
        step = np.linalg.solve(part, gradient[free])
        size = min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        while True:
            trial = beta.copy()
            trial[free] += size * step
            found = _penalised(x, arrays, offset, efron, trial)
            if found[0] >= value - 1e-12 * (1 + abs(value)):
                break
            size /= 2
            if size < 1e-8:
                return beta, value, information
        beta, (value, gradient, information) = trial, found
        if float(np.abs(step).max()) < 1e-9:
            break
    return beta, value, information


def _curvature(
    x: NDArray[np.float64],
    arrays: RiskArrays,
    offset: NDArray[np.float64],
    efron: bool,
    beta: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return minus the second derivatives, by central differences of the exact gradient."""
    p, h = beta.size, 1e-4
    out = np.empty((p, p))
    for j in range(p):
        shift = np.zeros(p)
        shift[j] = h
        up = _penalised(x, arrays, offset, efron, beta + shift)[1]
        down = _penalised(x, arrays, offset, efron, beta - shift)[1]
        with np.errstate(invalid="ignore"):
            out[j] = (down - up) / (2 * h)
    with np.errstate(invalid="ignore"):
        return np.asarray((out + out.T) / 2)


def _definite(matrix: NDArray[np.float64]) -> bool:
    """Return whether a symmetric matrix is finite and safely positive definite."""
    if not np.isfinite(matrix).all():
        return False
    values = np.linalg.eigvalsh(matrix)
    return bool(values[0] > max(1e-12, 1e-13 * values[-1]))
