from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.competing_risks import cause_specific_cox, cumulative_incidence
from marrowtrace.survival.kaplan_meier import kaplan_meier
from tests.survival.r_data import flag, read, reference


def mgus2() -> pl.DataFrame:
    """Months to a plasma cell malignancy (1) or death before it (2), as the R script codes it."""
    frame = read("mgus2").with_columns(
        etime=pl.when(pl.col("pstat") == 0).then("futime").otherwise("ptime").cast(pl.Float64),
        code=pl.when(pl.col("pstat") == 0).then(2 * pl.col("death")).otherwise(1),
        male=flag("sex", "M"),
        age10=pl.col("age") / 10,
    )
    return frame.with_columns(
        entry=pl.min_horizontal((pl.col("id") * 7) % 25, pl.col("etime") - 1).cast(pl.Float64)
    )


def curve(name):
    d = mgus2()
    if name == "men":
        d = d.filter(pl.col("male") == 1)
    if name == "late":
        d = d.filter(pl.col("entry") >= 0)
        return cumulative_incidence(d["etime"], d["code"], entry=d["entry"])
    return cumulative_incidence(d["etime"], d["code"])


@pytest.mark.parametrize("name", ["all", "men", "late"])
def test_curves_equal_r(name):
    found = curve(name)
    for row, cause in enumerate(("pcm", "death")):
        wanted = reference("survival_competing_curves").filter(
            (pl.col("set") == name) & (pl.col("cause") == cause)
        )
        np.testing.assert_array_equal(found.time, wanted["time"])
        np.testing.assert_allclose(found.incidence[row], wanted["value"], atol=1e-12)
        np.testing.assert_allclose(found.error[row], wanted["error"], atol=1e-10)
        for ours, theirs in ((found.low, wanted["low"]), (found.high, wanted["high"])):
            known = theirs.is_not_null().to_numpy()
            np.testing.assert_allclose(ours[row][known], theirs.to_numpy()[known], atol=1e-9)


def test_probabilities_sum_to_one():
    found = curve("all")
    np.testing.assert_allclose(found.incidence.sum(axis=0) + found.free, 1, atol=1e-12)


def test_one_cause_is_one_less_kaplan_meier_with_its_jackknife_variance():
    """Influence on the incidence checked against weights moved by hand, with ties."""
    time, event = [2, 2, 3, 5, 5, 7], [1, 0, 1, 1, 1, 0]
    found = cumulative_incidence(time, event)
    km = kaplan_meier(time, event)
    np.testing.assert_allclose(1 - found.incidence[0], [km.at(t)[0] for t in found.time])
    n = len(time)
    rows = np.repeat(np.arange(n), 10**5)
    big = np.asarray(time)[rows], np.asarray(event)[rows]
    base = cumulative_incidence(*big).incidence[0]
    squares = np.zeros(3)
    for i in range(n):
        more = [
            np.append(v, np.asarray(v0)[[i] * 100])
            for v, v0 in zip(big, (time, event), strict=True)
        ]
        # weight of patient i up by 100 / 10**5
        squares += ((cumulative_incidence(*more).incidence[0] - base) / 1e-3) ** 2
    np.testing.assert_allclose(found.error[0] ** 2, squares, rtol=5e-3, atol=1e-12)


def test_taking_deaths_as_censorings_overstates():
    d = mgus2()
    naive = 1 - kaplan_meier(d["etime"], d["code"] == 1).at(360)[0]
    assert naive > curve("all").at(360)[0] + 0.05


def test_value_at_a_time():
    found = cumulative_incidence([1, 2, 3], [1, 2, 0])
    assert found.at(0.5) == (0, 0, 0)
    assert found.at(2, cause=2)[0] == pytest.approx(1 / 3)
    assert found.table().height == 4
    assert found.to_json()["rows"][0]["cause"] == 1
    with pytest.raises(CohortError, match="no event of code 3 was seen; codes seen: 1, 2"):
        found.at(2, cause=3)


def test_cause_specific_cox_equals_r():
    d = mgus2()
    fit = cause_specific_cox(d["etime"], d["code"], covariates=d["age10", "male"])
    wanted = reference("survival_fine_gray").filter(pl.col("set") == "cause_specific")
    np.testing.assert_allclose(fit.coefficients, wanted["coefficient"], rtol=1e-8)
    np.testing.assert_allclose(fit.standard_errors, wanted["error"], rtol=1e-8)


@pytest.mark.parametrize(
    ("time", "event", "entry", "message"),
    [
        ([], [], None, "at least one patient; there is none"),
        ([1, 2], [1], None, r"times \(2\), events \(1\)"),
        ([1, np.nan], [1, 0], None, r"time: 1 row\(s\) \(1\) are missing"),
        ([1, 2], [1, -1], None, r"event: 1 row\(s\) \(1\) hold -1; allowed: 0"),
        ([1, 2], [1, 0.5], None, "hold 0.5"),
        ([1, 2], [1, 0], [0, 3], r"entry: row 1 enters \(day 3\) when or after it leaves"),
        ([1, 2], [0, 0], None, "none of 2 patients had an event of any kind"),
    ],
)
def test_bad_input(time, event, entry, message):
    with pytest.raises(CohortError, match=message):
        cumulative_incidence(time, event, entry=entry)
