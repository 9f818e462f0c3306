from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.processes import receptors
from marrowtrace.streams import stream
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue
from tests.processes.replicates import SEED, replicates

GAIN, LOSS = 0.03 / 365.25, 0.08 / 365.25
TIME = 10 * 365.25


def flips_one_by_one(rng, positive):
    now = receptors.draw_flip(rng, positive, GAIN, LOSS)
    while now <= TIME:
        positive = not positive
        now += receptors.draw_flip(rng, positive, GAIN, LOSS)
    return positive


@pytest.mark.parametrize("start", [True, False])
def test_status_follows_the_two_state_law(start):
    chance = receptors.positive_probability(start, GAIN, LOSS, TIME)
    rng = stream(seed=SEED, process=4, patient=0)
    flipped = sum(flips_one_by_one(rng, start) for _ in range(10_000))
    drawn = int(replicates(receptors.draw_status, start, GAIN, LOSS, TIME).sum())
    assert_family(
        {
            "flips": stats.binomtest(flipped, 10_000, chance).pvalue,
            "draws": stats.binomtest(drawn, 10_000, chance).pvalue,
        }
    )
    wrong = receptors.positive_probability(start, 1.2 * GAIN, LOSS / 1.2, TIME)
    assert stats.binomtest(drawn, 10_000, wrong).pvalue < ALPHA


def test_discordance_rises_from_none_to_the_balance():
    for positive, end in ((True, LOSS / (GAIN + LOSS)), (False, GAIN / (GAIN + LOSS))):
        assert receptors.discordance(positive, GAIN, LOSS, 0.0) == 0.0
        course = [receptors.discordance(positive, GAIN, LOSS, t) for t in np.geomspace(1, 2e4, 30)]
        assert np.all(np.diff(course) > 0)
        assert course[-1] == pytest.approx(end, rel=0.01)
        assert receptors.discordance(positive, 0.0, 0.0, TIME) == 0.0


def test_counts():
    draws = replicates(receptors.draw_positive_cells, 12.0, 5.0, GAIN, LOSS, TIME)
    sizes = np.arange(18)
    law = np.convolve(
        stats.binom.pmf(sizes, 12, receptors.positive_probability(True, GAIN, LOSS, TIME)),
        stats.binom.pmf(sizes, 5, receptors.positive_probability(False, GAIN, LOSS, TIME)),
    )[:18]
    assert_family({"count": chi2_pvalue(draws, law)})


def test_a_patient_is_discordant_if_one_cell_is():
    assert receptors.discordant_patient(0.2, 3.0) == pytest.approx(1.0 - 0.8**3)
    assert receptors.discordant_patient(1e-12, 1e5) == pytest.approx(1e-7)
    assert receptors.discordant_patient(1.0, 2.0) == 1.0
    assert receptors.discordant_patient(1.0, 0.0) == 0.0
    assert replicates(receptors.draw_flip, True, 1.0, 0.0, count=1)[0] == math.inf
