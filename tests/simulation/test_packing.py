import numpy as np
import pytest
from scipy.linalg import expm

from marrowtrace.errors import ParameterError
from marrowtrace.parameters import ParameterSet
from marrowtrace.simulation import AGENTS, Scenario, Therapy
from marrowtrace.simulation.driver import arrays
from marrowtrace.simulation.effects import ALL_EFFECTS, neutral
from tests.simulation.worlds import world


def composition(numbers, start, days):
    """Composition after ``days`` from the limit and the two modes."""
    out = np.array([numbers["limit_" + letter] for letter in "ehm"])
    for mode in (1, 2):
        left = np.array([numbers[f"left_{mode}{letter}"] for letter in "ehm"])
        right = np.array([numbers[f"right_{mode}{letter}"] for letter in "ehm"])
        out = out + right * (left @ start) * np.exp(-numbers[f"emt_{mode}"] * days)
    return out


@pytest.mark.parametrize(
    ("up", "down"), [(0.02, 0.005), (0.01, 0.01), (0.02, 0.0), (0.0, 0.02), (0.0, 0.0)]
)
@pytest.mark.parametrize("days", [0.0, 3.0, 400.0])
def test_switching_modes_equal_the_matrix_exponential(up, down, days):
    arm = world({"mesenchymal_transition_rate": up, "epithelial_transition_rate": down})
    numbers = arrays(arm)[0][0]
    start = np.array([0.5, 0.3, 0.2])
    chain = np.array([[-up, down, 0], [up, -(up + down), down], [0, up, -down]])
    np.testing.assert_allclose(
        composition(numbers, start, days), expm(chain * days) @ start, atol=1e-4
    )


def test_rates_are_per_day_and_sizes_logs():
    numbers = arrays(world({"other_death_rate": 0.004}))[0][0]
    assert numbers["other_death_rate"] == pytest.approx(0.004 / 365.25)
    assert numbers["log_detection_size"] == pytest.approx(np.log(1e9))
    assert numbers["clearance"] == pytest.approx(np.log(2) * 24 / 1.5)


def test_bound_covers_what_therapies_may_do():
    effects = {"establishment": 3.0, "effector": 0.5, "suppressor": 1.0}
    arm = world(therapies=(Therapy("immunotherapy", effects=effects),))
    assert arrays(arm)[0][0]["bound"] == pytest.approx(3.0 * 2.0 * 2.0)
    assert arrays(world())[0][0]["bound"] == 1.0


def test_therapies_keep_their_numbers():
    given = Therapy(
        "endocrine",
        start=5.0,
        duration=7.0,
        effects={"homing_cxcr4": 0.5, "homing_fak": 0.5, "resistant_fraction": 0.3},
        acts_on="er_positive",
    )
    arm = world(therapies=(given,))
    parameters, therapies, _, _ = arrays(arm)
    row = therapies[0]
    assert row["homing"] == 0.25
    assert row["agent"] == AGENTS.index("endocrine")
    assert row["acts_on"] == 1
    assert parameters[0]["resistant_er"] == 0.3
    untouched = set(ALL_EFFECTS) - set(given.effects)
    assert all(row[name] == neutral(name) for name in untouched)


def test_a_missing_symbol_is_named():
    known = world().parameters
    few = ParameterSet([p for p in known.values() if p.symbol != "escape_rate"])
    with pytest.raises(ParameterError, match="no parameter 'escape_rate'"):
        arrays(Scenario("few", few))
