from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.gray import gray_test
from tests.goodness_of_fit import assert_family, ks_pvalue
from tests.survival.r_data import reference
from tests.survival.test_competing_risks import mgus2


def given(name):
    d = mgus2()
    base = {"time": d["etime"].to_numpy(), "event": d["code"]}
    age = d["age"].to_numpy()
    decades = np.searchsorted([60, 70, 80], age, side="left")
    return {
        "sex": {**base, "group": d["sex"]},
        "sex_rho": {**base, "group": d["sex"], "rho": 1.0},
        "age": {**base, "group": decades},
        "age_strata": {**base, "group": decades, "strata": d["sex"]},
        "untied": {
            **base,
            "time": base["time"] + d["id"].to_numpy() / 10000,
            "group": np.searchsorted([65, 75], age, side="left"),
        },
    }[name]


@pytest.mark.parametrize("name", ["sex", "sex_rho", "age", "age_strata", "untied"])
@pytest.mark.parametrize("cause", [1, 2])
def test_statistic_equals_cmprsk(name, cause):
    wanted = reference("survival_gray").filter((pl.col("set") == name) & (pl.col("cause") == cause))
    found = gray_test(**given(name), cause=cause)
    assert found.statistic == pytest.approx(wanted["statistic"][0], rel=1e-9)
    assert found.p == pytest.approx(wanted["p"][0], abs=1e-12)
    assert found.degrees == wanted["df"][0]


def null_pvalues(shift):
    rng = np.random.default_rng(7)
    out = []
    for _ in range(400):
        group = rng.integers(0, 2, 150)
        first = rng.exponential(1 / np.where(group == 1, 1 + shift, 1.0))
        second, gone = rng.exponential(1.5, 150), rng.uniform(0.3, 2, 150)
        time = np.minimum(np.minimum(first, second), gone)
        code = np.where(time == gone, 0, np.where(time == first, 1, 2))
        out.append(gray_test(time, code, group=group).p)
    return out


def test_p_values_are_uniform_without_a_difference():
    assert_family({"p": ks_pvalue(null_pvalues(0.0), lambda p: p)})


def test_the_check_has_power():
    assert ks_pvalue(null_pvalues(0.5), lambda p: p) < 1e-3


def test_table_and_json():
    found = gray_test(**given("sex"))
    assert found.table()["group"].to_list() == ["F", "M"]
    assert found.score.sum() == pytest.approx(0, abs=1e-9)
    assert found.to_json()["degrees"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": [1, 1, 1]}, "needs two groups or more"),
        ({"group": [1, 1]}, r"groups \(2\)"),
        ({"cause": 3}, "nobody had an event of code 3"),
        ({"event": [0, 1, 0], "group": [0, 1, 1]}, "singular: a group has nobody at risk"),
    ],
)
def test_bad_input(change, message):
    good = {"time": [1, 2, 3], "event": [1, 2, 0], "group": [0, 1, 0]}
    with pytest.raises(CohortError, match=message):
        gray_test(**{**good, **change})
