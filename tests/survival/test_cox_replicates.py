from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.cox_replicates import cox_replicates
from tests.goodness_of_fit import assert_family

RNG = np.random.default_rng(11)
TIME = RNG.integers(1, 40, (12, 80)).astype(float)
EVENT = RNG.random((12, 80)) < 0.6
X = RNG.normal(3, 2, (12, 80, 2))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_replicates_equal_single_fits(ties):
    many = cox_replicates(TIME, EVENT, covariates=X, ties=ties)
    for r in range(12):
        one = cox_regression(TIME[r], EVENT[r], covariates=X[r], ties=ties)
        np.testing.assert_allclose(many.coefficients[r], one.coefficients, rtol=1e-10)
        np.testing.assert_allclose(many.variance[r], one.variance, rtol=1e-10)
        np.testing.assert_allclose(many.log_likelihood[r], one.log_likelihood, rtol=1e-12)
        assert many.score[r] == pytest.approx(one.score.statistic, rel=1e-10)
    assert many.table().height == 24
    assert many.to_json()["status"]["converged"] == 12


def test_a_replicate_that_cannot_be_fitted_is_a_result():
    time = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [1, 4, 2, 3]])
    event = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]])
    found = cox_replicates(time, event, covariates=np.array([[1.0], [1], [0], [0]]))
    assert found.status.tolist() == [3, 2, 0]
    assert np.isnan(found.coefficients[:2]).all()
    assert np.isfinite(found.coefficients[2]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"covariates": X[:, :5]}, r"covariates have shape \(12, 5, 2\)"),
        ({"covariates": np.full_like(X, np.nan)}, "missing or not finite"),
        ({"ties": "exact"}, "ties 'exact' are not known"),
        ({"time": TIME[0]}, r"must be of one shape \(replicates, patients\)"),
    ],
)
def test_bad_input(change, message):
    given = {"time": TIME, "event": EVENT, "covariates": X}
    with pytest.raises(CohortError, match=message):
        cox_replicates(**{**given, **change})


def coverage(truth):
    """Share of 4000 trials of 100 whose 95 % interval holds ``truth``; the hazard ratio is 0.6."""
    rng = np.random.default_rng(13)
    arm = np.tile([0.0, 1.0], 50)
    event_time = rng.exponential(np.exp(-np.log(0.6) * arm), (4000, 100))
    gone = rng.uniform(0.5, 3, (4000, 100))
    found = cox_replicates(
        np.minimum(event_time, gone), event_time <= gone, covariates=arm[:, None]
    )
    beta, error = found.coefficients[:, 0], found.standard_errors[:, 0]
    inside = int((np.abs(beta - truth) <= 1.959964 * error).sum())
    return stats.binomtest(inside, 4000, 0.95).pvalue


def test_intervals_cover_the_truth():
    assert_family({"coverage": coverage(np.log(0.6))})


def test_the_check_has_power():
    assert coverage(np.log(0.68)) < 1e-3
