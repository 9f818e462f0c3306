"""Regimens of the catalogue as therapies of a scenario."""

from __future__ import annotations

import math

from marrowtrace.catalog import regimen
from marrowtrace.parameters import ParameterSet
from marrowtrace.simulation.effects import AGENTS
from marrowtrace.simulation.therapy import Rule, Therapy

# the first word of a regimen's name, where it is not the agent itself
_FAMILIES = {
    "androgen-deprivation": "endocrine",
    "cxcr4-blockade": "cxcr4_antagonist",
    "vla4-blockade": "vla4_blocker",
    "fak-blockade": "fak_inhibitor",
    "radiochemotherapy-rectal": "radiotherapy",
    "e-selectin-inhibitor": "e_selectin_inhibitor",
}


def family(name: str) -> str:
    """Return the agent, and with it the random stream, of a regimen.

    Regimens of one agent share the stream, so that a patient who takes endocrine therapy for 5
    years in one arm takes it for 10 in another.

    Examples
    --------
    >>> family("endocrine-10y"), family("zoledronate"), family("beta-blocker")
    ('endocrine', 'zoledronate', 'beta_blocker')
    """
    if name in _FAMILIES:
        return _FAMILIES[name]
    folded = name.replace("-", "_")
    if folded in AGENTS:
        return folded
    first = folded.split("_")[0]
    return first if first in AGENTS else "other_1"


def therapy(name: str, parameters: ParameterSet, *, surgery: float = 0.0) -> Therapy:
    """Return a regimen of the catalogue with its numbers from a parameter set.

    Parameters
    ----------
    name : str
        Name in the catalogue, e.g. ``"endocrine-5y"``.
    parameters : ParameterSet
    surgery : float
        Day of surgery, from which all but neoadjuvant regimens are counted.

    Raises
    ------
    CatalogError
        If there is no such regimen, or the set lacks one of its symbols.

    Examples
    --------
    >>> from marrowtrace.catalog import parameter_set
    >>> therapy("endocrine-5y", parameter_set("early-breast")).start
    150.0
    """
    planned = regimen(name).plan(parameters)
    timing = {key: entry.canonical for key, entry in planned.timing.items()}
    neoadjuvant = planned.regimen.setting == "neoadjuvant"
    shift = surgery if math.isfinite(surgery) and not neoadjuvant else 0.0
    cycles = round(timing.get("cycles", 0.0))
    length = timing.get("cycle_length", 21.0)
    lasting = timing.get("duration", cycles * length if cycles else math.inf)
    rule = None
    if planned.rule:
        numbers = {key: entry.canonical for key, entry in planned.rule.items()}
        rule = Rule(
            planned.regimen.rule_specimen,
            numbers["day"] + shift,
            threshold=numbers.get("threshold", 1.0),
            delay=numbers.get("delay", 0.0),
        )
    return Therapy(
        family(name),
        start=timing.get("start", 0.0) + shift,
        duration=lasting,
        effects={key: entry.canonical for key, entry in planned.effects.items()},
        cycles=cycles,
        cycle_length=length,
        uptake=timing.get("uptake", 1.0),
        eligibility=planned.regimen.eligibility,
        acts_on=planned.regimen.acts_on,
        stopping_rate=timing.get("stopping_rate", 0.0),
        rule=rule,
    )
