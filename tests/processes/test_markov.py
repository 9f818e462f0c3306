from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import expm

from marrowtrace.processes import markov
from marrowtrace.streams import stream
from tests.goodness_of_fit import ALPHA, assert_family, chi2_pvalue
from tests.processes.replicates import SEED


def transition(generator, time):
    k = generator.shape[0]
    out = np.empty((k, k))
    markov.transition_matrix(generator, time, out, np.empty((2, k, k)))
    return out


def with_diagonal(rates):
    return rates - np.diag(rates.sum(axis=1))


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("time", [1e-9, 0.1, 3.0, 200.0, 1e5])
def test_equals_the_matrix_exponential(k, time):
    rates = np.random.default_rng(k).exponential(size=(k, k))
    rates[0, -1] = 0.0
    np.fill_diagonal(rates, 0.0)
    ours = transition(rates, time)
    np.testing.assert_allclose(ours, expm(with_diagonal(rates) * time), atol=1e-13)
    assert (ours >= 0.0).all()
    np.testing.assert_allclose(ours.sum(axis=1), 1.0, rtol=1e-13)


def test_rates_of_different_size_keep_small_probabilities():
    rates = np.array([[0.0, 1e-9, 0.0], [0.0, 0.0, 1e3], [0.0, 0.0, 0.0]])
    ours = transition(rates, 2.0)
    assert ours[0, 2] == pytest.approx(2e-9, rel=1e-3)
    assert ours[2].tolist() == [0.0, 0.0, 1.0]


def test_limits():
    rates = np.array([[7.0, 1.0], [2.0, 7.0]])  # the diagonal is not read
    np.testing.assert_array_equal(transition(rates, 0.0), np.eye(2))
    np.testing.assert_array_equal(transition(np.zeros((2, 2)), 5.0), np.eye(2))
    assert transition(rates, 0.3)[0, 1] == pytest.approx(markov.two_state(0.0, 1.0, 2.0, 0.3))
    assert markov.two_state(0.3, 0.0, 0.0, 9.0) == 0.3
    assert markov.two_state(0.3, 1.0, 2.0, 1e9) == pytest.approx(1 / 3)


def test_counts_are_multinomial_from_each_state():
    matrix = transition(np.array([[0.0, 0.3, 0.1], [0.2, 0.0, 0.0], [0.0, 0.4, 0.0]]), 2.0)
    counts = np.array([6.0, 0.0, 9.0])
    rng = stream(seed=SEED, process=1, patient=0)
    out = np.empty(3)
    draws = []
    for _ in range(10_000):
        markov.draw_counts(rng, counts, matrix, out)
        assert out.sum() == 15.0
        draws.append(out.copy())
    draws = np.array(draws)
    sizes = np.arange(16)
    pvalues = {
        f"state {j}": chi2_pvalue(
            draws[:, j],
            np.convolve(
                stats.binom.pmf(sizes, 6, matrix[0, j]), stats.binom.pmf(sizes, 9, matrix[2, j])
            )[:16],
        )
        for j in range(3)
    }
    exact = markov.counts_covariance(counts, matrix)
    z = draws - markov.expected_counts(counts, matrix)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        product = z[:, i] * z[:, j]
        standard = (product.mean() - exact[i, j]) / (product.std() / math.sqrt(len(draws)))
        pvalues[f"covariance {i} {j}"] = 2.0 * stats.norm.sf(abs(standard))
    assert_family(pvalues)
    assert chi2_pvalue(draws[:, 0], stats.binom.pmf(sizes, 15, draws[:, 0].mean() / 15)) < ALPHA


def test_expected_counts_move():
    matrix = transition(np.array([[0.0, 0.3], [0.2, 0.0]]), 2.0)
    out = np.empty(2)
    markov.move(np.array([10.0, 5.0]), matrix, out)
    np.testing.assert_allclose(out, markov.expected_counts(np.array([10.0, 5.0]), matrix))
