from __future__ import annotations

from marrowtrace.catalog import parameter_set
from marrowtrace.study.limits import limits
from tests.study.synthetic_panel import protocol


def row(**changes):
    return {
        "label": "DTC-positive", "paper": "Braun 2005", "published": 0.3, "ci_low": 0.28,
        "ci_high": 0.32, "simulated": 0.4, "inside": False, "verified": True,
    } | changes  # fmt: skip


def titles(found):
    return {one["title"]: one for one in found}


def test_contradicted_and_open_figures_are_named():
    rows = [row(), row(inside=True), row(inside=None, ci_low=None, ci_high=None, verified=False)]
    found = titles(limits(protocol(), parameter_set("early-breast"), rows, incomplete=3))
    missed = found["Figures that the model contradicts"]
    assert "Of 2 published figures with an interval, 1 contain" in missed["text"]
    assert missed["items"] == [
        "DTC-positive (Braun 2005): published 0.3 (0.28 to 0.32), simulated 0.4"
    ]
    assert found["Figures that cannot be judged"]["text"].startswith("1 of 3 ")
    assert found["Histories that were cut short"]["text"].startswith("3 simulated")


def test_identifiability_and_structure_are_always_there():
    found = titles(limits(protocol(), parameter_set("early-breast"), [], incomplete=0))
    assert "not informed" in found["What the data do not identify"]["items"][1]
    assert "the parallel one was simulated" in found["Whether relapse needs the marrow"]["text"]
    assert "Figures that the model contradicts" not in found


def test_a_set_without_a_calibration_says_that_nothing_was_fitted():
    plan = protocol(cancer="localised-prostate", arms=[{"name": "one", "regimens": []}])
    found = titles(limits(plan, parameter_set("localised-prostate"), [], incomplete=0))
    assert {"Nothing was fitted", "What the data do not identify"} & set(found)


def test_both_structures_are_said_to_be_simulated():
    arms = [
        {"name": "one", "regimens": []},
        {"name": "two", "regimens": [], "cancer": "early-breast-reservoir"},
    ]
    found = titles(limits(protocol(arms=arms), parameter_set("early-breast"), [], incomplete=0))
    assert "both were simulated" in found["Whether relapse needs the marrow"]["text"]
