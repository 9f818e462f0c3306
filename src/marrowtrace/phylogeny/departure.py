"""Did a lineage leave before or after the primary tumour had gathered its trunk mutations?

The trunk is what every cell of the primary carries. A lineage that left *late* carries all of it,
but for mutations lost since, and may carry mutations of a part of the primary only. One that left
*early*, after a fraction u of the trunk, lacks the rest, and carries nothing that arose later in
the primary. With N trunk mutations of which the lineage surely lacks k, and no loss, the odds of
early against late are B(N - k + 1, k + 1) against [k = 0]: N = 10 and k = 0 give 1 to 11.

A primary is seen through its samples, and what all of them carry may be missing in the part that a
late lineage left: then it looks like an early one. Among k + 1 exchangeable lines of descent the
one that left parts from all the others first with probability 2/(k (k + 1)) (Kingman's coalescent:
the sizes of the first split are uniform). For one sample of tissue the measured share of late
departures taken for early ones is used (`ONE_SAMPLE`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import beta

from marrowtrace.errors import CohortError, ProblemList

Reals = NDArray[np.float64]
ONE_SAMPLE = 0.83
"""Share of late divergences taken for early ones with one sample of the primary (Al Bakir 2023,
Nature 616:534, abstract: 'Single-region primary tumour sampling resulted in 83% of late divergence
cases being misclassified as early'; lung cancer)."""
ALLELE_LOST = 0.5
"""Probability that a mutation went with the allele that its place has lost (assumed: either allele
alike)."""
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
    reseeding : float
        Probability that the primary holds cells that came back from an early lineage, so that
        mutations of a part of it may be the lineage's own, 0 to below 0.5. Assumed.
    unseen : float
        Probability that a late lineage left a part of the primary that lacks some of what all its
        samples carry, 0 to below 1; see `unseen_part`.

    Raises
    ------
    CohortError
        Listing every number outside its range.
    """

    loss_mean: float = 0.02
    loss_weight: float = 50.0
    recurrence: float = 0.01
    nested: float = 0.5
    reseeding: float = 0.05
    unseen: float = 0.0

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
        for name, value in (("recurrence", self.recurrence), ("reseeding", self.reseeding)):
            if not 0.0 <= value < 0.5:
                problems.add(name, f"{value!r} is outside its range; give 0 to below 0.5")
        if not 0.0 <= self.unseen < 1.0:
            problems.add("unseen", f"{self.unseen!r} is outside its range; give 0 to below 1")
        problems.raise_any(CohortError, "the model of departures")


def unseen_part(samples: int, *, tissue: bool) -> float:
    """Return the probability that a late lineage left a part that the samples do not speak for.

    Parameters
    ----------
    samples : int
        Cells or pieces of tissue of the primary, 1 or more.
    tissue : bool
        Whether they are pieces of tissue.

    Examples
    --------
    >>> unseen_part(1, tissue=True), unseen_part(4, tissue=True)
    (0.83, 0.1)
    """
    if tissue and samples == 1:
        return ONE_SAMPLE
    return min(0.999, 2.0 / (samples * (samples + 1)))


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


def departure(
    odds: Reals,
    role: Reals,
    model: DepartureModel | None = None,
    *,
    deleted: NDArray[np.bool_] | None = None,
) -> Departure:
    """Compare a late with an early departure of one lineage.

    Parameters
    ----------
    odds : ndarray of float64, shape (n_mutations,)
        Log-odds, from the lineage's own data, that it carries each mutation.
    role : ndarray of float64, shape (n_mutations, 3)
        Probability that a mutation is of the primary's trunk, of a part of the primary, or not of
        the primary at all; rows add up to 1.
    model : DepartureModel, optional
    deleted : ndarray of bool, shape (n_mutations,), optional
        Whether the lineage has lost an allele there that the primary kept: a mutation that it lacks
        may have gone with it, with probability `ALLELE_LOST`.

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
    gone = np.zeros(odds.size) if deleted is None else ALLELE_LOST * deleted
    carried = (1.0 - gone) * carried + gone * not_carried
    trunk, part, elsewhere = role.T
    rest = elsewhere * 0.5 * (carried + not_carried)

    points, weights = _uniform(_NODES)
    step = points[:, None]
    share, share_weights = _uniform(_SHARE_NODES)
    shares = np.concatenate([[model.recurrence], share])[:, None]
    back = np.concatenate([[1.0 - model.reseeding], model.reseeding * share_weights])
    nested = np.concatenate([[1.0 - model.nested], model.nested * share_weights])
    if not part.any():
        shares, back, nested = shares[:1], np.ones(1), np.ones(1)
    from_part = part * (shares * carried + (1.0 - shares) * not_carried)
    from_trunk = trunk * (step * carried + (1.0 - step) * not_carried)
    along = _mixed(from_trunk, from_part, rest, back) + np.log(weights)
    log_early = float(logsumexp(along))

    loss, loss_weights = _loss(model)
    kept = trunk * ((1.0 - loss[:, None]) * carried + loss[:, None] * not_carried)
    log_late = float(logsumexp(_mixed(kept, from_part, rest, nested) + np.log(loss_weights)))
    if model.unseen > 0.0:
        log_late = float(
            np.logaddexp(np.log1p(-model.unseen) + log_late, np.log(model.unseen) + log_early)
        )

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


def _mixed(from_trunk: Reals, from_part: Reals, rest: Reals, masses: Reals) -> Reals:
    """Log-likelihood for each row of ``from_trunk``, mixed over the rows of ``from_part``."""
    each = np.maximum(from_trunk[:, None] + from_part[None] + rest, 1e-300)
    with np.errstate(divide="ignore"):
        return np.asarray(logsumexp(np.log(each).sum(axis=2) + np.log(masses), axis=1))


@cache
def _uniform(nodes: int) -> tuple[Reals, Reals]:
    """Gauss's points and weights on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return 0.5 * (points + 1.0), 0.5 * weights


@cache
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
