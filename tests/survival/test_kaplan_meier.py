from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.kaplan_meier import kaplan_meier, reverse_kaplan_meier

REFERENCE = Path(__file__).parents[1] / "reference"
DATA = Path(__file__).parents[1] / "data" / "r_survival"


def columns(name: str, *wanted: str) -> list[np.ndarray]:
    frame = pl.read_csv(DATA / f"{name}.csv", null_values="NA")
    if name == "colon":
        frame = frame.filter(pl.col("etype") == 2)
    return [frame[column].to_numpy() for column in wanted]


def fit(name: str):
    if name == "colon_death":
        return kaplan_meier(*columns("colon", "time", "status"))
    if name == "mgus2_death":
        return kaplan_meier(*columns("mgus2", "futime", "death"))
    if name == "mgus2_followed":
        return reverse_kaplan_meier(*columns("mgus2", "futime", "death"))
    if name == "half":
        return kaplan_meier([1, 2, 3, 4], [1, 1, 1, 0])
    stop, event, start = columns("heart", "stop", "event", "start")
    return kaplan_meier(stop, event, entry=start)


SETS = ("colon_death", "mgus2_death", "mgus2_followed", "heart_truncated", "half")


def read(name: str) -> pl.DataFrame:
    text = (REFERENCE / name).read_text().replace(" ", "")
    return pl.read_csv(text.encode(), null_values="NA", infer_schema_length=None)


@pytest.mark.parametrize("name", SETS)
def test_curve_equals_r(name):
    wanted = read("kaplan_meier.csv").filter(pl.col("set") == name)
    curve = fit(name)
    np.testing.assert_array_equal(curve.time, wanted["time"])
    np.testing.assert_array_equal(curve.at_risk, wanted["at_risk"])
    np.testing.assert_array_equal(curve.events, wanted["events"])
    np.testing.assert_array_equal(curve.censored, wanted["censored"])
    np.testing.assert_allclose(curve.survival, wanted["survival"], atol=1e-12)
    inside = (curve.survival > 0) & (curve.survival < 1)
    np.testing.assert_allclose(curve.low[inside], wanted["low"].to_numpy()[inside], atol=1e-12)
    np.testing.assert_allclose(curve.high[inside], wanted["high"].to_numpy()[inside], atol=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_median_equals_r(name):
    wanted = read("kaplan_meier_median.csv").filter(pl.col("set") == name).row(0)[1:]
    found = fit(name).median()
    for ours, theirs in zip(found, wanted, strict=True):
        assert (math.isnan(ours) and theirs is None) or ours == pytest.approx(theirs)


def test_censoring_at_an_event_time_comes_after_the_event():
    curve = kaplan_meier([5, 5, 9], [True, False, True])
    assert curve.at_risk[0] == 3
    assert curve.survival[0] == pytest.approx(2 / 3)


def test_nobody_had_the_event():
    curve = kaplan_meier([3, 4], [False, False])
    assert curve.survival.tolist() == [1, 1]
    assert curve.low.tolist() == [1, 1]
    assert math.isnan(curve.median()[0])


def test_value_at_a_time():
    curve = kaplan_meier([2, 4], [True, False])
    assert curve.at(1) == (1, 1, 1)
    assert curve.at(2)[0] == 0.5
    assert math.isnan(curve.at(5)[0])
    assert kaplan_meier([2], [True]).at(9)[0] == 0


def test_one_patient():
    assert kaplan_meier([7], [True]).median()[0] == 7


@pytest.mark.parametrize(
    ("time", "event", "entry", "level", "message"),
    [
        ([], [], None, 0.95, "at least one patient"),
        ([1, 2], [1], None, 0.95, r"times \(2\), events \(1\)"),
        ([1, np.nan], [1, 0], None, 0.95, "time nan of patient 1 is not a finite number"),
        ([1, 5], [1, 0], [0, 9], 0.95, "patient 1 enters at day 9 after leaving at day 5"),
        ([1], [1], None, 1.5, r"confidence level 1.5 is outside \(0, 1\)"),
    ],
)
def test_bad_input(time, event, entry, level, message):
    with pytest.raises(CohortError, match=message):
        kaplan_meier(time, event, entry=entry, level=level)


def test_table_has_one_row_a_time():
    curve = kaplan_meier([1, 1, 2], [1, 0, 1])
    assert curve.table().shape == (2, 7)
    assert curve.to_json()["rows"][1]["survival"] == curve.survival[1]
    assert kaplan_meier([1, 2], [1, 1]).to_json()["rows"][1]["low"] is None
