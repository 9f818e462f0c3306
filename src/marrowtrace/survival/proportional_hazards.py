r"""Test of proportional hazards: do coefficients change with time?

The score test of adding :math:`x\,g(t)` to a Cox model (Grambsch and Therneau 1994, Biometrika
81:515-526), with the information matrix of every event time rather than their average, as R's
``cox.zph`` has done since survival 3.0. ``g`` is one less the left-continuous Kaplan-Meier curve
("km", little moved by late events), the rank of time, its logarithm, or time itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import CohortError, did_you_mean
from marrowtrace.survival.cox import CoxFit, json_rows
from marrowtrace.survival.kaplan_meier import kaplan_meier

TRANSFORMS = ("km", "rank", "log", "identity")


@dataclass(frozen=True, slots=True)
class ProportionalHazardsTest:
    """Tests for each covariate and for all together.

    Parameters
    ----------
    names : tuple of str, length p + 1
        Covariates, then ``"global"``.
    statistic, p : ndarray of float, shape (p + 1,)
    degrees : ndarray of int, shape (p + 1,)
    transform : str
    """

    names: tuple[str, ...]
    statistic: NDArray[np.float64]
    degrees: NDArray[np.int64]
    p: NDArray[np.float64]
    transform: str

    def table(self) -> pl.DataFrame:
        """Return one row a covariate, then the global test."""
        return pl.DataFrame(
            {
                "covariate": self.names,
                "statistic": self.statistic,
                "degrees": self.degrees,
                "p": self.p,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the tests as JSON-ready values."""
        return {"transform": self.transform, "rows": json_rows(self.table())}


def proportional_hazards_test(fit: CoxFit, *, transform: str = "km") -> ProportionalHazardsTest:
    """Test whether the hazard ratios of a Cox model are constant in time.

    Parameters
    ----------
    fit : CoxFit
    transform : {"km", "rank", "log", "identity"}
        Function of time against which a trend of the coefficients is sought.

    Returns
    -------
    ProportionalHazardsTest

    Raises
    ------
    CohortError
        If the transform is unknown, is the logarithm of a time that is not above 0, or events
        are too few or all at one time.
    """
    from scipy.special import chdtrc

    from marrowtrace.survival.cox_residuals import event_sums, place_of_events

    data = fit.data
    weight = _transformed(fit, transform)
    weight = weight - weight[data.event].mean()
    if np.ptp(weight[data.event]) == 0:
        raise CohortError("all events are at one time, so no change with time can be tested")
    sums = event_sums(data, fit.coefficients, fit.ties, information=True)
    place = place_of_events(data, sums)
    at = np.zeros(sums.day.size)
    at[place] = weight[data.event]
    residuals = data.covariates[data.event] - sums.mean[place]
    u = (residuals * (data.weights * weight)[data.event][:, None]).sum(axis=0)
    plain = sums.information.sum(axis=0)
    crossed = np.tensordot(at, sums.information, axes=1)
    squared = np.tensordot(at**2, sums.information, axes=1)
    p = len(data.names)
    left = squared - crossed.T @ np.linalg.solve(plain, crossed)
    statistic = np.empty(p + 1)
    for j in range(p):
        alone = squared[j, j] - crossed[:, j] @ np.linalg.solve(plain, crossed[:, j])
        statistic[j] = u[j] ** 2 / alone if alone > 1e-10 * squared[j, j] else np.nan
    if np.isnan(statistic[:p]).any() or np.linalg.matrix_rank(left) < p:
        raise CohortError(
            f"{data.events} events are too few to test whether {p} coefficient(s) change with time"
        )
    statistic[p] = u @ np.linalg.solve(left, u)
    degrees = np.array([1] * p + [p], dtype=np.int64)
    return ProportionalHazardsTest(
        (*data.names, "global"), statistic, degrees, chdtrc(degrees, statistic), transform
    )


def _transformed(fit: CoxFit, transform: str) -> NDArray[np.float64]:
    """Return g(t) at the end of each sorted row."""
    data = fit.data
    if transform == "identity":
        return data.time
    if transform == "log":
        if (data.time <= 0).any():
            raise CohortError(
                f"day {data.time.min():g} has no logarithm; use the transform km or rank"
            )
        return np.log(data.time)
    if transform == "rank":
        from scipy.stats import rankdata

        return np.asarray(rankdata(data.time), dtype=np.float64)
    if transform == "km":
        curve = kaplan_meier(data.time, data.event, entry=data.entry if data.entry.size else None)
        before = np.searchsorted(curve.time, data.time, side="left")
        return 1.0 - np.concatenate([[1.0], curve.survival])[before]
    raise CohortError(
        f"transform '{transform}' is not known{did_you_mean(transform, TRANSFORMS)}; "
        f"allowed: {', '.join(TRANSFORMS)}"
    )
