from __future__ import annotations

import pytest
from scipy import stats

from marrowtrace.catalog import description
from marrowtrace.evidence.tables import bundled
from marrowtrace.study.analysis import Analysis
from marrowtrace.study.comparison import (
    comparison_row,
    evidence_rows,
    hazard_rows,
    published_rows,
    statistic_words,
)
from marrowtrace.study.evaluation import Value
from marrowtrace.study.published import Comparison, Marker, Statistic, Subgroup
from tests.study.synthetic_panel import YEAR, panel

DTC = Statistic("positivity", marker=Marker("diagnosis", "a45-b-b3"))
RATIO = Statistic("hazard_ratio", marker=Marker("diagnosis", "a45-b-b3"), endpoint="death")
KEYS = (
    "id", "label", "published", "ci_low", "ci_high", "simulated", "simulated_low",
    "simulated_high", "inside", "calibrated",
)  # fmt: skip


def found(value, low=None, high=None):
    return Value(value, low, high, 100, 30)


@pytest.mark.parametrize(("simulated", "inside"), [(0.25, True), (0.30, True), (0.31, False)])
def test_inside_is_whether_the_printed_interval_holds_the_simulated_value(simulated, inside):
    item = Comparison("a", "A", 0.27, DTC, ci_low=0.25, ci_high=0.30)
    row = comparison_row(item, found(simulated, simulated - 0.02, simulated + 0.02))
    assert row["inside"] is inside
    assert row["overlap"] is True
    assert row["difference"] == pytest.approx(simulated - 0.27)
    assert tuple(row)[:10] == KEYS


def test_counts_make_an_exact_interval():
    item = Comparison("a", "A", 0.2, DTC, positive=20, patients=100)
    row = comparison_row(item, found(0.2))
    exact = stats.binomtest(20, 100).proportion_ci(method="exact")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((exact.low, exact.high))
    nearest = comparison_row(Comparison("a", "A", 0.204, DTC, patients=100), found(0.2))
    assert nearest["ci_low"] == pytest.approx(exact.low)
    assert nearest["interval"] == "exact, nearest whole count"


def test_without_an_interval_nothing_is_judged_and_the_difference_stands():
    row = comparison_row(Comparison("a", "A", 2.0, RATIO, patients=100), found(3.0, 2.5, 3.6))
    assert row["inside"] is None
    assert row["difference"] == pytest.approx(1.5)  # simulated over published
    assert row["quantity"] == "ratio"


def test_without_a_simulated_value_nothing_is_judged():
    row = comparison_row(Comparison("a", "A", 0.3, DTC, ci_low=0.2, ci_high=0.4), found(None))
    assert row["inside"] is None
    assert row["difference"] is None


def test_figures_that_name_arms_look_at_all_patients_others_at_those_that_may_be_pooled():
    study = panel(400)
    arm = (study.patients["arm"] == "one").to_numpy()
    in_two = Statistic("positivity", marker=DTC.marker, subgroup=Subgroup(arms=("two",)))
    items = [Comparison("all", "A", 0.3, DTC), Comparison("two", "B", 0.3, in_two)]
    rows = published_rows(study, items, among=arm)
    assert [row["patients"] for row in rows] == [200, 200]
    assert rows[1]["simulated"] == pytest.approx(
        (study.counts["diagnosis", "a45-b-b3"][~arm] > 0).mean()
    )


def test_every_evidence_row_of_the_cancer_and_stage_is_there_once():
    study = panel(400)
    analysis = Analysis(study.protocol, study)
    rows = evidence_rows(
        study, analysis.markers, description("early-breast"), named=[], fitted=[("janni2016", 0.2)]
    )
    keys = [(row["citation"], row["published"]) for row in rows]
    assert len(set(keys)) == len(keys)
    wanted = {
        rate.study
        for rate in (r.corrected() for r in bundled().rates)
        if rate.cancer == "breast" and rate.stage == "early" and rate.unit == "patients"
    }
    assert {row["citation"] for row in rows} == wanted
    by_paper = {(row["citation"], row["label"][:3]): row for row in rows}
    assert by_paper["janni2016", "CTC"]["calibrated"] is True
    fehm = by_paper["fehm2009", "CTC"]  # AdnaTest, which the study does not use
    assert fehm["simulated"] is not None
    assert fehm["inside"] is None
    assert "another method" in fehm["remark"]
    assert by_paper["fehm2009", "DTC"]["inside"] is not None


def test_selected_patients_are_listed_but_not_compared():
    study = panel(400)
    rows = evidence_rows(
        study, Analysis(study.protocol, study).markers, description("early-breast"), named=[],
        fitted=[],
    )  # fmt: skip
    docetaxel = next(row for row in rows if row["id"] == "pf-naume2014-docetaxel")
    assert docetaxel["simulated"] is None
    assert "not a prevalence" in docetaxel["remark"]


def test_a_figure_that_the_protocol_names_is_not_repeated():
    study = panel(400)
    markers, about = Analysis(study.protocol, study).markers, description("early-breast")
    named = [{"citation": "fehm2009", "published": 107 / 414}]
    rows = evidence_rows(study, markers, about, named=named, fitted=[])
    labels = [row["label"] for row in rows if row["citation"] == "fehm2009"]
    assert len(labels) == 1
    assert labels[0].startswith("CTC")


def test_published_hazards_are_of_early_breast_cancer_alone():
    study = panel(400)
    rows = hazard_rows(study, description("early-breast"), "relapse", named=[])
    bands = {(r["band"]["group"], r["band"]["from_year"], r["band"]["to_year"]) for r in rows}
    assert ("ER positive", 0.0, 5.0) in bands
    assert ("all", 1.0, 2.0) in bands  # the peak
    assert len(rows) == 12  # all that the paper's abstract gives
    late = next(r for r in rows if r["id"] == "colleoni_pos_20_25")
    assert late["simulated"] is None
    assert "nobody was followed so long" in late["remark"]
    assert hazard_rows(study, description("localised-prostate"), "relapse", named=[]) == []


def test_statistics_in_words():
    words = statistic_words(
        Statistic(
            "hazard_ratio", marker=Marker("diagnosis", "cellsearch", 5, negative_below=1),
            endpoint="distant_relapse", from_day=YEAR, day=5 * YEAR,
        )
    )  # fmt: skip
    assert words == (
        "hazard ratio, cellsearch at diagnosis, >= 5 against < 1, distant relapse, "
        "from 1 years, to 5 years"
    )
