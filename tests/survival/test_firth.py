from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from tests.survival.r_data import read, reference


def small():
    d = read("gbsg").head(60)
    rare = ((d["status"].to_numpy() == 0) & (np.arange(1, 61) % 3 == 0)).astype(float)
    return {
        "time": d["rfstime"],
        "event": d["status"],
        "covariates": {"rare": rare, "nodes": d["nodes"]},
    }


def value(quantity):
    return reference("survival_firth").filter(pl.col("quantity") == quantity)["value"].to_numpy()


def test_group_without_events_is_penalised_and_said():
    fit = cox_regression(**small())
    assert fit.penalised
    assert "the estimate of rare is infinite" in " ".join(fit.notes)
    np.testing.assert_allclose(fit.coefficients, value("coefficient"), atol=2e-6)
    np.testing.assert_allclose(fit.standard_errors, value("standard_error"), rtol=2e-6)
    assert fit.low[0] == pytest.approx(value("low")[0], abs=1e-5)
    assert fit.high[0] == pytest.approx(value("high")[0], abs=1e-5)
    assert fit.p[0] == pytest.approx(value("p")[0], rel=1e-6)


def test_penalised_likelihood_equals_r():
    fit = cox_regression(**small())
    assert fit.log_likelihood[1] == pytest.approx(value("value")[0], abs=1e-9)
    assert fit.log_likelihood[0] == pytest.approx(value("start")[0], abs=1e-9)


def test_penalty_may_be_forbidden():
    with pytest.raises(CohortError, match="the estimate of rare is infinite: its likelihood rises"):
        cox_regression(**small(), penalised=False)


def test_separation_by_two_covariates_together():
    """Risk order equals x1 + x2: neither alone separates, their sum does."""
    x1 = np.array([5.0, 1, 4, 0, 2, 1])
    x2 = np.array([1.0, 4, 0, 3, 0, 0])
    fit = cox_regression([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 0], covariates={"a": x1, "b": x2})
    assert fit.penalised
    assert np.isfinite(fit.coefficients).all()


def test_penalty_in_closed_form():
    """One event, x=1 against x=0 (k of them): the penalised maximum by hand.

    With q = e^b / (e^b + k), l = log q, I = q (1 - q); d/db (l + log(I) / 2) = 3/2 - 2 q, so
    q = 3/4 and b = log(3 k).
    """
    for k in (1, 4):
        fit = cox_regression(
            np.arange(1, k + 2), [1] + [0] * k, covariates=[1.0] + [0.0] * k, penalised=True
        )
        assert fit.coefficients[0] == pytest.approx(math.log(3 * k), abs=1e-8)


def test_gradient_of_the_penalty_with_ties_and_late_entry():
    """Central differences of half the log determinant."""
    from marrowtrace.survival import cox_kernels as kernels
    from marrowtrace.survival.observations import observations

    rng = np.random.default_rng(2)
    time = rng.integers(3, 12, 50).astype(float)
    data = observations(
        time, rng.random(50) < 0.7, covariates=rng.normal(size=(50, 3)),
        entry=time - rng.integers(1, 6, 50), weights=rng.random(50) + 0.5,
        strata=rng.integers(0, 2, 50),
    )  # fmt: skip
    arrays = (data.time, data.event, data.entry, data.by_entry, data.starts, data.weights)
    beta = np.array([0.3, -0.5, 0.2])

    def half(b):
        score, information = np.empty(3), np.empty((3, 3))
        kernels.likelihood(data.covariates, *arrays, data.offset, b, True, score, information)
        return np.linalg.slogdet(information)[1] / 2, information

    gradient = np.empty(3)
    inverse = np.linalg.inv(half(beta)[1])
    kernels.penalty_score(data.covariates, *arrays, data.offset, beta, True, inverse, gradient)
    step = 1e-5
    for j in range(3):
        up, down = beta.copy(), beta.copy()
        up[j] += step
        down[j] -= step
        assert gradient[j] == pytest.approx((half(up)[0] - half(down)[0]) / (2 * step), abs=1e-8)


def test_no_convergence_falls_back_to_the_penalty_and_says_so():
    given = {
        "time": [0, 1, 0, 1, 6, 5],
        "event": [1, 1, 0, 1, 0, 1],
        "covariates": [
            [0.63, 0.24], [0.05, 0.12], [0.01, 37.08], [118.17, 0.02], [0.03, 0.0], [0.06, 0.0],
        ],
        "strata": [1, 1, 1, 0, 1, 1],
    }  # fmt: skip
    fit = cox_regression(**given)
    assert fit.penalised
    assert "did not converge in 50 steps" in fit.notes[1]
    with pytest.raises(CohortError, match="did not converge in 50 steps"):
        cox_regression(**given, penalised=False)


def test_nothing_to_learn_even_with_the_penalty():
    with pytest.raises(CohortError, match="the information on x1, x2 is singular, so not even"):
        cox_regression(
            [4, 0, 4, 5, 4, 4, 7, 5],
            [0, 0, 0, 1, 0, 0, 1, 0],
            covariates=[
                [0.09, 7.05], [32.47, 0.05], [34.35, 0.24], [0.11, 0.15],
                [2.89, 4.28], [0.07, 1.86], [0.32, 0.03], [160.03, 0.05],
            ],
            strata=[0, 1, 0, 0, 1, 0, 0, 1],
        )  # fmt: skip
