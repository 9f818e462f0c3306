"""Did a lineage leave before or after the primary tumour had gathered its trunk mutations?

The trunk is what every cell of the primary carries. A lineage that left *late* carries all of it,
but for mutations lost since, and may carry mutations of a part of the primary only. One that left
*early*, after a fraction u of the trunk, lacks the rest, and carries nothing that arose later in
the primary. With N trunk mutations of which the lineage surely lacks k, and no loss, the odds of
early against late are B(N - k + 1, k + 1) against [k = 0]: N = 10 and k = 0 give 1 to 11.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import beta

from marrowtrace.errors import CohortError, ProblemList

Reals = NDArray[np.float64]
_NODES = 120
_LOSS_NODES = 24
_SHARE_NODES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartureModel:
    """What is assumed of departures before data are seen.

    Parameters
    ----------
    loss_mean : float
        Mean share of trunk mutations that a lineage which left late has lost since (deletion, or
        a place that could not be read), above 0 and below 0.5. Assumed.
    loss_weight : float
        Trunk mutations that this belief is worth, above 0. Assumed.
    recurrence : float
        Probability that a lineage carries a mutation that arose elsewhere, 0 to below 0.5. Assumed.
    nested : float
        Probability that a late lineage left a part of the primary that mutations mark off, rather
        than its first clone, above 0 and below 1. Assumed.

    Raises
    ------
    CohortError
        Listing every number outside its range.
    """

    loss_mean: float = 0.02
    loss_weight: float = 50.0
    recurrence: float = 0.01
    nested: float = 0.5

    def __post_init__(self) -> None:
        problems = ProblemList()
        for name, value, low, high in (
            ("loss_mean", self.loss_mean, 0.0, 0.5),
            ("nested", self.nested, 0.0, 1.0),
            ("loss_weight", self.loss_weight, 0.0, np.inf),
        ):
            if not low < value < high:
                problems.add(name, f"{value!r} is outside its range; give above {low:g} to below "
                             f"{high:g}")  # fmt: skip
        if not 0.0 <= self.recurrence < 0.5:
            problems.add(
                "recurrence", f"{self.recurrence!r} is outside its range; give 0 to below 0.5"
            )
        problems.raise_any(CohortError, "the model of departures")


@dataclass(frozen=True, slots=True)
class Departure:
    """What the mutations of one lineage say about when it left.

    Parameters
    ----------
    log_late, log_early : float
        Log-likelihood of the lineage's calls or reads, up to a number common to both.
    trunk : float
        Expected number of trunk mutations that were looked at.
    lacking : float
        Expected number of those that the lineage lacks.
    fraction, fraction_low, fraction_high : float
        Share of the trunk gathered before departure if it was early: mean and 95 % interval,
        uniform beforehand.
    """

    log_late: float
    log_early: float
    trunk: float
    lacking: float
    fraction: float
    fraction_low: float
    fraction_high: float

    @property
    def early(self) -> float:
        """Probability of an early departure where both are equally likely beforehand."""
        return float(1.0 / (1.0 + np.exp(np.clip(self.log_late - self.log_early, -700, 700))))


def departure(odds: Reals, role: Reals, model: DepartureModel | None = None) -> Departure:
    """Compare a late with an early departure of one lineage.

    Parameters
    ----------
    odds : ndarray of float64, shape (n_mutations,)
        Log-odds, from the lineage's own data, that it carries each mutation.
    role : ndarray of float64, shape (n_mutations, 3)
        Probability that a mutation is of the primary's trunk, of a part of the primary, or not of
        the primary at all; rows add up to 1.
    model : DepartureModel, optional

    Returns
    -------
    Departure

    Raises
    ------
    CohortError
        If the shapes do not fit or a row of ``role`` is no distribution.
    """
    model = model or DepartureModel()
    if role.shape != (odds.size, 3) or np.any(role < 0) or not np.allclose(role.sum(axis=1), 1.0):
        raise CohortError(
            f"role: shape {role.shape} for {odds.size} mutations; give one distribution over "
            "trunk, part and elsewhere for each mutation"
        )
    scale = np.maximum(odds, 0.0)
    carried, not_carried = np.exp(odds - scale), np.exp(-scale)
    trunk, part, elsewhere = role.T
    rest = elsewhere * 0.5 * (carried + not_carried)

    points, weights = _uniform(_NODES)
    step = points[:, None]
    early = trunk * (step * carried + (1.0 - step) * not_carried)
    early += part * (model.recurrence * carried + (1.0 - model.recurrence) * not_carried) + rest
    along = np.log(np.maximum(early, 1e-300)).sum(axis=1) + np.log(weights)
    log_early = float(logsumexp(along))

    loss, loss_weights = _loss(model)
    share, share_weights = _uniform(_SHARE_NODES)
    shares = np.concatenate([[model.recurrence], share])
    masses = np.concatenate([[1.0 - model.nested], model.nested * share_weights])
    from_trunk = trunk * ((1.0 - loss[:, None]) * carried + loss[:, None] * not_carried)
    from_part = part * (shares[:, None] * carried + (1.0 - shares[:, None]) * not_carried)
    late = np.log(np.maximum(from_trunk[:, None] + from_part[None] + rest, 1e-300)).sum(axis=2)
    log_late = float(logsumexp(late + np.log(loss_weights)[:, None] + np.log(masses)))

    density = np.exp(along - log_early)
    mean, (low, high) = float(density @ points), _interval(points, density)
    absent = trunk / (1.0 + np.exp(np.clip(odds, -700, 700)))
    return Departure(
        log_late + float(scale.sum()),
        log_early + float(scale.sum()),
        float(trunk.sum()),
        float(absent.sum()),
        mean,
        low,
        high,
    )


def _uniform(nodes: int) -> tuple[Reals, Reals]:
    """Gauss's points and weights on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return 0.5 * (points + 1.0), 0.5 * weights


def _loss(model: DepartureModel) -> tuple[Reals, Reals]:
    """Points and weights of the beta distribution of the share that is lost."""
    level, weights = _uniform(_LOSS_NODES)
    law = beta(model.loss_mean * model.loss_weight, (1.0 - model.loss_mean) * model.loss_weight)
    return np.asarray(law.ppf(level)), weights


def _interval(points: Reals, density: Reals) -> tuple[float, float]:
    """The middle 95 % of a distribution on Gauss's points."""
    below = np.cumsum(density) - 0.5 * density
    low, high = np.interp([0.025, 0.975], below, points)
    return float(low), float(high)
