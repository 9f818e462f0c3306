import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.simulation import scenario, simulate
from marrowtrace.simulation.seeding_history import seeding_history
from marrowtrace.study.patient_genealogy import demes_of, patient_genealogy


@pytest.fixture(scope="module")
def history():
    return simulate(scenario("early-breast"), 40, seed=1)


def patients(history):
    return [int(p) for p in np.unique(history.lesions["patient"])]


def test_sweeps_are_those_of_the_life(history):
    """Each lesion saw as many sweeps before it left as the history says."""
    for patient in patients(history):
        seeds = seeding_history(history, patient)
        drivers = {
            int(row["record"]): row["drivers"]
            for row in history.lesions
            if row["patient"] == patient
        }
        for lesion in seeds.lesions:
            before = (seeds.sweeps <= min(lesion.seeded, 0.0)).sum()
            assert before == drivers[lesion.record]
        assert seeds.log_size[-1] == pytest.approx(
            history.column("log_size")[history.row_of(patient)]
        )


def test_cells_of_every_lesion_that_grew(history):
    patient = patients(history)[1]
    one, other = (patient_genealogy(history, patient, mutations_per_division=0.05, blood_cells=3)
                  for _ in range(2))  # fmt: skip
    np.testing.assert_array_equal(one.genotype, other.genotype)
    assert one.sites.count("primary") == 30
    assert one.sites.count("blood") == 3
    assert {"bone_marrow"} < set(one.sites)
    known = {deme.name for deme in demes_of(seeding_history(history, patient))}
    assert set(one.migrations()["target"]) < known


def test_no_cell_of_the_primary(history):
    with pytest.raises(CohortError, match="primary_cells: 0 is out of range"):
        patient_genealogy(history, 0, primary_cells=0)
