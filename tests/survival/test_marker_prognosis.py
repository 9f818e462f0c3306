from __future__ import annotations

import json

import numpy as np
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.fine_gray import fine_gray
from marrowtrace.survival.gray import gray_test
from marrowtrace.survival.log_rank import log_rank_test
from marrowtrace.survival.marker_prognosis import Settings, joint_model, marker_prognosis
from marrowtrace.survival.marker_words import parse_markers
from marrowtrace.survival.population import population
from tests.survival.known_truth import cohort_of, draw

SETTINGS = Settings(horizon=1461.0, thresholds=(0.2,), bootstrap=20, permutations=99)


def analysed(made: Cohort, *markers: str, settings=SETTINGS, covariates=(), landmark=None):
    terms = parse_markers(markers, made)
    found = population(made, "relapse", markers=terms, covariates=covariates, landmark=landmark)
    rng = np.random.default_rng(1)
    return found, [marker_prognosis(rng, found, term, settings) for term in terms]


@pytest.fixture(scope="module")
def drawn():
    return draw(np.random.default_rng(31), 400)


@pytest.fixture(scope="module")
def made(drawn):
    return cohort_of(drawn)


def test_parts_are_those_of_the_single_functions(drawn, made):
    _, (found,) = analysed(made, "DTC_pre")
    x = np.log2(1 + drawn["dtc_pre"])
    cause = cox_regression(drawn["time"], drawn["event"] == 1, covariates={"x": x})
    assert found.cox.coefficients[0] == pytest.approx(cause.coefficients[0], rel=1e-9)
    sub = fine_gray(drawn["time"], drawn["event"], covariates={"x": x})
    assert found.subdistribution.coefficients[0] == pytest.approx(sub.coefficients[0], rel=1e-9)
    positive = drawn["dtc_pre"] > 0
    assert found.high == positive.sum()
    assert found.group_names == ("negative", "positive")
    gray = gray_test(drawn["time"], drawn["event"], group=positive)
    assert found.gray.statistic == pytest.approx(gray.statistic)
    rank = log_rank_test(drawn["time"], drawn["event"] == 1, group=positive)
    assert found.log_rank.statistic == pytest.approx(rank.statistic)
    assert found.concordance is None
    assert set(found.incidence) == set(found.curves) == {"negative", "positive"}
    assert found.auc.horizons[-1] == 1461.0
    assert found.auc.horizons[:2] == (365.25, 730.5)
    assert found.cut is not None
    assert found.adjusted is None
    assert found.added is None
    json.dumps(found.to_json(), allow_nan=False)


def test_with_clinical_variables(made):
    _, (found,) = analysed(made, "DTC_pre:>=1", covariates=["age", "er"])
    assert found.adjusted.names == ("DTC_pre:>=1", "age", "er=positive")
    assert found.added is not None
    assert found.cut is None
    assert set(found.models) == {
        "marker alone", "marker alone, Fine-Gray", "with clinical variables",
    }  # fmt: skip
    assert found.hazard_ratios().height == 5


def test_without_competing_events_there_is_concordance():
    made = cohort_of(draw(np.random.default_rng(32), 300, death=0))
    found, (one, _) = analysed(made, "DTC_pre", "DTC_pre:>=3")
    assert one.concordance is not None
    assert one.subdistribution is None
    assert one.incidence == {}
    assert one.gray is None
    joint = joint_model(found, SETTINGS)
    assert joint.names == ("DTC_pre", "DTC_pre:>=3")
    assert joint_model(analysed(made, "DTC_pre")[0], SETTINGS) is None


def test_missing_values_are_counted(drawn):
    made = cohort_of(drawn)
    fewer = made.enumerations.filter(~made.enumerations["sample_id"].str.ends_with("7"))
    made = Cohort.from_tables({**made.tables, "enumerations": fewer}, index_event="surgery")
    _, (found,) = analysed(made, "DTC_pre")
    assert found.notes[0] == "40 of 400 patients at risk have no value: left out"


def test_separation_is_penalised_and_said(drawn):
    """Nobody without a cell relapses."""
    d = dict(drawn)
    d["event"] = np.where((d["dtc_pre"] == 0) & (d["event"] == 1), 0, d["event"])
    _, (found,) = analysed(cohort_of(d), "DTC_pre:>=1")
    assert found.cox.penalised
    assert any("infinite" in note and "Firth's penalised" in note for note in found.notes)
    assert np.isfinite(found.cox.low[0])


def test_few_events_leave_the_rest_standing(drawn):
    d = {name: values[:60] for name, values in drawn.items()}
    first = np.flatnonzero(d["event"] == 1)[0]
    d["event"] = np.where(np.arange(60) == first, 1, 0)
    _, (found,) = analysed(cohort_of(d), "DTC_pre")
    text = " | ".join(found.notes)
    assert "prediction: not done; 1 event(s) cannot be spread over two parts" in text
    assert "test of proportional hazards: not done" in text
    assert "1 events for 1 covariate(s): fewer than 10 events a covariate" in text
    assert found.brier is None
    assert found.decision is None
    json.dumps(found.to_json(), allow_nan=False)


def test_tied_times_change_nothing_but_the_tie(drawn):
    """Times in whole years are heavily tied; the estimate is near that of the days."""
    d = dict(drawn)
    d["time"] = np.maximum(1, np.ceil(d["time"] / 365.25)) * 365.25
    _, (tied,) = analysed(cohort_of(d), "DTC_pre")
    _, (plain,) = analysed(cohort_of(drawn), "DTC_pre")
    gap = tied.cox.coefficients[0] - plain.cox.coefficients[0]
    assert abs(gap) < plain.cox.standard_errors[0]


def test_constant_marker_is_an_error(drawn):
    d = dict(drawn, dtc_pre=np.full(400, 3))
    with pytest.raises(CohortError, match="DTC_pre: is 2 for every patient"):
        analysed(cohort_of(d), "DTC_pre")


def test_one_group_draws_no_curves(drawn):
    d = dict(drawn, dtc_pre=np.where(np.arange(400) < 5, 1, 2))
    _, (found,) = analysed(cohort_of(d), "DTC_pre")
    assert "all values fall in one group, so no curves are compared" in found.notes
    assert found.log_rank is None
    assert found.curves == {}


def test_fine_gray_of_a_huge_cohort_is_left_out(made, monkeypatch):
    from marrowtrace.survival import marker_prognosis as module

    monkeypatch.setattr(module, "_FINE_GRAY_ROWS", 10)
    _, (found,) = analysed(made, "DTC_pre:>=1")
    assert found.subdistribution is None
    assert any("too many patients and days" in note for note in found.notes)
