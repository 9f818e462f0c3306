from __future__ import annotations

import math

import numpy as np
import pytest

from marrowtrace.catalog import description
from marrowtrace.study.analysis import Analysis
from marrowtrace.study.prognosis_tables import compare, marker_rows, printed_effects
from marrowtrace.survival.cox import cox_regression
from tests.study.synthetic_panel import RATIO, YEAR, panel


@pytest.fixture(scope="module")
def study():
    return panel(8000)


@pytest.fixture(scope="module")
def rows(study):
    return marker_rows(study, Analysis(study.protocol, study).markers, ["relapse", "death"])


def one(rows, visit, assay, endpoint):
    return next(
        r for r in rows if (r["visit"], r["assay"], r["endpoint"]) == (visit, assay, endpoint)
    )


def test_hazard_ratio_at_diagnosis_is_the_one_simulated(rows):
    found = one(rows, "diagnosis", "a45-b-b3", "relapse")["landmark"]
    error = math.log(found["high"] / found["low"]) / (2 * 1.96)
    assert abs(math.log(found["hr"] / RATIO)) < 4 * error
    assert found["p"] < 1e-6


def test_a_marker_that_tells_nothing_of_death_is_not_significant(rows):
    found = one(rows, "diagnosis", "a45-b-b3", "death")["landmark"]
    assert found["low"] < 1 < found["high"]
    assert found["p"] > 0.001


def test_landmark_takes_those_at_risk_and_counts_from_the_sample(study, rows):
    found = one(rows, "12 months", "a45-b-b3", "relapse")
    time, code = study.follow_up["relapse"]
    at_risk = time > YEAR
    assert found["landmark"]["patients"] == at_risk.sum()
    assert found["landmark"]["events"] == ((code == 1) & at_risk).sum()
    fit = cox_regression(
        time[at_risk] - YEAR, (code == 1)[at_risk],
        covariates={"x": study.positive["12 months", "a45-b-b3"][at_risk] == 1},
    )  # fmt: skip
    assert found["landmark"]["hr"] == pytest.approx(math.exp(fit.coefficients[0]))


def test_naive_clocks_show_their_immortal_time(study, rows):
    found = one(rows, "12 months", "a45-b-b3", "relapse")
    assert found["immortal_years"] == pytest.approx(1.0)
    assert found["naive"]["free_positive"] > found["landmark"]["free_positive"]
    everyone = found["never_sampled_as_negative"]
    assert everyone["patients"] == len(study)
    assert everyone["hr"] < found["landmark"]["hr"]


def test_markers_known_at_entry_have_no_naive_clock(rows):
    found = one(rows, "diagnosis", "cellsearch", "relapse")
    assert found["naive"] is None
    assert found["never_sampled_as_negative"] is None


@pytest.mark.parametrize(
    ("positive", "event", "remark"),
    [
        ([False] * 4, [True] * 4, "nobody was positive"),
        ([True] * 4, [True] * 4, "everybody was positive"),
        ([True, False] * 2, [False] * 4, "nobody had the event"),
    ],
)
def test_what_cannot_be_compared_says_why(positive, event, remark):
    known = np.ones(4, bool)
    found = compare(np.arange(1.0, 5.0), np.array(event), np.array(positive), known)
    assert found["hr"] is None
    assert remark in found["remark"]


def test_nobody_sampled_and_few_events_are_remarked():
    time, x = np.arange(1.0, 9.0), np.arange(8) % 2 == 0
    nobody = compare(time, x, x, np.zeros(8, bool))
    assert "nobody gave a sample" in nobody["remark"]
    few = compare(time, np.ones(8, bool), x, np.ones(8, bool))
    assert few["remark"].startswith("8 events only")


def test_a_group_without_events_is_penalised_and_says_so():
    time, x = np.arange(1.0, 41.0), np.arange(40) % 4 == 0
    found = compare(time, ~x, x, np.ones(40, bool))
    assert found["penalised"] is True
    assert found["hr"] is not None


def test_printed_rows_are_those_of_the_same_cancer_and_not_of_metastatic_disease(rows):
    printed = printed_effects(description("early-breast"), rows)
    assert printed
    assert not {row["stage"] for row in printed} & {"metastatic"}
    assert {row["endpoint"] for row in printed} <= {"OS", "DFS", "PFS", "PSA-PFS"}
    metastatic = printed_effects(description("metastatic-breast"), rows)
    assert {row["stage"] for row in metastatic} == {"metastatic"}
