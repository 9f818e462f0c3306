"""One patient's life, from the shedding onset of the primary to death or the horizon.

The loop goes from stop to stop: an edge of a therapy, a visit, an event of a candidate or lesion,
or, only while something sheds, one step in its log size. `marrowtrace.simulation.blocks` runs it
over patients; the model is defined in ``docs/model.md``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.gompertz import growth_rate, log_size_at
from marrowtrace.simulation.candidates import arrive, begin, cannot_matter, live_through, plan
from marrowtrace.simulation.edges import apply_edge, next_edge, subclone
from marrowtrace.simulation.events import happen
from marrowtrace.simulation.flux import flux_at, flux_growth
from marrowtrace.simulation.layout import (
    ARRIVAL,
    AWAKENING,
    CANDIDATES,
    CODE,
    COMPLETE,
    DETECTION,
    DIRECT,
    DISTANT,
    DORMANT,
    END,
    ENDOSTEAL,
    ESTABLISHMENT,
    FEW,
    FIRST_LESION,
    GONE,
    GROWING,
    KILLED,
    LESION_LIMIT,
    LIMITED,
    LOCAL,
    LOST,
    M_GROWTH,
    M_READINESS,
    M_SHEDDING,
    MAX_CANDIDATES,
    MAX_EVENTS,
    MAX_STEPS,
    NOT_ENTERED,
    ONSET,
    PERIVASCULAR,
    POOLS,
    RECIRCULATED,
    RESTRICTED,
    RESTRICTION,
    SHRINKING,
    STEP_LIMIT,
    STREAM_ARRIVALS,
    STREAM_FOUNDER,
    VISCERAL,
)
from marrowtrace.simulation.lesions import is_exposed, log_size, shed
from marrowtrace.simulation.modifiers import refresh
from marrowtrace.simulation.patient import begin_follow_up
from marrowtrace.simulation.pools import A_E, A_LOCAL, A_O, A_V, advance, longest_step
from marrowtrace.simulation.receptors import begin_receptors
from marrowtrace.simulation.response import CLOCK, LOOK, press, rest
from marrowtrace.simulation.trace import note, observe, trail
from marrowtrace.streams import exponential, init, kernel, uniform

_ENTRY_WITHIN = 40.0 * 365.25  # metastases must come by then, where follow-up begins with them
_COARSER = 4.0  # steps after relapse, relative to before
_CHECK_EVERY = 30.0  # days between looks at a primary that does not shed yet


@kernel
def primary_size(time: float, p: Any, traits: Any) -> float:
    """Return the log size of the primary, -inf after surgery or when therapy has removed it."""
    if time > traits.surgery or traits.primary_x == -math.inf:
        return -math.inf
    if traits.primary_kill > 0.0:
        size = float(traits.primary_x - traits.primary_kill * (time - traits.primary_t))
        return size if size >= 0.0 else -math.inf
    return float(
        log_size_at(
            traits.primary_x,
            time - traits.primary_t,
            traits.primary_rate,
            p.log_tumour_carrying_capacity,
            p.log_growth_hand_over_size,
        )
    )


@kernel
def _step_limit(
    time: float,
    shedding_primary: bool,
    founders: NDArray[np.void],
    shedders: NDArray[np.int64],
    count: int,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> float:
    """Longest step [day] in which no shedding tumour changes its log size by more than ``step``."""
    longest = math.inf
    if shedding_primary:
        pace = traits.primary_kill
        if pace <= 0.0:
            pace = growth_rate(
                primary_size(time, p, traits),
                traits.primary_rate,
                p.log_tumour_carrying_capacity,
                p.log_growth_hand_over_size,
            )
        if pace > 0.0:
            longest = p.step / pace
    for j in range(count):
        f = founders[shedders[j]]
        pace = f.kill
        if f.state == GROWING:
            pace = modifiers[M_GROWTH] * growth_rate(
                log_size(f, time, modifiers[M_GROWTH], p, traits),
                traits.lesion_rate,
                p.log_tumour_carrying_capacity,
                p.log_growth_hand_over_size,
            )
        if pace > 0.0:
            longest = min(longest, p.step / pace)
    return longest


@kernel
def _before_shedding(f: Any, growth: float, p: Any, traits: Any) -> float:
    """Days that must pass between the next event of a founder and its shedding or detection.

    For a clone that starts from few cells the limit W is taken to be below 40 + 2 per founding
    cell, which fails once in 1e17.
    """
    if f.event == ONSET or f.event == DETECTION:
        return 0.0
    if f.event == KILLED:
        return math.inf
    size = p.log_restricted_size
    if f.state == DORMANT and not math.isnan(f.awakened):
        size = f.x
    elif f.state == DORMANT:
        size = math.log((40.0 + 2.0 * f.cells) / (1.0 - p.clone_death_ratio))
    elif f.state != RESTRICTED and f.event != RESTRICTION:
        return 0.0
    pace = traits.net * growth
    room = min(p.log_lesion_shedding_onset_size, p.log_detection_size) - size
    return room / pace if room > 0.0 and pace > 0.0 else 0.0


@kernel
def _note_next(
    k: int,
    founders: NDArray[np.void],
    nexts: NDArray[np.float64],
    stops: NDArray[np.float64],
    growth: float,
    p: Any,
    traits: Any,
) -> None:
    """Note when the next event of a founder is due, and by when the engine must stop for it."""
    f = founders[k]
    nexts[k] = stops[k] = math.inf
    silent = f.event == LOST and math.isnan(f.awakened)  # need not be noted when it happens
    if f.state != GONE and not silent:
        nexts[k] = f.next
        stops[k] = f.next + _before_shedding(f, growth, p, traits)


@kernel
def _sheds_now(f: Any, time: float, growth: float, p: Any, traits: Any) -> bool:
    """Return whether a lesion is above its shedding onset."""
    if f.state != GROWING and f.state != SHRINKING:
        return False
    return bool(log_size(f, time, growth, p, traits) >= p.log_lesion_shedding_onset_size - 1e-6)


@kernel
def _survey(
    time: float,
    founders: NDArray[np.void],
    used: int,
    nexts: NDArray[np.float64],
    stops: NDArray[np.float64],
    shedders: NDArray[np.int64],
    free: NDArray[np.int64],
    growth: float,
    p: Any,
    traits: Any,
) -> tuple[int, int]:
    """After an edge: what is due when, which lesions shed, and which places are free."""
    shedding, vacant = 0, 0
    for k in range(used):
        f = founders[k]
        _note_next(k, founders, nexts, stops, growth, p, traits)
        if f.state == GONE and math.isnan(f.awakened):
            free[vacant] = k
            vacant += 1
        elif _sheds_now(f, time, growth, p, traits):
            shedders[shedding] = k
            shedding += 1
    return shedding, vacant


@kernel
def _last_founding(founders: NDArray[np.void], used: int, end: float) -> float:
    """Day after which no awakening can matter: the end, or a distant relapse already certain."""
    last = end
    for k in range(used):
        f = founders[k]
        if f.event == DETECTION and f.place != LOCAL and f.state == GROWING:
            last = min(last, f.next)
    return last


@kernel
def live(
    seed: int,
    patient: int,
    p: Any,
    traits: Any,
    start: float,
    therapies: NDArray[np.void],
    windows: NDArray[np.void],
    window_count: int,
    visits: NDArray[np.float64],
    wait: NDArray[np.float64],
    founders: NDArray[np.void],
    states: NDArray[np.uint64],
    nexts: NDArray[np.float64],
    stops: NDArray[np.float64],
    shedders: NDArray[np.int64],
    free: NDArray[np.int64],
    arrivals: NDArray[np.uint64],
    bursts: NDArray[np.uint64],
    scratch: NDArray[np.uint64],
    pools: NDArray[np.float64],
    modifiers: NDArray[np.float64],
    arrived: NDArray[np.float64],
    work: NDArray[np.float64],
    nodes: NDArray[np.float64],
    response: NDArray[np.float64],
    burdens: NDArray[np.float32],
    summary: NDArray[np.float64],
    log: NDArray[np.float64],
    path: NDArray[np.float64],
) -> int:
    """Run one patient from ``start`` and return the number of founders in use.

    ``summary`` is set to the code, the end, the number of candidates, the local relapse and the
    distant relapses by site with the founder of the first. The arrays are workspace, see `blocks`.
    """
    for i in range(POOLS):
        pools[i] = 0.0
    for i in range(work.size):
        work[i] = 0.0
    begin_receptors(pools, traits.er, traits.her2)
    modifiers[M_READINESS] = 1.0
    init(arrivals, seed, STREAM_ARRIVALS, patient)
    time, used, ident, node_count = start, 0, 0, 0
    shedding_lesions, vacant = 0, 0
    expected, next_arrival = 0.0, exponential(arrivals)
    chance = traits.establishment * p.bound
    visit, code, limited = 0, COMPLETE, math.inf
    closed, remembers = False, p.memory_gain > 0.0 or p.immune_dynamic > 0.0
    plateau, corner = p.log_tumour_carrying_capacity, p.log_growth_hand_over_size
    end = min(p.horizon if p.entry == 0.0 else _ENTRY_WITHIN, traits.other_death)
    last = end
    refresh(modifiers, windows, window_count, therapies, time, p, traits, 0.0)
    rest(response, time)
    if p.immune_dynamic > 0.0:
        press(response, time, 0.0, modifiers, p)
    edge = min(next_edge(time, windows, window_count, therapies, traits), response[CLOCK, LOOK])
    for i in range(summary.size):
        summary[i] = math.inf
    steps, events = 0, 0
    while True:
        steps += 1
        sheds = False
        stop = min(edge, end)
        if visit < visits.size:
            stop = min(stop, traits.index_time + visits[visit])
        if time < 0.0:
            stop = min(stop, 0.0)
        if time < traits.surgery:
            sheds = primary_size(time, p, traits) >= p.log_shedding_onset_size - 1e-9
            if not sheds:  # it may still come to shed
                stop = min(stop, time + _CHECK_EVERY)
        if sheds or shedding_lesions > 0:
            limit = _step_limit(
                time, sheds, founders, shedders, shedding_lesions, modifiers, p, traits
            )
            if closed:
                limit *= _COARSER  # what is shed now only adds to burdens
            stop = min(stop, time + limit)
        if p.wait_exponential == 0.0:
            stop = min(stop, time + longest_step(modifiers, p))
        if sheds or shedding_lesions > 0:  # the steps are short: only a relapse needs its own
            if summary[DISTANT] == math.inf:
                stop = min(stop, last)
        else:
            for k in range(used):
                stop = min(stop, stops[k])
        if remembers:
            for k in range(used):
                if founders[k].state != DORMANT and founders[k].state != FEW:
                    stop = min(stop, nexts[k])
        stop = max(stop, time)
        length = stop - time
        if length > 0.0:
            # ---- what is shed, in mid-step
            middle = time + 0.5 * length
            from_primary, drive, rise = 0.0, 0.0, 0.0
            if time < traits.surgery:
                size = primary_size(middle, p, traits)
                from_primary = modifiers[M_SHEDDING] * flux_at(
                    size, p.log_shedding_onset_size, traits.primary_scale, p
                )
                pace = -traits.primary_kill
                if pace >= 0.0:
                    pace = growth_rate(size, traits.primary_rate, plateau, corner)
                rise = from_primary * flux_growth(size, pace, traits.primary_scale, p)
                if p.niche_readiness_gain > 0.0:
                    drive = 1.0 / (1.0 + math.exp(p.log_niche_readiness_half_size - size))
            flux = from_primary
            for j in range(shedding_lesions):
                f = founders[shedders[j]]
                amount = shed(f, middle, modifiers, p, traits)
                size = log_size(f, middle, modifiers[M_GROWTH], p, traits)
                pace = -f.kill
                if f.state == GROWING:
                    pace = growth_rate(
                        size, traits.lesion_rate * modifiers[M_GROWTH], plateau, corner
                    )
                flux += amount
                rise += amount * flux_growth(size, pace, traits.lesion_scale, p)
            rise = rise / flux if flux > 0.0 else 0.0
            node_count = advance(
                pools, arrived, length, flux, rise, drive, modifiers, p, traits, work, wait, nodes,
                node_count,
            )  # fmt: skip
            # ---- candidates among what lodged
            if time < traits.surgery:
                arrived[A_LOCAL] = 0.0  # at the primary's site before surgery: part of the primary
            fresh = arrived[A_V] + arrived[A_E] + arrived[A_O] + arrived[A_LOCAL]
            mean = fresh * chance
            if closed:
                mean = 0.0
            from_when = time
            while mean > 0.0 and next_arrival <= expected + mean:
                slot = used if vacant == 0 else free[vacant - 1]
                if slot >= founders.size or ident >= MAX_CANDIDATES:  # go on without new ones
                    code, limited = LESION_LIMIT, min(limited, time)
                    next_arrival = math.inf
                    break
                when = from_when + (stop - from_when) * min(1.0, (next_arrival - expected) / mean)
                mean = max(0.0, mean - (next_arrival - expected))
                expected, from_when = next_arrival, when
                next_arrival += exponential(arrivals)
                rng, f = states[slot], founders[slot]
                init(rng, seed, STREAM_FOUNDER + ident, patient)
                f.ident = ident
                ident += 1
                begin(rng, f, when, _place(uniform(rng) * fresh, arrived), wait)
                if cannot_matter(f, modifiers, p, edge, end if p.founders_after > 0.0 else last):
                    f.state, f.awakened = GONE, math.nan  # the place stays free
                    continue
                source = _source(
                    uniform(rng) * flux, from_primary, founders, shedders, shedding_lesions,
                    middle, modifiers, p, traits,
                )  # fmt: skip
                arrive(rng, f, source, DIRECT if source < 0 else RECIRCULATED, p, traits)
                plan(f, modifiers, p)
                note(log, when, ARRIVAL, f.ident, f.place)
                _note_next(slot, founders, nexts, stops, modifiers[M_GROWTH], p, traits)
                if vacant > 0:
                    vacant -= 1
                else:
                    used += 1
            expected += mean
        time = stop
        # ---- what happens up to now
        changed = False  # whether immune memory must be taken anew
        k = -1
        while k + 1 < used:  # more may come on the way
            k += 1
            if nexts[k] > time:
                continue
            f = founders[k]
            shed_before = _sheds_now(f, f.t0, modifiers[M_GROWTH], p, traits)
            while nexts[k] <= time and events <= MAX_EVENTS:
                events += 1
                was_restricted, was_exposed = f.state == RESTRICTED, is_exposed(f)
                if f.state == DORMANT:
                    event = live_through(states[k], f, modifiers, p, traits, wait)
                    noted = ESTABLISHMENT if event == AWAKENING else event
                    note(log, f.clock, noted, f.ident, f.place)
                    if event == AWAKENING:
                        summary[FIRST_LESION] = min(summary[FIRST_LESION], f.awakened)
                else:
                    happen(states[k], f, modifiers, p, traits, summary, wait, log)
                changed |= remembers and was_restricted != (f.state == RESTRICTED)
                _note_next(k, founders, nexts, stops, modifiers[M_GROWTH], p, traits)
                if is_exposed(f) and not was_exposed:
                    before = used
                    used = subclone(f.t0, founders, states, k, used, modifiers, p, traits, log)
                    if used > before:
                        _note_next(before, founders, nexts, stops, modifiers[M_GROWTH], p, traits)
                        if _sheds_now(founders[before], f.t0, modifiers[M_GROWTH], p, traits):
                            shedders[shedding_lesions] = before
                            shedding_lesions += 1
                        if used >= founders.size and code == COMPLETE:
                            code, limited = LESION_LIMIT, f.t0
            if f.state == GONE and math.isnan(f.awakened):
                free[vacant] = k
                vacant += 1
            elif not shed_before and _sheds_now(f, time, modifiers[M_GROWTH], p, traits):
                shedders[shedding_lesions] = k
                shedding_lesions += 1
            if f.state == GROWING and f.event == DETECTION and f.place != LOCAL:
                last = min(last, f.next)
        if not closed and p.founders_after == 0.0 and summary[DISTANT] < math.inf:
            closed, vacant = True, 0  # a lesion is large enough to be seen: no more founders
            for k in range(used):
                if founders[k].state == DORMANT and math.isnan(founders[k].awakened):
                    founders[k].state, founders[k].next = GONE, math.inf
                    nexts[k] = stops[k] = math.inf
        relapsed = traits.relapse == math.inf and summary[DISTANT] <= time
        if relapsed:
            traits.relapse = summary[DISTANT]
            traits.relapse_growth = p.relapse_growth_factor
            if p.entry > 0.0:
                traits.index_time = time
                end = min(time + p.horizon, traits.other_death)
                begin_follow_up(therapies, windows, window_count, time)
            end = min(end, traits.relapse + traits.cancer_death)
            observe(
                burdens[visits.size], bursts, seed, patient, time, primary_size(time, p, traits),
                founders, used, pools, modifiers, p, traits,
            )  # fmt: skip
        while visit < visits.size and traits.index_time + visits[visit] <= time:
            observe(
                burdens[visit], bursts, seed, patient, time, primary_size(time, p, traits),
                founders, used, pools, modifiers, p, traits,
            )  # fmt: skip
            visit += 1
        if path.shape[0] > 0:
            trail(
                path, time, primary_size(time, p, traits), founders, used, pools, modifiers, p,
                traits,
            )  # fmt: skip
        if time >= end:
            break
        if steps >= MAX_STEPS or events > MAX_EVENTS or node_count >= nodes.shape[0] - 1:
            code, end, limited = STEP_LIMIT, time, time
            break
        if edge <= time or relapsed or changed:
            used, ident, node_count = apply_edge(
                seed, patient, time, therapies, windows, window_count, founders, states, used,
                ident, pools, work, modifiers, p, traits, scratch, primary_size(time, p, traits),
                wait, nodes, node_count, response, log,
            )  # fmt: skip
            if used >= founders.size and code == COMPLETE:
                code, limited = LESION_LIMIT, time
            edge = next_edge(time, windows, window_count, therapies, traits)
            edge = min(edge, response[CLOCK, LOOK])
            shedding_lesions, vacant = _survey(
                time, founders, used, nexts, stops, shedders, free, modifiers[M_GROWTH], p, traits
            )
            last = end
            if summary[DISTANT] == math.inf:
                last = _last_founding(founders, used, end)
    if traits.index_time == math.inf and code != STEP_LIMIT:
        code = NOT_ENTERED
    summary[CODE], summary[END], summary[CANDIDATES] = code, end, ident
    summary[LIMITED] = limited
    return used


@kernel
def _place(u: float, arrived: NDArray[np.float64]) -> int:
    """Where a candidate lodged, in proportion to what lodged."""
    if u < arrived[A_V]:
        return PERIVASCULAR
    u -= arrived[A_V]
    if u < arrived[A_E]:
        return ENDOSTEAL
    u -= arrived[A_E]
    return VISCERAL if u < arrived[A_O] or arrived[A_LOCAL] <= 0.0 else LOCAL


@kernel
def _source(
    u: float,
    from_primary: float,
    founders: NDArray[np.void],
    shedders: NDArray[np.int64],
    count: int,
    time: float,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> int:
    """Which tumour a cell came from: -1 for the primary, else the lesion's number."""
    u -= from_primary
    if u < 0.0:
        return -1
    last = -1
    for j in range(count):
        f = founders[shedders[j]]
        amount = shed(f, time, modifiers, p, traits)
        if amount > 0.0:
            last = f.ident
            u -= amount
            if u < 0.0:
                break
    return last
