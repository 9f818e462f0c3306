"""Values beyond their ranges."""

from __future__ import annotations

import pytest

from marrowtrace.claims.beyond import beyond
from marrowtrace.errors import ParameterError
from marrowtrace.simulation import scenario


def test_a_value_outside_of_its_range_is_taken():
    arm = scenario("early-breast")
    moved = beyond(arm, {"establishment_probability": 0.5})
    assert moved.parameters["establishment_probability"].canonical == 0.5
    assert arm.parameters["establishment_probability"].canonical < 1e-4


def test_the_rest_stays():
    arm = scenario("early-breast")
    moved = beyond(arm, {"shedding_log_sd": 0.0})
    changed = [name for name in arm.parameters if arm.parameters[name] != moved.parameters[name]]
    assert changed == ["shedding_log_sd"]
    assert moved.therapies == arm.therapies


def test_a_name_that_does_not_exist_is_refused():
    with pytest.raises(ParameterError, match="no parameter 'sheding_log_sd'; did you mean"):
        beyond(scenario("early-breast"), {"sheding_log_sd": 0.0})
