from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.enumeration.aspirates import aspirates_needed
from marrowtrace.errors import ParameterError
from tests.goodness_of_fit import ALPHA, assert_family


def test_one_cell_by_closed_form():
    plan = aspirates_needed(0.9, 0.2, 4.0, aspirate_theta=0.3, recovery=0.7)
    missed = (1 + 0.2 * 4 * 0.7 / 0.3) ** -0.3
    assert plan.aspirates == math.ceil(math.log(0.1) / math.log(missed))
    assert plan.sensitivity == pytest.approx(1 - missed**plan.aspirates)
    n = plan.aspirates
    assert plan.single == pytest.approx(1 - (1 + n * 0.2 * 4 * 0.7 / 0.3) ** -0.3)
    assert plan.amount == 4.0 * n


def test_even_marrow_does_not_mind_where():
    rows = aspirates_needed(0.9, 0.2, 4.0, aspirate_theta=math.inf, threshold=2).table()
    assert rows["sensitivity"].to_list() == pytest.approx(rows["single"].to_list())
    assert rows["sensitivity"][4] == pytest.approx(stats.poisson.sf(1, 4.0))


def drawn(rng, theta):
    """Patients of 20,000 with 2 cells or more in three aspirates."""
    burden = rng.gamma(theta, 1 / theta, (20_000, 3))
    return int((rng.poisson(0.8 * burden).sum(axis=1) >= 2).sum())


def test_sensitivity_of_draws():
    """20,000 patients: a spread of 0.5 in place of 0.4 is caught with power above 0.99."""
    rng = np.random.default_rng(13)
    plan = aspirates_needed(0.1, 0.2, 4.0, aspirate_theta=0.4, threshold=2)
    wanted = plan.table()["sensitivity"][2]
    assert_family({"found": stats.binomtest(drawn(rng, 0.4), 20_000, wanted).pvalue})
    assert stats.binomtest(drawn(rng, 0.5), 20_000, wanted).pvalue < ALPHA


def test_plan_is_plain():
    plan = json.loads(json.dumps(aspirates_needed(0.5, 1.0, 1.0, aspirate_theta=1.0).to_json()))
    assert plan["aspirates"] == 1
    assert len(plan["rows"]) == 20


def test_what_cannot_be_reached_is_refused():
    with pytest.raises(
        ParameterError, match=r"sensitivity = 0\.99 is out of reach: 10000 aspirates"
    ):
        aspirates_needed(0.99, 1e-9, 4.0, aspirate_theta=1.0)
    with pytest.raises(ParameterError, match="sensitivity: is 1"):
        aspirates_needed(1.0, 0.1, 4.0, aspirate_theta=1.0)
