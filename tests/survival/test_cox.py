from __future__ import annotations

import math

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.log_rank import log_rank_test
from tests.survival.r_data import MODELS, model, wanted

TIGHT = {"rtol": 1e-8, "atol": 1e-9}


@pytest.mark.parametrize("name", MODELS)
def test_fit_equals_r(name):
    fit = cox_regression(**model(name))
    np.testing.assert_allclose(fit.coefficients, wanted(name, "coefficient"), **TIGHT)
    np.testing.assert_allclose(fit.standard_errors, wanted(name, "standard_error"), **TIGHT)
    naive = np.sqrt(np.diag(fit.model_variance))
    np.testing.assert_allclose(naive, wanted(name, "model_error"), **TIGHT)
    np.testing.assert_allclose(fit.log_likelihood, wanted(name, "log_likelihood"), rtol=1e-12)
    assert fit.score.statistic == pytest.approx(wanted(name, "score")[0], rel=1e-8)
    assert fit.wald.statistic == pytest.approx(wanted(name, "wald")[0], rel=1e-7)
    ratio = wanted(name, "likelihood_ratio")[0]
    assert fit.likelihood_ratio.statistic == pytest.approx(ratio, rel=1e-8)


def test_a_wrong_tie_rule_is_caught():
    fit = cox_regression(**{**model("mgus2"), "ties": "breslow"})
    assert np.abs(fit.coefficients - wanted("mgus2", "coefficient")).max() > 1e-4


def test_weights_equal_copies_under_breslow():
    """A weight of 2 is the same as the row twice, where ties do not share."""
    rng = np.random.default_rng(4)
    time, event, x = rng.exponential(10, 60), rng.random(60) < 0.7, rng.normal(size=(60, 2))
    weight = rng.integers(0, 3, 60)
    once = cox_regression(time, event, covariates=x, weights=weight, ties="breslow")
    copies = np.repeat(np.arange(60), weight)
    twice = cox_regression(time[copies], event[copies], covariates=x[copies], ties="breslow")
    np.testing.assert_allclose(once.coefficients, twice.coefficients, rtol=1e-9)
    np.testing.assert_allclose(once.variance, twice.variance, rtol=1e-9)


def test_splitting_rows_changes_nothing():
    rng = np.random.default_rng(5)
    time, event, x = rng.exponential(10, 80), rng.random(80) < 0.7, rng.normal(size=(80, 1))
    whole = cox_regression(time, event, covariates=x, robust=True)
    cut = time / 3
    parts = cox_regression(
        np.concatenate([cut, time]),
        np.concatenate([np.zeros(80, bool), event]),
        covariates=np.concatenate([x, x]),
        entry=np.concatenate([np.full(80, -1.0), cut]),
        cluster=np.tile(np.arange(80), 2),
    )
    np.testing.assert_allclose(whole.coefficients, parts.coefficients, rtol=1e-10)
    np.testing.assert_allclose(whole.variance, parts.variance, rtol=1e-9)
    assert parts.clusters == 80


def test_score_test_of_two_groups_without_ties_is_the_log_rank_test():
    rng = np.random.default_rng(6)
    time, event = rng.exponential(10, 90), rng.random(90) < 0.7
    arm = rng.integers(0, 2, 90)
    fit = cox_regression(time, event, covariates=arm.astype(float))
    assert fit.score.statistic == pytest.approx(log_rank_test(time, event, group=arm).statistic)


def test_two_patients_in_closed_form():
    """Event of x=1 before x=0, then of x=0 before x=1: likelihood e^b / (1+e^b)^2, maximum at 0."""
    fit = cox_regression([1, 2, 1, 2], [1, 0, 1, 0], covariates=[1, 0, 0, 1], strata=[0, 0, 1, 1])
    assert fit.coefficients[0] == pytest.approx(0, abs=1e-12)
    assert fit.standard_errors[0] == pytest.approx(math.sqrt(2))
    assert fit.log_likelihood[1] == pytest.approx(-2 * math.log(2))


def test_scale_and_origin_of_covariates_do_not_matter():
    given = model("colon")
    fit = cox_regression(**given)
    moved = given["covariates"].to_numpy() * 1e4 + 1e5
    other = cox_regression(given["time"], given["event"], covariates=moved)
    np.testing.assert_allclose(other.coefficients * 1e4, fit.coefficients, rtol=1e-7)


def test_few_events_are_noted():
    fit = cox_regression([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 1, 0], covariates=[1, 0, 0, 1, 1, 0])
    assert "4 events for 1 covariate(s): fewer than 10 events a covariate" in fit.notes[0]


def test_table_and_json():
    fit = cox_regression(**model("myeloid"))
    table = fit.table()
    assert table["covariate"].to_list() == ["b", "male"]
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    assert (low < table["hazard_ratio"].to_numpy()).all()
    assert np.log(high / low)[0] == pytest.approx(2 * 1.959963984540054 * fit.standard_errors[0])
    json = fit.to_json()
    assert json["covariates"][0]["covariate"] == "b"
    assert json["tests"]["score"]["degrees"] == 2
    assert not json["penalised"]


GOOD = {"time": [1, 2, 3, 4], "event": [1, 0, 1, 1], "covariates": {"a": [0, 1, 1, 0]}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": [1, 0, 1]}, "differ in length: time 4, event 3"),
        ({"time": [1], "event": [1], "covariates": {"a": [1]}}, "two patients; there is one"),
        ({"event": [0, 0, 0, 0]}, "none of 4 patients had an event"),
        ({"event": [0, 2, 1, 0]}, r"event: 1 row\(s\) \(1\) hold 2; allowed: 0"),
        ({"time": [1, math.nan, 3, 4]}, r"time: 1 row\(s\) \(1\) are missing"),
        ({"time": [1, -2, 3, 4]}, r"time: 1 row\(s\) \(1\) are negative, e.g. -2"),
        ({"covariates": {"a": [0, 1, math.nan, 0]}}, r"a: 1 row\(s\) \(2\) are missing"),
        ({"covariates": {"a": [2, 2, 2, 2]}}, "a: is 2 for every patient"),
        ({"covariates": {"a": [0, 1, 2, 0], "b": [1, 3, 5, 1]}}, r"b: is determined by a \(coll"),
        ({"covariates": {"a": ["x", "y", "x", "y"]}}, "'a' is not numeric"),
        ({"covariates": {"a": [1, 2]}}, "'a' has 2 values for 4 times"),
        ({"covariates": {}}, "needs at least one covariate"),
        ({"covariates": [[1], [0], [0], [1]], "names": ["a", "b"]}, "1 covariate.s. have"),
        ({"entry": [0, 2, 1, 1]}, r"entry: 1 row\(s\) \(1\) enter when or after they leave"),
        ({"weights": [1, 1, -1, 1]}, r"weights: 1 row\(s\) \(2\) are negative"),
        ({"ties": "exact"}, "ties 'exact' are not known"),
        ({"level": 95}, "confidence level 95 is outside"),
        ({"strata": [1, 2, 3, 4]}, "a do not vary among the patients at risk"),
    ],
)  # fmt: skip
def test_bad_input(change, message):
    with pytest.raises(CohortError, match=message):
        cox_regression(**{**GOOD, **change})


def test_all_problems_come_at_once():
    with pytest.raises(CohortError, match=r"(?s)3 problems.*event: .*time: .*a: "):
        cox_regression([1, -2, 3], [1, 3, 0], covariates={"a": [1, math.nan, 2]})


def test_covariates_collinear_only_among_those_at_risk():
    with pytest.raises(CohortError, match="a, b are collinear among the patients at risk"):
        cox_regression(
            [1, 5, 6, 7], [0, 1, 1, 1], covariates={"a": [0, 1, 2, 1.5], "b": [9, 1, 2, 1.5]}
        )


def test_fewer_clusters_than_covariates_have_no_wald_test():
    rng = np.random.default_rng(3)
    fit = cox_regression(
        rng.exponential(1, 40), np.ones(40), covariates=rng.normal(size=(40, 3)),
        cluster=np.arange(40) % 2,
    )  # fmt: skip
    assert math.isnan(fit.wald.statistic)
    assert fit.to_json()["tests"]["wald"]["p"] is None
    assert "too few clusters" in fit.notes[-1]
