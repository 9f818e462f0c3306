from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.survival.censoring import censoring_curve
from marrowtrace.survival.inverse_censoring import state_at_horizon
from marrowtrace.survival.kaplan_meier import kaplan_meier


def test_event_comes_before_a_censoring_of_its_day():
    """On day 2 one of four has the event and leaves; the censoring is one of three."""
    curve = censoring_curve(np.array([2.0, 2, 3, 4]), np.array([True, False, True, False]))
    np.testing.assert_allclose(curve.time, [2, 4])
    np.testing.assert_allclose(curve.at_risk, [3, 1])
    np.testing.assert_allclose(curve.until(np.array([1.0, 2, 3, 4])), [1, 2 / 3, 2 / 3, 0])
    np.testing.assert_allclose(curve.before(np.array([2.0, 3, 4])), [1, 2 / 3, 2 / 3])


def test_late_entry():
    """Of three only two are there when one is lost on day 3."""
    curve = censoring_curve(
        np.array([3.0, 5, 6]), np.array([False, True, True]), entry=np.array([0.0, 0, 4])
    )
    np.testing.assert_allclose(curve.free, [1 / 2])


def test_survival_times_staying_uncensored_is_the_share_still_there():
    rng = np.random.default_rng(4)
    time, event = rng.integers(1, 20, 300).astype(float), rng.random(300) < 0.5
    curve, survival = censoring_curve(time, event), kaplan_meier(time, event)
    for day in (3.0, 9.0, 15.0):
        product = curve.until(np.array([day]))[0] * survival.at(day)[0]
        assert product == pytest.approx((time > day).mean(), abs=1e-12)


def test_weights_at_a_horizon_sum_to_the_number_of_patients():
    rng = np.random.default_rng(5)
    time, event = rng.integers(1, 20, 300), rng.integers(0, 3, 300)
    state = state_at_horizon(time, event, horizon=10)
    assert state.weight.sum() == pytest.approx(300)
    assert (state.weight[~(state.case | state.control)] == 0).all()
    assert state.influence(state.weight).sum() == pytest.approx(0, abs=1e-9)
