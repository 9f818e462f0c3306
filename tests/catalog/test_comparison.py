from __future__ import annotations

import pytest

from marrowtrace.catalog import diff, names
from marrowtrace.errors import CatalogError


@pytest.mark.parametrize("name", names())
def test_a_set_does_not_differ_from_itself(name):
    assert diff(name, name, sources=True) == []


def test_the_two_structures_differ_in_what_was_fitted_and_in_the_structure():
    found = {item.symbol: item for item in diff("early-breast", "early-breast-reservoir")}
    assert "visceral_lodging_of_egressed" in found
    assert "shedding_rate_reference" in found
    assert "blood_volume" not in found
    assert found["visceral_lodging_probability"].range_


def test_differences_are_symmetric():
    there = {item.symbol for item in diff("lung", "gastric")}
    assert there == {item.symbol for item in diff("gastric", "lung")}


def test_sources_alone_differ_where_values_are_carried_over():
    values = {item.symbol for item in diff("early-breast", "lung")}
    every = {item.symbol for item in diff("early-breast", "lung", sources=True)}
    assert values < every
    assert "blood_volume" in every - values


def test_a_difference_as_a_row_holds_both_parameters():
    row = next(i for i in diff("early-breast", "lung") if i.symbol == "age_mean").as_row()
    assert (row["first"]["value"], row["second"]["value"]) == (57.0, 66.0)


def test_an_unknown_set_is_an_error():
    with pytest.raises(CatalogError, match="model 'lugn' is not in the catalogue"):
        diff("early-breast", "lugn")
