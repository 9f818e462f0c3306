"""From a scenario to the arrays of the kernel: all in days and cells, all looked up once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.parameters import ParameterSet
from marrowtrace.simulation.effects import (
    AGENTS,
    ALL_EFFECTS,
    ELIGIBILITY,
    HOMING_EFFECTS,
    TARGETS,
    neutral,
)
from marrowtrace.simulation.layout import THERAPY
from marrowtrace.simulation.therapy import SPECIMENS, Therapy

SUBTYPES = ("er_pos_her2_neg", "er_pos_her2_pos", "er_neg_her2_pos", "triple_negative")

_PLAIN = [
    "age_mean",
    "age_sd",
    "node_intercept",
    "node_size_slope",
    "node_shedding_slope",
    "node_establishment_slope",
    "diameter_at_diagnosis_log_sd",
    "primary_growth_log_sd",
    "reference_tumour_size",
    "shedding_log_sd",
    "shedding_size_exponent",
    "shedding_cap_per_cell",
    "blood_burst_log_sd",
    "blood_volume",
    "shear_death_share",
    "anoikis_death_share",
    "nk_death_share",
    "platelet_coat_fraction",
    "platelet_protection",
    "cluster_fraction",
    "cluster_size_mean",
    "cluster_seeding_multiplier",
    "cluster_half_life_ratio",
    "marrow_lodging_probability",
    "marrow_homing_log_sd",
    "endosteal_share",
    "visceral_lodging_probability",
    "visceral_homing_log_sd",
    "rehoming_probability",
    "visceral_lodging_of_egressed",
    "niche_readiness_gain",
    "perivascular_niche_sites",
    "endosteal_niche_sites",
    "perivascular_egress_rate",
    "endosteal_egress_rate",
    "free_loss_rate",
    "haematopoietic_occupancy",
    "displacement_probability",
    "tsp1_hold",
    "tgfb2_hold",
    "gas6_axl_hold",
    "osteoclast_tgfb_hold",
    "awakening_sprouting_gain",
    "sprouting_level",
    "awakening_osteoclast_gain",
    "osteoclast_level",
    "awakening_norepinephrine_gain",
    "norepinephrine_level",
    "surgery_stress_level",
    "surgery_stress_duration",
    "establishment_log_sd",
    "clone_death_ratio",
    "restricted_fraction",
    "restricted_size",
    "restricted_elimination_rate",
    "growth_hand_over_size",
    "detection_size",
    "lesion_growth_log_sd",
    "lesion_shedding_multiplier",
    "mhc_low_fraction",
    "mhc_low_mutation_rate",
    "nk_kill_multiplier",
    "effector_level",
    "suppressor_level",
    "memory_gain",
    "memory_half_burden",
    "epithelial_share_shed",
    "hybrid_share_shed",
    "mesenchymal_transition_rate",
    "epithelial_transition_rate",
    "stem_like_share_shed",
    "stem_like_gain_rate",
    "osteomimetic_gain_rate",
    "upr_gain_rate",
    "er_loss_rate",
    "er_gain_rate",
    "her2_gain_rate",
    "her2_loss_rate",
    "mutations_per_division",
    "ctc_detection_probability",
    "ctc_false_positives",
    "marrow_cells_screened",
    "marrow_mononuclear_cells",
    "dtc_detection_probability",
    "marrow_site_shape",
    "survival_after_relapse_log_sd",
    "other_death_rate",
    "other_death_reference_age",
    "other_death_doubling_time",
    "chemotherapy_use_node_positive",
    "chemotherapy_use_er_negative",
    "chemotherapy_use_large",
    "chemotherapy_log_kill_mean",
    "chemotherapy_log_kill_sd",
    "chemotherapy_log_kill_min",
    "local_residual_cells",
    "local_lodging_probability",
    "anoikis_protection",
    "mesenchymal_log_sd",
    "mesenchymal_protection",
    "receptor_discordance",
    "endocrine_tolerance_rate",
    "restriction_delay",
    "relapse_growth_factor",
    "driver_sweeps",
    "tsp1_level",
    "tgfb2_level",
    "gas6_axl_level",
    "osteoclast_tgfb_level",
    "homing_cxcr4",
    "homing_sdf1",
    "homing_e_selectin",
    "homing_vla4",
    "homing_fak",
    "homing_integrins",
    "homing_annexin2",
    "homing_stroma",
    "dormancy_shape",
    "dormancy_phases",
    "dormancy_log_sd",
    "redormancy_rate",
    "immune_turnover",
    "immune_stimulation",
    "immune_recall",
    "immune_memory_loss",
]
_BY_SUBTYPE = [
    "primary_growth_rate",
    "shedding_multiplier",
    "perivascular_awakening_rate",
    "endosteal_awakening_rate",
    "perivascular_loss_rate",
    "endosteal_loss_rate",
    "visceral_awakening_rate",
    "visceral_loss_rate",
    "establishment_multiplier",
    "escape_multiplier",
    "lesion_growth_rate",
    "survival_after_relapse_median",
    "subtype_prevalence",
]
_LOGS = (
    "tumour_carrying_capacity",
    "growth_hand_over_size",
    "detection_size",
    "shedding_cap_per_cell",
    "lesion_shedding_multiplier",
    "restricted_size",
    "shedding_onset_size",
    "lesion_shedding_onset_size",
    "reference_tumour_size",
    "niche_readiness_half_size",
    "diameter_at_diagnosis_median",
    "establishment_probability",
    "shedding_rate_reference",
)
_DERIVED = [
    "clearance",
    "readiness_decay",
    "escape",
    "density",
    "log_size_max",
    "large_diameter",
    "bound",
    "horizon",
    "surgery",
    "step",
    "founders_after",
    "entry",
    "resistant_er",
    "resistant_her2",
    "resistance_er",
    "resistance_her2",
    "emt_1",
    "emt_2",
    "left_1e",
    "left_1h",
    "left_1m",
    "left_2e",
    "left_2h",
    "left_2m",
    "right_1e",
    "right_1h",
    "right_1m",
    "right_2e",
    "right_2h",
    "right_2m",
    "limit_e",
    "limit_h",
    "limit_m",
    "homing_reference",
    "mesenchymal_reference",
    "cluster_founders",
    "screened",
    "false_dtc",
    "false_ctc",
    "wait_exponential",
    "log_redormancy_size",
    "immune_dynamic",
]
PARAMETER = np.dtype(
    [(n, np.float64) for n in (*_PLAIN, *_BY_SUBTYPE, *(f"log_{n}" for n in _LOGS), *_DERIVED)]
)
"""All numbers of one subtype, canonical units."""


def _emt(up: float, down: float, out: Any) -> None:
    """Spectral form of the switching E - H - M: limit, two modes and their rates."""
    if up <= 0.0 and down <= 0.0:  # nothing switches: two modes that do not decay
        values = np.zeros(3)
        right = np.array([[1.0, -1.0, -1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    else:  # equal rates both ways along the chain: -(up + down) +- sqrt(up down)
        up, down = max(up, 1e-6 * down), max(down, 1e-6 * up)
        generator = np.array(
            [[-up, down, 0.0], [up, -(up + down), down], [0.0, up, -down]], dtype=np.float64
        )
        values, right = np.linalg.eig(generator)
        order = np.argsort(np.abs(values.real))
        values, right = values.real[order], right.real[:, order]
        right[:, 0] /= right[:, 0].sum()
    left = np.linalg.inv(right)
    for mode in (1, 2):
        out[f"emt_{mode}"] = -values[mode]
        for state, letter in enumerate("ehm"):
            out[f"left_{mode}{letter}"] = left[mode, state]
            out[f"right_{mode}{letter}"] = right[state, mode]
    for state, letter in enumerate("ehm"):
        out[f"limit_{letter}"] = right[state, 0]


def parameters(
    values: ParameterSet,
    therapies: tuple[Therapy, ...],
    *,
    horizon: float,
    surgery: float,
    step: float,
    founders_after_relapse: bool,
    metastatic: bool,
    dynamic_immunity: bool = False,
) -> NDArray[np.void]:
    """Return the numbers of the four subtypes, shape (4,), dtype `PARAMETER`.

    Raises
    ------
    ParameterError
        If a symbol is missing from the set.
    """
    out = np.zeros(4, PARAMETER)

    def get(symbol: str) -> float:
        return values[symbol].canonical

    for name in _PLAIN:
        out[name] = get(name)
    for name in _BY_SUBTYPE:
        out[name] = [get(f"{name}.{subtype}") for subtype in SUBTYPES]
    for name in _LOGS:
        out[f"log_{name}"] = math.log(get(name)) if get(name) > 0.0 else -math.inf
    out["subtype_prevalence"] /= out["subtype_prevalence"].sum()
    half_life = get("ctc_half_life")
    out["clearance"] = math.log(2.0) / half_life if half_life > 0.0 else math.inf
    out["readiness_decay"] = math.log(2.0) / get("niche_readiness_half_life")
    out["escape"] = get("escape_rate") * out["escape_multiplier"]
    out["density"] = get("tumour_cell_density") / 1000.0  # cells per mm3
    out["log_size_max"] = math.log(get("tumour_size_at_diagnosis_max"))
    out["large_diameter"] = get("chemotherapy_large_diameter")
    out["horizon"], out["surgery"], out["step"] = horizon, surgery, step
    out["founders_after"], out["entry"] = founders_after_relapse, metastatic
    out["immune_dynamic"] = dynamic_immunity
    out["bound"] = _bound(values, therapies, dynamic_immunity)
    out["log_redormancy_size"] = math.log(
        min(get("redormancy_size"), get("lesion_shedding_onset_size"), get("detection_size"))
    )
    for target, name in ((1, "er"), (2, "her2")):
        chosen = [t for t in therapies if TARGETS.index(t.acts_on) == target]
        for field in ("resistant_fraction", "resistance_rate"):
            largest = max([t.effects.get(field, 0.0) for t in chosen], default=0.0)
            out[f"{field.split('_')[0]}_{name}"] = largest
    _emt(get("mesenchymal_transition_rate"), get("epithelial_transition_rate"), out)
    out["homing_reference"] = math.prod(get(name) for name in HOMING_EFFECTS)
    out["mesenchymal_reference"] = 1.0 - get("epithelial_share_shed") - get("hybrid_share_shed")
    share, size = get("cluster_fraction"), get("cluster_size_mean")
    by_cluster = share * get("cluster_seeding_multiplier") / size
    out["cluster_founders"] = by_cluster / (1.0 - share + by_cluster) if share > 0.0 else 0.0
    out["screened"] = (
        get("marrow_cells_screened")
        / get("marrow_mononuclear_cells")
        * get("dtc_detection_probability")
    )
    out["false_dtc"] = get("dtc_false_positives") * get("marrow_cells_screened")
    out["false_ctc"] = get("ctc_false_positives") * 7.5
    return out


def _bound(values: ParameterSet, therapies: tuple[Therapy, ...], dynamic: bool) -> float:
    """A bound on what therapies may do to the probability of establishment."""
    bound, suppression = 1.0, 0.0
    for therapy in therapies:
        effects = therapy.effects
        bound *= max(1.0, effects.get("establishment", 1.0))
        bound /= max(1e-3, min(1.0, effects.get("effector", 1.0)))
        suppression += max(0.0, effects.get("suppressor", 0.0))
    level = values["suppressor_level"].canonical
    lost = (1.0 + level + suppression) / (1.0 + level)
    if dynamic:  # where effectors and memory settle without lesions: neither falls below
        recall = min(values["immune_recall"].canonical, 0.999)
        return bound * (lost - recall) / (1.0 - recall)
    return bound * lost


def therapies(chosen: tuple[Therapy, ...]) -> NDArray[np.void]:
    """Return the therapies as an array of dtype `THERAPY`, shape (n_therapies,)."""
    out = np.zeros(len(chosen), THERAPY)
    for row, therapy in zip(out, chosen, strict=True):
        for effect in ALL_EFFECTS:
            row[effect] = therapy.effects.get(effect, neutral(effect))
        row["homing"] = math.prod(therapy.effects.get(name, 1.0) for name in HOMING_EFFECTS)
        row["agent"] = AGENTS.index(therapy.agent)
        row["acts_on"] = TARGETS.index(therapy.acts_on)
        row["eligibility"] = ELIGIBILITY.index(therapy.eligibility)
        for name in ("start", "duration", "cycles", "cycle_length", "uptake", "stopping_rate"):
            row[name] = getattr(therapy, name)
        if therapy.rule is not None:
            row["rule"] = 1 + SPECIMENS.index(therapy.rule.specimen)
            row["rule_day"] = therapy.rule.day
            row["rule_threshold"] = therapy.rule.threshold
            row["rule_delay"] = therapy.rule.delay
    return out
