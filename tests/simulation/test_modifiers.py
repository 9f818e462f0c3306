import math

import numpy as np
import pytest
from numba import njit
from scipy.linalg import expm

from marrowtrace.simulation import Therapy, simulate
from marrowtrace.simulation.driver import arrays
from marrowtrace.simulation.layout import (
    M_IMMUNE,
    M_LODGE_ODDS,
    M_REMOVAL,
    M_RETURN,
    M_SITES,
    M_WAKE_E,
    M_WAKE_V,
    MODIFIERS,
    TRAIT,
    WINDOW,
)
from marrowtrace.simulation.modifiers import (
    factor,
    gained,
    held,
    lodging_probability,
    pool_factor,
    pool_rate,
    rate,
    refresh,
)
from tests.simulation.worlds import NO_SPREAD, world


@njit
def fresh(modifiers, windows, count, therapies, time, parameters, traits, restricted):
    refresh(modifiers, windows, count, therapies, time, parameters[0], traits[0], restricted)


def modifiers_of(*effects, values=None, time=5.0, acts_on="all", surgery=math.inf, restricted=0.0):
    """Modifiers of a patient under therapies of these effects from day 0 to 10."""
    therapies = tuple(
        Therapy("other_1", start=0.0, duration=10.0, effects=each, acts_on=acts_on)
        for each in effects
    )
    parameters, packed, _, _ = arrays(world(values or {}, therapies=therapies))
    windows = np.zeros(max(1, len(therapies)), WINDOW)
    windows["therapy"], windows["stop"] = range(windows.size), 10.0
    traits = np.zeros(1, TRAIT)
    for name, value in (
        ("surgery", surgery),
        ("stress_end", surgery + 14.0),
        ("relapse_growth", 1.0),
        ("lodging_death", 1.0),
        ("marrow", 0.08),
        ("visceral", 0.04),
    ):
        traits[name] = value
    out = np.zeros(MODIFIERS)
    fresh(out, windows, len(therapies), packed, time, parameters, traits, restricted)
    return out


NEUTRAL = modifiers_of()


def test_reference_state_is_neutral():
    for index in (M_WAKE_V, M_WAKE_E, M_LODGE_ODDS, M_SITES, M_IMMUNE):
        assert NEUTRAL[index] == pytest.approx(1.0)
    assert NEUTRAL[M_RETURN] == pytest.approx(0.97)
    assert NEUTRAL[M_REMOVAL] == pytest.approx(math.log(2) * 24 / 1.5)


def test_a_window_is_open_from_its_start_to_before_its_stop():
    effect = {"marrow_awakening": 0.5}
    for time, wanted in ((-0.1, 1.0), (0.0, 0.5), (9.99, 0.5), (10.0, 1.0)):
        assert modifiers_of(effect, time=time)[0] == wanted


def test_factors_multiply_and_rates_add():
    both = modifiers_of({"escape": 0.5, "marrow_loss": 0.1}, {"escape": 0.4, "marrow_loss": 0.2})
    assert factor(both, 3, False, False) == pytest.approx(0.2)
    assert rate(both, 4, False, False) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("acts_on", "er", "her2"), [("er_positive", 1, 0), ("her2_positive", 0, 1)]
)
def test_cell_effects_reach_their_cells_only(acts_on, er, her2):
    found = modifiers_of({"establishment": 0.25, "visceral_loss": 0.5}, acts_on=acts_on)
    assert factor(found, 2, bool(er), bool(her2)) == 0.25
    assert factor(found, 2, not er, not her2) == 1.0
    assert rate(found, 5, bool(er), bool(her2)) == 0.5
    assert rate(found, 5, not er, not her2) == 0.0
    assert pool_factor(found, 2, 0.4 * er, 0.4 * her2) == pytest.approx(1 - 0.4 * 0.75)
    assert pool_rate(found, 5, 0.4 * er, 0.4 * her2) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("effects", "index", "wanted"),
    [
        ({"tsp1": 0.0}, M_WAKE_V, 2.0),  # a hold of 0.5 that falls away
        ({"tgfb2": 2.0}, M_WAKE_E, 0.0),  # twice the level holds all
        ({"gas6_axl": 0.5}, M_WAKE_E, 1.5),
        ({"sprouting": 1.0}, M_WAKE_V, 3.0),  # gain of 2
        ({"osteoclast": 0.5}, M_WAKE_E, 1.5),  # gain of 1
        ({"homing_vla4": 0.3, "homing_fak": 0.5}, M_LODGE_ODDS, 0.15),
        ({"effector": 3.0, "suppressor": 0.5}, M_IMMUNE, 2.0),
    ],
)
def test_named_influences(effects, index, wanted):
    assert modifiers_of(effects)[index] == pytest.approx(wanted)


def test_stress_of_surgery_wakes_for_a_while_and_beta_blockers_stop_it():
    assert modifiers_of(surgery=0.0, time=5.0)[M_WAKE_V] == pytest.approx(1.5)
    assert modifiers_of(surgery=0.0, time=15.0)[M_WAKE_V] == pytest.approx(1.0)
    blocked = modifiers_of({"norepinephrine": 0.2}, surgery=0.0, time=5.0)
    assert blocked[M_WAKE_V] == pytest.approx(1.1)


def test_memory_strengthens_immunity():
    values = {"memory_gain": 2.0, "memory_half_burden": 1e5}
    assert modifiers_of(values=values, restricted=1e5)[M_IMMUNE] == pytest.approx(2.0)


def test_helpers_at_their_limits():
    assert held(0.0, 5.0) == 1.0
    assert gained(0.0, 5.0, 0.0) == 1.0
    assert lodging_probability(1.0, 0.5) == 1.0
    assert lodging_probability(0.2, 0.0) == 0.0
    assert lodging_probability(0.2, 1.0) == pytest.approx(0.2)


def test_phenotypes_follow_the_switching_chain():
    """Composition of the marrow at a visit against the matrix exponential over cell ages."""
    days = 300.0
    values = NO_SPREAD | {"diameter_at_diagnosis_median": 1.2408, "cluster_fraction": 0.0}
    arm = world(values, visits=(0.0, days))  # a tumour of 1e9 cells
    history = simulate(arm, 1, seed=1)
    get = {name: arm.parameters[name].canonical for name in arm.parameters}
    up, down = get["mesenchymal_transition_rate"], get["epithelial_transition_rate"]
    chain = np.array([[-up, down, 0], [up, -(up + down), down], [0, up, -down]])
    start = np.array([history.burden(n)[0, 0] for n in ("epithelial", "hybrid", "mesenchymal")])
    wanted = expm(chain * days) @ start.astype(float)
    found = np.array([history.burden(n)[0, 1] for n in ("epithelial", "hybrid", "mesenchymal")])
    np.testing.assert_allclose(found, wanted, atol=2e-4)  # no cells come after surgery
