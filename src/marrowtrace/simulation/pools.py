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
from numpy.typing import NDArray

from marrowtrace.processes.dormancy import survival
from marrowtrace.simulation.layout import (
    M_EGRESS,
    M_EXPOSED,
    M_HOMING,
    M_KILL,
    M_LODGE_ODDS,
    M_LOSS,
    M_MARROW,
    M_READINESS,
    M_SITES,
    M_VISCERAL,
    M_VISCERAL_LOSS,
    M_VISCERAL_ODDS,
    M_WAKE_E,
    M_WAKE_V,
    MODES,
    Q_E,
    Q_FREE,
    Q_MODES_E,
    Q_MODES_V,
    Q_O,
    Q_O_MARROW,
    Q_READY,
    Q_RECEPTORS,
    Q_V,
    R_HER2,
    R_SENSITIVE,
    R_TOLERANT,
    R_TOLERANT_ER,
)
from marrowtrace.simulation.modifiers import lodging_probability, pool_factor, pool_rate
from marrowtrace.simulation.receptors import RECEPTORS, admit, flip, follow
from marrowtrace.streams import kernel

# arrivals of a step, in `arrived`
A_V, A_E, A_O, A_O_MARROW, A_LOCAL = 0, 1, 2, 3, 4
ARRIVALS = 5
# clocks and masses of past arrivals, for waiting laws that are not exponential
NODE_FIELDS = 12
MAX_NODES = 4096
CLOCKS = 8  # operational times and losses of V, E, O, and O by way of marrow
_EARLY = 0.5 - math.sqrt(1.0 / 12.0)  # Gauss's points of a step


@kernel
def _decay(loss: float, time: float) -> tuple[float, float, float]:
    """Return exp(-loss t), its integral over t, and the integral of that."""
    x = loss * time
    if x < 1e-5:
        return 1.0 - x, time * (1.0 - 0.5 * x), 0.5 * time * time * (1.0 - x / 3.0)
    gone = -math.expm1(-x)
    once = gone / loss
    return 1.0 - gone, once, (time - once) / loss


@kernel
def _over(amount: float, loss: float) -> float:
    """Return ``amount`` / ``loss``, 0 where the loss is too small to matter."""
    return amount / loss if loss > 1e-9 else 0.0


@kernel
def _through(
    before: float,
    pace: float,
    loss: float,
    kept: float,
    once: float,
    onward: tuple[float, float, float, float],
    time: float,
) -> float:
    """Return the convolution of a pool, fed at ``pace``, with the survival of what leaves it.

    ``onward`` is the later loss with its `_decay`.
    """
    rate, left, over, twice = onward
    gap = (rate - loss) * time
    both = time * kept * (1.0 - 0.5 * gap) if abs(gap) < 1e-6 else (kept - left) / (rate - loss)
    fed = twice if loss * time < 1e-5 else (over - both) / loss
    return before * both + pace * fed


@kernel
def _selects(modifiers: NDArray[np.float64]) -> bool:
    """Return whether a therapy tells dormant cells apart by their receptors."""
    if modifiers[M_EXPOSED] > 0.0:
        return True
    for group in (8, 16):
        if modifiers[group + M_MARROW] != 1.0 or modifiers[group + M_VISCERAL] != 1.0:
            return True
        if modifiers[group + M_LOSS] != 0.0 or modifiers[group + M_VISCERAL_LOSS] != 0.0:
            return True
    return False


@kernel
def _excess(
    modifiers: NDArray[np.float64], target: int, other: int, share: float, wake: float, place: int
) -> float:
    """By how much cells of a target leave a pool faster than others [1/day].

    ``share`` of the pool responds to the other target's therapy; ``wake`` is the pace of
    awakening of cells that respond to neither.
    """
    effect = M_MARROW if place < 2 else M_VISCERAL
    loss = M_LOSS if place < 2 else M_VISCERAL_LOSS
    held = 1.0 - share * (1.0 - modifiers[8 * other + effect])
    return float(
        modifiers[8 * target + loss] - wake * (1.0 - modifiers[8 * target + effect]) * held
    )


@kernel
def _shares(
    pools: NDArray[np.float64],
    place: int,
    time: float,
    wake: float,
    modifiers: NDArray[np.float64],
    p: Any,
    er_fading: float,
    her2_fading: float,
) -> tuple[float, float]:
    """Advance the receptors of a place under therapy; return the shares it feels."""
    at = Q_RECEPTORS + RECEPTORS * place
    er, her2 = pools[at + R_SENSITIVE], pools[at + R_HER2]
    if p.wait_exponential == 0.0:
        wake = 0.0  # who awakens is not told apart: only losses select
    return follow(
        pools,
        place,
        time,
        _excess(modifiers, 1, 2, her2, wake, place),
        _excess(modifiers, 2, 1, er, wake, place),
        p.endocrine_tolerance_rate if modifiers[M_EXPOSED] > 0.0 else 0.0,
        p.er_gain_rate,
        p.er_loss_rate,
        p.her2_gain_rate,
        p.her2_loss_rate,
        er_fading,
        her2_fading,
    )


@kernel
def _flip_all(pools: NDArray[np.float64], p: Any, er_kept: float, her2_kept: float) -> None:
    """Let the receptors of all places flip without therapy."""
    er, her2 = p.er_gain_rate + p.er_loss_rate, p.her2_gain_rate + p.her2_loss_rate
    er_limit = p.er_gain_rate / er if er > 0.0 else 0.0
    her2_limit = p.her2_gain_rate / her2 if her2 > 0.0 else 0.0
    for place in range(4):
        flip(pools, place, er_kept, er_limit, her2_kept, her2_limit)


@kernel
def _switch(
    pools: NDArray[np.float64],
    at: int,
    arrivals: float,
    loss: float,
    kept: float,
    growth: float,
    fading: NDArray[np.float64],
    scale_1: float,
    scale_2: float,
) -> None:
    """Advance the phenotype modes of one niche; ``fading`` holds exp(-lambda h)."""
    time = fading[2 * MODES]
    for mode in range(MODES):
        left = kept * fading[mode]
        came = arrivals * scale_1 if mode == 0 else arrivals * scale_2 if mode == 1 else arrivals
        total = loss + fading[MODES + mode]
        gained = (1.0 - left) / total if total > 1e-9 else time
        if total > 1e-6:
            gained += growth * ((time - gained) / total - 0.5 * time * gained)
        pools[at + mode] = pools[at + mode] * left + came * gained


@kernel
def _dormant_sum(
    nodes: NDArray[np.float64],
    first: int,
    last: int,
    wait: NDArray[np.float64],
    place: int,
    clocks: NDArray[np.float64],
) -> float:
    """Mean number still dormant of what arrived in a place by the nodes from first to last."""
    total = 0.0
    for k in range(first, last):
        mass = nodes[k, CLOCKS + place]
        if mass > 0.0:
            chance = math.exp(nodes[k, 4 + place] - clocks[4 + place])
            total += mass * chance * survival(wait, clocks[place] - nodes[k, place])
    return total


@kernel
def longest_step(modifiers: NDArray[np.float64], p: Any) -> float:
    """Longest step [day] in which pools with waits that are not exponential change smoothly."""
    added = pool_rate(modifiers, M_LOSS, 1.0, 1.0)
    wake = max(
        p.perivascular_awakening_rate * modifiers[M_WAKE_V],
        p.endosteal_awakening_rate * modifiers[M_WAKE_E],
    )
    away = max(p.perivascular_egress_rate, p.endosteal_egress_rate)
    away *= modifiers[M_EGRESS] * (1.0 - p.rehoming_probability)
    loss = max(p.perivascular_loss_rate, p.endosteal_loss_rate)
    pace = added + wake * modifiers[M_MARROW] + away + loss
    return 0.5 / pace if pace > 0.0 else math.inf


@kernel
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
    work : ndarray of float64, shape (2 * MODES + 1 + CLOCKS,)
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
    homing = modifiers[M_HOMING]
    if p.niche_readiness_gain > 0.0:
        fading, once, _ = _decay(p.readiness_decay, time)
        excess = pools[Q_READY] - readiness_drive
        pools[Q_READY] = readiness_drive + excess * fading
        ready = 1.0 + p.niche_readiness_gain * (readiness_drive + excess * once / time)
        odds *= ready
        homing *= ready
        modifiers[M_READINESS] = 1.0 + p.niche_readiness_gain * pools[Q_READY]
    away = modifiers[M_EGRESS] * (1.0 - lodging_probability(p.rehoming_probability, homing))
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
    # ---- rates of V, E, O, and O by way of marrow: awakening and leaving
    selects = _selects(modifiers)
    er_kept = math.exp(-(p.er_gain_rate + p.er_loss_rate) * time)
    her2_kept = math.exp(-(p.her2_gain_rate + p.her2_loss_rate) * time)
    wake_v = p.perivascular_awakening_rate * modifiers[M_WAKE_V]
    wake_e = p.endosteal_awakening_rate * modifiers[M_WAKE_E]
    wake_o = wake_w = p.visceral_awakening_rate
    added_v = added_e = modifiers[M_LOSS]
    added_o = added_w = modifiers[M_VISCERAL_LOSS]
    share_v = _part(pools[Q_V], pools[Q_E])
    start_s, start_t = _of_marrow(pools, R_SENSITIVE, share_v), 0.0
    start_x, start_h = 0.0, _of_marrow(pools, R_HER2, share_v)
    tolerant = pools[Q_RECEPTORS + R_TOLERANT] > 0.0
    if tolerant:
        start_t = _of_marrow(pools, R_TOLERANT_ER, share_v)
        start_x = _of_marrow(pools, R_TOLERANT, share_v)
    if selects:
        marrow, viscera = modifiers[M_MARROW], modifiers[M_VISCERAL]
        er, her2 = _shares(pools, 0, time, wake_v * marrow, modifiers, p, er_kept, her2_kept)
        wake_v *= pool_factor(modifiers, M_MARROW, er, her2)
        added_v = pool_rate(modifiers, M_LOSS, er, her2)
        er, her2 = _shares(pools, 1, time, wake_e * marrow, modifiers, p, er_kept, her2_kept)
        wake_e *= pool_factor(modifiers, M_MARROW, er, her2)
        added_e = pool_rate(modifiers, M_LOSS, er, her2)
        er, her2 = _shares(pools, 2, time, wake_o * viscera, modifiers, p, er_kept, her2_kept)
        wake_o *= pool_factor(modifiers, M_VISCERAL, er, her2)
        added_o = pool_rate(modifiers, M_VISCERAL_LOSS, er, her2)
        er, her2 = _shares(pools, 3, time, wake_w * viscera, modifiers, p, er_kept, her2_kept)
        wake_w *= pool_factor(modifiers, M_VISCERAL, er, her2)
        added_w = pool_rate(modifiers, M_VISCERAL_LOSS, er, her2)
    else:
        _flip_all(pools, p, er_kept, her2_kept)
        wake_v *= modifiers[M_MARROW]
        wake_e *= modifiers[M_MARROW]
        wake_o *= modifiers[M_VISCERAL]
        wake_w = wake_o
    leave_v, leave_e = p.perivascular_egress_rate * away, p.endosteal_egress_rate * away
    exit_v = p.perivascular_loss_rate + added_v + leave_v
    exit_e = p.endosteal_loss_rate + added_e + leave_e
    exit_o, exit_w = p.visceral_loss_rate + added_o, p.visceral_loss_rate + added_w
    settle = settling_probability(p, traits)
    before_v, before_e = pools[Q_V], pools[Q_E]
    if p.wait_exponential > 0.0:
        rested, over, later = _decay(exit_o + wake_o, time)
        old_o = pools[Q_O] * rested
        pools[Q_O] = old_o + to_viscera * (over + growth * (later - 0.5 * time * over))
        if selects:
            rested, over, later = _decay(exit_w + wake_w, time)
        onward = (exit_w + wake_w, rested, over, later)
        lost = exit_v + wake_v + try_v * room_v
        kept, once, twice = _decay(lost, time)
        lean = growth * (twice - 0.5 * time * once)
        after = before_v * kept + try_v * once
        lean *= try_v * max(0.0, 1.0 - 0.5 * (before_v + after) * room_v)
        plain = before_v * once + try_v * twice
        sum_v = plain - _over(lean, lost)
        pools[Q_V] = after + lean
        old_v = before_v * kept
        settled = leave_v * _through(before_v, try_v, lost, kept, once, onward, time)
        settled *= sum_v / plain if plain > 0.0 else 1.0
        lost = exit_e + wake_e + try_e * room_e
        kept, once, twice = _decay(lost, time)
        lean = growth * (twice - 0.5 * time * once)
        after = before_e * kept + try_e * once
        lean *= try_e * max(0.0, 1.0 - 0.5 * (before_e + after) * room_e)
        plain = before_e * once + try_e * twice
        sum_e = plain - _over(lean, lost)
        pools[Q_E] = after + lean
        old_e = before_e * kept
        through = leave_e * _through(before_e, try_e, lost, kept, once, onward, time)
        settled += through * (sum_e / plain if plain > 0.0 else 1.0)
        arrived[A_V] = try_v * max(0.0, time - sum_v * room_v)
        arrived[A_E] = try_e * max(0.0, time - sum_e * room_e)
        arrived[A_O_MARROW] = (leave_v * sum_v + leave_e * sum_e) * settle
        old_w = pools[Q_O_MARROW] * rested
        pools[Q_O_MARROW] = old_w + settled * settle
    else:
        clocks = work[2 * MODES + 1 :]
        paces = (wake_v, wake_e, wake_o, wake_w, exit_v, exit_e, exit_o, exit_w)
        first = min(node_count, MAX_NODES - 3)
        arrived[A_V] = arrived[A_E] = arrived[A_O_MARROW] = 0.0
        sum_v = sum_e = 0.0
        for half in range(2):
            at = time * (_EARLY if half == 0 else 1.0 - _EARLY)
            node = nodes[first + half]
            for k in range(CLOCKS):
                node[k] = clocks[k] + at * paces[k]
            new = at * survival(wait, 0.5 * at * wake_v) * math.exp(-0.5 * at * exit_v)
            here_v = _dormant_sum(nodes, 0, first, wait, 0, node) + try_v * new
            new = at * survival(wait, 0.5 * at * wake_e) * math.exp(-0.5 * at * exit_e)
            here_e = _dormant_sum(nodes, 0, first, wait, 1, node) + try_e * new
            weight = 0.5 * time
            tilted = weight * (1.0 + growth * (at - 0.5 * time))
            node[CLOCKS] = try_v * tilted * max(0.0, 1.0 - here_v * room_v)
            node[CLOCKS + 1] = try_e * tilted * max(0.0, 1.0 - here_e * room_e)
            node[CLOCKS + 2] = to_viscera * tilted
            node[CLOCKS + 3] = (leave_v * here_v + leave_e * here_e) * settle * weight
            arrived[A_V] += node[CLOCKS]
            arrived[A_E] += node[CLOCKS + 1]
            arrived[A_O_MARROW] += node[CLOCKS + 3]
            sum_v += weight * here_v
            sum_e += weight * here_e
        for k in range(CLOCKS):
            clocks[k] += time * paces[k]
        old_v = _dormant_sum(nodes, 0, first, wait, 0, clocks)
        old_e = _dormant_sum(nodes, 0, first, wait, 1, clocks)
        old_o = _dormant_sum(nodes, 0, first, wait, 2, clocks)
        old_w = _dormant_sum(nodes, 0, first, wait, 3, clocks)
        pools[Q_V] = old_v + _dormant_sum(nodes, first, first + 2, wait, 0, clocks)
        pools[Q_E] = old_e + _dormant_sum(nodes, first, first + 2, wait, 1, clocks)
        pools[Q_O] = old_o + _dormant_sum(nodes, first, first + 2, wait, 2, clocks)
        pools[Q_O_MARROW] = old_w + _dormant_sum(nodes, first, first + 2, wait, 3, clocks)
        total = arrived[A_V] + arrived[A_E] + to_viscera * time + arrived[A_O_MARROW]
        if total > 0.0:
            node_count = first + 2
    # ---- receptors of newcomers; those by way of marrow are as the marrow is in mid-step
    er_new = 1.0 - p.receptor_discordance if traits.er > 0.0 else p.receptor_discordance
    her2_new = 1.0 - p.receptor_discordance if traits.her2 > 0.0 else p.receptor_discordance
    er_new += 0.5 * time * (p.er_gain_rate * (1.0 - er_new) - p.er_loss_rate * er_new)
    her2_new += 0.5 * time * (p.her2_gain_rate * (1.0 - her2_new) - p.her2_loss_rate * her2_new)
    if flux > 0.0:
        er_new, her2_new = min(1.0, max(0.0, er_new)), min(1.0, max(0.0, her2_new))
        admit(pools, 0, _newcomers(old_v, pools[Q_V]), er_new, 0.0, 0.0, her2_new)
        admit(pools, 1, _newcomers(old_e, pools[Q_E]), er_new, 0.0, 0.0, her2_new)
        admit(pools, 2, _newcomers(old_o, pools[Q_O]), er_new, 0.0, 0.0, her2_new)
    share_v = _part(pools[Q_V], pools[Q_E])
    admit(
        pools,
        3,
        _newcomers(old_w, pools[Q_O_MARROW]),
        0.5 * (start_s + _of_marrow(pools, R_SENSITIVE, share_v)),
        0.5 * (start_t + _of_marrow(pools, R_TOLERANT_ER, share_v)),
        0.5 * (start_x + _of_marrow(pools, R_TOLERANT, share_v)),
        0.5 * (start_h + _of_marrow(pools, R_HER2, share_v)),
    )
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


@kernel
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
                traits.mode_1,
                traits.mode_2,
            )


@kernel
def _newcomers(old: float, now: float) -> float:
    """Share of a pool that came during the step."""
    return min(1.0, max(0.0, 1.0 - old / now)) if now > 0.0 else 1.0


@kernel
def _part(one: float, other: float) -> float:
    """Share of the first in two amounts; 1 if there is nothing."""
    return one / (one + other) if one + other > 0.0 else 1.0


@kernel
def _of_marrow(pools: NDArray[np.float64], share: int, share_v: float) -> float:
    """Return a share of receptors over both niches, of which V holds the part ``share_v``."""
    v, e = pools[Q_RECEPTORS + share], pools[Q_RECEPTORS + RECEPTORS + share]
    return float(e + (v - e) * share_v)


@kernel
def marrow_receptors(pools: NDArray[np.float64]) -> tuple[float, float]:
    """Return the fractions of the cells of both niches that are ER+ and HER2+."""
    part = _part(pools[Q_V], pools[Q_E])
    er = _of_marrow(pools, R_SENSITIVE, part) + _of_marrow(pools, R_TOLERANT_ER, part)
    return er, _of_marrow(pools, R_HER2, part)


@kernel
def settling_probability(p: Any, traits: Any) -> float:
    """Return the chance that a cell which left the marrow for good settles in viscera."""
    if p.visceral_lodging_probability <= 0.0:
        return 0.0
    heterogeneity = traits.visceral / p.visceral_lodging_probability
    return float(min(1.0, p.visceral_lodging_of_egressed * heterogeneity))


@kernel
def kill_pools(
    pools: NDArray[np.float64],
    marrow_v: float,
    marrow_e: float,
    free: float,
    viscera: float,
    work: NDArray[np.float64],
) -> None:
    """Leave the given fractions of the pools alive, at one moment."""
    pools[Q_V] *= marrow_v
    pools[Q_E] *= marrow_e
    pools[Q_FREE] *= free
    pools[Q_O] *= viscera
    pools[Q_O_MARROW] *= viscera
    for mode in range(MODES):
        pools[Q_MODES_V + mode] *= marrow_v
        pools[Q_MODES_E + mode] *= marrow_e
    clocks = work[2 * MODES + 1 :]
    clocks[4] += -math.log(max(marrow_v, 1e-300))
    clocks[5] += -math.log(max(marrow_e, 1e-300))
    clocks[6] += -math.log(max(viscera, 1e-300))
    clocks[7] += -math.log(max(viscera, 1e-300))


@kernel
def has_kill(modifiers: NDArray[np.float64]) -> bool:
    """Return whether any cytocidal therapy is active."""
    return bool(modifiers[M_KILL] + modifiers[8 + M_KILL] + modifiers[16 + M_KILL] > 0.0)
