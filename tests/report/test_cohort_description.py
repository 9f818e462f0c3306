from __future__ import annotations

import json
import math

import polars as pl
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.provenance import Provenance
from marrowtrace.report.cohort_description import describe
from marrowtrace.report.cohort_page import cohort_page
from marrowtrace.units import DAYS_PER_YEAR


@pytest.fixture
def cohort() -> Cohort:
    ids = ["A", "B", "C", "D"]
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame(
                {
                    "patient_id": ids,
                    "age": [40.0, 50.0, 60.0, None],
                    "cancer_type": ["breast", "breast", "breast", "lung"],
                    "grade": [1, 2, 3, 3],
                }
            ),
            "treatments": pl.DataFrame(
                {"patient_id": ["A", "B"], "start": [0.0, 20.0], "agent": ["docetaxel"] * 2}
            ),
            "samples": pl.DataFrame(
                {
                    "sample_id": ["a", "b", "c"],
                    "patient_id": ["A", "B", "C"],
                    "site": ["bone_marrow", "bone_marrow", "blood"],
                    "time": [0.0, 0.0, 10.0],
                    "phase": ["pre", "pre", "post"],
                }
            ),
            "enumerations": pl.DataFrame(
                {
                    "sample_id": ["a", "b", "c"],
                    "assay": ["A45-B/B3", "A45-B/B3", "CellSearch"],
                    "cell_class": ["DTC", "DTC", "CTC"],
                    "count": [2, 0, 7],
                    "examined": [2e6, 2e6, 7.5],
                    "examined_unit": ["nucleated_cells", "nucleated_cells", "mL"],
                }
            ),
            "measurements": pl.DataFrame(
                {"sample_id": ["a", "c"], "analyte": ["CA 15-3"] * 2, "value": [10.0, 20.0]}
            ),
            "follow_up": pl.DataFrame(
                {
                    "patient_id": ids,
                    "endpoint": ["relapse"] * 4,
                    "entry": [0.0] * 4,
                    "time": [y * DAYS_PER_YEAR for y in (1, 2, 6, 8)],
                    "event": [1, 2, 0, 0],
                }
            ),
        },
        index_event="surgery",
    )


def test_follow_up_by_hand(cohort):
    row = describe(cohort).follow_up.row(0, named=True)
    assert (row["patients"], row["events"], row["competing"]) == (4, 1, 1)
    assert row["person_years"] == pytest.approx(17)
    # reverse curve: 1 until 6 years, then 1/2, then 0: R takes the middle of the flat half
    assert row["median_follow_up"] == pytest.approx(7)
    assert row["free_at_5_years"] == pytest.approx(0.75)


def test_groups_and_numbers_by_hand(cohort):
    found = describe(cohort)
    assert found.groups.rows() == [
        ("cancer_type", "breast", 3, 0.75),
        ("cancer_type", "lung", 1, 0.25),
    ]
    age = found.numbers.row(0, named=True)
    assert (age["characteristic"], age["unit"], age["known"], age["median"]) == ("age", "y", 3, 50)
    assert found.numbers["characteristic"].to_list() == ["age", "grade"]


def test_detection_and_missing(cohort):
    found = describe(cohort)
    marrow = found.detection.rows.filter(pl.col("site") == "bone_marrow").row(0, named=True)
    assert (marrow["positive"], marrow["samples"], marrow["rate"]) == (1, 2, 0.5)
    shown = found.detection_table().filter(pl.col("cells") == "DTC").row(0, named=True)
    assert shown["positive samples"] == "1/2"
    assert shown["rate (95 %)"].startswith("0.500 (0.013 to 0.987")
    age = found.missing.filter(pl.col("column") == "age").row(0, named=True)
    assert (age["missing"], age["share"]) == (1, 0.25)


def test_treatments_and_measurements(cohort):
    found = describe(cohort)
    assert found.treatments["patients"].to_list() == [2]
    assert found.measurements.row(0, named=True)["median"] == 15


def test_json_holds_no_nan(cohort):
    text = json.dumps(describe(cohort).to_json(), allow_nan=False)
    assert json.loads(text)["schema"] == "marrowtrace.cohort-description/1"


def test_a_bare_cohort_is_described():
    bare = Cohort.from_tables(
        {"patients": pl.DataFrame({"patient_id": ["A"]})}, index_event="diagnosis"
    )
    found = describe(bare)
    assert found.follow_up.height == 0
    assert found.detection.rows.height == 0
    page = cohort_page(found, name="bare", provenance=bare.provenance).html()
    assert "No tumour cells were counted" in page


def test_someone_who_leaves_on_the_day_of_entry():
    cohort = Cohort.from_tables(
        {
            "patients": pl.DataFrame({"patient_id": ["A", "B"]}),
            "follow_up": pl.DataFrame(
                {
                    "patient_id": ["A", "B"], "endpoint": ["relapse"] * 2, "entry": [0.0, 0.0],
                    "time": [0.0, 9.0], "event": [0, 1],
                }
            ),
        },
        index_event="diagnosis",
    )  # fmt: skip
    row = describe(cohort).follow_up.row(0, named=True)
    assert row["events"] == 1
    assert math.isnan(row["free_at_5_years"]) or row["free_at_5_years"] == 0


def test_the_page_says_what_it_must(cohort):
    provenance = Provenance(action="tables", notes=["1 row(s): site 'BM' read as bone_marrow"])
    page = cohort_page(describe(cohort), name="demo", provenance=provenance).html()
    assert "Research use only" in page
    assert "not for clinical decisions" in page
    assert "BM&#x27; read as bone_marrow" in page
    assert "4 patients; day 0 is surgery" in page
    assert "<script" not in page
    assert "http:" not in page
    assert "https:" not in page
