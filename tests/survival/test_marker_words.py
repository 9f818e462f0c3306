from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from marrowtrace.survival.marker_words import parse_day, parse_markers
from tests.survival.known_truth import cohort


@pytest.fixture(scope="module")
def truth() -> Cohort:
    return cohort(np.random.default_rng(1), 60)


@pytest.fixture(scope="module")
def blood() -> Cohort:
    """Two analytes, no recorded phase."""
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame({"patient_id": ["a", "b"]}),
            "samples": pl.DataFrame(
                {"sample_id": ["1", "2", "3"], "patient_id": ["a", "b", "b"],
                 "site": ["blood"] * 3, "time": [0.0, -3.0, 40.0]}
            ),
            "measurements": pl.DataFrame(
                {"sample_id": ["1", "2", "3", "1"], "value": [1.0, 4.0, 2.0, 0.0],
                 "analyte": ["bilirubin", "bilirubin", "bilirubin", "CA_pre"]}
            ),
        },
        index_event="enrolment",
    )  # fmt: skip


def term(text, cohort):
    return parse_markers([text], cohort)[0]


def test_cells_with_phase_day_and_threshold(truth):
    found = term("DTC_post:>=2", truth)
    assert (found.marker.cell_class, found.marker.phase, found.marker.threshold) == (
        "DTC", "post", 2,
    )  # fmt: skip
    assert found.kind == "binary"
    assert found.scale == "2 or more against fewer"
    later = term("CTC_12mo", truth)
    assert later.marker.until == pytest.approx(365.25)
    assert later.kind == "count"
    assert later.scale == "per doubling of 1 + count"
    assert later.on_model_scale(np.array([0.0, 1.0, 3.0])).tolist() == [0, 1, 2]
    assert term("ctc_POST", truth).marker.phase == "post"
    assert term("DTC", truth).marker.phase is None


def test_analytes(blood):
    found = term("bili_pre:log2", blood)
    assert found.marker.analyte == "bilirubin"
    assert found.note == "'bili' was read as 'bilirubin'"
    assert found.scale == "per doubling"
    # without a recorded phase, day 0 and before is pre; the later sample is not
    assert found.marker.measured(blood)["value"].to_list() == [4.0, 1.0]
    assert found.modelled().measured(blood)["value"].to_list() == [2.0, 0.0]
    low = term("bilirubin:<3", blood)
    assert low.scale == "below 3 against from it on"
    assert low.modelled().measured(blood)["value"].to_list() == [0, 1, 1]
    assert low.on_model_scale(np.array([1.0, 0.0])).tolist() == [0, 1]
    turned = term("bilirubin:low", blood)
    assert turned.scale == "per unit lower"
    assert turned.modelled().measured(blood)["value"].to_list() == [-4, -1, -2]
    halved = term("bilirubin:log2:low", blood)
    assert halved.scale == "per halving"
    assert halved.on_model_scale(np.array([4.0])).tolist() == [-2]
    assert halved.modelled().measured(blood)["value"].to_list() == [-2, 0, -1]
    assert term("CA_pre", blood).marker.analyte == "CA_pre"
    assert term("bilirubin", blood).scale == "per unit"
    assert term("bilirubin:>=3", blood).scale == "3 or more"


def test_groups(truth, blood):
    high, names = term("DTC_post", truth).groups(np.array([0.0, 1.0, 5.0]))
    assert (high.tolist(), names) == ([False, True, True], ("negative", "positive"))
    high, names = term("DTC_post", truth).groups(np.array([1.0, 2.0, 5.0]))
    assert (high.tolist(), names) == ([False, False, True], ("up to median 2", "above median 2"))
    assert term("DTC_post:>=1", truth).groups(np.array([0.0, 1.0]))[1] == ("negative", "positive")
    assert term("DTC_post:>=2", truth).groups(np.array([1.0]))[1] == ("below 2", "2 or more")
    high, names = term("bilirubin:<3", blood).groups(np.array([0.0, 1.0]))
    assert (high.tolist(), names) == ([True, False], ("3 or more", "below 3"))
    high, names = term("bilirubin:low", blood).groups(np.array([1.0, 2.0, 3.0]))
    assert (high.tolist(), names[1]) == ([True, False, False], "below median 2")


def test_verdicts_alone_become_positivity():
    samples = {"sample_id": ["1"], "patient_id": ["a"], "site": ["blood"], "time": [0.0]}
    counts = {"sample_id": ["1"], "assay": ["PCR"], "cell_class": ["CTC"], "positive": [True]}
    made = Cohort.from_tables(
        {
            "patients": pl.DataFrame({"patient_id": ["a"]}),
            "samples": pl.DataFrame(samples),
            "enumerations": pl.DataFrame(counts),
        },
        index_event="surgery",
    )
    found = term("CTC", made)
    assert found.kind == "binary"
    assert found.note.startswith("no counts, only verdicts")
    with pytest.raises(CohortError, match=r"without recorded phases \(use a day"):
        term("DTC", made)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DTX_post", "has no 'DTX'; did you mean 'DTC'.*in the phases pre, post"),
        ("DTC_post:2", "':2' is not understood; a marker is a cell class"),
        ("DTC_post:log2", "a count takes only a threshold"),
        ("", "has no ''"),
    ],
)
def test_bad_words(truth, text, message):
    with pytest.raises(CohortError, match=message):
        parse_markers([text], truth)


def test_all_problems_at_once(truth, blood):
    with pytest.raises(CohortError, match=r"(?s)2 problems in the markers.*DTX.*given twice"):
        parse_markers(["DTC_pre", "DTX", "DTC_pre"], truth)
    with pytest.raises(CohortError, match="a threshold and log2 exclude each other"):
        parse_markers(["bilirubin:>=2:log2"], blood)
    with pytest.raises(CohortError, match=r"no marker was given; a marker is.*The cohort has"):
        parse_markers([], blood)


def test_no_logarithm_of_zero(blood):
    with pytest.raises(CohortError, match=r"1 value\(s\) are not above 0, e.g. 0"):
        term("CA_pre:log2", blood).modelled().measured(blood)


def test_cohort_without_markers():
    made = Cohort.from_tables(
        {"patients": pl.DataFrame({"patient_id": ["a"]})}, index_event="surgery"
    )
    with pytest.raises(CohortError, match="this cohort has no marker: it holds neither counts"):
        parse_markers(["DTC"], made)


def test_days():
    assert parse_day("365") == parse_day("365d") == 365
    assert parse_day("52w") == 364
    assert parse_day("1y") == parse_day("12mo") == pytest.approx(365.25)
    assert parse_day("-10d") == -10
    with pytest.raises(CohortError, match="the landmark 'soon' is not a day"):
        parse_day("soon")
    with pytest.raises(CohortError, match="the horizon '3 fortnights' has an unknown unit"):
        parse_day("3 fortnights", what="the horizon")
    with pytest.raises(CohortError, match="unknown unit 'ml'"):
        parse_day("3ml")


def test_assays(truth):
    found = term("DTC_post@icc:>=2", truth)
    assert (found.marker.assay, found.marker.phase, found.marker.threshold) == ("ICC", "post", 2)
    with pytest.raises(CohortError, match="no DTC was counted by 'ICK'; did you mean 'ICC'"):
        term("DTC_post@ICK", truth)
    rows = truth.enumerations.with_columns(
        assay=pl.when(pl.col("sample_id").str.ends_with("5"))
        .then(pl.lit("PCR"))
        .otherwise("assay"),
        examined=pl.when(pl.col("sample_id").str.ends_with("7")).then(1e6).otherwise("examined"),
    )
    mixed = Cohort.from_tables({**truth.tables, "enumerations": rows}, index_event="surgery")
    note = term("DTC_pre", mixed).note
    assert (
        "counts of 2 assays (ICC, PCR) are taken as one; name one with @, e.g. DTC_pre@ICC" in note
    )
    assert "the amount examined differs between samples (1e+06 to 2e+06)" in note
    assert term("DTC_pre@ICC:>=1", mixed).note == ""


def test_analytes_have_no_assay(blood):
    with pytest.raises(CohortError, match="'@ICC' names an assay"):
        term("bilirubin@ICC", blood)
