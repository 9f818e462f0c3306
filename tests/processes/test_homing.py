from __future__ import annotations

import math

import numpy as np
import pytest

from marrowtrace.processes import blood, homing


def test_normal_levels_leave_the_probability():
    ones = homing.normal_levels()
    assert homing.product(ones, ones) == 1.0
    assert homing.probability(0.08, 1.0) == pytest.approx(0.08)


def test_probability_is_that_of_competing_rates():
    death, base = 11.0, 0.08
    rate = blood.lodging_rate(base, death)
    for factor in (0.0, 0.2, 3.0, 1e6):
        expected = blood.lodging_probability(rate * factor, death)
        assert homing.probability(base, factor) == pytest.approx(expected)


@pytest.mark.parametrize("factor", homing.FACTORS)
def test_each_factor_moves_homing_in_its_direction(factor):
    ones = homing.normal_levels()
    blocked = homing.product(ones, homing.blocked(factor, 0.6))
    if factor == "stroma":  # CD31+ CD146+ stroma hinders homing
        assert blocked == pytest.approx(2.0 / 1.4)
    else:
        assert blocked == pytest.approx(0.4)
    assert homing.product(ones, homing.blocked(factor, 0.0)) == 1.0


def test_interventions_multiply():
    ones = homing.normal_levels()
    both = homing.blocked("vla4", 0.5) * homing.blocked("fak", 0.5)
    assert homing.product(ones, both) == pytest.approx(0.25)


def test_limits():
    assert homing.probability(0.0, 5.0) == 0.0
    assert homing.probability(1.0, 5.0) == 1.0
    assert homing.probability(1.0, 0.0) == 0.0
    assert homing.probability(0.5, 1e300) <= 1.0
    assert homing.product(homing.normal_levels(), homing.blocked("cxcr4", 1.0)) == 0.0


def test_readiness_lags_behind_the_primary_and_fades():
    drive = homing.readiness_drive(math.log(4e9), math.log(4e9))
    assert drive == pytest.approx(0.5)
    assert homing.readiness_drive(-1e6, 0.0) == pytest.approx(0.0)
    decay = math.log(2.0) / 90.0
    risen = homing.readiness_at(0.0, drive, decay, 90.0)
    assert risen == pytest.approx(0.25)
    assert homing.readiness_at(risen, 0.0, decay, 90.0) == pytest.approx(0.125)
    steps = 0.0
    for _ in range(9):
        steps = homing.readiness_at(steps, drive, decay, 10.0)
    assert steps == pytest.approx(risen)
    assert homing.readiness_factor(0.25, 2.0) == pytest.approx(1.5)
    assert np.all(homing.normal_levels() == 1.0)
