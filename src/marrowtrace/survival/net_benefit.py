r"""Net benefit and decision curves: is acting on a prediction better than treating all or none?

At threshold probability :math:`p_t` patients with a risk of at least :math:`p_t` are treated; the
net benefit by day :math:`t` is the share treated who have the event less the share treated who do
not, times the odds :math:`p_t/(1-p_t)` at which treatment is worth while (Vickers and Elkin 2006,
Med. Decis. Making 26:565-574). Patients lost before the horizon are represented by inverse
probability of censoring weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import check_level, json_rows
from marrowtrace.survival.difference import Difference, influence_difference
from marrowtrace.survival.inverse_censoring import state_at_horizon
from marrowtrace.survival.weighted_measures import interval, net_benefit

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """Net benefit at several thresholds.

    Parameters
    ----------
    thresholds : tuple of float, length k
        Risk from which a patient is treated.
    value, error, low, high : ndarray of float, shape (k,)
        Net benefit of the prediction, in events per patient, with standard error and interval.
    treat_all : ndarray of float, shape (k,)
        Net benefit of treating everyone; that of treating nobody is 0.
    treated : ndarray of float, shape (k,)
        Share of patients treated.
    influence : ndarray of float, shape (n, k)
        Each patient's part of the error.
    horizon : float
        Days.
    level : float
    """

    thresholds: tuple[float, ...]
    value: Array
    error: Array
    low: Array
    high: Array
    treat_all: Array
    treated: Array
    influence: Array
    horizon: float
    level: float

    def table(self) -> pl.DataFrame:
        """Return one row a threshold."""
        return pl.DataFrame(
            {
                "threshold": self.thresholds,
                "net_benefit": self.value,
                "standard_error": self.error,
                "low": self.low,
                "high": self.high,
                "treat_all": self.treat_all,
                "treated": self.treated,
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the curve as JSON-ready values."""
        rows = json_rows(self.table())
        return {"horizon": self.horizon, "level": self.level, "rows": rows}


def decision_curve(
    time: ArrayLike,
    event: ArrayLike,
    *,
    risk: ArrayLike,
    horizon: float,
    thresholds: Sequence[float],
    cause: int = 1,
    level: float = 0.95,
) -> DecisionCurve:
    """Estimate the net benefit of acting on a predicted risk.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    risk : array_like of float, shape (n,)
        Predicted probability of the event by the horizon, in [0, 1].
    horizon : float
        Days.
    thresholds : sequence of float
        In (0, 1).
    cause : int
    level : float

    Returns
    -------
    DecisionCurve

    Raises
    ------
    CohortError
        If the rows are at fault, a prediction is not a probability, a threshold is not inside
        (0, 1), or nobody is followed beyond the horizon.
    """
    check_level(level)
    cuts = np.asarray(thresholds, dtype=np.float64)
    if not cuts.size or not ((cuts > 0) & (cuts < 1)).all():
        raise CohortError(
            f"thresholds {', '.join(f'{c:g}' for c in cuts) or '(none)'} must be inside (0, 1): "
            "the risk from which treatment is worth while"
        )
    state = state_at_horizon(time, event, horizon=horizon, cause=cause)
    risks = np.asarray(risk, dtype=np.float64)
    if risks.shape != state.time.shape or not ((risks >= 0) & (risks <= 1)).all():
        raise CohortError(
            f"net benefit needs one predicted probability in [0, 1] for each of {state.time.size} "
            "patients"
        )
    n = risks.size
    found = [net_benefit(state, risks >= cut, cut) for cut in cuts]
    everyone = [net_benefit(state, np.ones(n, bool), cut)[0] for cut in cuts]
    value = np.array([benefit for benefit, _ in found])
    influence = np.column_stack([part for _, part in found])
    error, low, high = interval(value, influence, level)
    return DecisionCurve(
        tuple(float(cut) for cut in cuts),
        value,
        error,
        low,
        high,
        np.array(everyone),
        np.array([(risks >= cut).mean() for cut in cuts]),
        influence,
        float(horizon),
        level,
    )


def net_benefit_difference(
    first: DecisionCurve, second: DecisionCurve, *, level: float = 0.95
) -> list[Difference]:
    """Compare two predictions of the same patients, one result a threshold.

    Raises
    ------
    CohortError
        If horizons, thresholds or the number of patients differ.
    """
    same = first.horizon == second.horizon and first.thresholds == second.thresholds
    if not same or first.influence.shape != second.influence.shape:
        raise CohortError(
            "decision curves can be compared only on the same patients, horizon and thresholds"
        )
    return [
        influence_difference(
            f"net_benefit_at_{cut:g}",
            first.horizon,
            float(first.value[k] - second.value[k]),
            first.influence[:, k] - second.influence[:, k],
            level,
        )
        for k, cut in enumerate(first.thresholds)
    ]
