import math

import numpy as np
import pytest

from marrowtrace.study.endpoint import ENDPOINTS
from marrowtrace.study.follow_up import ENDS, Course, follow
from tests.study.small_study import small

NEVER = math.inf
HORIZON = 12 * 365.25


def plain(**changes):
    return small(follow_up={}, endpoints=list(ENDPOINTS), **changes)


def course(**events):
    """One patient, with the events given."""
    usual = dict.fromkeys(("local", "distant", "bone", "visceral", "death", "cancer_death"), NEVER)
    values = usual | {"limit": NEVER} | events
    return Course(**{name: np.array([float(value)]) for name, value in values.items()})


def followed(protocol, **events):
    found = follow(protocol, course(**events), 1, np.array([0], dtype=np.int64))
    outcomes = {name: (time[0], event[0]) for name, (time, event) in found.endpoints.items()}
    return found.to[0], ENDS[found.reason[0]], outcomes


def test_nothing_happens():
    to, why, outcomes = followed(plain())
    assert (to, why) == (HORIZON, "horizon")
    assert set(outcomes.values()) == {(HORIZON, 0)}


def test_relapse_in_bone_then_death_of_cancer():
    events = {"distant": 500, "bone": 500, "death": 900, "cancer_death": 900}
    to, why, outcomes = followed(plain(), **events)
    assert (to, why) == (900, "death")
    assert outcomes == {
        "relapse": (500, 1),
        "distant_relapse": (500, 1),
        "bone_relapse": (500, 1),
        "visceral_relapse": (500, 2),
        "local_relapse": (500, 2),
        "disease_free": (500, 1),
        "death": (900, 1),
        "cancer_death": (900, 1),
    }


def test_death_of_other_causes_competes():
    _, _, outcomes = followed(plain(), death=700)
    assert outcomes["distant_relapse"] == (700, 2)
    assert outcomes["disease_free"] == (700, 1)
    assert outcomes["death"] == (700, 1)
    assert outcomes["cancer_death"] == (700, 2)


def test_a_local_relapse_does_not_end_the_wait_for_a_distant_one():
    _, _, outcomes = followed(plain(), local=100, distant=500, visceral=500)
    assert outcomes["relapse"] == outcomes["local_relapse"] == (100, 1)
    assert outcomes["distant_relapse"] == outcomes["visceral_relapse"] == (500, 1)
    assert outcomes["bone_relapse"] == (500, 2)


def test_an_event_on_the_last_day_is_an_event():
    _, why, outcomes = followed(plain(), death=HORIZON)
    assert why == "death"
    assert outcomes["death"] == (HORIZON, 1)
    assert followed(plain(), death=HORIZON * (1 + 1e-12))[2]["death"] == (HORIZON, 0)


def test_an_event_wins_over_its_competitor_of_the_same_day():
    assert followed(plain(), distant=500, bone=500, death=500)[2]["distant_relapse"] == (500, 1)


def test_a_history_that_stops_short_is_censored():
    to, why, outcomes = followed(plain(), limit=300, distant=500)
    assert (to, why) == (300, "simulation limit")
    assert outcomes["distant_relapse"] == (300, 0)


def test_accrual_and_closing():
    """Who enters on day u is followed to the close less u, at most to the horizon."""
    protocol = small(follow_up={"accrual": "2 years", "closes": "5 years"})
    numbers = np.arange(500, dtype=np.int64)
    many = Course(*(np.full(500, NEVER) for _ in range(7)))
    found = follow(protocol, many, 1, numbers)
    assert (found.reason == ENDS.index("study closed")).all()
    assert found.to.min() >= 3 * 365.25
    assert found.to.max() <= 5 * 365.25
    assert found.to.mean() == pytest.approx(4 * 365.25, rel=0.02)


def test_drop_out_comes_at_its_rate():
    protocol = small(follow_up={"drop_out": "5 %/year"})
    many = Course(*(np.full(20_000, NEVER) for _ in range(7)))
    found = follow(protocol, many, 1, np.arange(20_000, dtype=np.int64))
    lost = float((found.reason == ENDS.index("lost to follow-up")).mean())
    assert lost == pytest.approx(-math.expm1(-0.05 * 12), abs=4 * 0.0035)
