"""A scenario as JSON values and back, so that a history can be replayed from its folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from marrowtrace.citations import cite
from marrowtrace.errors import InputFileError
from marrowtrace.parameters import Parameter, ParameterSet, Source
from marrowtrace.simulation.scenario import Scenario
from marrowtrace.simulation.therapy import Rule, Therapy
from marrowtrace.units import Unit

_THERAPY = (
    "agent",
    "start",
    "duration",
    "cycles",
    "cycle_length",
    "uptake",
    "eligibility",
    "acts_on",
    "stopping_rate",
)
_PLAIN = ("name", "horizon", "surgery", "dormancy", "step", "founders_after_relapse", "entry")


def _out(value: Any) -> Any:
    return "infinity" if isinstance(value, float) and math.isinf(value) else value


def _in(value: Any) -> Any:
    return math.inf if value == "infinity" else value


def to_json(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as JSON-ready values; infinity as the word."""
    return {
        **{name: _out(getattr(scenario, name)) for name in _PLAIN},
        "immunity": scenario.immunity,
        "visits": list(scenario.visits),
        "therapies": [
            {
                **{name: _out(getattr(therapy, name)) for name in _THERAPY},
                "effects": dict(therapy.effects),
                "rule": None
                if therapy.rule is None
                else {
                    "specimen": therapy.rule.specimen,
                    "day": therapy.rule.day,
                    "threshold": therapy.rule.threshold,
                    "delay": therapy.rule.delay,
                },
            }
            for therapy in scenario.therapies
        ],
        "parameters": [parameter.as_row() for parameter in scenario.parameters.values()],
    }


def from_json(record: Mapping[str, Any]) -> Scenario:
    """Return the scenario that `to_json` wrote.

    Raises
    ------
    InputFileError
        If a field is missing or not what it should be.
    """
    try:
        parameters = [
            Parameter(
                symbol=row["symbol"],
                value=row["value"],
                low=row["low"],
                high=row["high"],
                unit=Unit.parse(row["unit"]),
                meaning=row["meaning"],
                source=Source(
                    kind=row["kind"],
                    where=row["where"],
                    citation=cite(row["citation"]) if row["citation"] else None,
                ),
            )
            for row in record["parameters"]
        ]
        therapies = tuple(
            Therapy(
                **{name: _in(row[name]) for name in _THERAPY},
                effects=row["effects"],
                rule=None if row["rule"] is None else Rule(**row["rule"]),
            )
            for row in record["therapies"]
        )
        plain = {name: _in(record[name]) for name in _PLAIN}
        plain["immunity"] = record.get("immunity", "static")
        visits = tuple(float(visit) for visit in record["visits"])
        return Scenario(
            parameters=ParameterSet(parameters), therapies=therapies, visits=visits, **plain
        )
    except (KeyError, TypeError, ValueError, LookupError) as err:
        raise InputFileError(f"the record of the scenario cannot be read: {err}") from err
