"""The title claim: pairs of markers in the same patients."""

from __future__ import annotations

import json

import pytest

from marrowtrace.claims.marker_contest import TABLES, contest, title_pair
from tests.claims.small_world import WORLD


@pytest.fixture(scope="module")
def held():
    return contest(WORLD)


def test_every_table_has_pairs(held):
    for name in TABLES:
        assert getattr(held, name)


def test_more_cells_examined_rank_better(held):
    by_amount = {(p.blood, p.marrow): p for p in held.amounts}
    assert by_amount[7.5, 2e7].dtc_c > by_amount[7.5, 5e5].dtc_c
    assert by_amount[7.5, 2e7].dtc_positive > by_amount[7.5, 5e5].dtc_positive
    assert by_amount[500.0, 2e6].ctc_positive > by_amount[7.5, 2e6].ctc_positive


def test_the_truth_ranks_better_than_any_sample(held):
    truth = next(p for p in held.truth if p.structure == "early-breast" and p.month == 12)
    assert truth.dtc_c > max(p.dtc_c for p in held.amounts)
    assert truth.ctc_c > max(p.ctc_c for p in held.amounts)


def test_difference_is_that_of_the_two_and_antisymmetric_in_the_winner(held):
    for pair in held.amounts:
        assert pair.difference == pytest.approx(pair.dtc_c - pair.ctc_c)
        assert pair.low < pair.difference < pair.high
        assert (pair.better == "DTC") == (pair.low > 0)


def test_swapped_marrow_tells_nothing():
    pair = title_pair(WORLD, wrong=1)
    assert pair.dtc_c == pytest.approx(0.5, abs=0.03)


def test_words_are_plain_values(held):
    found = held.to_json()
    json.dumps(found, allow_nan=False)
    assert [len(table["rows"]) for table in found["tables"]] == [
        len(getattr(held, name)) for name in TABLES
    ]
    for table in found["tables"]:
        assert all(set(row) <= set(table["headings"]) for row in table["rows"])
    assert found["answer"]
