"""The immune response in time: its equation, its limits, and what it does to lesions."""

import numpy as np
import pytest
from scipy import integrate, stats

from marrowtrace.errors import SimulationError
from marrowtrace.simulation import EVENTS, Therapy, simulate
from marrowtrace.simulation.driver import arrays
from marrowtrace.simulation.layout import (
    M_EFFECTOR,
    M_IMMUNE,
    M_SUPPRESSOR,
    MODIFIERS,
)
from marrowtrace.simulation.replay import life
from marrowtrace.simulation.response import (
    CLOCK,
    LOOK,
    RESPONSE_SHAPE,
    STATE,
    press,
    react,
    rest,
)
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue
from tests.simulation.test_engine import DIRECT_ONLY
from tests.simulation.worlds import YEAR, world

SUBTYPE = "er_pos_her2_neg"
PACE = {"immune_turnover": 0.02, "immune_stimulation": 1.4, "immune_recall": 0.4}
COURSE = [(0.0, 0.0, 1.0, 0.0), (30.0, 2e4, 1.0, 0.0), (300.0, 2e6, 0.4, 0.5), (700.0, 0.0, 2.0, 0)]
"""Day, restricted cells, factor of effectors, suppressors."""


def exact(p, course, until):
    """Effectors and memory by SciPy, and the integral of the effectors."""
    state = np.array([1.0, 1.0, 0.0])
    half, pace = p["memory_half_burden"], p["immune_turnover"]
    recall, memory = p["immune_recall"], p["immune_memory_loss"]
    for k, (day, cells, effector, suppressor) in enumerate(course):
        end = course[k + 1][0] if k + 1 < len(course) else until
        raised = p["immune_stimulation"] * cells / (half + cells)

        def slope(_, y, effector=effector, suppressor=suppressor, raised=raised):
            supply = (1 - recall) * effector + recall * y[1]
            change = pace * (supply + (raised - 1 - suppressor) * y[0])
            return [change, memory * (y[0] - y[1]), y[0]]

        state = integrate.solve_ivp(slope, (day, end), state, rtol=1e-10, atol=1e-12).y[:, -1]
    return state


def followed(p, course, until, step):
    """The same by the kernel: state at the end, and the integral of the pressure it sets."""
    p = p.copy()
    p["step"] = step
    response, modifiers = np.zeros(RESPONSE_SHAPE), np.zeros(MODIFIERS)
    modifiers[M_EFFECTOR] = 1.0
    rest(response, course[0][0])
    pressed, looks = 0.0, 0
    for k, (day, cells, effector, suppressor) in enumerate(course):
        end = course[k + 1][0] if k + 1 < len(course) else until
        now = day
        while now < end:
            react(response, now, modifiers, p)
            modifiers[M_EFFECTOR], modifiers[M_SUPPRESSOR] = effector, suppressor
            press(response, now, cells, modifiers, p)
            later = min(end, response[CLOCK, LOOK])
            pressed += modifiers[M_IMMUNE] * (later - now)
            now, looks = later, looks + 1
    react(response, until, modifiers, p)
    return response[STATE, :2].copy(), pressed, looks


@pytest.fixture(scope="module")
def numbers():
    return arrays(world(PACE))[0][0]


def test_state_follows_its_equation(numbers):
    wanted = exact(numbers, COURSE, 1500.0)
    state, _, looks = followed(numbers, COURSE, 1500.0, 0.5)
    np.testing.assert_allclose(state, wanted[:2], rtol=1e-8)
    assert 20 < looks < 300
    wrong = numbers.copy()
    wrong["immune_recall"] *= 1.02
    assert abs(followed(wrong, COURSE, 1500.0, 0.5)[0][0] / wanted[0] - 1) > 1e-3


def test_pressure_converges_as_the_tolerance_falls(numbers):
    """Lesions feel the integral of the pressure: its error falls faster than the step."""
    wanted = exact(numbers, COURSE, 1500.0)[2]
    steps = np.array([2.0, 0.5, 0.125, 0.03])
    errors = [abs(followed(numbers, COURSE, 1500.0, s)[1] / wanted - 1) for s in steps]
    assert errors[1] < 2e-3
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] > 1.2


def test_without_lesions_and_therapy_nothing_moves(numbers):
    state, pressed, looks = followed(numbers, COURSE[:1], 5000.0, 0.5)
    np.testing.assert_allclose(state, 1.0, rtol=1e-12)
    assert pressed == pytest.approx(5000.0, rel=1e-12)
    assert looks == 1


def test_runaway_response_stays_finite(numbers):
    strong = numbers.copy()
    strong["immune_stimulation"], strong["immune_turnover"] = 5.0, 1.0
    state, _, _ = followed(strong, [(0.0, 1e9, 1.0, 0.0)], 3000.0, 0.5)
    assert np.isfinite(state).all()
    assert state[0] == 1e6


# ---- lesions under it --------------------------------------------------------------------------


def test_without_feedback_and_therapy_it_is_the_static_pressure():
    values = {"immune_stimulation": 0.0, "memory_gain": 1e-12}
    static = simulate(world(values), 800, seed=5)
    dynamic = simulate(world(values, immunity="dynamic"), 800, seed=5)
    np.testing.assert_allclose(
        dynamic.column("distant_relapse"), static.column("distant_relapse"), rtol=1e-9
    )


def test_a_fast_response_is_the_static_pressure():
    values = {"immune_stimulation": 0.0, "immune_recall": 0.0, "immune_turnover": 5.0}
    drug = Therapy("immunotherapy", start=100.0, effects={"effector": 4.0, "suppressor": 0.5})
    arms = [
        world(values | {"memory_gain": 1e-12}, therapies=(drug,), immunity=kind)
        for kind in ("static", "dynamic")
    ]
    one, other = (simulate(arm, 1500, seed=5).column("distant_relapse") for arm in arms)
    assert np.isclose(one, other, rtol=1e-3).mean() > 0.985
    none = simulate(world(values), 1500, seed=5).column("distant_relapse")
    assert np.isclose(one, none, rtol=1e-3).mean() < 0.95


HELD = DIRECT_ONLY | {
    "restricted_fraction": 1.0,
    "restriction_delay": 0.0,
    "escape_rate": 0.0,
    "mhc_low_mutation_rate": 0.0,
    "establishment_probability": 1e-5,
    f"visceral_loss_rate.{SUBTYPE}": 0.0,
    f"visceral_awakening_rate.{SUBTYPE}": 1e6,
    "restricted_elimination_rate": 0.2,
    "perivascular_niche_sites": 0.0,
    "endosteal_niche_sites": 0.0,
}


def test_elimination_follows_effectors_that_take_their_time():
    """Held lesions are eliminated at a rate times E(t), here raised by a therapy from day 0."""
    values = HELD | {"immune_turnover": 0.004, "immune_stimulation": 0.0, "immune_recall": 0.5}
    drug = Therapy("immunotherapy", start=0.0, effects={"effector": 3.0})
    horizon = 8 * YEAR
    arm = world(values, therapies=(drug,), visits=(), horizon=horizon, immunity="dynamic")
    lesions = simulate(arm, 20_000, seed=6).lesions
    there = lesions[~(lesions["ended"] < 0)]
    gone = there["ended"][there["ended"] > 0]
    p = arrays(arm)[0][0]
    days = np.linspace(0, horizon, 400)
    rate = arm.parameters["restricted_elimination_rate"].canonical
    raised = np.array([exact(p, [(0.0, 0.0, 3.0, 0.0)], max(d, 1e-9))[2] for d in days])

    def cdf(extra):
        at_once = 3.0 * days
        dead = 1 - np.exp(-rate * (raised + extra * (at_once - raised)))
        return lambda t: np.interp(t, days, dead / dead[-1])

    expected = 1 - np.exp(-rate * raised[-1])
    assert gone.size > 3000
    assert_family(
        {
            "days": ks_pvalue(gone, cdf(0.0)),
            "number": stats.binomtest(gone.size, there.size, expected).pvalue,
        }
    )
    assert ks_pvalue(gone, cdf(1.0)) < ALPHA


REGIMES = {
    "elimination": ({"immune_stimulation": 3.0, "memory_half_burden": 1e4}, None),
    "equilibrium": ({"immune_stimulation": 0.3}, None),
    "escape": ({"immune_stimulation": 0.3}, {"suppressor": 40.0}),
}
"""Parameters, and effects of what acts on the immune system, by what becomes of most lesions."""


@pytest.mark.parametrize("regime", sorted(REGIMES))
def test_elimination_equilibrium_and_escape(regime):
    values, effects = REGIMES[regime]
    arm = world(
        HELD
        | {"restricted_elimination_rate": 0.02, "escape_rate": 0.02, "detection_size": 2e12}
        | values,
        therapies=() if effects is None else (Therapy("other_1", effects=effects),),
        visits=(),
        horizon=15 * YEAR,
        immunity="dynamic",
    )
    lesions = simulate(arm, 1500, seed=7).lesions
    ended = lesions["end_cause"] == EVENTS.index("lesion eliminated")
    escaped = ~np.isnan(lesions["escaped"])
    share = {
        "elimination": ended.mean(),
        "escape": escaped.mean(),
        "equilibrium": (~ended & ~escaped).mean(),
    }
    assert lesions.size > 300
    assert max(share, key=share.get) == regime
    assert share[regime] > 0.5


def test_memory_protects_after_the_lesions_are_gone():
    """With memory the pressure stays raised for years, without it only for weeks."""

    def late(recall):
        p = arrays(world(PACE | {"immune_recall": recall}))[0][0]
        course = [(0.0, 1e5, 1.0, 0.0), (2000.0, 0.0, 1.0, 0.0)]
        return followed(p, course, 2800.0, 0.5)[0][0]

    assert late(0.0) == pytest.approx(1.0, abs=1e-3)
    assert late(0.6) > 1.3


def test_replay_shows_the_pressure():
    arm = world(HELD, visits=(), horizon=5 * YEAR, immunity="dynamic")
    history = simulate(arm, 300, seed=8)
    patient = int(np.argmax(np.diff(history.offsets)))
    course = life(arm, 8, patient).trajectory["immune_pressure"].to_numpy()
    assert course[0] == pytest.approx(1.0)
    assert course.max() > 1.0


def test_an_unknown_kind_of_immunity_is_named():
    with pytest.raises(SimulationError, match=r"immunity: 'dynamical'; allowed: static, dynamic"):
        world(immunity="dynamical")


def test_bound_covers_what_the_response_may_fall_to(numbers):
    drug = Therapy("other_1", effects={"suppressor": 2.0, "effector": 0.5})
    p = arrays(world(PACE, therapies=(drug,), immunity="dynamic"))[0][0]
    lowest = exact(p, [(0.0, 0.0, 0.5, 2.0)], 40_000.0)[0]
    assert p["bound"] * lowest == pytest.approx(1.0, rel=1e-3)
