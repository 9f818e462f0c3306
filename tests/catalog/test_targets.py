from __future__ import annotations

import pytest

from marrowtrace.catalog import names, target_names, targets
from marrowtrace.catalog.targets import read_targets
from marrowtrace.errors import CatalogError

GOOD = {"quantity": "probability", "meaning": "m", "value": 0.2, "used": False, "where": "w"}


@pytest.mark.parametrize("name", names())
def test_every_set_has_figures_to_be_held_against(name):
    found = targets(name)
    assert len({target.name for target in found}) == len(found) > 0


@pytest.mark.parametrize("name", target_names())
def test_counts_give_the_printed_share(name):
    for target in targets(name):
        if target.positive is not None and target.patients is not None:
            assert target.value == pytest.approx(target.positive / target.patients, abs=6e-4)


def test_figures_that_a_set_was_fitted_to_are_marked():
    used = {name: {t.name for t in targets(name) if t.used} for name in target_names()}
    assert len(used.pop("early-breast")) == 26
    assert used.pop("localised-prostate") == {
        "dtc_at_diagnosis",
        "metastasis_7_years_dtc_positive",
        "metastasis_7_years_dtc_negative",
    }
    assert not any(used.values())


def test_the_reservoir_is_held_against_the_figures_of_its_base():
    assert targets("early-breast-reservoir") == targets("early-breast")


def test_a_remembered_figure_says_so():
    found = {target.name: target for target in targets("early-breast")}
    assert not found["dtc_at_36_months"].verified
    assert found["ctc_after_surgery_23ml"].verified


def test_a_verified_figure_has_a_paper_that_was_not_merely_remembered():
    for name in target_names():
        for target in targets(name):
            if target.verified and target.citation is not None:
                assert target.citation.status != "remembered", target.name


def test_an_unknown_set_is_an_error():
    with pytest.raises(CatalogError, match="model 'brest' is not in the catalogue"):
        targets("brest")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 1.2}, "value: is 1.2, but a probability lies in \\[0, 1\\]"),
        ({"value": float("inf")}, "value: is inf, which is not a finite number"),
        ({"ci_low": 0.3, "ci_high": 0.4}, "value: is 0.2, outside its own interval"),
        ({"ci_low": 0.1}, "ci_low: is given without ci_high, or the reverse"),
        ({"positive": 5, "patients": 4}, "positive: is 5, more than 4 patients"),
        ({"quantity": "hazard"}, "has quantity 'hazard'; did you mean 'hazard ratio'?"),
        ({"positiv": 5}, "has an unknown field 'positiv'; did you mean 'positive'?"),
        ({"citation": "mengg2004"}, "no reference 'mengg2004' in the bibliography"),
    ],
)
def test_a_figure_that_contradicts_itself_is_an_error(change, message):
    with pytest.raises(CatalogError, match=message.replace("?", "\\?")):
        read_targets({"t": GOOD | change}, where="t.toml")


def test_a_missing_field_is_an_error():
    with pytest.raises(CatalogError, match="t: has no used"):
        read_targets({"t": {k: v for k, v in GOOD.items() if k != "used"}}, where="t.toml")


def test_a_good_figure_is_read():
    assert read_targets({"t": GOOD}, where="t.toml")[0].as_row()["value"] == 0.2
