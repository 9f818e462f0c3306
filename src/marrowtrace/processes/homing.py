r"""Homing: how likely a circulating cell lodges, as a product of named factors.

Lodging competes with death in the blood. With all factors normal a cell lodges with probability
:math:`p_0`; factors at relative levels :math:`f_i` multiply the rate of lodging, hence its odds:

.. math:: \frac{p}{1-p} = \frac{p_0}{1-p_0} \prod_i f_i m_i ,

which stays a probability however strong the factors, and is nearly :math:`p_0\prod f_i m_i` while
small. An intervention is a multiplier :math:`m_i`. The stroma of CD31+ CD146+ cells hinders homing
and enters as :math:`2/(1+f)` (the form is assumed: no effect at the normal level 1).

The premetastatic niche is readied by the primary: its readiness w in 0..1 follows
:math:`w' = \lambda(N/(N+N_h) - w)`, so it lags behind the tumour and fades once that is removed
(form assumed).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import ParameterError, did_you_mean
from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import kernel

FACTORS = (
    "cxcr4", "sdf1", "e_selectin", "vla4", "fak", "integrins", "annexin2", "stroma",
    "readiness",
)  # fmt: skip
"""Order of the arrays of levels and multipliers."""

STROMA = FACTORS.index("stroma")


@kernel
def product(levels: NDArray[np.float64], multipliers: NDArray[np.float64]) -> float:
    """Return the product of all factors; 1 at normal levels without intervention.

    Parameters
    ----------
    levels, multipliers : ndarray of float64, shape (len(FACTORS),)
        Relative to normal, >= 0.
    """
    result = 1.0
    for k in range(levels.size):
        factor = levels[k] * multipliers[k]
        if k == STROMA:
            factor = 2.0 / (1.0 + factor)
        result *= factor
    return result


@kernel
def probability(base: float, factor: float) -> float:
    """Return the probability of lodging, ``base`` when the product of factors is 1."""
    if base >= 1.0:
        return 1.0 if factor > 0.0 else 0.0
    return base * factor / (1.0 - base + base * factor)


@kernel
def readiness_drive(log_size: float, log_half: float) -> float:
    """Return the readiness that a primary of ``log_size`` would hold up in the long run."""
    return 1.0 / (1.0 + math.exp(min(log_half - log_size, 700.0)))


@kernel
def readiness_at(readiness: float, drive: float, decay: float, time: float) -> float:
    """Return the readiness after ``time`` [day] under a constant ``drive``."""
    return drive + (readiness - drive) * math.exp(-decay * time)


@kernel
def readiness_factor(readiness: float, gain: float) -> float:
    """Return the level of the factor ``readiness``: 1 + gain * readiness."""
    return 1.0 + gain * readiness


def normal_levels() -> NDArray[np.float64]:
    """Return levels (or multipliers) of 1 for every factor."""
    return np.ones(len(FACTORS))


def blocked(factor: str, efficacy: float) -> NDArray[np.float64]:
    """Return the multipliers of an intervention that blocks one factor.

    Parameters
    ----------
    factor : str
        One of `FACTORS`.
    efficacy : float
        Share of the factor that is taken away, 0 to 1.

    Raises
    ------
    ParameterError
        If the factor is unknown or the efficacy is not a share.
    """
    if factor not in FACTORS:
        raise ParameterError(
            f"homing factor '{factor}' is unknown; allowed: {', '.join(FACTORS)}"
            f"{did_you_mean(factor, FACTORS)}"
        )
    check_domain("blocking of a homing factor", ("efficacy", efficacy, 0.0, 1.0))
    multipliers = normal_levels()
    multipliers[FACTORS.index(factor)] = 1.0 - efficacy
    return multipliers
