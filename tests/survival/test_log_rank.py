from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.log_rank import log_rank_replicates, log_rank_test
from tests.survival.r_data import colon, read, wanted


def given(name):
    if name.startswith("colon"):
        d = colon()
        options = {"time": d["time"], "event": d["status"], "group": d["rx"]}
        both = [f"{n} {s}" for n, s in zip(d["node4"], d["sex"], strict=True)]
        more = {
            "colon": {},
            "colon_strata": {"strata": both},
            "colon_peto": {"rho": 1.0},
            "colon_half": {"rho": 0.5, "strata": d["node4"]},
        }[name]
        order = {"Obs": 0, "Lev": 1, "Lev+5FU": 2}
        return options | more | {"group": [order[r] for r in d["rx"]]}
    if name == "gbsg":
        d = read("gbsg")
        return {"time": d["rfstime"], "event": d["status"], "group": d["grade"]}
    d = read("mgus2")
    return {"time": d["futime"], "event": d["death"], "group": d["sex"]}


SETS = ("colon", "colon_strata", "colon_peto", "colon_half", "gbsg", "mgus2")


@pytest.mark.parametrize("name", SETS)
def test_log_rank_equals_r(name):
    table = "survival_log_rank"
    found = log_rank_test(**given(name))
    np.testing.assert_allclose(found.observed, wanted(name, "observed", table), rtol=1e-10)
    np.testing.assert_allclose(found.expected, wanted(name, "expected", table), rtol=1e-10)
    variance = wanted(name, "variance", table)
    np.testing.assert_allclose(found.variance.ravel(), variance, rtol=1e-9)
    assert found.statistic == pytest.approx(wanted(name, "statistic", table)[0], rel=1e-9)
    k = len(found.groups)
    assert found.degrees == k - 1
    trend = log_rank_test(**given(name), scores=range(k))
    assert trend.statistic == pytest.approx(wanted(name, "trend", table)[0], rel=1e-9)
    assert trend.degrees == 1


def test_late_entry_changes_the_risk_sets():
    """By hand: the event at 3 has {a, b} at risk of whom b entered at 2; that at 1 only {a, a}."""
    found = log_rank_test(
        [1, 3, 4, 5], [1, 1, 0, 0], group=["a", "a", "b", "b"], entry=[0, 0, 2, 3]
    )
    np.testing.assert_allclose(found.expected, [1 + 1 / 2, 1 / 2])
    np.testing.assert_allclose(found.variance[0, 0], 1 / 4)


def test_replicates_equal_single_tests():
    rng = np.random.default_rng(1)
    time, event = rng.integers(1, 30, (20, 50)), rng.random((20, 50)) < 0.6
    group = rng.integers(0, 2, 50)
    for rho in (0.0, 1.0):
        many = log_rank_replicates(time, event, group=group, rho=rho)
        for r in range(20):
            one = log_rank_test(time[r], event[r], group=group, rho=rho)
            assert many.statistic[r] == pytest.approx(one.statistic, rel=1e-12)
            assert many.p[r] == pytest.approx(one.p, rel=1e-12)
    assert many.table().height == 20
    assert many.to_json()["tested"] == 20


def test_table_and_json():
    found = log_rank_test(**given("gbsg"))
    assert found.table()["group"].to_list() == ["1", "2", "3"]
    assert found.to_json()["degrees"] == 2


GOOD = {"time": [1, 2, 3, 4], "event": [1, 0, 1, 1], "group": [0, 1, 1, 0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": [1]}, "differ in length: time 4, event 1"),
        ({"group": [1, 1, 1, 1]}, "needs two groups or more; all patients are in 1"),
        ({"time": [1, np.nan, 3, 4]}, r"time: 1 row\(s\) \(1\) are missing"),
        ({"entry": [0, 5, 1, 1]}, r"entry: row 1 enters \(day 5\) when or after it leaves"),
        ({"event": [0, 0, 0, 0]}, "no event happened while two groups were at risk"),
        ({"scores": [1]}, "needs one score for each of 2 groups"),
        ({"event": [0, 0, 0, 0], "scores": [0, 1]}, "no event happened while two groups"),
        (
            {"time": [1, 2, 5, 6, 9, 10], "event": [1] * 6, "group": [0, 1, 2, 3, 0, 1],
             "entry": [0, 0, 4, 4, 8, 8], "strata": [0, 0, 1, 1, 0, 0]},
            "groups are never at risk together",
        ),
    ],
)  # fmt: skip
def test_bad_input(change, message):
    with pytest.raises(CohortError, match=message):
        log_rank_test(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("time", "group", "message"),
    [
        ([1, 2], [0, 1], "must be of one shape"),
        ([[1, np.nan]], [0, 1], "missing or not finite"),
        ([[1, 2]], [0, 2], "must be 0 or 1"),
        ([[1, 2]], [0, 1, 1], r"groups \(3,\) do not fit"),
    ],
)
def test_bad_replicates(time, group, message):
    event = np.ones_like(np.asarray(time), bool)
    with pytest.raises(CohortError, match=message):
        log_rank_replicates(time, event, group=group)
