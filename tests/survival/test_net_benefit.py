from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.kaplan_meier import kaplan_meier
from marrowtrace.survival.net_benefit import decision_curve, net_benefit_difference
from tests.survival.test_time_dependent_accuracy import gbsg


def test_without_censoring_it_is_counted():
    """By day 5: events a, b; treated at 0.25: a, c; benefit 1/4 - 1/4 * 1/3."""
    found = decision_curve(
        [1, 4, 6, 9], [1, 1, 1, 1], risk=[0.5, 0.1, 0.25, 0.2], horizon=5, thresholds=[0.25]
    )
    assert found.value[0] == pytest.approx(1 / 4 - 1 / 12)
    assert found.treat_all[0] == pytest.approx(2 / 4 - 2 / 12)
    assert found.treated[0] == 0.5


def test_treating_all_uses_the_kaplan_meier_curve():
    """Weights by the reverse curve give one less Kaplan-Meier, ties included."""
    time, event, score = gbsg()
    found = decision_curve(
        time, event, risk=np.ones(score.size), horizon=1100, thresholds=[0.2, 0.5]
    )
    happened = 1 - kaplan_meier(time, event).at(1100)[0]
    for k, cut in enumerate((0.2, 0.5)):
        expected = happened - (1 - happened) * cut / (1 - cut)
        assert found.value[k] == pytest.approx(expected, abs=1e-12)
        assert found.treat_all[k] == pytest.approx(expected, abs=1e-12)


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(5)
    thresholds, inside = [0.3], 0

    def draw(n):
        x = rng.normal(size=n)
        return rng.exponential(np.exp(-x)), 1 - np.exp(-0.5 * np.exp(x))

    time, risk = draw(1_000_000)
    truth = decision_curve(
        time, np.ones(risk.size), risk=risk, horizon=0.5, thresholds=thresholds
    ).value[0]
    for _ in range(300):
        time, risk = draw(200)
        gone = rng.exponential(1.5, 200)
        found = decision_curve(
            np.minimum(time, gone), time <= gone, risk=risk, horizon=0.5, thresholds=thresholds
        )
        inside += found.low[0] <= truth <= found.high[0]
    # binomial(300, 0.95): within 4 standard deviations of 285
    assert 270 <= inside <= 300


def test_difference():
    time, event, score = gbsg()
    risk = 1 - np.exp(-0.25 * np.exp(score))
    given = {"horizon": 1100, "thresholds": [0.3, 0.4]}
    first = decision_curve(time, event, risk=risk, **given)
    second = decision_curve(time, event, risk=np.full(686, 0.35), **given)
    found = net_benefit_difference(first, second)
    assert [d.metric for d in found] == ["net_benefit_at_0.3", "net_benefit_at_0.4"]
    assert found[1].estimate == pytest.approx(first.value[1] - second.value[1])
    other = decision_curve(time, event, risk=risk, horizon=1100, thresholds=[0.3])
    with pytest.raises(CohortError, match="same patients, horizon and thresholds"):
        net_benefit_difference(first, other)
    assert first.table().height == 2
    assert first.to_json()["horizon"] == 1100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thresholds": [0, 0.5]}, r"thresholds 0, 0.5 must be inside \(0, 1\)"),
        ({"thresholds": []}, r"thresholds \(none\) must be inside"),
        ({"risk": [0.1, 2]}, "one predicted probability in .0, 1. for each of 2 patients"),
    ],
)
def test_bad_input(change, message):
    good = {
        "time": [1, 2],
        "event": [1, 1],
        "risk": [0.2, 0.3],
        "horizon": 1.5,
        "thresholds": [0.2],
    }
    with pytest.raises(CohortError, match=message):
        decision_curve(**{**good, **change})
