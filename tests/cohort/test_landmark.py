from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from tests.cohort_strategy import DAY, cohorts

DAY_OF_LANDMARK = 100.0
JUST_BEFORE = math.nextafter(DAY_OF_LANDMARK, 0)
JUST_AFTER = math.nextafter(DAY_OF_LANDMARK, 1000)


@pytest.fixture
def cohort() -> Cohort:
    patients = ["before", "same", "after", "late", "due"]
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame({"patient_id": patients}),
            "samples": pl.DataFrame(
                {
                    "sample_id": ["S-old", "S-before", "S-same", "S-after"],
                    "patient_id": ["before", "before", "same", "after"],
                    "site": ["blood"] * 4,
                    "time": [10.0, JUST_BEFORE, DAY_OF_LANDMARK, JUST_AFTER],
                    "phase": ["pre", "on", "on", "on"],
                }
            ),
            "enumerations": pl.DataFrame(
                {
                    "sample_id": ["S-old", "S-before", "S-same", "S-after"],
                    "assay": ["ISET"] * 4,
                    "cell_class": ["CTC"] * 4,
                    "count": [9, 1, 2, 3],
                    "examined": [7.5] * 4,
                    "examined_unit": ["mL"] * 4,
                }
            ),
            "measurements": pl.DataFrame(
                {
                    "sample_id": ["S-old", "S-before", "S-same", "S-after"],
                    "analyte": ["PSA"] * 4,
                    "value": [9.0, 1.0, 2.0, 3.0],
                }
            ),
            "follow_up": pl.DataFrame(
                {
                    "patient_id": patients,
                    "endpoint": ["relapse"] * 5,
                    "entry": [0.0, 0.0, 0.0, JUST_AFTER, DAY_OF_LANDMARK],
                    "time": [500.0, DAY_OF_LANDMARK, JUST_AFTER, 500.0, 300.0],
                    "event": [1, 1, 0, 1, 2],
                }
            ),
        },
        index_event="surgery",
    )


class TestBoundary:
    """What holds on the landmark day itself, and one smallest step to either side."""

    def test_sample_of_the_day_is_known(self, cohort: Cohort):
        known = cohort.at(DAY_OF_LANDMARK).samples["sample_id"].to_list()
        assert known == ["S-old", "S-before", "S-same"]
        assert cohort.at(JUST_BEFORE).samples["sample_id"].to_list() == ["S-old", "S-before"]
        assert "S-after" in cohort.at(JUST_AFTER).samples["sample_id"].to_list()

    def test_event_of_the_day_is_over(self, cohort: Cohort):
        assert "same" not in cohort.at(DAY_OF_LANDMARK).at_risk("relapse")["patient_id"]
        assert "same" in cohort.at(JUST_BEFORE).at_risk("relapse")["patient_id"].to_list()

    def test_censoring_of_the_day_is_over(self, cohort: Cohort):
        assert "after" in cohort.at(DAY_OF_LANDMARK).at_risk("relapse")["patient_id"].to_list()
        assert "after" not in cohort.at(JUST_AFTER).at_risk("relapse")["patient_id"].to_list()

    def test_entry_of_the_day_is_at_risk(self, cohort: Cohort):
        at_risk = cohort.at(DAY_OF_LANDMARK).at_risk("relapse")["patient_id"].to_list()
        assert "due" in at_risk
        assert "late" not in at_risk
        assert "due" not in cohort.at(JUST_BEFORE).at_risk("relapse")["patient_id"].to_list()
        assert "late" in cohort.at(JUST_AFTER).at_risk("relapse")["patient_id"].to_list()

    def test_clock_starts_at_the_landmark(self, cohort: Cohort):
        at_risk = cohort.at(DAY_OF_LANDMARK).at_risk("relapse")
        assert at_risk.rows() == [
            ("after", JUST_AFTER - DAY_OF_LANDMARK, 0),
            ("before", 400.0, 1),
            ("due", 200.0, 2),
        ]


class TestCounts:
    def test_enumerations_say_when_and_where(self, cohort: Cohort):
        known = cohort.at(50).enumerations
        assert known.select("patient_id", "site", "time", "phase", "count").rows() == [
            ("before", "blood", 10.0, "pre", 9)
        ]

    def test_last_count(self, cohort: Cohort):
        last = cohort.at(DAY_OF_LANDMARK).last_count("CTC")
        assert last.select("patient_id", "count").rows() == [("before", 1), ("same", 2)]

    def test_last_count_not_before(self, cohort: Cohort):
        landmark = cohort.at(DAY_OF_LANDMARK)
        assert landmark.last_count("CTC", not_before=DAY_OF_LANDMARK)["patient_id"].to_list() == [
            "same"
        ]
        assert landmark.last_count("CTC", not_before=JUST_BEFORE).height == 2

    def test_last_count_of_an_assay(self, cohort: Cohort):
        assert cohort.at(DAY_OF_LANDMARK).last_count("CTC", assay="other").height == 0
        assert cohort.at(DAY_OF_LANDMARK).last_count("DTC").height == 0

    def test_larger_amount_wins_on_one_day_then_the_later_id(self, cohort: Cohort):
        samples = pl.DataFrame(
            {
                "sample_id": ["A", "B", "C"],
                "patient_id": ["before"] * 3,
                "site": ["blood"] * 3,
                "time": [1.0] * 3,
            }
        )
        counts = pl.DataFrame(
            {
                "sample_id": ["A", "B", "C"],
                "assay": ["ISET"] * 3,
                "cell_class": ["CTC"] * 3,
                "count": [1, 2, 3],
                "examined": [10.0, 20.0, 20.0],
                "examined_unit": ["mL"] * 3,
            }
        )
        tied = Cohort.from_tables(
            {"patients": cohort.patients, "samples": samples, "enumerations": counts},
            index_event="surgery",
        )
        assert tied.at(1).last_count("CTC")["count"].to_list() == [3]

    def test_last_value(self, cohort: Cohort):
        landmark = cohort.at(DAY_OF_LANDMARK)
        assert landmark.last_value("PSA")["value"].to_list() == [1.0, 2.0]
        assert landmark.last_value("PSA", not_before=DAY_OF_LANDMARK)["value"].to_list() == [2.0]
        assert cohort.at(50).measurements["value"].to_list() == [9.0]


class TestMessages:
    def test_landmark_that_is_no_day(self, cohort: Cohort):
        with pytest.raises(CohortError, match=r"the landmark is day nan, which is not a finite"):
            cohort.at(math.nan)
        with pytest.raises(CohortError, match=r"day inf"):
            cohort.at(math.inf)

    def test_unknown_endpoint(self, cohort: Cohort):
        with pytest.raises(
            CohortError, match=r"no follow-up for the endpoint 'relaps'; did you mean 'relapse'\?"
        ):
            cohort.at(1).at_risk("relaps")
        bare = Cohort.from_tables({"patients": cohort.patients}, index_event="surgery")
        with pytest.raises(CohortError, match=r"The cohort has: none\."):
            bare.at(1).at_risk("relapse")

    def test_unknown_analyte(self, cohort: Cohort):
        with pytest.raises(CohortError, match=r"no measurements of 'psa'; did you mean 'PSA'\?"):
            cohort.at(1).last_value("psa")


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(clones=False, extras=False), day=DAY, later=st.floats(0, 1e4))
def test_nothing_known_is_forgotten_and_nothing_later_is_known(
    cohort: Cohort, day: float, later: float
):
    first, second = cohort.at(day), cohort.at(day + later)
    assert set(first.samples["sample_id"]) <= set(second.samples["sample_id"])
    assert (first.samples["time"] <= day).all()
    for endpoint in cohort.endpoints:
        at_risk = first.at_risk(endpoint)
        rows = cohort.follow_up.filter(pl.col("endpoint") == endpoint)
        over = rows.filter((pl.col("time") <= day) | (pl.col("entry") > day))
        assert (at_risk["time"] > 0).all()
        assert at_risk.height + over.height == rows.height
