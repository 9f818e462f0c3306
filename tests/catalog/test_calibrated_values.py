"""The calibrated sets give what their calibrations say that they give, up to Monte Carlo error."""

from __future__ import annotations

import math

import pytest
from scipy import stats
from verification.calibration.fit import cohort
from verification.calibration.outputs import fitted_outputs
from verification.calibration.replication import with_errors

from marrowtrace.catalog import calibration, description, parameter_set, targets
from tests.goodness_of_fit import ALPHA, assert_family, holm_rejections

PATIENTS, SEED = 10_000, 20_181
SETS = ("early-breast", "early-breast-reservoir")


def pvalues(name: str, values: dict[str, float] | None = None) -> dict[str, float]:
    """P-values of fresh patients against what the calibration of a set records."""
    fit = calibration(description(name).calibration)
    found = with_errors(cohort(name, values, PATIENTS, SEED), fitted_outputs)
    out = {}
    for target, recorded in fit.targets.items():
        value, error = found[target]
        z = math.log(value / recorded.model) / math.hypot(
            error / value, recorded.error / recorded.model
        )
        # 20 groups leave 19 degrees of freedom to the error
        out[target] = float(2 * stats.t.sf(abs(z), 19))
    return out


@pytest.mark.parametrize("name", SETS)
def test_a_calibrated_set_gives_its_recorded_values(name):
    assert_family(pvalues(name))


@pytest.mark.parametrize("name", SETS)
def test_an_establishment_half_as_frequent_again_is_noticed(name):
    more = 1.5 * parameter_set(name)["establishment_probability"].value
    wrong = pvalues(name, {"establishment_probability": more})
    assert "metastatic_at_diagnosis" in holm_rejections(wrong, ALPHA)


@pytest.mark.parametrize("name", SETS)
def test_a_calibration_adds_up(name):
    fit = calibration(description(name).calibration)
    used = {target.name: target for target in targets("early-breast") if target.used}
    assert set(fit.targets) == set(used)
    assert fit.target_count == len(used)
    for target, record in fit.targets.items():
        assert record.value == used[target].value
        assert record.z == pytest.approx(
            math.log(record.model / record.value) / record.sd, abs=2e-3
        )
    squares = sum(record.z**2 for record in fit.targets.values())
    assert fit.loss_fresh_seed == pytest.approx(squares, abs=0.01)


@pytest.mark.parametrize("name", SETS)
def test_the_directions_of_a_calibration_are_its_values(name):
    fit = calibration(description(name).calibration)
    members = [symbol for free in fit.free.values() for symbol in free.symbols]
    assert sorted(members) == sorted(fit.values)
    squares = 0.0
    for free in fit.free.values():
        assert fit.values[free.symbols[0]] == pytest.approx(free.final, rel=1e-5)
        moved = math.log(free.final / free.start)
        if free.scale == "log-odds":
            moved -= math.log((1 - free.final) / (1 - free.start))
        assert free.shift == pytest.approx(moved / free.prior_sd, abs=2e-3)
        squares += free.shift**2
    assert fit.loss_prior == pytest.approx(squares, abs=0.02)


@pytest.mark.parametrize("name", SETS)
def test_what_is_informed_follows_from_the_posterior(name):
    fit = calibration(description(name).calibration)
    for free in fit.free.values():
        expected = "well" if free.posterior < 0.6 else "not" if free.posterior >= 0.9 else "weakly"
        for symbol in free.symbols:
            assert fit.informed(symbol) == expected, symbol
    values = fit.singular_values
    assert list(values) == sorted(values, reverse=True)
    assert len(values) == min(len(fit.targets), len(fit.free))


def test_the_two_structures_fit_about_as_well():
    """A difference of 6 in loss would be a likelihood ratio of 20."""
    losses = [calibration(description(name).calibration).loss_fresh_seed for name in SETS]
    assert abs(losses[0] - losses[1]) < 6
