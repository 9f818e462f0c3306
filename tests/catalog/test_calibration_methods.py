"""The statistics that the fit rests on, against laws and programs that are known."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import integrate, stats
from verification.calibration.freedom import Space, directions
from verification.calibration.identifiability import identifiability
from verification.calibration.laboratory import Laboratory
from verification.calibration.spread import spread
from verification.calibration.weighted import hazard_ratio, kappa, rate, relapse_risk

from marrowtrace.catalog import parameter_set, targets
from marrowtrace.survival.cox import cox_regression

SETS = ("early-breast", "early-breast-reservoir")
BURDENS = {
    "perivascular": [0.0, 2e4, 5e4, 3e6], "endosteal": [0.0, 4e4, 0.0, 1e6],
    "ctc_primary": [0.0, 20.0, 300.0, 4e4], "ctc_lesions": [0.0, 3.0, 0.0, 0.0],
    "ctc_marrow": [0.0, 5.0, 40.0, 100.0], "ctc_clusters": [0.0, 0.1, 2.0, 80.0],
}  # fmt: skip
VALUES = parameter_set("early-breast")


def laboratory() -> Laboratory:
    history = SimpleNamespace(
        burden=lambda name: np.array(BURDENS[name])[:, None],
        scenario=SimpleNamespace(parameters=VALUES),
    )
    return Laboratory(history)


def test_marrow_counts_are_gamma_poisson_with_false_positives():
    shape = VALUES["marrow_site_shape"].value
    cells = np.array(BURDENS["perivascular"]) + np.array(BURDENS["endosteal"])
    mean = cells * 2e6 / 3e11 * VALUES["dtc_detection_probability"].value
    false = stats.poisson.pmf(np.arange(6), VALUES["dtc_false_positives"].value)
    own = stats.nbinom.pmf(np.arange(6)[:, None], shape, shape / (shape + mean))
    expected = [np.convolve(own[:, who], false)[:6] for who in range(cells.size)]
    assert laboratory().marrow(0, 5) == pytest.approx(np.array(expected).T, abs=1e-12)


@pytest.mark.parametrize(("below", "volume"), [(1, 7.5), (5, 7.5), (1, 23.0)])
def test_blood_counts_are_poisson_over_a_lognormal_level(below, volume):
    cells = sum(np.array(BURDENS[name]) for name in BURDENS if name.startswith("ctc"))
    share = volume / 5000 * VALUES["ctc_detection_probability"].value
    false = VALUES["ctc_false_positives"].canonical * volume
    sd = VALUES["blood_burst_log_sd"].value

    def fewer(z: float, mean: float) -> float:
        level = mean * share * math.exp(sd * z - sd**2 / 2)
        return float(stats.poisson.cdf(below - 1, level + false) * stats.norm.pdf(z))

    expected = [1 - integrate.quad(fewer, -9, 9, args=(c,), limit=200)[0] for c in cells]
    assert laboratory().blood(0, below, volume) == pytest.approx(expected, abs=1e-3)


def survival(n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    marker = rng.random(n) < 0.3
    time = rng.exponential(1 / np.where(marker, 2.0, 1.0))
    return np.minimum(time, 1.0), time < 1.0, marker


def test_a_known_marker_gives_coxs_hazard_ratio():
    time, event, marker = survival()
    fit = cox_regression(time, event, covariates=marker[:, None].astype(float), ties="breslow")
    expected = math.exp(float(fit.coefficients[0]))
    found = hazard_ratio(time, event, marker.astype(float), 1.0 - marker)
    assert found == pytest.approx(expected, rel=1e-6)


def test_copies_of_a_patient_are_a_weight():
    time, event, _ = survival()
    p = np.random.default_rng(4).random(time.size)
    drawn = np.random.default_rng(5).random((400, time.size)) < p
    many = hazard_ratio(
        np.tile(time, 400), np.tile(event, 400), drawn.ravel() * 1.0, 1.0 - drawn.ravel()
    )
    assert hazard_ratio(time, event, p, 1 - p) == pytest.approx(many, rel=0.01)


def test_a_hazard_ratio_without_events_is_missing():
    time = np.arange(1.0, 5.0)
    assert math.isnan(hazard_ratio(time, time < 0, np.ones(4), np.zeros(4)))


def test_risk_rate_and_kappa_by_hand():
    time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, False])
    assert relapse_risk(time, event, 3.5) == pytest.approx(1 - 0.75 * 0.5)
    assert relapse_risk(time, event, 0.5) == 0.0
    assert rate(time, event, 0.0, 2.0) == pytest.approx(1 / 7)
    yes = np.array([1.0, 1.0, 0.0, 0.0])
    assert kappa(yes, yes) == pytest.approx(1.0)
    assert kappa(yes, np.array([1.0, 0.0, 1.0, 0.0])) == pytest.approx(0.0)


def test_a_direction_seen_with_the_priors_precision_is_half_informed():
    found = identifiability(np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([0.5, 0.35]))
    assert found.singular_values == pytest.approx([1.0, 0.0])
    assert found.posterior == pytest.approx([math.sqrt(0.5), 1.0])


@pytest.mark.parametrize("name", SETS)
def test_the_centre_of_the_prior_lies_within_the_ranges(name):
    space = Space(name)
    assert len(directions(name)) == 38
    assert (space.low < 0).all()
    assert (space.high > 0).all()
    assert space.values(np.zeros(38)) == pytest.approx(space.centre)


@pytest.mark.parametrize("name", SETS)
def test_the_limits_of_the_directions_are_those_of_the_parameters(name):
    space, found = Space(name), parameter_set(name)
    for x in (space.low, space.high):
        for symbol, value in space.values(x).items():
            assert found[symbol].low - 1e-9 <= value <= found[symbol].high * (1 + 1e-9), symbol
        assert space.point(space.values(x)) == pytest.approx(x, abs=1e-6)


def test_the_sd_of_a_figure_follows_the_rule():
    known = {target.name: target for target in targets("early-breast")}
    expected = {
        "dtc_at_diagnosis": 0.08,
        "dtc_at_diagnosis_t3": 0.12,
        "ctc_at_60_months": math.sqrt((1 - 0.048) / (0.048 * 547)),
        "hr_dtc_relapse_10_years": 0.15,
        "hr_tamoxifen_years_0_4": math.log(0.59 / 0.47) / 3.92,
        "hr_ctc_60_months": math.log(36.3 / 4.7) / 3.92,
        "relapse_5_to_20_t1n0": 0.08,
    }
    for name, sd in expected.items():
        assert spread(known[name])[0] == pytest.approx(sd), name
    assert all(0.05 <= spread(t)[0] < 0.6 for t in known.values() if t.used)
