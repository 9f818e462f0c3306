import numpy as np
import pytest
from scipy.special import betaln

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.departure import DepartureModel, departure

SURE = 60.0
ALMOST_NO_LOSS = DepartureModel(loss_mean=1e-7, loss_weight=1e6, recurrence=0.0, nested=0.5)


def trunk(number: int) -> np.ndarray:
    return np.tile([1.0, 0.0, 0.0], (number, 1))


def certain(carried: int, lacking: int) -> np.ndarray:
    return np.array([SURE] * carried + [-SURE] * lacking)


@pytest.mark.parametrize(("carried", "lacking"), [(0, 0), (10, 0), (7, 3), (1, 9), (40, 1)])
def test_early_departure_is_a_beta_function(carried, lacking):
    found = departure(certain(carried, lacking), trunk(carried + lacking), ALMOST_NO_LOSS)
    assert found.log_early - carried * SURE == pytest.approx(
        betaln(carried + 1, lacking + 1), abs=1e-6
    )
    assert found.trunk == carried + lacking
    assert found.lacking == pytest.approx(lacking, abs=1e-9)
    assert found.fraction == pytest.approx((carried + 1) / (carried + lacking + 2), abs=1e-6)
    assert found.fraction_low < found.fraction < found.fraction_high


def test_a_whole_trunk_speaks_for_late():
    found = departure(certain(10, 0), trunk(10), ALMOST_NO_LOSS)
    assert found.early == pytest.approx(1 / 12, rel=1e-3)


def test_losses_excuse_a_lacking_mutation():
    strict, lenient = (
        departure(certain(30, 1), trunk(31), DepartureModel(loss_mean=mean)).early
        for mean in (0.001, 0.05)
    )
    assert lenient < 0.1 < strict


def test_no_trunk_mutation_no_evidence():
    assert departure(np.zeros(0), np.zeros((0, 3))).early == pytest.approx(0.5)
    assert departure(np.zeros(5), trunk(5)).early == pytest.approx(0.5)


def test_a_mutation_of_a_part_of_the_primary_speaks_for_late():
    role = np.tile([0.0, 1.0, 0.0], (3, 1))
    model = DepartureModel(recurrence=0.01)
    found = departure(np.array([SURE, SURE, -SURE]), role, model)
    assert found.early < 0.01
    none = departure(np.array([-SURE, -SURE, -SURE]), role, model)
    assert 0.5 < none.early < 0.7


def test_mutations_from_elsewhere_say_nothing():
    role = np.vstack([trunk(8), np.tile([0.0, 0.0, 1.0], (5, 1))])
    odds = np.concatenate([certain(8, 0), certain(2, 3)])
    assert departure(odds, role).early == pytest.approx(departure(certain(8, 0), trunk(8)).early)


def test_fraction_of_the_trunk_covers_the_truth():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(300):
        fraction = rng.random()
        carried = rng.random(25) < fraction
        found = departure(np.where(carried, 4.0, -4.0), trunk(25))
        inside += found.fraction_low <= fraction <= found.fraction_high
    assert 0.9 < inside / 300 < 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss_mean": 0.0}, r"loss_mean: 0\.0 is outside its range"),
        ({"loss_weight": -1.0}, r"loss_weight: -1\.0 is outside"),
        ({"nested": 1.0}, r"nested: 1\.0 is outside"),
        ({"recurrence": 0.7}, r"recurrence: 0\.7 is outside its range; give 0 to below 0\.5"),
    ],
)
def test_models_out_of_range(change, message):
    with pytest.raises(CohortError, match=message):
        DepartureModel(**change)


def test_roles_must_be_distributions():
    with pytest.raises(CohortError, match="give one distribution over trunk, part and elsewhere"):
        departure(np.zeros(2), np.zeros((2, 3)))
