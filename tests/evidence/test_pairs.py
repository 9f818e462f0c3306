"""CTCs against DTCs in the same patients."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from tests.goodness_of_fit import ALPHA, ks_pvalue

from marrowtrace.evidence.pairs import (
    detection_pairs,
    difference_p,
    prognosis_pairs,
    statements,
)
from marrowtrace.evidence.records import DetectionRate, PrognosticEffect
from marrowtrace.evidence.tables import EvidenceTables, bundled


def pair(when, endpoint="DFS"):
    return next(p for p in prognosis_pairs(bundled()) if p.when == when and p.endpoint == endpoint)


def null_p_values(rng, ratio=1.0, replicates=4000):
    """p-values of the difference where the log hazard ratios are 0.5 and 0.5 * ratio."""
    informations, events = (30.0, 6.0), 0.4
    z = [
        rng.normal(log_hr * math.sqrt(events * information), 1, replicates)
        for log_hr, information in zip((0.5, 0.5 * ratio), informations, strict=True)
    ]
    return np.array(
        [difference_p(d, informations[0], c, informations[1]) for d, c in zip(*z, strict=True)]
    )


def test_difference_is_uniform_where_the_ratios_are_equal():
    """Whatever the share of events, which the test does not know."""
    p = null_p_values(np.random.default_rng(20260101))
    assert ks_pvalue(p, stats.uniform.cdf) > ALPHA


def test_difference_has_power():
    """Log hazard ratios that differ five-fold must show."""
    p = null_p_values(np.random.default_rng(20260101), ratio=-5.0)
    assert ks_pvalue(p, stats.uniform.cdf) < ALPHA


def test_difference_closed_form():
    assert difference_p(3.0, 20.0, 3.0, 20.0) == 1.0
    assert difference_p(1.0, 10.0, -1.0, 10.0) == pytest.approx(2 * stats.norm.sf(math.sqrt(2)))
    assert difference_p(2.0, 30.0, 1.0, 6.0) == pytest.approx(difference_p(1.0, 6.0, 2.0, 30.0))


def test_odds_ratio_of_a_pair():
    found = {p.dtc: p for p in detection_pairs(bundled())}
    fehm = found["t1-10"]
    assert fehm.odds_ratio == pytest.approx((107 / 307) / (58 / 373))
    low, high = fehm.interval
    assert math.sqrt(low * high) == pytest.approx(fehm.odds_ratio)
    assert found["pf-wiedswang2006-dtc"].remembered
    assert len(found) == 8


def test_empty_cells_get_a_half():
    base = {"study": "fehm2009", "n": 10, "phase": "pre"}
    rows = (
        DetectionRate(row="c", analyte="CTC", k=0, **base),
        DetectionRate(row="d", analyte="DTC", k=5, **base),
    )
    found = detection_pairs(EvidenceTables({}, rows))
    assert len(found) == 1
    assert found[0].odds_ratio == pytest.approx((5.5 / 5.5) / (0.5 / 10.5))


def test_expected_p_follows_from_the_carriers():
    """43 of 162 against 6 of 141: the same hazard ratio would show p = .21, not .003."""
    found = pair("12 months")
    share = [k * (n - k) / n for k, n in ((43, 162), (6, 141))]
    z = stats.norm.isf(0.0015) * math.sqrt(share[1] / share[0])
    assert found.expected_p == pytest.approx(2 * stats.norm.sf(z))
    assert found.smaller == "DTC"
    same = difference_p(stats.norm.isf(0.0015), share[0], stats.norm.isf(0.217), share[1])
    opposite = difference_p(stats.norm.isf(0.0015), share[0], -stats.norm.isf(0.217), share[1])
    assert (found.difference_high, found.difference_low) == pytest.approx((same, opposite))


def test_both_not_significant_is_neither():
    assert pair("before neoadjuvant therapy").smaller == "neither"


def test_ns_is_a_range():
    found = pair("after chemoradiation")
    assert found.difference_low < 0.05 < found.difference_high
    assert (found.dtc_k, found.ctc_k) == (4, 10)


def test_carriers_not_known_no_test():
    found = pair("same day, which side of treatment is not known", "OS")
    assert math.isnan(found.difference_low)
    assert math.isnan(found.expected_p)
    assert found.phase == "unknown"


def test_a_users_rows_are_paired_by_group_phase_and_endpoint():
    base = {"study": "fehm2009", "n": 100, "phase": "pre", "direction": "worse"}
    rows = (
        PrognosticEffect(row="c", analyte="CTC", endpoint="OS", p="0.04", positives=20, **base),
        PrognosticEffect(row="d", analyte="DTC", endpoint="OS", p="0.04", positives=20, **base),
        PrognosticEffect(row="e", analyte="DTC", endpoint="DFS", p="0.04", positives=20, **base),
    )
    found = prognosis_pairs(EvidenceTables({}, (), rows))
    assert [(p.ctc, p.dtc) for p in found] == [("c", "d")]
    assert found[0].difference_low == found[0].difference_high == pytest.approx(1.0)


def test_statements_disagree():
    assert {s.favours for s in statements()} == {"CTC", "DTC"}


def test_p_printed_as_zero_is_very_small_not_infinite():
    base = {"study": "fehm2009", "n": 100, "phase": "pre", "direction": "worse", "endpoint": "OS"}
    rows = (
        PrognosticEffect(row="c", analyte="CTC", p="0.000", positives=20, **base),
        PrognosticEffect(row="d", analyte="DTC", p="0.000", positives=20, **base),
    )
    (found,) = prognosis_pairs(EvidenceTables({}, (), rows))
    assert found.difference_high == 1.0
