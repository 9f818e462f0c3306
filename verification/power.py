"""How many patients of the twin notice that a rate of the engine is wrong.

No twin is run: the engine runs as it should be and with one rate changed, and the difference of
the two laws gives what each comparison can see. The level is that of the whole family.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tests.goodness_of_fit import ALPHA

from marrowtrace.simulation import History, Scenario
from verification.cases import cases
from verification.comparison import run
from verification.quantities import engine_features, of_engine
from verification.statistics import needed
from verification.systems import Case, moved, treated

FACTORS = (1.05, 1.1, 1.2, 1.3)
MAIN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "no therapy",
        (
            "shedding_rate_reference",
            "marrow_lodging_probability",
            "visceral_lodging_probability",
            "endosteal_share",
            "perivascular_awakening_rate",
            "endosteal_awakening_rate",
            "visceral_awakening_rate",
            "perivascular_loss_rate",
            "endosteal_loss_rate",
            "visceral_loss_rate",
            "perivascular_egress_rate",
            "endosteal_egress_rate",
            "mesenchymal_transition_rate",
            "epithelial_transition_rate",
            "establishment_probability",
            "primary_growth_rate",
            "lesion_growth_rate",
            "clone_death_ratio",
            "ctc_half_life",
            "other_death_rate",
            "survival_after_relapse_median",
        ),
    ),
    ("few niche sites", ("perivascular_niche_sites", "endosteal_niche_sites")),
    ("clusters", ("cluster_fraction", "cluster_seeding_multiplier")),
    (
        "restricted lesions",
        ("escape_rate", "restricted_elimination_rate", "mhc_low_mutation_rate"),
    ),
    ("immune memory", ("memory_gain",)),
    ("recirculation", ("lesion_shedding_multiplier",)),
    ("levels", ("niche_readiness_gain", "surgery_stress_level")),
    ("chemotherapy and endocrine therapy", ("er_loss_rate", "endocrine_tolerance_rate")),
    ("cells left by surgery and radiotherapy", ("local_residual_cells",)),
    ("docetaxel by a rule on blood", ("ctc_detection_probability",)),
)
EFFECTS: tuple[tuple[str, str, str], ...] = (
    ("chemotherapy", "chemotherapy", "dormant_kill"),
    ("chemotherapy", "chemotherapy", "log_kill"),
    ("chemotherapy", "chemotherapy", "restricted_kill"),
    ("chemotherapy and endocrine therapy", "endocrine", "marrow_loss"),
    ("chemotherapy and endocrine therapy", "endocrine", "lesion_kill"),
    ("bisphosphonate", "clodronate", "marrow_loss"),
    ("bisphosphonate", "clodronate", "marrow_awakening"),
    ("mobilised into chemotherapy", "chemotherapy", "mobilised_kill"),
    ("transplantation", "marrow_transplantation", "graft_cells"),
    ("resistance that arises", "endocrine", "resistance_rate"),
    ("HER2-targeted therapy", "her2_targeted", "marrow_loss"),
)


@dataclass(frozen=True)
class Needs:
    """Twins that notice a rate that is wrong by each of `FACTORS`, and what notices it first."""

    twins: tuple[float, ...]
    by: str


def needs(case: Case, others: list[Scenario], right: History, *, level: float) -> Needs:
    """Return what it takes to notice that the engine runs each of ``others``.

    ``right`` is the engine as it should be; the others run the same patients.
    """
    expected = of_engine(right, case.scenario)
    features, _ = engine_features(right)
    twins, by = [], ""
    for other in others:
        found = of_engine(run(other, len(right), right.seed), other)
        best = (math.inf, "")
        for key, sample in expected.items():
            for statistic, number in needed(sample, found[key], features, level).items():
                # where niches are nearly full only means are compared
                if case.poisson or statistic != "law" or " at visit" not in key:
                    best = min(best, (number, f"{key} ({statistic})"))
        twins.append(best[0])
        by = best[1]
    return Needs(tuple(twins), by)


def power(*, comparisons: int, patients: int, seed: int) -> dict[str, Any]:
    """Return the power of the suite for every main rate.

    Parameters
    ----------
    comparisons : int
        P-values that are judged together.
    patients, seed : int
        Of the engine.
    """
    known, level = cases(), ALPHA / comparisons
    rows = []
    plans: list[tuple[str, str, list[Scenario]]] = []
    for system, symbols in MAIN:
        for symbol in symbols:
            scenario = known[system].scenario
            plans.append((symbol, system, [moved(scenario, symbol, x).perturbed for x in FACTORS]))
    for system, agent, effect in EFFECTS:
        scenario = known[system].scenario
        value = next(t.effects[effect] for t in scenario.therapies if t.agent == agent)
        others = [treated(scenario, agent, effect, x * value).perturbed for x in FACTORS]
        plans.append((f"{effect} of {agent}", system, others))
    plans += [(case.change, name, [case.perturbed]) for name, case in known.items()]
    histories: dict[str, History] = {}
    for name, system, others in plans:
        if system not in histories:
            histories[system] = run(known[system].scenario, patients, seed)
        found = needs(known[system], others, histories[system], level=level)
        rows.append({"rate": name, "system": system, "twins": found.twins, "by": found.by})
    return {
        "comparisons": comparisons,
        "level": level,
        "patients": patients,
        "seed": seed,
        "factors": FACTORS,
        "rows": rows,
    }
