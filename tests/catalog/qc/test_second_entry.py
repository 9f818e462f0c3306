from __future__ import annotations

import pytest

from marrowtrace.catalog import parameter_set, targets
from marrowtrace.catalog.parameter_sets import entered as entered_values
from marrowtrace.catalog.qc.second_entry import (
    accepted,
    half_digit,
    parameter_disagreements,
    second_entry,
    target_disagreements,
)

SETS = ("early-breast", "early-breast-reservoir")


def found() -> dict[str, str]:
    every = [d for name in SETS for d in parameter_disagreements(name)] + target_disagreements()
    return {item.place: str(item) for item in every}


def test_the_two_entries_agree_but_for_what_was_looked_into():
    disagreements, known = found(), accepted()
    report = "\n".join(text for place, text in disagreements.items() if place not in known)
    assert not report, report
    assert set(known) == set(disagreements), "an accepted disagreement is gone: remove it"


def test_what_was_looked_into_says_which_entry_holds():
    assert all(reason.startswith(("the first: ", "the second: ")) for reason in accepted().values())


def test_fitted_values_are_held_against_the_fit_they_were_entered_from():
    entry = {"restricted_fraction": {"value": ".42", "unit": "-"}}
    slips = parameter_disagreements("early-breast", entry)
    assert [slip.place for slip in slips] == ["early-breast.restricted_fraction"]
    other = {"calibration": "early-breast-reservoir", **entry}
    assert parameter_disagreements("early-breast", other) == []


def test_a_value_set_by_hand_before_the_fit_is_compared_as_it_stands_in_the_set():
    symbol = "endocrine_resistant_fraction"
    before = entered_values("early-breast")[symbol]
    assert before == 0.47 != parameter_set("early-breast")[symbol].value
    entry = {symbol: {"value": "0.48", "unit": "-"}}
    slips = parameter_disagreements("early-breast", entry)
    assert [str(slip) for slip in slips] == [
        f"early-breast.{symbol}: first entry 0.47, second entry 0.48"
    ]


# mechanisms that the source of the second entry does not have
LATER = {
    "endocrine_resistance_rate", "endocrine_tolerance_rate", "endocrine_stopping_rate",
}  # fmt: skip


def test_every_fitted_family_was_entered_twice():
    entered = set(second_entry("early-breast")) | LATER
    for symbol, parameter in parameter_set("early-breast").items():
        if parameter.source.kind == "calibrated":
            assert symbol.split(".")[0] in entered, symbol


def test_every_figure_of_the_fit_was_entered_twice():
    entered = second_entry("targets")["early-breast"]
    missing = [t.name for t in targets("early-breast") if t.used and t.name not in entered]
    assert missing == []


@pytest.mark.parametrize(
    ("family", "change", "place"),
    [
        ("marrow_lodging_probability", {"value": ".080001"}, "marrow_lodging_probability"),
        ("escape_rate", {"value": ".88"}, "escape_rate"),
        ("escape_rate", {"range": [0.01, 2]}, "escape_rate high"),
        ("primary_growth_rate", {"factor": 3}, "primary_growth_rate.triple_negative low"),
        ("ctc_half_life", {"unit": "d"}, "ctc_half_life unit"),
        ("detection_size", {"unit": "1"}, "detection_size unit"),
    ],
)
def test_a_slip_in_one_entry_is_found(family, change, place):
    entry = second_entry("early-breast")[family]
    slips = parameter_disagreements("early-breast", {family: entry | change})
    assert f"early-breast.{place}" in {slip.place for slip in slips}


def test_a_symbol_of_one_entry_only_is_found():
    slips = parameter_disagreements("early-breast", {"excape_rate": {"value": "1", "unit": "-"}})
    expected = ["early-breast.excape_rate: first entry nothing, second entry 1"]
    assert [str(slip) for slip in slips] == expected


def test_a_range_without_a_value_is_compared_alone():
    entry = {"er_loss_rate": {"range": [0.01, 0.04], "unit": "1/y"}}
    slips = [str(slip) for slip in parameter_disagreements("early-breast", entry)]
    assert slips == ["early-breast.er_loss_rate high: first entry 0.03, second entry 0.04"]
    gone = {"er_lost_rate": {"range": [0.01, 0.03], "unit": "1/y"}}
    slips = [str(slip) for slip in parameter_disagreements("early-breast", gone)]
    assert slips == ["early-breast.er_lost_rate: first entry nothing, second entry [0.01, 0.03]"]


@pytest.mark.parametrize(
    ("entry", "slips"),
    [
        ("14/66", []),
        ("14/67", ["14/66, second entry 14/67", "0.212121, second entry 0.2090"]),
        ("0.21", []),
        ("0.210", ["0.212121, second entry 0.210"]),
        (["0.21", "0.12", "0.33"], ["None, second entry 0.12", "None, second entry 0.33"]),
    ],
)
def test_a_figure_is_compared_digit_by_digit_and_its_counts_exactly(entry, slips):
    figures = {"localised-prostate": {"dtc_before_radiotherapy": entry}}
    place = "localised-prostate.dtc_before_radiotherapy"
    expected = [f"{place}: first entry {slip}" for slip in slips]
    assert [str(slip) for slip in target_disagreements(figures)] == expected


def test_a_slip_in_a_figure_is_found():
    figures = {"early-breast": {"satt_hr_persistence": [7.85, 2.3, 24.7], "gone": 1.0}}
    slips = [str(slip) for slip in target_disagreements(figures)]
    assert slips == [
        "early-breast.satt_hr_persistence: first entry 7.58, second entry 7.85",
        "early-breast.gone: first entry nothing, second entry 1.0",
    ]


def test_half_a_digit_of_what_is_printed():
    assert half_digit("1.5") == 0.05
    assert half_digit("10.2e-4") == pytest.approx(5e-6)
    assert half_digit("57") == 0.5
