from __future__ import annotations

from pathlib import Path

from marrowtrace.catalog import names, parameter_set, regimen_names, target_names, targets
from marrowtrace.catalog.page import catalog_page, families, kind_text, values_text

PAGE = Path(__file__).parents[2] / "docs" / "catalog.md"


def test_the_page_is_that_of_the_objects():
    text = "write marrowtrace.catalog.page.catalog_page() to the page"
    assert PAGE.read_text(encoding="utf-8") == catalog_page(), text


def test_the_page_names_everything_in_the_catalogue():
    page = catalog_page()
    for name in (*names(), *regimen_names(), *families(parameter_set("early-breast"))):
        assert f"`{name}`" in page, name
    for name in target_names():
        for target in targets(name):
            assert f"`{target.name}`" in page


def test_a_remembered_paper_is_marked():
    assert "Norton 1988 [remembered]" in catalog_page()


def test_tables_are_not_broken():
    width = 0
    for line in catalog_page().splitlines():
        if line.startswith("|---"):
            width = line.count("|")
        elif line.startswith("|") and width:
            assert line.count("|") == width, line
        elif not line.startswith("|"):
            width = 0


def test_a_family_shows_one_value_or_four():
    found = parameter_set("early-breast")
    growth = families(found)["primary_growth_rate"]
    assert values_text([found[s] for s in growth]) == "0.00053, 0.00064, 0.00072, 0.00102"
    assert values_text([found["blood_volume"]]) == "5000"


def test_a_family_of_two_kinds_shows_both():
    found = parameter_set("early-breast")
    members = [found[s] for s in families(found)["shedding_multiplier"]]
    assert kind_text(members) == "assumed / calibrated"
    assert kind_text(members[2:], ["well", "well"]) == "calibrated (well informed)"
