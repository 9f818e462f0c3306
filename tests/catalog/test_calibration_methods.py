"""The statistics that the fit rests on, against laws and programs that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from verification.calibration.fit import starts
from verification.calibration.freedom import Space, directions
from verification.calibration.identifiability import identifiability
from verification.calibration.spread import spread
from verification.calibration.weighted import hazard_ratio, kappa, rate, relapse_risk

from marrowtrace.catalog import parameter_set, targets
from marrowtrace.survival.cox import cox_regression

SETS = ("early-breast", "early-breast-reservoir")


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


@pytest.mark.parametrize("name", SETS)
def test_a_fit_may_start_from_an_earlier_one(name, tmp_path):
    file = tmp_path / "fit.toml"
    values = {symbol: found_value(name, symbol) for symbol in Space(name).centre}
    lines = [f'"{symbol}" = {value!r}' for symbol, value in values.items()]
    file.write_text("\n".join(["[values]", *lines]), encoding="utf-8")
    (x,) = starts(name, 3, 1, file)
    assert Space(name).values(x) == pytest.approx(values, rel=1e-4)
    centre, *drawn = starts(name, 3, 1)
    assert not centre.any()
    assert len(drawn) == 2


def found_value(name: str, symbol: str) -> float:
    return parameter_set(name)[symbol].value


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
