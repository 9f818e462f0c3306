from __future__ import annotations

import math

import pytest

from marrowtrace.assays import Burden, assay
from marrowtrace.assays.law import detection_probability
from marrowtrace.assays.power import power
from marrowtrace.errors import ParameterError
from tests.assays.made_assay import made


def test_rows_are_the_law_of_each_combination():
    found = power(assay("a45-b-b3"), [0.0, 1e5], amounts=[2e6, 1e7], aspirates=(1, 2))
    assert found.rows.height == 8
    for row in found.rows.iter_rows(named=True):
        of = assay("a45-b-b3").with_amount(row["amount"], sides=row["aspirates"])
        wanted = detection_probability(of, Burden.of([row["cells"]]))[0]
        assert row["probability"] == pytest.approx(wanted, abs=1e-12)
        assert row["examined"] == row["amount"] * row["aspirates"]


def test_detectable_burden_in_closed_form():
    """Poisson alone: -ln(1 - s) cells must be expected, less the false positives."""
    of = made("blood")
    found = power(of, [1e3]).detectable
    for row in found.iter_rows(named=True):
        wanted = (-math.log(1 - row["sensitivity"]) - 0.4) / (0.002 * 0.8 * 0.54)
        assert row["cells"] == pytest.approx(wanted, rel=1e-8)
        assert row["false_positive"] == pytest.approx(1 - math.exp(-0.4))


def test_two_aspirates_find_more_than_one_of_twice_the_amount():
    two = power(assay("a45-b-b3"), [1e6], aspirates=(2,)).rows["probability"][0]
    one = power(assay("a45-b-b3"), [1e6], amounts=[4e6]).rows["probability"][0]
    assert two > one


def test_statements_say_what_is_found():
    said = power(assay("a45-b-b3"), [1e5]).statements()
    assert said == [
        "1 aspirate of 2e+06 mononuclear cells: half of samples are positive at 230,000 tumour "
        "cells in the marrow, 95 % at 1,600,000; without any cell, 0.99 % are"
    ]
    blood = power(assay("cellsearch"), [1e5], amounts=[7.5], aspirates=(3,)).statements()
    assert blood[0].startswith("3 x 7.5 mL: half of samples are positive at ")


def test_what_is_never_reached_is_none():
    rare = assay("single-cell-sequencing").with_values({"success": 0.05, "cells_at_most": 5})
    found = power(rare, [1e3])
    assert found.detectable["cells"].to_list() == [None, None]
    assert "no number of tumour cells" in found.statements()[0]
    noisy = power(made("blood"), [1e3], amounts=[50.0]).detectable
    assert noisy["cells"][0] == 0.0  # false positives alone are as many


def test_bursts_make_detection_less_steep():
    steady = power(assay("cellsearch"), [10.0, 1e5])
    bursting = power(assay("cellsearch"), [10.0, 1e5], burst_log_sd=1.74)
    assert bursting.rows["probability"][1] < steady.rows["probability"][1]
    assert bursting.to_json()["burst_log_sd"] == 1.74


def test_the_grid_spans_what_was_asked():
    found = power(assay("iset"), [100.0, 1e6]).curves["cells"]
    assert found.min() == pytest.approx(100.0)
    assert found.max() == pytest.approx(1e6)
    assert power(assay("iset"), [0.0]).curves["cells"].max() == pytest.approx(1e6)


def test_every_argument_that_cannot_be_is_listed():
    with pytest.raises(ParameterError) as caught:
        power(assay("ema"), [-1.0], aspirates=(0,), phenotype=(1, 1, 1), burst_log_sd=2.0)
    text = str(caught.value)
    assert "cells: is [-1.0]; give numbers of cells from 0 to 1e14" in text
    assert "burst: is of blood; a marrow does not change between draws" in text
    assert "phenotype: is (1, 1, 1); give three shares that sum to 1" in text
    assert "amount 2e+06, aspirates 0:" in text
    with pytest.raises(ParameterError, match="burst: is 9; allowed: from 0 to 5"):
        power(assay("iset"), [1.0], burst_log_sd=9)
