from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.prognosis import prognosis
from tests.goodness_of_fit import assert_family
from tests.survival.known_truth import cohort, cohort_of, draw

QUICK = {"bootstrap": 20, "permutations": 49}


def ask(made, *markers, **options):
    rng = np.random.default_rng(1)
    return prognosis(rng, made, "relapse", markers=markers, **{**QUICK, **options})


@pytest.fixture(scope="module")
def made() -> Cohort:
    return cohort(np.random.default_rng(41), 500)


def test_whole_answer(made):
    found = ask(made, "DTC_pre", "DTC_post:>=1", landmarks=[365, 500, 730], covariates=["nodes"])
    assert found.found.landmark == 365
    assert found.joint.names == ("DTC_pre", "DTC_post:>=1", "nodes")
    assert found.table()["marker"].to_list() == ["DTC_pre", "DTC_post:>=1"]
    models = found.hazard_ratios()["model"].unique().to_list()
    assert "all markers together" in models
    assert found.characteristics().row(0, named=True)["variable"] == "nodes"
    assert [s.ratios.height for s in found.series] == [3, 3]
    risks = found.series[1].risks
    assert risks["value"].unique(maintain_order=True).to_list() == ["negative", "positive"]
    assert (risks["low"] <= risks["risk"]).all()
    assert found.series[0].risks["value"][0] == "no cell"
    assert found.series[0].table().height == 3
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.loads(text)["landmarks"][0]["marker"] == "DTC_pre"
    assert ask(made, "DTC_pre").series == ()
    assert ask(made, "DTC_pre").joint is None


def test_same_seed_same_numbers(made):
    first, second = (ask(made, "DTC_pre", covariates=["nodes"]).to_json() for _ in range(2))
    assert first == second


def test_marker_of_later_is_refused(made):
    with pytest.raises(CohortError, match=r"(?s)immortal time.*with --landmark"):
        ask(made, "DTC_post")


def test_analytes_are_on_the_measured_scale_in_predictions():
    rng = np.random.default_rng(42)
    made = cohort(rng, 300)
    values = np.exp(rng.normal(size=made.samples.height))
    measured = made.samples.select("sample_id").with_columns(
        analyte=np.full(made.samples.height, "CA15-3"), value=values
    )
    made = Cohort.from_tables({**made.tables, "measurements": measured}, index_event="surgery")
    found = ask(made, "CA15-3_pre:log2", "CA15-3:log2:low", landmarks=[365, 700])
    words = found.series[0].risks["value"].unique(maintain_order=True).to_list()
    quartile = float(np.quantile(values, 0.25))
    assert float(words[0].removeprefix("value ")) == pytest.approx(quartile, rel=0.3)
    turned = found.series[1].risks["value"].unique(maintain_order=True).to_list()
    assert float(turned[0].removeprefix("value ")) > float(turned[1].removeprefix("value "))


def test_few_events_are_said_with_their_number():
    d = draw(np.random.default_rng(43), 120)
    events = np.flatnonzero(d["event"] == 1)
    d["event"][events[6:]] = 0
    found = ask(cohort_of(d), "DTC_pre")
    assert any(note.startswith("6 event(s) in all: fewer than 10") for note in found.notes)
    assert any("6 events for 1 covariate(s)" in n for n in found.markers[0].notes)


def test_horizon_is_chosen_and_said():
    d = draw(np.random.default_rng(44), 200)
    found = ask(cohort_of(d), "DTC_pre")
    assert found.settings.horizon == pytest.approx(5 * 365.25)
    assert any("judged at 5 year(s)" in note for note in found.notes)
    d["time"] = np.minimum(d["time"], 100 + d["time"] / 100)
    short = ask(cohort_of(d), "DTC_pre")
    assert any("follow-up is short" in note for note in short.notes)


def test_a_landmark_too_late_is_noted(made):
    found = ask(made, "DTC_pre:>=1", landmarks=[365, 730, 9000])
    assert any("landmark on day 9000: not done; nobody is at risk" in n for n in found.notes)
    assert found.series[0].ratios.height == 2
    alone = ask(made, "DTC_pre:>=1", landmarks=[365, 9000])
    assert alone.series == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thresholds": ()}, r"thresholds \(none\) must be risks"),
        ({"thresholds": (0.1, 1.2)}, "thresholds 0.1, 1.2 must be risks"),
        ({"horizon": -3}, "the horizon is -3 days after the start"),
        ({"level": 0}, "confidence level 0 is outside"),
        ({"covariates": ["agee"]}, "did you mean 'age'"),
    ],
)
def test_bad_input(made, options, message):
    with pytest.raises(CohortError, match=message):
        ask(made, "DTC_pre", **options)


def test_every_marker_at_fault_is_named():
    d = draw(np.random.default_rng(45), 100)
    d["dtc_pre"][:] = 0
    with pytest.raises(CohortError, match=r"(?s)2 problems.*DTC_pre: .*DTC_pre:>=1: "):
        ask(cohort_of(d), "DTC_pre", "DTC_pre:>=1")


def type_one(corrected: bool) -> int:
    """Of 150 cohorts without an effect, how often the cut-point is called significant."""
    from marrowtrace.survival.cut_points import cut_point

    rng = np.random.default_rng(46)
    called = 0
    for _ in range(150):
        d = draw(rng, 150, slope=0)
        found = cut_point(
            rng, d["time"], d["event"] == 1, marker=d["dtc_pre"], permutations=99, folds=2
        )
        called += (found.p_permutation if corrected else found.p_naive) <= 0.05
    return called


def test_cut_point_of_counts_holds_its_level_and_the_naive_one_does_not():
    assert stats.binomtest(type_one(True), 150, 0.05, alternative="greater").pvalue > 1e-3
    assert stats.binomtest(type_one(False), 150, 0.05, alternative="greater").pvalue < 1e-3


def test_landmark_covers_the_truth_where_the_naive_analysis_does_not():
    """DTCs that say nothing of the risk: at the landmark intervals hold 1 in 95 %; 'ever found
    negative after therapy' against all others misses it, for want of being sampled."""
    rng = np.random.default_rng(47)
    covered = {"landmark": 0, "naive": 0}
    runs = 150
    for _ in range(runs):
        d = draw(rng, 200, slope=0, death=0)
        made = cohort_of(d)
        found = ask_quickly(made)
        covered["landmark"] += bool(found.low[0] <= 0 <= found.high[0])
        negative = (d["time"] > 365) & (d["dtc_post"] <= 1)
        naive = cox_regression(d["time"], d["event"] == 1, covariates={"x": negative.astype(float)})
        covered["naive"] += bool(naive.low[0] <= 0 <= naive.high[0])
    assert_family({"landmark": stats.binomtest(covered["landmark"], runs, 0.95).pvalue})
    assert stats.binomtest(covered["naive"], runs, 0.95).pvalue < 1e-6


def ask_quickly(made):
    """Hazard ratio of the landmark analysis alone."""
    from marrowtrace.survival.landmark_model import landmark_cox
    from marrowtrace.survival.marker import Marker

    marker = Marker("DTC_post", cell_class="DTC", phase="post", threshold=2)
    return landmark_cox(made, "relapse", landmark=365, markers=[marker]).fit
