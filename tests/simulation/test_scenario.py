import json
import math

import pytest

from marrowtrace.catalog import names, parameter_set, regimen_names
from marrowtrace.errors import CatalogError, InputFileError, ParameterError, SimulationError
from marrowtrace.simulation import AGENTS, Rule, Scenario, Therapy, scenario, simulate, therapy
from marrowtrace.simulation.scenario_file import from_json, to_json
from tests.simulation.worlds import world


@pytest.mark.parametrize("name", names())
def test_every_parameter_set_simulates(name):
    history = simulate(scenario(name), 30, seed=1)
    assert len(history) == 30


@pytest.mark.parametrize("name", regimen_names())
def test_every_regimen_is_a_therapy(name):
    made = therapy(name, parameter_set("early-breast"))
    assert made.agent in AGENTS
    assert made.effects


def test_surgery_shifts_all_but_neoadjuvant_regimens():
    parameters = parameter_set("early-breast")
    assert therapy("endocrine-5y", parameters, surgery=100.0).start == 250.0
    shifted = therapy("chemotherapy-neoadjuvant", parameters, surgery=100.0)
    assert shifted.start == therapy("chemotherapy-neoadjuvant", parameters).start
    ruled = therapy("docetaxel-secondary", parameters, surgery=100.0)
    assert ruled.rule is not None
    assert ruled.rule.day == pytest.approx(8 * 365.25 / 12 + 100)


def test_unknown_names_say_what_is_near():
    with pytest.raises(CatalogError, match="did you mean"):
        scenario("early-brest")
    with pytest.raises(CatalogError, match="did you mean 'endocrine-5y'"):
        scenario("early-breast", regimens=("endocrin-5y",))
    with pytest.raises(ParameterError, match="no parameter of this name"):
        scenario("early-breast", values={"ctc_halflife": 1.0})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"horizon": -1.0}, r"horizon: -1.0 is outside its range; give days, 0 to 54787.5"),
        ({"horizon": math.nan}, "horizon: nan is outside its range"),
        ({"surgery": -3.0}, "surgery: -3.0; give a day from 0 on, or infinity"),
        ({"dormancy": "weibul"}, "did you mean 'weibull'"),
        ({"step": 0.0}, "step: 0.0 is outside its range; give 0.0001 to 2"),
        ({"visits": (5.0, 5.0)}, r"visits\[1\]: 5 does not come after the one before"),
        ({"visits": (-5.0,)}, r"visits\[0\]: -5.0; give days from 0 on"),
        ({"visits": (math.inf,)}, r"visits\[0\]: inf; give days from 0 on"),
        ({"therapies": (Therapy("other_1"),) * 65}, "therapies: 65; at most 64"),
    ],
)
def test_bad_scenarios_say_what_is_wrong(fields, message):
    with pytest.raises(SimulationError, match=message):
        world(**fields)


def test_sizes_must_be_below_the_plateau():
    with pytest.raises(SimulationError, match="detection_size: 1e\\+13 is not below"):
        world({"detection_size": 1e13})


def test_all_problems_of_a_scenario_at_once():
    with pytest.raises(SimulationError, match="3 problems in the scenario 'test'"):
        world(horizon=-1.0, surgery=-1.0, step=9.0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"agent": "chemo"}, "agent: 'chemo'; allowed: chemotherapy"),
        ({"eligibility": "er_positve"}, "did you mean 'er_positive'"),
        ({"acts_on": "her2"}, "acts_on: 'her2'; allowed: all, er_positive, her2_positive"),
        ({"start": -1.0}, "start: -1.0 is outside its range; give days from 0 on"),
        ({"duration": -1.0}, "duration: -1.0; give days, 0 or more"),
        ({"cycles": -1}, "cycles: -1; give 0 to 1000"),
        ({"cycles": 3, "cycle_length": 0.0}, "cycle_length: 0.0; give days above 0"),
        ({"uptake": 1.5}, "uptake: 1.5 is a probability; give 0 to 1"),
        ({"stopping_rate": -0.1}, r"stopping_rate: -0.1; give a rate \[1/day\], 0 or more"),
        ({"effects": {"logkill": 1.0}}, "effects.logkill: no effect of this name; did you mean"),
        ({"effects": {"escape": -1.0}}, "effects.escape: -1.0 is outside its range"),
        ({"effects": {"dormant_kill": 2.0}}, "effects.dormant_kill: 2.0 is a probability"),
    ],
)
def test_bad_therapies_say_what_is_wrong(fields, message):
    with pytest.raises(SimulationError, match=message):
        Therapy(**({"agent": "chemotherapy"} | fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"specimen": "marrow"}, "specimen: 'marrow'; allowed: bone_marrow, blood"),
        ({"day": -1.0}, "day: -1.0 is outside its range; give days from 0 on"),
        ({"threshold": 0.0}, "threshold: 0.0; give a count above 0"),
        ({"delay": math.inf}, "delay: inf is outside its range"),
    ],
)
def test_bad_rules_say_what_is_wrong(fields, message):
    with pytest.raises(SimulationError, match=message):
        Rule(**({"specimen": "blood", "day": 1.0} | fields))


def test_scenario_survives_json():
    usual = scenario("early-breast", regimens=("docetaxel-secondary", "endocrine-5y"))
    again = from_json(json.loads(json.dumps(to_json(usual))))
    assert isinstance(again, Scenario)
    assert to_json(again) == to_json(usual)
    assert again.therapies == usual.therapies


def test_broken_records_are_named():
    record = to_json(scenario("early-breast"))
    del record["horizon"]
    with pytest.raises(InputFileError, match="the record of the scenario cannot be read"):
        from_json(record)
