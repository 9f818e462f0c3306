from __future__ import annotations

import json

import numpy as np
import pytest

from marrowtrace.enumeration.agreement import marker_agreement
from marrowtrace.enumeration.pairing import Marker
from marrowtrace.enumeration.two_by_two import two_by_two
from marrowtrace.errors import CohortError
from tests.enumeration.cohorts import cohort_of, ctc, dtc

CTC, DTC = Marker("CTC"), Marker("DTC")


def compare(cohort, first=CTC, second=DTC):
    return marker_agreement(
        np.random.default_rng(1), cohort, first, second, window=14, replicates=99
    )


def test_blood_and_marrow_of_a_cohort():
    counts = [(5, 2), (0, 0), (1, 0), (0, 3), (0, 0), (12, 9), (0, 0), (2, 1)]
    rows = [ctc(f"P{i}", 0, c) for i, (c, _) in enumerate(counts)]
    rows += [dtc(f"P{i}", 3, d) for i, (_, d) in enumerate(counts)]
    found = compare(cohort_of(rows))
    assert found.measures == two_by_two(3, 1, 1, 3)
    assert found.noise is not None
    assert found.noise.discordant == 2
    assert found.noise.mean_first == pytest.approx(20 / 60)
    assert found.remark == ""
    row = found.table().row(0, named=True)
    assert row["noise_discordant"] == 2
    assert json.loads(json.dumps(found.to_json()))["measures"]["both"] == 3
    strict = compare(cohort_of(rows), Marker("CTC", threshold=5))
    assert (strict.first, strict.measures.both) == ("CTC (>= 5)", 2)


def test_verdicts_count_for_the_table_and_not_for_the_noise():
    rows = [ctc("A", 0, 4), dtc("A", 0, 1), ctc("B", 0, 0), dtc("B", 0, 2), ctc("C", 0, 3)]
    found = compare(cohort_of([*rows, dtc("C", 0, False, examined=None)]))
    assert (found.measures.patients, found.measures.first_only) == (3, 1)
    assert found.noise is not None
    assert found.noise.patients == 2
    assert found.remark == "1 pair(s) without two counts are left out of the noise"


def test_noise_that_cannot_be_told_is_said():
    found = compare(cohort_of([ctc("A", 0, 4), dtc("A", 0, 0), ctc("B", 0, 1), dtc("B", 0, 0)]))
    assert found.noise is None
    assert "the second samples show no cell in any patient" in found.remark
    assert found.measures.first_only == 2
    assert found.table().height == 1


def test_no_pairs_are_refused():
    with pytest.raises(CohortError, match="within 14 days"):
        compare(cohort_of([ctc("A", 0, 4), dtc("A", 90, 0)]))
