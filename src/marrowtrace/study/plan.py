"""What a study would do, before it does it: arms, visits, how many readings, how long."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

from marrowtrace.study.protocol import Protocol
from marrowtrace.study.scenarios import arm_parameters, arm_scenario, rules_in_time

# measured on one core of a 2-core machine: 10,000 patients of early-breast
_LIFE = 4e-5
"""Seconds to simulate a patient on one core."""
_READING = 2.2e-6
"""Seconds to draw one reading and write it in tables."""
_PATIENT = 1.5e-5
"""Seconds to write what else is known of a patient."""
_START = 6.0
"""Seconds before the first patient and after the last, report included."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A study's plan in rows.

    Parameters
    ----------
    arms : list of dict
        ``arm``, ``therapy``, ``agent``, ``start``, ``days``, ``cycles``, ``who``, ``uptake``,
        ``rule``.
    visits : list of dict
        ``visit``, ``day``, ``phase``, ``assays``.
    parameters : list of dict
        As `marrowtrace.parameters.Parameter.as_row`, with ``arm``: empty for what all share.
    patients : int
        Patients simulated, of all arms.
    readings : int
        At most so many assay results.
    seconds : float
        Estimated time of the run.
    """

    arms: list[dict[str, Any]]
    visits: list[dict[str, Any]]
    parameters: list[dict[str, Any]]
    patients: int
    readings: int
    seconds: float


def plan(protocol: Protocol, *, workers: int | None = None) -> Plan:
    """Return the plan of a study.

    Parameters
    ----------
    protocol : Protocol
    workers : int, optional
        Threads; as many as there are processors if left out.
    """
    cores = os.cpu_count() or 1
    threads = min(workers or cores, cores)
    paired = protocol.allocation == "paired"
    patients = protocol.patients * (len(protocol.arms) if paired else 1)
    readings = patients * sum(len(visit.assays) for visit in protocol.visits)
    lives = patients * (1.5 if any(arm.rules for arm in protocol.arms) else 1.0)
    return Plan(
        arms=_arms(protocol),
        visits=_visits(protocol),
        parameters=_parameters(protocol),
        patients=patients,
        readings=readings,
        seconds=_START + lives * _LIFE / threads + readings * _READING + patients * _PATIENT,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _arms(protocol: Protocol) -> list[dict[str, Any]]:
    from marrowtrace.study.scenarios import treatment_names

    rows: list[dict[str, Any]] = []
    for arm in protocol.arms:
        rules = rules_in_time(protocol, arm)
        scenario = arm_scenario(protocol, arm, [True] * len(rules))
        first_rule = len(arm.regimens)
        if math.isfinite(scenario.surgery):
            rows.append(_surgery(arm.name, scenario.surgery))
        named = treatment_names(protocol, arm)
        for place, (therapy, (name, agent)) in enumerate(
            zip(scenario.therapies, named, strict=True)
        ):
            rule = rules[place - first_rule] if place >= first_rule else None
            rows.append(
                {
                    "arm": arm.name,
                    "therapy": name,
                    "agent": agent,
                    "start": therapy.start,
                    "days": _finite(therapy.duration),
                    "cycles": therapy.cycles or None,
                    "who": therapy.eligibility.replace("_", " "),
                    "uptake": therapy.uptake,
                    "rule": ""
                    if rule is None
                    else f"{rule.assay} >= {rule.threshold:g} at '{rule.visit}'",
                }
            )
    return rows


def _surgery(arm: str, day: float) -> dict[str, Any]:
    rest = {"days": None, "cycles": None, "who": "all", "uptake": 1.0, "rule": ""}
    return {"arm": arm, "therapy": "surgery", "agent": "surgery", "start": day} | rest


def _visits(protocol: Protocol) -> list[dict[str, Any]]:
    rows = []
    for visit in protocol.visits:
        days = {protocol.day_of(visit, arm) for arm in protocol.arms}
        shown = ", ".join("at relapse" if math.isinf(d) else f"{d:g}" for d in sorted(days))
        rows.append(
            {
                "visit": visit.name,
                "day": shown,
                "phase": visit.phase,
                "assays": ", ".join(visit.assays),
            }
        )
    return rows


def _parameters(protocol: Protocol) -> list[dict[str, Any]]:
    first = arm_parameters(protocol, protocol.arms[0])
    rows = [{**parameter.as_row(), "arm": ""} for parameter in first.values()]
    for arm in protocol.arms[1:]:
        rows += [
            {**parameter.as_row(), "arm": arm.name}
            for symbol, parameter in arm_parameters(protocol, arm).items()
            if parameter.canonical != first[symbol].canonical
        ]
    return rows
