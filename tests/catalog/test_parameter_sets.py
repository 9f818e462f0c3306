from __future__ import annotations

import math

import pytest

from marrowtrace.catalog import (
    SUBTYPES,
    calibration,
    description,
    names,
    parameter_set,
    topics,
)
from marrowtrace.catalog.parameter_sets import carried_over, expand, fitted, inherit
from marrowtrace.citations import bibliography
from marrowtrace.errors import CatalogError, ParameterError

YEAR = 365.25
WANTED = {
    "early-breast", "early-breast-reservoir", "metastatic-breast", "neoadjuvant-breast",
    "localised-prostate", "metastatic-prostate", "colorectal", "gastric", "lung",
}  # fmt: skip


def values(name: str, family: str) -> list[float]:
    """Canonical values of a family by subtype."""
    found = parameter_set(name)
    return [found[f"{family}.{subtype}"].canonical for subtype in SUBTYPES]


def test_every_cancer_and_stage_is_there():
    assert set(names()) == WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_set_loads_with_a_source_for_every_value(name):
    found = parameter_set(name)
    for symbol, parameter in found.items():
        assert parameter.symbol == symbol
        assert parameter.source.where
        if parameter.source.kind in ("measured", "published model"):
            assert parameter.source.citation is not None
    assert set(found.citations()) <= set(bibliography())


@pytest.mark.parametrize("name", sorted(WANTED))
def test_all_sets_have_the_same_symbols_and_units(name):
    breast, found = parameter_set("early-breast"), parameter_set(name)
    assert list(found) == list(breast)
    assert {s: p.unit for s, p in found.items()} == {s: p.unit for s, p in breast.items()}


@pytest.mark.parametrize("name", sorted(WANTED))
def test_topics_hold_every_symbol_once(name):
    listed = [symbol for symbols in topics(name).values() for symbol in symbols]
    assert sorted(listed) == sorted(parameter_set(name))


@pytest.mark.parametrize("name", sorted(WANTED))
def test_the_shares_of_the_subtypes_add_up(name):
    assert math.isclose(sum(values(name, "subtype_prevalence")), 1.0)


@pytest.mark.parametrize("name", sorted(WANTED))
def test_shares_of_one_whole_add_up(name):
    found = parameter_set(name)
    deaths = ("shear_death_share", "anoikis_death_share", "nk_death_share")
    assert math.isclose(sum(found[symbol].value for symbol in deaths), 1.0)
    shed = found["epithelial_share_shed"].value + found["hybrid_share_shed"].value
    assert shed <= 1.0


def test_clearance_is_that_of_the_half_life():
    half_life = parameter_set("early-breast")["ctc_half_life"]
    assert math.log(2) / half_life.canonical == pytest.approx(11.1, abs=0.05)


def test_doubling_times_of_the_primary_are_as_stated():
    found = parameter_set("early-breast")
    plateau = found["tumour_carrying_capacity"].canonical
    size = found["reference_tumour_size"].canonical
    doubling = [
        math.log(2) / (rate * math.log(plateau / size))
        for rate in values("early-breast", "primary_growth_rate")
    ]
    assert doubling == pytest.approx([197, 164, 146, 103], abs=1.5)


def test_doubling_times_of_lesions_are_as_stated():
    found = parameter_set("early-breast")
    ratio = found["tumour_carrying_capacity"].canonical / found["detection_size"].canonical
    doubling = [
        math.log(2) / (rate * math.log(ratio))
        for rate in values("early-breast", "lesion_growth_rate")
    ]
    assert doubling == pytest.approx([75, 51, 41, 30], abs=0.6)


@pytest.mark.parametrize(("niche", "years"), [("perivascular", 0.70), ("endosteal", 6.8)])
def test_half_lives_of_marrow_cells_follow_from_their_exits(niche, years):
    """As fitted first: 0.70 years in the perivascular and 6.8 in the endosteal niche."""
    found, fit = parameter_set("early-breast"), calibration("early-breast").values
    egress = fit.get(f"{niche}_egress_rate", found["endosteal_egress_rate"].value)
    rate = egress * YEAR * (1 - 0.97) + sum(
        fit[f"{niche}_{exit_}_rate.er_pos_her2_neg"] for exit_ in ("loss", "awakening")
    )
    assert math.log(2) / rate == pytest.approx(years, rel=0.02)


def test_counts_of_false_positives_are_per_amount_examined():
    found = parameter_set("early-breast")
    assert found["ctc_false_positives"].canonical == found["ctc_false_positives"].value / 7.5
    assert found["dtc_false_positives"].canonical == pytest.approx(0.01 / 2e6)


def test_the_reservoir_seeds_organs_only_from_the_marrow():
    found = parameter_set("early-breast-reservoir")
    assert description("early-breast-reservoir").structure == "reservoir"
    assert found["visceral_lodging_probability"].value == 1e-6
    assert found["visceral_lodging_of_egressed"].value == 1.0
    assert found["rehoming_probability"].source.kind == "calibrated"
    assert found["ctc_half_life"].source == parameter_set("early-breast")["ctc_half_life"].source


@pytest.mark.parametrize("name", ["early-breast", "early-breast-reservoir"])
def test_fitted_values_are_those_of_the_calibration(name):
    found = parameter_set(name)
    fit = calibration(description(name).calibration)
    for symbol, value in fit.values.items():
        assert found[symbol].value == value
        assert found[symbol].source.kind == "calibrated"


BY_HAND = {"shedding_rate_reference", "establishment_probability"}
SET_TO_TARGETS = {
    "localised-prostate": BY_HAND,
    "metastatic-prostate": BY_HAND,
    "colorectal": {"establishment_probability"},
    "gastric": set(),
    "lung": set(),
}


@pytest.mark.parametrize("name", SET_TO_TARGETS)
def test_another_cancer_says_what_is_carried_over(name):
    half_life = parameter_set(name)["ctc_half_life"]
    assert half_life.source.kind == "assumed"
    assert half_life.source.where.startswith("carried over from early-breast (assumed); there")
    fitted = {s for s, p in parameter_set(name).items() if p.source.kind == "calibrated"}
    assert fitted == SET_TO_TARGETS[name]


def test_what_is_carried_over_twice_names_its_origin_once():
    tables = {"a": {"value": 1, "kind": "measured", "where": "Table 2"}}
    once = carried_over(tables, "one")
    assert carried_over(once, "two") == once
    assert once["a"]["where"] == "carried over from one (assumed); there measured: Table 2"


def test_an_alias_is_the_same_set():
    assert dict(parameter_set("breast")) == dict(parameter_set("early-breast"))


def test_an_unknown_set_names_the_nearest():
    with pytest.raises(CatalogError) as caught:
        parameter_set("brest")
    assert str(caught.value) == "model 'brest' is not in the catalogue; did you mean 'breast'?"


def test_a_set_far_from_all_names_lists_them():
    with pytest.raises(CatalogError, match="'zzz' is not in the catalogue; it has: breast, "):
        parameter_set("zzz")


def test_expand_spreads_values_and_ranges():
    table = {"by_subtype": [1, 2, 3, 4], "low": 0, "high": [5, 6, 7, 8]}
    flat = expand({"a": table}, where="x")
    assert flat["a.triple_negative"] == {"value": 4, "low": 0, "high": 8}
    assert len(flat) == len(SUBTYPES)


def test_expand_refuses_a_list_of_another_length():
    table = {"by_subtype": [1, 2], "low": [0, 0, 0], "high": 1}
    with pytest.raises(CatalogError) as caught:
        expand({"a": table}, where="x.toml")
    assert str(caught.value) == (
        "2 problems in x.toml:\n  a: has 3 values as low, not 4\n  a: has 2 values as value, not 4"
    )


BASE = {"loss_rate": {"value": 1, "low": 0, "high": 2, "kind": "assumed", "where": "x"}}


def test_an_override_replaces_the_citation_too():
    base = {"loss_rate": {**BASE["loss_rate"], "citation": "meng2004"}}
    override = {"value": 2, "kind": "assumed", "where": "y"}
    assert "citation" not in inherit(base, {"loss_rate": override}, set_name="s")["loss_rate"]


def test_overrides_report_every_problem_at_once():
    overrides = {
        "los_rate": {"value": 1},
        "loss_rate": {"value": 1, "unitt": "h", "kind": "assumed"},
    }
    with pytest.raises(CatalogError) as caught:
        inherit(BASE, overrides, set_name="s")
    text = str(caught.value)
    assert text.startswith("3 problems in the overrides of the parameter set 's':")
    assert "los_rate: is not a parameter of the base; did you mean 'loss_rate'?" in text
    assert "loss_rate: has the field 'unitt', which cannot be overridden" in text
    assert "loss_rate: is overridden without a 'kind' and a 'where' that say why" in text


def test_a_calibration_of_an_unknown_symbol_is_an_error():
    fit = calibration("early-breast")
    with pytest.raises(CatalogError, match="shedding_log_sd: is not a parameter of the set"):
        fitted(BASE, fit)


def test_a_user_value_outside_the_range_is_refused_with_its_source():
    with pytest.raises(ParameterError, match=r"ctc_half_life = 40 h is outside its range"):
        parameter_set("early-breast").with_values({"ctc_half_life": "40 h"})
