r"""Death: from other causes by age, and from cancer after relapse.

Death from other causes follows Gompertz's law, a hazard :math:`h(a)=h_0 e^{\gamma(a-a_0)}` that
doubles every :math:`\ln 2/\gamma`, so the time left at age a is

.. math:: T = \frac1\gamma\log\Big(1+\frac{\gamma E}{h(a)}\Big), \qquad E \sim \mathrm{Exp}(1).

The time from relapse to death is lognormal (form assumed). All ages and times are in days.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import exponential, kernel, normal


@kernel
def hazard(age: float, at_reference: float, reference_age: float, doubling: float) -> float:
    """Return the hazard of death from other causes at ``age`` [1/day]."""
    return at_reference * math.exp(math.log(2.0) * (age - reference_age) / doubling)


@kernel
def draw_other_cause(
    rng: NDArray[np.uint64],
    age: float,
    at_reference: float,
    reference_age: float,
    doubling: float,
) -> float:
    """Draw the time [day] from ``age`` to death from other causes.

    Parameters
    ----------
    rng : ndarray of uint64
    age, reference_age : float
        [day]
    at_reference : float
        Hazard at the reference age [1/day]; 0 gives infinity.
    doubling : float
        Time in which the hazard doubles [day]; infinity keeps it constant, 0 gives infinity.
    """
    waited = exponential(rng)
    if at_reference <= 0.0 or doubling <= 0.0:
        return math.inf
    now = hazard(age, at_reference, reference_age, doubling)
    if now <= 0.0:
        return math.inf
    pace = math.log(2.0) / doubling
    x = pace * waited / now
    if x < 1e-12:
        return waited / now
    return math.log1p(x) / pace


@kernel
def draw_after_relapse(rng: NDArray[np.uint64], median: float, log_sd: float) -> float:
    """Draw the time [day] from relapse to death of cancer, by its median and log sd."""
    return median * math.exp(log_sd * normal(rng))


def other_cause_cdf(
    times: ArrayLike, age: float, *, at_reference: float, reference_age: float, doubling: float
) -> NDArray[np.float64]:
    """Return the probability of death from other causes within ``times`` [day] of ``age``.

    Raises
    ------
    ParameterError
        If the hazard is negative or the doubling time not above 0.
    """
    check_domain(
        "death from other causes",
        ("at_reference", at_reference, 0.0, math.inf),
        ("doubling", doubling, 5e-324, math.inf),
    )
    since = np.asarray(times, dtype=np.float64)
    pace = math.log(2.0) / doubling
    now = float(hazard(age, at_reference, reference_age, doubling))
    cumulated = now * since if pace == 0.0 else now * np.expm1(pace * since) / pace
    return np.asarray(-np.expm1(-cumulated))


def after_relapse_cdf(times: ArrayLike, median: float, log_sd: float) -> NDArray[np.float64]:
    """Return the probability of death of cancer within ``times`` [day] of relapse."""
    from scipy import stats

    check_domain(
        "death after relapse",
        ("median", median, 5e-324, math.inf),
        ("log_sd", log_sd, 5e-324, math.inf),
    )
    law = stats.lognorm(log_sd, scale=median)
    return np.asarray(law.cdf(np.asarray(times, dtype=np.float64)))
