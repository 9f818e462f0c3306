r"""How often two samples disagree by chance alone: the two-aliquot model.

Each marker's counts over patients are gamma-Poisson, :math:`X_k \sim` Poisson
:math:`(c_k a_k U_k)` with :math:`U_k` gamma of mean 1 and shape :math:`\theta_k`, each margin
fitted on its own. Had both samples seen the same burden, patients would rank alike in both:
:math:`U_k = F_k^{-1}(\Phi(Z))` with one standard normal Z a patient, so with
:math:`\theta_1 = \theta_2` both are aliquots of one pool, and

.. math:: P(X_1 = X_2 = 0) = \left(1 + (c_1 a_1 + c_2 a_2)/\theta\right)^{-\theta}.

What discordance remains in this model is sampling noise. Its ratio to the observed discordance is
the part that noise explains. The share w of patients with the same burden, the rest having two
unrelated ones, follows from the observed discordance D, that expected of the same burden and that
of unrelated ones, :math:`w = (D_{\text{unrelated}} - D)/(D_{\text{unrelated}} - D_{\text{same}})`:
kappa's scale with its upper end moved to what noise allows. Intervals are percentiles of a
parametric bootstrap that refits both margins; the p-value of an excess over noise is from draws
with w = 1. Concentrations are taken as fixed between the two samplings and recovery as equal for
all patients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import special

from marrowtrace.enumeration import gamma_poisson
from marrowtrace.enumeration.counts import Floats, check_arguments, check_counts
from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields

_NODES, _REACH = 256, 8.0
_SUMMED = 12  # up to this threshold the Poisson law is summed, which is faster


@dataclass(frozen=True, slots=True)
class SamplingNoise:
    """What sampling noise alone explains of a discordance.

    Parameters
    ----------
    patients : int
        Pairs with counts of both samples.
    discordant : int
        Pairs with one sample alone positive.
    same : float
        Discordant pairs expected of the same burden, by noise alone.
    same_low, same_high : float
        Range of the discordant pairs in cohorts drawn with the same burden.
    unrelated : float
        Discordant pairs expected of unrelated burdens.
    p_value : float
        That noise alone explains the discordance.
    explained, explained_low, explained_high : float
        Part of the discordance that noise explains, 0 to 1; NaN where no pair is discordant.
    shared, shared_low, shared_high : float
        Share of patients with the same burden in both samples, 0 to 1; NaN where same and
        unrelated burdens would look alike.
    mean_first, theta_first, mean_second, theta_second : float
        Margins; means in cells per unit of amount.
    replicates : int
    level : float
    statement : str
    """

    patients: int
    discordant: int
    same: float
    same_low: float
    same_high: float
    unrelated: float
    p_value: float
    explained: float
    explained_low: float
    explained_high: float
    shared: float
    shared_low: float
    shared_high: float
    mean_first: float
    theta_first: float
    mean_second: float
    theta_second: float
    replicates: int
    level: float
    statement: str

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values; NaN and infinity are None."""
        return plain_fields(self)


def burden(z: Floats, theta: float) -> Floats:
    """Relative burden, gamma of mean 1 and shape ``theta``, at standard normal scores ``z``."""
    if not math.isfinite(theta):
        return np.ones_like(z)
    low = special.gammaincinv(theta, special.ndtr(np.minimum(z, 0.0)))
    high = special.gammainccinv(theta, special.ndtr(-np.maximum(z, 0.0)))
    return np.asarray(np.where(z < 0, low, high) / theta)


def both_negative(
    means: tuple[Floats, Floats], thetas: tuple[float, float], thresholds: tuple[int, int]
) -> Floats:
    """Probability that both samples of one burden are negative, for each patient.

    Parameters
    ----------
    means : tuple of ndarray of float, shape (n,)
        Expected cells in the first and the second sample.
    thetas : tuple of float
        Shapes; infinity for Poisson.
    thresholds : tuple of int
    """
    z, mass = _quadrature()
    negative = [
        _poisson_below(t, mu[:, np.newaxis] * burden(z, theta))
        for mu, theta, t in zip(means, thetas, thresholds, strict=True)
    ]
    return np.asarray((negative[0] * negative[1]) @ mass)


@cache
def _quadrature() -> tuple[Floats, Floats]:
    """Points and masses that stand for a standard normal score (Gauss and Legendre)."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    z = _REACH * nodes
    mass = weights * np.exp(-(z**2) / 2)
    return z, mass / mass.sum()


def _poisson_below(threshold: int, mean: Floats) -> Floats:
    """Probability of fewer than ``threshold`` cells at each mean."""
    if threshold > _SUMMED:
        return np.asarray(special.gammaincc(threshold, mean))
    term = np.exp(-mean)
    total = term.copy()
    for j in range(1, threshold):
        term *= mean / j
        total += term
    return total


def draw_pairs(
    rng: np.random.Generator,
    means: tuple[Floats, Floats],
    thetas: tuple[float, float],
    *,
    shared: float,
    sets: int,
) -> tuple[Floats, Floats]:
    """Draw counts of pairs, each shape (sets, n); ``shared`` of the patients have one burden."""
    z = rng.standard_normal((2, sets, means[0].size))
    z[1] = np.where(rng.random(z[0].shape) < shared, z[0], z[1])
    first, second = (
        rng.poisson(burden(score, theta) * mu).astype(np.float64)
        for score, theta, mu in zip(z, thetas, means, strict=True)
    )
    return first, second


def sampling_noise(
    rng: np.random.Generator,
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    *,
    thresholds: tuple[int, int] = (1, 1),
    replicates: int = 499,
    level: float = 0.95,
) -> SamplingNoise:
    """Compare the discordance of two samples with that of two samples of the same burden.

    Parameters
    ----------
    rng : numpy.random.Generator
    first, second : tuple of array_like, shape (n,)
        Counts and amounts examined of each patient's first and second sample.
    thresholds : tuple of int
        Cells that make each sample positive.
    replicates : int
        Cohorts drawn, at least 99.
    level : float

    Returns
    -------
    SamplingNoise

    Raises
    ------
    CohortError
        If a count or an amount is impossible, there are fewer than two pairs, or one of the
        samples shows no cell in any patient.
    ParameterError
        If an argument is outside its range.
    """
    (y1, a1), (y2, a2) = check_counts(*first), check_counts(*second)
    check_arguments(
        "the sampling noise",
        ("threshold of the first", thresholds[0], "whole numbers from 1"),
        ("threshold of the second", thresholds[1], "whole numbers from 1"),
        ("replicates", replicates, "whole numbers from 99"),
        ("level", level, "above 0, below 1"),
    )
    if y1.size != y2.size or y1.size < 2:
        raise CohortError(
            f"{y1.size} first and {y2.size} second samples make no pairs; give at least two pairs"
        )
    if y1.sum() == 0 or y2.sum() == 0:
        which = "first" if y1.sum() == 0 else "second"
        raise CohortError(
            f"the {which} samples show no cell in any patient, so how their counts scatter cannot "
            "be told, nor how much discordance noise would make"
        )
    observed = _Discordance.of(y1[np.newaxis], y2[np.newaxis], (a1, a2), thresholds)
    (c1, t1), (c2, t2) = observed.margins
    means, thetas = (c1[0] * a1, c2[0] * a2), (float(t1[0]), float(t2[0]))
    null = _Discordance.of(
        *draw_pairs(rng, means, thetas, shared=1.0, sets=replicates), (a1, a2), thresholds
    )
    shared = float(observed.shared[0])
    again = null
    if shared < 1:
        drawn = draw_pairs(rng, means, thetas, shared=shared, sets=replicates)
        again = _Discordance.of(*drawn, (a1, a2), thresholds)
    excess = observed.count[0] - observed.same[0]
    p_value = (1 + int((null.count - null.same >= excess - 1e-9).sum())) / (1 + replicates)
    tails = [(1 - level) / 2, (1 + level) / 2]
    same_low, same_high = np.quantile(null.count, tails)
    explained = (float(observed.explained[0]), *np.nanquantile(again.explained, tails))
    if math.isnan(explained[0]):
        explained = (math.nan, math.nan, math.nan)
    known = np.isfinite(again.shared).any() and math.isfinite(shared)
    ends = np.nanquantile(again.shared, tails) if known else (math.nan, math.nan)
    return SamplingNoise(
        patients=y1.size,
        discordant=int(observed.count[0]),
        same=float(observed.same[0]),
        same_low=float(same_low),
        same_high=float(same_high),
        unrelated=float(observed.unrelated[0]),
        p_value=p_value,
        explained=explained[0],
        explained_low=float(explained[1]),
        explained_high=float(explained[2]),
        shared=shared,
        shared_low=float(ends[0]),
        shared_high=float(ends[1]),
        mean_first=float(c1[0]),
        theta_first=thetas[0],
        mean_second=float(c2[0]),
        theta_second=thetas[1],
        replicates=replicates,
        level=level,
        statement=_statement(y1.size, observed, explained, p_value),
    )


@dataclass(frozen=True, slots=True)
class _Discordance:
    """Discordance of many cohorts: observed, and expected of same and unrelated burdens."""

    count: Floats
    same: Floats
    unrelated: Floats
    margins: tuple[tuple[Floats, Floats], tuple[Floats, Floats]]

    @classmethod
    def of(
        cls, y1: Floats, y2: Floats, amounts: tuple[Floats, Floats], thresholds: tuple[int, int]
    ) -> _Discordance:
        """Fit the margins of each cohort and expect its discordance."""
        margins = gamma_poisson.fit(y1, amounts[0]), gamma_poisson.fit(y2, amounts[1])
        same, unrelated = np.zeros(y1.shape[0]), np.zeros(y1.shape[0])
        distinct, alike = np.unique(np.stack(amounts), axis=1, return_counts=True)
        for k in range(y1.shape[0]):
            means = margins[0][0][k] * distinct[0], margins[1][0][k] * distinct[1]
            thetas = tuple(
                float(t[k]) if np.isfinite(t[k]) else math.inf
                for t in (margins[0][1], margins[1][1])
            )
            negative = [
                gamma_poisson.probability_below(t, mu, theta)
                for t, mu, theta in zip(thresholds, means, thetas, strict=True)
            ]
            either = negative[0] + negative[1]
            together = both_negative(means, (thetas[0], thetas[1]), thresholds)
            same[k] = alike @ (either - 2 * together)
            unrelated[k] = alike @ (either - 2 * negative[0] * negative[1])
        count = ((y1 >= thresholds[0]) != (y2 >= thresholds[1])).sum(axis=1).astype(np.float64)
        return cls(count, same, unrelated, margins)

    @property
    def explained(self) -> Floats:
        """Part of the discordance that noise explains; NaN where there is none."""
        ratio = np.divide(self.same, self.count, out=np.full(self.same.shape, np.nan),
                          where=self.count > 0)  # fmt: skip
        return np.asarray(np.minimum(1.0, ratio))

    @property
    def shared(self) -> Floats:
        """Share of patients with the same burden; NaN where it cannot be told."""
        room = self.unrelated - self.same
        ratio = np.divide(self.unrelated - self.count, room, out=np.full(room.shape, np.nan),
                          where=room > 1e-6)  # fmt: skip
        return np.asarray(np.clip(ratio, 0.0, 1.0))


def _statement(
    patients: int, found: _Discordance, explained: tuple[float, ...], p_value: float
) -> str:
    """The result as a sentence."""
    count, same = int(found.count[0]), float(found.same[0])
    start = f"{count} of {patients} pairs disagree; sampling noise alone would make {same:.1f}"
    if not count:
        return f"{start}, so there is nothing to explain."
    span = f"{100 * explained[0]:.0f} % ({100 * explained[1]:.0f} to {100 * explained[2]:.0f} %)"
    verdict = "more disagree than noise explains" if p_value < 0.05 else "noise may be all there is"
    return f"{start}, {span} of them; {verdict} (p = {p_value:.2g})."
