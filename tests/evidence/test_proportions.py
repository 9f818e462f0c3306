from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
from scipy import special
from tests.evidence.reference_numbers import columns, numbers

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.logit_normal import log_likelihood
from marrowtrace.evidence.proportions import (
    check_counts,
    double_arcsine,
    exact_interval,
    invert_double_arcsine,
    logits,
    pool_proportions,
)

REFERENCE = numbers("evidence_proportions.csv")
_COUNTS = columns("evidence_counts.csv")
SETS = {
    name: tuple(
        np.array([int(v) for v, s in zip(_COUNTS[c], _COUNTS["set"], strict=True) if s == name])
        for c in ("xi", "ni")
    )
    for name in dict.fromkeys(_COUNTS["set"])
}
POOLED_SETS = ["pritz", "dtc", "ctc", "dtc_source", "zeros", "homogeneous", "two"]


@pytest.mark.parametrize("name", POOLED_SETS)
def test_glmm_agrees_with_metafor(name):
    found = pool_proportions(*SETS[name]).table().row(0, named=True)
    for quantity, value in REFERENCE[name, "glmm"].items():
        # R's optimiser stops at 1e-5 or so of the parameters
        assert found[quantity] == pytest.approx(value, rel=2e-4, abs=1e-9), quantity


@pytest.mark.parametrize("method", ["reml-logit", "pm-logit", "dl-logit", "freeman-tukey"])
@pytest.mark.parametrize("name", POOLED_SETS)
def test_inverse_variance_methods_agree_with_metafor(name, method):
    for r_test, test in (("z", "wald"), ("adhoc", "knapp-hartung")):
        pooled = pool_proportions(*SETS[name], method=method, test=test)
        found = pooled.table().row(0, named=True)
        for quantity, value in REFERENCE[name, f"{method} {r_test}"].items():
            assert found[quantity] == pytest.approx(value, rel=1e-6, abs=1e-9), (r_test, quantity)


@pytest.mark.parametrize("name", ["pritz", "dtc"])
def test_profile_interval_of_glmm_agrees_with_numerical_integration(name):
    pooled = pool_proportions(*SETS[name])
    expected = REFERENCE[name, "profile"]
    assert math.sqrt(pooled.tau2) == pytest.approx(expected["tau"], rel=1e-6)
    assert math.sqrt(pooled.tau2_low) == pytest.approx(expected["tau_low"], rel=1e-5, abs=1e-9)
    assert math.sqrt(pooled.tau2_high) == pytest.approx(expected["tau_high"], rel=1e-5)
    assert pooled.i2_low <= pooled.i2 <= pooled.i2_high


def test_exact_intervals_agree_with_r():
    for (place, pair), expected in REFERENCE.items():
        if place == "exact":
            k, n = (int(part) for part in pair.split("/"))
            low, high = exact_interval([k], [n])
            assert low[0] == pytest.approx(expected["low"], rel=1e-12)
            assert high[0] == pytest.approx(expected["high"], rel=1e-12)


def test_rows_of_the_review_are_judged():
    """The circulating cells should not be pooled, the disseminated ones may be."""
    circulating, disseminated = pool_proportions(*SETS["ctc"]), pool_proportions(*SETS["dtc"])
    assert not circulating.poolable
    assert circulating.verdict.startswith(
        "Should not be pooled: the next study could find anything"
    )
    assert "from under 1 % to over 99 %" in circulating.verdict
    assert disseminated.poolable
    assert "from 14 % to 43 %" in disseminated.verdict


def test_one_study_of_seven_all_positive():
    for method in ("glmm", "reml-logit", "freeman-tukey"):
        pooled = pool_proportions([7], [7], method=method)
        assert (pooled.estimate, pooled.ci_high) == (1.0, 1.0)
        assert pooled.ci_low == pytest.approx(0.025 ** (1 / 7), rel=1e-12)
        assert not pooled.poolable
        assert "nothing to pool" in pooled.verdict
        assert math.isnan(pooled.i2)


@pytest.mark.parametrize(("k", "estimate"), [([0, 0, 0], 0.0), ([7, 10, 12], 1.0)])
def test_all_empty_or_all_full_studies_have_no_finite_model(k, estimate):
    pooled = pool_proportions(k, [7, 10, 12])
    assert pooled.estimate == estimate
    assert pooled.test == "exact"
    assert "the model has no finite estimate" in pooled.warnings[0]
    bound = 0.025 ** (1 / 29)
    edge = pooled.ci_low if estimate == 1 else 1 - pooled.ci_high
    assert edge == pytest.approx(bound, rel=1e-10)


def test_two_studies_have_no_prediction_interval():
    pooled = pool_proportions(*SETS["two"])
    assert math.isnan(pooled.prediction_low)
    assert not pooled.poolable
    assert "quote the studies" in pooled.verdict
    assert "2 studies" in pooled.warnings[0]


def test_homogeneous_studies_give_the_summed_rate():
    """With tau = 0 the maximum-likelihood rate is that of the summed counts."""
    pooled = pool_proportions(*SETS["homogeneous"])
    assert pooled.tau2 == 0
    assert pooled.estimate == pytest.approx(101 / 400, rel=1e-9)
    se = 1 / math.sqrt(400 * (101 / 400) * (299 / 400))
    assert pooled.link_se == pytest.approx(se, rel=1e-6)


def test_identical_studies():
    pooled = pool_proportions([10] * 5, [40] * 5)
    assert pooled.estimate == pytest.approx(0.25, rel=1e-9)
    assert pooled.q == pytest.approx(0, abs=1e-9)
    assert pooled.i2 == 0


def test_turning_positive_and_negative_about_mirrors_the_answer():
    k, n = SETS["pritz"]
    there, back = pool_proportions(k, n), pool_proportions(n - k, n)
    assert back.estimate == pytest.approx(1 - there.estimate, rel=1e-6)
    assert back.tau2 == pytest.approx(there.tau2, rel=1e-6)


def test_t_interval_is_wider_than_wald():
    wald, t = pool_proportions(*SETS["dtc"]), pool_proportions(*SETS["dtc"], test="t")
    assert t.link_se == wald.link_se
    assert special.logit(t.ci_high) - t.link_estimate == pytest.approx(
        2.7764451051977987 * t.link_se, rel=1e-9
    )


def test_warnings_of_the_approximate_methods():
    assert any("1/2" in w for w in pool_proportions(*SETS["zeros"], method="reml-logit").warnings)
    assert any(
        "Schwarzer" in w for w in pool_proportions(*SETS["dtc"], method="freeman-tukey").warnings
    )


@pytest.mark.parametrize("method", ["glmm", "reml-logit", "freeman-tukey"])
def test_a_thousand_studies(method):
    rng = np.random.default_rng(5)
    n = rng.integers(20, 300, 1000)
    k = rng.binomial(n, special.expit(rng.normal(-1, 0.7, 1000)))
    spent = []
    for _ in range(3):
        start = time.process_time()
        pooled = pool_proportions(k, n, method=method)
        spent.append(time.process_time() - start)
    assert min(spent) < 1
    assert pooled.estimate == pytest.approx(special.expit(-1), abs=0.04)


def test_glmm_recovers_a_known_law_where_logits_with_a_correction_do_not():
    """Rare positives in small studies: the corrected logits are drawn towards one half."""
    rng = np.random.default_rng(3)
    n = np.full(400, 15)
    k = rng.binomial(n, special.expit(rng.normal(-3, 0.8, 400)))
    exact, corrected = pool_proportions(k, n), pool_proportions(k, n, method="reml-logit")
    assert abs(exact.link_estimate + 3) < 4 * exact.link_se
    assert abs(corrected.link_estimate + 3) > 4 * corrected.link_se


def test_transforms_by_hand():
    y, v = logits([0, 5], [10, 10])
    assert y.tolist() == pytest.approx([math.log(0.5 / 10.5), 0])
    assert v.tolist() == pytest.approx([1 / 0.5 + 1 / 10.5, 0.4])
    y, v = double_arcsine([0], [10])
    assert y[0] == pytest.approx(math.asin(math.sqrt(1 / 11)) / 2)
    assert v[0] == pytest.approx(1 / 42)


@pytest.mark.parametrize(("k", "n"), [(0, 12), (1, 12), (5, 12), (11, 12), (12, 12)])
def test_miller_inverts_the_double_arcsine(k, n):
    y, _ = double_arcsine([k], [n])
    assert invert_double_arcsine(float(y[0]), n) == pytest.approx(k / n, abs=1e-12)


def test_inverse_is_kept_within_bounds():
    assert invert_double_arcsine(-0.1, 20) == 0
    assert invert_double_arcsine(2.0, 20) == 1


def test_json_is_plain():
    text = json.dumps(pool_proportions([7], [7]).to_json(), allow_nan=False)
    assert json.loads(text)["k"] == 1


def test_every_impossible_count_is_listed():
    with pytest.raises(EvidenceError) as caught:
        check_counts([5, 13.5, 7, 1], [10, 20, 6, 0])
    text = str(caught.value)
    assert "3 problems in the detection counts" in text
    assert "events[1]: 13.5 is not a whole number; give the count, not the percentage" in text
    assert "events[2]: 7 positive is outside 0 to 6" in text
    assert "totals[3]: 0 is not a whole number of 1 or more" in text


@pytest.mark.parametrize(
    ("events", "totals", "options", "message"),
    [
        ([1], [2, 3], {}, "1 positive counts but 2 totals"),
        ([], [], {}, "0 positive counts but 0 totals"),
        ([1], [2], {"method": "glm"}, "did you mean 'glmm'"),
        ([1], [2], {"test": "walt"}, "did you mean 'wald'"),
        ([1], [2], {"test": "knapp-hartung"}, "does not go with method 'glmm'"),
        ([1], [2], {"method": "reml-logit", "test": "t"}, "does not go with method 'reml-logit'"),
        ([1], [2], {"level": 0}, "confidence level 0"),
        ([1], [2], {"prediction": "normale"}, "did you mean 'normal'"),
    ],
)
def test_bad_calls_are_named(events, totals, options, message):
    with pytest.raises(EvidenceError, match=message):
        pool_proportions(events, totals, **options)


def test_studies_too_far_apart_for_a_finite_variance():
    """All of 7 and none of 15: the likelihood rises with tau without end."""
    pooled = pool_proportions([7, 0], [7, 15])
    assert math.isinf(pooled.tau2_high)
    assert pooled.to_json()["tau2_high"] is None
    assert pooled.i2_high == 1
    assert "no finite estimate" in pooled.warnings[-1]
    assert not pooled.poolable


@pytest.mark.parametrize("seed", range(10))
def test_no_other_point_beats_the_estimate(seed):
    """Studies of all sizes and rates, zero and full cells among them, against a scan."""
    rng = np.random.default_rng(seed)
    n = rng.integers(3, 200, rng.integers(3, 9)).astype(float)
    k = rng.binomial(n.astype(int), special.expit(rng.normal(0, 2, n.size))).astype(float)
    pooled = pool_proportions(k, n)
    ones = np.ones((n.size, 1))

    def value(mean, tau):
        return log_likelihood(np.array([mean]), tau, k, n, ones)[0]

    best = value(pooled.link_estimate, math.sqrt(pooled.tau2))
    scan = [
        value(pooled.link_estimate + shift, tau)
        for shift in np.linspace(-1, 1, 9)
        for tau in np.linspace(0, 6, 13)
    ]
    assert max(scan) <= best + 1e-9
