from __future__ import annotations

import json
import math

import numpy as np
import pytest
from tests.evidence.drawn_trials import (
    FILES,
    at_risk,
    load,
    log_hazard_ratio,
    read_off,
    survival_at,
)
from tests.evidence.reference_numbers import numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.kaplan_meier_reconstruction import reconstruct_arm

REFERENCE = numbers("evidence_trials.csv")


def rebuild(rng, times, events, *, mode="both", factor=1.0):
    """Read one arm off its curve and reconstruct it from what ``mode`` prints beside it."""
    points, survival = read_off(rng, times, events)
    table = np.linspace(0, times.max(), 7)[:-1] if mode in ("both", "risk") else np.zeros(1)
    risk = [max(1, round(factor * n)) for n in at_risk(times, table)]
    return reconstruct_arm(
        points,
        survival,
        risk_times=list(table),
        at_risk=risk,
        total_events=int(events.sum()) if mode in ("both", "events") else None,
    )


@pytest.mark.parametrize("name", FILES)
def test_the_tools_of_this_test_agree_with_r(name):
    arms = load(name)
    log_hr, se = log_hazard_ratio(*arms.values())
    assert log_hr == pytest.approx(REFERENCE[name, "cox"]["log_hr"], rel=1e-6)
    assert se == pytest.approx(REFERENCE[name, "cox"]["se"], rel=1e-6)
    for arm, (times, events) in arms.items():
        for share in (0.25, 0.5, 0.75):
            at = share * max(t.max() for t, _ in arms.values())
            expected = REFERENCE[name, arm]
            assert survival_at(times, events, at) == pytest.approx(expected[f"surv{share}"])
            assert at_risk(times, [at]) == [expected[f"risk{share}"]]


# The hazard ratio may be off by this share of the trial's own standard error, on average over
# readings. Measured over 60 readings: at most 0.18 (AZURE) with numbers at risk and total events;
# 0.24 (ExteNET) with numbers at risk alone, where censoring after the last of them is a guess.
CLOSE = {"both": 0.3, "risk": 0.4}
READINGS = 8


@pytest.mark.parametrize("mode", CLOSE)
@pytest.mark.parametrize("name", FILES)
def test_hazard_ratios_are_reconstructed(name, mode):
    rng = np.random.default_rng(17)
    arms = load(name)
    expected = REFERENCE[name, "cox"]
    off = []
    for _ in range(READINGS):
        rebuilt = [rebuild(rng, *data, mode=mode) for data in arms.values()]
        log_hr, se = log_hazard_ratio(*((r.times, r.events) for r in rebuilt))
        off.append(log_hr - expected["log_hr"])
        assert se == pytest.approx(expected["se"], rel=0.04)
    assert abs(np.mean(off)) < CLOSE[mode] * expected["se"]


@pytest.mark.parametrize("mode", CLOSE)
@pytest.mark.parametrize("name", FILES)
def test_arms_are_reconstructed(name, mode):
    """With numbers at risk: events, survival and numbers at risk come back."""
    rng = np.random.default_rng(17)
    arms = load(name)
    horizon = max(times.max() for times, _ in arms.values())
    for arm, data in arms.items():
        found = rebuild(rng, *data, mode=mode)
        truth = REFERENCE[name, arm]
        # without the total, a hand that shakes by 0.001 moves it by a patient in a thousand
        shake = 0 if mode == "both" else 4 * 0.001 * data[0].size
        assert abs(found.total_events - truth["events"]) <= 0.05 * truth["events"] + shake
        assert found.times.size == data[0].size
        assert np.max(np.abs(found.at_risk_found - found.at_risk_printed)) <= 2
        assert found.largest_gap < 0.015
        for share in (0.25, 0.5, 0.75):
            at = share * horizon
            survival = survival_at(found.times, found.events, at)
            assert survival == pytest.approx(truth[f"surv{share}"], abs=0.006)
            # between printed numbers the censorings are spread evenly, which is not how they fell
            assert at_risk(found.times, [at])[0] == pytest.approx(truth[f"risk{share}"], rel=0.15)


def test_wrong_numbers_at_risk_are_caught_by_these_bounds():
    """Half the patients give another number of events and another standard error."""
    rng = np.random.default_rng(17)
    arms = load("AZURE")
    halved = [rebuild(rng, *data, mode="risk", factor=0.5) for data in arms.values()]
    _, se = log_hazard_ratio(*((r.times, r.events) for r in halved))
    assert se > 1.3 * REFERENCE["AZURE", "cox"]["se"]
    assert halved[0].total_events < 0.6 * REFERENCE["AZURE", "control"]["events"]


@pytest.mark.parametrize("name", FILES)
def test_the_total_of_events_alone_is_met(name):
    rng = np.random.default_rng(23)
    for times, events in load(name).values():
        found = rebuild(rng, times, events, mode="events")
        assert found.total_events == events.sum()
        assert found.total_events_printed == events.sum()
        assert any("censoring is spread evenly" in note for note in found.notes)


def test_without_either_the_result_says_it_is_not_reliable():
    times, events = load("AZURE")["control"]
    found = rebuild(np.random.default_rng(23), times, events, mode="none")
    assert any("a hazard ratio from it is not reliable" in note for note in found.notes)
    assert found.total_events > 1.2 * events.sum()


def test_median_of_an_exponential_arm():
    """Half of 400 patients with a median of 24 months; censored evenly from 18 to 60 months."""
    rng = np.random.default_rng(29)
    death, leave = rng.exponential(24 / math.log(2), 400), rng.uniform(18, 60, 400)
    times, events = np.minimum(death, leave), (death <= leave).astype(int)
    found = rebuild(rng, times, events)
    distinct = np.sort(times[events == 1])
    truth = distinct[np.argmax(survival_at(times, events, distinct) <= 0.5)]
    assert found.median == pytest.approx(truth, abs=times.max() / 149 + 0.3)
    assert found.total_events == pytest.approx(events.sum(), abs=4)
    below = survival_at(found.times, found.events, found.median)
    assert below <= 0.5


def test_an_exact_curve_without_censoring_is_inverted_exactly():
    times = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    survival = 1 - np.arange(1, 11) / 10
    found = reconstruct_arm(times, survival, risk_times=[0, 5], at_risk=[10, 6])
    assert found.times.tolist() == times.tolist()
    assert found.events.tolist() == [1] * 10
    assert found.notes == ()
    assert found.largest_gap == pytest.approx(0, abs=1e-12)
    assert found.median == 5


def test_censoring_within_an_interval_is_found():
    """Ten patients, two lost between the numbers at risk, and the curve that they draw."""
    times = np.array([1.0, 2.4, 2.6, 4.0, 6.0])
    events = np.array([1, 0, 0, 1, 1])
    times, events = np.append(times, [8.0] * 5), np.append(events, [0] * 5)
    at = np.array([1.0, 4.0, 6.0, 8.0])
    found = reconstruct_arm(
        at, survival_at(times, events, at), risk_times=[0, 3, 7], at_risk=[10, 7, 5]
    )
    assert found.total_events == 3
    assert found.at_risk_found.tolist() == [10, 7, 5]
    assert found.times[found.events == 1].tolist() == [1, 4, 6]
    assert found.times.size == 10


def test_vertical_steps_read_as_two_points():
    times = [0, 2, 2, 5, 5, 8]
    survival = [1, 1, 0.8, 0.8, 0.6, 0.6]
    found = reconstruct_arm(times, survival, risk_times=[0, 4], at_risk=[10, 8])
    assert found.times[found.events == 1].tolist() == [2, 2, 5, 5]
    assert found.total_events == 4


def test_a_risk_table_that_outlasts_the_curve():
    found = reconstruct_arm(
        [1, 2, 3], [0.9, 0.8, 0.7], risk_times=[0, 2, 4, 5], at_risk=[10, 9, 3, 0]
    )
    assert found.at_risk_found.tolist() == [10, 9, 3, 0]
    assert found.times.max() <= 5
    assert found.times.size == 10


def test_unsteady_clicks_are_mended_and_reported():
    found = reconstruct_arm(
        [0, 3, 2, 4, 5],
        [0.98, 0.82, 0.8, 0.6, -0.01],
        risk_times=[0],
        at_risk=[50],
        total_events=50,
    )
    text = " / ".join(found.notes)
    assert "sorted by time" in text
    assert "1 point(s) rise above the one before" in text
    assert "by at most 0.01" in text
    assert "1 point(s) just outside 0 to 1" in text
    assert "survival at time 0 was read as 0.98" in text
    assert found.total_events == 50


def test_figures_that_contradict_the_curve_are_reported():
    found = reconstruct_arm([1, 2, 3], [0.5, 0.4, 0.2], risk_times=[0, 2], at_risk=[100, 90])
    assert any("90 at risk are printed at 2; the curve allows 50" in note for note in found.notes)
    found = reconstruct_arm(
        [1, 2, 3], [0.9, 0.8, 0.8], risk_times=[0], at_risk=[100], total_events=70
    )
    assert any("70 events are printed; the curve allows 20" in note for note in found.notes)


def test_tables_and_json():
    found = reconstruct_arm([1, 2], [0.9, 0.8], risk_times=[0], at_risk=[10])
    assert found.table().columns == ["time", "event"]
    assert found.risk_table()["reconstructed"].to_list() == [10]
    assert math.isnan(found.median)
    assert len(json.loads(json.dumps(found.to_json(), allow_nan=False))["times"]) == 10


def test_everything_wrong_with_the_risk_table_is_listed():
    with pytest.raises(EvidenceError) as caught:
        reconstruct_arm([1, 2], [0.9, 0.8], risk_times=[1, 1], at_risk=[10, 12], total_events=11)
    for part in (
        "4 problems in the risk table",
        "the first is 1; the table must start at 0",
        "must be finite and increase",
        "12 is more than the 10 before it",
        "11 is outside 0 to 10",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("times", "survival", "at_risk_", "message"),
    [
        ([1, 2], [95, 80], [10], "look like per cent; divide them by 100"),
        ([1, 2], [0.9, 1.2], [10], r"survival\[1\]: 1.2 is outside 0 to 1"),
        ([-1, 2], [0.9, 0.8], [10], r"times\[0\]: -1.0 is not a time"),
        ([1], [0.9], [10], "give at least 2 points"),
        ([1, 2], [0.9, 0.8], [], "1 risk times and 0 numbers at risk"),
        ([1, 2], [0.9, 0.8], [9.5], "must be whole numbers"),
    ],
)
def test_impossible_curves(times, survival, at_risk_, message):
    with pytest.raises(EvidenceError, match=message):
        reconstruct_arm(times, survival, risk_times=[0], at_risk=at_risk_)
