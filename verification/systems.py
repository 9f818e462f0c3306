"""Small systems on which the fast engine and its event-by-event twin can both be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from marrowtrace.catalog import parameter_set
from marrowtrace.parameters import ParameterSet
from marrowtrace.simulation.scenario import Scenario
from marrowtrace.simulation.therapy import Therapy
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
    entry: str = "diagnosis",
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
        entry=entry,
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


def given(scenario: Scenario, agent: str, field: str, value: float) -> Case:
    """Return the case that one number of one agent's window is another."""
    changed: dict[str, Any] = {field: value}
    therapies = tuple(replace(t, **changed) if t.agent == agent else t for t in scenario.therapies)
    return Case(scenario, f"{field} of {agent} {value:g}", replace(scenario, therapies=therapies))


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
