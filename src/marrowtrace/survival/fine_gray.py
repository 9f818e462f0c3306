r"""The Fine-Gray model: covariates and the cumulative incidence of one kind of event.

Models the subdistribution hazard, in which those with a competing event stay at risk, with weight
:math:`\hat G(t-)/\hat G(T-)` that falls as censoring would have taken them (Fine and Gray 1999, J.
Am. Stat. Assoc. 94:496-509). Fitted as a weighted start-stop Cox model with the sandwich variance
by patient, as R's ``finegray`` and ``coxph`` do; ``cmprsk::crr`` adds a small term for the
estimation of :math:`G`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.censoring import censoring_curve
from marrowtrace.survival.competing_risks import checked
from marrowtrace.survival.cox import CoxFit, check_level, fit_observations
from marrowtrace.survival.observations import Covariates, observations


def fine_gray(
    time: ArrayLike,
    event: ArrayLike,
    *,
    covariates: Covariates,
    cause: int = 1,
    names: Sequence[str] | None = None,
    level: float = 0.95,
) -> CoxFit:
    """Fit a Fine-Gray model.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days], >= 0.
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    covariates : array_like of float, shape (n, p), or mapping or DataFrame of p columns
    cause : int
    names : sequence of str, optional
    level : float

    Returns
    -------
    CoxFit
        Coefficients are log subdistribution hazard ratios; ``rows`` counts the weighted rows,
        ``clusters`` the patients.

    Raises
    ------
    CohortError
        As `marrowtrace.survival.cox.cox_regression`; or if nobody had the event.
    """
    check_level(level)
    times, codes, _ = checked(time, event)
    if not (codes == cause).any():
        raise CohortError(f"nobody had an event of code {cause}, so no model can be fitted")
    whole = observations(times, codes == cause, covariates=covariates, names=names)
    x = np.empty((times.size, len(whole.names)))
    x[whole.row] = whole.covariates
    patient, entry, stop, weight = subdistribution_rows(times, codes, cause)
    last = (stop == times[patient]) & (codes[patient] == cause)
    data = observations(
        stop, last, covariates=x[patient], names=whole.names, entry=entry, weights=weight,
        cluster=patient,
    )  # fmt: skip
    return fit_observations(data, robust=True, level=level)


def subdistribution_rows(
    time: NDArray[np.float64], event: NDArray[np.int64], cause: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted start-stop rows of a subdistribution hazard.

    Returns
    -------
    patient : ndarray of int, shape (r,)
    entry, stop, weight : ndarray of float, shape (r,)
        Everyone's own row up to the time observed, weight 1; then, after a competing event, one
        row for each stretch of event times over which the weight is the same.
    """
    curve = censoring_curve(time, event > 0)
    days = np.unique(time[event == cause])
    before = curve.before(days)
    # stretches of event times with one value of the censoring curve: their last days
    ends = np.flatnonzero(np.append(np.diff(before) != 0, True))
    patient, entry = [np.arange(time.size)], [np.full(time.size, -1.0)]
    stop, weight = [time], [np.ones(time.size)]
    own = curve.before(time)
    for i in np.flatnonzero((event > 0) & (event != cause)):
        after = ends[days[ends] > time[i]]
        share = before[after] / own[i]
        after, share = after[share > 0], share[share > 0]
        if after.size:
            patient.append(np.full(after.size, i))
            entry.append(np.concatenate([[time[i]], days[after][:-1]]))
            stop.append(days[after])
            weight.append(share)
    return (
        np.concatenate(patient),
        np.concatenate(entry),
        np.concatenate(stop),
        np.concatenate(weight),
    )
