from __future__ import annotations

import pytest
from tests.evidence.reference_numbers import floats, numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.influence import influence, leave_one_out

REFERENCE = numbers("evidence_effects.csv")
Y, V = floats("evidence_bcg.csv", "yi"), floats("evidence_bcg.csv", "vi")
NAMES = {
    "rstudent": "studentised_residual",
    "dffits": "dffits",
    "cook.d": "cook_distance",
    "cov.r": "covariance_ratio",
    "tau2.del": "tau2_without",
    "QE.del": "q_without",
    "hat": "weight",
}


def test_leave_one_out_agrees_with_metafor():
    for row in leave_one_out(Y, V, test="wald").table().iter_rows(named=True):
        expected = REFERENCE["bcg", f"without {row['left_out']}"]
        for quantity in ("estimate", "se", "tau2", "i2", "q"):
            assert row[quantity] == pytest.approx(expected[quantity], rel=1e-6), quantity


def test_influence_agrees_with_metafor():
    for row in influence(Y, V).table().iter_rows(named=True):
        expected = REFERENCE["bcg", f"without {row['study']}"]
        for theirs, ours in NAMES.items():
            assert row[ours] == pytest.approx(expected[theirs], rel=1e-6), theirs


def test_a_study_far_from_the_others_is_flagged():
    found = influence([0.1, 0.11, 0.09, 0.1, 0.12, 3.0], [0.01] * 6)
    assert [study.influential for study in found.studies] == [False] * 5 + [True]


def test_too_few_studies():
    with pytest.raises(EvidenceError, match="at least 3 are needed"):
        influence([0.1, 0.2], [0.1, 0.1])
    with pytest.raises(EvidenceError, match="at least 2 are needed"):
        leave_one_out([0.1], [0.1])
    assert leave_one_out([0.1, 0.2], [0.1, 0.1]).pooled[0].estimate == pytest.approx(0.2)
    assert len(influence([0.1, 0.2, 0.3], [0.1] * 3).to_json()["studies"]) == 3
