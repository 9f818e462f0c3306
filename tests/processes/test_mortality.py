from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.processes import mortality
from tests.goodness_of_fit import ALPHA, assert_family, ks_pvalue
from tests.processes.replicates import replicates

YEAR = 365.25
LAW = (0.004 / YEAR, 57.0 * YEAR, 8.5 * YEAR)
NAMED = {"at_reference": LAW[0], "reference_age": LAW[1], "doubling": LAW[2]}


def test_other_causes_follow_gompertz():
    pvalues = {}
    for years in (40.0, 57.0, 85.0):
        age = years * YEAR
        draws = replicates(mortality.draw_other_cause, age, *LAW)
        pvalues[f"{years:.0f} y"] = ks_pvalue(
            draws, lambda t, a=age: mortality.other_cause_cdf(t, a, **NAMED)
        )
        assert ks_pvalue(
            draws, lambda t, a=age + YEAR: mortality.other_cause_cdf(t, a, **NAMED)
        ) < (ALPHA)
    assert_family(pvalues)


def test_hazard_doubles():
    assert mortality.hazard(57.0 * YEAR, *LAW) == pytest.approx(LAW[0])
    assert mortality.hazard(65.5 * YEAR, *LAW) == pytest.approx(2 * LAW[0])
    step = mortality.other_cause_cdf([1e-3], 65.5 * YEAR, **NAMED)[0]
    assert step == pytest.approx(2e-3 * LAW[0], rel=1e-5)


def test_limits():
    nobody = replicates(mortality.draw_other_cause, 1.0, 0.0, 1.0, 1.0, count=2)
    assert (nobody == math.inf).all()
    constant = replicates(mortality.draw_other_cause, 9.0, 0.01, 1.0, math.inf)
    assert_family({"constant": ks_pvalue(constant, stats.expon(scale=100.0).cdf)})
    flat = mortality.other_cause_cdf(
        [100.0], 9.0, at_reference=0.01, reference_age=1.0, doubling=math.inf
    )
    assert flat[0] == pytest.approx(-math.expm1(-1.0))
    assert mortality.other_cause_cdf([0.0], 57.0 * YEAR, **NAMED)[0] == 0.0


def test_death_after_relapse_is_lognormal():
    draws = replicates(mortality.draw_after_relapse, 2.9 * YEAR, 0.8)
    assert_family(
        {"law": ks_pvalue(draws, lambda t: mortality.after_relapse_cdf(t, 2.9 * YEAR, 0.8))}
    )
    assert ks_pvalue(draws, lambda t: mortality.after_relapse_cdf(t, 3.05 * YEAR, 0.8)) < ALPHA
    assert np.median(draws) == pytest.approx(2.9 * YEAR, rel=0.05)
