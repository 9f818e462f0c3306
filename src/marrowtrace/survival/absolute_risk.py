r"""Probability of the event by a horizon, for a patient with given covariates.

Each kind of event has a Cox model of its cause-specific hazard; together they give the probability
of the event with competing ones taken into account (Benichou and Gail 1990, Biometrics 46:813-826).
With hazards :math:`h_k(u)` of a patient at the event times, :math:`S` falls by the factor
:math:`e^{-\sum_k h_k(u)}` at each, and the event has the share :math:`h_1/\sum_k h_k` of the fall;
without competing events that is :math:`1-e^{-H(t)}`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.competing_risks import checked
from marrowtrace.survival.cox import EVENTS_PER_COVARIATE, CoxFit, fit_observations
from marrowtrace.survival.cox_residuals import event_sums
from marrowtrace.survival.observations import Covariates, observations

Array = NDArray[np.float64]
_STEPS = 400
"""Event days of cohorts with more are joined; tests measure the error (below 1e-4)."""
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class CauseHazard:
    """Hazard of one kind of event: baseline jumps and log hazard ratios.

    Parameters
    ----------
    days, jumps : ndarray of float, shape (m,)
        Event days, and the jumps of the cumulative hazard of a patient at ``centre``.
    coefficients, centre : ndarray of float, shape (p,)
    fit : CoxFit or None
        None where events are too few for covariates: the hazard is then the same for all.
    """

    days: Array
    jumps: Array
    coefficients: Array
    centre: Array
    fit: CoxFit | None

    def relative(self, x: Array) -> Array:
        """Return the hazard of patients relative to one at the centre, shape (q,)."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(np.minimum((x - self.centre) @ self.coefficients, 500.0)))


@dataclass(frozen=True, slots=True)
class AbsoluteRisk:
    """A model of the probability of an event.

    Parameters
    ----------
    hazards : tuple of CauseHazard
        That of the event first, then those of competing events.
    names : tuple of str, length p
    """

    hazards: tuple[CauseHazard, ...]
    names: tuple[str, ...]

    def predict(self, covariates: ArrayLike, *, horizon: float) -> Array:
        """Return the probability of the event by ``horizon`` [days] for each patient, shape (q,).

        Parameters
        ----------
        covariates : array_like of float, shape (q, p)
            Columns in the order of ``names``.
        horizon : float
        """
        x = np.asarray(covariates, dtype=np.float64)
        rows, place = np.unique(x, axis=0, return_inverse=True)
        own = self.hazards[0]
        if len(self.hazards) == 1:
            total = own.jumps[own.days <= horizon].sum()
            return np.asarray((-np.expm1(-own.relative(rows) * total))[place.ravel()])
        jumps = self._jumps(horizon)
        relative = np.array([hazard.relative(rows) for hazard in self.hazards])
        out = np.empty(rows.shape[0])
        block = max(1, _BLOCK // max(1, jumps.shape[1]))
        for start in range(0, rows.shape[0], block):
            part = relative[:, start : start + block]
            fall = part.T @ jumps
            free = np.exp(-np.cumsum(fall, axis=1))
            before = np.hstack([np.ones((free.shape[0], 1)), free[:, :-1]])
            share = part[0][:, None] * jumps[0] / np.where(fall > 0, fall, 1.0)
            out[start : start + block] = ((before - free) * share).sum(axis=1)
        return np.asarray(out[place.ravel()])

    def _jumps(self, horizon: float) -> Array:
        """Return the baseline jumps of each kind of event, shape (k, m), on common days."""
        days = np.unique(np.concatenate([h.days[h.days <= horizon] for h in self.hazards]))
        if days.size > _STEPS:
            days = np.unique(days[np.linspace(0, days.size - 1, _STEPS).astype(np.int64)])
        out = np.zeros((len(self.hazards), days.size))
        for k, hazard in enumerate(self.hazards):
            inside = hazard.days <= horizon
            place = np.searchsorted(days, hazard.days[inside], side="left")
            np.add.at(out[k], place, hazard.jumps[inside])
        return out


def absolute_risk(
    time: ArrayLike,
    event: ArrayLike,
    *,
    covariates: Covariates,
    cause: int = 1,
    names: tuple[str, ...] | None = None,
    profile: bool = True,
) -> AbsoluteRisk:
    """Fit a model of the probability of an event.

    A competing event with fewer than 10 events a covariate gets one hazard for all patients.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    covariates : array_like of float, shape (n, p), or mapping or DataFrame of p columns
    cause : int
    names : tuple of str, optional
    profile : bool
        Whether a penalised model gets its profile intervals, which predictions do not need.

    Returns
    -------
    AbsoluteRisk

    Raises
    ------
    CohortError
        As `marrowtrace.survival.cox.cox_regression`; or if nobody had the event.
    """
    times, codes, _ = checked(time, event)
    if not (codes == cause).any():
        raise CohortError(f"nobody had an event of code {cause}, so no risk can be predicted")
    data = observations(times, codes == cause, covariates=covariates, names=names)
    x = np.empty((data.rows, len(data.names)))
    x[data.row] = data.covariates
    hazards = [_modelled(times, codes == cause, x, data.names, profile)]
    for other in np.unique(codes[(codes > 0) & (codes != cause)]):
        mine = codes == other
        few = mine.sum() < EVENTS_PER_COVARIATE * len(data.names)
        hazards.append(
            _same_for_all(times, mine, x) if few else _modelled(times, mine, x, data.names, profile)
        )
    return AbsoluteRisk(tuple(hazards), data.names)


def cross_fitted_risk(
    rng: np.random.Generator,
    time: ArrayLike,
    event: ArrayLike,
    *,
    covariates: ArrayLike,
    horizon: float,
    folds: int = 10,
    cause: int = 1,
) -> Array:
    """Predict each patient's risk by a model fitted to the others (cross-validation).

    Parameters
    ----------
    rng : numpy.random.Generator
        For the folds; those with the event are spread evenly over them.
    time, event, cause
        As in `absolute_risk`.
    covariates : array_like of float, shape (n, p)
    horizon : float
        Days.
    folds : int

    Returns
    -------
    ndarray of float, shape (n,)

    Raises
    ------
    CohortError
        As `absolute_risk`; or if there are too few events for two folds.
    """
    times, codes, _ = checked(time, event)
    x = np.asarray(covariates, dtype=np.float64).reshape(times.size, -1)
    events = int((codes == cause).sum())
    folds = min(folds, events)
    if folds < 2:
        raise CohortError(f"{events} event(s) cannot be spread over two parts for cross-validation")
    order = rng.permutation(times.size)
    order = order[np.argsort(codes[order] != cause, kind="stable")]
    member = np.empty(times.size, np.int64)
    member[order] = np.arange(times.size) % folds
    out = np.empty(times.size)
    for fold in range(folds):
        mine = member == fold
        model = absolute_risk(
            times[~mine], codes[~mine], covariates=x[~mine], cause=cause, profile=False
        )
        out[mine] = model.predict(x[mine], horizon=horizon)
    return out


def _modelled(
    times: Array, mine: NDArray[np.bool_], x: Array, names: tuple[str, ...], profile: bool
) -> CauseHazard:
    fit = fit_observations(observations(times, mine, covariates=x, names=names), profile=profile)
    sums = event_sums(fit.data, fit.coefficients, fit.ties)
    return CauseHazard(
        sums.day, sums.hazard, fit.coefficients, fit.data.covariates.mean(axis=0), fit
    )


def _same_for_all(times: Array, mine: NDArray[np.bool_], x: Array) -> CauseHazard:
    days, count = np.unique(times[mine], return_counts=True)
    at_risk = times.size - np.searchsorted(np.sort(times), days, side="left")
    zero = np.zeros(x.shape[1])
    return CauseHazard(days, count / at_risk, zero, zero, None)
