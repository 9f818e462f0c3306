"""Rows, their corrections and what a correction explains."""

from __future__ import annotations

import dataclasses

import pytest

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.records import (
    Correction,
    DetectionRate,
    PrognosticEffect,
    Study,
    columns,
    correctable,
    number_type,
)


def rate(**changes):
    base = {"row": "r", "study": "fehm2009", "analyte": "DTC", "n": 414, "percent": "24"}
    return DetectionRate(**{**base, **changes})


def test_printed_values_stay_and_the_corrected_row_has_the_source():
    correction = Correction(column="k", value=107, reason="source: 107/414")
    row = rate(corrections=(correction,))
    assert (row.percent, row.k, row.count) == ("24", None, 99)
    mended = row.corrected()
    assert (mended.k, mended.count, mended.percent, mended.corrections) == (107, 107, "", ())
    assert row.percent == "24"


def test_a_correction_explains_the_inconsistency_it_mends():
    wrong = {"k": None, "percent": "18.6", "n": 81}
    with pytest.raises(EvidenceError, match=r"r\.k\+n\+percent: no count of 81 gives 18\.6 %"):
        rate(**wrong)
    row = rate(**wrong, corrections=(Correction(column="k", value=15, reason="nearest"),))
    assert row.corrected().count == 15


def test_a_correction_that_is_itself_inconsistent_is_refused():
    with pytest.raises(EvidenceError, match=r"r\.k\+n: as corrected, 500 of 414"):
        rate(corrections=(Correction(column="k", value=500, reason="typing error"),))


def test_a_correction_needs_a_reason():
    with pytest.raises(EvidenceError, match="has no reason; say what the source prints"):
        Correction(column="k", value=1, reason=" ")


def test_a_correction_of_a_column_that_cannot_be_corrected():
    with pytest.raises(EvidenceError, match=r"r\.study: cannot be corrected"):
        rate(corrections=(Correction(column="study", value="x", reason="y"),))


def test_unknown_value_by_correction():
    row = rate(corrections=(Correction(column="n", value=None, reason="not 414, not printed"),))
    assert row.corrected().n is None


def test_synonyms_are_replaced_and_unknown_words_refused():
    assert rate(cancer="colon", phase="baseline").cancer == "colorectal"
    with pytest.raises(EvidenceError) as caught:
        rate(cancer="brest", phase="befor", analyte="DTX")
    text = str(caught.value)
    assert text.startswith("3 problems in row r:")
    assert "did you mean 'breast'?" in text


def test_corrected_words_are_normalised():
    row = rate(corrections=(Correction(column="phase", value="follow-up", reason="abstract"),))
    assert row.corrected().phase == "post"


def test_cohort_defaults_to_the_study():
    assert rate().cohort == "fehm2009"
    assert Study(key="fehm2009").cohort == "fehm2009"


def test_a_study_needs_a_key():
    with pytest.raises(EvidenceError, match="a study has no key"):
        Study(key=" ")


def test_a_row_needs_a_name_and_a_study():
    with pytest.raises(EvidenceError, match=r"2 problems"):
        rate(row="", study="")


def test_rows_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        rate().k = 3


def test_columns_that_are_numbers():
    assert number_type("k") is int
    assert number_type("hr") is float
    assert number_type("percent") is None
    assert "corrections" not in columns(DetectionRate)
    assert "study" not in correctable(PrognosticEffect)


def test_seven_of_seven():
    row = rate(n=7, percent="100")
    assert row.count == 7


def test_text_corrected_to_unknown_is_empty():
    row = rate(
        k=107,
        marker="x",
        corrections=(Correction(column="percent", value=None, reason="24 is wrong"),),
    )
    assert row.corrected().percent == ""
    assert row.corrected().corrected() == row.corrected()
