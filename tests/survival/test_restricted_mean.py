from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.restricted_mean import restricted_mean, restricted_mean_difference
from tests.survival.r_data import colon, read, reference


def groups(name):
    """Time, event and entry of each group, as survfit orders them."""
    if name == "colon":
        d = colon()
        parts = [d.filter(pl.col("rx") == r) for r in ("Obs", "Lev", "Lev+5FU")]
        return [(p["time"], p["status"], None) for p in parts]
    if name == "mgus2":
        d = read("mgus2")
        parts = [d.filter(pl.col("sex") == s) for s in ("F", "M")]
        return [(p["futime"], p["death"], None) for p in parts]
    if name == "gbsg":
        d = read("gbsg")
        parts = [d.filter(pl.col("hormon") == h) for h in (0, 1)]
        return [(p["rfstime"], p["status"], None) for p in parts]
    d = read("heart")
    return [(d["stop"], d["event"], d["start"])]


def test_restricted_mean_equals_r():
    for row in reference("survival_restricted_mean").iter_rows(named=True):
        time, event, entry = groups(row["set"])[row["group"] - 1]
        found = restricted_mean(time, event, entry=entry, horizon=row["horizon"])
        assert found.value == pytest.approx(row["mean"], rel=1e-10)
        assert found.error == pytest.approx(row["error"], rel=1e-9)


def test_difference():
    means = [restricted_mean(t, e, horizon=1825) for t, e, _ in groups("colon")]
    found = restricted_mean_difference(means[2], means[0])
    assert found.value == means[2].value - means[0].value
    assert found.error == pytest.approx(np.hypot(means[2].error, means[0].error))
    assert found.low > 0
    assert 0 < found.p < 0.05
    assert found.table()["horizon"][0] == 1825


def test_without_events_it_is_the_horizon():
    found = restricted_mean([5, 6], [0, 0], horizon=4)
    assert (found.value, found.error, found.p) == (4, 0, 0)


def test_without_censoring_it_is_the_mean_of_the_truncated_times():
    time = np.array([1.0, 2, 4, 9, 9, 12])
    found = restricted_mean(time, np.ones(6), horizon=8)
    cut = np.minimum(time, 8)
    assert found.value == pytest.approx(cut.mean())
    assert found.error == pytest.approx(cut.std() / np.sqrt(6))


def test_those_gone_on_day_0_count():
    assert restricted_mean([0, 0, 5, 5], [1, 1, 1, 0], horizon=4).value == pytest.approx(2)


@pytest.mark.parametrize(
    ("horizon", "message"),
    [
        (0, "the horizon is day 0; a restricted mean needs one above 0"),
        (9, r"the horizon \(day 9\) is after the last time observed \(day 6\)"),
    ],
)
def test_bad_horizon(horizon, message):
    with pytest.raises(CohortError, match=message):
        restricted_mean([5, 6], [1, 0], horizon=horizon)


def test_horizons_must_agree():
    one, two = (restricted_mean([5, 6], [1, 0], horizon=h) for h in (4, 5))
    with pytest.raises(CohortError, match="up to day 4 and day 5 cannot be compared"):
        restricted_mean_difference(one, two)
