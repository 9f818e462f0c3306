"""Parameter values beyond their ranges, for asking what would be if the model were otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from marrowtrace.parameters import ParameterSet, Source
from marrowtrace.simulation import Scenario

_CHANGED = Source(kind="assumed", where="a change that a check makes on purpose")


def beyond(arm: Scenario, values: Mapping[str, float]) -> Scenario:
    """Return a scenario with other values, in the unit of each, whatever the ranges.

    Raises
    ------
    ParameterError
        If there is no such parameter.
    """
    numbers = dict(arm.parameters)
    for symbol, value in values.items():
        old = arm.parameters[symbol]
        numbers[symbol] = replace(
            old, value=value, low=min(old.low, value), high=max(old.high, value), source=_CHANGED
        )
    return replace(arm, parameters=ParameterSet(list(numbers.values())))
