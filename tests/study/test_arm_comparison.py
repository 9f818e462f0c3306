from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from marrowtrace.study.analysis import Analysis
from marrowtrace.study.arm_comparison import compare_arms
from marrowtrace.survival.competing_risks import cumulative_incidence
from tests.study.synthetic_panel import YEAR, panel, protocol


def test_independent_arms_have_the_difference_of_their_curves():
    study = panel(2000)
    arms = Analysis(study.protocol, study).arms
    (row,) = compare_arms(study, "relapse", arms, paired=False)
    time, code = study.follow_up["relapse"]
    ends = [cumulative_incidence(time[mask], code[mask]).at(5 * YEAR)[0] for _, mask in arms]
    five = next(one for one in row["differences"] if one["year"] == 5.0)
    assert five["difference"] == pytest.approx(ends[1] - ends[0])
    assert five["low"] < 0 < five["high"]
    assert row["low"] < 1 < row["high"]
    assert [one["year"] for one in row["differences"]] == [5.0, 10.0]


def test_identical_paired_arms_differ_by_nothing():
    study = panel(1000, plan=protocol(allocation="paired"))
    time, code = (np.tile(v[:500], 2) for v in study.follow_up["relapse"])
    same = replace(study, follow_up={"relapse": (time, code)})
    (row,) = compare_arms(same, "relapse", Analysis(same.protocol, same).arms, paired=True)
    assert row["hr"] == pytest.approx(1.0)
    assert row["differences"][0] == {"year": 5.0, "difference": 0.0, "low": 0.0, "high": 0.0}


def test_paired_difference_is_that_of_the_discordant_pairs():
    study = panel(400, plan=protocol(allocation="paired"))
    time, code = np.full(400, 12 * YEAR), np.zeros(400, np.int8)
    time[:50], code[:50] = YEAR, 1  # 50 events in the first arm
    time[230:260], code[230:260] = YEAR, 1  # 30 in the second, 20 of them in the same patients
    changed = replace(study, follow_up={"relapse": (time, code)})
    (row,) = compare_arms(changed, "relapse", Analysis(changed.protocol, changed).arms, paired=True)
    five = row["differences"][0]
    lost, won, n = 30, 10, 200
    error = math.sqrt(lost + won - (won - lost) ** 2 / n) / n
    assert five["difference"] == pytest.approx((won - lost) / n)
    assert five["high"] - five["difference"] == pytest.approx(1.959964 * error, rel=1e-6)


def test_an_arm_is_compared_with_the_reference_named_for_it():
    study = panel(400)
    found = compare_arms(
        study, "death", Analysis(study.protocol, study).arms, paired=False,
        references={"two": "one"},
    )  # fmt: skip
    assert [(row["arm"], row["against"]) for row in found] == [("two", "one")]


def test_no_events_give_no_ratio_but_a_reason():
    study = panel(100)
    time = np.full(100, 6 * YEAR)
    quiet = replace(study, follow_up={"death": (time, np.zeros(100, np.int8))})
    (row,) = compare_arms(quiet, "death", Analysis(quiet.protocol, quiet).arms, paired=False)
    assert row["hr"] is None
    assert "none of 100 patients had an event" in row["remark"]
    assert row["differences"][0]["difference"] == 0.0


def test_paired_arms_with_the_same_order_of_events_have_no_error_and_say_so():
    study = panel(20, plan=protocol(allocation="paired"))
    time, code = np.tile(np.arange(1.0, 11.0) * YEAR, 2), np.zeros(20, np.int8)
    code[[0, 10]] = 1
    time[10] += 1.0  # a day later in the second arm, and nothing else differs
    alike = replace(study, follow_up={"relapse": (time, code)})
    (row,) = compare_arms(alike, "relapse", Analysis(alike.protocol, alike).arms, paired=True)
    assert row["hr"] is not None
    assert (row["p"] is None) == bool(row["remark"])
