import math

import numpy as np
import pytest

from marrowtrace.assays import assay
from marrowtrace.errors import CatalogError
from marrowtrace.simulation import scenario, simulate
from marrowtrace.study.arm_run import live, observe
from marrowtrace.study.bundled import study
from marrowtrace.study.observation import burden_at, study_assay
from marrowtrace.study.visit import AssayUse
from tests.study.small_study import small

NUMBERS = np.arange(2_000, dtype=np.int64)


@pytest.fixture(scope="module")
def seen():
    protocol = small()
    arm = protocol.arm("watched")
    lives = live(protocol, arm, NUMBERS, 3, 2)
    return protocol, arm, lives, *observe(protocol, arm, lives, 3)


def test_an_assay_may_have_another_amount():
    assert study_assay(AssayUse("large", "cellsearch", amount=23.0)).examined == 23.0
    two = study_assay(AssayUse("two", "a45-b-b3", amount=1e6, sides=2))
    assert two.examined == 2e6
    assert two.name == "two"


def test_an_assay_may_be_ones_own():
    use = AssayUse("mine", "mine", definition='base = "cellsearch"\nname = "x"\n')
    assert study_assay(use).examined == assay("cellsearch").examined
    with pytest.raises(CatalogError, match="'elispot' is not in the catalogue"):
        study_assay(AssayUse("elispot", "elispot"))


def test_the_arms_parameters_reach_the_laboratory():
    parameters = scenario("early-breast", values={"ctc_detection_probability": 0.3}).parameters
    found = study_assay(AssayUse("cellsearch", "cellsearch"), parameters)
    assert found.average_detection == pytest.approx(0.3)
    amount = study_assay(AssayUse("large", "cellsearch", amount=23.0), parameters)
    assert amount.examined == 23.0


def test_samples_are_taken_while_patients_are_followed_and_free_of_relapse(seen):
    _, _, _, course, followed, days, _ = seen
    for name, day in days.items():
        taken = ~np.isnan(day)
        assert taken.any()
        assert (day[taken] <= followed.to[taken]).all()
        if name != "at relapse":
            assert (day[taken] < course.distant[taken]).all()
    at_relapse = days["at relapse"]
    found = course.distant <= followed.to
    np.testing.assert_array_equal(at_relapse[found], course.distant[found])
    assert np.isnan(at_relapse[~found]).all()


def test_burdens_are_those_of_the_history(seen):
    _, _, lives, _, _, _, observer = seen
    burdens = lives.burdens_by_name()
    taken = np.arange(NUMBERS.size) % 2 == 0
    marrow = burden_at("bone_marrow", burdens, 0, taken, observer.parameters)
    wanted = burdens["perivascular"][:, 0].astype(float) + burdens["endosteal"][:, 0]
    np.testing.assert_allclose(marrow.cells[taken], wanted[taken])
    assert np.isnan(marrow.cells[~taken]).all()
    assert (marrow.level == 1.0).all()
    blood = burden_at("blood", burdens, 0, taken, observer.parameters)
    ours = sum(burdens[f"ctc_{source}"][:, 0].astype(float) for source in ("primary", "lesions"))
    np.testing.assert_allclose(blood.cells[taken], (ours + burdens["ctc_marrow"][:, 0])[taken])
    np.testing.assert_allclose(blood.clusters[taken], burdens["ctc_clusters"][taken, 0])
    np.testing.assert_allclose(blood.level[taken], burdens["burst"][taken, 0])
    np.testing.assert_allclose(blood.phenotype[taken].sum(axis=1), 1.0)
    np.testing.assert_allclose(
        blood.phenotype[taken, 2], burdens["ctc_mesenchymal"][taken, 0], rtol=1e-5
    )


def test_readings_do_not_depend_on_who_else_is_read(seen):
    protocol, _, lives, _, _, days, observer = seen
    visit = protocol.visit("diagnosis")
    whole = observer.read(visit, "cellsearch", lives.burdens_by_name(), days["diagnosis"], NUMBERS)
    some = np.array([5, 77, 1500])
    part = observer.read(
        visit,
        "cellsearch",
        {name: values[some] for name, values in lives.burdens_by_name().items()},
        days["diagnosis"][some],
        NUMBERS[some],
    )
    np.testing.assert_array_equal(part.counts, whole.counts[np.isin(whole.rows, some)])


def test_detection_is_that_of_one_probability_for_all_cells():
    """The expected share of positive marrow by the averaged law agrees with what is drawn.

    The law counts Poisson cells under a gamma local density and Poisson false positives; the assay
    sees phenotypes differently but has the same average detection.
    """
    protocol = study("early-breast")
    arm = protocol.arms[0]
    numbers = np.arange(6_000, dtype=np.int64)
    lives = live(protocol, arm, numbers, 11, 2)
    _, _, days, observer = observe(protocol, arm, lives, 11)
    visit = protocol.visit("diagnosis")
    found = observer.read(visit, "a45-b-b3", lives.burdens_by_name(), days["diagnosis"], numbers)
    values = {name: p.canonical for name, p in observer.parameters.items()}
    history = simulate(scenario("early-breast"), numbers.size, 11)
    cells = history.burden("perivascular")[:, 0].astype(float) + history.burden("endosteal")[:, 0]
    share = values["marrow_cells_screened"] / values["marrow_mononuclear_cells"]
    mean = cells * share * values["dtc_detection_probability"]
    shape = values["marrow_site_shape"]
    false = values["dtc_false_positives"] * values["marrow_cells_screened"]
    expected = 1 - (1 + mean / shape) ** -shape * math.exp(-false)
    positive = found.at_least(1.0)
    sd = math.sqrt((expected * (1 - expected)).sum()) / numbers.size
    assert abs(positive.mean() - expected[found.rows].mean()) < 4 * sd + 0.01
