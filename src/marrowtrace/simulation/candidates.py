"""Candidates: the few disseminated cells that will found a lesion, from lodging to awakening.

Each carries three budgets, drawn once and used up at the rates of the moment: operational time
until it awakens, and exponential ones until it is lost or leaves the marrow. So any change of the
rates is followed exactly, and two arms share a cell's life until their rates differ.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.dormancy import draw_wait
from marrowtrace.processes.shedding import draw_cluster_size
from marrowtrace.simulation.layout import (
    AWAKENING,
    DORMANT,
    EGRESS,
    ENDOSTEAL,
    ER_FLIP,
    FAILED_AWAKENING,
    GONE,
    GROWING,
    HER2_FLIP,
    LOST,
    M_EGRESS,
    M_ESTABLISH,
    M_EXPOSED,
    M_HOMING,
    M_IMMUNE,
    M_LOSS,
    M_MARROW,
    M_READINESS,
    M_RETURN,
    M_VISCERAL,
    M_VISCERAL_LOSS,
    M_WAKE_E,
    M_WAKE_V,
    NOTHING,
    PERIVASCULAR,
    REAWAKENING,
    TOLERANCE,
    VIA_MARROW,
    VISCERAL,
)
from marrowtrace.simulation.lesions import adopt, grow_from_lines, restrict, schedule, sensitive_er
from marrowtrace.simulation.modifiers import (
    factor,
    infinite_if_none,
    lodging_probability,
    nk_sparing,
    rate,
)
from marrowtrace.simulation.pools import settling_probability
from marrowtrace.streams import binomial, exponential, kernel, uniform


@kernel
def begin(
    rng: NDArray[np.uint64], f: Any, time: float, place: int, wait: NDArray[np.float64]
) -> None:
    """Let a candidate lodge in ``place`` at ``time``, with its budgets; `arrive` does the rest."""
    f.state, f.place = DORMANT, place
    f.seeded, f.clock, f.t0 = time, time, time
    f.wait = draw_wait(rng, wait)
    f.loss = exponential(rng)
    f.egress = exponential(rng)


@kernel
def cannot_matter(f: Any, modifiers: NDArray[np.float64], p: Any, edge: float, last: float) -> bool:
    """Return whether a candidate is sure to be lost before it awakens or leaves its place.

    Sure whatever becomes of its receptors: no rate changes before ``edge``, the fastest awakening
    and the slowest loss are taken, and what awakens after ``last`` comes to nothing.
    """
    marrow = f.place == PERIVASCULAR or f.place == ENDOSTEAL
    which = M_MARROW if marrow else M_VISCERAL
    fastest = modifiers[which] * max(1.0, modifiers[8 + which]) * max(1.0, modifiers[16 + which])
    added = M_LOSS if marrow else M_VISCERAL_LOSS
    leave = 0.0
    if f.place == PERIVASCULAR:
        wake = p.perivascular_awakening_rate * modifiers[M_WAKE_V] * fastest
        loss = p.perivascular_loss_rate + modifiers[added]
        leave = p.perivascular_egress_rate
    elif f.place == ENDOSTEAL:
        wake = p.endosteal_awakening_rate * modifiers[M_WAKE_E] * fastest
        loss = p.endosteal_loss_rate + modifiers[added]
        leave = p.endosteal_egress_rate
    else:
        wake = p.visceral_awakening_rate * fastest
        loss = p.visceral_loss_rate + modifiers[added]
    leave *= modifiers[M_EGRESS] * (1.0 - modifiers[M_RETURN])
    earliest = f.seeded + min(infinite_if_none(f.wait, wake), infinite_if_none(f.egress, leave))
    if earliest >= last and last <= edge:
        return True
    return bool(f.seeded + infinite_if_none(f.loss, loss) < min(earliest, edge))


@kernel
def arrive(rng: NDArray[np.uint64], f: Any, source: int, route: int, p: Any, traits: Any) -> None:
    """Give a candidate that has begun its source, receptors and other traits."""
    f.source, f.route = source, route
    f.awakened = f.escaped = f.detected = f.ended = math.nan
    f.escape_cause = f.end_cause = f.detected_flag = f.restrict = f.tolerant = 0
    f.subclone, f.returns = -1, 0
    f.tire, f.rested = math.inf, 0.0
    f.lines = f.limit = f.age = f.kill = f.x = 0.0
    f.emt_1, f.emt_2, f.emt_day = traits.mode_1, traits.mode_2, f.seeded
    flip = uniform(rng) < p.receptor_discordance
    f.er = int((traits.er > 0.0) != flip)
    flip = uniform(rng) < p.receptor_discordance
    f.her2 = int((traits.her2 > 0.0) != flip)
    f.flip_er = f.seeded + _flip_wait(rng, f.er, p.er_gain_rate, p.er_loss_rate)
    f.flip_her2 = f.seeded + _flip_wait(rng, f.her2, p.her2_gain_rate, p.her2_loss_rate)
    f.tolerance = exponential(rng)
    f.mhc_low = int(uniform(rng) < p.mhc_low_fraction)
    f.cells = 1.0
    if uniform(rng) < p.cluster_founders:
        f.cells = draw_cluster_size(rng, p.cluster_size_mean)
    f.resistant_er = int(uniform(rng) < p.resistant_er)
    f.resistant_her2 = int(uniform(rng) < p.resistant_her2)


@kernel
def _flip_wait(rng: NDArray[np.uint64], positive: int, gain: float, loss: float) -> float:
    """Days until a receptor status changes."""
    waited = exponential(rng)
    return infinite_if_none(waited, loss if positive == 1 else gain)


@kernel
def paces(f: Any, modifiers: NDArray[np.float64], p: Any) -> tuple[float, float, float, float]:
    """Rates of operational time, loss, leaving marrow for good, and becoming tolerant [1/day]."""
    er, her2 = sensitive_er(f), f.her2 == 1
    tolerance = 0.0
    if er and modifiers[M_EXPOSED] > 0.0:
        tolerance = p.endocrine_tolerance_rate
    if f.place == PERIVASCULAR or f.place == ENDOSTEAL:
        wake = factor(modifiers, M_MARROW, er, her2)
        loss = rate(modifiers, M_LOSS, er, her2)
        leave = modifiers[M_EGRESS] * (1.0 - modifiers[M_RETURN])
        if f.place == PERIVASCULAR:
            return (
                p.perivascular_awakening_rate * modifiers[M_WAKE_V] * wake,
                p.perivascular_loss_rate + loss,
                p.perivascular_egress_rate * leave,
                tolerance,
            )
        return (
            p.endosteal_awakening_rate * modifiers[M_WAKE_E] * wake,
            p.endosteal_loss_rate + loss,
            p.endosteal_egress_rate * leave,
            tolerance,
        )
    wake = p.visceral_awakening_rate * factor(modifiers, M_VISCERAL, er, her2)
    loss = p.visceral_loss_rate + rate(modifiers, M_VISCERAL_LOSS, er, her2)
    return wake, loss, 0.0, tolerance


@kernel
def use_up(f: Any, time: float, modifiers: NDArray[np.float64], p: Any) -> None:
    """Bring a dormant candidate to ``time`` under the modifiers that held since its clock."""
    wake, loss, leave, tolerance = paces(f, modifiers, p)
    elapsed = time - f.clock
    f.wait -= wake * elapsed
    f.loss -= loss * elapsed
    f.egress -= leave * elapsed
    f.tolerance -= tolerance * elapsed
    f.clock = time


@kernel
def plan(f: Any, modifiers: NDArray[np.float64], p: Any) -> None:
    """Set the next event of a dormant candidate that is at its clock."""
    wake, loss, leave, tolerance = paces(f, modifiers, p)
    f.next, f.event = math.inf, NOTHING
    _sooner(f, f.clock + infinite_if_none(max(f.wait, 0.0), wake), AWAKENING)
    _sooner(f, f.clock + infinite_if_none(max(f.loss, 0.0), loss), LOST)
    _sooner(f, f.clock + infinite_if_none(max(f.egress, 0.0), leave), EGRESS)
    _sooner(f, f.clock + infinite_if_none(max(f.tolerance, 0.0), tolerance), TOLERANCE)
    _sooner(f, max(f.flip_er, f.clock), ER_FLIP)
    _sooner(f, max(f.flip_her2, f.clock), HER2_FLIP)


@kernel
def _sooner(f: Any, time: float, event: int) -> None:
    """Make this the next event if it comes before the one noted."""
    if time < f.next:
        f.next, f.event = time, event


@kernel
def live_through(
    rng: NDArray[np.uint64],
    f: Any,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
    wait: NDArray[np.float64],
) -> int:
    """Carry out the next event of a dormant candidate and return its code.

    An awakening that establishes leaves a lesion; one that does not, and a loss, leave it gone.
    """
    time, event = f.next, f.event
    use_up(f, time, modifiers, p)
    if event == LOST:
        f.state, f.ended, f.end_cause, f.next = GONE, time, LOST, math.inf
        return LOST
    if event == EGRESS and modifiers[M_READINESS] > 1.0:  # a ready niche takes more of them back
        homing = modifiers[M_HOMING] * modifiers[M_READINESS]
        away = 1.0 - lodging_probability(p.rehoming_probability, homing)
        if uniform(rng) * (1.0 - modifiers[M_RETURN]) >= away:
            f.egress = exponential(rng)
            plan(f, modifiers, p)
            return NOTHING
    if event == EGRESS:
        if uniform(rng) >= settling_probability(p, traits):
            f.state, f.ended, f.next = GONE, time, math.inf
            return LOST
        f.place, f.route = VISCERAL, VIA_MARROW
        f.wait = draw_wait(rng, wait)
        f.loss = exponential(rng)
        f.egress = math.inf
        plan(f, modifiers, p)
        return EGRESS
    if event == AWAKENING and not math.isnan(f.awakened):
        return _resume(rng, f, time, modifiers, p, traits)
    if event == AWAKENING:
        return _awaken(rng, f, time, modifiers, p, traits)
    if event == ER_FLIP:
        f.er = 1 - f.er
        f.flip_er = time + _flip_wait(rng, f.er, p.er_gain_rate, p.er_loss_rate)
    elif event == HER2_FLIP:
        f.her2 = 1 - f.her2
        f.flip_her2 = time + _flip_wait(rng, f.her2, p.her2_gain_rate, p.her2_loss_rate)
    elif event == TOLERANCE:
        f.tolerant, f.tolerance = 1, math.inf
    plan(f, modifiers, p)
    return int(event)


@kernel
def _awaken(
    rng: NDArray[np.uint64],
    f: Any,
    time: float,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> int:
    """Let an awakened cell establish a lesion or die out; candidates were thinned at the bound."""
    chance = factor(modifiers, M_ESTABLISH, sensitive_er(f), f.her2 == 1) / modifiers[M_IMMUNE]
    if f.mhc_low == 1:
        chance *= nk_sparing(modifiers, p) * modifiers[M_IMMUNE]
    if uniform(rng) * p.bound >= chance:
        f.state, f.ended, f.next = GONE, time, math.inf
        return FAILED_AWAKENING
    f.awakened, f.clock = time, time
    held = uniform(rng) < p.restricted_fraction
    lines = 1.0 + binomial(rng, f.cells - 1.0, 1.0 - p.clone_death_ratio)
    grow_from_lines(rng, f, time, lines, p)
    if held and f.mhc_low == 0:
        f.restrict = 1
        if p.restriction_delay <= 0.0:
            restrict(rng, f, time)
    if p.redormancy_rate > 0.0:
        f.tire = exponential(rng)
    adopt(rng, f, time, modifiers, p, traits)
    schedule(rng, f, time, modifiers, p, traits)
    return AWAKENING


@kernel
def fall_asleep(
    rng: NDArray[np.uint64],
    f: Any,
    time: float,
    modifiers: NDArray[np.float64],
    p: Any,
    wait: NDArray[np.float64],
) -> None:
    """Let a growing lesion that is at its clock return to dormancy, as one; time stands still."""
    f.state, f.clock = DORMANT, time
    f.returns += 1
    f.wait = draw_wait(rng, wait)
    f.loss = exponential(rng)
    f.egress = math.inf
    f.flip_er = time + _flip_wait(rng, f.er, p.er_gain_rate, p.er_loss_rate)
    f.flip_her2 = time + _flip_wait(rng, f.her2, p.her2_gain_rate, p.her2_loss_rate)
    plan(f, modifiers, p)


@kernel
def _resume(
    rng: NDArray[np.uint64],
    f: Any,
    time: float,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> int:
    """Let a lesion that had returned to dormancy grow on from where it was."""
    f.state = GROWING
    f.rested += time - f.t0
    f.t0 = time
    f.tire = exponential(rng)
    adopt(rng, f, time, modifiers, p, traits)
    schedule(rng, f, time, modifiers, p, traits)
    return REAWAKENING
