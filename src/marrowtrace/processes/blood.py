r"""Tumour cells in the blood: competing risks of death and lodging within hours.

A circulating cell dies of shear stress, of anoikis or by NK cells, or it lodges, each as an
independent exponential risk, so a cell's fate has probability (its rate) / (sum of rates) and its
time in the blood is exponential with that sum whatever the fate.

Cells that enter as a Poisson process and leave independently are, at any moment, Poisson in number
with the mean

.. math:: m(t) = \int_0^\infty \lambda(t-a)\,e^{-ka}\,da

(the queue with infinitely many servers; Eick, Massey and Whitt 1993, Oper. Res. 41:731-742;
remembered, not verified).
If the source grows at relative rate g, this is :math:`\lambda(t)/(k+g)`: leaving out g puts the
mean too high by the share g/k.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import exponential, kernel, poisson, uniform

CAUSES = ("shear", "anoikis", "nk")
SHEAR, ANOIKIS, NK = 0, 1, 2


@kernel
def death_rates(
    out: NDArray[np.float64],
    half_life: float,
    anoikis_share: float,
    nk_share: float,
    anoikis_protection: float,
    nk_protection: float,
) -> float:
    """Write the rates of death by shear stress, anoikis and NK cells, and return their sum.

    Parameters
    ----------
    out : ndarray of float64, shape (3,)
    half_life : float
        Of a cell without protection [day].
    anoikis_share, nk_share : float
        Of its deaths; shear stress is the rest.
    anoikis_protection : float
        Share of anoikis that mesenchymal cells and clusters are spared, 0 to 1.
    nk_protection : float
        Share of killing by NK cells that a platelet coat or MHC class I prevents, 0 to 1.
    """
    whole = math.log(2.0) / half_life
    out[SHEAR] = whole * (1.0 - anoikis_share - nk_share)
    out[ANOIKIS] = whole * anoikis_share * (1.0 - anoikis_protection)
    out[NK] = whole * nk_share * (1.0 - nk_protection)
    return float(out[SHEAR] + out[ANOIKIS] + out[NK])


@kernel
def lodging_probability(lodging: float, death: float) -> float:
    """Return the probability that a cell lodges, by the rates of lodging and death [1/day]."""
    total = lodging + death
    return lodging / total if total > 0.0 else 0.0


@kernel
def lodging_rate(probability: float, death: float) -> float:
    """Return the rate of lodging [1/day] that gives ``probability`` against ``death``."""
    return death * probability / (1.0 - probability) if probability < 1.0 else math.inf


@kernel
def steady_mean(flux: float, removal: float, growth: float) -> float:
    """Return the mean cells in the blood of a source of ``flux`` [1/day] growing at ``growth``.

    ``removal`` is the sum of all rates of leaving [1/day]; infinity if it does not exceed
    the rate at which the source shrinks.
    """
    if flux <= 0.0:
        return 0.0
    total = removal + growth
    return flux / total if total > 0.0 else math.inf


@kernel
def mean_at(start: float, flux: float, growth: float, removal: float, time: float) -> float:
    """Return the mean after ``time`` [day] from mean ``start``; ``flux`` is the source's at 0.

    Exact for a source that changes exponentially; ``flux`` = 0 is a source removed at 0.
    """
    left = start * math.exp(-removal * time)
    if flux <= 0.0:
        return left
    total = removal + growth
    x = total * time
    if abs(x) < 1e-9:
        return left + flux * time * math.exp(-removal * time)
    if abs(x) > 1.0:
        return left + flux * (math.exp(growth * time) - math.exp(-removal * time)) / total
    return left + flux * math.exp(growth * time) * -math.expm1(-x) / total


@kernel
def draw_count(rng: NDArray[np.uint64], mean: float) -> float:
    """Draw the cells in the blood, or in a part of it, from their ``mean``."""
    return poisson(rng, mean)


@kernel
def draw_residence(rng: NDArray[np.uint64], removal: float) -> float:
    """Draw a cell's time in the blood [day]; infinity if nothing removes it."""
    return exponential(rng) / removal if removal > 0.0 else math.inf


@kernel
def draw_fate(rng: NDArray[np.uint64], rates: NDArray[np.float64]) -> int:
    """Draw which of the competing ``rates`` takes a cell; -1 if all are 0."""
    total = 0.0
    for k in range(rates.size):
        total += rates[k]
    u = uniform(rng) * total
    fate = -1
    for k in range(rates.size):
        if rates[k] > 0.0:
            fate = k
            u -= rates[k]
            if u < 0.0:
                break
    return fate


def fate_probabilities(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the law of `draw_fate`, shape (k,).

    Raises
    ------
    ParameterError
        If a rate is negative, or none is above 0.
    """
    values = np.asarray(rates, dtype=np.float64)
    check_domain(
        "competing risks in the blood",
        *((f"rates[{k}]", float(v), 0.0, math.inf) for k, v in enumerate(values)),
        ("sum of rates", float(values.sum()), 5e-324, math.inf),
    )
    return np.asarray(values / values.sum())


def half_life(removal: float) -> float:
    """Return the half-life [day] of cells removed at rate ``removal`` [1/day], above 0."""
    check_domain("removal from the blood", ("removal", removal, 5e-324, math.inf))
    return math.log(2.0) / removal
