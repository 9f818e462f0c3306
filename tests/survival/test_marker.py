from __future__ import annotations

import polars as pl
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from marrowtrace.survival.marker import Marker


@pytest.fixture
def cohort() -> Cohort:
    """Patient a: 3 cells on day 10 (pre), none on 200 (post). b: called positive on day 210."""
    samples = pl.DataFrame(
        {
            "sample_id": ["a1", "a2", "b1", "c1"],
            "patient_id": ["a", "a", "b", "c"],
            "site": ["bone_marrow"] * 4,
            "time": [10.0, 200.0, 210.0, 205.0],
            "phase": ["pre", "post", "post", "post"],
        }
    )
    counts = pl.DataFrame(
        {
            "sample_id": ["a1", "a2", "b1", "c1"],
            "assay": ["ICC", "ICC", "ICC", "PCR"],
            "cell_class": ["DTC"] * 4,
            "count": [3, 0, None, 7],
            "examined": [2e6, 2e6, None, 2e6],
            "examined_unit": ["nucleated_cells"] * 4,
            "positive": [None, None, True, None],
        }
    )
    follow_up = pl.DataFrame(
        {
            "patient_id": ["a", "b", "c"],
            "endpoint": ["relapse"] * 3,
            "entry": [0.0] * 3,
            "time": [900.0, 800.0, 700.0],
            "event": [1, 0, 1],
        }
    )
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame({"patient_id": ["a", "b", "c"]}),
            "samples": samples,
            "enumerations": counts,
            "measurements": pl.DataFrame(
                {"sample_id": ["a1", "b1"], "analyte": ["CA15-3"] * 2, "value": [20.0, 40.0]}
            ),
            "follow_up": follow_up,
        },
        index_event="surgery",
    )


def known(marker, cohort, day):
    frame = marker.known(cohort, landmark=day, endpoint="relapse").sort("patient_id")
    return dict(frame.iter_rows())


def test_last_value_by_the_landmark(cohort):
    assert known(Marker("dtc", cell_class="DTC"), cohort, 300) == {"a": 0, "c": 7}
    early = Marker("dtc", cell_class="DTC", phase="pre")
    assert known(early, cohort, 100) == {"a": 3}


def test_threshold_takes_the_laboratory_at_its_word(cohort):
    assert known(Marker("d", cell_class="DTC", threshold=1), cohort, 300) == {
        "a": 0,
        "b": 1,
        "c": 1,
    }
    assert known(Marker("d", cell_class="DTC", threshold=2), cohort, 300) == {"a": 0, "c": 1}


def test_assay_day_and_analyte(cohort):
    assert known(Marker("d", cell_class="DTC", assay="PCR"), cohort, 300) == {"c": 7}
    assert known(Marker("d", cell_class="DTC", not_before=202), cohort, 300) == {"c": 7}
    assert known(Marker("m", analyte="CA15-3", threshold=30), cohort, 300) == {"a": 0, "b": 1}


def test_most_measured_later_is_refused(cohort):
    message = r"'d' was first measured after day 50 in 2 of the 3 patients .*\(median day 207.5\)"
    with pytest.raises(CohortError, match=message):
        known(Marker("d", cell_class="DTC", threshold=1), cohort, 50)


def test_the_minority_measured_later_is_left_out(cohort):
    assert known(Marker("d", cell_class="DTC", threshold=1), cohort, 206) == {"a": 0, "c": 1}


def test_unknown_class(cohort):
    with pytest.raises(CohortError, match="'d': the cohort has no values of 'DTCs'; did you mean"):
        known(Marker("d", cell_class="DTCs"), cohort, 50)
    with pytest.raises(CohortError, match="either a cell class"):
        Marker("d", cell_class="DTC", analyte="PSA")
