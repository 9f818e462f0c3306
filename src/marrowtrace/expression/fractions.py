r"""Fractions of cells in a state, with the patient as the unit.

Cells of one patient are alike, so a binomial over all cells is too sure of itself. Each patient has
a fraction of its own, drawn from a beta distribution with mean :math:`\mu` and intraclass
correlation :math:`\rho`; of :math:`n_i` called cells :math:`k_i` are in the state,

.. math:: P(k_i) = \binom{n_i}{k_i} \frac{B(k_i + a, n_i - k_i + b)}{B(a, b)}, \qquad
          a = \mu \frac{1-\rho}{\rho}, \; b = (1-\mu) \frac{1-\rho}{\rho}.

Both are estimated by maximum likelihood; the interval of :math:`\mu` is that of the profile
likelihood. With one patient, or cells of one patient only, nothing is known of the variation
between patients: the interval is the exact binomial one and is marked so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError

LEVEL = 0.95
_RHO = np.concatenate([[0.0], np.geomspace(1e-4, 0.95, 48)])
_MU = np.concatenate([np.geomspace(1e-5, 0.02, 60), np.linspace(0.02, 0.98, 193)[1:-1]])
_GRID = np.unique(np.concatenate([_MU, 1.0 - _MU]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraction:
    """Fraction of cells in a state.

    Parameters
    ----------
    mean, low, high : float
        Mean over patients and its interval.
    correlation : float
        Intraclass correlation; NaN with one patient.
    patients, cells, positive : int
    method : {"beta-binomial", "binomial, one patient"}
    """

    mean: float
    low: float
    high: float
    correlation: float
    patients: int
    cells: int
    positive: int
    method: str

    def to_json(self) -> dict[str, Any]:
        """Return the fraction as plain values."""
        known = self.correlation == self.correlation
        return {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "intraclass_correlation": self.correlation if known else None,
            "patients": self.patients,
            "cells": self.cells,
            "positive": self.positive,
            "method": self.method,
        }


def fraction(positive: Sequence[int], cells: Sequence[int], *, level: float = LEVEL) -> Fraction:
    """Estimate a fraction from the counts of each patient.

    Parameters
    ----------
    positive, cells : sequence of int, length patients
        Cells in the state and cells called; patients without called cells are passed over.
    level : float

    Returns
    -------
    Fraction

    Raises
    ------
    CohortError
        If no cell was called, or counts are impossible.

    Examples
    --------
    >>> found = fraction([0, 8, 1], [10, 9, 12])
    >>> 0.0 < found.low < found.mean < found.high < 1.0
    True
    """
    if len(positive) != len(cells):
        raise CohortError(f"{len(positive)} counts of positive cells for {len(cells)} patients")
    for hits, seen in zip(positive, cells, strict=True):
        if hits < 0 or hits > seen:
            raise CohortError(f"{hits} positive of {seen} cells is impossible")
    pairs = [pair for pair in zip(positive, cells, strict=True) if pair[1] > 0]
    if not pairs:
        raise CohortError("no cell was called, so there is no fraction")
    k = np.array([pair[0] for pair in pairs])
    n = np.array([pair[1] for pair in pairs])
    if len(pairs) == 1:
        return _one_patient(int(k[0]), int(n[0]), level)
    surface = _surface(k, n)
    profile = surface.max(axis=1)
    best = int(profile.argmax())
    mean, low, high = _interval(profile, best, k, n, level)
    return Fraction(
        mean=mean,
        low=low,
        high=high,
        correlation=float(_RHO[int(surface[best].argmax())]),
        patients=len(pairs),
        cells=int(n.sum()),
        positive=int(k.sum()),
        method="beta-binomial",
    )


def log_likelihood(
    k: NDArray[np.int64], n: NDArray[np.int64], mean: float, correlation: float
) -> float:
    """Log-likelihood without the binomial coefficients; ``mean`` in (0, 1)."""
    from scipy.special import betaln

    if correlation <= 0.0:
        return float(k.sum() * np.log(mean) + (n - k).sum() * np.log1p(-mean))
    size = (1.0 - correlation) / correlation
    a, b = mean * size, (1.0 - mean) * size
    return float((betaln(k + a, n - k + b) - betaln(a, b)).sum())


def _surface(k: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log-likelihood over the grid, shape (means, correlations)."""
    from scipy.special import betaln

    size = (1.0 - _RHO[1:]) / _RHO[1:]
    a, b = _GRID[:, None] * size, (1.0 - _GRID)[:, None] * size
    out = np.empty((_GRID.size, _RHO.size))
    out[:, 0] = k.sum() * np.log(_GRID) + (n - k).sum() * np.log1p(-_GRID)
    out[:, 1:] = -k.size * betaln(a, b)
    for ki, ni in zip(k, n, strict=True):
        out[:, 1:] += betaln(ki + a, ni - ki + b)
    return out


def _interval(
    profile: NDArray[np.float64],
    best: int,
    k: NDArray[np.int64],
    n: NDArray[np.int64],
    level: float,
) -> tuple[float, float, float]:
    """Estimate and ends of the profile interval, interpolated on the grid."""
    from scipy.stats import chi2

    cut = profile[best] - chi2.ppf(level, 1) / 2.0
    inside = np.flatnonzero(profile >= cut)
    low = 0.0 if k.sum() == 0 else _crossing(profile, cut, inside[0], -1)
    high = 1.0 if (n - k).sum() == 0 else _crossing(profile, cut, inside[-1], 1)
    mean = 0.0 if k.sum() == 0 else 1.0 if (n - k).sum() == 0 else float(_GRID[best])
    return mean, low, high


def _crossing(profile: NDArray[np.float64], cut: float, at: int, step: int) -> float:
    beyond = at + step
    if not 0 <= beyond < _GRID.size:
        return 0.0 if step < 0 else 1.0
    share = (profile[at] - cut) / (profile[at] - profile[beyond])
    return float(_GRID[at] + share * (_GRID[beyond] - _GRID[at]))


def _one_patient(k: int, n: int, level: float) -> Fraction:
    from scipy.stats import beta

    tail = (1.0 - level) / 2.0
    return Fraction(
        mean=k / n,
        low=0.0 if k == 0 else float(beta.ppf(tail, k, n - k + 1)),
        high=1.0 if k == n else float(beta.ppf(1.0 - tail, k + 1, n - k)),
        correlation=float("nan"),
        patients=1,
        cells=n,
        positive=k,
        method="binomial, one patient",
    )
