"""Scenarios for tests: the catalogue's early-breast with any value replaced, whatever its range."""

from __future__ import annotations

from dataclasses import replace

from marrowtrace.catalog import parameter_set
from marrowtrace.parameters import ParameterSet
from marrowtrace.simulation import Scenario

YEAR = 365.25
NO_SPREAD = dict.fromkeys(
    (
        "diameter_at_diagnosis_log_sd",
        "shedding_log_sd",
        "marrow_homing_log_sd",
        "visceral_homing_log_sd",
        "establishment_log_sd",
        "primary_growth_log_sd",
        "lesion_growth_log_sd",
        "mesenchymal_log_sd",
        "age_sd",
    ),
    0.0,
)
"""Every patient alike."""
ONE_SUBTYPE = {
    "subtype_prevalence.er_pos_her2_neg": 1.0,
    "subtype_prevalence.er_pos_her2_pos": 0.0,
    "subtype_prevalence.er_neg_her2_pos": 0.0,
    "subtype_prevalence.triple_negative": 0.0,
}
IMMORTAL = {"other_death_rate": 0.0}


def world(values=None, *, base="early-breast", **fields) -> Scenario:
    """Scenario with these values in the units of the catalogue, and fields of `Scenario`."""
    known = dict(parameter_set(base).items())
    for symbol, value in (values or {}).items():
        low, high = min(value, known[symbol].low), max(value, known[symbol].high)
        known[symbol] = replace(known[symbol], value=value, low=low, high=high)
    return Scenario("test", ParameterSet(list(known.values())), **fields)
