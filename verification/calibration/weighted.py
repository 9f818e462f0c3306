"""Survival statistics of patients who are marker-positive with a known probability."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def hazard_ratio(time: Array, event: Mask, positive: Array, negative: Array) -> float:
    """Return Cox's hazard ratio of a yes-no marker known by its probability (Breslow's ties).

    Each patient stands in both groups, with the weights given: the limit of a cohort in which each
    patient's marker is drawn anew for ever more copies.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
    positive, negative : ndarray, shape (n,)
        Probabilities of either group; they may add up to less than 1.

    Returns
    -------
    float
        NaN without events in either group.
    """
    order = np.argsort(-time, kind="stable")
    event, positive, negative = event[order], positive[order], negative[order]
    at_risk = np.cumsum(positive)[event], np.cumsum(negative)[event]
    weight, mine = (positive + negative)[event], positive[event]
    log_ratio = 0.0
    for _ in range(50):
        share = np.exp(log_ratio) * at_risk[0]
        share = share / (share + at_risk[1])
        score = float((mine - weight * share).sum())
        information = float((weight * share * (1 - share)).sum())
        if information <= 0:
            return math.nan
        step = float(np.clip(score / information, -1, 1))
        log_ratio += step
        if abs(step) < 1e-9:
            break
    return math.exp(log_ratio)


def relapse_risk(time: Array, event: Mask, horizon: float, weight: Array | None = None) -> float:
    """Return 1 - Kaplan-Meier at ``horizon``, each patient with a weight > 0 (1 if left out)."""
    order = np.lexsort((~event, time))
    time, event = time[order], event[order]
    weight = np.ones(time.size) if weight is None else weight[order]
    survival = np.cumprod(1 - event * weight / np.cumsum(weight[::-1])[::-1])
    last = int(np.searchsorted(time, horizon, side="right")) - 1
    return float(1 - survival[last]) if last >= 0 else 0.0


def rate(time: Array, event: Mask, start: float, stop: float) -> float:
    """Return events over time at risk between two days, in the unit of ``time``."""
    at_risk = np.clip(np.minimum(time, stop) - start, 0, None).sum()
    seen = event & (time > start) & (time <= stop)
    return float(seen.sum() / at_risk)


def kappa(first: Array, second: Array) -> float:
    """Return Cohen's kappa of two markers known by their probabilities, independent given these."""
    agree = float((first * second + (1 - first) * (1 - second)).mean())
    one, two = float(first.mean()), float(second.mean())
    chance = one * two + (1 - one) * (1 - two)
    return (agree - chance) / (1 - chance)
