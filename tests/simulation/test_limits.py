"""No parameter, rate, size, horizon or signal makes a patient hang or come out as nonsense."""

import math
import os
import signal
import threading
import time

import numpy as np
import pytest

from marrowtrace.catalog import parameter_set
from marrowtrace.simulation import CODES, Scenario, Therapy, scenario, simulate
from tests.simulation.worlds import YEAR, world

STEP_LIMIT = CODES.index("step limit reached")
SYMBOLS = parameter_set("early-breast")


def assert_sound(history):
    assert np.isin(history.column("code"), range(len(CODES))).all()
    for name in ("end", "tumour_age", "mutations"):
        assert np.isfinite(history.column(name)).all(), name
    seen = history.burdens[history.column("code") != STEP_LIMIT][:, 0, :9]
    assert np.isfinite(seen).all()
    assert (seen >= 0).all()


def test_every_parameter_at_both_ends_of_its_range():
    for symbol, parameter in SYMBOLS.items():
        for value in (parameter.low, parameter.high):
            history = simulate(world({symbol: value}, horizon=40 * YEAR), 4, seed=1, workers=1)
            assert_sound(history)
            assert (history.column("code") != STEP_LIMIT).all(), (symbol, value)


RATES = [s for s, p in SYMBOLS.items() if str(p.unit).startswith("1/") or "rate" in s]


def test_every_rate_at_zero_next_to_zero_and_huge():
    assert len(RATES) > 30
    for symbol in RATES:
        for value in (0.0, 1e-12, 1e6):
            assert_sound(simulate(world({symbol: value}, horizon=40 * YEAR), 6, seed=1, workers=1))


@pytest.mark.parametrize("dormancy", ["erlang", "weibull", "lognormal"])
def test_huge_and_zero_rates_under_other_waiting_laws(dormancy):
    subtypes = ("er_pos_her2_neg", "triple_negative")
    for value in (0.0, 1e6):
        fast = {f"perivascular_awakening_rate.{s}": value for s in subtypes}
        arm = world(fast, dormancy=dormancy, horizon=40 * YEAR)
        assert_sound(simulate(arm, 4, seed=1, workers=1))


def test_rates_that_call_for_endless_events_end_with_a_code():
    """Receptors that flip for ever: the life ends with a code and the day it was given up."""
    flips = dict.fromkeys(("er_loss_rate", "er_gain_rate"), 1000000000.0)
    history = simulate(world(flips | {"establishment_probability": 1e-3}), 4, seed=1, workers=1)
    assert_sound(history)
    given_up = history.column("code") == STEP_LIMIT
    assert given_up.any()
    np.testing.assert_array_equal(
        history.column("limited")[given_up], history.column("end")[given_up]
    )


def test_rests_without_end_end_with_a_code():
    values = {"redormancy_rate": 1e9, "redormancy_size": 1e5, "establishment_probability": 1e-3}
    subtypes = ("er_pos_her2_neg", "triple_negative")
    wake = {f"visceral_awakening_rate.{s}": 1e9 for s in subtypes}
    assert_sound(simulate(world(values | wake), 4, seed=1, workers=1))


def test_steps_without_end_end_with_a_code():
    history = simulate(world(step=1e-4, surgery=math.inf), 3, seed=1, workers=1)
    assert (history.column("code") == STEP_LIMIT).all()
    assert history.limited() == {"step limit reached": 3}
    np.testing.assert_array_equal(history.column("limited"), history.column("end"))


def test_tumours_and_lesions_of_1e12_cells():
    values = {
        "tumour_size_at_diagnosis_max": 1e12,
        "diameter_at_diagnosis_median": 120.0,
        "diameter_at_diagnosis_log_sd": 0.0,
        "detection_size": 1e12,
    }
    history = simulate(world(values, horizon=40 * YEAR), 300, seed=1)
    assert_sound(history)
    np.testing.assert_allclose(history.column("log_size"), math.log(1e12), rtol=0.05)
    grown = history.lesions[~np.isnan(history.lesions["detected"])]
    assert grown.size > 20
    assert grown["log_size"].max() <= math.log(3.1e12) + 1e-5
    relapse = history.burdens[:, -1]
    assert np.isfinite(relapse[history.column("distant_relapse") < math.inf][:, :9]).all()


def test_forty_years():
    visits = tuple(YEAR * year for year in range(41))
    history = simulate(world({"other_death_rate": 0.0}, visits=visits, horizon=40 * YEAR), 200, 1)
    alive = history.column("end") == 40 * YEAR
    assert alive.sum() > 50
    assert np.isfinite(history.burdens[alive, 40, :9]).all()


def test_no_therapies_is_an_empty_list():
    none = scenario("early-breast", regimens=())
    assert none.therapies == ()
    one, other = simulate(none, 300, seed=2), simulate(none.with_therapies(), 300, seed=2)
    np.testing.assert_array_equal(one.patients, other.patients)
    assert one.column("chemotherapy").max() == 0
    never = Therapy("chemotherapy", start=30, effects={"log_kill": 1.0}, cycles=0, uptake=0.0)
    with_none = simulate(none.with_therapies(never), 300, seed=2)
    np.testing.assert_array_equal(with_none.patients, one.patients)


def test_an_added_patient_and_an_added_arm_change_nobody():
    arm = scenario("early-breast")
    few = simulate(arm, 200, seed=3)
    simulate(scenario("early-breast", regimens=("zoledronate",)), 200, seed=3)
    more = simulate(arm, 201, seed=3)
    np.testing.assert_array_equal(more.patients[:200], few.patients)
    np.testing.assert_array_equal(more.burdens[:200], few.burdens)
    added = Scenario("added", arm.parameters, (*arm.therapies, Therapy("other_1", uptake=0.0)))
    np.testing.assert_array_equal(simulate(added, 200, seed=3).patients, few.patients)


def test_no_cluster_is_shed_where_none_is_wanted():
    values = {"cluster_fraction": 0.0, "establishment_probability": 1e-4}
    arm = Scenario("none", SYMBOLS.with_values(values))
    history = simulate(arm, 300, seed=4)
    assert np.nanmax(history.burden("ctc_clusters")) == 0.0
    assert np.nanmax(history.burden("ctc_primary")) > 0.0
    assert history.lesions.size > 300
    assert (history.lesions["founding_cells"] == 1.0).all()


def test_interrupt_from_the_keyboard_in_the_middle():
    """A signal while threads are in compiled code: they end with their block, and none stays."""
    arm = scenario("early-breast")
    simulate(arm, 10, seed=1)
    before = threading.active_count()
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begun = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        simulate(arm, 3_000_000, seed=1, workers=2)
    assert time.perf_counter() - begun < 10.0
    timer.join()
    assert threading.active_count() == before
