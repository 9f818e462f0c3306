from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.study.analysis import Analysis
from marrowtrace.study.recurrence import (
    GRAY_LIMIT,
    incidences,
    recurrence_by_arm,
    recurrence_by_marker,
)
from tests.study.synthetic_panel import DEATH, RATIO, RELAPSE, YEAR, panel


def law(hazard, years):
    """Cumulative incidence of one of two exponential events."""
    total = hazard + DEATH
    return hazard / total * (1 - np.exp(-total * years))


def test_incidence_by_marker_is_that_of_two_exponential_events():
    study = panel(20_000)
    marker = next(m for m in Analysis(study.protocol, study).markers if m.assay == "a45-b-b3")
    found = recurrence_by_marker(study, "relapse", marker)
    for group, hazard in (("positive", RATIO * RELAPSE), ("negative", RELAPSE)):
        curve = next(c for c in found["curves"] if c["group"] == group)
        at = next(a for a in curve["at"] if a["year"] == 5.0)
        error = (at["high"] - at["low"]) / (2 * 1.96)
        assert abs(at["incidence"] - law(hazard, 5.0)) < 4 * error
        place = np.searchsorted(curve["curve"]["year"], 5.0)
        assert curve["curve"]["incidence"][place] == pytest.approx(at["incidence"], abs=0.01)
    assert found["test"]["name"] == "Gray"
    assert found["test"]["p"] < 1e-6


def test_a_later_marker_counts_from_its_sample_and_takes_those_at_risk():
    study = panel(2000)
    marker = next(m for m in Analysis(study.protocol, study).markers if m.visit == "12 months")
    found = recurrence_by_marker(study, "relapse", marker)
    time = study.follow_up["relapse"][0]
    assert sum(c["patients"] for c in found["curves"]) == (time > YEAR).sum()
    assert found["clock"] == "sampling"


def test_clock_of_surgery_leaves_out_who_relapsed_before():
    study = panel(2000)
    groups = Analysis(study.protocol, study).arms
    found = recurrence_by_arm(study, "relapse", groups, start=np.full(2000, 2 * YEAR))
    time = study.follow_up["relapse"][0]
    assert sum(c["patients"] for c in found["curves"]) == (time > 2 * YEAR).sum()
    assert found["clock"] == "surgery"


def test_no_events_and_empty_groups_make_flat_or_empty_curves():
    time, code = np.full(10, 3 * YEAR), np.zeros(10, np.int8)
    found = incidences(time, code, [("all", np.ones(10, bool)), ("none", np.zeros(10, bool))])
    assert found["curves"][0]["curve"]["incidence"] == [0.0, 0.0]
    assert found["curves"][1]["curve"]["year"] == []
    assert found["test"] == {"name": None, "p": None, "remark": "there is one group alone"}


def test_groups_without_events_cannot_be_tested_and_say_so():
    time, half = np.full(10, 3 * YEAR), np.arange(10) < 5
    found = incidences(time, np.zeros(10, np.int8), [("a", half), ("b", ~half)])
    assert found["test"]["p"] is None
    assert "nobody had an event" in found["test"]["remark"]


def test_paired_arms_are_not_tested_as_independent_groups():
    study = panel(200)
    groups = Analysis(study.protocol, study).arms
    found = recurrence_by_arm(study, "relapse", groups, paired=True)
    assert found["test"]["p"] is None
    assert "the same patients" in found["test"]["remark"]


def test_large_studies_use_the_log_rank_test():
    n = GRAY_LIMIT + 2
    rng = np.random.default_rng(3)
    half = np.arange(n) < n // 2
    found = incidences(rng.exponential(1000.0, n), np.ones(n, np.int8), [("a", half), ("b", ~half)])
    assert found["test"]["name"] == "log-rank"
