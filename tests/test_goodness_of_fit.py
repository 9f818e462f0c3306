from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.goodness_of_fit import (
    ALPHA,
    assert_family,
    chi2_pvalue,
    holm_rejections,
    ks_pvalue,
    mean_pvalue,
    variance_pvalue,
)

SEED = 20_240_611
REPLICATES = 400


def poisson_pmf(mean: float) -> np.ndarray:
    return stats.poisson.pmf(np.arange(40), mean)


def pvalues_under_the_law(kind: str) -> np.ndarray:
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(REPLICATES):
        counts = rng.poisson(6.0, 500)
        if kind == "chi2":
            found.append(chi2_pvalue(counts, poisson_pmf(6.0)))
        elif kind == "ks":
            found.append(ks_pvalue(rng.normal(size=200), stats.norm.cdf))
        elif kind == "discrete ks":
            found.append(ks_pvalue(counts, stats.poisson(6.0).cdf, discrete=True))
        elif kind == "mean":
            found.append(mean_pvalue(counts, 6.0, 6.0))
        else:
            found.append(variance_pvalue(counts, 6.0, 6.0, 6.0 * (1 + 3 * 6.0)))
    return np.array(found)


def test_pvalues_are_uniform_under_the_law():
    kinds = ("chi2", "ks", "mean", "variance")
    assert_family({k: stats.kstest(pvalues_under_the_law(k), "uniform").pvalue for k in kinds})


def test_discrete_ks_keeps_its_level_though_its_points_repeat():
    found = pvalues_under_the_law("discrete ks")
    assert stats.binomtest(int((found < 0.05).sum()), REPLICATES, 0.05).pvalue > ALPHA


@pytest.mark.parametrize("wrong", [5.4, 6.6])
def test_checks_have_power(wrong):
    """A mean 10 % off must be caught by 4,000 draws."""
    counts = np.random.default_rng(SEED).poisson(wrong, 4000)
    assert chi2_pvalue(counts, poisson_pmf(6.0)) < ALPHA
    assert ks_pvalue(counts, stats.poisson(6.0).cdf, discrete=True) < ALPHA
    assert mean_pvalue(counts, 6.0, 6.0) < ALPHA


def test_variance_check_has_power():
    """A variance 30 % too high with the right mean must be caught by 4,000 draws."""
    counts = np.random.default_rng(SEED).negative_binomial(20.0, 20.0 / 26.0, 4000)
    assert variance_pvalue(counts, 6.0, 6.0, 6.0 * (1 + 3 * 6.0)) < ALPHA


def test_chi_square_equals_the_hand_calculation():
    draws = np.repeat([0, 1, 2, 9], [30, 40, 20, 10])
    expected = np.array([25.0, 50.0, 25.0])  # 2 and the tail hold 25 together
    statistic = ((np.array([30, 40, 30]) - expected) ** 2 / expected).sum()
    assert chi2_pvalue(draws, [0.25, 0.5, 0.22]) == pytest.approx(stats.chi2.sf(statistic, 2))


def test_chi_square_counts_the_tail():
    draws = np.repeat([0, 50], [50, 50])
    assert chi2_pvalue(draws, [0.5]) == pytest.approx(1.0)
    assert chi2_pvalue(np.zeros(100), [0.5]) < ALPHA


def test_a_draw_where_the_law_has_no_mass_is_impossible():
    assert chi2_pvalue([0, 1] * 50, [0.0, 0.5, 0.5]) == 0.0


@pytest.mark.parametrize(
    ("draws", "pmf", "message"),
    [
        ([-1, 2], [0.5, 0.5], "whole numbers"),
        ([0.5], [0.5, 0.5], "whole numbers"),
        ([], [0.5, 0.5], "there must be some"),
        ([np.nan], [0.5, 0.5], "whole numbers"),
        ([1] * 50, [0.7, 0.7], "its sum is 1.4"),
        ([0, 1], [0.5, 0.5], "draw more"),
    ],
)
def test_chi_square_refuses_what_it_cannot_judge(draws, pmf, message):
    with pytest.raises(ValueError, match=message):
        chi2_pvalue(draws, pmf)


def test_ks_refuses_nan():
    with pytest.raises(ValueError, match="numbers"):
        ks_pvalue([np.nan], stats.norm.cdf)


def test_holm_steps_down():
    """0.0003 <= ALPHA/3 lets 0.0004 be judged at ALPHA/2; 0.002 then stands at ALPHA."""
    assert holm_rejections({"a": 0.002, "b": 0.0004, "c": 0.0003}) == ["c", "b"]
    assert holm_rejections({"a": 0.002, "b": 0.0004, "c": 0.0005}) == []


def test_family_names_what_failed_and_only_that():
    with pytest.raises(AssertionError, match="1 of 2 comparisons fail") as caught:
        assert_family({"good": 0.4, "bad": 1e-9})
    assert "bad: p = 1e-09" in str(caught.value)
    assert "good" not in str(caught.value)


def test_family_fails_on_nan_and_on_nothing():
    with pytest.raises(AssertionError, match="nan"):
        assert_family({"undefined": float("nan")})
    with pytest.raises(ValueError, match="nothing was tested"):
        assert_family({})


def test_family_passes_true_hypotheses():
    assert_family({"a": 0.5, "b": ALPHA})
