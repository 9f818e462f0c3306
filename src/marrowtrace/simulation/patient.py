"""Who the patient is: traits, deaths, the tumour's age and sweeps, and the therapies taken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.gompertz import time_between
from marrowtrace.processes.mortality import draw_after_relapse, draw_other_cause
from marrowtrace.simulation.layout import (
    STREAM_DEATHS,
    STREAM_EVOLUTION,
    STREAM_THERAPY,
    STREAM_TRAITS,
)
from marrowtrace.streams import exponential, init, kernel, normal, poisson, uniform

MAX_SWEEPS = 32
GUIDELINE = 1  # place in `effects.ELIGIBILITY`
OLDEST = 200.0 * 365.25  # age of a tumour at diagnosis, at most [day]
_LARGEST_LODGING = 0.95


@kernel
def draw_traits(
    rng: NDArray[np.uint64],
    seed: int,
    patient: int,
    parameters: NDArray[np.void],
    traits: Any,
    sweeps: NDArray[np.float64],
) -> int:
    """Draw one patient and return the subtype.

    Parameters
    ----------
    rng : ndarray of uint64
        Overwritten.
    seed, patient : int
    parameters : ndarray of PARAMETER, shape (4,)
    traits : record of TRAIT
        Set.
    sweeps : ndarray of float64, shape (MAX_SWEEPS,)
        Set to the days of the driver sweeps of the primary, infinity where there is none.
    """
    init(rng, seed, STREAM_TRAITS, patient)
    u = uniform(rng)
    subtype = 0
    below = parameters[0].subtype_prevalence
    while subtype < 3 and u >= below:
        subtype += 1
        below += parameters[subtype].subtype_prevalence
    while subtype > 0 and parameters[subtype].subtype_prevalence <= 0.0:
        subtype -= 1  # rounding at the end of the scale
    p = parameters[subtype]
    traits.subtype = subtype
    traits.er = 1.0 if subtype < 2 else 0.0
    traits.her2 = 1.0 if subtype == 1 or subtype == 2 else 0.0
    z_size, z_shed, z_marrow, z_viscera = normal(rng), normal(rng), normal(rng), normal(rng)
    z_establish, z_primary, z_lesion = normal(rng), normal(rng), normal(rng)
    z_kill, z_emt = normal(rng), normal(rng)
    traits.age = max(0.0, p.age_mean + p.age_sd * normal(rng))
    node = uniform(rng)
    log_diameter = p.log_diameter_at_diagnosis_median + p.diameter_at_diagnosis_log_sd * z_size
    traits.diameter = math.exp(log_diameter)
    traits.log_size = min(math.log(p.density * math.pi / 6.0) + 3.0 * log_diameter, p.log_size_max)
    traits.shedding = p.shedding_multiplier * math.exp(
        p.log_shedding_rate_reference + p.shedding_log_sd * z_shed
    )
    traits.primary_scale = -math.inf
    if traits.shedding > 0.0:
        traits.primary_scale = (
            math.log(traits.shedding) - p.shedding_size_exponent * p.log_reference_tumour_size
        )
    traits.lesion_scale = traits.primary_scale + p.log_lesion_shedding_multiplier
    traits.marrow = min(
        _LARGEST_LODGING, p.marrow_lodging_probability * math.exp(p.marrow_homing_log_sd * z_marrow)
    )
    traits.visceral = min(
        _LARGEST_LODGING,
        p.visceral_lodging_probability * math.exp(p.visceral_homing_log_sd * z_viscera),
    )
    traits.establishment = p.establishment_multiplier * math.exp(
        p.log_establishment_probability + p.establishment_log_sd * z_establish
    )
    traits.primary_rate = p.primary_growth_rate * math.exp(p.primary_growth_log_sd * z_primary)
    traits.lesion_rate = p.lesion_growth_rate * math.exp(p.lesion_growth_log_sd * z_lesion)
    room = p.log_tumour_carrying_capacity - p.log_growth_hand_over_size
    traits.net = traits.lesion_rate * room
    traits.birth = traits.net / (1.0 - p.clone_death_ratio)
    logit = (
        p.node_intercept
        + p.node_size_slope * (traits.log_size - p.log_reference_tumour_size)
        + p.node_shedding_slope * z_shed
        + p.node_establishment_slope * z_establish
    )
    traits.node = 1.0 if node < 1.0 / (1.0 + math.exp(-logit)) else 0.0
    traits.log_kill = max(
        p.chemotherapy_log_kill_min,
        p.chemotherapy_log_kill_mean + p.chemotherapy_log_kill_sd * z_kill,
    )
    _draw_phenotype(z_emt, p, traits)
    traits.primary_x, traits.primary_t, traits.primary_kill = traits.log_size, 0.0, 0.0
    traits.surgery = p.surgery
    traits.stress_end = p.surgery + p.surgery_stress_duration
    traits.relapse, traits.relapse_growth = math.inf, 1.0
    traits.subclones = 0.0
    traits.index_time = math.inf if p.entry > 0.0 else 0.0
    traits.resistant_er = 1.0 if uniform(rng) < p.resistant_er else 0.0
    traits.resistant_her2 = 1.0 if uniform(rng) < p.resistant_her2 else 0.0
    init(rng, seed, STREAM_DEATHS, patient)
    traits.other_death = draw_other_cause(
        rng,
        traits.age,
        p.other_death_rate,
        p.other_death_reference_age,
        p.other_death_doubling_time,
    )
    traits.cancer_death = draw_after_relapse(
        rng, p.survival_after_relapse_median, p.survival_after_relapse_log_sd
    )
    _draw_evolution(rng, seed, patient, p, traits, sweeps)
    return subtype


@kernel
def _draw_phenotype(z: float, p: Any, traits: Any) -> None:
    """Composition of the shed cells and what it does to their survival in the blood."""
    others = p.epithelial_share_shed + p.hybrid_share_shed
    reference = max(0.0, 1.0 - others)
    odds = reference * math.exp(p.mesenchymal_log_sd * z)
    total = odds + others
    traits.mesenchymal = odds / total if total > 0.0 else 0.0
    traits.epithelial = p.epithelial_share_shed / total if total > 0.0 else 0.0
    traits.hybrid = p.hybrid_share_shed / total if total > 0.0 else 0.0
    start = (traits.epithelial, traits.hybrid, traits.mesenchymal)
    traits.mode_1 = p.left_1e * start[0] + p.left_1h * start[1] + p.left_1m * start[2]
    traits.mode_2 = p.left_2e * start[0] + p.left_2h * start[1] + p.left_2m * start[2]
    spared = 1.0 - p.anoikis_protection * reference
    traits.lodging_death = 1.0
    if spared > 0.0:
        traits.lodging_death = (1.0 - p.anoikis_protection * traits.mesenchymal) / spared


@kernel
def _draw_evolution(
    rng: NDArray[np.uint64],
    seed: int,
    patient: int,
    p: Any,
    traits: Any,
    sweeps: NDArray[np.float64],
) -> None:
    """Age of the tumour from its random start, and its driver sweeps."""
    init(rng, seed, STREAM_EVOLUTION, patient)
    limit = exponential(rng) / (1.0 - p.clone_death_ratio)
    begun = min(math.log(max(limit, 1e-12)), traits.log_size)
    grown_in = time_between(
        begun,
        traits.log_size,
        traits.primary_rate,
        p.log_tumour_carrying_capacity,
        p.log_growth_hand_over_size,
    )
    traits.tumour_age = min(OLDEST, grown_in)
    count = min(float(MAX_SWEEPS), poisson(rng, p.driver_sweeps))
    for k in range(MAX_SWEEPS):
        sweeps[k] = math.inf
        if k < count:
            sweeps[k] = -traits.tumour_age * uniform(rng)


@kernel
def choose_therapies(
    rng: NDArray[np.uint64],
    seed: int,
    patient: int,
    therapies: NDArray[np.void],
    windows: NDArray[np.void],
    p: Any,
    traits: Any,
) -> int:
    """Set the windows of the therapies this patient takes and return their number.

    A therapy with a rule waits: its window starts at infinity until the rule's assay; all do where
    follow-up begins with metastases.
    """
    count = 0
    for k in range(therapies.size):
        therapy = therapies[k]
        init(rng, seed, STREAM_THERAPY + therapy.agent, patient)
        u, uptake, patience = uniform(rng), uniform(rng), exponential(rng)
        if therapy.eligibility == GUIDELINE:  # one draw for all agents: that of chemotherapy
            init(rng, seed, STREAM_THERAPY, patient)
            u = uniform(rng)
        if uptake >= therapy.uptake or not _eligible(u, therapy.eligibility, p, traits):
            continue
        window = windows[count]
        window.therapy, window.begun, window.left = k, 0, therapy.cycles
        lasting = therapy.duration
        if therapy.stopping_rate > 0.0:
            lasting = min(lasting, patience / therapy.stopping_rate)
        window.start = therapy.start
        window.stop = window.start + lasting
        window.next = window.start if therapy.cycles > 0 else math.inf
        if therapy.rule != 0 or p.entry > 0.0:
            window.start, window.next = math.inf, math.inf
            window.stop = lasting  # length, until the rule decides or the follow-up begins
        count += 1
    return count


@kernel
def begin_follow_up(
    therapies: NDArray[np.void], windows: NDArray[np.void], count: int, time: float
) -> None:
    """Open the windows that waited for the begin of follow-up at ``time``."""
    for w in range(count):
        window = windows[w]
        therapy = therapies[window.therapy]
        if therapy.rule == 0:
            lasting = window.stop
            window.start = time + therapy.start
            window.stop = window.start + lasting
            window.next = window.start if therapy.cycles > 0 else math.inf


@kernel
def _eligible(u: float, eligibility: int, p: Any, traits: Any) -> bool:
    if eligibility == GUIDELINE:
        by_node = traits.node > 0.0 and u < p.chemotherapy_use_node_positive
        by_receptor = traits.er == 0.0 and u < p.chemotherapy_use_er_negative
        by_size = traits.diameter > p.large_diameter and u < p.chemotherapy_use_large
        return bool(by_node or by_receptor or by_size)
    if eligibility == 2:
        return bool(traits.er > 0.0)
    if eligibility == 3:
        return bool(traits.er == 0.0)
    if eligibility == 4:
        return bool(traits.her2 > 0.0)
    if eligibility == 5:
        return bool(traits.node > 0.0)
    return True
