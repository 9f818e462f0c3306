import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import binomtest

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.departure import DepartureModel, departure, unseen_part

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
    model = DepartureModel(recurrence=0.01, reseeding=0.0)
    odds = np.array([SURE, SURE, -SURE])
    assert departure(odds, role, model).early < 0.01
    # Cells that came back to the primary would explain it as well, but seldom.
    assert 0.05 < departure(odds, role, DepartureModel(reseeding=0.05)).early < 0.15
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
        ({"unseen": 1.0}, r"unseen: 1\.0 is outside its range; give 0 to below 1"),
        ({"reseeding": -0.1}, r"reseeding: -0\.1 is outside"),
        ({"recurrence": 0.7}, r"recurrence: 0\.7 is outside its range; give 0 to below 0\.5"),
    ],
)
def test_models_out_of_range(change, message):
    with pytest.raises(CohortError, match=message):
        DepartureModel(**change)


def test_a_part_that_was_not_sampled_looks_early():
    """Odds of early against late are bounded by 1 / unseen, whatever is lacking."""
    found = departure(certain(5, 20), trunk(25), DepartureModel(unseen=0.83))
    assert found.early == pytest.approx(1 / 1.83, abs=1e-4)
    assert departure(certain(5, 20), trunk(25)).early > 0.999


def test_unseen_part_follows_the_coalescent():
    """The one line that parts first from all others, in simulated coalescents of k + 1 lines."""
    rng = np.random.default_rng(8)
    for samples in (2, 5):
        first = 0
        for _ in range(4000):
            groups = [{line} for line in range(samples + 1)]
            while len(groups) > 2:
                one, other = sorted(rng.choice(len(groups), 2, replace=False))
                groups[one] |= groups.pop(other)
            first += {0} in groups
        expected = unseen_part(samples, tissue=False)
        assert binomtest(first, 4000, expected).pvalue > 1e-3
        assert binomtest(first, 4000, 1.5 * expected).pvalue < 1e-3
    assert unseen_part(1, tissue=True) == 0.83
    assert unseen_part(1, tissue=False) < 1.0


def test_an_allele_that_was_lost_excuses_its_mutations():
    odds = certain(20, 4)
    gone = np.arange(24) >= 20
    assert departure(odds, trunk(24)).early > 0.8
    assert departure(odds, trunk(24), deleted=gone).early < 0.4


def test_roles_must_be_distributions():
    with pytest.raises(CohortError, match="give one distribution over trunk, part and elsewhere"):
        departure(np.zeros(2), np.zeros((2, 3)))
