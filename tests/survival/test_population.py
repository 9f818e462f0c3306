from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from marrowtrace.survival.marker_words import parse_markers
from marrowtrace.survival.population import population
from tests.survival.known_truth import cohort

ENTRY = {"a": 0.0, "b": 0.0, "c": 0.0, "d": 50.0, "e": -30.0, "f": 0.0}
TIME = {"a": 900.0, "b": 800.0, "c": 10.0, "d": 700.0, "e": -5.0, "f": 500.0}
EVENT = {"a": 1, "b": 0, "c": 2, "d": 1, "e": 0, "f": 0}


def small(**changes) -> Cohort:
    """Six patients: c dies on day 10, d comes on day 50, e leaves on day -5, g is not followed."""
    entry, time, event = ({**base, **changes.get(name, {})} for name, base in
                          (("entry", ENTRY), ("time", TIME), ("event", EVENT)))  # fmt: skip
    ids = list(time)
    follow_up = pl.DataFrame(
        {"patient_id": ids, "endpoint": ["relapse"] * len(ids), "entry": [entry[i] for i in ids],
         "time": [time[i] for i in ids], "event": [event[i] for i in ids]}
    )  # fmt: skip
    deaths = pl.DataFrame(
        {"patient_id": ["f"], "endpoint": ["overall_survival"], "entry": [0.0], "time": [500.0],
         "event": [1]}
    )  # fmt: skip
    people = [*ids, "g"]
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame(
                {"patient_id": people, "age": [50.0, 60, None, 40, 45, 70, 55],
                 "er": ["positive", "negative", "positive", "negative", None, "positive", "low"],
                 "trial": [True, False, True, False, True, False, True],
                 "note": [f"text {i}" for i in people] , "hgb": [None] * 7}
                | {"code": [f"x{i}" for i in range(7)]}
            ),
            "samples": pl.DataFrame(
                {"sample_id": people, "patient_id": people, "site": ["bone_marrow"] * 7,
                 "time": [-1.0, -2.0, 0.0, 0.0, -10.0, 30.0, 0.0], "phase": ["pre"] * 7}
            ),
            "enumerations": pl.DataFrame(
                {"sample_id": people, "assay": ["ICC"] * 7, "cell_class": ["DTC"] * 7,
                 "count": [3, 0, 1, 2, 0, 4, 1], "examined": [2e6] * 7,
                 "examined_unit": ["nucleated_cells"] * 7}
            ),
            "follow_up": pl.concat([follow_up, deaths]),
        },
        index_event="surgery",
    )  # fmt: skip


def found(made=None, *, markers=("DTC_pre",), **options):
    made = made or small()
    return population(made, "relapse", markers=parse_markers(markers, made), **options)


def test_flow_counts_everyone():
    result = found()
    flow = dict(result.flow.iter_rows())
    assert flow == {
        "in the cohort": 7,
        "left out: no follow-up for relapse": 1,
        "left out: follow-up ended by day 0": 1,
        "left out: observed only from a day after 0 on": 1,
        "at risk of relapse on day 0": 4,
        "with a known value of DTC_pre": 3,
    }
    later = dict(found(landmark=20).flow.iter_rows())
    assert later["left out: competing event by day 20"] == 1
    assert later["at risk of relapse on day 20"] == 3
    assert result.ages.row(0) == ("DTC_pre", 1.0, 2.0)
    assert result.competing == (2,)
    assert found(landmark=20).competing == ()


def test_notes_on_truncation_negative_times_and_death():
    notes = " ".join(found().notes)
    assert "1 patient(s) have their event or last contact before day 0 (e.g. day -5)" in notes
    assert "1 patient(s) came under observation after day 0 (left truncation)" in notes
    assert "with the landmark at day 50 or later" in notes
    assert "1 patient(s) are censored for relapse on the day they died" in notes


def test_covariates_are_coded():
    result = found(covariates=["age", "er", "trial"])
    assert result.covariates == ("age", "er=negative", "er=positive", "trial")
    assert result.flow["step"][-1] == "with all markers and clinical variables known"
    assert result.flow["patients"][-1] == 2
    assert result.clinical(result.complete(["DTC_pre", "age"])).shape == (2, 4)
    assert found().clinical(found().frame).shape == (4, 0)


def test_bad_covariates_all_at_once():
    message = (
        r"(?s)3 problems in the clinical variables.*agee: is not a column of the patients; did "
        r"you mean 'age'.*hgb: has no value.*ward: is not a column"
    )
    with pytest.raises(CohortError, match=message):
        found(covariates=["agee", "hgb", "ward"])
    many = cohort(np.random.default_rng(2), 40)
    many = Cohort.from_tables(
        {**many.tables, "patients": many.patients.with_columns(ward=pl.col("patient_id"))},
        index_event="surgery",
    )
    with pytest.raises(CohortError, match="ward: is text with 40 different values"):
        found(many, covariates=["ward"])


def test_later_marker_without_landmark_is_refused():
    made = cohort(np.random.default_rng(3), 80)
    message = (
        r"(?s)2 problems in the markers.*DTC_post.*immortal time.*--landmark.*DTC_365d.*day 365"
    )
    with pytest.raises(CohortError, match=message):
        found(made, markers=["DTC_pre", "DTC_post", "DTC_365d"])
    with pytest.raises(CohortError, match="what is known on day 365, but the analysis starts on"):
        found(made, markers=["DTC_365d"], landmark=200)
    assert found(made, markers=["DTC_365d"], landmark=365).frame["DTC_365d"].null_count() == 0


def test_too_few():
    alone = {"time": dict.fromkeys("bcdf", 5.0), "entry": {"d": 0.0}}
    with pytest.raises(CohortError, match="one patient is at risk of 'relapse' after day 20"):
        found(small(**alone), landmark=20)
    with pytest.raises(CohortError, match="nobody is at risk of 'relapse' after day 5000"):
        found(landmark=5000)
    with pytest.raises(CohortError, match=r"nobody.*after day -40; everyone comes .*on day -30"):
        found(landmark=-40)
    none = {"event": {"a": 0, "d": 0}}
    with pytest.raises(CohortError, match=r"none of 4 patients at risk .*\(1 had a competing"):
        found(small(**none))
    with pytest.raises(CohortError, match="no follow-up for the endpoint 'relaps'; did you mean"):
        population(small(), "relaps", markers=parse_markers(["DTC_pre"], small()))
