from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.study.evaluation import evaluate
from marrowtrace.study.published import Marker, Statistic, Subgroup
from tests.study.synthetic_panel import DEATH, RATIO, RELAPSE, YEAR, panel

DTC = Marker("diagnosis", "a45-b-b3")
LATER = Marker("12 months", "a45-b-b3")


@pytest.fixture(scope="module")
def study():
    return panel(8000)


def within(found, truth, *, log=False):
    """Whether the truth is within four standard errors of the estimate."""
    scale = math.log if log else float
    error = (scale(found.high) - scale(found.low)) / (2 * 1.96)
    return abs(scale(found.value) - scale(truth)) < 4 * error


def test_positivity_and_persistence_are_shares_of_the_counts(study):
    count = study.counts["diagnosis", "a45-b-b3"]
    two = evaluate(study, Statistic("positivity", marker=Marker("diagnosis", "a45-b-b3", 2)))
    assert two.value == pytest.approx((count >= 2).mean())
    again = evaluate(study, Statistic("persistence", marker=LATER, before=DTC))
    second = study.positive["12 months", "a45-b-b3"]
    kept = (count > 0) & (second >= 0)
    assert again.value == pytest.approx((second[kept] == 1).mean())
    exact = stats.binomtest(again.events, again.patients).proportion_ci(method="exact")
    assert again.low == pytest.approx(exact.low)


def test_negative_below_leaves_out_what_lies_between(study):
    marker = Marker("diagnosis", "a45-b-b3", 3, negative_below=1)
    count = study.counts["diagnosis", "a45-b-b3"]
    found = evaluate(study, Statistic("positivity", marker=marker))
    assert found.patients == ((count == 0) | (count >= 3)).sum()


def test_ratio_of_shares_by_katz(study):
    er = study.patients["er"].to_numpy()
    positive = study.positive["diagnosis", "a45-b-b3"] == 1
    a, n = positive[er == "negative"].sum(), (er == "negative").sum()
    c, m = positive[er == "positive"].sum(), (er == "positive").sum()
    found = evaluate(
        study,
        Statistic(
            "positivity_ratio", marker=DTC, subgroup=Subgroup(er="negative"),
            reference=Subgroup(er="positive"),
        ),
    )  # fmt: skip
    error = math.sqrt(1 / a - 1 / n + 1 / c - 1 / m)
    assert found.value == pytest.approx((a / n) / (c / m))
    assert found.high == pytest.approx(found.value * math.exp(1.959964 * error))


def test_incidence_given_freedom_is_that_of_the_law(study):
    carriers = Subgroup(marker=DTC)
    found = evaluate(
        study,
        Statistic(
            "cumulative_incidence", endpoint="relapse", from_day=2 * YEAR, day=5 * YEAR,
            subgroup=carriers,
        ),
    )  # fmt: skip
    hazard = RATIO * RELAPSE
    law = hazard / (hazard + DEATH) * (1 - math.exp(-(hazard + DEATH) * 3))
    assert within(found, law)
    assert (
        found.patients
        == (
            (study.positive["diagnosis", "a45-b-b3"] == 1)
            & (study.follow_up["relapse"][0] > 2 * YEAR)
        ).sum()
    )


def test_rates_and_their_ratio(study):
    carriers, others = Subgroup(marker=DTC), Subgroup(marker=DTC, marker_positive=False)
    rate = Statistic("rate", endpoint="relapse", from_day=0.0, day=5 * YEAR, subgroup=others)
    assert within(evaluate(study, rate), RELAPSE)
    ratio = Statistic(
        "rate_ratio", endpoint="relapse", day=5 * YEAR, subgroup=carriers, reference=others
    )
    assert within(evaluate(study, ratio), RATIO, log=True)
    arms = Statistic("rate_ratio", endpoint="relapse", arms=("two", "one"))
    assert within(evaluate(study, arms), 1.0, log=True)


def test_hazard_ratio_by_marker_and_by_arm(study):
    found = evaluate(study, Statistic("hazard_ratio", marker=DTC, endpoint="relapse"))
    assert within(found, RATIO, log=True)
    arms = evaluate(study, Statistic("hazard_ratio", endpoint="death", arms=("two", "one")))
    assert within(arms, 1.0, log=True)
    assert arms.patients == 8000


def test_hazard_ratio_of_a_later_marker_starts_at_its_sample_and_stops_at_the_day(study):
    statistic = Statistic("hazard_ratio", marker=LATER, endpoint="relapse", day=4 * YEAR)
    found = evaluate(study, statistic)
    time, code = study.follow_up["relapse"]
    assert found.patients == (time > YEAR).sum()
    assert found.events == ((code == 1) & (time > YEAR) & (time <= 4 * YEAR)).sum()


def test_share_of_relapses_by_site_and_of_screened_patients(study):
    bone = Statistic("share", endpoint="relapse", column="relapse_site", equals="bone")
    relapsed = study.follow_up["relapse"][1] == 1
    found = evaluate(study, bone)
    assert found.patients == relapsed.sum()
    assert within(found, 0.5)
    screened = Statistic("share", column="screened", equals="metastatic at diagnosis")
    assert evaluate(study, screened).value == pytest.approx(10 / 8010)


def test_among_limits_who_takes_part(study):
    arm = (study.patients["arm"] == "one").to_numpy()
    assert evaluate(study, Statistic("positivity", marker=DTC), among=arm).patients == 4000


@pytest.mark.parametrize(
    ("statistic", "remark"),
    [
        (
            Statistic("positivity", marker=DTC, subgroup=Subgroup(age_from=200)),
            "nobody was assayed",
        ),
        (
            Statistic("cumulative_incidence", endpoint="relapse", day=40 * YEAR),
            "follow-up ends after 12.0 years",
        ),
        (
            Statistic("rate", endpoint="relapse", from_day=30 * YEAR, day=40 * YEAR),
            "nobody was followed so long",
        ),
        (
            Statistic(
                "hazard_ratio", marker=Marker("diagnosis", "a45-b-b3", 999), endpoint="death"
            ),
            "nobody was positive",
        ),
        (
            Statistic(
                "positivity_ratio", marker=Marker("diagnosis", "a45-b-b3", 999),
                subgroup=Subgroup(er="negative"), reference=Subgroup(er="positive"),
            ),
            "nobody is positive in one of the groups",
        ),
        (
            Statistic("hazard_ratio", marker=Marker("tomorrow", "a45-b-b3"), endpoint="death"),
            "no assay 'a45-b-b3' at 'tomorrow'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_had_says_why(study, statistic, remark):
    found = evaluate(study, statistic)
    assert found.value is None
    assert remark in found.remark


def test_no_events_by_the_day_is_zero_with_an_upper_bound():
    study = panel(50)
    found = evaluate(study, Statistic("cumulative_incidence", endpoint="death", day=0.001))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 50))
    assert not np.isnan(found.high)


def test_kaplan_meier_takes_what_competes_as_censoring(study):
    from marrowtrace.survival.kaplan_meier import kaplan_meier

    time, code = study.follow_up["relapse"]
    found = evaluate(study, Statistic("kaplan_meier", endpoint="relapse", day=5 * YEAR))
    free, low, high = kaplan_meier(time, code == 1).at(5 * YEAR)
    assert (found.value, found.low, found.high) == (1 - free, 1 - high, 1 - low)
    other = evaluate(study, Statistic("cumulative_incidence", endpoint="relapse", day=5 * YEAR))
    assert found.value >= other.value
