from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import CohortError
from marrowtrace.survival.concordance import harrell_concordance, uno_concordance
from marrowtrace.survival.difference import concordance_difference, influence_difference
from tests.survival.r_data import read


def test_interval_by_hand():
    found = influence_difference("auc", 365.0, 0.3, np.array([0.1, -0.1, 0.1, -0.1]), 0.95)
    assert found.error == pytest.approx(0.2)
    assert found.low == pytest.approx(0.3 - 1.959963984540054 * 0.2)
    assert found.p == pytest.approx(0.1336144, abs=1e-7)
    assert found.table()["metric"][0] == "auc"


def test_concordance_of_two_markers():
    d = read("gbsg")
    first = harrell_concordance(d["rfstime"], d["status"], risk=d["nodes"])
    second = harrell_concordance(d["rfstime"], d["status"], risk=d["size"])
    found = concordance_difference(first, second)
    assert found.estimate == pytest.approx(first.value - second.value)
    assert found.error < np.hypot(first.error, second.error)
    assert found.to_json()["horizon"] is None
    opposite = harrell_concordance(d["rfstime"], d["status"], risk=-d["nodes"].to_numpy())
    assert concordance_difference(first, opposite).error == pytest.approx(2 * first.error)


def test_only_like_is_compared_with_like():
    d = read("gbsg")
    first = harrell_concordance(d["rfstime"], d["status"], risk=d["nodes"])
    second = uno_concordance(d["rfstime"], d["status"], risk=d["nodes"])
    with pytest.raises(CohortError, match="harrell of 686 and uno of 686 patients"):
        concordance_difference(first, second)
    with pytest.raises(CohortError, match="confidence level 2 is outside"):
        influence_difference("auc", None, 0.1, np.ones(2), 2)


def test_far_tails_keep_their_p_value():
    found = influence_difference("auc", None, 1.2, np.array([0.06, 0.08]), 0.95)
    assert found.p == pytest.approx(2 * stats.norm.sf(12.0), rel=1e-9)
