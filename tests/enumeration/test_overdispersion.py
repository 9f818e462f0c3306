from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.enumeration import gamma_poisson
from marrowtrace.enumeration.overdispersion import (
    fit_gamma_poisson,
    goodness_of_fit,
    overdispersion,
)
from marrowtrace.errors import ParameterError
from tests.enumeration.cohorts import cohort_of, ctc, dtc
from tests.evidence.reference_numbers import columns, floats, numbers
from tests.goodness_of_fit import ALPHA, assert_family

COUNTS = "enumeration_overdispersion_counts.csv"
SETS = ("ctc", "volumes", "marrow", "mild", "quine")


@pytest.mark.parametrize("name", SETS)
def test_fit_equals_r(name):
    """MASS::glm.nb for the estimates; profile intervals by R's optimize and uniroot."""
    mine = np.array(columns(COUNTS)["set"]) == name
    fit = fit_gamma_poisson(floats(COUNTS, "count")[mine], floats(COUNTS, "amount")[mine])
    wanted = numbers("enumeration_overdispersion.csv")[name, "gamma-poisson"]
    assert len(wanted) == 8
    for quantity, value in wanted.items():
        assert getattr(fit, quantity) == pytest.approx(value, rel=1e-8), quantity


def test_no_cell_anywhere_is_said():
    fit = fit_gamma_poisson([0] * 10, 7.5)
    assert (fit.mean, fit.mean_low) == (0.0, 0.0)
    assert fit.mean_high == pytest.approx(-math.log(0.025) / 75)
    assert math.isnan(fit.theta)
    assert "No cell in any of 10 sample(s)" in fit.statement
    assert json.loads(json.dumps(fit.to_json()))["theta"] is None


def test_one_patient_says_nothing_of_others():
    fit = fit_gamma_poisson([3], 7.5)
    assert math.isnan(fit.theta)
    assert fit.statement.startswith("One patient: the concentration is 0.4 (")


def test_even_counts_leave_theta_unbounded():
    fit = fit_gamma_poisson([1, 1, 1, 1, 2], 7.5)
    assert (fit.theta, fit.theta_high, fit.poisson_p_value) == (math.inf, math.inf, 1.0)
    assert 0 < fit.theta_low < math.inf
    assert "no more than Poisson's" in fit.statement
    assert fit.zeros_expected == pytest.approx(5 * math.exp(-1.2))


def test_one_patient_with_all_cells_sets_no_upper_bound():
    fit = fit_gamma_poisson([0] * 499 + [1000], 7.5)
    assert fit.mean_high == math.inf
    assert fit.theta < 0.01
    assert "Poisson is refused (p < 0.0001)" in fit.statement


def test_intervals_cover_and_poisson_does_not():
    """300 cohorts of 80 patients: a coverage of 0.85 in place of 0.95 has power 0.99.

    A profile interval holds the truth if the likelihood there is within 1.92 of its top, which is
    what is counted; the intervals of two cohorts are held against that.
    """
    rng = np.random.default_rng(6)
    a = rng.choice([5.0, 7.5, 30.0], 80)
    sets = gamma_poisson.draw(rng, 0.4 * a, 0.5, 300)
    mean, theta = gamma_poisson.fit(sets, a)
    cut = gamma_poisson.log_likelihood(sets, mean[:, np.newaxis] * a, theta) - 1.920729
    true = np.full(300, 0.5)
    c = gamma_poisson.mean_given_theta(sets, a, true, mean)
    holds_theta = gamma_poisson.log_likelihood(sets, c[:, np.newaxis] * a, true) >= cut
    shape = np.array([gamma_poisson.theta_given_mean(y, 0.4 * a) for y in sets])
    holds_mean = gamma_poisson.log_likelihood(sets, 0.4 * a, shape) >= cut
    for k in (0, int(np.argmin(holds_theta)), int(np.argmin(holds_mean))):
        fit = fit_gamma_poisson(sets[k], a)
        assert (fit.theta_low <= 0.5 <= fit.theta_high) == holds_theta[k]
        assert (fit.mean_low <= 0.4 <= fit.mean_high) == holds_mean[k]
    p = {
        "mean": stats.binomtest(int(holds_mean.sum()), 300, 0.95, alternative="less").pvalue,
        "theta": stats.binomtest(int(holds_theta.sum()), 300, 0.95, alternative="less").pvalue,
    }
    assert_family(p)
    cells, error = sets.sum(axis=1), np.abs(sets.sum(axis=1) - 0.4 * a.sum())
    naive = int((error <= 1.96 * np.sqrt(cells)).sum())
    assert stats.binomtest(naive, 300, 0.95, alternative="less").pvalue < ALPHA


def test_alike_patients_are_refused_as_often_as_said():
    """Half-half chi-square at the edge: 5 % of 1500 Poisson cohorts; a plain chi-square has 2.5 %.

    Exactly 5 % is the large-sample rate, so the check is two-sided at that size of cohort.
    """
    rng = np.random.default_rng(7)
    a = np.full(200, 7.5)
    y = gamma_poisson.draw(rng, 0.4 * a, math.inf, 1500)
    mean, theta = gamma_poisson.fit(y, a)
    ratio = 2 * (
        gamma_poisson.log_likelihood(y, mean[:, np.newaxis] * a, theta)
        - gamma_poisson.log_likelihood(y, y.mean(axis=1, keepdims=True), np.full(1500, np.inf))
    )
    p = np.where(np.isinf(theta), 1.0, 0.5 * stats.chi2.sf(np.maximum(ratio, 0), 1))
    assert fit_gamma_poisson(y[0], a).poisson_p_value == pytest.approx(p[0], abs=1e-9)
    rates = {level: int((p < level).sum()) for level in (0.05, 0.2)}
    assert_family({f"{q}": stats.binomtest(n, 1500, q).pvalue for q, n in rates.items()})
    assert stats.binomtest(int((2 * p < 0.2).sum()), 1500, 0.2).pvalue < ALPHA


def test_fit_is_judged():
    rng = np.random.default_rng(8)
    a = rng.choice([5.0, 7.5, 30.0], 150)
    good = gamma_poisson.draw(rng, 0.4 * a, 0.5, 1)[0]
    found = goodness_of_fit(rng, good, a, replicates=199)
    assert found.p_value > ALPHA
    rows = found.table()
    assert rows["observed"].sum() == 150
    assert rows["expected"].sum() == pytest.approx(150)
    assert rows["expected"].min() >= 5 - 1e-9
    assert goodness_of_fit(rng, good, a, theta=math.inf, replicates=199).p_value == 1 / 200
    two_kinds = np.where(rng.random(150) < 0.5, 0.0, rng.poisson(30.0, 150))
    assert goodness_of_fit(rng, two_kinds, 7.5, replicates=199).p_value == 1 / 200


def test_few_patients_leave_nothing_to_judge():
    found = goodness_of_fit(np.random.default_rng(9), [1, 0, 0], 7.5, replicates=99)
    assert math.isnan(found.p_value)
    assert found.to_json()["p_value"] is None


def test_judging_nothing_is_refused():
    with pytest.raises(ParameterError) as caught:
        goodness_of_fit(np.random.default_rng(9), [0, 0], 7.5, replicates=10)
    assert "cells counted: is 0; allowed: above 0" in str(caught.value)
    assert "replicates: is 10; allowed: whole numbers from 99" in str(caught.value)


def test_cohort_gives_one_sample_a_patient():
    rows = [ctc(f"P{i}", 0, c) for i, c in enumerate([0, 0, 0, 5, 12, 1])]
    cohort = cohort_of([*rows, ctc("P0", 30, 99), dtc("P0", 0, 3)])
    fit = overdispersion(cohort, "CTC")
    assert (fit.patients, fit.cells, fit.unit) == (6, 18, "cells/mL")
    assert fit.table()["theta"][0] == pytest.approx(
        fit_gamma_poisson([0, 0, 0, 5, 12, 1], 7.5).theta
    )
    assert overdispersion(cohort, "DTC").mean == pytest.approx(1.5)
