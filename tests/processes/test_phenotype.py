from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.processes import markov, phenotype
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue
from tests.processes.replicates import SEED, replicates

START = np.array([0.7, 0.2, 0.1])


def advanced(time, *rates, start=START):
    composition = start.copy()
    phenotype.linear_chain(composition, time, *rates)
    return composition


def by_matrix(time, *rates, start=START):
    generator, out = np.empty((3, 3)), np.empty((3, 3))
    phenotype.transition_generator(generator, *rates)
    markov.transition_matrix(generator, time, out, np.empty((2, 3, 3)))
    return start @ out


@pytest.mark.parametrize(
    "rates",
    [
        (0.1, 0.05, 0.2, 0.03),
        (0.1, 0.1, 0.1, 0.1),
        (0.0, 0.3, 0.3, 0.0),  # E and M absorb
        (0.3, 0.0, 0.0, 0.3),  # H absorbs, equal eigenvalues
        (0.3, 0.0, 0.2, 0.0),  # M absorbs
        (0.0, 0.2, 0.0, 0.3),  # E absorbs
        (0.0, 0.0, 0.0, 0.3),
        (0.2, 0.0, 0.0, 0.0),
        (1e-9, 5.0, 1e-6, 1e-3),
        (0.0, 0.0, 0.0, 0.0),
    ],
)
@pytest.mark.parametrize("time", [0.0, 1e-6, 1.0, 30.0, 1e4])
def test_closed_form_equals_the_transition_matrix(rates, time):
    np.testing.assert_allclose(advanced(time, *rates), by_matrix(time, *rates), atol=2e-9)


def test_random_rates():
    generator = np.random.default_rng(SEED)
    for rates in 10.0 ** generator.uniform(-6, 1, size=(200, 4)):
        time = 10.0 ** generator.uniform(-2, 3)
        np.testing.assert_allclose(advanced(time, *rates), by_matrix(time, *rates), atol=1e-9)


def test_counts_keep_their_sum():
    cells = advanced(5.0, 0.1, 0.05, 0.2, 0.03, start=1e5 * START)
    assert cells.sum() == pytest.approx(1e5)
    np.testing.assert_allclose(cells, 1e5 * advanced(5.0, 0.1, 0.05, 0.2, 0.03))


def test_balance_is_the_long_run():
    rates = (0.1, 0.05, 0.2, 0.03)
    np.testing.assert_allclose(phenotype.balance(*rates), advanced(1e5, *rates), atol=1e-12)
    assert phenotype.balance(0.1, 0.0, 0.1, 0.0).tolist() == [0.0, 0.0, 1.0]


def test_selection_keeps_the_share_of_each_state():
    composition, survivals = START.copy(), np.array([0.1, 0.5, 1.0])
    left = phenotype.select(composition, survivals)
    assert left == pytest.approx(0.07 + 0.1 + 0.1)
    np.testing.assert_allclose(composition, np.array([0.07, 0.1, 0.1]) / left)
    assert phenotype.mean_effect(START, survivals) == pytest.approx(left)
    assert phenotype.select(composition, np.zeros(3)) == 0.0
    assert composition.sum() == pytest.approx(1.0)


def test_mixing():
    composition = START.copy()
    phenotype.mix(composition, 30.0, np.array([0.0, 0.0, 1.0]), 10.0)
    np.testing.assert_allclose(composition, [0.525, 0.15, 0.325])
    phenotype.mix(composition, 0.0, START, 0.0)
    np.testing.assert_allclose(composition, [0.525, 0.15, 0.325])


def test_drawn_states_follow_the_shares():
    draws = replicates(phenotype.draw_state, START)
    assert_family({"state": chi2_pvalue(draws, START)})
    assert chi2_pvalue(draws, [0.66, 0.24, 0.1]) < ALPHA
    assert (replicates(phenotype.draw_state, np.array([0.0, 1.0, 0.0]), count=50) == 1).all()
    assert len(phenotype.STATES) == 3
