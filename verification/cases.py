"""The systems of the comparison, each with one number changed that it must notice."""

from __future__ import annotations

from dataclasses import replace

from marrowtrace.simulation.therapy import Rule, Therapy
from verification.systems import (
    DIFFERENT,
    RECEPTORS,
    RESTRICTION,
    YEAR,
    Case,
    given,
    moved,
    system,
    treated,
)
from verification.treatments import (
    bisphosphonate,
    chemotherapy,
    docetaxel,
    endocrine,
    her2_targeted,
    levels,
    radiotherapy,
    transplantation,
)

WAKE = "perivascular_awakening_rate"
WAITS: dict[str, dict[str, float]] = {
    "Weibull": {"dormancy_shape": 0.6},
    "lognormal": {"dormancy_log_sd": 1.2},
    "Erlang": {"dormancy_phases": 3.0},
}
MARROW_ASSAY = {
    "marrow_mononuclear_cells": 1e6,
    "marrow_cells_screened": 4e4,
    "dtc_detection_probability": 0.5,
    "dtc_false_positives": 1e-6,
}
BLOOD_ASSAY = {
    "ctc_half_life": 1.0,
    "blood_volume": 30.0,
    "ctc_detection_probability": 0.6,
    "ctc_false_positives": 0.02,
    "blood_burst_log_sd": 0.4,
}
RESERVOIR = {
    "visceral_lodging_probability": 1e-6,
    "visceral_lodging_of_egressed": 1.0,
    "perivascular_egress_rate": 0.01,
}
ALL_ER = {"subtype_prevalence.er_pos_her2_neg": 1.0, "subtype_prevalence.triple_negative": 0.0}
HER2 = {
    "subtype_prevalence.er_pos_her2_neg": 0.3,
    "subtype_prevalence.er_pos_her2_pos": 0.3,
    "subtype_prevalence.er_neg_her2_pos": 0.4,
    "subtype_prevalence.triple_negative": 0.0,
    "receptor_discordance": 0.1,
    "her2_loss_rate": 0.2 / YEAR,
    "her2_gain_rate": 0.1 / YEAR,
}


def cases() -> dict[str, Case]:
    """Return the systems of the comparison by name."""
    found = [*_disease(), *_waiting(), *_immunity(), *_spread(), *_treated(), *_receptors()]
    found += [*_assigned(), *_timed()]
    return {case.scenario.name: case for case in found}


def _disease() -> list[Case]:
    few = {"perivascular_niche_sites": 60.0, "endosteal_niche_sites": 60.0}
    clusters = {
        "cluster_fraction": 0.3,
        "cluster_size_mean": 6.0,
        "cluster_seeding_multiplier": 20.0,
        "ctc_half_life": 1.0,
    }
    seeds = {"establishment_probability": 0.04}
    return [
        moved(system("no therapy"), WAKE, 1.2),
        moved(system("patients who differ", DIFFERENT), WAKE, 1.2),
        replace(moved(system("few niche sites", few), "endosteal_niche_sites", 1.1), poisson=False),
        moved(system("clusters", clusters), "cluster_fraction", 1.4),
        moved(
            system("no founders after relapse", seeds, founders_after_relapse=False),
            "establishment_probability",
        ),
    ]


def _waiting() -> list[Case]:
    found = []
    for law, shape in WAITS.items():
        dormancy = law.lower()
        found.append(moved(system(f"{law} waits", shape, dormancy=dormancy), WAKE, 1.2))
        drugs = (chemotherapy(), endocrine(), bisphosphonate())
        treated_ = system(
            f"{law} waits, treated",
            shape | {"restricted_fraction": 0.3},
            dormancy=dormancy,
            therapies=drugs,
        )
        found.append(treated(treated_, "clodronate", "marrow_awakening", 0.35))
    return found


def _immunity() -> list[Case]:
    common = {**RESTRICTION, "establishment_probability": 0.05}
    low = {"mhc_low_fraction": 0.3, "mhc_low_mutation_rate": 1e-5}
    memory = {"memory_gain": 3.0, "memory_half_burden": 2000.0}
    return [
        moved(system("restricted lesions", common | low), "escape_rate", 1.5),
        moved(system("immune memory", common | memory), "memory_gain", 0.5),
    ]


def _spread() -> list[Case]:
    sheds = {
        "lesion_shedding_onset_size": 2000.0,
        "shedding_cap_per_cell": 1e-3,
        "lesion_shedding_multiplier": 0.5,
        "relapse_growth_factor": 0.5,
        "ctc_half_life": 0.5,
    }
    seeds = sheds | {"local_lodging_probability": 0.15, "establishment_probability": 0.04}
    bare = system("marrow as the only reservoir", RESERVOIR)
    guarded = system(
        "marrow as the only reservoir, treated there",
        RESERVOIR,
        base="early-breast-reservoir",
        therapies=(bisphosphonate(),),
    )
    return [
        moved(bare, "perivascular_egress_rate", 1.1),
        treated(guarded, "clodronate", "marrow_loss", 1.3 / YEAR),
        moved(system("recirculation", sheds, years=3.0), "lesion_shedding_multiplier", 2.0),
        moved(
            system(
                "seeding of the primary's site",
                seeds,
                surgery=200.0,
                visits=(0.0, 190.0, 400.0),
                years=3.0,
            ),
            "local_lodging_probability",
            1.5,
        ),
    ]


def _treated() -> list[Case]:
    mobilised = system(
        "mobilised into chemotherapy",
        {"perivascular_egress_rate": 0.02, "rehoming_probability": 0.97},
        therapies=(
            Therapy(
                "e_selectin_inhibitor",
                start=20.0,
                duration=100.0,
                effects={"homing_e_selectin": 0.4, "egress": 5.0},
            ),
            chemotherapy(mobilised_kill=0.7),
        ),
    )
    moved_levels = {
        "surgery_stress_level": 1.0,
        "surgery_stress_duration": 30.0,
        "haematopoietic_occupancy": 0.3,
        "niche_readiness_gain": 1.0,
        "mesenchymal_log_sd": 0.5,
        "anoikis_protection": 0.8,
    }
    graft = system(
        "transplantation",
        therapies=(transplantation(),),
        visits=(0.0, 70.0, 2.0 * YEAR),
    )
    return [
        treated(
            system("chemotherapy", {"restricted_fraction": 0.5}, therapies=(chemotherapy(),)),
            "chemotherapy",
            "dormant_kill",
            0.17,
        ),
        treated(
            system(
                "chemotherapy that spares mesenchymal cells",
                {"mesenchymal_protection": 0.7, "mesenchymal_log_sd": 0.5},
                therapies=(chemotherapy(),),
            ),
            "chemotherapy",
            "dormant_kill",
            0.17,
        ),
        treated(
            system("bisphosphonate", therapies=(bisphosphonate(),)),
            "clodronate",
            "marrow_loss",
            1.15 / YEAR,
        ),
        treated(mobilised, "chemotherapy", "mobilised_kill", 0.5),
        treated(graft, "marrow_transplantation", "graft_cells", 15.0),
        moved(
            system(
                "levels",
                moved_levels,
                therapies=levels(),
                surgery=60.0,
                visits=(0.0, 50.0, 180.0, 2.0 * YEAR),
            ),
            "niche_readiness_gain",
            0.85,
        ),
        moved(
            system(
                "neoadjuvant chemotherapy",
                {**RESTRICTION, "establishment_probability": 0.05},
                therapies=(chemotherapy(10.0, shedding=0.5, restricted_kill=0.4),),
                surgery=120.0,
                visits=(0.0, 50.0, 130.0, 2.0 * YEAR),
            ),
            "chemotherapy_log_kill_mean",
            0.7,
        ),
        treated(
            system(
                "cells left by surgery and radiotherapy",
                {
                    "local_residual_cells": 30.0,
                    "local_lodging_probability": 0.05,
                    "establishment_probability": 0.04,
                },
                therapies=(radiotherapy(),),
            ),
            "radiotherapy",
            "local_log_kill",
            0.4,
        ),
    ]


def _receptors() -> list[Case]:
    both = system(
        "chemotherapy and endocrine therapy",
        {"restricted_fraction": 0.3, **RECEPTORS},
        therapies=(chemotherapy(), endocrine()),
    )
    tolerance = system(
        "tolerance",
        {**ALL_ER, "endocrine_tolerance_rate": 1.0 / YEAR},
        therapies=(endocrine(marrow_loss=1.0 / YEAR, visceral_loss=1.0 / YEAR),),
    )
    arising = system(
        "resistance that arises",
        {**ALL_ER, "establishment_probability": 0.05},
        therapies=(
            endocrine(resistant_fraction=0.0, resistance_rate=3e-4, lesion_kill=30.0 / YEAR),
        ),
    )
    trastuzumab = system("HER2-targeted therapy", HER2, therapies=(her2_targeted(),))
    before = system(
        "endocrine therapy before surgery",
        {**ALL_ER, "establishment_probability": 0.05, "ctc_half_life": 1.0},
        therapies=(replace(endocrine(lesion_kill=6.0 / YEAR), start=10.0),),
        surgery=250.0,
        visits=(0.0, 120.0, 240.0, 2.0 * YEAR),
    )
    return [
        treated(both, "endocrine", "marrow_loss", 0.36 / YEAR),
        moved(tolerance, "endocrine_tolerance_rate"),
        treated(arising, "endocrine", "resistance_rate", 4.5e-4),
        treated(trastuzumab, "her2_targeted", "marrow_loss", 1.2 / YEAR),
        treated(before, "endocrine", "resistant_fraction", 0.55),
    ]


def _assigned() -> list[Case]:
    after = Rule("bone_marrow", day=120.0, threshold=2.0, delay=15.0)
    by_marrow = system(
        "docetaxel by a rule on marrow",
        MARROW_ASSAY,
        therapies=(docetaxel(after),),
        visits=(0.0, 250.0, 2.0 * YEAR),
    )
    by_blood = system(
        "docetaxel by a rule on blood",
        BLOOD_ASSAY,
        therapies=(docetaxel(Rule("blood", day=20.0, threshold=1.0, delay=15.0)),),
        surgery=150.0,
        visits=(0.0, 250.0, 2.0 * YEAR),
    )
    guided = replace(chemotherapy(), eligibility="guideline", uptake=1.0)
    guideline = system(
        "chemotherapy by guideline",
        {**DIFFERENT, "chemotherapy_large_diameter": 22.0},
        therapies=(guided,),
    )
    nodes = replace(chemotherapy(), eligibility="node_positive", uptake=0.6)
    adherence = system(
        "uptake by node-positive and ER- patients",
        therapies=(nodes, replace(docetaxel(None), start=150.0, eligibility="er_negative")),
    )
    stopping = system(
        "early stopping",
        therapies=(
            replace(
                endocrine(marrow_loss=1.0 / YEAR, visceral_loss=0.8 / YEAR),
                stopping_rate=1.0 / YEAR,
            ),
            replace(chemotherapy(), stopping_rate=0.02),
        ),
    )
    return [
        moved(by_marrow, "dtc_detection_probability", 1.2),
        moved(by_blood, "ctc_detection_probability", 1.2),
        moved(guideline, "chemotherapy_use_node_positive", 0.8),
        given(adherence, "chemotherapy", "uptake", 0.45),
        given(stopping, "chemotherapy", "stopping_rate", 0.03),
    ]


def _timed() -> list[Case]:
    entry = system(
        "follow-up from metastases",
        {"establishment_probability": 0.2, "ctc_half_life": 0.5},
        therapies=(chemotherapy(), bisphosphonate()),
        surgery=30.0,
        visits=(0.0, 60.0, 400.0),
        years=3.0,
        entry="metastatic",
    )
    return [treated(entry, "chemotherapy", "dormant_kill", 0.2)]
