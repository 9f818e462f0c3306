from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from tests.evidence.reference_numbers import floats, numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.effects import pool_effects, prediction_df

REFERENCE = numbers("evidence_effects.csv")
SETS = {
    "bcg": (floats("evidence_bcg.csv", "yi"), floats("evidence_bcg.csv", "vi")),
    "riley": (floats("evidence_riley.csv", "yi"), floats("evidence_riley.csv", "vi")),
    "identical": (np.full(6, 0.3), np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.3])),
    "tau0": (np.array([0.1, 0.12, 0.09, 0.11, 0.1]), np.array([0.2, 0.3, 0.25, 0.2, 0.4])),
    "two": (np.array([0.2, 0.9]), np.array([0.04, 0.05])),
}
METHODS = ["DL", "PM", "REML", "ML", "EB", "SJ", "HE", "HS", "common"]
TESTS = {"z": ("wald", False), "knha": ("knapp-hartung", False), "adhoc": ("knapp-hartung", True)}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SETS)
def test_agrees_with_metafor(name, method):
    for r_test, (test, guard) in TESTS.items():
        expected = REFERENCE.get((name, f"{method} {r_test}"))
        if expected is None:
            assert (name, method) == ("identical", "SJ")
            continue
        pooled = pool_effects(*SETS[name], method=method, test=test, guard=guard)
        found = pooled.table().row(0, named=True)
        if name == "identical" and r_test == "knha":
            # the scale is 0 but for rounding, and so is the standard error
            assert pooled.se == pytest.approx(0, abs=1e-12)
            continue
        for quantity, value in expected.items():
            assert found[quantity] == pytest.approx(value, rel=1e-6, abs=1e-8), (r_test, quantity)


def test_sidik_jonkman_of_identical_studies_is_zero():
    assert pool_effects(*SETS["identical"], method="SJ").tau2 == 0


def test_guard_never_shortens_the_interval():
    pooled = pool_effects(*SETS["tau0"])
    bare = pool_effects(*SETS["tau0"], guard=False)
    assert pooled.scale == 1
    assert bare.scale < 1
    assert bare.se < pooled.se


def test_one_study_is_returned_with_its_own_interval():
    pooled = pool_effects([0.5], [0.04])
    assert pooled.estimate == 0.5
    assert pooled.ci_low == pytest.approx(0.5 - 1.959963984540054 * 0.2)
    assert math.isnan(pooled.prediction_low)
    assert pooled.heterogeneity.q == 0
    assert "one study" in pooled.warnings[0]


def test_two_studies_have_no_prediction_interval_by_higgins():
    pooled = pool_effects(*SETS["two"])
    assert math.isnan(pooled.prediction_low)
    assert "two studies" in pooled.warnings[0]
    assert pool_effects(*SETS["two"], prediction="t(k-1)").prediction_low < pooled.ci_low


def test_wald_with_few_studies_is_warned_of():
    assert "prefer Knapp-Hartung" in pool_effects(*SETS["tau0"], test="wald").warnings[0]
    assert pool_effects(*SETS["bcg"], test="wald").warnings == ()


@pytest.mark.parametrize(("rule", "df"), [("t(k-2)", 11), ("t(k-1)", 12), ("normal", math.inf)])
def test_prediction_rules_differ_by_their_quantile(rule, df):
    assert prediction_df(rule, 13) == df
    assert math.isnan(prediction_df(rule, 1))


def test_prediction_interval_by_the_normal_rule():
    pooled = pool_effects(*SETS["bcg"], prediction="normal")
    reach = 1.959963984540054 * math.sqrt(pooled.tau2 + pooled.se**2)
    assert pooled.prediction_high == pytest.approx(pooled.estimate + reach, rel=1e-12)


def test_weights_sum_to_one_and_are_equal_for_equal_studies():
    assert pool_effects([0.1, 0.2], [0.3, 0.3]).weights == pytest.approx((0.5, 0.5))


def test_unit_change_scales_everything():
    """Effects in other units give the same answer in those units."""
    y, v = SETS["bcg"]
    one, thousand = pool_effects(y, v), pool_effects(1000 * y, 1e6 * v)
    assert thousand.estimate == pytest.approx(1000 * one.estimate, rel=1e-9)
    assert thousand.tau2 == pytest.approx(1e6 * one.tau2, rel=1e-7)
    assert thousand.i2 == pytest.approx(one.i2, rel=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_a_thousand_studies_take_less_than_a_second(method):
    rng = np.random.default_rng(7)
    v = rng.uniform(0.01, 0.5, 1000)
    y = rng.normal(0.4, np.sqrt(v + 0.1))
    start = time.process_time()
    pooled = pool_effects(y, v, method=method)
    assert time.process_time() - start < 1
    assert pooled.estimate == pytest.approx(0.4, abs=0.1)


def test_coverage_of_knapp_hartung_is_near_nominal():
    """Over 1,000 sets of 6 studies, Knapp-Hartung covers the truth 95 % of the time, Wald less."""
    rng = np.random.default_rng(11)
    hits = {"knapp-hartung": 0, "wald": 0}
    replicates = 1000
    for _ in range(replicates):
        v = rng.uniform(0.02, 0.2, 6)
        y = rng.normal(0.3, np.sqrt(v + 0.15))
        for test in hits:
            pooled = pool_effects(y, v, method="DL", test=test)
            hits[test] += pooled.ci_low < 0.3 < pooled.ci_high
    # 5 standard errors of a coverage of 0.95 are 0.034
    assert abs(hits["knapp-hartung"] / replicates - 0.95) < 0.034
    assert hits["wald"] / replicates < 0.916


def test_json_has_no_nan():
    text = json.dumps(pool_effects([0.5], [0.04]).to_json(), allow_nan=False)
    assert json.loads(text)["prediction_low"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": "knap-hartung"}, "did you mean 'knapp-hartung'"),
        ({"method": "RELM"}, "did you mean 'REML'"),
        ({"prediction": "t(k-3)"}, "prediction rule 't\\(k-3\\)' is unknown"),
        ({"level": 95}, "for 95 % give 0.95"),
    ],
)
def test_unknown_options_are_named(options, message):
    with pytest.raises(EvidenceError, match=message):
        pool_effects([0.1, 0.2], [0.1, 0.1], **options)
