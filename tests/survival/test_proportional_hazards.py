from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.proportional_hazards import TRANSFORMS, proportional_hazards_test
from tests.survival.r_data import MODELS, model, wanted


@pytest.mark.parametrize("name", MODELS)
def test_statistics_equal_r(name):
    fit = cox_regression(**model(name))
    for transform in TRANSFORMS:
        theirs = wanted(name, f"zph_{transform}")
        if theirs.size:
            ours = proportional_hazards_test(fit, transform=transform).statistic
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def test_crossing_hazards_are_found():
    rng = np.random.default_rng(8)
    x = rng.integers(0, 2, 600).astype(float)
    early = rng.exponential(np.where(x == 1, 1.0, 3.0))
    time = np.where(early < 1, early, 1 + rng.exponential(np.where(x == 1, 3.0, 1.0)))
    fit = cox_regression(time, np.ones(600, bool), covariates=x)
    result = proportional_hazards_test(fit)
    assert result.p[-1] < 1e-6
    assert result.table()["covariate"].to_list() == ["x1", "global"]
    assert result.to_json()["transform"] == "km"


@pytest.mark.parametrize(
    ("time", "transform", "message"),
    [
        ([0, 1, 2, 3], "log", "day 0 has no logarithm; use the transform km or rank"),
        ([1, 2, 3, 4], "ranks", "'ranks' is not known; did you mean 'rank'"),
        ([2, 2, 3, 4], "km", "all events are at one time"),
    ],
)
def test_bad_input(time, transform, message):
    event = [1, 1, 0, 0] if transform == "km" else [1, 1, 1, 0]
    fit = cox_regression(time, event, covariates=[0, 1, 0.5, 0.2], penalised=True)
    with pytest.raises(CohortError, match=message):
        proportional_hazards_test(fit, transform=transform)


def test_too_few_events():
    """The last event has nobody to be compared with, so all that is known is of day 1."""
    fit = cox_regression([1, 1, 2, 1.5], [1, 1, 1, 0], covariates=[1, 0, 0.5, 0.2])
    with pytest.raises(CohortError, match="3 events are too few to test whether 1 coefficient"):
        proportional_hazards_test(fit)
