r"""Dormancy: how long a disseminated cell waits before it awakens.

The waiting time may follow any of four laws: exponential, phase-type (a mixture of Erlang laws),
Weibull or lognormal; published relapse times do not settle which. It is measured in *operational
time* :math:`\tau(t)=\int m(s)\,ds`, where the modifier m gathers what holds cells asleep and what
wakes them,

.. math::
   m = \prod_{hold}\frac{1-h_i l_i}{1-h_i}\;\prod_{wake}(1+w_j l_j),

with strengths h in [0, 1) and w >= 0 and levels l; m = 1 at the normal levels (1 for holding, 0 for
waking influences). The form is assumed; the influences are those that Sai and Xiang (2018, J. Cell.
Mol. Med. 22:5776-5786, section 5.2) review: thrombospondin-1, TGF-beta2, GAS6/AXL and TGF-beta of
osteoclasts hold; sprouting vessels (TGF-beta1, periostin), growth factors freed by osteoclasts and
noradrenaline wake.

Cells that arrive as a Poisson process, wait independently and may be lost meanwhile form a queue
with infinitely many servers: the number asleep is Poisson, awakenings form a Poisson process
independent of it, and both means are integrals over the arrivals (Eick, Massey and Whitt 1993,
Oper. Res. 41:731-742; remembered, not verified).

A waiting law is handed to compiled code as one array, made by `exponential`, `erlang_mixture`,
`weibull` or `lognormal`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from marrowtrace import streams
from marrowtrace.errors import ParameterError, ProblemList
from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import kernel

HOLD = ("tsp1", "tgfb2", "gas6_axl", "osteoclast_tgfb")
WAKE = ("sprouting", "osteoclast", "norepinephrine")

EXPONENTIAL, PHASE_TYPE, WEIBULL, LOGNORMAL = 0.0, 1.0, 2.0, 3.0
_SMALLEST = 5e-324


@kernel
def draw_wait(rng: NDArray[np.uint64], wait: NDArray[np.float64]) -> float:
    """Draw a waiting time [day of operational time] from the law ``wait``."""
    law = wait[0]
    if law == EXPONENTIAL:
        return float(streams.exponential(rng) * wait[1])
    if law == WEIBULL:
        return float(wait[2] * streams.exponential(rng) ** (1.0 / wait[1]))
    if law == LOGNORMAL:
        return math.exp(wait[1] + wait[2] * streams.normal(rng))
    count = int(wait[1])
    u = streams.uniform(rng)
    part = 0
    while part < count - 1 and u >= wait[2 + part]:
        u -= wait[2 + part]
        part += 1
    stages = wait[2 + count + part]
    return float(streams.gamma(rng, stages) * wait[2 + 2 * count + part] / stages)


@kernel
def survival(wait: NDArray[np.float64], tau: float) -> float:
    """Return the probability of waiting longer than ``tau`` [day of operational time]."""
    if tau <= 0.0:
        return 1.0
    law = wait[0]
    if law == EXPONENTIAL:
        return math.exp(-tau / wait[1])
    if law == WEIBULL:
        return math.exp(-((tau / wait[2]) ** wait[1]))
    if law == LOGNORMAL:
        return 0.5 * math.erfc((math.log(tau) - wait[1]) / (wait[2] * math.sqrt(2.0)))
    count = int(wait[1])
    total = 0.0
    for part in range(count):
        stages = wait[2 + count + part]
        x = tau * stages / wait[2 + 2 * count + part]
        term = math.exp(-x)
        for stage in range(int(stages)):
            total += wait[2 + part] * term
            term *= x / (stage + 1.0)
    return total


@kernel
def density(wait: NDArray[np.float64], tau: float) -> float:
    """Return the density of the waiting time at ``tau`` > 0 [1/day of operational time]."""
    if tau <= 0.0:
        return 0.0
    law = wait[0]
    if law == EXPONENTIAL:
        return float(math.exp(-tau / wait[1]) / wait[1])
    if law == WEIBULL:
        x = tau / wait[2]
        return float(wait[1] / wait[2] * x ** (wait[1] - 1.0) * math.exp(-(x ** wait[1])))
    if law == LOGNORMAL:
        z = (math.log(tau) - wait[1]) / wait[2]
        return float(math.exp(-0.5 * z * z) / (tau * wait[2] * math.sqrt(2.0 * math.pi)))
    count = int(wait[1])
    total = 0.0
    for part in range(count):
        stages = wait[2 + count + part]
        pace = stages / wait[2 + 2 * count + part]
        x = tau * pace
        log_term = (stages - 1.0) * math.log(x) - x - math.lgamma(stages)
        total += wait[2 + part] * pace * math.exp(log_term)
    return total


@kernel
def awakening_modifier(
    hold: NDArray[np.float64],
    hold_levels: NDArray[np.float64],
    wake: NDArray[np.float64],
    wake_levels: NDArray[np.float64],
) -> float:
    """Return the pace of operational time: 1 at normal levels, 0 if held for good.

    Parameters
    ----------
    hold, hold_levels : ndarray of float64, shape (len(HOLD),)
        Strengths in [0, 1) and levels relative to normal.
    wake, wake_levels : ndarray of float64, shape (len(WAKE),)
        Strengths and levels, >= 0, normally 0.
    """
    pace = 1.0
    for k in range(hold.size):
        pace *= max(0.0, 1.0 - hold[k] * hold_levels[k]) / (1.0 - hold[k])
    for k in range(wake.size):
        pace *= 1.0 + wake[k] * wake_levels[k]
    return pace


@kernel
def operational_time(
    time: float, edges: NDArray[np.float64], modifiers: NDArray[np.float64]
) -> float:
    """Return the integral of the modifier from ``edges[0]`` to ``time``.

    Parameters
    ----------
    time : float
        [day]; before ``edges[0]`` the integral is 0.
    edges, modifiers : ndarray of float64, shape (n,)
        ``modifiers[i]`` holds from ``edges[i]`` to ``edges[i + 1]``, the last one for ever.
    """
    tau = 0.0
    for k in range(edges.size):
        end = edges[k + 1] if k + 1 < edges.size else math.inf
        if time <= end:
            return float(tau + max(0.0, time - edges[k]) * modifiers[k])
        tau += (end - edges[k]) * modifiers[k]
    return tau


@kernel
def calendar_time(tau: float, edges: NDArray[np.float64], modifiers: NDArray[np.float64]) -> float:
    """Return the first time [day] at which `operational_time` reaches ``tau``, or infinity."""
    left = tau
    for k in range(edges.size):
        end = edges[k + 1] if k + 1 < edges.size else math.inf
        pace = modifiers[k]
        if pace > 0.0 and left <= pace * (end - edges[k]):
            return float(edges[k] + left / pace)
        if end < math.inf:
            left -= pace * (end - edges[k])
    return math.inf if left > 0.0 else edges[-1]


def exponential(mean: float) -> NDArray[np.float64]:
    """Return the exponential waiting law of ``mean`` [day], above 0."""
    check_domain("the exponential waiting law", ("mean", mean, _SMALLEST, math.inf))
    return np.array([EXPONENTIAL, mean])


def erlang_mixture(
    weights: Sequence[float], stages: Sequence[int], means: Sequence[float]
) -> NDArray[np.float64]:
    """Return a phase-type waiting law, a mixture of Erlang laws.

    Parameters
    ----------
    weights : sequence of float, shape (k,)
        Above 0; they sum to 1.
    stages : sequence of int, shape (k,)
        Stages of each part, 1 to 100.
    means : sequence of float, shape (k,)
        Mean of each part [day], above 0.

    Raises
    ------
    ParameterError
        If the three do not match or one is outside its range.
    """
    law = "the phase-type waiting law"
    problems = ProblemList()
    if not len(weights) == len(stages) == len(means) or len(weights) == 0:
        problems.add(
            "weights, stages, means",
            f"have {len(weights)}, {len(stages)} and {len(means)} values; "
            "give one of each for every part",
        )
    if abs(math.fsum(weights) - 1.0) > 1e-9:
        problems.add("weights", f"sum to {math.fsum(weights):g}; they must sum to 1")
    if any(s != int(s) for s in stages):
        problems.add("stages", f"are {list(stages)}; they must be whole numbers")
    problems.raise_any(ParameterError, law)
    check_domain(
        law,
        *((f"weights[{k}]", w, _SMALLEST, 1.0) for k, w in enumerate(weights)),
        *((f"stages[{k}]", s, 1, 100) for k, s in enumerate(stages)),
        *((f"means[{k}]", m, _SMALLEST, math.inf) for k, m in enumerate(means)),
    )
    return np.array([PHASE_TYPE, len(weights), *weights, *stages, *means], dtype=np.float64)


def weibull(shape: float, mean: float) -> NDArray[np.float64]:
    """Return the Weibull waiting law of ``shape`` (0.05 to 100) and ``mean`` [day]."""
    check_domain(
        "the Weibull waiting law",
        ("shape", shape, 0.05, 100.0),
        ("mean", mean, _SMALLEST, math.inf),
    )
    return np.array([WEIBULL, shape, mean / math.gamma(1.0 + 1.0 / shape)])


def lognormal(log_sd: float, mean: float) -> NDArray[np.float64]:
    """Return the lognormal waiting law of ``log_sd`` (0.001 to 10) and ``mean`` [day]."""
    check_domain(
        "the lognormal waiting law",
        ("log_sd", log_sd, 1e-3, 10.0),
        ("mean", mean, _SMALLEST, math.inf),
    )
    return np.array([LOGNORMAL, math.log(mean) - 0.5 * log_sd**2, log_sd])


def mean_wait(wait: NDArray[np.float64]) -> float:
    """Return the mean waiting time [day of operational time]."""
    return _moment(wait, 1)


def variance_wait(wait: NDArray[np.float64]) -> float:
    """Return the variance of the waiting time [day^2]."""
    return _moment(wait, 2) - _moment(wait, 1) ** 2


def _moment(wait: NDArray[np.float64], order: int) -> float:
    if wait[0] == EXPONENTIAL:
        return float(math.factorial(order) * wait[1] ** order)
    if wait[0] == WEIBULL:
        return float(wait[2] ** order * math.gamma(1.0 + order / wait[1]))
    if wait[0] == LOGNORMAL:
        return math.exp(order * wait[1] + 0.5 * (order * wait[2]) ** 2)
    weights, stages, means = wait[2:].reshape(3, -1)
    rising = np.ones_like(stages) if order == 1 else (stages + 1.0) / stages
    return float((weights * means**order * rising).sum())


def awakens_probability(wait: NDArray[np.float64], loss: float) -> float:
    """Return the probability that a cell awakens before it is lost.

    Parameters
    ----------
    wait : ndarray of float64
        Waiting law, with a modifier of 1.
    loss : float
        Rate of loss of sleeping cells [1/day], >= 0.

    Returns
    -------
    float
        The Laplace transform of the waiting law at ``loss``.
    """
    from scipy.integrate import quad

    check_domain("loss in dormancy", ("loss", loss, 0.0, math.inf))
    if wait[0] == EXPONENTIAL:
        return float(1.0 / (1.0 + loss * wait[1]))
    if wait[0] == PHASE_TYPE:
        weights, stages, means = wait[2:].reshape(3, -1)
        return float((weights * (1.0 + loss * means / stages) ** -stages).sum())
    if wait[0] == WEIBULL:

        def integrand(x: float) -> float:
            return math.exp(-x - loss * wait[2] * x ** (1.0 / wait[1]))

        return float(quad(integrand, 0.0, 1.0)[0] + quad(integrand, 1.0, 50.0, limit=200)[0])

    def standard(z: float) -> float:
        decay = loss * math.exp(wait[1] + wait[2] * z)
        return math.exp(-0.5 * z * z - decay) / math.sqrt(2.0 * math.pi)

    return float(quad(standard, -12.0, 12.0, limit=400)[0])


def awakened_by(wait: NDArray[np.float64], loss: float, age: float) -> float:
    """Return the probability that a cell has awakened, unlost, by ``age`` days after arrival."""
    from scipy.integrate import quad

    if age <= 0.0:
        return 0.0
    asleep = quad(lambda v: math.exp(-loss * v) * survival(wait, v), 0.0, age, limit=400)[0]
    return float(1.0 - math.exp(-loss * age) * survival(wait, age) - loss * asleep)


def expected_dormant(
    arrivals: Callable[[float], float], wait: NDArray[np.float64], loss: float, time: float
) -> float:
    """Return the Poisson mean of cells asleep at ``time`` [day], arrivals starting at 0.

    ``arrivals`` gives the rate of arrival [1/day] at a time; the modifier is 1 throughout.
    """
    from scipy.integrate import quad

    def kept(u: float) -> float:
        return arrivals(u) * math.exp(-loss * (time - u)) * survival(wait, time - u)

    return float(quad(kept, 0.0, time, limit=400)[0]) if time > 0.0 else 0.0


def expected_awakenings(
    arrivals: Callable[[float], float], wait: NDArray[np.float64], loss: float, time: float
) -> float:
    """Return the Poisson mean of awakenings up to ``time`` [day], arrivals starting at 0."""
    from scipy.integrate import quad

    def woken(u: float) -> float:
        return arrivals(u) * awakened_by(wait, loss, time - u)

    return float(quad(woken, 0.0, time, limit=400)[0]) if time > 0.0 else 0.0
