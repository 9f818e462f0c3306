"""Rank correlation against SciPy's."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from marrowtrace.claims.rank import rank_correlation


def test_it_is_spearmans_with_ties():
    rng = np.random.default_rng(1)
    one = rng.integers(0, 4, 60).astype(float)
    other = one + rng.integers(0, 5, 60)
    found = rank_correlation(one, other)
    assert abs(found.value - spearmanr(one, other).statistic) < 1e-12
    assert found.low < found.value < found.high


def test_its_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    holds = 0
    for _ in range(400):
        found = rank_correlation(rng.random(50), rng.random(50))
        holds += found.low <= 0.0 <= found.high
    assert 366 <= holds <= 393  # 380 expected, sd 4.4: within three


def test_what_does_not_vary_has_no_correlation():
    found = rank_correlation(np.ones(9), np.arange(9.0))
    assert np.isnan(found.value)
    assert (found.low, found.high) == (-1.0, 1.0)
