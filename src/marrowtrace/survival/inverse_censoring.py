r"""Means over patients weighted by the inverse probability of being uncensored, with their errors.

At a horizon :math:`t` a patient's state is known if the event came by then, with weight
:math:`1/\hat G(T-)`, or if followed beyond, with weight :math:`1/\hat G(t)`; the others weigh
nothing (Graf et al. 1999, Stat. Med. 18:2529-2545). Since :math:`\hat G` is estimated, each
patient's influence on an estimate has a second part, through the martingale of censoring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.censoring import CensoringCurve, censoring_curve
from marrowtrace.survival.competing_risks import checked

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StateAtHorizon:
    """Who had the event by the horizon, and how much each patient weighs.

    Parameters
    ----------
    time : ndarray of float, shape (n,)
    censored : ndarray of bool, shape (n,)
    case, control : ndarray of bool, shape (n,)
        Had the event by the horizon; did not (free of it, or a competing event came first).
    weight : ndarray of float, shape (n,)
    curve : CensoringCurve
    horizon : float
    """

    time: Array
    censored: NDArray[np.bool_]
    case: NDArray[np.bool_]
    control: NDArray[np.bool_]
    weight: Array
    curve: CensoringCurve
    horizon: float

    def influence(self, terms: Array) -> Array:
        """Return what each patient adds through the estimated censoring curve, shape (n,).

        Parameters
        ----------
        terms : ndarray of float, shape (n,)
            Each patient's part of the estimate, in proportion to the patient's weight: n times the
            derivative to the patient's mass with the censoring curve known.
        """
        n = self.time.size
        inside = self.curve.time <= self.horizon
        days, lost = self.curve.time[inside], self.curve.censored[inside]
        at_risk = self.curve.at_risk[inside]
        order = np.argsort(self.time)
        tail = np.concatenate([np.cumsum(terms[order][::-1])[::-1], [0.0]])
        later = tail[np.searchsorted(self.time[order], days, side="right")] / n
        left = at_risk - lost
        jump = np.where(left > 0, later * n / np.where(left > 0, left, 1.0), 0.0)
        charged = np.concatenate([[0.0], np.cumsum(jump * lost / at_risk)])
        before = np.searchsorted(days, self.time, side="left")
        until = np.searchsorted(days, self.time, side="right")
        out = -charged[np.where(self.censored, until, before)]
        mine = self.censored & (self.time <= self.horizon)
        out[mine] += jump[before[mine]]
        return np.asarray(out)


def state_at_horizon(
    time: ArrayLike, event: ArrayLike, *, horizon: float, cause: int = 1
) -> StateAtHorizon:
    """Say who had the event by the horizon, and weigh the patients.

    Parameters
    ----------
    time : array_like of float, shape (n,)
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    horizon : float
        Days.
    cause : int

    Raises
    ------
    CohortError
        If the rows are at fault, the horizon is not above 0 or nobody is followed beyond it, or
        there are no cases or no controls.
    """
    times, codes, _ = checked(time, event)
    if not horizon > 0:
        raise CohortError(f"the horizon is day {horizon:g}; allowed: above 0")
    known = codes > 0
    curve = censoring_curve(times, known)
    beyond = times > horizon
    if not beyond.any() and not known[times == times.max()].any():
        raise CohortError(
            f"nobody is followed beyond the horizon (day {horizon:g}; last time day "
            f"{times.max():g}); choose an earlier one"
        )
    case = (times <= horizon) & (codes == cause)
    control = beyond | ((times <= horizon) & known & (codes != cause))
    if not case.any() or not control.any():
        what = "had the event" if not case.any() else "was free of it"
        raise CohortError(f"nobody {what} by day {horizon:g}, so nothing can be compared")
    weight = np.zeros(times.size)
    early = (times <= horizon) & known
    weight[early] = 1 / curve.before(times[early])
    if beyond.any():
        weight[beyond] = 1 / curve.until(np.array([horizon]))[0]
    return StateAtHorizon(times, ~known, case, control, weight, curve, float(horizon))
