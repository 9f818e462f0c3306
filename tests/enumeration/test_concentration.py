from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.enumeration.concentration import concentration_interval, concentrations
from marrowtrace.errors import ParameterError
from tests.enumeration.cohorts import cohort_of, ctc, dtc
from tests.evidence.reference_numbers import columns, floats
from tests.goodness_of_fit import ALPHA, assert_family

FILE = "enumeration_concentration.csv"


def test_intervals_equal_r():
    theta = [math.inf if t == "Inf" else float(t) for t in columns(FILE)["theta"]]
    numbers = [floats(FILE, c) for c in ("count", "amount", "level", "low", "high")]
    assert math.inf in theta
    for shape, count, amount, level, low, high in zip(theta, *numbers, strict=True):
        found = concentration_interval([count], amount, theta=shape, level=level)
        assert (found[0][0], found[1][0]) == pytest.approx((low, high), rel=1e-10)


def test_large_theta_is_poisson():
    y = np.array([0, 1, 9, 300])
    near = concentration_interval(y, 7.5, theta=1e12)
    assert np.allclose(near, concentration_interval(y, 7.5), rtol=1e-9)


def exact_coverage(mean, theta, used):
    """Coverage at one true mean by summing the law over all counts whose interval holds it."""
    law = stats.poisson(mean) if math.isinf(theta) else stats.nbinom(theta, theta / (theta + mean))
    y = np.arange(4000)
    low, high = concentration_interval(y, 1.0, theta=used)
    return law.pmf(y)[(low <= mean) & (mean <= high)].sum()


@pytest.mark.parametrize("theta", [0.25, 2.0, math.inf])
@pytest.mark.parametrize("mean", [0.05, 0.8, 3.7, 40.0])
def test_coverage_is_never_below_the_level(mean, theta):
    assert exact_coverage(mean, theta, theta) >= 0.95 - 1e-9


def test_poisson_interval_of_scattered_samples_covers_too_seldom():
    assert exact_coverage(3.7, 0.25, math.inf) < 0.5


def test_intervals_of_draws_cover():
    """4000 draws: a coverage of 0.92 in place of 0.95 is caught with power above 0.99."""
    rng = np.random.default_rng(11)
    pvalues = {}
    for theta in (0.5, math.inf):
        scale = rng.gamma(theta, 1 / theta, 4000) if math.isfinite(theta) else np.ones(4000)
        y = rng.poisson(6.0 * scale)
        low, high = concentration_interval(y, 7.5, theta=theta)
        covered = int(((low <= 0.8) & (high >= 0.8)).sum())
        pvalues[f"theta {theta}"] = stats.binomtest(covered, 4000, 0.95, alternative="less").pvalue
        narrow = int(((low * 1.5 <= 0.8) & (high / 1.5 >= 0.8)).sum())
        assert stats.binomtest(narrow, 4000, 0.95, alternative="less").pvalue < ALPHA
    assert_family(pvalues)


def test_cohort_gives_one_row_a_sample_in_the_units_of_the_field():
    cohort = cohort_of([ctc("A", 0, 3), ctc("B", 0, 0), dtc("A", 1, 2, examined=4e6)])
    blood = concentrations(cohort, "CTC")
    assert blood.unit == "cells/mL"
    assert blood.table()["concentration"].to_list() == [0.4, 0.0]
    marrow = concentrations(cohort, "DTC", theta=0.5, level=0.9)
    assert marrow.unit == "cells/1e6 nucleated cells"
    row = marrow.table().row(0, named=True)
    low, high = concentration_interval([2], 4.0, theta=0.5, level=0.9)
    assert row["concentration"] == 0.5
    assert (row["low"], row["high"]) == pytest.approx((low[0], high[0]))
    assert json.loads(json.dumps(blood.to_json()))["theta"] is None


def test_impossible_arguments_are_named():
    with pytest.raises(ParameterError) as caught:
        concentration_interval([1], 7.5, theta=0.0, level=95, per=-1)
    for line in ("theta: is 0; allowed: above 0", "level: is 95; allowed", "per: is -1; allowed"):
        assert line in str(caught.value)
