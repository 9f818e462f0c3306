"""How much of each direction the targets inform, by linear theory around the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WELL, NOT = 0.6, 0.9


@dataclass(frozen=True)
class Identifiability:
    """Singular values and what is left of each prior.

    Parameters
    ----------
    singular_values : ndarray, shape (min(n_targets, n_free),)
        Of the z-scores' derivatives by the directions in units of the prior's sd, falling. A
        direction with a value of 1 has as much from the targets as from the prior.
    posterior : ndarray, shape (n_free,)
        Posterior over prior sd of each direction.
    """

    singular_values: Array
    posterior: Array

    @property
    def informed(self) -> int:
        """Directions of which the targets say more than the prior."""
        return int((self.singular_values > 1).sum())


def identifiability(jacobian: Array, prior_sd: Array) -> Identifiability:
    """Return what the targets inform.

    Parameters
    ----------
    jacobian : ndarray, shape (n_targets, n_free)
        Derivatives of the z-scores of the targets by the directions.
    prior_sd : ndarray, shape (n_free,)

    Notes
    -----
    With A the Jacobian in units of the prior's sd, the posterior covariance in the same units is
    (I + A'A)^-1 for targets with normal errors and a model that is linear over the prior's width.
    """
    scaled = jacobian * prior_sd
    covariance = np.linalg.inv(np.eye(prior_sd.size) + scaled.T @ scaled)
    values = np.linalg.svd(scaled, compute_uv=False)
    return Identifiability(np.asarray(values, float), np.sqrt(np.diag(covariance), dtype=float))
