from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.effect_sizes import (
    check_printed_p,
    log_hr_from_interval,
    log_hr_from_log_rank,
    log_hr_from_p,
)


def test_from_interval():
    found = log_hr_from_interval(1.82, 1.47, 2.26)
    assert found.log_hr == math.log(1.82)
    assert found.se == pytest.approx(math.log(2.26 / 1.47) / (2 * 1.959963984540054))
    assert found.warnings == ()
    assert found.interval() == pytest.approx((1.47, 2.26), abs=0.01)
    assert found.table()["hr"].item() == pytest.approx(1.82)
    assert found.to_json()["source"] == "HR with its 95 % interval"


def test_a_ninety_per_cent_interval():
    wide, narrow = (log_hr_from_interval(0.94, 0.81, 1.09, level=x) for x in (0.95, 0.9))
    assert narrow.se / wide.se == pytest.approx(1.959963984540054 / 1.6448536269514722)


def test_every_rounded_wald_interval_passes_the_symmetry_check():
    rng = np.random.default_rng(4)
    for _ in range(2000):
        log_hr, se = rng.normal(0, 0.7), rng.uniform(0.08, 0.6)
        hr, low, high = (
            round(math.exp(log_hr + z * se), 2) for z in (0, -1.959963984540054, 1.959963984540054)
        )
        if low > 0.01 and low < hr < high:
            assert log_hr_from_interval(hr, low, high).warnings == ()


def test_an_asymmetric_interval_is_warned_of():
    found = log_hr_from_interval(1.5, 1.1, 3.9)
    assert "the middle of the interval is 2.07" in found.warnings[0]


@pytest.mark.parametrize("harmful", [True, False])
@pytest.mark.parametrize("sides", [1, 2])
def test_from_p_gives_the_p_back(harmful, sides):
    found = log_hr_from_p(0.02, 120, harmful=harmful, sides=sides, ratio=0.5)
    assert found.p_value == pytest.approx(0.02 * (2 if sides == 1 else 1))
    assert (found.log_hr > 0) == harmful
    assert found.variance == pytest.approx(1 / (120 * 0.5 / 1.5**2))


def test_from_p_with_equal_groups_is_four_over_the_events():
    """V = d / 4 with equal groups; log HR = 2 z / sqrt(d)."""
    found = log_hr_from_p(0.05, 100, harmful=True)
    assert found.variance == pytest.approx(0.04)
    assert found.log_hr == pytest.approx(2 * 1.959963984540054 / 10)


def test_direction_of_ratio_does_not_matter():
    one, other = (log_hr_from_p(0.03, 80, harmful=True, ratio=r) for r in (3, 1 / 3))
    assert one.log_hr == pytest.approx(other.log_hr)
    assert "far" not in "".join(one.warnings)
    assert "groups of 8 to 1" in log_hr_from_p(0.03, 80, harmful=True, ratio=8).warnings[0]


def test_p_of_one_is_no_effect():
    assert log_hr_from_p(1.0, 50, harmful=True).log_hr == 0


def test_from_log_rank():
    found = log_hr_from_log_rank(-12.5, 25)
    assert found.log_hr == -0.5
    assert found.se == 0.2
    assert found.p_value == pytest.approx(2 * special.ndtr(-2.5))


def test_the_three_routes_agree_on_one_trial():
    """A Peto estimate, its p-value and its interval are one and the same figure."""
    peto = log_hr_from_log_rank(10.0, 30.0)
    by_p = log_hr_from_p(peto.p_value, 120, harmful=True)
    by_interval = log_hr_from_interval(peto.hr, *peto.interval(), decimals=8)
    for route in (by_p, by_interval):
        assert route.log_hr == pytest.approx(peto.log_hr, rel=1e-9)
        assert route.se == pytest.approx(peto.se, rel=1e-9)


def test_printed_p_agrees_or_not():
    fits = check_printed_p(1.94, 1.1, 3.7, (0.03, 0.03), decimals=1)
    assert fits.consistent
    assert fits.discrepancy == 0
    off = check_printed_p(1.5, 1.2, 1.9, (0.4, 0.4))
    assert not off.consistent
    assert off.discrepancy > 1
    assert "one is misprinted" in off.message
    assert off.table()["consistent"].item() is False
    assert off.to_json()["p_printed_low"] == 0.4


def test_a_bound_agrees_with_anything_below_it():
    assert check_printed_p(2.0, 1.6, 2.5, (0, 0.0001)).discrepancy == 0
    assert check_printed_p(1.0, 0.8, 1.25, (0.05, 1)).consistent
    assert check_printed_p(2.0, 1.6, 2.5, (0, 0)).discrepancy == math.inf


def test_every_rounded_figure_agrees_with_its_own_p():
    rng = np.random.default_rng(6)
    for _ in range(1000):
        log_hr, se = rng.normal(0, 0.7), rng.uniform(0.08, 0.6)
        p = float(2 * special.ndtr(-abs(log_hr) / se))
        hr, low, high = (
            round(math.exp(log_hr + z * se), 2) for z in (0, -1.959963984540054, 1.959963984540054)
        )
        if low > 0.02:
            assert check_printed_p(hr, low, high, (p, p)).discrepancy < 1e-6


@pytest.mark.parametrize(
    ("hr", "low", "high", "message"),
    [
        (-0.2, -0.5, 0.1, "if they are logarithms, exponentiate"),
        (2.0, 2.1, 3.0, "HR 2 is not inside its interval 2.1 to 3"),
        (2.0, 3.0, 1.0, "check the order"),
    ],
)
def test_impossible_intervals(hr, low, high, message):
    with pytest.raises(EvidenceError, match=message):
        log_hr_from_interval(hr, low, high)
    with pytest.raises(EvidenceError, match=message):
        check_printed_p(hr, low, high, (0.1, 0.1))


def test_other_impossible_figures():
    with pytest.raises(EvidenceError) as caught:
        log_hr_from_p(0.0, 0, harmful=True, ratio=-1, sides=3)
    for part in (
        "a bound cannot be turned",
        "events of both",
        "for equal groups give 1",
        "neither",
    ):
        assert part in str(caught.value)
    with pytest.raises(EvidenceError, match="V above 0"):
        log_hr_from_log_rank(3, 0)
    with pytest.raises(EvidenceError, match="low first"):
        check_printed_p(1.5, 1.2, 1.9, (0.4, 0.3))
    with pytest.raises(EvidenceError, match="decimals = -1"):
        log_hr_from_interval(1.5, 1.2, 1.9, decimals=-1)
