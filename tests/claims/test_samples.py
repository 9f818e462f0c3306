"""What assays read of virtual patients, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.claims.samples import fitted, hazard_ratio, outcome, read, swapped
from tests.claims.small_world import WORLD
from tests.goodness_of_fit import assert_family


@pytest.fixture(scope="module")
def history():
    return WORLD.history("early-breast")


def test_reading_follows_the_law_of_the_assay(history):
    """The number found positive is Poisson-binomial with the law's probabilities."""
    from scipy.stats import norm

    from marrowtrace.assays.law import detection_probability
    from marrowtrace.simulation import BURDENS
    from marrowtrace.study.observation import burden_at

    pvalues = {}
    burdens = {name: history.burdens[:, :, i] for i, name in enumerate(BURDENS)}
    for visit in (0, 3):
        assay = fitted(history, "a45-b-b3")
        reading = read(history, assay, visit)
        burden = burden_at(
            "bone_marrow", burdens, visit, reading.taken, history.scenario.parameters
        )
        chance = np.asarray(detection_probability(assay, burden))[reading.taken]
        gap = reading.positive[reading.taken].sum() - chance.sum()
        pvalues[str(visit)] = 2 * norm.sf(abs(gap) / np.sqrt((chance * (1 - chance)).sum()))
    assert_family(pvalues)


def test_nobody_is_sampled_after_distant_relapse(history):
    reading = read(history, fitted(history, "cellsearch"), 4)
    day = history.scenario.visits[4]
    assert (history.column("distant_relapse")[reading.taken] > day).all()
    assert (history.column("end")[reading.taken] >= day).all()
    later = read(history, fitted(history, "cellsearch"), 4, after_relapse=True)
    assert later.taken.sum() > reading.taken.sum()


def test_changes_of_an_assay_leave_the_preset_alone(history):
    usual = fitted(history, "a45-b-b3")
    worse = fitted(history, "a45-b-b3", {"recovery": 0.02, "false_positives": 0.0})
    assert worse["recovery"] == pytest.approx(0.02 * usual["recovery"])
    assert worse["false_positives"] == 0
    assert fitted(history, "a45-b-b3")["recovery"] == usual["recovery"]
    assert read(history, worse, 0).positive.sum() < 0.1 * read(history, usual, 0).positive.sum()


@pytest.mark.parametrize("endpoint", ["death", "disease_free", "distant_relapse", "bone_relapse"])
def test_events_are_within_follow_up(history, endpoint):
    who = read(history, fitted(history, "a45-b-b3"), 3).taken
    time, event = outcome(history, endpoint, 3, 5.0)
    assert (time[who] > 0).all()
    assert (time[who] <= 5 * 365.25).all()
    wider = outcome(history, endpoint, 3, 10.0)[1]
    assert (wider | ~event)[who].all()  # who has it by 5 years has it by 10


def test_relapse_or_death_comes_no_later_than_either(history):
    both = outcome(history, "disease_free", 0, 20.0)[0]
    for one in ("death", "distant_relapse", "local_relapse"):
        assert (both <= outcome(history, one, 0, 20.0)[0]).all()


def test_hazard_ratio_of_exponentials_is_the_ratio_of_rates():
    rng = np.random.default_rng(3)
    group = rng.random(20_000) < 0.3
    time = rng.exponential(1.0, group.size) / np.where(group, 2.0, 1.0)
    everyone = np.ones(group.size, bool)
    found = hazard_ratio(time, everyone, group, everyone)
    assert found.low < 2.0 < found.high
    assert found.high / found.low < 1.2


def test_hazard_ratio_of_one_group_is_unknown():
    nobody = np.zeros(5, bool)
    found = hazard_ratio(np.arange(1.0, 6.0), ~nobody, nobody, ~nobody)
    assert np.isnan(found.value)


def test_swapping_keeps_how_many_are_positive():
    values = np.arange(100) < 30
    who = np.arange(100) < 80
    out = swapped(values, who, 1)
    assert out.sum() == 30
    assert (out != values).any()
    assert (out[~who] == values[~who]).all()
