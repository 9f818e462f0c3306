from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.concordance import uno_concordance
from marrowtrace.survival.time_dependent_accuracy import (
    accuracy_difference,
    brier_score,
    roc_curve,
    time_dependent_auc,
)
from tests.survival.r_data import read, wanted
from tests.survival.test_competing_risks import mgus2

TABLE = "survival_accuracy"


def gbsg():
    d = read("gbsg")
    score = (0.05 * d["nodes"] - 0.4 * d["hormon"] + 0.3 * d["grade"]).to_numpy().round(2)
    return d["rfstime"].to_numpy(), d["status"].to_numpy(), score


def mgus():
    d = mgus2().drop_nulls("mspike")
    time = d["etime"].to_numpy() + d["id"].to_numpy() / 10000
    return time, d["code"].to_numpy(), np.minimum(0.9, 0.02 + 0.08 * d["mspike"].to_numpy())


def errors(name, quantity):
    from tests.survival.r_data import reference

    rows = reference(TABLE).filter((pl.col("set") == name) & (pl.col("quantity") == quantity))
    return rows["error"].to_numpy()


@pytest.mark.parametrize("name", ["gbsg", "mgus2"])
def test_auc_and_brier_equal_riskregression(name):
    """Errors of tied data differ in the fourth digit: there the package treats ties otherwise."""
    if name == "gbsg":
        (time, event, score), horizons = gbsg(), [700, 1100, 1600]
        risk = 1 - np.exp(-0.25 * np.exp(score))
    else:
        (time, event, risk), horizons = mgus(), [60, 120, 240]
    given = {"risk": risk, "horizons": horizons}
    auc, brier = time_dependent_auc(time, event, **given), brier_score(time, event, **given)
    np.testing.assert_allclose(auc.value, wanted(name, "auc", TABLE), rtol=1e-9)
    np.testing.assert_allclose(brier.value, wanted(name, "brier", TABLE), rtol=1e-9)
    close = 5e-4 if name == "gbsg" else 1e-6
    np.testing.assert_allclose(auc.error, errors(name, "auc"), rtol=close)
    np.testing.assert_allclose(brier.error, errors(name, "brier"), rtol=close)


@pytest.mark.parametrize(("horizon", "row"), [(1500.0, 0), (np.inf, 1)])
def test_uno_equals_r(horizon, row):
    time, event, score = gbsg()
    found = uno_concordance(time, event, risk=score, horizon=horizon)
    assert found.value == pytest.approx(wanted("gbsg", "uno", TABLE)[row], rel=1e-9)
    assert found.error == pytest.approx(errors("gbsg", "uno")[row], rel=1e-8)


def test_without_censoring_they_are_the_plain_ones():
    """AUC is the share of ordered pairs, with DeLong's error; Brier is a mean of squares."""
    rng = np.random.default_rng(1)
    time, risk = rng.exponential(10, 60), rng.integers(1, 10, 60) / 10
    case = time <= 8
    auc = time_dependent_auc(time, np.ones(60), risk=risk, horizons=[8])
    pairs = np.sign(risk[case][:, None] - risk[~case][None, :]) / 2 + 0.5
    assert auc.value[0] == pytest.approx(pairs.mean())
    parts = pairs.mean(axis=1).var() / case.sum() + pairs.mean(axis=0).var() / (~case).sum()
    assert auc.error[0] == pytest.approx(np.sqrt(parts * 60 / 59))
    brier = brier_score(time, np.ones(60), risk=risk, horizons=[8])
    squares = (case - risk) ** 2
    assert brier.value[0] == pytest.approx(squares.mean())
    assert brier.error[0] == pytest.approx(squares.std(ddof=1) / np.sqrt(60))
    assert (auc.cases[0], auc.controls[0]) == (case.sum(), 60 - case.sum())


def test_influence_is_the_change_by_one_more_like_each():
    """The censoring curve's part included: add one copy of a patient to many copies of all."""
    rng = np.random.default_rng(2)
    time, event = rng.integers(1, 12, 25), rng.integers(0, 3, 25)
    risk = rng.integers(1, 9, 25) / 10
    base = time_dependent_auc(time, event, risk=risk, horizons=[6])
    square = brier_score(time, event, risk=risk, horizons=[6])
    shrink = np.sqrt(24 / 25)
    copies = np.repeat(np.arange(25), 20_000)
    for i in (0, 5, 11, 24):
        more = np.append(copies, np.full(200, i))
        # mass of patient i from 1/25 to (1 + 0.01)/25.01: derivative to the mass, over 25
        for before, metric in ((base, time_dependent_auc), (square, brier_score)):
            after = metric(time[more], event[more], risk=risk[more], horizons=[6])
            slope = (after.value[0] - before.value[0]) / 0.01
            assert slope == pytest.approx(before.influence[i, 0] * shrink, rel=0.02, abs=1e-6)


def test_intervals_cover_the_truth():
    """Truth from a sample without censoring of a million; 300 samples of 200, 95 % intervals."""
    rng = np.random.default_rng(3)

    def draw(n):
        x = rng.normal(size=n)
        return x, rng.exponential(np.exp(-x))

    x, time = draw(1_000_000)
    truth = time_dependent_auc(time, np.ones(x.size), risk=x, horizons=[0.5]).value[0]
    inside = 0
    for _ in range(300):
        x, time = draw(200)
        gone = rng.exponential(1.5, 200)
        seen = np.minimum(time, gone)
        found = time_dependent_auc(seen, time <= gone, risk=x, horizons=[0.5])
        inside += found.low[0] <= truth <= found.high[0]
    # binomial(300, 0.95): within 4 standard deviations of 285
    assert 270 <= inside <= 300


def test_difference_of_two_predictions():
    time, event, score = gbsg()
    nodes = read("gbsg")["nodes"].to_numpy()
    first = time_dependent_auc(time, event, risk=score, horizons=[1100])
    second = time_dependent_auc(time, event, risk=nodes, horizons=[1100])
    found = accuracy_difference(first, second)[0]
    assert found.estimate == pytest.approx(first.value[0] - second.value[0])
    assert found.error < np.hypot(first.error[0], second.error[0])
    assert found.to_json()["ci_low"] < found.estimate < found.to_json()["ci_high"]
    none = accuracy_difference(first, first)[0]
    assert (none.estimate, none.error, none.p) == (0, 0, 1)
    other = brier_score(time, event, risk=np.full(686, 0.5), horizons=[1100])
    with pytest.raises(CohortError, match="only on the same patients, metric and horizons"):
        accuracy_difference(first, other)


def test_roc_curve_has_the_area():
    time, event, score = gbsg()
    curve = roc_curve(time, event, risk=score, horizon=1100)
    auc = time_dependent_auc(time, event, risk=score, horizons=[1100])
    assert curve.area == pytest.approx(auc.value[0])
    assert (curve.true_positive[0], curve.false_positive[0]) == (0, 0)
    assert curve.true_positive[-1] == pytest.approx(1)
    assert curve.table().height == np.unique(score).size + 1
    assert curve.to_json()["horizon"] == 1100


def test_table_and_json():
    time, event, score = gbsg()
    found = time_dependent_auc(time, event, risk=score, horizons=[700, 1100])
    assert found.table()["horizon"].to_list() == [700, 1100]
    assert found.to_json()["rows"][1]["metric"] == "auc"


GOOD = {
    "time": [1, 2, 3, 4],
    "event": [1, 0, 1, 0],
    "risk": [0.4, 0.3, 0.2, 0.1],
    "horizons": [2.5],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizons": [0]}, "the horizon is day 0; allowed: above 0"),
        ({"horizons": [9]}, r"nobody is followed beyond the horizon \(day 9; last time day 4\)"),
        ({"horizons": [0.5]}, "nobody had the event by day 0.5"),
        ({"time": [1, 1, 1, 1], "event": [1, 1, 1, 1]}, "nobody was free of it by day 2.5"),
        ({"risk": [1, 2]}, r"predictions have shape \(2,\); allowed: \(4,\) or \(4, 1\)"),
        ({"risk": [1, 2, np.nan, 1]}, "the prediction of patient 2 is missing"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(CohortError, match=message):
        time_dependent_auc(**{**GOOD, **change})


def test_brier_needs_probabilities():
    with pytest.raises(CohortError, match=r"probabilities between 0 and 1; found 1\.2"):
        brier_score(**{**GOOD, "risk": [0.1, 1.2, 0.3, 0.4]})
