from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from marrowtrace.processes import birth_death, immunity
from tests.goodness_of_fit import assert_family
from tests.processes.replicates import replicates

BASE = {
    "net_growth": 0.1,
    "killing": 1.0,
    "source": 8.0,
    "stimulation": 0.5,
    "half_saturation": 1e3,
    "loss": 0.2,
}
# the four phases, by source and stimulation
PHASES = {
    immunity.EQUILIBRIUM: {"source": 8.0, "stimulation": 0.5},
    immunity.ELIMINATION: {"source": 30.0, "stimulation": 0.5},
    immunity.ESCAPE: {"source": 8.0, "stimulation": 0.1},
    immunity.THRESHOLD: {"source": 30.0, "stimulation": 0.1},
}


def order(source, recall, stimulation, half_saturation, loss, memory_gain, memory_loss, net, kill):
    return source, recall, stimulation, half_saturation, loss, memory_gain, memory_loss, net, kill


def tumour_after(parameters, start, days, recall=0.0, memory_gain=0.0, memory_loss=1.0):
    """Tumour cells after ``days`` from ``start``, the effectors in balance without a tumour."""
    loss = parameters["loss"] + parameters.get("suppression", 0.0)
    rates = order(
        parameters["source"], recall, parameters["stimulation"], parameters["half_saturation"],
        loss, memory_gain, memory_loss, parameters["net_growth"], parameters["killing"],
    )  # fmt: skip
    effective = immunity.effective_loss(loss, 0.0, recall, memory_gain, memory_loss)
    effectors = parameters["source"] / effective
    state = np.array([effectors, memory_gain * effectors / memory_loss, start])
    immunity.advance(state, np.empty((5, 3)), days, int(days * 20), *rates)
    return state


@pytest.mark.parametrize("phase", PHASES)
def test_phases(phase):
    assert immunity.balance(**{**BASE, **PHASES[phase]}).phase == phase


def test_few_and_many_cells_go_the_way_of_their_phase():
    for phase, changed in PHASES.items():
        parameters = {**BASE, **changed}
        few = tumour_after(parameters, 1.0, 20.0)[immunity.TUMOUR]
        assert (few > 1.0) == (phase in (immunity.EQUILIBRIUM, immunity.ESCAPE)), phase
    escaped = tumour_after({**BASE, **PHASES[immunity.THRESHOLD]}, 2e5, 60.0)
    assert escaped[immunity.TUMOUR] > 4e5
    beaten = tumour_after({**BASE, **PHASES[immunity.THRESHOLD]}, 100.0, 60.0)
    assert beaten[immunity.TUMOUR] < 10.0


@pytest.mark.parametrize("memory", [(0.0, 0.0, 1.0), (0.05, 0.02, 0.01)])
def test_balance_is_where_nothing_changes(memory):
    recall, gain, forgetting = memory
    found = immunity.balance(
        **BASE, suppression=0.05, recall=recall, memory_gain=gain, memory_loss=forgetting
    )
    state = np.array([found.effectors, gain * found.effectors / forgetting, found.cells])
    out = np.empty(3)
    rates = order(8.0, recall, 0.5, 1e3, 0.25, gain, forgetting, 0.1, 1.0)
    immunity.derivative(state, out, *rates)
    np.testing.assert_allclose(out, 0.0, atol=1e-9)
    effective = immunity.effective_loss(0.2, 0.05, recall, gain, forgetting)
    steady = immunity.steady_effectors(found.cells, 8.0, 0.5, 1e3, effective)
    assert steady == pytest.approx(found.effectors)
    assert immunity.kill_rate(steady, found.cells, 1.0, 1e3) == pytest.approx(0.1)


def test_stable_balance_attracts_and_unstable_does_not():
    found = immunity.balance(**BASE)
    assert found.stable
    rates = order(8.0, 0.0, 0.5, 1e3, 0.2, 0.0, 1.0, 0.1, 1.0)
    state = np.array([found.effectors, 0.0, 1.1 * found.cells])
    immunity.advance(state, np.empty((5, 3)), 600.0, 6_000, *rates)
    assert state[immunity.TUMOUR] == pytest.approx(found.cells, rel=1e-3)
    assert not immunity.balance(**{**BASE, **PHASES[immunity.THRESHOLD]}).stable


def test_suppressors_and_memory_move_the_phase():
    assert immunity.balance(**BASE, suppression=1.0).phase == immunity.ESCAPE
    strong = immunity.balance(**BASE, recall=0.5, memory_gain=0.3, memory_loss=1.0)
    assert strong.phase == immunity.ELIMINATION
    assert immunity.balance(**{**BASE, "net_growth": -0.1}).phase == immunity.ELIMINATION
    assert math.isnan(immunity.balance(**{**BASE, "net_growth": -0.1}).cells)


def test_steps_agree_with_an_adaptive_solver():
    rates = order(8.0, 0.05, 0.5, 1e3, 0.25, 0.02, 0.01, 0.1, 1.0)
    start = np.array([20.0, 40.0, 50.0])

    def slope(_, state):
        out = np.empty(3)
        immunity.derivative(state, out, *rates)
        return out

    exact = solve_ivp(slope, (0.0, 80.0), start, rtol=1e-10, atol=1e-10).y[:, -1]
    errors = []
    for steps in (40, 80, 160):
        state = start.copy()
        immunity.advance(state, np.empty((5, 3)), 80.0, steps, *rates)
        errors.append(np.abs(state / exact - 1.0).max())
    assert errors[-1] < 1e-5
    assert errors[0] / errors[1] > 8.0  # fourth order


def test_effectors_without_bound():
    assert immunity.steady_effectors(1e9, 5.0, 0.5, 1e3, 0.2) == math.inf
    assert immunity.kill_rate(5.0, 0.0, 1.0, 0.0) == math.inf


def test_mutants_last_as_their_birth_death_process():
    """MHC-I low cells: T cells do not see them, NK cells kill them unless coated."""
    birth, death, nk, coat = 0.3, 0.1, 0.2, 0.5
    chance = immunity.mutant_survival(birth, death, nk, coat)
    sizes = replicates(birth_death.draw_size, 1.0, birth, death + nk * (1 - coat), 300.0)
    assert_family({"lasting": stats.binomtest(int((sizes > 0).sum()), sizes.size, chance).pvalue})
    assert immunity.mutant_survival(birth, death, 10.0, 0.0) == 0.0
    assert immunity.mutant_survival(0.0, death, nk, 0.0) == 0.0
    assert immunity.escape_rate(1e4, birth, 1e-7, chance) == pytest.approx(1e4 * 0.3e-7 * chance)
    assert immunity.escape_rate(1e4, birth, 1e-7, 0.0) == 0.0
