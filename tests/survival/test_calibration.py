from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.calibration import calibration
from marrowtrace.survival.competing_risks import cumulative_incidence


def draw(n, seed, competing=False):
    """Exponential times of rate exp(x) / 4: the risk by day t is 1 - exp(-t exp(x) / 4)."""
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(size=n), -1.5, 1.5)
    time, gone = rng.exponential(4 * np.exp(-x)), rng.exponential(6, n)
    event = (time <= gone).astype(int)
    if competing:
        event = np.where(event == 1, 1, np.where(rng.random(n) < 0.5, 2, 0))
    return x, np.minimum(time, gone), event


def test_true_probabilities_are_calibrated():
    x, time, event = draw(4000, 1)
    found = calibration(time, event, risk=1 - np.exp(-np.exp(x) / 2), horizon=2)
    assert found.slope_low < 1 < found.slope_high
    assert found.slope_p > 1e-3
    assert found.ratio_low < 1 < found.ratio_high
    inside = (found.groups["low"] <= found.groups["predicted"]) & (
        found.groups["predicted"] <= found.groups["high"]
    )
    assert inside.sum() >= 4
    assert found.groups["patients"].sum() == 4000


@pytest.mark.parametrize("competing", [False, True])
def test_predictions_twice_too_extreme_have_half_the_slope(competing):
    x, time, event = draw(500, 2, competing)
    fair = calibration(time, event, risk=1 - np.exp(-0.1 * np.exp(x)), horizon=2)
    extreme = calibration(time, event, risk=1 - np.exp(-0.1 * np.exp(2 * x)), horizon=2)
    assert extreme.slope == pytest.approx(fair.slope / 2, rel=1e-6)
    wanted = cumulative_incidence(time, event).at(2)[0]
    assert fair.observed == pytest.approx(wanted)
    assert fair.to_json()["ratio"]["value"] == pytest.approx(wanted / fair.predicted)


def test_overconfident_predictions_are_found():
    x, time, event = draw(1000, 3)
    found = calibration(time, event, risk=1 - np.exp(-0.5 * np.exp(2 * x)), horizon=2)
    assert found.slope_high < 1
    assert found.slope_p < 1e-6


def test_equal_risks_stay_in_one_group():
    _, time, event = draw(200, 4)
    risk = np.where(np.arange(200) < 150, 0.2, 0.6)
    found = calibration(time, event, risk=risk, horizon=2, groups=5)
    assert found.table()["patients"].to_list() == [150, 50]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"risk": [0.1, 1, 0.3]}, r"inside \(0, 1\) for each of 3 patients"),
        ({"horizon": 99}, r"the horizon \(day 99\) is not within the follow-up \(day 0 to 3\)"),
        ({"groups": 0}, "0 groups cannot be made"),
    ],
)
def test_bad_input(change, message):
    good = {"time": [1, 2, 3], "event": [1, 1, 0], "risk": [0.3, 0.2, 0.1], "horizon": 2}
    with pytest.raises(CohortError, match=message):
        calibration(**{**good, **change})
