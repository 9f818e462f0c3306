"""What a therapy may change: the named effects, how several therapies combine, and who is eligible.

Effects that multiply are 1 when absent, the others 0. The first eight act on the cells that the
therapy acts on (all, ER+ or HER2+ cells); the others on the patient.
"""

from __future__ import annotations

CELL_EFFECTS = (
    "marrow_awakening",
    "visceral_awakening",
    "establishment",
    "escape",
    "marrow_loss",
    "visceral_loss",
    "restricted_elimination",
    "lesion_kill",
)
"""Effects on single cells and lesions: four factors, then four rates [1/day]."""

HOMING_EFFECTS = (
    "homing_cxcr4",
    "homing_sdf1",
    "homing_e_selectin",
    "homing_vla4",
    "homing_fak",
    "homing_integrins",
    "homing_annexin2",
    "homing_stroma",
)
"""Factors of the rate of lodging in marrow."""

LEVEL_FACTORS = (
    "egress",
    "norepinephrine",
    "tsp1",
    "tgfb2",
    "gas6_axl",
    "osteoclast_tgfb",
    "platelet_coat",
    "nk",
    "effector",
    "lesion_growth",
    "shedding",
    "haematopoietic_occupancy",
)
"""Factors of levels of the patient."""

LEVEL_SHIFTS = ("sprouting", "osteoclast", "suppressor")
"""Added to levels of the patient."""

CYCLE_EFFECTS = ("log_kill", "dormant_kill", "restricted_kill", "mobilised_kill")
"""At each cycle: in units of the patient's own log-kill, and probabilities."""

START_EFFECTS = ("marrow_log_kill", "local_log_kill", "graft_cells")
"""Once, at the start: powers of ten killed, and cells returned."""

RESISTANCE_EFFECTS = ("resistant_fraction", "resistance_rate")
"""Lesions resistant to `lesion_kill` from the start, and resistant cells per division."""

FACTORS = (*CELL_EFFECTS[:4], *HOMING_EFFECTS, *LEVEL_FACTORS)
ALL_EFFECTS = (
    *CELL_EFFECTS,
    *HOMING_EFFECTS,
    *LEVEL_FACTORS,
    *LEVEL_SHIFTS,
    *CYCLE_EFFECTS,
    *START_EFFECTS,
    *RESISTANCE_EFFECTS,
)
PROBABILITIES = ("dormant_kill", "restricted_kill", "mobilised_kill", "resistant_fraction")

TARGETS = ("all", "er_positive", "her2_positive")
"""Which cells the cell effects act on."""

ELIGIBILITY = (
    "all",
    "guideline",
    "er_positive",
    "er_negative",
    "her2_positive",
    "node_positive",
)
"""Which patients may take a therapy; ``guideline`` is the chemotherapy rule of the catalogue."""

AGENTS = (
    "chemotherapy",
    "docetaxel",
    "endocrine",
    "her2_targeted",
    "clodronate",
    "ibandronate",
    "zoledronate",
    "denosumab",
    "beta_blocker",
    "e_selectin_inhibitor",
    "cxcr4_antagonist",
    "vla4_blocker",
    "fak_inhibitor",
    "antiplatelet",
    "immunotherapy",
    "radiotherapy",
    "marrow_transplantation",
    "marrow_purge",
    "other_1",
    "other_2",
    "other_3",
    "other_4",
)
"""Agents; the place in this list is the number of the agent's random stream."""


def neutral(effect: str) -> float:
    """Return the value of ``effect`` that changes nothing."""
    return 1.0 if effect in FACTORS else 0.0
