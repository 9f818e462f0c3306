"""Published figures, one value a row."""

from __future__ import annotations

import pytest

from marrowtrace.citations import bibliography
from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.checks import grim
from marrowtrace.evidence.published import SCHEMA, published_figure, published_figures
from marrowtrace.evidence.tables import bundled


def test_every_figure_has_a_paper_a_status_and_a_place():
    table = published_figures()
    assert dict(table.schema) == SCHEMA
    assert set(table["citation"]) <= set(bibliography())
    assert set(table["status"]) <= {"seen", "remembered"}
    assert table["where"].null_count() == 0
    assert table["id"].is_unique().all()


def test_proportions_are_shares_and_agree_with_their_counts():
    for row in published_figures().iter_rows(named=True):
        if row["unit"] == "proportion" and row["value"] is not None:
            assert 0 <= row["value"] <= 1
            if row["k"] is not None and row["n"] is not None and row["bound"] is None:
                assert row["value"] == pytest.approx(row["k"] / row["n"], abs=0.006)


def test_intervals_hold_their_value():
    for row in published_figures().iter_rows(named=True):
        if row["low"] is not None:
            assert row["low"] <= row["high"]
            assert row["interval"]
            if row["value"] is not None:
                assert row["low"] <= row["value"] <= row["high"]


def test_compound_prints_are_split():
    assert published_figure("math_pre_dtc")["value"] == 0.212
    assert published_figure("math_pre_ctc")["value"] == 0.049
    assert published_figure("math_pre_ctc")["part_of"] == "math_pre"


def test_a_figure_that_fails_grim_in_its_source():
    """4.9 % of 219 blood samples is no count; the other five rates of that abstract are."""
    assert not grim("4.9", 219)
    for percent, n in (("21.2", 231), ("15.9", 69), ("1.4", 71), ("26.5", 162), ("4.3", 141)):
        assert grim(percent, n)


def test_unknown_figure():
    with pytest.raises(EvidenceError, match="no published figure 'pady_prev'; did you mean 'paddy"):
        published_figure("pady_prev")


def test_rows_of_the_tables_agree_with_the_figures():
    """Rates and effects that are drawn on twice are entered twice, and must be the same."""
    rates = {row.row: row for row in bundled().rates}
    effects = {row.row: row for row in bundled().effects}
    for figure, row in (
        ("paddy_prev", "pf-hartkopf2021"),
        ("tub_prev", "pf-hartkopf2020"),
        ("math_12m_dtc", "pf-mathiesen2012-dtc-12m"),
        ("math_12m_ctc", "pf-mathiesen2012-ctc-12m"),
        ("kienle_ctc_untreated", "pf-kienle2003-ctc-untreated"),
        ("janni16_prev", "pf-janni2016"),
        ("koll08", "pf-kollermann2008"),
        ("fehm09_ctc", "pf-fehm2009-ctc"),
    ):
        found = rates[row]
        assert published_figure(figure)["value"] == pytest.approx(found.count / found.n, abs=6e-4)
        assert published_figure(figure)["n"] == found.n
        assert published_figure(figure)["citation"] == found.study
    for figure, row in (
        ("braun05_os", "pf-braun2005-os"),
        ("satt_hr", "pf-naume2014-dfi"),
        ("janni16_dfs", "pf-janni2016-dfs"),
        ("hinz_os", "pf-hinz2017-os"),
        ("rack14_hr_os", "pf-rack2014-os"),
        ("math_hr_bcss_adjusted", "pf-mathiesen2012-bcss-adjusted"),
    ):
        value = published_figure(figure)
        assert (value["value"], value["low"], value["high"]) == (
            effects[row].hr,
            effects[row].ci_low,
            effects[row].ci_high,
        )
        assert value["status"] == effects[row].status
