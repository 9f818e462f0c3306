"""The kernel: a block of patients, one after another, into arrays. It holds no Python lock."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marrowtrace.processes.gompertz import time_between
from marrowtrace.processes.mutation import draw_along_line
from marrowtrace.simulation.engine import live
from marrowtrace.simulation.layout import (
    BONE,
    BURDENS,
    CANDIDATES,
    CODE,
    DISTANT,
    DORMANT,
    END,
    FIRST_LESION,
    FOUNDER,
    LESION,
    LIMITED,
    LOCAL_RELAPSE,
    M_GROWTH,
    MAX_FOUNDERS,
    MAX_WINDOWS,
    MODES,
    MODIFIERS,
    ORIGIN,
    PATIENTS,
    POOLS,
    SITE,
    SUMMARY,
    TRAIT,
    VISCERAL_RELAPSE,
    WINDOW,
)
from marrowtrace.simulation.lesions import log_size
from marrowtrace.simulation.patient import MAX_SWEEPS, choose_therapies, draw_traits
from marrowtrace.simulation.pools import ARRIVALS, CLOCKS, MAX_NODES, NODE_FIELDS
from marrowtrace.simulation.response import RESPONSE_SHAPE
from marrowtrace.streams import STATE_WORDS, kernel

_COLUMNS = len(PATIENTS)
_BURDENS = len(BURDENS)
_EVER = 1e-3  # a primary that sheds nothing before diagnosis starts this early [day]


@kernel
def _start(p: Any, traits: Any) -> float:
    """Day on which the primary begins to shed, just before diagnosis if it has not yet."""
    if traits.log_size <= p.log_shedding_onset_size:
        return -_EVER
    span = time_between(
        max(p.log_shedding_onset_size, 0.0),
        traits.log_size,
        traits.primary_rate,
        p.log_tumour_carrying_capacity,
        p.log_growth_hand_over_size,
    )
    return float(-max(_EVER, min(span, traits.tumour_age)))


@kernel
def _write_patient(
    out: NDArray[np.float64],
    summary: NDArray[np.float64],
    windows: NDArray[np.void],
    count: int,
    therapies: NDArray[np.void],
    sweeps: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> None:
    """Fill one row of the patients' columns (`layout.PATIENTS`)."""
    out[0], out[1], out[2], out[3] = (
        traits.subtype,
        traits.age,
        traits.diameter,
        traits.log_size,
    )
    out[4], out[5], out[6], out[7] = traits.node, traits.shedding, traits.marrow, traits.visceral
    out[8], out[9] = traits.establishment, traits.tumour_age
    out[10] = out[11] = out[12] = out[13] = 0.0
    for w in range(count):
        therapy = therapies[windows[w].therapy]
        taken = math.isfinite(windows[w].start)
        if taken and therapy.agent == 0:
            out[10] = 1.0
        elif taken and therapy.agent == 2:
            out[11] = 1.0
        elif taken and therapy.agent == 3:
            out[12] = 1.0
        if taken and therapy.rule > 0:
            out[13] = 1.0
    out[14] = 1.0 if summary[DISTANT] <= 0.0 else 0.0
    out[15], out[16], out[17] = summary[FIRST_LESION], summary[LOCAL_RELAPSE], summary[DISTANT]
    relapsed = summary[DISTANT] < math.inf
    out[18] = summary[SITE] if relapsed else -1.0
    out[19] = summary[ORIGIN] if relapsed else -1.0
    out[20], out[21] = summary[BONE], summary[VISCERAL_RELAPSE]
    cancer = summary[DISTANT] + traits.cancer_death
    out[22], out[23] = math.inf, 0.0
    if min(cancer, traits.other_death) <= summary[END]:
        out[22] = min(cancer, traits.other_death)
        out[23] = 1.0 if cancer <= traits.other_death else 2.0
    out[24], out[25] = summary[END], summary[CODE]
    drivers = 0.0
    for k in range(MAX_SWEEPS):
        if sweeps[k] < 0.0:
            drivers += 1.0
    out[26] = drivers
    out[28], out[29], out[30] = summary[CANDIDATES], traits.other_death, summary[LIMITED]
    out[31] = traits.index_time


@kernel
def _write_lesion(
    row: Any,
    patient: int,
    f: Any,
    rng: NDArray[np.uint64],
    end: float,
    growth: float,
    sweeps: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> None:
    """Fill one row of the lesions (dtype `layout.LESION`)."""
    row.patient, row.place, row.origin, row.source = patient, f.place, f.route, f.source
    row.record, row.subclone_of = f.ident, f.subclone
    row.restricted = 1 if (f.restrict == 1 or f.escape_cause > 0 or f.state == 4) else 0
    row.escape_cause, row.end_cause = f.escape_cause, f.end_cause
    row.er, row.her2, row.mhc_low = f.er, f.her2, f.mhc_low
    row.resistant = 1 if f.resistant_er + f.resistant_her2 + f.tolerant > 0 else 0
    row.founding_cells, row.returns = f.cells, min(f.returns, 127)
    row.seeded, row.awakened, row.escaped = f.seeded, f.awakened, f.escaped
    row.detected, row.ended = f.detected, f.ended
    last = end if math.isnan(f.ended) else f.ended
    row.log_size = log_size(f, max(last, f.t0), growth, p, traits)
    turnover = (
        traits.primary_rate
        * (p.log_tumour_carrying_capacity - p.log_growth_hand_over_size)
        / (1.0 - p.clone_death_ratio)
    )
    left = min(f.seeded, traits.surgery)
    age = max(0.0, left + traits.tumour_age)
    row.mutations_at_departure = draw_along_line(rng, p.mutations_per_division, turnover, age)
    sampled = last if math.isnan(f.detected) else f.detected
    rested = f.rested
    if f.state == DORMANT:
        rested += last - f.t0
    row.mutations_private = draw_along_line(
        rng, p.mutations_per_division, traits.birth, max(0.0, sampled - f.awakened - rested)
    )
    drivers, missed = 0.0, 0
    for k in range(MAX_SWEEPS):
        if sweeps[k] <= left:
            drivers += 1.0
        elif sweeps[k] < 0.0:
            missed = 1
    row.drivers, row.parallel = drivers, missed


@njit(cache=True)
def _grown(lesions: NDArray[np.void]) -> NDArray[np.void]:
    larger = np.zeros(2 * lesions.size, LESION)
    for k in range(lesions.size):
        larger[k] = lesions[k]
    return larger


@njit(cache=True, nogil=True)
def simulate_block(
    seed: int,
    numbers: NDArray[np.int64],
    parameters: NDArray[np.void],
    therapies: NDArray[np.void],
    visits: NDArray[np.float64],
    wait: NDArray[np.float64],
    log: NDArray[np.float64],
    path: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.void], NDArray[np.int64]]:
    """Simulate the patients of these numbers.

    Parameters
    ----------
    seed : int
    numbers : ndarray of int64, shape (count,)
    parameters : ndarray of PARAMETER, shape (4,)
    therapies : ndarray of THERAPY, shape (n_therapies,)
    visits : ndarray of float64, shape (n_visits,)
        [day], ascending, >= 0.
    wait : ndarray of float64
        Waiting law of mean 1.
    log, path : ndarray of float64, shape (n, 4) and (n, len(TRAIL))
        Events and trajectory, for a single patient; of length 0 to keep none.

    Returns
    -------
    patients : ndarray of float64, shape (count, len(PATIENTS))
    burdens : ndarray of float32, shape (count, n_visits + 1, len(BURDENS))
        NaN after the end; the last row is at the first distant relapse.
    lesions : ndarray of LESION
        In order of patients.
    lesion_counts : ndarray of int64, shape (count,)
    """
    count = numbers.size
    patients = np.empty((count, _COLUMNS))
    burdens = np.full((count, visits.size + 1, _BURDENS), np.nan, np.float32)
    lesions = np.zeros(4 * count + 64, LESION)
    counts = np.zeros(count, np.int64)
    filled = 0
    trait_array = np.zeros(1, TRAIT)
    windows = np.zeros(MAX_WINDOWS, WINDOW)
    founders = np.zeros(MAX_FOUNDERS, FOUNDER)
    states = np.zeros((MAX_FOUNDERS, STATE_WORDS), np.uint64)
    nexts = np.zeros(MAX_FOUNDERS)
    stops = np.zeros(MAX_FOUNDERS)
    shedders = np.zeros(MAX_FOUNDERS, np.int64)
    free = np.zeros(MAX_FOUNDERS, np.int64)
    arrivals = np.zeros(STATE_WORDS, np.uint64)
    bursts = np.zeros(STATE_WORDS, np.uint64)
    scratch = np.zeros(STATE_WORDS, np.uint64)
    pools = np.zeros(POOLS)
    modifiers = np.zeros(MODIFIERS)
    arrived = np.zeros(ARRIVALS)
    work = np.zeros(2 * MODES + 1 + CLOCKS)
    nodes = np.zeros((MAX_NODES if parameters[0].wait_exponential == 0.0 else 2, NODE_FIELDS))
    response = np.zeros(RESPONSE_SHAPE)
    sweeps = np.zeros(MAX_SWEEPS)
    summary = np.zeros(SUMMARY)
    for i in range(count):
        patient = numbers[i]
        traits = trait_array[0]
        subtype = draw_traits(scratch, seed, patient, parameters, traits, sweeps)
        p = parameters[subtype]
        window_count = choose_therapies(scratch, seed, patient, therapies, windows, p, traits)
        used = live(
            seed, patient, p, traits, _start(p, traits), therapies, windows, window_count,
            visits, wait, founders, states, nexts, stops, shedders, free, arrivals, bursts,
            scratch, pools, modifiers, arrived, work, nodes, response, burdens[i], summary,
            log, path,
        )  # fmt: skip
        _write_patient(patients[i], summary, windows, window_count, therapies, sweeps, p, traits)
        turnover = (
            traits.primary_rate
            * (p.log_tumour_carrying_capacity - p.log_growth_hand_over_size)
            / (1.0 - p.clone_death_ratio)
        )
        patients[i, 27] = p.mutations_per_division * 2.0 * turnover * traits.tumour_age
        for k in range(used):
            if math.isnan(founders[k].awakened):
                continue
            if filled == lesions.size:
                lesions = _grown(lesions)
            _write_lesion(
                lesions[filled], patient, founders[k], states[k], summary[END],
                modifiers[M_GROWTH], sweeps, p, traits,
            )  # fmt: skip
            filled += 1
            counts[i] += 1
    return patients, burdens, lesions[:filled].copy(), counts
