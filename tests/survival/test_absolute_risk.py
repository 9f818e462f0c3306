from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival import absolute_risk as module
from marrowtrace.survival.absolute_risk import absolute_risk, cross_fitted_risk
from marrowtrace.survival.competing_risks import cumulative_incidence
from tests.survival.known_truth import draw
from tests.survival.r_data import read, wanted

NEW = np.array([[0.5, 50.0], [1.5, 70.0], [2.5, 80.0]])


def mgus2() -> pl.DataFrame:
    d = read("mgus2").drop_nulls(["mspike", "hgb"])
    return d.with_columns(
        etime=pl.when(pl.col("pstat") == 0).then("futime").otherwise("ptime"),
        code=pl.when(pl.col("pstat") == 1).then(1).otherwise(2 * pl.col("death")),
    )


def test_risk_with_a_competing_event_equals_r():
    d = mgus2()
    model = absolute_risk(d["etime"], d["code"], covariates=d["mspike", "age"])
    found = model.predict(NEW, horizon=120)
    np.testing.assert_allclose(found, wanted("mgus2", "risk", "survival_prognosis"), rtol=1e-7)


def test_risk_of_one_event_equals_r():
    d = mgus2().filter(pl.col("etime") > 0)
    model = absolute_risk(d["etime"], d["code"] == 2, covariates=d["mspike", "age"])
    found = model.predict(NEW, horizon=120)
    expected = wanted("mgus2_one", "risk", "survival_prognosis")
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_joined_days_change_little(monkeypatch):
    d = draw(np.random.default_rng(4), 3000)
    x = np.log1p(d["dtc_pre"])
    model = absolute_risk(d["time"], d["event"], covariates={"x": x})
    some = x[:200, None]
    joined = model.predict(some, horizon=1800)
    monkeypatch.setattr(module, "_STEPS", 100_000)
    assert np.abs(joined - model.predict(some, horizon=1800)).max() < 1e-4


def test_few_competing_events_have_one_hazard():
    d = draw(np.random.default_rng(5), 400, death=0.002)
    model = absolute_risk(d["time"], d["event"], covariates={"x": np.log1p(d["dtc_pre"])})
    assert model.hazards[1].fit is None
    flat = absolute_risk(
        d["time"], d["event"], covariates={"x": np.random.default_rng(1).normal(size=400) * 1e-9}
    )
    overall = cumulative_incidence(d["time"], d["event"]).at(1500)[0]
    assert flat.predict(np.zeros((1, 1)), horizon=1500)[0] == pytest.approx(overall, abs=0.01)


def test_cross_fitting_leaves_the_patient_out():
    """A covariate of noise alone predicts nothing for patients who were not fitted."""
    rng = np.random.default_rng(6)
    d = draw(rng, 300)
    noise = rng.normal(size=(300, 20))
    inside = absolute_risk(d["time"], d["event"], covariates=noise).predict(noise, horizon=1500)
    outside = cross_fitted_risk(rng, d["time"], d["event"], covariates=noise, horizon=1500, folds=5)
    had = (d["event"] == 1) & (d["time"] <= 1500)
    assert np.corrcoef(inside, had)[0, 1] > 0.2
    assert abs(np.corrcoef(outside, had)[0, 1]) < 0.15
    assert outside.shape == (300,)


def test_bad_input():
    with pytest.raises(CohortError, match="nobody had an event of code 1"):
        absolute_risk([1, 2], [0, 2], covariates={"x": [0, 1]})
    with pytest.raises(CohortError, match=r"1 event\(s\) cannot be spread over two parts"):
        cross_fitted_risk(
            np.random.default_rng(1), [1, 2, 3], [1, 0, 0], covariates=[[0.0], [1], [2]], horizon=2
        )
