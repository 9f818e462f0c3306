from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.cut_point_bound import small_sample_p
from marrowtrace.survival.cut_points import cut_point


def by_enumeration(statistic, scores, sizes):
    """Exact p-value and the improved Bonferroni bound over all orders of the scores."""
    a = np.array(list(permutations(scores)), dtype=float)
    n = a.shape[1]
    m = np.asarray(sizes)
    spread = np.sqrt(m * (n - m) / (n * (n - 1)) * ((a[0] - a[0].mean()) ** 2).sum())
    reached = np.abs(np.cumsum(a - a[0].mean(), axis=1)[:, m - 1]) / spread >= statistic - 1e-9
    single = reached.mean(axis=0).sum()
    neighbours = np.diff(m) == 1
    both = (reached[:, 1:] & reached[:, :-1]).mean(axis=0)[neighbours].sum()
    return reached.any(axis=1).mean(), min(1.0, single - both)


@pytest.mark.parametrize("statistic", [1.0, 1.6, 2.0, 2.3])
@pytest.mark.parametrize("sizes", [[1, 2, 3, 4, 5, 6], [2, 3, 5], [4]])
def test_bound_equals_the_count_over_all_orders(statistic, sizes):
    scores = [0, 1, 1, 3, 4, 7, 9]
    exact, bound = by_enumeration(statistic, scores, sizes)
    assert small_sample_p(statistic, scores, sizes) == pytest.approx(bound, abs=1e-12)
    assert bound >= exact - 1e-12


def test_one_cut_point_is_exact():
    exact, _ = by_enumeration(1.5, range(7), [3])
    assert small_sample_p(1.5, np.arange(7.0), [3]) == pytest.approx(exact, abs=1e-12)


def test_close_to_the_permutation_p():
    """40 patients: not below the permutation p-value, and not far above where it is small."""
    rng = np.random.default_rng(9)
    marker = rng.random(40)
    time = rng.exponential(np.exp(-1.2 * (marker > 0.5)))
    found = cut_point(
        rng, time, np.ones(40), marker=marker, permutations=4999, folds=2, smallest=0.2
    )
    noise = 4 * np.sqrt(found.p_permutation / 5000)
    assert found.p_small_sample is not None
    assert found.p_small_sample > found.p_permutation - noise
    assert found.p_small_sample < 2.5 * found.p_permutation + noise
    assert found.to_json()["p_small_sample"] == found.p_small_sample


def test_flat_scores_and_too_many():
    assert small_sample_p(2.0, np.ones(6), [2, 3]) == 1.0
    with pytest.raises(CohortError, match="is for up to 50 patients; there are 51"):
        small_sample_p(2.0, np.arange(51.0), [50])


def test_large_samples_have_none():
    rng = np.random.default_rng(3)
    found = cut_point(
        rng, rng.exponential(size=60), np.ones(60), marker=rng.random(60), permutations=9,
        folds=2,
    )  # fmt: skip
    assert found.p_small_sample is None
