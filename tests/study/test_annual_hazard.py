from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.study.analysis import Analysis
from marrowtrace.study.annual_hazard import annual_hazard, hazard_rate
from tests.goodness_of_fit import assert_family
from tests.study.synthetic_panel import YEAR, panel


def test_rate_is_events_over_time_at_risk_with_an_exact_poisson_interval():
    days = np.array([0.5, 1.0, 1.5, 3.0]) * YEAR
    found = hazard_rate(days, np.array([True, True, True, False]), (1, 2))
    assert found["events"] == 1  # an event at the very end of year 1 belongs to year 1
    assert found["person_years"] == pytest.approx(1.5)
    assert found["low"] == pytest.approx(stats.chi2.ppf(0.025, 2) / 2 / 1.5)
    assert found["high"] == pytest.approx(stats.chi2.ppf(0.975, 4) / 2 / 1.5)


def test_nobody_at_risk_has_no_rate():
    assert hazard_rate(np.array([YEAR]), np.array([True]), (5, 10))["rate"] is None


def test_constant_hazard_is_found_in_every_year_and_a_wrong_one_is_caught():
    rng = np.random.default_rng(11)
    days, events = rng.exponential(YEAR / 0.08, 20_000), np.ones(20_000, bool)
    rows = [hazard_rate(days, events, (y, y + 1)) for y in range(10)]

    def pvalues(rate):
        return {
            str(row["from_year"]): stats.poisson.cdf(row["events"], rate * row["person_years"])
            for row in rows
        }

    assert_family({k: 2 * min(p, 1 - p) for k, p in pvalues(0.08).items()})
    with pytest.raises(AssertionError):
        assert_family({k: 2 * min(p, 1 - p) for k, p in pvalues(0.09).items()})


def test_groups_by_receptor_and_bands_within_follow_up():
    study = panel(1000)
    found = annual_hazard(study, "relapse", Analysis(study.protocol, study).receptor_groups())
    assert [g["group"] for g in found["groups"]] == ["ER positive", "ER negative"]
    first = found["groups"][0]
    assert len(first["years"]) == 12
    assert [b["from_year"] for b in first["bands"]] == [0, 5, 10]
    assert first["bands"][0]["events"] == sum(y["events"] for y in first["years"][:5])
