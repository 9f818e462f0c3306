"""Small systems on which the fast engine and its event-by-event twin can both be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from marrowtrace.catalog import parameter_set
from marrowtrace.parameters import ParameterSet
from marrowtrace.simulation.scenario import Scenario
from marrowtrace.simulation.therapy import Rule, Therapy
from marrowtrace.units import convert

YEAR = 365.25

DIFFERENT = {
    "shedding_multiplier.triple_negative": 2.0,
    "establishment_multiplier.triple_negative": 0.7,
    "primary_growth_rate.triple_negative": 0.001,
    "diameter_at_diagnosis_log_sd": 0.4,
    "shedding_log_sd": 0.5,
    "marrow_homing_log_sd": 0.4,
    "visceral_homing_log_sd": 0.4,
    "establishment_log_sd": 0.5,
    "primary_growth_log_sd": 0.4,
    "lesion_growth_log_sd": 0.35,
    "mesenchymal_log_sd": 0.5,
}
"""Patients who differ nearly as much as in the catalogue; elsewhere they are almost alike."""

SMALL: dict[str, float] = {  # canonical units: day, cell, mm, mL
    "subtype_prevalence.er_pos_her2_neg": 0.6,
    "subtype_prevalence.er_pos_her2_pos": 0.0,
    "subtype_prevalence.er_neg_her2_pos": 0.0,
    "subtype_prevalence.triple_negative": 0.4,
    "shedding_rate_reference": 2.5,
    "shedding_multiplier": 1.0,
    "establishment_multiplier": 1.0,
    "primary_growth_rate": 0.0007,
    "shedding_log_sd": 0.1,
    "ctc_half_life": 0.1,
    "marrow_lodging_probability": 0.10,
    "marrow_homing_log_sd": 0.1,
    "visceral_lodging_probability": 0.03,
    "visceral_homing_log_sd": 0.1,
    "local_lodging_probability": 0.0,
    "diameter_at_diagnosis_log_sd": 0.1,
    "primary_growth_log_sd": 0.1,
    "establishment_probability": 0.02,
    "establishment_log_sd": 0.1,
    "cluster_fraction": 0.0,
    "rehoming_probability": 0.9,
    "perivascular_egress_rate": 0.004,
    "endosteal_egress_rate": 0.002,
    "visceral_lodging_of_egressed": 0.3,
    "restricted_fraction": 0.0,
    "growth_hand_over_size": 1000.0,
    "restricted_size": 1000.0,
    "detection_size": 3e4,
    "lesion_shedding_onset_size": 1e13,
    "lesion_growth_log_sd": 0.1,
    "mhc_low_fraction": 0.0,
    "mhc_low_mutation_rate": 0.0,
    "surgery_stress_level": 0.0,
    "endocrine_tolerance_rate": 0.0,
    "mesenchymal_protection": 0.0,
    "receptor_discordance": 0.0,
    "er_loss_rate": 0.0,
    "er_gain_rate": 0.0,
    "her2_loss_rate": 0.0,
    "her2_gain_rate": 0.0,
    "other_death_rate": 1e-4,
}


def with_any_values(base: ParameterSet, values: Mapping[str, float]) -> ParameterSet:
    """Return the set with other values in canonical units, whatever the ranges say.

    Parameters
    ----------
    base : ParameterSet
    values : mapping of str to float
        By symbol; a family without subtype sets all four.
    """
    changed = dict(base)
    for symbol, value in sorted(values.items(), key=lambda item: "." in item[0]):
        members = [s for s in base if s == symbol or s.startswith(f"{symbol}.")]
        if not members:
            raise KeyError(symbol)
        for member in members:
            parameter = base[member]
            number = value / convert(1.0, parameter.unit)
            changed[member] = replace(parameter, value=number, low=number, high=number)
    return ParameterSet(list(changed.values()))


def system(
    name: str,
    values: Mapping[str, float] | None = None,
    *,
    therapies: tuple[Therapy, ...] = (),
    visits: tuple[float, ...] = (0.0, 180.0, 2.0 * YEAR),
    years: float = 6.0,
    dormancy: str = "exponential",
    surgery: float = 0.0,
    base: str = "early-breast",
    founders_after_relapse: bool = True,
) -> Scenario:
    """Return a small scenario: `SMALL` and ``values``."""
    return Scenario(
        name=name,
        parameters=with_any_values(parameter_set(base), {**SMALL, **(values or {})}),
        therapies=therapies,
        visits=visits,
        horizon=years * YEAR,
        surgery=surgery,
        dormancy=dormancy,
        founders_after_relapse=founders_after_relapse,
    )


@dataclass(frozen=True)
class Case:
    """A system, and the same with one number changed, which the comparison must notice.

    ``poisson`` is false where niches are nearly full: only means can be compared there.
    """

    scenario: Scenario
    change: str
    perturbed: Scenario
    poisson: bool = True


def moved(scenario: Scenario, symbol: str, factor: float = 1.3) -> Case:
    """Return the case that ``symbol`` (a family: all its members) is ``factor`` times as large."""
    values = scenario.parameters
    members = [s for s in values if s == symbol or s.startswith(f"{symbol}.")]
    changed = {s: values[s].canonical * factor for s in members}
    other = replace(scenario, parameters=with_any_values(values, changed))
    return Case(scenario, f"{symbol} x {factor:g}", other)


def treated(scenario: Scenario, agent: str, effect: str, value: float) -> Case:
    """Return the case that one effect of one agent has another value."""
    therapies = tuple(
        replace(t, effects={**t.effects, effect: value}) if t.agent == agent else t
        for t in scenario.therapies
    )
    change = f"{effect} of {agent} {value:g}"
    return Case(scenario, change, replace(scenario, therapies=therapies))


RECEPTORS = {
    "receptor_discordance": 0.1,
    "er_loss_rate": 0.2 / YEAR,
    "er_gain_rate": 0.1 / YEAR,
    "endocrine_tolerance_rate": 0.3 / YEAR,
}
RESTRICTION = {
    "restricted_fraction": 0.7,
    "restricted_elimination_rate": 0.3 / YEAR,
    "escape_rate": 0.8 / YEAR,
}


def _chemotherapy(start: float = 30.0, **effects: float) -> Therapy:
    return Therapy(
        "chemotherapy",
        start=start,
        duration=84.0,
        effects={"log_kill": 1.0, "dormant_kill": 0.15, "restricted_kill": 0.3} | effects,
        cycles=4,
        cycle_length=21.0,
        uptake=0.8,
    )


def _endocrine() -> Therapy:
    return Therapy(
        "endocrine",
        start=120.0,
        duration=2.0 * YEAR,
        effects={
            "marrow_awakening": 0.5,
            "visceral_awakening": 0.5,
            "establishment": 0.6,
            "escape": 0.5,
            "marrow_loss": 0.3 / YEAR,
            "visceral_loss": 0.3 / YEAR,
            "restricted_elimination": 0.5 / YEAR,
            "lesion_kill": 3.0 / YEAR,
            "resistant_fraction": 0.4,
        },
        eligibility="er_positive",
        acts_on="er_positive",
        stopping_rate=0.2 / YEAR,
    )


def _bisphosphonate() -> Therapy:
    return Therapy(
        "clodronate",
        start=30.0,
        duration=3.0 * YEAR,
        effects={"marrow_awakening": 0.5, "marrow_loss": 1.0 / YEAR},
        uptake=0.7,
    )


def _radiotherapy() -> Therapy:
    return Therapy("radiotherapy", start=40.0, duration=35.0, effects={"local_log_kill": 0.7})


def _docetaxel() -> Therapy:
    return Therapy(
        "docetaxel",
        duration=84.0,
        effects={"log_kill": 1.0, "dormant_kill": 0.4, "restricted_kill": 0.3},
        cycles=4,
        cycle_length=21.0,
        rule=Rule("bone_marrow", day=120.0, threshold=2.0, delay=15.0),
    )


def _levels() -> tuple[Therapy, ...]:
    """Therapies that move levels of the patient: homing, holds, gains, platelets, NK cells."""
    return (
        Therapy(
            "other_1",
            start=0.0,
            duration=YEAR,
            effects={"tsp1": 0.4, "gas6_axl": 0.5, "sprouting": 0.5, "osteoclast": 0.4},
        ),
        Therapy(
            "other_2",
            start=100.0,
            duration=2.0 * YEAR,
            effects={"homing_vla4": 0.3, "egress": 3.0, "nk": 1.5, "effector": 1.4},
            uptake=0.5,
        ),
        Therapy("beta_blocker", start=0.0, duration=60.0, effects={"norepinephrine": 0.2}),
    )


def cases() -> dict[str, Case]:
    """Return the systems of the comparison by name."""
    wake = "perivascular_awakening_rate"
    found = [
        moved(system("no therapy"), wake),
        moved(system("patients who differ", DIFFERENT), wake, 1.5),
        treated(
            system("chemotherapy", {"restricted_fraction": 0.5}, therapies=(_chemotherapy(),)),
            "chemotherapy",
            "dormant_kill",
            0.17,
        ),
        treated(
            system(
                "chemotherapy and endocrine therapy",
                {"restricted_fraction": 0.3, **RECEPTORS},
                therapies=(_chemotherapy(), _endocrine()),
            ),
            "endocrine",
            "marrow_loss",
            0.45 / YEAR,
        ),
        treated(
            system("bisphosphonate", therapies=(_bisphosphonate(),)),
            "clodronate",
            "marrow_loss",
            1.15 / YEAR,
        ),
        moved(
            system(
                "docetaxel by rule",
                {
                    "marrow_mononuclear_cells": 1e6,
                    "marrow_cells_screened": 4e4,
                    "dtc_detection_probability": 0.5,
                    "dtc_false_positives": 1e-6,
                },
                therapies=(_docetaxel(),),
                visits=(0.0, 250.0, 2.0 * YEAR),
            ),
            "dtc_detection_probability",
            1.2,
        ),
        moved(system("Weibull waits", {"dormancy_shape": 0.6}, dormancy="weibull"), wake),
        moved(system("lognormal waits", {"dormancy_log_sd": 1.2}, dormancy="lognormal"), wake),
        moved(system("Erlang waits", {"dormancy_phases": 3.0}, dormancy="erlang"), wake),
        replace(
            moved(
                system(
                    "few niche sites",
                    {"perivascular_niche_sites": 60.0, "endosteal_niche_sites": 60.0},
                ),
                "endosteal_niche_sites",
            ),
            poisson=False,
        ),
        moved(
            system(
                "restricted lesions",
                {
                    **RESTRICTION,
                    "establishment_probability": 0.05,
                    "mhc_low_fraction": 0.3,
                    "mhc_low_mutation_rate": 1e-5,
                },
            ),
            "escape_rate",
            2.5,
        ),
        moved(
            system(
                "immune memory",
                {
                    **RESTRICTION,
                    "establishment_probability": 0.05,
                    "memory_gain": 3.0,
                    "memory_half_burden": 2000.0,
                },
            ),
            "memory_gain",
            0.5,
        ),
        moved(
            system(
                "marrow as the only reservoir",
                {
                    "visceral_lodging_probability": 1e-6,
                    "visceral_lodging_of_egressed": 1.0,
                    "perivascular_egress_rate": 0.01,
                },
            ),
            "perivascular_egress_rate",
        ),
        moved(
            system(
                "clusters",
                {
                    "cluster_fraction": 0.3,
                    "cluster_size_mean": 6.0,
                    "cluster_seeding_multiplier": 20.0,
                    "ctc_half_life": 1.0,
                },
            ),
            "cluster_fraction",
            2.0,
        ),
        moved(
            system(
                "no founders after relapse",
                {"establishment_probability": 0.04},
                founders_after_relapse=False,
            ),
            "establishment_probability",
        ),
        treated(
            system(
                "local recurrence and radiotherapy",
                {"local_lodging_probability": 0.05, "establishment_probability": 0.04},
                therapies=(_radiotherapy(),),
            ),
            "radiotherapy",
            "local_log_kill",
            0.0,
        ),
        treated(
            system(
                "mobilised into chemotherapy",
                {"perivascular_egress_rate": 0.02, "rehoming_probability": 0.97},
                therapies=(
                    Therapy(
                        "e_selectin_inhibitor",
                        start=20.0,
                        duration=100.0,
                        effects={"homing_e_selectin": 0.4, "egress": 5.0},
                    ),
                    _chemotherapy(mobilised_kill=0.7),
                ),
            ),
            "chemotherapy",
            "mobilised_kill",
            0.0,
        ),
        moved(
            system(
                "transplantation",
                {"endosteal_niche_sites": 100.0},
                therapies=(
                    Therapy(
                        "marrow_transplantation",
                        start=60.0,
                        duration=0.0,
                        effects={"marrow_log_kill": 1.0, "graft_cells": 12.0},
                    ),
                ),
                visits=(0.0, 70.0, 2.0 * YEAR),
            ),
            "endosteal_niche_sites",
            0.85,
        ),
        moved(
            system(
                "levels",
                {
                    "surgery_stress_level": 1.0,
                    "surgery_stress_duration": 30.0,
                    "haematopoietic_occupancy": 0.3,
                    "niche_readiness_gain": 1.0,
                    "mesenchymal_log_sd": 0.5,
                    "anoikis_protection": 0.8,
                },
                therapies=_levels(),
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
                therapies=(_chemotherapy(10.0, shedding=0.5, restricted_kill=0.4),),
                surgery=120.0,
                visits=(0.0, 50.0, 130.0, 2.0 * YEAR),
            ),
            "chemotherapy_log_kill_mean",
            0.5,
        ),
        moved(
            system(
                "recirculation",
                {
                    "lesion_shedding_onset_size": 2000.0,
                    "shedding_cap_per_cell": 1e-3,
                    "lesion_shedding_multiplier": 0.5,
                    "relapse_growth_factor": 0.5,
                    "ctc_half_life": 0.5,
                },
                years=3.0,
            ),
            "lesion_shedding_multiplier",
            4.0,
        ),
    ]
    return {case.scenario.name: case for case in found}
