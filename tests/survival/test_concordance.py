from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.survival.concordance import concordance_of, harrell_concordance
from marrowtrace.survival.cox import cox_regression
from tests.survival.r_data import MODELS, model, wanted


@pytest.mark.parametrize("name", MODELS)
def test_concordance_equals_r(name):
    found = concordance_of(cox_regression(**model(name)))
    value, error = wanted(name, "concordance")
    assert found.value == pytest.approx(value, rel=1e-10)
    assert found.error == pytest.approx(error, rel=1e-8)


def test_pairs_counted_by_hand():
    """Events at 1 (risk 3) and 2 (risk 1); at risk after: risks 1, 2, 2 and then 2, 2."""
    found = harrell_concordance([1, 2, 3, 2], [1, 1, 0, 0], risk=[3, 1, 2, 2])
    assert (found.concordant, found.discordant, found.tied) == (3, 2, 0)
    assert found.value == pytest.approx(3 / 5)
    assert found.table()["value"][0] == found.value


def test_influence_is_the_derivative_to_the_weight():
    rng = np.random.default_rng(3)
    time, event = rng.integers(1, 9, 40), rng.random(40) < 0.6
    risk = rng.integers(0, 5, 40)
    entry = time - rng.integers(1, 5, 40)
    base = harrell_concordance(time, event, risk=risk, entry=entry)
    for i in (0, 7, 19):
        weights = np.ones(40)
        weights[i] += 1e-6
        moved = harrell_concordance(time, event, risk=risk, entry=entry, weights=weights)
        assert (moved.value - base.value) / 1e-6 == pytest.approx(base.influence[i], abs=1e-6)


@pytest.mark.parametrize(
    ("time", "risk", "message"),
    [
        ([3, 3, 1], [1, 2, 3], "no pair of patients can be ordered"),
        ([1, 2, 3], [1, 1, 1], "risk: is 1 for every patient"),
    ],
)
def test_bad_input(time, risk, message):
    with pytest.raises(CohortError, match=message):
        harrell_concordance(time, [1, 1, 0], risk=risk)
