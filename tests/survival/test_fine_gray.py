from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.fine_gray import fine_gray, subdistribution_rows
from tests.survival.r_data import reference
from tests.survival.test_competing_risks import mgus2


def fit(name):
    d = mgus2()
    time = d["etime"].to_numpy() + (d["id"].to_numpy() / 10000 if name == "untied" else 0)
    cause = 2 if name == "death" else 1
    return fine_gray(time, d["code"], covariates=d["age10", "male"], cause=cause)


@pytest.mark.parametrize("name", ["pcm", "death", "untied"])
def test_fit_equals_finegray_of_r(name):
    wanted = reference("survival_fine_gray").filter(pl.col("set") == name)
    found = fit(name)
    np.testing.assert_allclose(found.coefficients, wanted["coefficient"], rtol=1e-7)
    np.testing.assert_allclose(found.standard_errors, wanted["error"], rtol=1e-6)
    assert found.clusters == 1384


def test_coefficients_equal_crr_without_ties():
    wanted = reference("survival_fine_gray").filter(pl.col("set") == "crr")
    found = fit("untied")
    np.testing.assert_allclose(found.coefficients, wanted["coefficient"], rtol=1e-6)
    np.testing.assert_allclose(found.standard_errors, wanted["error"], rtol=1e-2)


def test_without_censoring_those_with_competing_events_stay_for_ever():
    rng = np.random.default_rng(9)
    time, code, x = rng.exponential(1, 80), rng.integers(1, 3, 80), rng.normal(size=80)
    found = fine_gray(time, code, covariates=x)
    late = np.where(code == 2, 1e6, time)
    plain = cox_regression(late, code == 1, covariates=x, robust=True)
    np.testing.assert_allclose(found.coefficients, plain.coefficients, rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors, plain.standard_errors, rtol=1e-9)


def test_weights_by_hand():
    """Competing event at 2; the censoring at 3 takes one of two: weight 1 at 2.5, then 1/2."""
    patient, entry, stop, weight = subdistribution_rows(
        np.array([2.0, 3, 4, 2.5]), np.array([2, 0, 1, 1]), 1
    )
    assert patient[4:].tolist() == [0, 0]
    assert entry[4:].tolist() == [2, 2.5]
    assert stop[4:].tolist() == [2.5, 4]
    np.testing.assert_allclose(weight[4:], [1, 1 / 2])


def test_nobody_with_the_event():
    with pytest.raises(CohortError, match="nobody had an event of code 5"):
        fine_gray([1, 2, 3], [1, 2, 0], covariates=[1, 0, 1], cause=5)
