from __future__ import annotations

from marrowtrace.report.prognosis_methods import methods, papers
from tests.report.prognoses import simplest, whole


def test_simplest_analysis():
    found = simplest("DTC_pre:>=1")
    who, values, models, predictions, extras = methods(found, seed=3)
    assert "starts at day 0 with the 260 patients" in who
    assert "DTC_pre:>=1 (1 or more against fewer)" in values
    assert "at most 10 days" in values
    assert "cause-specific" in models
    assert "seed 3" in predictions
    assert extras == ""
    assert "anderson1983" not in papers(found)


def test_landmark_analysis():
    who, _, models, _, extras = methods(whole(), seed=1)
    assert "landmark analysis at day 365" in who
    assert "age, er=positive, all kept whether significant or not" in models
    assert "20 bootstrap samples" in extras
    assert "49 permutations" in extras
    assert {"anderson1983", "vanhouwelingen2007", "gray1988", "noma2021"} <= set(papers(whole()))
