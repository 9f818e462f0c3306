from __future__ import annotations

import math

import numpy as np
import pytest
from tests.evidence.reference_numbers import floats, numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.effects import pool_effects
from marrowtrace.evidence.regression import indicators, meta_regression

REFERENCE = numbers("evidence_effects.csv")
Y, V = floats("evidence_bcg.csv", "yi"), floats("evidence_bcg.csv", "vi")
MODERATORS = np.column_stack(
    [floats("evidence_bcg.csv", "ablat"), floats("evidence_bcg.csv", "year")]
)
NAMES = ["ablat", "year"]


@pytest.mark.parametrize("method", ["DL", "PM", "REML", "ML", "SJ", "HE", "HS"])
@pytest.mark.parametrize(
    ("r_test", "test", "guard"),
    [("z", "wald", False), ("knha", "knapp-hartung", False), ("adhoc", "knapp-hartung", True)],
)
def test_agrees_with_metafor(method, r_test, test, guard):
    expected = REFERENCE["bcg", f"regression {method} {r_test}"]
    fit = meta_regression(
        Y, V, moderators=MODERATORS, names=NAMES, method=method, test=test, guard=guard
    )
    found = {"r2": fit.r2, "moderator_statistic": fit.moderator_statistic}
    found["moderator_p_value"] = fit.moderator_p_value
    for j, coefficient in enumerate(fit.coefficients, 1):
        found |= {f"beta{j}": coefficient.estimate, f"se{j}": coefficient.se}
        found |= {f"p{j}": coefficient.p_value, f"low{j}": coefficient.ci_low}
    found |= fit.residual.table().row(0, named=True)
    for quantity, value in expected.items():
        assert found[quantity] == pytest.approx(value, rel=1e-6, abs=1e-9), quantity


def test_without_an_intercept_indicators_give_group_means():
    groups = ["a"] * 6 + ["b"] * 7
    columns = np.array([[g == "a", g == "b"] for g in groups], dtype=float)
    fit = meta_regression(
        Y, V, moderators=columns, names=["a", "b"], method="common", test="wald", intercept=False
    )
    means = [np.average(part, weights=1 / w) for part, w in ((Y[:6], V[:6]), (Y[6:], V[6:]))]
    assert [c.estimate for c in fit.coefficients] == pytest.approx(means, rel=1e-12)
    assert math.isnan(fit.r2)


def test_a_centred_moderator_leaves_the_common_effect_pooled_alone():
    """Fixed-effect weights: a moderator orthogonal to the intercept does not move it."""
    w = 1 / V
    centred = MODERATORS[:, 0] - np.average(MODERATORS[:, 0], weights=w)
    fit = meta_regression(Y, V, moderators=centred, names=["ablat"], method="common", test="wald")
    alone = pool_effects(Y, V, method="common", test="wald")
    assert fit.coefficients[0].estimate == pytest.approx(alone.estimate, rel=1e-10)


def test_table_and_json_name_the_coefficients():
    fit = meta_regression(Y, V, moderators=MODERATORS, names=NAMES)
    assert fit.table()["name"].to_list() == ["intercept", "ablat", "year"]
    assert fit.to_json()["k"] == 13
    assert "fewer than 10 for each" in fit.warnings[0]


@pytest.mark.parametrize(
    ("moderators", "names", "message"),
    [
        (np.ones(13), ["one"], "rank-deficient"),
        (np.eye(13)[:, :12], [str(i) for i in range(12)], "13 coefficients cannot be fitted"),
        (MODERATORS, ["ablat"], "1 moderator names for columns of shape"),
        (np.empty((13, 0)), [], "no moderators given"),
        (np.arange(5.0), ["x"], "one row for each of the 13 studies"),
    ],
)
def test_designs_that_cannot_be_fitted_are_refused(moderators, names, message):
    with pytest.raises(EvidenceError, match=message):
        meta_regression(Y, V, moderators=moderators, names=names)


def test_indicators():
    columns, names = indicators(["b", "a", "c", "b"], reference="b")
    assert names == ("a", "c")
    assert columns.tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]]
    with pytest.raises(EvidenceError, match="did you mean 'DTC'"):
        indicators(["CTC", "DTC"], reference="DTCs")
    with pytest.raises(EvidenceError, match="a moderator needs two or more"):
        indicators(["CTC", "CTC"])


def test_unknown_test_is_named():
    with pytest.raises(EvidenceError, match="did you mean 'wald'"):
        meta_regression(Y, V, moderators=MODERATORS, names=NAMES, test="walt")
