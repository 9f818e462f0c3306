import math

import pytest

from marrowtrace.errors import SimulationError
from marrowtrace.simulation import scenario
from marrowtrace.study.arm import RegimenUse
from marrowtrace.study.bundled import study
from marrowtrace.study.scenarios import (
    arm_parameters,
    arm_scenario,
    rules_in_time,
    treatment_names,
    use_therapy,
    visit_days,
)
from tests.study.small_study import small

YEAR = 365.25


def one_arm(**arm):
    return small(arms=[{"name": "one", **arm}])


def test_without_changes_it_is_the_usual_scenario():
    """The demo's arm is the scenario that the parameters were fitted with."""
    protocol = study("early-breast")
    found = arm_scenario(protocol, protocol.arms[0])
    usual = scenario("early-breast")
    assert found.therapies == usual.therapies
    assert found.horizon == usual.horizon
    assert dict(found.parameters) == dict(usual.parameters)
    assert found.visits == pytest.approx(usual.visits)


def test_a_regimen_is_changed_where_the_study_says_so():
    protocol = one_arm(
        regimens=[
            {
                "regimen": "endocrine-5y",
                "start": "10 d",
                "duration": "7 years",
                "uptake": 0.5,
                "eligibility": "all",
                "effects": {"lesion_kill": "1 1/year"},
            },
            {"regimen": "chemotherapy-adjuvant", "cycles": 4},
        ],
        surgery="100 d",
    )
    endocrine, chemotherapy = arm_scenario(protocol, protocol.arms[0]).therapies
    assert (endocrine.start, endocrine.duration) == (110.0, 7 * YEAR)
    assert (endocrine.uptake, endocrine.eligibility) == (0.5, "all")
    assert endocrine.effects["lesion_kill"] == pytest.approx(1 / YEAR)
    assert "marrow_awakening" in endocrine.effects
    assert (chemotherapy.cycles, chemotherapy.duration, chemotherapy.start) == (4, 84.0, 130.0)


def test_a_regimen_of_ones_own_counts_from_the_index_event():
    protocol = one_arm(
        regimens=[
            {
                "regimen": "mine",
                "agent": "other_1",
                "start": "30 d",
                "cycles": 3,
                "cycle_length": "4 weeks",
                "effects": {"log_kill": 1},
            }
        ],
        surgery="100 d",
    )
    (mine,) = arm_scenario(protocol, protocol.arms[0]).therapies
    assert (mine.start, mine.duration, mine.cycles) == (30.0, 84.0, 3)
    assert treatment_names(protocol, protocol.arms[0]) == [("mine", "other 1")]


def test_neoadjuvant_regimens_count_from_diagnosis():
    protocol = study("neoadjuvant-breast")
    chemotherapy, endocrine = arm_scenario(protocol, protocol.arms[0]).therapies
    assert chemotherapy.start == 14.0
    assert endocrine.start == 168.0 + 150.0
    days = {visit.name: protocol.day_of(visit, protocol.arms[0]) for visit in protocol.visits}
    assert days["at surgery"] == 168.0
    assert days["12 months"] == pytest.approx(168.0 + YEAR)


def test_a_rule_that_is_not_taken_leaves_everything_else_as_it_is():
    """Its regimen is there with uptake 0, so that the bounds of the simulation are the same."""
    protocol = small()
    guided = protocol.arm("guided")
    without, taken = (arm_scenario(protocol, guided, [given]) for given in (False, True))
    assert [t.uptake for t in without.therapies] == [1.0, without.therapies[1].uptake, 0.0]
    docetaxel = taken.therapies[2]
    assert docetaxel.agent == "docetaxel"
    assert docetaxel.rule is None
    assert docetaxel.start == pytest.approx(8 * YEAR / 12 + 14)
    assert (docetaxel.cycles, docetaxel.uptake, docetaxel.eligibility) == (6, 1.0, "all")


def test_rules_come_in_the_order_of_their_days():
    rule = {"assay": "a45-b-b3", "regimen": "zoledronate"}
    protocol = one_arm(rules=[rule | {"visit": "24 months"}, rule | {"visit": "8 months"}])
    assert [r.visit for r in rules_in_time(protocol, protocol.arms[0])] == ["8 months", "24 months"]


def test_values_of_the_arm_win_over_those_of_the_study():
    protocol = small(
        parameters={"ctc_half_life": "1 h"},
        arms=[{"name": "a"}, {"name": "b", "parameters": {"ctc_half_life": "2 h"}}],
    )
    found = [arm_parameters(protocol, arm)["ctc_half_life"].canonical for arm in protocol.arms]
    assert found == pytest.approx([1 / 24, 2 / 24])


def test_arms_may_have_parameter_sets_of_their_own():
    protocol = study("reservoir")
    direct, reservoir = (
        arm_parameters(protocol, protocol.arm(name))["visceral_lodging_of_egressed"].value
        for name in ("direct", "reservoir")
    )
    assert direct < reservoir == 1.0


def test_visits_of_one_day_are_one_visit_of_the_engine():
    visits = [
        {"name": "blood", "day": "30 d", "assays": ["cellsearch"]},
        {"name": "marrow", "day": "30 d", "assays": ["a45-b-b3"]},
        {"name": "relapse", "clock": "relapse", "assays": ["cellsearch"]},
    ]
    protocol = small(arms=[{"name": "one"}], visits=visits, published=[])
    assert visit_days(protocol, protocol.arms[0]) == (30.0,)


def test_a_regimen_with_an_assay_of_its_own_needs_a_rule():
    parameters = scenario("early-breast").parameters
    with pytest.raises(SimulationError, match="is started by the result of an assay"):
        use_therapy(RegimenUse("docetaxel-secondary"), parameters, 0.0)
    never = use_therapy(RegimenUse("endocrine-5y"), parameters, math.inf)
    assert never.start == 150.0
