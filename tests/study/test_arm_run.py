import numpy as np
import pytest

from marrowtrace.simulation import BURDENS, PATIENTS, simulate
from marrowtrace.study.arm_run import FIRST, REASONS, eligible, first_relapse, live
from marrowtrace.study.scenarios import arm_scenario, visit_days
from tests.study.small_study import small

NUMBERS = np.arange(600, dtype=np.int64)


@pytest.fixture(scope="module")
def arms():
    protocol = small(follow_up={})
    return {arm.name: live(protocol, arm, NUMBERS, 3, 2) for arm in protocol.arms}


def test_an_arm_without_rules_is_what_the_engine_gives(arms):
    protocol = small(follow_up={})
    history = simulate(arm_scenario(protocol, protocol.arm("watched")), NUMBERS.size, 3)
    np.testing.assert_array_equal(arms["watched"].columns, history.patients)
    np.testing.assert_array_equal(arms["watched"].burdens, history.burdens)
    assert arms["watched"].taken.shape == (NUMBERS.size, 0)


def test_a_rule_changes_those_it_treats_and_nobody_else(arms):
    watched, guided = arms["watched"], arms["guided"]
    taken = guided.taken[:, 0]
    assert 30 < taken.sum() < 200
    np.testing.assert_array_equal(watched.columns[~taken], guided.columns[~taken])
    np.testing.assert_array_equal(watched.burdens[~taken], guided.burdens[~taken])


def test_a_treated_life_is_the_same_until_the_treatment(arms):
    """All before day 257.5 is that of the untreated life; where no lesion sheds, less is left."""
    watched, guided = arms["watched"], arms["guided"]
    taken = guided.taken[:, 0]
    days = visit_days(small(), small().arm("guided"))
    before = [k for k, day in enumerate(days) if day <= 243.5]
    np.testing.assert_array_equal(
        watched.burdens[taken][:, before], guided.burdens[taken][:, before]
    )
    traits = [
        PATIENTS.index(name) for name in ("age", "diameter", "other_cause_death", "index_day")
    ]
    np.testing.assert_array_equal(watched.columns[:, traits], guided.columns[:, traits])
    later = days.index(24 * 365.25 / 12)
    cells, growing = BURDENS.index("perivascular"), BURDENS.index("lesions_growing")
    pair = [lives.burdens[taken, later] for lives in (watched, guided)]
    quiet = (pair[0][:, growing] == 0) & (pair[1][:, growing] == 0)
    assert quiet.sum() > 20
    assert (pair[1][quiet, cells] < pair[0][quiet, cells]).all()


def test_nobody_is_treated_after_relapse_or_death(arms):
    guided = arms["guided"]
    taken = guided.taken[:, 0]
    end = np.minimum(guided.by_name()["distant_relapse"], guided.by_name()["death"])
    assert (end[taken] >= 243.5 + 14).all()


def test_a_rule_that_nobody_meets_treats_nobody(arms):
    protocol = small(follow_up={})
    rules = {"visit": "8 months", "assay": "a45-b-b3", "threshold": 1e6, "regimen": "zoledronate"}
    arm = small(
        follow_up={},
        arms=[
            {
                "name": "guided",
                "regimens": ["chemotherapy-adjuvant", "endocrine-5y"],
                "rules": [rules],
            }
        ],
    ).arm("guided")
    found = live(protocol, arm, NUMBERS, 3, 2)
    assert not found.taken.any()
    np.testing.assert_array_equal(found.columns, arms["watched"].columns)


def test_two_rules_are_applied_one_after_the_other():
    rule = {"visit": "8 months", "assay": "a45-b-b3", "regimen": "docetaxel-secondary"}
    later = {"visit": "24 months", "assay": "a45-b-b3", "regimen": "zoledronate"}
    protocol = small(follow_up={}, arms=[{"name": "one", "rules": [later, rule]}])
    found = live(protocol, protocol.arms[0], NUMBERS, 3, 2)
    first, second = found.taken.T
    assert first.any()
    assert second.any()
    assert (first & second).any()
    assert (second & ~first).any()


def test_the_lesion_that_relapsed_is_found(arms):
    lives = arms["watched"]
    columns = lives.by_name()
    relapsed = np.isfinite(columns["distant_relapse"])
    first = {name: lives.first[:, i] for i, name in enumerate(FIRST)}
    np.testing.assert_array_equal(~np.isnan(first["detected"]), relapsed)
    np.testing.assert_allclose(first["detected"][relapsed], columns["distant_relapse"][relapsed])
    assert (first["seeded"][relapsed] <= first["awakened"][relapsed] + 1e-3).all()
    np.testing.assert_array_equal(first["origin"][relapsed], columns["relapse_origin"][relapsed])


def test_the_first_relapse_counts_from_the_metastases():
    protocol = small(
        cancer="metastatic-breast",
        endpoints=["death"],
        arms=[{"name": "one"}],
        visits=[{"name": "start", "day": "0 d", "assays": ["cellsearch"]}],
        published=[],
    )
    history = simulate(arm_scenario(protocol, protocol.arms[0]), 200, 3)
    entered = np.isfinite(history.column("index_day"))
    detected = first_relapse(history)[:, FIRST.index("detected")]
    np.testing.assert_allclose(detected[entered], 0.0, atol=1e-9)
    assert np.isnan(detected[~entered]).all()


@pytest.mark.parametrize(
    ("who", "reason", "keeps"),
    [
        ({}, "metastatic at diagnosis", lambda c: c["metastatic_at_diagnosis"] == 0),
        ({"er": "negative", "metastatic": True}, "ER status", lambda c: c["subtype"] >= 2),
        (
            {"her2": "positive", "metastatic": True},
            "HER2 status",
            lambda c: (c["subtype"] == 1) | (c["subtype"] == 2),
        ),
        (
            {"node_positive": False, "metastatic": True},
            "lymph nodes",
            lambda c: c["node_positive"] == 0,
        ),
        ({"age_from": "50 y", "metastatic": True}, "age", lambda c: c["age"] >= 50 * 365.25),
        ({"age_below": "50 y", "metastatic": True}, "age", lambda c: c["age"] < 50 * 365.25),
        (
            {"diameter_above": "2 cm", "metastatic": True},
            "tumour diameter",
            lambda c: c["diameter"] > 20,
        ),
        (
            {"diameter_to": "2 cm", "metastatic": True},
            "tumour diameter",
            lambda c: c["diameter"] <= 20,
        ),
    ],
)
def test_who_enters(arms, who, reason, keeps):
    columns = arms["watched"].by_name()
    found = eligible(small(eligibility=who), columns)
    np.testing.assert_array_equal(found == 0, keeps(columns))
    assert set(found.tolist()) == {0, REASONS.index(reason)}
