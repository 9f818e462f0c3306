from __future__ import annotations

import pytest

from marrowtrace.catalog import names, parameter_set, regimen, regimen_names
from marrowtrace.catalog.regimens import EFFECTS, MULTIPLYING, read_regimens
from marrowtrace.errors import CatalogError, ParameterError
from marrowtrace.parameters import ParameterSet

WANTED = {
    "chemotherapy-adjuvant", "chemotherapy-neoadjuvant", "docetaxel-secondary", "endocrine-5y",
    "endocrine-10y", "her2-targeted", "clodronate", "ibandronate", "zoledronate", "beta-blocker",
    "e-selectin-inhibitor", "cxcr4-blockade", "vla4-blockade", "fak-blockade", "radiotherapy",
    "marrow-transplantation",
}  # fmt: skip
GOOD = {
    "title": "t", "agents": ["a"], "cancers": ["breast"], "setting": "adjuvant", "acts_on": "all",
    "eligibility": "all", "timing": {"start": "chemotherapy_start"},
    "effects": {"egress": "cxcr4_egress_factor"},
}  # fmt: skip


def test_every_therapy_is_there():
    assert set(regimen_names()) >= WANTED


@pytest.mark.parametrize("model", names())
@pytest.mark.parametrize("name", regimen_names())
def test_a_regimen_finds_its_numbers_in_every_set(model, name):
    entry = regimen(name)
    planned = entry.plan(parameter_set(model))
    assert set(planned.timing) == set(entry.timing)
    assert set(planned.effects) == set(entry.effects) <= set(EFFECTS)
    assert planned.effects
    assert set(planned.rule) == set(entry.rule)
    for effect, number in planned.effects.items():
        assert number.canonical >= 0
        if effect in MULTIPLYING:
            assert number.unit.dimension_name == "dimensionless"


@pytest.mark.parametrize("name", regimen_names())
def test_a_regimen_ends_or_says_how_it_goes_on(name):
    timing = regimen(name).timing
    assert "duration" in timing or {"cycles", "cycle_length"} <= set(timing)
    assert ("cycles" in timing) == ("cycle_length" in timing)
    assert "start" in timing or regimen(name).rule


def test_durations_are_canonical_days():
    found = parameter_set("early-breast")
    assert regimen("endocrine-5y").plan(found).timing["duration"].canonical == 5 * 365.25
    assert regimen("endocrine-10y").plan(found).timing["duration"].canonical == 10 * 365.25
    assert regimen("docetaxel-secondary").plan(found).rule["day"].canonical == pytest.approx(243.5)


def test_a_block_is_what_remains_of_the_factor():
    found = parameter_set("early-breast")
    remaining = regimen("vla4-blockade").plan(found).effects["homing_vla4"]
    blocked = found["vla4_block"]
    assert remaining.value == pytest.approx(1 - blocked.value)
    assert (remaining.low, remaining.high) == (1 - blocked.high, 1 - blocked.low)
    assert remaining.source == blocked.source
    assert remaining.symbol == "1 - vla4_block"


def test_a_study_overrides_an_effect_in_one_place():
    found = parameter_set("early-breast").with_values({"bisphosphonate_awakening_factor": 0.5})
    for name in ("clodronate", "ibandronate", "zoledronate"):
        assert regimen(name).plan(found).effects["marrow_awakening"].value == 0.5


def test_docetaxel_waits_for_the_marrow():
    entry = regimen("docetaxel-secondary")
    assert (entry.rule_specimen, set(entry.rule)) == ("bone_marrow", {"day", "threshold", "delay"})


def test_an_unknown_regimen_names_the_nearest():
    with pytest.raises(CatalogError) as caught:
        regimen("zoledronat")
    expected = "regimen 'zoledronat' is not in the catalogue; did you mean 'zoledronate'?"
    assert str(caught.value) == expected


def test_a_set_without_the_symbols_is_an_error():
    with pytest.raises(CatalogError) as caught:
        regimen("zoledronate").plan(ParameterSet([]))
    assert str(caught.value).startswith("2 problems in the regimen 'zoledronate':\n")
    missing = "effects.marrow_loss: no parameter 'bisphosphonate_marrow_loss_rate' in the set"
    assert missing in str(caught.value)


def test_a_file_reports_every_problem_at_once():
    bad = {
        **GOOD, "setting": "adjuvent", "agent": "x", "rule": {"dai": "x"},
        "effects": {"egres": "x"}, "timing": {"begin": "x"},
    }  # fmt: skip
    del bad["title"]
    with pytest.raises(CatalogError) as caught:
        read_regimens({"r": bad}, where="r.toml")
    text = str(caught.value)
    assert text.startswith("7 problems in r.toml:")
    assert "r: has an unknown field 'agent'; did you mean 'agents'?" in text
    assert "r: has no title" in text
    assert "r: has setting 'adjuvent'; allowed: neoadjuvant, adjuvant, " in text
    assert "r.timing: has 'begin'; allowed: start, " in text
    assert "r.effects: has 'egres'; allowed: " in text
    assert "; did you mean 'egress'?" in text
    assert "r.rule: has 'dai'; allowed: day, threshold, delay; did you mean 'day'?" in text
    assert "r: has a rule without a rule_specimen, or the reverse" in text


def test_a_number_of_its_own_needs_a_source():
    bad = {**GOOD, "timing": {"start": {"value": 1, "low": 0, "high": 2, "unit": "d"}}}
    with pytest.raises(ParameterError, match=r"r.toml, r.timing:\n  start: has no "):
        read_regimens({"r": bad}, where="r.toml")


def test_the_complement_of_a_rate_has_no_meaning():
    entry = read_regimens({"r": {**GOOD, "effects": {"egress": "1 - free_loss_rate"}}}, where="x")
    with pytest.raises(CatalogError, match="1 - free_loss_rate has no meaning: it is in 1/d"):
        entry["r"].plan(parameter_set("early-breast"))


def test_a_row_holds_symbols_and_numbers():
    row = regimen("clodronate").as_row()
    assert row["effects"]["marrow_loss"] == "bisphosphonate_marrow_loss_rate"
    assert row["timing"]["duration"]["value"] == 2.0
