from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.enumeration.conversion import _Turns, conversion, visit_conversion
from marrowtrace.enumeration.pairing import Marker
from marrowtrace.errors import CohortError, ParameterError
from tests.enumeration.cohorts import cohort_of, ctc
from tests.goodness_of_fit import ALPHA, assert_family


def two_visits(rng, n, *, cleared=0.0, risen=0.0, theta=0.5):
    """Counts of two visits; drawn by its own code, not the one under test."""
    concentration = rng.gamma(theta, 0.4 / theta, n)
    y1 = rng.poisson(7.5 * concentration)
    fate = rng.choice(3, n, p=[cleared, risen, 1 - cleared - risen])
    y2 = np.where(fate == 0, 0, rng.poisson(10.0 * concentration))
    return (y1, 7.5), (np.where(fate == 1, np.maximum(y2, 1), y2), 10.0)


def test_expected_turns_by_closed_form():
    rng = np.random.default_rng(20)
    first, second = two_visits(rng, 200)
    found = conversion(rng, first, second, replicates=99)
    c, theta, y = found.mean, found.theta, first[0]
    zero = (1 + 10.0 * c / (theta + 7.5 * c)) ** -(theta + y)
    assert found.lost_expected == pytest.approx(zero[y > 0].sum())
    assert found.gained_expected == pytest.approx((1 - zero[y == 0]).sum())


def test_expected_turns_are_those_of_draws():
    """200 cohorts of 200 without change; a second volume taken as 12 for 10 mL must fail."""
    rng = np.random.default_rng(21)
    visits = [two_visits(rng, 200) for _ in range(200)]
    y1, y2 = (np.array([v[k][0] for v in visits], dtype=float) for k in (0, 1))
    p = {}
    for volume in (10.0, 12.0):
        amounts = np.full(200, 7.5), np.full(200, volume)
        turns = _Turns.of(y1, y2, amounts, 1)
        p[volume] = stats.ttest_1samp(turns.gained - turns.gained_expected, 0).pvalue
    assert_family({"gained": p[10.0]})
    assert p[12.0] < ALPHA


def test_true_change_is_recovered_and_the_raw_rates_are_wrong():
    rng = np.random.default_rng(22)
    found = conversion(rng, *two_visits(rng, 1200, cleared=0.4, risen=0.1), replicates=99)
    assert found.cleared_low <= 0.4 <= found.cleared_high
    assert found.risen_low <= 0.1 <= found.risen_high
    assert found.unchanged == pytest.approx(1 - found.cleared - found.risen)
    assert found.p_value == 1 / 100
    raw = found.gained / (found.gained + found.stayed_negative)
    assert stats.binomtest(found.gained, found.gained + found.stayed_negative, 0.1).pvalue < ALPHA
    assert raw > 0.1
    assert found.patients == 1200


def test_interval_of_cleared_covers():
    """40 cohorts of 60: a coverage of 0.65 in place of 0.93 has power 0.94.

    Percentile intervals of 99 draws cover about 0.93 in the long run.
    """
    rng = np.random.default_rng(23)
    held = rejected = 0
    for _ in range(40):
        found = conversion(rng, *two_visits(rng, 60, cleared=0.5, risen=0.1), replicates=99)
        held += found.cleared_low <= 0.5 <= found.cleared_high
        rejected += conversion(rng, *two_visits(rng, 60), replicates=99).p_value <= 0.05
    assert_family(
        {
            "cleared": stats.binomtest(held, 40, 0.93, alternative="less").pvalue,
            "no change": stats.binomtest(rejected, 40, 0.05, alternative="greater").pvalue,
        }
    )


def test_alike_patients_say_nothing_of_change():
    found = conversion(
        np.random.default_rng(1), ([1, 1, 1, 0, 1], 1.0), ([0, 1, 0, 1, 1], 1.0), replicates=99
    )
    assert math.isinf(found.theta)
    assert math.isnan(found.cleared)
    assert "cannot be told" in found.statement
    assert json.loads(json.dumps(found.to_json()))["cleared"] is None


def test_all_positive_at_first():
    found = conversion(
        np.random.default_rng(1), ([9, 40, 3, 150], 1.0), ([0, 0, 4, 90], 1.0), replicates=99
    )
    assert found.cleared == pytest.approx(0.5, abs=0.02)
    assert math.isnan(found.risen)


def test_visits_of_a_cohort():
    pre, post = [5, 0, 20, 3, 0, 9], [0, 0, 18, 0, 1, 0]
    rows = [ctc(f"P{i}", 0, c) for i, c in enumerate(pre)]
    rows += [ctc(f"P{i}", 90, c, phase="post") for i, c in enumerate(post)]
    found = visit_conversion(
        np.random.default_rng(1), cohort_of(rows), Marker("CTC", phase="pre"),
        Marker("CTC", phase="post"), replicates=99,
    )  # fmt: skip
    cells = (found.stayed_positive, found.lost, found.gained, found.stayed_negative)
    assert cells == (1, 3, 1, 1)
    assert "3 of 4 positive turned negative" in found.statement
    assert found.table()["lost"][0] == 3


def test_visits_must_compare():
    cohort = cohort_of([ctc("A", 0, 4), ctc("A", 9, 4, phase="post")])
    with pytest.raises(CohortError, match="differ in threshold, so a change of verdict"):
        visit_conversion(np.random.default_rng(1), cohort, Marker("CTC"), Marker("CTC", 5))


def test_what_cannot_be_told_is_refused():
    rng = np.random.default_rng(1)
    with pytest.raises(CohortError, match="the first visit shows no cell in any patient"):
        conversion(rng, ([0, 0], 1), ([0, 1], 1))
    with pytest.raises(CohortError, match="2 counts at the first visit and 3 at the second"):
        conversion(rng, ([0, 1], 1), ([0, 1, 1], 1))
    with pytest.raises(ParameterError, match="threshold: is 0"):
        conversion(rng, ([1, 0], 1), ([0, 1], 1), threshold=0)
