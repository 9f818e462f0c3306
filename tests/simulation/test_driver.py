import threading

import numpy as np
import pytest

from marrowtrace.errors import SimulationError
from marrowtrace.simulation import History, driver, scenario, simulate, simulate_to
from marrowtrace.simulation.replay import same_lesions

COUNT = 2500


@pytest.fixture(scope="module")
def reference():
    return simulate(scenario("early-breast"), COUNT, seed=5, workers=1)


def assert_same(one: History, other: History) -> None:
    np.testing.assert_array_equal(one.patient, other.patient)
    np.testing.assert_array_equal(one.patients, other.patients)
    np.testing.assert_array_equal(one.burdens, other.burdens)
    np.testing.assert_array_equal(one.offsets, other.offsets)
    assert same_lesions(one.lesions, other.lesions)


@pytest.mark.parametrize("workers", [2, 3, None])
def test_workers_change_nothing(reference, workers):
    assert_same(simulate(scenario("early-breast"), COUNT, seed=5, workers=workers), reference)


def test_block_size_changes_nothing(reference, monkeypatch):
    monkeypatch.setattr(driver, "BLOCK", 97)
    assert_same(simulate(scenario("early-breast"), COUNT, seed=5, workers=2), reference)


def test_a_patient_is_the_same_in_any_cohort(reference):
    part = simulate(scenario("early-breast"), 40, seed=5, first=1000)
    np.testing.assert_array_equal(part.patients, reference.patients[1000:1040])
    np.testing.assert_array_equal(part.burdens, reference.burdens[1000:1040])


def test_another_seed_gives_other_patients(reference):
    other = simulate(scenario("early-breast"), 100, seed=6)
    assert not np.any(other.column("age") == reference.column("age")[:100])


def test_progress_reaches_the_end():
    seen = []
    simulate(
        scenario("early-breast"), 2100, seed=1, progress=lambda done, n: seen.append((done, n))
    )
    assert sorted(seen) == seen
    assert seen[-1] == (2100, 2100)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "patients: 0 is outside its range; give one from 1 to 1000000000"),
        ({"n": 1.5}, "patients: 1.5 is not a whole number"),
        ({"seed": -1}, "seed: -1 is outside its range"),
        ({"workers": 0}, "workers: 0 is outside its range; give one from 1 to 1024"),
    ],
)
def test_bad_calls_say_what_is_wrong(change, message):
    call = {"n": 10, "seed": 1, "workers": 1} | change
    with pytest.raises(SimulationError, match=message):
        simulate(scenario("early-breast"), call["n"], call["seed"], workers=call["workers"])


def test_all_problems_of_a_call_at_once():
    with pytest.raises(SimulationError, match="2 problems in the call of simulate"):
        simulate(scenario("early-breast"), 0, -1)


def test_folder_holds_what_memory_holds(tmp_path, reference):
    arm = scenario("early-breast")
    assert simulate_to(tmp_path / "h", arm, COUNT, seed=5, chunk=1100) == COUNT
    assert_same(History.load(tmp_path / "h"), reference)


def test_interrupted_run_keeps_its_chunks_and_resumes(tmp_path, reference):
    arm = scenario("early-breast")

    def interrupt(done, _):
        if done > 1500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_to(tmp_path, arm, COUNT, seed=5, chunk=1000, workers=1, progress=interrupt)
    partial = History.load(tmp_path)
    assert len(partial) == 1000
    np.testing.assert_array_equal(partial.patients, reference.patients[:1000])
    with pytest.raises(SimulationError, match="holds a history already; choose another folder"):
        simulate_to(tmp_path, arm, COUNT, seed=5, chunk=1000)
    with pytest.raises(SimulationError, match="seed: the folder has 5, this run 6"):
        simulate_to(tmp_path, arm, COUNT, seed=6, chunk=1000, resume=True)
    other = scenario("early-breast", regimens=())
    with pytest.raises(SimulationError, match="another scenario or other parameter values"):
        simulate_to(tmp_path, other, COUNT, seed=5, chunk=1000, resume=True)
    assert simulate_to(tmp_path, arm, COUNT, seed=5, chunk=1000, resume=True) == COUNT - 1000
    assert_same(History.load(tmp_path), reference)


def test_interrupt_leaves_no_thread_behind():
    before = threading.active_count()

    def interrupt(done, _):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(scenario("early-breast"), 20_000, seed=1, workers=2, progress=interrupt)
    assert threading.active_count() == before


def test_chosen_patients_live_as_they_do_in_the_cohort(reference):
    chosen = np.array([3, 17, 18, 1203], np.int64)
    part = simulate(scenario("early-breast"), 4, seed=5, patients=chosen)
    assert part.patient.tolist() == chosen.tolist()
    np.testing.assert_array_equal(part.patients, reference.patients[chosen])
    np.testing.assert_array_equal(part.burdens, reference.burdens[chosen])


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (np.array([1.0, 2.0]), "give 2 whole numbers"),
        (np.array([1, 2, 3]), "give 2 whole numbers"),
        (np.array([2, 1]), "ascending"),
        (np.array([-1, 1]), "from 0 on"),
    ],
)
def test_numbers_of_patients_that_cannot_be(numbers, message):
    with pytest.raises(SimulationError, match=message):
        simulate(scenario("early-breast"), 2, seed=5, patients=numbers)
