r"""The dormant cells as pools: means of Poisson counts, advanced exactly over a step.

Given the patient the cells of a pool are independent of one another, so their number is Poisson;
its mean obeys :math:`D'=a(1-D/K)-\mu D`, linear while the arrivals a and the rates are constant.
With a waiting law that is not exponential the mean is the sum over past arrivals of the chance of
still being there. Phenotypes switch linearly, so the composition needs, for each switching rate
:math:`\lambda`, one more pool that decays by :math:`\mu+\lambda`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marrowtrace.processes.dormancy import survival
from marrowtrace.simulation.layout import (
    M_EGRESS,
    M_EXPOSED,
    M_KILL,
    M_LODGE_ODDS,
    M_LOSS,
    M_MARROW,
    M_RETURN,
    M_SITES,
    M_VISCERAL,
    M_VISCERAL_LOSS,
    M_VISCERAL_ODDS,
    M_WAKE_E,
    M_WAKE_V,
    MODES,
    Q_E,
    Q_ER,
    Q_FREE,
    Q_HER2,
    Q_MODES_E,
    Q_MODES_V,
    Q_O,
    Q_O_MARROW,
    Q_READY,
    Q_TOLERANT,
    Q_V,
)
from marrowtrace.simulation.modifiers import lodging_probability, pool_factor, pool_rate

# arrivals of a step, in `arrived`
A_V, A_E, A_O, A_O_MARROW, A_LOCAL = 0, 1, 2, 3, 4
ARRIVALS = 5
# clocks and masses of past arrivals, for waiting laws that are not exponential
NODE_FIELDS = 10
MAX_NODES = 4096
_CLOCKS = 6


@njit(cache=True)
def _decay(loss: float, time: float) -> tuple[float, float, float]:
    """Return exp(-loss t), its integral over t, and the integral of that."""
    x = loss * time
    if x < 1e-5:
        return 1.0 - x, time * (1.0 - 0.5 * x), 0.5 * time * time * (1.0 - x / 3.0)
    kept = math.exp(-x)
    once = -math.expm1(-x) / loss
    return kept, once, (time - once) / loss


@njit(cache=True)
def _over(amount: float, loss: float) -> float:
    """Return ``amount`` / ``loss``, 0 where the loss is too small to matter."""
    return amount / loss if loss > 1e-9 else 0.0


@njit(cache=True)
def _sensitive(pools: NDArray[np.float64]) -> float:
    return float(pools[Q_ER] * (1.0 - pools[Q_TOLERANT]))


@njit(cache=True)
def _switch(
    pools: NDArray[np.float64],
    at: int,
    arrivals: float,
    loss: float,
    kept: float,
    growth: float,
    fading: NDArray[np.float64],
) -> None:
    """Advance the phenotype modes of one niche; ``fading`` holds exp(-lambda h)."""
    time = fading[2 * MODES]
    for mode in range(MODES):
        left = kept * fading[mode]
        total = loss + fading[MODES + mode]
        gained = (1.0 - left) / total if total > 1e-9 else time
        if total > 1e-6:
            gained += growth * ((time - gained) / total - 0.5 * time * gained)
        pools[at + mode] = pools[at + mode] * left + arrivals * gained


@njit(cache=True)
def _dormant_sum(
    nodes: NDArray[np.float64],
    count: int,
    wait: NDArray[np.float64],
    place: int,
    mass: int,
    clocks: NDArray[np.float64],
) -> float:
    """Mean number still dormant of all that arrived so far in a place."""
    total = 0.0
    for k in range(count):
        if nodes[k, mass] > 0.0:
            chance = math.exp(nodes[k, 3 + place] - clocks[3 + place])
            total += nodes[k, mass] * chance * survival(wait, clocks[place] - nodes[k, place])
    return total


@njit(cache=True)
def advance(
    pools: NDArray[np.float64],
    arrived: NDArray[np.float64],
    time: float,
    flux: float,
    growth: float,
    readiness_drive: float,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
    work: NDArray[np.float64],
    wait: NDArray[np.float64],
    nodes: NDArray[np.float64],
    node_count: int,
) -> int:
    """Advance the pools by one step of constant rates.

    Parameters
    ----------
    pools : ndarray of float64, shape (POOLS,)
        Means, fractions and modes; changed in place.
    arrived : ndarray of float64, shape (ARRIVALS,)
        Set to the mean numbers that lodge in each place during the step.
    time : float
        Length of the step [day].
    flux : float
        Cells shed per day in mid-step.
    growth : float
        Relative growth rate of the flux in mid-step [1/day].
    readiness_drive : float
        Readiness that the primary would hold up in the long run.
    modifiers, p, traits
        See `marrowtrace.simulation.modifiers`.
    work : ndarray of float64, shape (2 * MODES + 1 + _CLOCKS,)
    wait : ndarray of float64
        Waiting law of mean 1 in operational time.
    nodes : ndarray of float64, shape (MAX_NODES, NODE_FIELDS)
    node_count : int

    Returns
    -------
    int
        Number of nodes in use.
    """
    odds = modifiers[M_LODGE_ODDS]
    if p.niche_readiness_gain > 0.0:
        fading = math.exp(-p.readiness_decay * time)
        pools[Q_READY] = readiness_drive + (pools[Q_READY] - readiness_drive) * fading
        odds *= 1.0 + p.niche_readiness_gain * pools[Q_READY]
    to_marrow = flux * lodging_probability(traits.marrow, odds)
    to_viscera = flux * lodging_probability(traits.visceral, modifiers[M_VISCERAL_ODDS])
    try_v = to_marrow * (1.0 - p.endosteal_share) * modifiers[M_SITES]
    try_e = to_marrow * p.endosteal_share * modifiers[M_SITES]
    # within a step arrivals are a straight line of the right integral: fourth order for them
    bend = 1.0 + (growth * time) ** 2 / 24.0
    try_v *= bend
    try_e *= bend
    to_marrow *= bend
    to_viscera *= bend
    room_v = 1.0 / p.perivascular_niche_sites if p.perivascular_niche_sites > 0.0 else 0.0
    room_e = 1.0 / p.endosteal_niche_sites if p.endosteal_niche_sites > 0.0 else 0.0
    if room_v == 0.0:
        try_v = 0.0
    if room_e == 0.0:
        try_e = 0.0
    er, her2 = _sensitive(pools), pools[Q_HER2]
    marrow_wake = pool_factor(modifiers, M_MARROW, er, her2)
    wake_v = p.perivascular_awakening_rate * marrow_wake * modifiers[M_WAKE_V]
    wake_e = p.endosteal_awakening_rate * marrow_wake * modifiers[M_WAKE_E]
    wake_o = p.visceral_awakening_rate * pool_factor(modifiers, M_VISCERAL, er, her2)
    added = pool_rate(modifiers, M_LOSS, er, her2)
    leave_v = p.perivascular_egress_rate * modifiers[M_EGRESS] * (1.0 - modifiers[M_RETURN])
    leave_e = p.endosteal_egress_rate * modifiers[M_EGRESS] * (1.0 - modifiers[M_RETURN])
    exit_v = p.perivascular_loss_rate + added + leave_v
    exit_e = p.endosteal_loss_rate + added + leave_e
    exit_o = p.visceral_loss_rate + pool_rate(modifiers, M_VISCERAL_LOSS, er, her2)
    settle = settling_probability(p, traits)
    before_v, before_e = pools[Q_V], pools[Q_E]
    if p.wait_exponential > 0.0:
        lost = exit_v + wake_v + try_v * room_v
        kept, once, twice = _decay(lost, time)
        lean = growth * (twice - 0.5 * time * once)
        after = before_v * kept + try_v * once
        lean *= try_v * max(0.0, 1.0 - 0.5 * (before_v + after) * room_v)
        sum_v = before_v * once + try_v * twice - _over(lean, lost)
        pools[Q_V] = after + lean
        lost = exit_e + wake_e + try_e * room_e
        kept, once, twice = _decay(lost, time)
        lean = growth * (twice - 0.5 * time * once)
        after = before_e * kept + try_e * once
        lean *= try_e * max(0.0, 1.0 - 0.5 * (before_e + after) * room_e)
        sum_e = before_e * once + try_e * twice - _over(lean, lost)
        pools[Q_E] = after + lean
        arrived[A_V] = try_v * max(0.0, time - sum_v * room_v)
        arrived[A_E] = try_e * max(0.0, time - sum_e * room_e)
        arrived[A_O_MARROW] = (leave_v * sum_v + leave_e * sum_e) * settle
        kept, once, twice = _decay(exit_o + wake_o, time)
        pools[Q_O] = pools[Q_O] * kept + to_viscera * (once + growth * (twice - 0.5 * time * once))
        pools[Q_O_MARROW] = pools[Q_O_MARROW] * kept + arrived[A_O_MARROW] * once / max(
            time, 1e-300
        )
    else:
        arrived[A_V] = try_v * time * max(0.0, 1.0 - before_v * room_v)
        arrived[A_E] = try_e * time * max(0.0, 1.0 - before_e * room_e)
        arrived[A_O_MARROW] = (leave_v * before_v + leave_e * before_e) * settle * time
        clocks = work[2 * MODES + 1 :]
        new = node_count
        paces = (wake_v, wake_e, wake_o, exit_v, exit_e, exit_o)
        for k in range(_CLOCKS):
            nodes[new, k] = clocks[k] + 0.5 * time * paces[k]
            clocks[k] += time * paces[k]
        nodes[new, 6], nodes[new, 7] = arrived[A_V], arrived[A_E]
        nodes[new, 8], nodes[new, 9] = to_viscera * time, arrived[A_O_MARROW]
        mass = nodes[new, 6] + nodes[new, 7] + nodes[new, 8] + nodes[new, 9]
        if mass > 0.0 and node_count < MAX_NODES - 1:
            node_count += 1
        pools[Q_V] = _dormant_sum(nodes, node_count, wait, 0, 6, clocks)
        pools[Q_E] = _dormant_sum(nodes, node_count, wait, 1, 7, clocks)
        pools[Q_O] = _dormant_sum(nodes, node_count, wait, 2, 8, clocks)
        pools[Q_O_MARROW] = _dormant_sum(nodes, node_count, wait, 2, 9, clocks)
        sum_v = 0.5 * time * (before_v + pools[Q_V])
        sum_e = 0.5 * time * (before_e + pools[Q_E])
    arrived[A_O] = to_viscera * time
    arrived[A_LOCAL] = flux * bend * p.local_lodging_probability * time
    _free_and_composition(
        pools,
        arrived,
        time,
        to_marrow,
        before_v,
        before_e,
        sum_v,
        sum_e,
        modifiers,
        p,
        traits,
        growth,
        work,
    )
    return node_count


@njit(cache=True)
def _free_and_composition(
    pools: NDArray[np.float64],
    arrived: NDArray[np.float64],
    time: float,
    to_marrow: float,
    before_v: float,
    before_e: float,
    sum_v: float,
    sum_e: float,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
    growth: float,
    work: NDArray[np.float64],
) -> None:
    """Cells outside niches, phenotype modes and receptor fractions after a step."""
    homeless = max(0.0, to_marrow - (arrived[A_V] + arrived[A_E]) / max(time, 1e-300))
    kept, once, _ = _decay(p.free_loss_rate, time)
    pools[Q_FREE] = pools[Q_FREE] * kept + homeless * once
    work[MODES], work[MODES + 1] = p.emt_1, p.emt_2
    work[MODES + 2], work[MODES + 3] = p.stem_like_gain_rate, p.upr_gain_rate
    work[MODES + 4] = p.osteomimetic_gain_rate
    work[2 * MODES] = time
    for mode in range(MODES):
        work[mode] = math.exp(-work[MODES + mode] * time)
    for place in range(2):
        new = arrived[A_V] if place == 0 else arrived[A_E]
        old = before_v if place == 0 else before_e
        now = pools[Q_V] if place == 0 else pools[Q_E]
        total = sum_v if place == 0 else sum_e
        if total > 0.0:  # the loss rate that turns old and new cells into those of now
            loss = max(0.0, (new + old - now) / total)
            _switch(
                pools,
                Q_MODES_V if place == 0 else Q_MODES_E,
                new / time,
                loss,
                math.exp(-loss * time),
                growth,
                work,
            )
    er_new = (1.0 - p.receptor_discordance) if traits.er > 0.0 else p.receptor_discordance
    her2_new = (1.0 - p.receptor_discordance) if traits.her2 > 0.0 else p.receptor_discordance
    new = arrived[A_V] + arrived[A_E]
    old = max(0.0, pools[Q_V] + pools[Q_E] - new)
    share = new / (new + old) if new + old > 0.0 else 1.0
    exposed = modifiers[M_EXPOSED] > 0.0
    er = _flipped(pools[Q_ER], p.er_gain_rate, p.er_loss_rate, time)
    her2 = _flipped(pools[Q_HER2], p.her2_gain_rate, p.her2_loss_rate, time)
    if exposed or modifiers[2 * 8 + M_LOSS] > 0.0:
        er = _selected(er, (1.0 - pools[Q_TOLERANT]) * modifiers[8 + M_LOSS] * time)
        her2 = _selected(her2, modifiers[16 + M_LOSS] * time)
    pools[Q_ER] = er + (er_new - er) * share
    pools[Q_HER2] = her2 + (her2_new - her2) * share
    if exposed:
        fading = math.exp(-p.endocrine_tolerance_rate * time)
        pools[Q_TOLERANT] = 1.0 - (1.0 - pools[Q_TOLERANT]) * fading
    pools[Q_TOLERANT] *= 1.0 - share


@njit(cache=True)
def _flipped(positive: float, gain: float, loss: float, time: float) -> float:
    """Fraction positive after free switching."""
    total = gain + loss
    if total <= 0.0:
        return positive
    limit = gain / total
    return limit + (positive - limit) * math.exp(-total * time)


@njit(cache=True)
def _selected(positive: float, decades: float) -> float:
    """Fraction positive after positive cells alone were lost, by exp(-``decades``)."""
    if decades <= 0.0:
        return positive
    left = positive * math.exp(-decades)
    return left / (left + 1.0 - positive) if left + 1.0 - positive > 0.0 else positive


@njit(cache=True)
def settling_probability(p: Any, traits: Any) -> float:
    """Return the chance that a cell which left the marrow for good settles in viscera."""
    if p.visceral_lodging_probability <= 0.0:
        return 0.0
    heterogeneity = traits.visceral / p.visceral_lodging_probability
    return float(min(1.0, p.visceral_lodging_of_egressed * heterogeneity))


@njit(cache=True)
def kill_pools(
    pools: NDArray[np.float64],
    marrow_v: float,
    marrow_e: float,
    viscera: float,
    work: NDArray[np.float64],
) -> None:
    """Leave the given fractions of the pools alive, at one moment."""
    pools[Q_V] *= marrow_v
    pools[Q_E] *= marrow_e
    pools[Q_FREE] *= marrow_v
    pools[Q_O] *= viscera
    pools[Q_O_MARROW] *= viscera
    for mode in range(MODES):
        pools[Q_MODES_V + mode] *= marrow_v
        pools[Q_MODES_E + mode] *= marrow_e
    clocks = work[2 * MODES + 1 :]
    clocks[3] -= math.log(max(marrow_v, 1e-300))
    clocks[4] -= math.log(max(marrow_e, 1e-300))
    clocks[5] -= math.log(max(viscera, 1e-300))


@njit(cache=True)
def has_kill(modifiers: NDArray[np.float64]) -> bool:
    """Return whether any cytocidal therapy is active."""
    return bool(modifiers[M_KILL] + modifiers[8 + M_KILL] + modifiers[16 + M_KILL] > 0.0)
