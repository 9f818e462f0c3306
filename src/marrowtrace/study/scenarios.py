"""The arms of a protocol as scenarios of the disease engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from marrowtrace.errors import SimulationError
from marrowtrace.study.arm import Arm, RegimenUse, Rule
from marrowtrace.study.protocol import Protocol

if TYPE_CHECKING:
    from marrowtrace.parameters import ParameterSet
    from marrowtrace.simulation import Scenario, Therapy


def arm_parameters(protocol: Protocol, arm: Arm) -> ParameterSet:
    """Return the parameters of an arm, with the overrides of the study and of the arm.

    Raises
    ------
    CatalogError, ParameterError
    """
    from marrowtrace.catalog import parameter_set

    found = parameter_set(arm.cancer or protocol.cancer)
    values = {**protocol.parameters, **arm.parameters}
    return found.with_values(values) if values else found


def visit_days(protocol: Protocol, arm: Arm) -> tuple[float, ...]:
    """Return the days of an arm's planned visits, ascending, each once."""
    days = {protocol.day_of(visit, arm) for visit in protocol.visits}
    return tuple(sorted(day for day in days if math.isfinite(day)))


def rules_in_time(protocol: Protocol, arm: Arm) -> tuple[Rule, ...]:
    """Return the rules of an arm in the order in which their visits come."""
    return tuple(sorted(arm.rules, key=lambda r: protocol.day_of(protocol.visit(r.visit), arm)))


def use_therapy(
    use: RegimenUse, parameters: ParameterSet, surgery: float, *, start: float | None = None
) -> Therapy:
    """Return a regimen, as a study uses it, as a therapy.

    Parameters
    ----------
    use : RegimenUse
    parameters : ParameterSet
    surgery : float
        Day of surgery; infinite for never.
    start : float, optional
        Day on which a rule starts it [day from the index event]; the assay that the catalogue's
        regimen has for this is then not used.

    Raises
    ------
    CatalogError, SimulationError
    """
    from marrowtrace.catalog import regimen
    from marrowtrace.simulation import Therapy, therapy

    timing = dict(use.timing)
    shift = 0.0
    if use.agent:
        base = Therapy(use.agent, duration=_lasting(timing), effects=dict(use.effects))
    else:
        base = therapy(use.name, parameters, surgery=surgery)
        if base.rule is not None and start is None:
            raise SimulationError(
                f"'{use.name}' is started by the result of an assay; "
                "give it as the regimen of a rule of the arm"
            )
        if math.isfinite(surgery) and regimen(use.name).setting != "neoadjuvant":
            shift = surgery
        if "duration" not in timing and {"cycles", "cycle_length"} & set(timing):
            whole = {"cycles": float(base.cycles), "cycle_length": base.cycle_length} | timing
            timing["duration"] = whole["cycles"] * whole["cycle_length"]
    if start is not None:
        begin = start
    else:
        begin = timing["start"] + shift if "start" in timing else base.start
    return replace(
        base,
        start=begin,
        duration=timing.get("duration", base.duration),
        cycles=round(timing.get("cycles", base.cycles)),
        cycle_length=timing.get("cycle_length", base.cycle_length),
        uptake=timing.get("uptake", base.uptake),
        stopping_rate=timing.get("stopping_rate", base.stopping_rate),
        effects={**base.effects, **use.effects},
        eligibility=use.eligibility or base.eligibility,
        acts_on=use.acts_on or base.acts_on,
        rule=None,
    )


def _lasting(timing: dict[str, float]) -> float:
    """How long a regimen of a study's own lasts, if it does not say."""
    cycles, length = timing.get("cycles", 0.0), timing.get("cycle_length", 21.0)
    return timing.get("duration", cycles * length if cycles else math.inf)


def arm_scenario(protocol: Protocol, arm: Arm, taken: Sequence[bool] = ()) -> Scenario:
    """Return the scenario of an arm.

    Parameters
    ----------
    protocol : Protocol
    arm : Arm
    taken : sequence of bool
        For each rule (`rules_in_time`), whether its regimen is given. One that is not given is
        there with uptake 0, so that lives are the same up to the day on which one starts it.

    Raises
    ------
    CatalogError, ParameterError, SimulationError
        What `marrowtrace.simulation` finds wrong.
    """
    from marrowtrace.catalog import description
    from marrowtrace.simulation import Scenario

    parameters = arm_parameters(protocol, arm)
    surgery = protocol.day_of_surgery(arm)
    therapies = [use_therapy(use, parameters, surgery) for use in arm.regimens]
    rules = rules_in_time(protocol, arm)
    for rule, given in zip(rules, taken or [False] * len(rules), strict=True):
        day = protocol.day_of(protocol.visit(rule.visit), arm) + rule.delay
        added = use_therapy(rule.regimen, parameters, surgery, start=day)
        therapies.append(added if given else replace(added, uptake=0.0))
    return Scenario(
        name=f"{protocol.name}, {arm.name}",
        parameters=parameters,
        therapies=tuple(therapies),
        visits=visit_days(protocol, arm),
        horizon=protocol.horizon,
        surgery=surgery,
        dormancy=protocol.dormancy,
        entry=description(arm.cancer or protocol.cancer).entry,
    )


def treatment_names(protocol: Protocol, arm: Arm) -> list[tuple[str, str]]:
    """Return the name and agents of each therapy of `arm_scenario`, in its order."""
    from marrowtrace.catalog import regimen

    uses = [*arm.regimens, *(rule.regimen for rule in rules_in_time(protocol, arm))]
    return [
        (use.name, use.agent.replace("_", " ") or " + ".join(regimen(use.name).agents))
        for use in uses
    ]
