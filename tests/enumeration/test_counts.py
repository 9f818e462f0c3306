from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.enumeration.counts import (
    check_arguments,
    check_counts,
    first_per_patient,
    marker_counts,
)
from marrowtrace.errors import CohortError, ParameterError
from tests.enumeration.cohorts import cohort_of, ctc, dtc


def test_one_amount_serves_all_counts():
    y, a = check_counts([0, 3], 7.5)
    assert (y.tolist(), a.tolist()) == ([0.0, 3.0], [7.5, 7.5])


def test_every_impossible_count_and_amount_is_named():
    with pytest.raises(CohortError) as caught:
        check_counts([1.5, -1, 2, np.nan], [7.5, 7.5, 0, np.inf])
    for line in (
        "5 problems in the counts",
        "counts[0]: is 1.5; allowed: whole numbers from 0",
        "counts[1]: is -1",
        "counts[3]: is nan",
        "amounts[2]: is 0; allowed: above 0, in mL or nucleated cells",
        "amounts[3]: is inf",
    ):
        assert line in str(caught.value)


@pytest.mark.parametrize(("counts", "amounts"), [([], []), ([1, 2], [1, 2, 3])])
def test_lengths_must_agree(counts, amounts):
    with pytest.raises(CohortError, match="give one amount for each count"):
        check_counts(counts, amounts)


def test_all_arguments_out_of_range_are_named():
    with pytest.raises(ParameterError) as caught:
        check_arguments("the assay", ("a", np.nan, "above 0"), ("b", 1.5, "whole numbers from 1"))
    assert "2 problems in the assay" in str(caught.value)
    assert "b: is 1.5; allowed: whole numbers from 1" in str(caught.value)


def test_choice_of_samples():
    cohort = cohort_of(
        [ctc("A", 0, 4), ctc("A", 90, 0, phase="post"), dtc("A", 0, 1), ctc("B", 5, True)]
    )
    assert marker_counts(cohort, "CTC")["count"].to_list() == [4, 0]
    assert marker_counts(cohort, "CTC", counted=False).height == 3
    assert marker_counts(cohort, "CTC", phase="post")["time"].to_list() == [90]
    assert marker_counts(cohort, "DTC", site="bone_marrow")["examined"].to_list() == [2e6]


def test_first_sample_is_the_earliest_and_then_the_largest():
    cohort = cohort_of(
        [ctc("A", 9, 1), ctc("A", 2, 2), ctc("A", 2, 3, examined=15.0), ctc("B", 1, 4)]
    )
    first = first_per_patient(marker_counts(cohort, "CTC"))
    assert first["count"].to_list() == [3, 4]


def test_unknown_words_are_refused_with_the_nearest():
    cohort = cohort_of([ctc("A", 0, 4), dtc("A", 0, 1)])
    with pytest.raises(CohortError, match=r"no enumeration has cell_class 'DTX'; did you mean"):
        marker_counts(cohort, "DTX")
    with pytest.raises(CohortError, match=r"no enumeration has phase 'post' for CTC.*has: pre"):
        marker_counts(cohort, "CTC", phase="post")


def test_counts_that_do_not_compare_are_refused():
    several = cohort_of([ctc("A", 0, 4), ctc("B", 0, 4, assay="ISET")])
    with pytest.raises(CohortError, match="2 assays, whose counts do not compare; name one: Cell"):
        marker_counts(several, "CTC")
    assert marker_counts(several, "CTC", assay="ISET").height == 1
    units = cohort_of([dtc("A", 0, 4), ("B", "bone_marrow", 0, "pre", "ICC", "DTC", 1, 5.0, "mL")])
    with pytest.raises(CohortError, match=r"different units \(mL, nucleated_cells\)"):
        marker_counts(units, "DTC")
    verdicts = cohort_of([ctc("A", 0, True, examined=None)])
    with pytest.raises(CohortError, match="verdicts but no counts"):
        marker_counts(verdicts, "CTC")
