r"""Simulation of the reference network: the yardstick of speed and bias.

The network and its exact moments are in `marrowtrace.simulation.reference_network_law`.

How `simulate_network` draws, and what in it is exact
    - **P** on a grid of times, exactly (`marrowtrace.processes.birth_death`).
    - Given P, shed cells are a Poisson process. Between grid times P is taken as its best linear
      prediction from both ends, :math:`\hat P(u) = P_0 + (P_1-P_0)(e^{gu}-1)/(e^{gh}-1)` with g
      the net rate, whose expectation is that of P at any step h, so no mean depends on h. What is
      neglected is that a cell shed is missing from P afterwards, and the noise of P inside a
      step: at 300 days the standard deviations of D and A are 0.17 % and 0.13 % too high (`R2`),
      or 0.002 % and less (`R1`); steps of 1 to 25 days change that of D by less than 0.003 %.
    - **C** is Poisson with mean :math:`sP/(k+g)` (shedding s, removal k from the blood), and cells
      lodge at that mean times the rate of lodging. This neglects only the first hours after the
      start: the relative error of the mean of D is :math:`(g/k)e^{-gt}`, 4e-6 at 300 days.
    - **D** that came from the blood and still sleep are Poisson; those that awaken are a Poisson
      process in time, drawn one by one.
    - **A** from each awakened cell to the end, exactly, in one draw for each cell that leaves
      instead of one for each division: with roots :math:`r_1 < 1 < r_2` of
      :math:`bx^2-(b+d+k)x+d`, k the rate of leaving, and :math:`e=\exp(-b(r_2-r_1)t)`,

      .. math:: E[x^{N_t};\text{none left}] =
                \frac{r_1r_2(1-e) + x(r_2e-r_1)}{(r_2-er_1) - x(1-e)},

      the solution of Kendall's equation (1948, Ann. Math. Statist. 19:1-15) with killing. At x = 1
      it is the law of the time at which the first cell leaves, its expansion in x is a modified
      geometric law of those that stay, and its derivative in x the law of the rest at the moment
      at which one leaves.
    - **M** from each founder to the end, exactly.

    A trajectory costs time in proportion to the steps and to the cells that awaken or leave A,
    not to the 1e9 events of the primary.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marrowtrace.processes.birth_death import draw_size, relative_growth, survival
from marrowtrace.processes.domain import check_domain
from marrowtrace.simulation.reference_network_law import (
    R1,
    R2,
    SPECIES,
    NetworkMoments,
    NetworkRates,
    expected_work,
    net_growth,
    network_moments,
    network_pmf,
)
from marrowtrace.streams import (
    STATE_WORDS,
    binomial,
    exponential,
    geometric,
    init,
    kernel,
    negative_binomial,
    poisson,
    uniform,
)

__all__ = [
    "MOST_LINES",
    "R1",
    "R2",
    "SPECIES",
    "NetworkMoments",
    "NetworkRates",
    "network_moments",
    "network_pmf",
    "simulate_network",
]

MOST_LINES = 1e8
"""Largest expected number of cells, in one trajectory, that awaken or leave A."""

_P, _C, _D, _A, _M = range(5)
_STREAM = 0
_LAW = "the reference network"


class _Active(NamedTuple):
    """Constants of A: a birth-death process from which cells leave."""

    speed: float  # birth * (above - below) [1/day]
    below: float  # r1
    above: float  # r2
    under_one: float  # 1 - r1, without cancellation
    over_one: float  # r2 - 1, without cancellation
    leaving: float  # rate of leaving per cell [1/day]
    founding_share: float  # of those that leave


class _Line(NamedTuple):
    """Constants of what descends from a cell that lodged."""

    active: _Active
    active_birth: float
    active_death: float
    waking_share: float  # of dormant cells, the rest dies
    dormant_exit: float  # awakening + death [1/day]
    metastasis_birth: float
    metastasis_death: float


class _Step(NamedTuple):
    """Constants of one step of the grid."""

    time: float  # length [day]
    steps: int
    survival: float  # of one cell of P
    offspring: float  # mean of further descendants of a survivor
    net: float  # of P [1/day]
    growth: float  # exp(net * time) - 1
    lodged: float  # cells that lodge for each P [1/day]
    circulating: float  # C for each P
    awakening: float  # [1/day]
    fade: float  # share of D that still sleeps at the end
    sleeping: tuple[float, float]  # D at the end for the constant and the growing part of P
    asleep: tuple[float, float, float]  # time spent asleep, for those in D at the start and those


def _active(r: NetworkRates) -> _Active:
    """Roots of the equation of A, so that neither loses digits near 1."""
    leaving = r.falling_asleep + r.founding
    net = r.active_birth - r.active_death - leaving
    root = math.hypot(net, 2.0 * math.sqrt(r.active_birth * leaving))
    if net >= 0.0:
        under_one = (net + root) / (2.0 * r.active_birth)
        over_one = 2.0 * leaving / (net + root) if leaving > 0.0 else 0.0
    else:
        over_one = (root - net) / (2.0 * r.active_birth)
        under_one = 2.0 * leaving / (root - net)
    return _Active(
        speed=root,
        below=1.0 - under_one,
        above=1.0 + over_one,
        under_one=under_one,
        over_one=over_one,
        leaving=leaving,
        founding_share=r.founding / leaving if leaving > 0.0 else 0.0,
    )


def _line(r: NetworkRates) -> _Line:
    """Constants of the descendants of a lodged cell."""
    dormant_exit = r.awakening + r.dormant_death
    return _Line(
        active=_active(r),
        active_birth=r.active_birth,
        active_death=r.active_death,
        waking_share=r.awakening / dormant_exit if dormant_exit > 0.0 else 0.0,
        dormant_exit=dormant_exit,
        metastasis_birth=r.metastasis_birth,
        metastasis_death=r.metastasis_death,
    )


def _step(r: NetworkRates, time: float, step: float) -> _Step:
    """Constants of the steps into which ``time`` is divided, none longer than ``step``."""
    from scipy.linalg import expm

    count = max(1, math.ceil(time / step))
    length = time / count
    net = net_growth(r)
    if abs(net) * length < 1e-6:
        net = 1e-6 / length  # the prediction of P is then a straight line, as it is at 0
    removal = r.clearance + r.lodging
    lodged = r.lodging * r.shedding / (removal + net)
    # constant part of P, growing part, D, time spent asleep
    flow = np.zeros((4, 4))
    flow[1, 1] = net
    flow[2] = lodged, lodged, -(r.awakening + r.dormant_death), 0.0
    flow[3, 2] = 1.0
    over = expm(length * flow)
    kept = float(survival(r.primary_birth, r.primary_death + r.shedding, length))
    return _Step(
        time=length,
        steps=count,
        survival=kept,
        offspring=r.primary_birth * float(relative_growth(net_growth(r), length)),
        net=net,
        growth=math.expm1(net * length),
        lodged=lodged,
        circulating=r.shedding / (removal + net) * -math.expm1(-(removal + net) * time),
        awakening=r.awakening,
        fade=float(over[2, 2]),
        sleeping=(float(over[2, 0]), float(over[2, 1])),
        asleep=(float(over[3, 2]), float(over[3, 0]), float(over[3, 1])),
    )


@kernel
def _time_to_leave(rng: NDArray[np.uint64], cells: float, active: _Active) -> float:
    """Draw when the first of ``cells`` cells or their descendants leaves A; infinity if none."""
    none = -math.expm1(-exponential(rng) / cells)  # 1 - y, where y^cells is uniform
    if active.leaving <= 0.0 or none >= active.under_one:
        return math.inf
    share = none * (active.under_one + active.over_one)
    share /= active.under_one * (active.over_one + none)
    return -math.log1p(-share) / active.speed


@kernel
def _those_who_stay(
    rng: NDArray[np.uint64], cells: float, leavers: float, time: float, active: _Active
) -> float:
    """Draw A after ``time`` from ``cells`` cells, of which none, or at that moment one, left."""
    faded = math.exp(-active.speed * time)
    gone = -math.expm1(-active.speed * time)
    edge = active.over_one + faded * active.under_one
    # of one cell whose descendants have not left: P(some live) and the odds of one more
    nobody_left = (active.below * active.over_one + active.above * faded * active.under_one) / edge
    dead = active.below * active.above * gone / (edge + gone)
    survivors = binomial(rng, cells - leavers, 1.0 - dead / nobody_left)
    if survivors == 1.0 and leavers == 0.0:
        return geometric(rng, edge / (edge + gone))
    size = survivors + 2.0 * leavers
    return survivors + negative_binomial(rng, size, size * gone / edge)


@njit(cache=True)
def _longer(stack: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a copy with room for twice as much."""
    larger = np.empty((2 * stack.shape[0], 2))
    larger[: stack.shape[0]] = stack
    return larger


@njit(cache=True)
def _follow(
    rng: NDArray[np.uint64],
    awakened: float,
    end: float,
    line: _Line,
    stack: NDArray[np.float64],
    out: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Add to ``out`` what one cell awakened at a time has become at ``end``; return the stack."""
    now, cells, depth = awakened, 1.0, 0
    while True:
        if line.active.leaving > 0.0:
            wait = _time_to_leave(rng, cells, line.active)
            left = 1.0 if now + wait < end else 0.0
            time = wait if left else end - now
            cells = _those_who_stay(rng, cells, left, time, line.active)
        else:
            left, time = 0.0, end - now
            cells = draw_size(rng, cells, line.active_birth, line.active_death, time)
        now += time
        if left == 0.0:
            out[_A] += cells
            cells = 0.0
        elif uniform(rng) < line.active.founding_share:
            remaining = end - now
            out[_M] += draw_size(rng, 1.0, line.metastasis_birth, line.metastasis_death, remaining)
        else:
            sleep = exponential(rng) / line.dormant_exit if line.dormant_exit > 0.0 else math.inf
            if now + sleep >= end:
                out[_D] += 1.0
            elif uniform(rng) < line.waking_share:
                if cells > 0.0:
                    if depth == stack.shape[0]:
                        stack = _longer(stack)
                    stack[depth] = now, cells
                    depth += 1
                now, cells = now + sleep, 1.0
        if cells == 0.0:
            if depth == 0:
                return stack
            depth -= 1
            now, cells = stack[depth]


@kernel
def _draw_awakening(
    rng: NDArray[np.uint64],
    sleeping: float,
    constant: float,
    growing: float,
    exit_rate: float,
    step: _Step,
) -> float:
    """Draw when within a step a cell awakens, with density in proportion to the mean of D."""
    highest = max(constant + growing, constant + growing * (1.0 + step.growth))
    bound = sleeping + step.lodged * highest * step.time
    while True:
        u = uniform(rng) * step.time
        came = constant * relative_growth(exit_rate, u)
        came += growing * relative_growth(exit_rate + step.net, u)
        if uniform(rng) * bound < math.exp(-exit_rate * u) * (sleeping + step.lodged * came):
            return u


@njit(cache=True, nogil=True)
def _simulate(
    seed: int | np.uint64,
    first: int,
    start: float,
    step: _Step,
    line: _Line,
    out: NDArray[np.float64],
) -> None:
    """Fill ``out``, shape (n, 5), with the ends of trajectories ``first``, ``first`` + 1, ..."""
    rng = np.empty(STATE_WORDS, dtype=np.uint64)
    stack = np.empty((16, 2))
    end = step.time * step.steps
    for i in range(out.shape[0]):
        init(rng, seed, _STREAM, first + i)
        row = out[i]
        row[:] = 0.0
        size, sleeping = start, 0.0
        for k in range(step.steps):
            survivors = binomial(rng, size, step.survival)
            later = survivors + negative_binomial(rng, survivors, survivors * step.offspring)
            growing = (later - size) / step.growth
            constant = size - growing
            asleep = sleeping * step.asleep[0] + constant * step.asleep[1]
            asleep += growing * step.asleep[2]
            for _ in range(int(poisson(rng, step.awakening * asleep))):
                u = _draw_awakening(rng, sleeping, constant, growing, line.dormant_exit, step)
                stack = _follow(rng, step.time * k + u, end, line, stack, row)
            sleeping *= step.fade
            sleeping += constant * step.sleeping[0] + growing * step.sleeping[1]
            size = later
        row[_P] = size
        row[_C] = poisson(rng, step.circulating * size)
        row[_D] += poisson(rng, sleeping)


def simulate_network(
    n: int,
    seed: int,
    *,
    time: float,
    rates: NetworkRates = R1,
    start: int = 1000,
    step: float = 25.0,
    first: int = 0,
) -> NDArray[np.float64]:
    """Simulate trajectories of the network and return where they end.

    Parameters
    ----------
    n : int
        Trajectories.
    seed : int
        0 to 2**64 - 1. Trajectory i has a stream of its own, so more of them, or other pieces of
        them, change nothing in each.
    time : float
        End [day], above 0 and to 1e5.
    rates : NetworkRates
    start : int
        Cells of P at time 0; there are no others.
    step : float
        Longest interval between the times at which P is drawn [day]. Means do not depend on it.
    first : int
        Number of the first trajectory.

    Returns
    -------
    ndarray of float64, shape (n, 5)
        Whole numbers of cells at ``time``, in the order of `SPECIES`.

    Raises
    ------
    ParameterError
        If a number is outside its range, or one trajectory would be expected to hold more than
        1e15 cells of P, or more than `MOST_LINES` cells that awaken or leave A.

    Examples
    --------
    >>> simulate_network(3, seed=1, time=10.0).shape
    (3, 5)
    """
    check_domain(
        _LAW,
        ("n", n, 0, math.inf),
        ("seed", seed, 0, 2**64 - 1),
        ("time", time, 1e-9, 1e5),
        ("start", start, 0, 1e15),
        ("step", step, 1e-9, math.inf),
        ("first", first, 0, 2**62),
    )
    largest, lines = expected_work(rates, time, start)
    check_domain(
        f"{_LAW} at {time:g} days (a shorter time, or fewer cells at the start, lowers these)",
        ("expected cells of P", largest, 0.0, 1e15),
        ("expected cells that awaken or leave A", lines, 0.0, MOST_LINES),
    )
    grid = _step(rates, time, step)
    out = np.empty((n, 5))
    _simulate(np.uint64(seed), first, float(start), grid, _line(rates), out)
    return out
