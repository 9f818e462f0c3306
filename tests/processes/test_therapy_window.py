from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from marrowtrace.processes import therapy_window
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue
from tests.processes.replicates import replicates

WINDOWS = [(10.0, 50.0, 5.0, 20.0), (10.0, 50.0, 0.0, 0.0), (10.0, 50.0, 5.0, 0.0)]


@pytest.mark.parametrize("window", WINDOWS)
def test_integral_is_that_of_the_exposure(window):
    for end in (5.0, 30.0, 50.0, 200.0):
        points = [p for p in (10.0, 50.0) if p < end]
        exact = quad(lambda t: therapy_window.exposure(t, *window), 0.0, end, points=points)[0]
        assert therapy_window.exposure_to(end, *window) == pytest.approx(exact, abs=1e-8)
    mean = therapy_window.mean_exposure(20.0, 60.0, *window)
    exact = quad(lambda t: therapy_window.exposure(t, *window), 20.0, 60.0, points=[50.0])[0] / 40
    assert mean == pytest.approx(exact)


def test_half_lives():
    window = WINDOWS[0]
    assert therapy_window.exposure(10.0, *window) == 0.0
    assert therapy_window.exposure(15.0, *window) == pytest.approx(0.5)
    full = therapy_window.exposure(50.0, *window)
    assert therapy_window.exposure(70.0, *window) == pytest.approx(0.5 * full)


def test_limits():
    assert therapy_window.exposure(20.0, 10.0, 10.0, 0.0, 5.0) == 0.0  # empty window
    assert therapy_window.exposure_to(20.0, 10.0, 10.0, 0.0, 5.0) == 0.0
    assert therapy_window.exposure(9.0, *WINDOWS[1]) == 0.0
    assert therapy_window.exposure(11.0, *WINDOWS[1]) == 1.0
    assert therapy_window.exposure(51.0, *WINDOWS[1]) == 0.0
    assert therapy_window.exposure(1e6, 10.0, math.inf, 5.0, 0.0) == pytest.approx(1.0)
    assert therapy_window.multiplier(0.55, 0.0) == 1.0
    assert therapy_window.multiplier(0.55, 1.0) == pytest.approx(0.55)
    assert therapy_window.multiplier(3.0, 0.5) == pytest.approx(2.0)


def test_cycles():
    days = [therapy_window.cycle_day(30.0, 21.0, k) for k in range(6)]
    assert days[0] == 30.0
    assert days[-1] == 135.0
    for time in (0.0, 30.0, 30.1, 51.0, 51.5, 1e4):
        given = therapy_window.cycles_before(time, 30.0, 21.0, 6)
        assert given == sum(day < time for day in days)
    assert therapy_window.cycles_before(1e4, 30.0, 21.0, 0) == 0
    assert therapy_window.cycles_before(31.0, 30.0, 0.0, 6) == 6


def test_therapies_are_given_up_at_the_hazard():
    hazard = therapy_window.dropout_hazard(0.3, 1_826.25)
    draws = replicates(therapy_window.draw_stop, 100.0, 1_926.25, hazard) - 100.0
    early = draws < 1_826.25
    stays = stats.binomtest(int(early.sum()), draws.size, 0.3)

    def given_up(t):
        return -np.expm1(-hazard * t) / 0.3

    assert_family({"share": stays.pvalue, "time": ks_pvalue(draws[early], given_up)})
    assert stats.binomtest(int(early.sum()), draws.size, 0.33).pvalue < ALPHA
    mean = therapy_window.mean_stay(1_826.25, hazard)
    assert draws.mean() == pytest.approx(mean, rel=0.01)
    assert therapy_window.mean_stay(50.0, 0.0) == 50.0
    assert therapy_window.dropout_hazard(0.0, 10.0) == 0.0
    assert (replicates(therapy_window.draw_stop, 1.0, 9.0, 0.0, count=5) == 9.0).all()
