"""The curve of being uncensored, for inverse probability of censoring weights.

The Kaplan-Meier curve with censorings as its events; an event at a time comes before a censoring
at it, so it leaves the risk set first (as in Graf et al. 1999, Stat. Med. 18:2529-2545).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CensoringCurve:
    """Probability of being uncensored.

    Parameters
    ----------
    time : ndarray of float, shape (m,)
        Distinct times of censoring [days], increasing.
    at_risk, censored : ndarray of float, shape (m,)
        Numbers (weights) still observed, those with an event at the time left out, and censored.
    free : ndarray of float, shape (m,)
        Probability of no censoring up to and including each time.
    """

    time: Array
    at_risk: Array
    censored: Array
    free: Array

    def until(self, days: Array) -> Array:
        """Return the probability of no censoring up to and including each day."""
        place = np.searchsorted(self.time, days, side="right")
        return np.asarray(np.concatenate([[1.0], self.free])[place])

    def before(self, days: Array) -> Array:
        """Return the probability of no censoring before each day."""
        place = np.searchsorted(self.time, days, side="left")
        return np.asarray(np.concatenate([[1.0], self.free])[place])


def censoring_curve(
    time: Array, event: NDArray[np.bool_], *, entry: Array | None = None
) -> CensoringCurve:
    """Estimate the curve of being uncensored; ``event`` is true for events of every kind."""
    gone = ~event
    times, censored = np.unique(time[gone], return_counts=True)
    at_risk = (
        time.size
        - np.searchsorted(np.sort(time), times, side="left")
        - (
            np.searchsorted(np.sort(time[event]), times, side="right")
            - np.searchsorted(np.sort(time[event]), times, side="left")
        )
    ).astype(np.float64)
    if entry is not None and entry.size:
        at_risk -= entry.size - np.searchsorted(np.sort(entry), times, side="left")
    with np.errstate(divide="ignore", invalid="ignore"):
        free = np.cumprod(1.0 - censored / at_risk)
    return CensoringCurve(times, at_risk, censored.astype(np.float64), free.astype(np.float64))
