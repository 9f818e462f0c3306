from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.survival.inverse_censoring import state_at_horizon
from marrowtrace.survival.weighted_measures import (
    area,
    brier,
    interval,
    net_benefit,
    share_positive,
)
from tests.goodness_of_fit import assert_family


def test_without_censoring_they_are_counted():
    """By day 5: cases 1 and 4, controls 6 and 9."""
    state = state_at_horizon([1, 4, 6, 9], [1, 1, 1, 1], horizon=5)
    risk = np.array([0.5, 0.1, 0.25, 0.2])
    assert area(state, risk)[0] == pytest.approx(2 / 4)
    assert brier(state, risk)[0] == pytest.approx((0.25 + 0.81 + 0.0625 + 0.04) / 4)
    assert net_benefit(state, risk >= 0.25, 0.25)[0] == pytest.approx(1 / 4 - 1 / 12)
    assert share_positive(state, risk >= 0.2, among_cases=True)[0] == pytest.approx(1 / 2)
    assert share_positive(state, risk >= 0.25, among_cases=False)[0] == pytest.approx(1 / 2)


def test_interval():
    error, low, high = interval([1.0, 2.0], np.array([[0.3, 0.0], [0.4, 1.0]]), 0.95)
    np.testing.assert_allclose(error, [0.5, 1.0])
    np.testing.assert_allclose(high - low, 2 * stats.norm.ppf(0.975) * error)


def inside(level: float) -> dict[str, float]:
    """Binomial p-values that intervals of sensitivity and specificity cover the truth."""
    rng = np.random.default_rng(8)
    positive_share, hazards, horizon, runs = 0.4, (0.5, 1.5), 1.0, 300
    had = 1 - np.exp(-np.array(hazards) * horizon)
    shares = np.array([1 - positive_share, positive_share])
    truth = {
        True: shares[1] * had[1] / (shares * had).sum(),
        False: shares[1] * (1 - had[1]) / (shares * (1 - had)).sum(),
    }
    covered = dict.fromkeys(truth, 0)
    for _ in range(runs):
        positive = rng.random(200) < positive_share
        time = rng.exponential(1 / np.where(positive, hazards[1], hazards[0]))
        gone = rng.exponential(1.5, 200)
        state = state_at_horizon(np.minimum(time, gone), time <= gone, horizon=horizon)
        for cases, wanted in truth.items():
            value, influence = share_positive(state, positive, among_cases=cases)
            _, low, high = interval(value, influence, level)
            covered[cases] += bool(low <= wanted <= high)
    return {f"cases {c}": stats.binomtest(k, runs, 0.95).pvalue for c, k in covered.items()}


def test_sensitivity_and_specificity_cover_the_truth():
    assert_family(inside(0.95))


def test_a_narrower_interval_is_caught():
    assert min(inside(0.85).values()) < 1e-3
