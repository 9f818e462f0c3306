from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.cox_residuals import (
    martingale_residuals,
    schoenfeld_residuals,
    score_residuals,
)
from tests.survival.r_data import MODELS, model, reference


@pytest.mark.parametrize("name", ["colon", "heart", "gbsg", "mgus2"])
def test_residuals_equal_r(name):
    fit = cox_regression(**model(name))
    rows = reference("survival_cox_residuals").filter(pl.col("set") == name)
    martingale = rows.filter(pl.col("quantity") == "martingale")
    found = martingale_residuals(fit)[martingale["row"].to_numpy()]
    np.testing.assert_allclose(found, martingale["value"], atol=1e-9)
    score = rows.filter(pl.col("quantity") == "score")
    found = score_residuals(fit)[score["row"].to_numpy(), score["column"].to_numpy()]
    np.testing.assert_allclose(found, score["value"], atol=1e-7, rtol=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_residuals_sum_to_nothing(name):
    """Weighted martingale and score residuals and unweighted Schoenfeld residuals sum to 0."""
    fit = cox_regression(**model(name))
    weights = np.ones(fit.rows)
    weights[fit.data.row] = fit.data.weights
    assert (weights * martingale_residuals(fit)).sum() == pytest.approx(0, abs=1e-8)
    scale = np.abs(fit.data.covariates).sum(axis=0)
    total = (weights[:, None] * score_residuals(fit)).sum(axis=0) / scale
    np.testing.assert_allclose(total, 0, atol=1e-10)
    schoenfeld = schoenfeld_residuals(fit)
    assert schoenfeld.height == fit.events
    weighted = schoenfeld.select(fit.names).to_numpy() * weights[schoenfeld["row"]][:, None]
    np.testing.assert_allclose(weighted.sum(axis=0) / scale, 0, atol=1e-10)
