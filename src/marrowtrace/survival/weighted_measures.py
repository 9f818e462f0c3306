"""Measures of a prediction at a horizon, each with every patient's influence on it.

What the public modules on accuracy and net benefit share: a measure is a number and one influence a
patient, in whose sum of squares the weights' own estimation is counted in
(`marrowtrace.survival.inverse_censoring`).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marrowtrace.survival.concordance import ranked
from marrowtrace.survival.inverse_censoring import StateAtHorizon

Array = NDArray[np.float64]


def area(state: StateAtHorizon, risk: Array) -> tuple[float, Array]:
    """Return the area under the ROC curve and each patient's influence, shape (n,)."""
    n = risk.size
    case, control = state.weight * state.case, state.weight * state.control
    place, _ = ranked(risk)
    by_case, by_control = np.bincount(place, weights=case), np.bincount(place, weights=control)
    lower = np.cumsum(by_control) - by_control / 2
    higher = case.sum() - np.cumsum(by_case) + by_case / 2
    pairs = case.sum() * control.sum()
    value = float((case * lower[place]).sum() / pairs)
    concordant = case * lower[place] + control * higher[place]
    possible = case * control.sum() + control * case.sum()
    terms = (concordant - value * possible) / pairs * n
    return value, (terms + state.influence(terms)) / n


def brier(state: StateAtHorizon, risk: Array) -> tuple[float, Array]:
    """Return the Brier score and each patient's influence, shape (n,)."""
    terms = state.weight * (state.case - risk) ** 2
    score = float(terms.mean())
    return score, (terms - score + state.influence(terms)) / risk.size


def net_benefit(
    state: StateAtHorizon, treated: NDArray[np.bool_], threshold: float
) -> tuple[float, Array]:
    """Return the net benefit of treating ``treated`` and each patient's influence, shape (n,)."""
    odds = threshold / (1 - threshold)
    terms = state.weight * treated * (state.case * 1.0 - state.control * odds)
    value = float(terms.mean())
    return value, (terms - value + state.influence(terms)) / terms.size


def share_positive(
    state: StateAtHorizon, positive: NDArray[np.bool_], *, among_cases: bool
) -> tuple[float, Array]:
    """Return sensitivity (among cases) or 1 - specificity, and each patient's influence, (n,)."""
    whom = state.weight * (state.case if among_cases else state.control)
    value = float((whom * positive).sum() / whom.sum())
    terms = whom * (positive - value) / whom.mean()
    return value, (terms + state.influence(terms)) / terms.size


def interval(value: ArrayLike, influence: Array, level: float) -> tuple[Array, Array, Array]:
    """Return standard error and normal interval of measures from their influences.

    Parameters
    ----------
    value : array_like of float, shape (h,) or ()
    influence : ndarray of float, shape (n, h) or (n,)
    level : float
    """
    centre = np.asarray(value, dtype=np.float64)
    error = np.sqrt((influence**2).sum(axis=0))
    reach = NormalDist().inv_cdf(0.5 + level / 2) * error
    return error, centre - reach, centre + reach
