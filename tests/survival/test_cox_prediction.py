from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.cox_prediction import baseline_hazard, predict_survival
from tests.survival.r_data import model, reference

PERSON = {
    "colon": {"lev": 0, "lev5fu": 1, "age": 60, "node4": 1},
    "heart": {"age": 2, "year": 3, "surgery": 0, "tx": 1},
    "gbsg": {"age": 50, "nodes": 4, "lpgr": 3, "hormon": 1},
    "mgus2": {"age": 70, "male": 1, "hgb": 13, "mspike": 1.2},
}


@pytest.mark.parametrize("name", list(PERSON))
def test_prediction_equals_r(name):
    fit = cox_regression(**model(name))
    rows = reference("survival_cox_curves").filter(pl.col("set") == name)
    stratum = "2" if name == "gbsg" else None
    found = predict_survival(fit, PERSON[name], times=rows["time"].to_numpy(), stratum=stratum)
    np.testing.assert_allclose(found.survival[0], rows["survival"], atol=1e-9)
    np.testing.assert_allclose(found.low[0], rows["low"], atol=1e-8)
    np.testing.assert_allclose(found.high[0], rows["high"], atol=1e-8)


def test_baseline_is_the_prediction_at_zero():
    fit = cox_regression(**model("colon"))
    base = baseline_hazard(fit)
    zero = dict.fromkeys(fit.names, 0.0)
    found = predict_survival(fit, zero, times=base["time"].to_numpy())
    np.testing.assert_allclose(found.survival[0], np.exp(-base["hazard"].to_numpy()))
    assert found.table().height == base.height
    assert found.to_json()["level"] == 0.95


def test_before_the_first_event_all_are_free():
    fit = cox_regression(**model("colon"))
    found = predict_survival(fit, PERSON["colon"], times=[0.0])
    assert (found.survival[0, 0], found.low[0, 0], found.high[0, 0]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("name", "covariates", "options", "message"),
    [
        ("colon", {"lev": 0}, {}, "needs a value of 'lev5fu'; did you mean 'lev'"),
        ("colon", [[1, 2]], {}, r"the model has 4 covariate\(s\)"),
        ("colon", PERSON["colon"], {"times": [1e6]}, "day 1e.06 is after the last observation"),
        ("gbsg", PERSON["gbsg"], {}, "stratum None is not one of the model; allowed: 1, 2, 3"),
    ],
)
def test_bad_input(name, covariates, options, message):
    fit = cox_regression(**model(name))
    with pytest.raises(CohortError, match=message):
        predict_survival(fit, covariates, **{"times": [100.0], **options})
