from __future__ import annotations

import pytest
from tests.evidence.reference_numbers import columns, floats, numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.subgroups import subgroup_test

REFERENCE = numbers("evidence_effects.csv")
Y, V = floats("evidence_bcg.csv", "yi"), floats("evidence_bcg.csv", "vi")
ALLOCATION = columns("evidence_bcg.csv")["alloc"]


@pytest.mark.parametrize(("r_test", "test"), [("z", "wald"), ("adhoc", "knapp-hartung")])
def test_separate_variances_agree_with_metafor(r_test, test):
    found = subgroup_test(Y, V, groups=ALLOCATION, test=test)
    expected = REFERENCE["bcg", f"subgroup {r_test}"]
    assert found.statistic == pytest.approx(expected["q"], rel=1e-6)
    assert found.p_value == pytest.approx(expected["p_value"], rel=1e-6)
    for row in found.table().iter_rows(named=True):
        for quantity, value in REFERENCE["bcg", f"subgroup {r_test} {row['group']}"].items():
            assert row[quantity] == pytest.approx(value, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("r_test", "test"), [("z", "wald"), ("adhoc", "knapp-hartung")])
def test_common_variance_agrees_with_metafor(r_test, test):
    found = subgroup_test(Y, V, groups=ALLOCATION, test=test, common_tau2=True)
    expected = REFERENCE["bcg", f"subgroup common {r_test}"]
    assert found.statistic == pytest.approx(expected["q"], rel=1e-6)
    assert found.p_value == pytest.approx(expected["p_value"], rel=1e-6)
    assert found.common_tau2 == pytest.approx(expected["tau2"], rel=1e-6)


def test_a_group_of_one_study_is_warned_of():
    found = subgroup_test(Y[:4], V[:4], groups=["a", "a", "a", "b"])
    assert "group 'b' holds one study" in found.warnings[0]


def test_labels_are_counted():
    with pytest.raises(EvidenceError, match="2 group labels for 13 studies"):
        subgroup_test(Y, V, groups=["a", "b"])


def test_one_group_has_no_difference_to_test():
    with pytest.raises(EvidenceError, match="a moderator needs two or more"):
        subgroup_test(Y, V, groups=["a"] * 13)
