from __future__ import annotations

import pytest

from marrowtrace.enumeration.pairing import Marker, paired_samples
from marrowtrace.errors import CohortError, ParameterError
from tests.enumeration.cohorts import cohort_of, ctc, dtc

COHORT = cohort_of(
    [
        ctc("A", 0, 4), ctc("A", 30, 0, phase="post"), dtc("A", 28, 1), dtc("A", 400, 0),
        ctc("B", 0, 0), ctc("B", 10, 2), dtc("B", 5, 0),
        ctc("C", 0, 1), ctc("D", 3, True, examined=None), dtc("D", 3, False, examined=None),
    ]
)  # fmt: skip


def test_nearest_samples_are_paired_once_a_patient():
    pairs = paired_samples(COHORT, Marker("CTC"), Marker("DTC"), window=60)
    assert pairs["patient_id"].to_list() == ["A", "B", "D"]
    assert pairs["gap"].to_list() == [-2, 5, 0]
    assert pairs["time_first"].to_list() == [30, 0, 3]
    assert pairs["positive_first"].to_list() == [False, False, True]


def test_window_order_threshold_and_counts():
    pairs = paired_samples(COHORT, Marker("CTC"), Marker("DTC"), window=3)
    assert pairs["patient_id"].to_list() == ["A", "D"]
    counted = paired_samples(COHORT, Marker("CTC"), Marker("DTC"), window=3, counted=True)
    assert counted["patient_id"].to_list() == ["A"]
    later = paired_samples(COHORT, Marker("CTC", threshold=3), Marker("DTC"), in_order=True)
    assert later["gap"].to_list() == [28, 5]
    assert later["positive_first"].to_list() == [True, False]


def test_a_sample_is_not_paired_with_itself():
    visits = paired_samples(COHORT, Marker("CTC"), Marker("CTC"))
    assert (visits["sample_id_first"] != visits["sample_id_second"]).all()
    assert visits["patient_id"].to_list() == ["A", "B"]


def test_no_pair_is_refused():
    cohort = cohort_of([ctc("A", 0, 4), dtc("A", 100, 1)])
    with pytest.raises(CohortError, match="no patient has samples of both CTC and DTC within 14"):
        paired_samples(cohort, Marker("CTC"), Marker("DTC"), window=14)
    with pytest.raises(CohortError, match="CTC after DTC"):
        paired_samples(cohort, Marker("DTC"), Marker("CTC"), in_order=True)


def test_impossible_arguments_are_refused():
    with pytest.raises(ParameterError, match="threshold 0 of CTC is not allowed"):
        Marker("CTC", threshold=0)
    with pytest.raises(ParameterError, match="window of -1 days is not allowed"):
        paired_samples(COHORT, Marker("CTC"), Marker("DTC"), window=-1)


def test_name():
    assert str(Marker("CTC", threshold=5, phase="post")) == "CTC (post, >= 5)"
