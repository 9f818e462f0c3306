from __future__ import annotations

import math

import numpy as np
import pytest
from tests.evidence.reference_numbers import floats, numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.heterogeneity import (
    check_design,
    check_studies,
    estimate_tau2,
    heterogeneity,
    q_statistic,
)

REFERENCE = numbers("evidence_effects.csv")
BCG = (floats("evidence_bcg.csv", "yi"), floats("evidence_bcg.csv", "vi"))
RILEY = (floats("evidence_riley.csv", "yi"), floats("evidence_riley.csv", "vi"))
TWO = (np.array([0.2, 0.9]), np.array([0.04, 0.05]))


@pytest.mark.parametrize(("name", "data"), [("bcg", BCG), ("riley", RILEY), ("two", TWO)])
def test_q_profile_agrees_with_metafor(name, data):
    found = heterogeneity(*data).table().row(0, named=True)
    for quantity, value in REFERENCE[name, "profile"].items():
        assert found[quantity] == pytest.approx(value, rel=1e-6, abs=1e-9), quantity


def test_q_profile_bounds_invert_q():
    """By definition Q at the bounds equals the chi-square quantiles."""
    y, v = BCG
    found = heterogeneity(y, v)
    x = np.ones((13, 1))
    assert q_statistic(y, v, x, found.tau2_low) == pytest.approx(23.336664158645338, rel=1e-9)
    assert q_statistic(y, v, x, found.tau2_high) == pytest.approx(4.403788506981702, rel=1e-9)


@pytest.mark.parametrize("method", ["DL", "PM", "REML", "ML", "EB", "HE", "HS"])
def test_equal_variances_give_the_closed_form(method):
    """With equal v, tau2 = S2 - v with S2 over k - 1, or over k for ML and HS's moment."""
    y = np.array([0.0, 1.0, 3.0, 5.0, 6.0])
    v = np.full(5, 0.7)
    squares = float(np.sum((y - 3.0) ** 2))
    expected = squares / (5 if method in ("ML", "HS") else 4) - 0.7
    found = estimate_tau2(y, v, np.ones((5, 1)), method)
    assert found == pytest.approx(expected, rel=1e-10)


def test_reml_takes_the_higher_of_two_modes():
    """The estimate is never beaten by any point of a dense scan of the restricted likelihood."""
    y = np.array([0.0, 0.001, -0.001, 30.0, -30.0])
    v = np.array([1e-6, 1e-6, 1e-6, 1.0, 1.0])
    x = np.ones((5, 1))

    def restricted(tau2):
        w = 1 / (v + tau2)
        return 0.5 * (np.log(w).sum() - math.log(w.sum()) - q_statistic(y, v, x, tau2))

    best = max(restricted(t) for t in np.concatenate([[0], np.geomspace(1e-9, 1e5, 4000)]))
    assert restricted(estimate_tau2(y, v, x, "REML")) >= best - 1e-9


def test_no_heterogeneity_at_all_has_an_empty_interval_at_zero():
    found = heterogeneity(np.full(30, 0.1), np.full(30, 0.2))
    assert (found.tau2, found.tau2_low, found.tau2_high, found.i2) == (0, 0, 0, 0)


def test_one_study_has_no_heterogeneity():
    found = heterogeneity([0.3], [0.1])
    assert found.q == pytest.approx(0, abs=1e-12)
    assert found.q_df == 0
    assert math.isnan(found.i2)
    assert found.to_json()["i2"] is None


def test_every_impossible_value_is_listed():
    with pytest.raises(EvidenceError) as caught:
        check_studies([0.1, math.nan, 0.3], [0.1, 0.2, 0.0])
    text = str(caught.value)
    assert "2 problems in the study effects" in text
    assert "effects[1]: nan is not a finite number" in text
    assert "variances[2]: 0.0 is not a variance above 0" in text


@pytest.mark.parametrize(
    ("effects", "variances", "least", "message"),
    [
        ([0.1], [0.1, 0.2], 1, "1 effects but 2 variances"),
        ([0.1], [0.1], 2, "1 studies given; at least 2 are needed"),
        ([[0.1]], [0.1], 1, "one-dimensional"),
    ],
)
def test_shapes_are_checked(effects, variances, least, message):
    with pytest.raises(EvidenceError, match=message):
        check_studies(effects, variances, least=least)


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], "rank-deficient: 2 coefficients but rank 1"),
        ([[1.0, math.nan], [1.0, 2.0], [1.0, 3.0]], "moderator column 1, study 0 is nan"),
        ([[1.0], [1.0]], "one row for each of the 3 studies"),
    ],
)
def test_designs_are_checked(design, message):
    with pytest.raises(EvidenceError, match=message):
        check_design(design, 3)
