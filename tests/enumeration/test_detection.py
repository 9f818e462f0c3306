from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from marrowtrace.enumeration.detection import (
    amount_needed,
    depth,
    detection_probability,
    limit_of_blank,
    limit_of_detection,
)
from marrowtrace.errors import ParameterError
from tests.enumeration.cohorts import cohort_of, ctc, dtc
from tests.goodness_of_fit import ALPHA, assert_family


def test_one_cell_by_closed_form():
    seen = {"recovery": 0.8, "marker_positivity": 0.7}
    mean = 0.3 * 7.5 * 0.56
    assert float(detection_probability(0.3, 7.5, **seen)) == pytest.approx(1 - math.exp(-mean))
    mixed = detection_probability(0.3, 7.5, theta=0.25, **seen)
    assert float(mixed) == pytest.approx(1 - (1 + mean / 0.25) ** -0.25)


def test_limits():
    assert float(detection_probability(0.0, 7.5)) == 0.0
    assert float(detection_probability(5.0, 0.0)) == 0.0
    assert float(detection_probability(1e5, 7.5)) == 1.0
    assert amount_needed(0.0, 1.0) == 0.0


def test_grid_of_concentrations_and_amounts():
    grid = detection_probability(np.array([[0.1], [1.0]]), [1.0, 7.5, 30.0], per=1e6)
    assert grid.shape == (2, 3)
    assert np.all(np.diff(grid, axis=0) > 0)
    assert np.all(np.diff(grid, axis=1) > 0)


@pytest.mark.parametrize("theta", [0.25, 3.0, math.inf])
@pytest.mark.parametrize("threshold", [1, 5])
def test_amount_needed_inverts_the_probability(theta, threshold):
    assay = {"recovery": 0.85, "theta": theta, "threshold": threshold, "per": 1e6}
    amount = amount_needed(0.95, 2.0, **assay)
    assert float(detection_probability(2.0, amount, **assay)) == pytest.approx(0.95, rel=1e-9)


def draws_found(rng, scale=1.0):
    """Samples with 2 cells or more, each cell lost or unmarked on its own."""
    burden = rng.gamma(0.5, 1 / 0.5, 20_000)
    cells = rng.poisson(scale * 0.4 * 7.5 * burden)
    return int((rng.binomial(rng.binomial(cells, 0.8), 0.7) >= 2).sum())


def test_probability_of_draws():
    """20,000 draws: a concentration 10 % too high is caught with power above 0.99."""
    wanted = float(
        detection_probability(0.4, 7.5, recovery=0.8, marker_positivity=0.7, theta=0.5, threshold=2)
    )
    rng = np.random.default_rng(12)
    assert_family({"found": stats.binomtest(draws_found(rng), 20_000, wanted).pvalue})
    assert stats.binomtest(draws_found(rng, 1.1), 20_000, wanted).pvalue < ALPHA


@pytest.mark.parametrize("mean", [0.0, 0.01, 0.06, 0.4, 3.0, 250.0])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_limit_of_blank_is_the_smallest(mean, alpha):
    found = limit_of_blank(mean / 7.5, 7.5, alpha=alpha)
    assert found.exceeded == pytest.approx(stats.poisson.sf(found.count, mean), rel=1e-9, abs=1e-15)
    assert found.exceeded <= alpha
    if found.count:
        assert stats.poisson.sf(found.count - 1, mean) > alpha


@pytest.mark.parametrize("theta", [0.5, 4.0, math.inf])
@pytest.mark.parametrize("mean", [0.0, 0.4, 3.0])
def test_limit_of_detection_by_summing_both_laws(mean, theta):
    found = limit_of_detection(
        mean / 2.0, 2e6, recovery=0.8, marker_positivity=0.5, theta=theta, per=1e6
    )
    y = np.arange(3000)
    true = (
        stats.poisson(found.cells).pmf(y)
        if math.isinf(theta)
        else stats.nbinom(theta, theta / (theta + found.cells)).pmf(y)
    )
    both = np.convolve(true, stats.poisson(mean).pmf(y))
    assert both[: found.blank.count + 1].sum() == pytest.approx(0.05, rel=1e-8)
    assert found.concentration * 2.0 * 0.4 == pytest.approx(found.cells)


def test_limit_of_detection_without_false_positives_is_the_rule_of_three():
    assert limit_of_detection(0.0, 7.5).cells == pytest.approx(-math.log(0.05))


def test_sum_of_poissons_has_a_closed_limit():
    found = limit_of_detection(0.2, 7.5)
    assert found.cells == pytest.approx(
        stats.gamma.ppf(0.95, found.blank.count + 1) - 1.5, rel=1e-9
    )
    assert found.table()["count"][0] == found.blank.count
    assert json.loads(json.dumps(found.to_json()))["blank"]["count"] == found.blank.count


def test_beta_beyond_reach_is_refused():
    with pytest.raises(ParameterError, match=r"beta = 0.97 leaves no limit.*allowed: below 0.95"):
        limit_of_detection(0.05, 1.0, beta=0.97)


def test_depth_of_samples():
    cohort = cohort_of([ctc("A", 0, 0), ctc("B", 0, 2, examined=30.0), dtc("A", 0, 1)])
    found = depth(cohort, "CTC", recovery=0.8)
    assert found.table()["detectable"].to_list() == pytest.approx(
        [-math.log(0.05) / (0.8 * a) for a in (7.5, 30.0)]
    )
    assert depth(cohort, "DTC").table()["detectable"][0] == pytest.approx(-math.log(0.05) / 2)
    assert json.loads(json.dumps(found.to_json()))["theta"] is None


def test_impossible_arguments_are_named():
    with pytest.raises(ParameterError) as caught:
        detection_probability(0.1, 7.5, recovery=85, marker_positivity=0, threshold=0, theta=-1)
    for name in ("recovery: is 85", "marker_positivity: is 0", "threshold: is 0", "theta: is -1"):
        assert name in str(caught.value)
    with pytest.raises(ParameterError, match="concentration: is -1; allowed: from 0, finite"):
        detection_probability([0.1, -1.0], 7.5)
    with pytest.raises(ParameterError, match="sensitivity: is 1; allowed: from 0, below 1"):
        amount_needed(1.0, 0.1)
    with pytest.raises(ParameterError, match="alpha: is 0"):
        limit_of_blank(0.1, 7.5, alpha=0.0)
