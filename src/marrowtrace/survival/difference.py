"""Differences of two estimates on the same patients, with intervals from paired influences.

An estimate's influence is each patient's part of its error, so that the standard error is the root
of the sum of squares. On the same patients the influences subtract, and what both estimates share
cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.concordance import Concordance
from marrowtrace.survival.cox import check_level, plain

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two estimates on the same patients.

    Parameters
    ----------
    metric : str
    horizon : float or None
    estimate, error, low, high, p : float
    level : float
    """

    metric: str
    horizon: float | None
    estimate: float
    error: float
    low: float
    high: float
    p: float
    level: float

    def table(self) -> pl.DataFrame:
        """Return a table of one row."""
        return pl.DataFrame([self.to_json()])

    def to_json(self) -> dict[str, Any]:
        """Return the difference as JSON-ready values."""
        return {
            "metric": self.metric,
            "horizon": self.horizon,
            "estimate": self.estimate,
            "standard_error": self.error,
            "ci_low": self.low,
            "ci_high": self.high,
            "p": plain(self.p),
            "level": self.level,
        }


def influence_difference(
    metric: str, horizon: float | None, estimate: float, influence: Array, level: float
) -> Difference:
    """Return a difference with the interval that the differences of influence give.

    Parameters
    ----------
    metric : str
    horizon : float or None
        Days.
    estimate : float
        First estimate less the second.
    influence : ndarray of float, shape (n,)
        Each patient's influence on the first less that on the second.
    level : float
    """
    check_level(level)
    error = float(np.sqrt((influence**2).sum()))
    z = NormalDist().inv_cdf(0.5 + level / 2)
    p = math.erfc(abs(estimate) / error / math.sqrt(2)) if error > 0 else 1.0
    return Difference(
        metric, horizon, estimate, error, estimate - z * error, estimate + z * error, p, level
    )


def concordance_difference(
    first: Concordance, second: Concordance, *, level: float = 0.95
) -> Difference:
    """Compare two predictions of the same patients by their concordance.

    Raises
    ------
    CohortError
        If method, horizon or the number of patients differ.
    """
    same = first.method == second.method and first.horizon == second.horizon
    if not same or first.influence.shape != second.influence.shape:
        raise CohortError(
            "two concordances can be compared only on the same patients, by the same method and "
            f"horizon: {first.method} of {first.influence.size} and {second.method} of "
            f"{second.influence.size} patients"
        )
    horizon = first.horizon if np.isfinite(first.horizon) else None
    influence = first.influence - second.influence
    return influence_difference(
        f"concordance_{first.method}", horizon, first.value - second.value, influence, level
    )
