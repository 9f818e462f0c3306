from __future__ import annotations

import numpy as np
import pytest
from tests.evidence.reference_numbers import columns, numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.proportion_regression import proportion_regression
from marrowtrace.evidence.proportions import pool_proportions
from marrowtrace.evidence.regression import indicators

EXPECTED = numbers("evidence_proportions.csv")["table1", "regression"]
_COUNTS = columns("evidence_counts.csv")
_ROWS = [i for i, name in enumerate(_COUNTS["set"]) if name == "table1"]
K = np.array([int(_COUNTS["xi"][i]) for i in _ROWS])
N = np.array([int(_COUNTS["ni"][i]) for i in _ROWS])
ANALYTE = ["CTC"] * 6 + ["DTC"] * 5


def test_agrees_with_metafor():
    columns_, names = indicators(ANALYTE)
    fit = proportion_regression(K, N, moderators=columns_, names=names)
    for j, coefficient in enumerate(fit.coefficients, 1):
        assert coefficient.estimate == pytest.approx(EXPECTED[f"beta{j}"], rel=1e-3)
        assert coefficient.se == pytest.approx(EXPECTED[f"se{j}"], rel=1e-3)
    assert fit.tau2 == pytest.approx(EXPECTED["tau2"], rel=1e-3)
    assert fit.coefficients[1].p_value == pytest.approx(EXPECTED["p2"], rel=1e-3)
    assert fit.df == 1
    assert 0 < fit.p_value < 0.2
    assert fit.table()["name"].to_list() == ["intercept", "DTC"]
    assert fit.to_json()["n"] == int(N.sum())


def test_a_constant_shift_of_a_moderator_leaves_the_fit():
    x = np.arange(11.0)
    one = proportion_regression(K, N, moderators=x, names=["x"])
    other = proportion_regression(K, N, moderators=x + 7, names=["x"])
    assert one.likelihood_ratio == pytest.approx(other.likelihood_ratio, abs=1e-6)
    assert one.coefficients[1].estimate == pytest.approx(other.coefficients[1].estimate, rel=1e-4)
    assert one.tau2_without == pytest.approx(pool_proportions(K, N).tau2, rel=1e-6)


@pytest.mark.parametrize(
    ("events", "moderators", "names", "message"),
    [
        ([1, 2, 3, 9, 9, 9], [0, 0, 0, 1, 1, 1], ["group"], "has no finite estimate"),
        ([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1], ["one"], "rank-deficient"),
        ([1, 2, 3, 4, 5, 6], [1, 2], ["x"], "needed are 6 rows"),
        ([1, 2, 3, 4, 5, 6], np.eye(6)[:, :5], list("abcde"), "6 coefficients cannot be fitted"),
    ],
)
def test_what_cannot_be_fitted_is_refused(events, moderators, names, message):
    with pytest.raises(EvidenceError, match=message):
        proportion_regression(events, [9] * 6, moderators=moderators, names=names)
