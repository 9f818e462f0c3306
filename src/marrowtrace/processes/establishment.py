r"""Establishment: whether one awakened cell becomes a lesion, against immunity and crowd effects.

With n cells each divides at rate :math:`b\,n/(n+A)` (a weak Allee effect: lone cells divide less)
and dies at rate :math:`d + q/(g+n)`, where q is the killing capacity of the effectors (kill rate
times their number) and g the number of tumour cells at which it is half spread out. From one cell
the clone reaches :math:`n^*` before it dies out with probability

.. math:: P = \Big(1 + \sum_{k=1}^{n^*-1} \prod_{j=1}^{k} \frac{d_j}{b_j}\Big)^{-1},

and the time it takes, given that it does, is that of the birth-death chain conditioned on success
(Karlin and McGregor 1957, Trans. Amer. Math. Soc. 86:366-400; remembered, not verified).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import exponential, kernel, uniform

_LAW = "the law of establishment"
_MANY = 1e5


@kernel
def birth_rate(cells: float, birth: float, allee: float) -> float:
    """Return the division rate per cell [1/day] among ``cells``."""
    return birth * cells / (cells + allee) if cells > 0.0 else 0.0


@kernel
def death_rate(cells: float, death: float, killing: float, half_saturation: float) -> float:
    """Return the death rate per cell [1/day] among ``cells``; ``killing`` in cells/day."""
    spread = half_saturation + cells
    return death + (killing / spread if spread > 0.0 else 0.0)


@kernel
def probability(
    target: float,
    birth: float,
    death: float,
    killing: float,
    half_saturation: float,
    allee: float,
) -> float:
    """Return the probability that one cell reaches ``target`` cells before dying out.

    The ratio of death to birth falls with n, so the sum stops as soon as its remainder, bounded by
    a geometric series, is below 1e-15 of it; from 1e5 cells on the ratio is taken as constant.
    Without division the probability is 0 (1 for a target of 1).
    """
    if target <= 1.0:
        return 1.0
    if birth <= 0.0:
        return 0.0
    total = 1.0
    term = 1.0
    n = 1.0
    while n < target:
        ratio = death_rate(n, death, killing, half_saturation) / birth_rate(n, birth, allee)
        term *= ratio
        total += term
        if total > 1e300:
            return 0.0
        if ratio < 1.0 and term * ratio < 1e-15 * total * (1.0 - ratio):
            break
        if n >= _MANY:
            steps = target - 1.0 - n
            if ratio == 1.0:
                total += term * steps
            else:
                growth = math.exp(min(steps * math.log(ratio), 700.0))
                total += term * ratio * (growth - 1.0) / (ratio - 1.0)
            break
        n += 1.0
    return 1.0 / total


@kernel
def draw_path(
    rng: NDArray[np.uint64],
    target: float,
    birth: float,
    death: float,
    killing: float,
    half_saturation: float,
    allee: float,
) -> tuple[bool, float]:
    """Follow one cell event by event; return whether it reached ``target``, and when it ended.

    The time [day] is that of reaching the target or of dying out; infinity if nothing can happen.
    """
    n = 1.0
    time = 0.0
    while 0.0 < n < target:
        up = birth_rate(n, birth, allee)
        down = death_rate(n, death, killing, half_saturation)
        total = n * (up + down)
        if total <= 0.0:
            return False, math.inf
        time += exponential(rng) / total
        n += 1.0 if uniform(rng) * (up + down) < up else -1.0
    return n >= target, time


@dataclass(frozen=True, slots=True)
class HittingTime:
    """Mean and variance of the time to a target size, given that it is reached.

    Parameters
    ----------
    mean : float
        [day]
    variance : float
        [day^2]
    probability : float
        That the target is reached at all.
    """

    mean: float
    variance: float
    probability: float


def rates(
    target: int,
    birth: float,
    death: float,
    *,
    killing: float = 0.0,
    half_saturation: float = 1.0,
    allee: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return total birth and death rates at 1, ..., ``target`` - 1 cells, each shape (target - 1,).

    Raises
    ------
    ParameterError
        If a parameter is outside its range.
    """
    check_domain(
        _LAW,
        ("target", target, 2, math.inf),
        ("birth", birth, 5e-324, math.inf),
        ("death", death, 0.0, math.inf),
        ("killing", killing, 0.0, math.inf),
        ("half_saturation", half_saturation, 0.0, math.inf),
        ("allee", allee, 0.0, math.inf),
    )
    n = np.arange(1, target, dtype=np.float64)
    return birth * n**2 / (n + allee), n * (death + killing / (half_saturation + n))


def reach_probabilities(
    births: NDArray[np.float64], deaths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the probability of reaching the target from 1, ..., target - 1 cells.

    Parameters
    ----------
    births, deaths : ndarray of float64, shape (target - 1,)
        Total rates at each size, as `rates` gives them.
    """
    steps = np.concatenate([[1.0], np.cumprod(deaths / births)])
    sums = np.cumsum(steps)
    return np.asarray(sums[:-1] / sums[-1])


def _conditioned(
    births: NDArray[np.float64], deaths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rates of the chain conditioned on reaching its target (Doob's transform)."""
    reach = np.concatenate([[0.0], reach_probabilities(births, deaths), [1.0]])
    return births * reach[2:] / reach[1:-1], deaths * reach[:-2] / reach[1:-1]


def hitting_time(births: NDArray[np.float64], deaths: NDArray[np.float64]) -> HittingTime:
    """Return the exact moments of the time from one cell to the target, given it is reached.

    The passages from n to n + 1 are independent; their first two moments follow one another.
    """
    up, down = _conditioned(births, deaths)
    mean = variance = 0.0
    first = second = 0.0
    for u, d in zip(up, down, strict=True):
        total = u + d
        back = d / total
        passage = (1.0 + d * first) / u
        pair = first + passage
        square = (
            2.0 / total**2 + 2.0 * back * pair / total + back * (second + 2.0 * first * passage)
        ) / (1.0 - back)
        mean += passage
        variance += square - passage**2
        first, second = passage, square
    reach = float(reach_probabilities(births, deaths)[0])
    return HittingTime(float(mean), float(variance), reach)


def hitting_cdf(
    times: NDArray[np.float64], births: NDArray[np.float64], deaths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the cdf of the time to the target, given that it is reached, by matrix exponentials.

    Meant for targets up to a few thousand cells.

    Parameters
    ----------
    times : ndarray of float64, shape (n,)
        [day], >= 0.
    births, deaths : ndarray of float64, shape (target - 1,)

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import expm_multiply

    up, down = _conditioned(births, deaths)
    forward = diags_array([down[1:], -(up + down), up[:-1]], offsets=[1, 0, -1]).tocsc()
    order = np.argsort(times)
    reached = np.empty(len(times))
    law = np.zeros(up.size)
    law[0], now = 1.0, 0.0
    for k in order:
        law, now = expm_multiply(forward * (times[k] - now), law), float(times[k])
        reached[k] = 1.0 - law.sum()
    return reached
