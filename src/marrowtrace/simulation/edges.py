"""Moments at which the rates change: windows of therapy, cycles, surgery, rules and relapse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.kill import draw_resistant
from marrowtrace.simulation.candidates import arrive, begin, plan, use_up
from marrowtrace.simulation.layout import (
    CYCLE,
    DIRECT,
    DORMANT,
    ENDOSTEAL,
    FEW,
    GONE,
    KILLED,
    LOCAL,
    LOST,
    M_EGRESS,
    M_KILL,
    MAX_CANDIDATES,
    MODES,
    PERIVASCULAR,
    Q_E,
    Q_MODES_E,
    Q_MODES_V,
    Q_V,
    RESIDUAL,
    RESISTANT_SUBCLONE,
    RESTRICTED,
    RULE_ASSAY,
    STREAM_FOUNDER,
    STREAM_RULES,
    SURGERY,
    THERAPY_START,
    VISCERAL,
)
from marrowtrace.simulation.lesions import (
    adopt,
    cycle,
    grow_from_lines,
    is_lesion,
    schedule,
    settle,
)
from marrowtrace.simulation.modifiers import rate, refresh
from marrowtrace.simulation.phenotypes import spare_mesenchymal
from marrowtrace.simulation.pools import CLOCKS, kill_pools
from marrowtrace.simulation.response import press, react
from marrowtrace.simulation.trace import begin_at, blood, note
from marrowtrace.streams import (
    STATE_WORDS,
    binomial,
    exponential,
    gamma,
    init,
    kernel,
    normal,
    poisson,
    uniform,
)

_LN10 = math.log(10.0)
_STRETCH = 2**26  # blocks of a stream for each hour in which a subclone may arise
_MOBILISED_FOR = 1.0  # day that a cycle's drug meets mobilised cells


@kernel
def next_edge(
    time: float,
    windows: NDArray[np.void],
    count: int,
    therapies: NDArray[np.void],
    traits: Any,
) -> float:
    """Return the first edge after ``time``, infinity if there is none."""
    edge = math.inf
    if traits.surgery > time:
        edge = traits.surgery
    elif traits.stress_end > time:
        edge = traits.stress_end
    for w in range(count):
        window = windows[w]
        if window.start == math.inf:  # waits for its rule
            day = traits.index_time + therapies[window.therapy].rule_day
            if therapies[window.therapy].rule > 0 and day > time:
                edge = min(edge, day)
            continue
        if window.start > time:
            edge = min(edge, window.start)
        elif window.stop > time:
            edge = min(edge, window.stop)
        if window.left > 0 and window.next > time:
            edge = min(edge, window.next)
    return edge


@kernel
def apply_edge(
    seed: int,
    patient: int,
    time: float,
    therapies: NDArray[np.void],
    windows: NDArray[np.void],
    count: int,
    founders: NDArray[np.void],
    states: NDArray[np.uint64],
    used: int,
    ident: int,
    pools: NDArray[np.float64],
    work: NDArray[np.float64],
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
    scratch: NDArray[np.uint64],
    primary: float,
    wait: NDArray[np.float64],
    nodes: NDArray[np.float64],
    node_count: int,
    response: NDArray[np.float64],
    log: NDArray[np.float64],
) -> tuple[int, int, int]:
    """Bring all to ``time``, carry out what is due, and set the modifiers that hold from now on.

    Returns
    -------
    tuple of int, int, int
        Founders in use, the next founder's number, and nodes of past arrivals in use.
    """
    for k in range(used):
        f = founders[k]
        if f.state == DORMANT:
            if f.event == LOST and f.next <= time:  # losses wait to be noted until they matter
                f.state, f.ended, f.next = GONE, f.next, math.inf
            else:
                use_up(f, time, modifiers, p)
        elif f.state != GONE:
            settle(states[k], f, time, modifiers, p, traits)
    if p.immune_dynamic > 0.0:
        react(response, time, modifiers, p)
    traits.primary_x, traits.primary_t = primary, time
    for w in range(count):
        rule = therapies[windows[w].therapy]
        waits = windows[w].start == math.inf and rule.rule > 0
        if waits and traits.index_time + rule.rule_day <= time:
            _decide(
                seed, patient, time, therapies, windows[w], primary, founders, used, pools,
                modifiers, p, traits, scratch, log,
            )  # fmt: skip
    if traits.surgery == time:
        note(log, time, SURGERY, -1, primary)
        traits.primary_x = -math.inf
        used, ident = _deposit(
            seed, patient, time, p.local_residual_cells, LOCAL, founders, states, used, ident,
            p, traits, scratch, wait,
        )  # fmt: skip
    for w in range(count):
        window = windows[w]
        if window.start <= time and window.begun == 0:
            window.begun = 1
            therapy = therapies[window.therapy]
            note(log, time, THERAPY_START, -1, therapy.agent)
            _once(therapy, time, founders, states, used, pools, work, p, traits)
            if therapy.graft_cells > 0.0:
                node_count = _graft(pools, therapy.graft_cells, p, traits, work, nodes, node_count)
                share = p.endosteal_share
                for place in (PERIVASCULAR, ENDOSTEAL):
                    cells = therapy.graft_cells * (share if place == ENDOSTEAL else 1.0 - share)
                    used, ident = _deposit(
                        seed, patient, time, cells, place, founders, states, used, ident,
                        p, traits, scratch, wait,
                    )  # fmt: skip
    restricted = 0.0
    for k in range(used):
        if founders[k].state == RESTRICTED:
            restricted += 1.0
    refresh(
        modifiers, windows, count, therapies, time, p, traits,
        restricted * math.exp(p.log_restricted_size),
    )  # fmt: skip
    if p.immune_dynamic > 0.0:
        press(response, time, restricted * math.exp(p.log_restricted_size), modifiers, p)
    for w in range(count):
        window = windows[w]
        if window.left > 0 and window.next <= time:
            window.left -= 1
            window.next += therapies[window.therapy].cycle_length
            if window.next >= window.stop:
                window.left = 0
            note(log, time, CYCLE, -1, therapies[window.therapy].agent)
            _cycle(
                therapies[window.therapy], time, founders, states, used, pools, work, modifiers,
                p, traits,
            )  # fmt: skip
    kill = modifiers[M_KILL]
    if traits.er > 0.0 and traits.resistant_er == 0.0:
        kill += modifiers[8 + M_KILL]
    if traits.her2 > 0.0 and traits.resistant_her2 == 0.0:
        kill += modifiers[16 + M_KILL]
    traits.primary_kill = kill
    for k in range(used):
        f = founders[k]
        if f.state == DORMANT:
            plan(f, modifiers, p)
        elif f.state != GONE:
            if adopt(states[k], f, time, modifiers, p, traits):
                used = subclone(time, founders, states, k, used, modifiers, p, traits, log)
            schedule(states[k], f, time, modifiers, p, traits)
    return used, ident, node_count


@kernel
def _decide(
    seed: int,
    patient: int,
    time: float,
    therapies: NDArray[np.void],
    window: Any,
    primary: float,
    founders: NDArray[np.void],
    used: int,
    pools: NDArray[np.float64],
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
    rng: NDArray[np.uint64],
    log: NDArray[np.float64],
) -> None:
    """Draw the assay of a rule and open its window if the count reaches the threshold."""
    therapy = therapies[window.therapy]
    begin_at(rng, seed, STREAM_RULES, patient, time)
    if therapy.rule == 1:
        count = count_marrow(rng, pools[Q_V] + pools[Q_E], p)
    else:
        own, others, marrow = blood(primary, time, founders, used, pools, modifiers, p, traits)
        count = count_blood(rng, own + others + marrow, p)
    note(log, time, RULE_ASSAY, -1, count)
    if count >= therapy.rule_threshold:
        lasting = window.stop
        window.start = time + therapy.rule_delay
        window.stop = window.start + lasting
        window.next = window.start if therapy.cycles > 0 else math.inf
    else:
        window.start = -math.inf  # never
        window.stop = -math.inf
        window.begun, window.left = 1, 0


@kernel
def count_marrow(rng: NDArray[np.uint64], cells: float, p: Any) -> float:
    """Draw what a laboratory counts in one aspirate of a marrow that holds ``cells``."""
    site = gamma(rng, p.marrow_site_shape) / p.marrow_site_shape
    return poisson(rng, cells * p.screened * site) + poisson(rng, p.false_dtc)


@kernel
def count_blood(rng: NDArray[np.uint64], cells: float, p: Any) -> float:
    """Draw what a laboratory counts in 7.5 mL of blood when ``cells`` circulate."""
    spread = p.blood_burst_log_sd
    level = math.exp(spread * normal(rng) - 0.5 * spread * spread)
    seen = cells * level * 7.5 / p.blood_volume * p.ctc_detection_probability
    return poisson(rng, seen) + poisson(rng, p.false_ctc)


@kernel
def _deposit(
    seed: int,
    patient: int,
    time: float,
    cells: float,
    place: int,
    founders: NDArray[np.void],
    states: NDArray[np.uint64],
    used: int,
    ident: int,
    p: Any,
    traits: Any,
    rng: NDArray[np.uint64],
    wait: NDArray[np.float64],
) -> tuple[int, int]:
    """Add the candidates among cells left or brought to a place at one moment."""
    if cells <= 0.0:
        return used, ident
    init(rng, seed, STREAM_FOUNDER - 1 - place, patient)
    advantage = p.cluster_seeding_multiplier / p.cluster_size_mean
    average = 1.0 - p.cluster_fraction + p.cluster_fraction * advantage  # against single cells
    number = int(min(1e9, poisson(rng, cells * traits.establishment / average * p.bound)))
    for _ in range(number):
        if used >= founders.size or ident >= MAX_CANDIDATES:
            break  # noted by the engine
        init(states[used], seed, STREAM_FOUNDER + ident, patient)
        route = RESIDUAL if place == LOCAL else DIRECT
        begin(states[used], founders[used], time, place, wait)
        arrive(states[used], founders[used], -1, route, p, traits)
        founders[used].cells = 1.0
        founders[used].ident = ident
        used += 1
        ident += 1
    return used, ident


@kernel
def _graft(
    pools: NDArray[np.float64],
    cells: float,
    p: Any,
    traits: Any,
    work: NDArray[np.float64],
    nodes: NDArray[np.float64],
    node_count: int,
) -> int:
    """Add the cells of a contaminated graft to the marrow; return the nodes of arrivals in use."""
    share = p.endosteal_share
    pools[Q_V] += cells * (1.0 - share)
    pools[Q_E] += cells * share
    for mode in range(5):
        of_shed = traits.mode_1 if mode == 0 else traits.mode_2 if mode == 1 else 1.0
        pools[Q_MODES_V + mode] += cells * (1.0 - share) * of_shed
        pools[Q_MODES_E + mode] += cells * share * of_shed
    if p.wait_exponential > 0.0 or node_count >= nodes.shape[0] - 1:
        return node_count
    node = nodes[node_count]  # they begin to wait now
    for k in range(CLOCKS):
        node[k] = work[2 * MODES + 1 + k]
    node[CLOCKS], node[CLOCKS + 1] = cells * (1.0 - share), cells * share
    node[CLOCKS + 2] = node[CLOCKS + 3] = 0.0
    return node_count + 1


@kernel
def _once(
    therapy: Any,
    time: float,
    founders: NDArray[np.void],
    states: NDArray[np.uint64],
    used: int,
    pools: NDArray[np.float64],
    work: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> None:
    """Kill in marrow and at the primary's site, at the start of a therapy."""
    marrow = math.exp(-_LN10 * therapy.marrow_log_kill)
    local = math.exp(-_LN10 * therapy.local_log_kill)
    if marrow < 1.0:
        kill_pools(pools, marrow, marrow, marrow, 1.0, work)
    if marrow >= 1.0 and local >= 1.0:
        return
    for k in range(used):
        f = founders[k]
        if f.place == LOCAL:
            if f.state == DORMANT:
                if uniform(states[k]) >= local:
                    f.state, f.ended, f.end_cause, f.next = GONE, time, KILLED, math.inf
            elif is_lesion(f) and f.state != RESTRICTED:
                cycle(states[k], f, time, therapy.local_log_kill, p, traits)
        elif (
            marrow < 1.0
            and f.place != VISCERAL
            and f.state == DORMANT
            and uniform(states[k]) >= marrow
        ):
            f.state, f.ended, f.end_cause, f.next = GONE, time, KILLED, math.inf


@kernel
def _cycle(
    therapy: Any,
    time: float,
    founders: NDArray[np.void],
    states: NDArray[np.uint64],
    used: int,
    pools: NDArray[np.float64],
    work: NDArray[np.float64],
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> None:
    """Carry out one cycle of a therapy on primary, pools, candidates and lesions."""
    log10_kill = therapy.log_kill * traits.log_kill
    if log10_kill > 0.0 and traits.primary_x > -math.inf:
        traits.primary_x -= _LN10 * log10_kill
        if traits.primary_x < 0.0:
            traits.primary_x = -math.inf  # gone
    spared = 1.0 - p.mesenchymal_protection * p.mesenchymal_reference
    dormant = min(1.0, therapy.dormant_kill)
    plain = protected = dormant  # in marrow: epithelial and hybrid cells, mesenchymal ones
    if spared > 0.0:
        plain = min(1.0, therapy.dormant_kill / spared)
        protected = min(1.0, therapy.dormant_kill * (1.0 - p.mesenchymal_protection) / spared)
    more = max(0.0, modifiers[M_EGRESS] - 1.0) * _MOBILISED_FOR
    out_v = 1.0 - math.exp(-p.perivascular_egress_rate * more)
    out_e = 1.0 - math.exp(-p.endosteal_egress_rate * more)
    stay_v = 1.0 - out_v * therapy.mobilised_kill
    stay_e = 1.0 - out_e * therapy.mobilised_kill
    if dormant > 0.0 or stay_v < 1.0 or stay_e < 1.0:
        left_v = _spare(pools, Q_V, Q_MODES_V, plain, protected, p)
        left_e = _spare(pools, Q_E, Q_MODES_E, plain, protected, p)
        kill_pools(pools, left_v * stay_v, left_e * stay_e, 1.0 - dormant, 1.0 - dormant, work)
    restricted = therapy.restricted_kill
    if p.chemotherapy_log_kill_mean > 0.0:
        restricted *= 0.5 * traits.log_kill / p.chemotherapy_log_kill_mean
    span, fade_1, fade_2 = 0.0, 1.0, 1.0
    for k in range(used):
        f = founders[k]
        if f.state == DORMANT:
            keep = 1.0 - dormant
            if f.place == PERIVASCULAR or f.place == ENDOSTEAL:
                keep = stay_v if f.place == PERIVASCULAR else stay_e
                if dormant > 0.0:
                    if time - f.emt_day != span:  # one span for all who lived at the last cycle
                        span = time - f.emt_day
                        fade_1, fade_2 = math.exp(-p.emt_1 * span), math.exp(-p.emt_2 * span)
                    f.emt_1 *= fade_1
                    f.emt_2 *= fade_2
                    f.emt_day = time
                    left, f.emt_1, f.emt_2 = spare_mesenchymal(
                        f.emt_1, f.emt_2, plain, protected, p
                    )
                    keep *= left
            if keep < 1.0 and uniform(states[k]) >= keep:
                f.state, f.ended, f.end_cause, f.next = GONE, time, KILLED, math.inf
        elif f.state == RESTRICTED:
            if restricted > 0.0 and uniform(states[k]) < restricted:
                f.state, f.ended, f.end_cause, f.next = GONE, time, KILLED, math.inf
        elif f.state != GONE:
            cycle(states[k], f, time, log10_kill, p, traits)


@kernel
def _spare(
    pools: NDArray[np.float64], place: int, modes: int, plain: float, protected: float, p: Any
) -> float:
    """Set the EMT composition of a niche after a kill by phenotype; return the fraction left."""
    total = pools[place]
    if total <= 0.0:
        return 1.0 - plain
    left, one, two = spare_mesenchymal(
        pools[modes] / total, pools[modes + 1] / total, plain, protected, p
    )
    pools[modes], pools[modes + 1] = one * total, two * total
    return left


@kernel
def subclone(
    time: float,
    founders: NDArray[np.void],
    states: NDArray[np.uint64],
    parent: int,
    used: int,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
    log: NDArray[np.float64],
) -> int:
    """Draw the resistant cells of a lesion whose exposure begins, as a lesion of their own.

    Its stream is a stretch of its parent's, by the hour, and its number is not one of a candidate:
    the lives of others do not depend on it.

    Returns
    -------
    int
        Founders in use, the last of them the subclone if there is one.
    """
    f = founders[parent]
    by_er = rate(modifiers, M_KILL, True, False) > modifiers[M_KILL]
    by_er = by_er and f.er == 1 and f.tolerant == 0 and f.resistant_er == 0
    mutation = p.resistance_er if by_er else p.resistance_her2
    if mutation <= 0.0 or used >= founders.size:
        return used
    cells = f.lines if f.state == FEW else math.exp(f.x)
    death = p.clone_death_ratio * traits.birth
    own, lasting = states[parent], 1.0 - p.clone_death_ratio
    lines = 0.0
    if time > f.awakened:  # else its cells have not divided yet
        resistant = draw_resistant(own, cells, mutation, traits.birth, death, traits.birth, death)
        lines = binomial(own, resistant, lasting)
    if f.kill > 0.0:  # those born while the others die
        lines += poisson(own, mutation * cells * traits.birth / f.kill * lasting)
    if lines <= 0.0:
        return used
    rng = states[used]
    for i in range(STATE_WORDS):
        rng[i] = own[i]
    rng[0] += np.uint64(_STRETCH * (1 + math.floor(24.0 * max(time, 0.0))))
    rng[4] = np.uint64(0)  # not the half of a block that the parent has left
    ident = MAX_CANDIDATES + int(traits.subclones)
    traits.subclones += 1.0
    founders[used] = founders[parent]
    child = founders[used]
    child.ident, child.subclone = ident, f.ident
    if by_er:
        child.resistant_er = 1
    else:
        child.resistant_her2 = 1
    child.detected, child.detected_flag, child.restrict = math.nan, 0, 0
    child.kill, child.returns = 0.0, 0
    if p.redormancy_rate > 0.0:
        child.tire = exponential(rng)
    grow_from_lines(rng, child, time, lines, p)
    note(log, time, RESISTANT_SUBCLONE, ident, f.ident)
    adopt(rng, child, time, modifiers, p, traits)
    schedule(rng, child, time, modifiers, p, traits)
    return used + 1
