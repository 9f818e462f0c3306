r"""Gray's test: is the cumulative incidence of an event the same in all groups?

Compares, with weight :math:`K=(1-\hat F_0(t-))^\rho`, the subdistribution hazards of groups, in
which those with a competing event stay at risk: group :math:`r` has
:math:`R_r = n_r(1-\hat F_r(t-))/\hat S_r(t-)` at risk (Gray 1988, Ann. Stat. 16:1141-1154).
Numbers are held against those of R's ``cmprsk``.

The variance, from first principles. The score is :math:`\sum_l\int a_{rl}\,dN_{l1}` with
:math:`a_{rl}=K(\delta_{rl}-R_r/\sum R)`. Under the hypothesis :math:`dN_{l1}=dM_{l1}+h_l\,dF_0`
with :math:`h_l=n_l/S_l(t-)`, and since :math:`\sum_l a_{rl}R_l=0` the second part is
:math:`\sum_l\int a_{rl}h_l\,dF_0\,\{(\hat S_l-S_l)/S_l+(\hat F_l-F_0)/(1-F_0)\}` to first order.
Into it go the errors of the two curves at a jump on day :math:`u`,

.. math:: \frac{\hat S_l-S_l}{S_l}=-\sum_{u<t}\frac{dM_{l1}+dM_{l2}}{h_lS_l(u)},\qquad
   \hat F_l-F_0=\sum_{u<t}\frac{dM_{l1}}{h_l}
   -\{F_0(t-)-F_0(u)\}\frac{dM_{l1}+dM_{l2}}{h_lS_l(u)} .

With :math:`g_{rl}(u)=\sum_{t>u}a_{rl}h_l\,dF_0/(1-F_0(t-))` and
:math:`q_l=(1-F_0(u))/S_l(u)` the score is

.. math:: \sum_l\int\Bigl(a_{rl}+(1-q_l)\frac{g_{rl}}{h_l}\Bigr)dM_{l1}
   -\sum_l\int q_l\frac{g_{rl}}{h_l}\,dM_{l2},

whose variance needs only those of the jumps: :math:`h_l\,dF_0` for the event and
:math:`dN_{l2}` for competing ones. Events tied on one day have the variance of draws without
replacement, smaller by :math:`1-(d-1)/(m-1)`, with :math:`m` at risk: :math:`n_l` for competing
events, :math:`S_l(t-)\sum h` for the event, whose hazard is that of all groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.competing_risks import checked, count_on

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GrayTest:
    """A comparison of cumulative incidences.

    Parameters
    ----------
    groups : tuple of str, length k
    events : ndarray of int, shape (k,)
        Events of the cause tested.
    score : ndarray of float, shape (k,)
        Weighted events observed less expected.
    variance : ndarray of float, shape (k, k)
    statistic : float
        Chi-square statistic.
    degrees : int
    p : float
    cause : int
    rho : float
    """

    groups: tuple[str, ...]
    events: NDArray[np.int64]
    score: Array
    variance: Array
    statistic: float
    degrees: int
    p: float
    cause: int
    rho: float

    def table(self) -> pl.DataFrame:
        """Return one row a group."""
        return pl.DataFrame({"group": self.groups, "events": self.events, "score": self.score})

    def to_json(self) -> dict[str, Any]:
        """Return the test as JSON-ready values."""
        return {
            "statistic": self.statistic,
            "degrees": self.degrees,
            "p": self.p,
            "cause": self.cause,
            "rho": self.rho,
            "groups": self.table().to_dicts(),
        }


def gray_test(
    time: ArrayLike,
    event: ArrayLike,
    *,
    group: ArrayLike,
    cause: int = 1,
    strata: ArrayLike | None = None,
    rho: float = 0.0,
) -> GrayTest:
    """Test whether groups have the same cumulative incidence of one kind of event.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of int, shape (n,)
        0 censored, ``cause`` the event, others competing.
    group : array_like, shape (n,)
        Labels; groups are taken in sorted order.
    cause : int
    strata : array_like, shape (n,), optional
        Labels within which groups are compared.
    rho : float
        Above 0: early differences weigh more.

    Returns
    -------
    GrayTest

    Raises
    ------
    CohortError
        If the rows are at fault, there are fewer than two groups, or nobody had the event.
    """
    from scipy.special import chdtrc

    times, codes, _ = checked(time, event)
    names, groups = np.unique(np.asarray(group).ravel(), return_inverse=True)
    blocks = np.zeros(times.size, np.int64)
    if strata is not None:
        blocks = np.unique(np.asarray(strata).ravel(), return_inverse=True)[1].astype(np.int64)
    if groups.size != times.size or blocks.size != times.size:
        raise CohortError(
            f"times ({times.size}), groups ({groups.size}) and strata ({blocks.size}) must be of "
            "one length"
        )
    k = names.size
    if k < 2:
        raise CohortError(f"Gray's test needs two groups or more; all patients are in {k}")
    if not (codes == cause).any():
        raise CohortError(f"nobody had an event of code {cause}, so nothing can be compared")
    score, variance = np.zeros(k), np.zeros((k, k))
    for block in np.unique(blocks):
        rows = blocks == block
        if (codes[rows] == cause).any():
            part = _stratum(times[rows], codes[rows], groups[rows], k, cause, rho)
            score, variance = score + part[0], variance + part[1]
    free = slice(0, k - 1)
    try:
        statistic = float(score[free] @ np.linalg.solve(variance[free, free], score[free]))
    except np.linalg.LinAlgError:
        raise CohortError(
            "Gray's variance is singular: a group has nobody at risk at any event; leave it out"
        ) from None
    return GrayTest(
        tuple(str(name) for name in names),
        np.bincount(groups[codes == cause], minlength=k).astype(np.int64),
        score,
        variance,
        statistic,
        k - 1,
        float(chdtrc(k - 1, statistic)),
        cause,
        float(rho),
    )


def _stratum(
    times: Array, codes: NDArray[np.int64], groups: NDArray[Any], k: int, cause: int, rho: float
) -> tuple[Array, Array]:
    """Return the scores (k,) and their variance (k, k) of one stratum."""
    days = np.unique(times[codes > 0])
    shape = (k, days.size)
    n, own, other = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for g in range(k):
        mine = groups == g
        n[g] = mine.sum() - np.searchsorted(np.sort(times[mine]), days, side="left")
        own[g] = count_on(times[mine & (codes == cause)], days)
        other[g] = count_on(times[mine & (codes > 0) & (codes != cause)], days)
    hazard = np.where(n > 0, (own + other) / np.maximum(n, 1), 0.0)
    free = np.cumprod(1 - hazard, axis=1)
    before = _shifted(free, 1.0)
    incidence = np.cumsum(before * own / np.maximum(n, 1), axis=1)
    h = np.where(n > 0, n / np.where(before > 0, before, 1.0), 0.0)
    staying = h * (1 - _shifted(incidence, 0.0))
    events, total = own.sum(axis=0), h.sum(axis=0)
    charge = _ratio(events, staying.sum(axis=0))
    jump = _ratio(events, total)
    null = np.cumsum(jump)
    null_before = np.concatenate([[0.0], null[:-1]])
    weight = (1 - null_before) ** rho
    score = (weight * (own - staying * charge)).sum(axis=1)
    a = weight * (np.eye(k)[:, :, None] - _ratio(h, np.broadcast_to(total, shape))[:, None, :])
    for_event, for_rival = _coefficients(a, h, jump, null, null_before, free)
    event_jumps = h * jump * _tie(events, before * total)
    rival_jumps = other * _tie(other, n)
    variance = np.einsum("rlm,slm,lm->rs", for_event, for_event, event_jumps)
    variance += np.einsum("rlm,slm,lm->rs", for_rival, for_rival, rival_jumps)
    return score, variance


def _coefficients(
    a: Array, h: Array, jump: Array, null: Array, null_before: Array, free: Array
) -> tuple[Array, Array]:
    """Return what the jumps of each group count for in each score, both shape (k, k, m)."""
    pieces = a * _ratio(h * jump, np.broadcast_to(1 - null_before, h.shape))
    ahead = np.flip(np.cumsum(np.flip(pieces, axis=2), axis=2), axis=2) - pieces
    part = np.where(h > 0, ahead / np.where(h > 0, h, 1.0), 0.0)
    q = _ratio(np.broadcast_to(1 - null, free.shape), free)
    return a + (1 - q) * part, q * part


def _tie(count: Array, at_risk: Array) -> Array:
    """Return the share of the variance that is left where events are tied."""
    spread = 1 - (count - 1) / np.maximum(at_risk - 1, 1e-9)
    return np.where(count > 1, spread, 1.0)


def _ratio(over: Array, under: Array) -> Array:
    """Return the quotient, 0 where the divisor is not above 0."""
    return np.where(under > 0, over / np.where(under > 0, under, 1.0), 0.0)


def _shifted(values: Array, first: float) -> Array:
    """Return the values just before each time."""
    return np.hstack([np.full((values.shape[0], 1), first), values[:, :-1]])
