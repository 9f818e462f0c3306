"""Therapies as windows of time, and the rules that start one on the result of an assay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from marrowtrace.errors import ProblemList, SimulationError, did_you_mean
from marrowtrace.simulation.effects import (
    AGENTS,
    ALL_EFFECTS,
    ELIGIBILITY,
    PROBABILITIES,
    TARGETS,
)

SPECIMENS = ("bone_marrow", "blood")


@dataclass(frozen=True, slots=True)
class Rule:
    """Start a therapy only if an assay finds enough cells.

    Parameters
    ----------
    specimen : {"bone_marrow", "blood"}
    day : float
        Day of the assay, >= 0.
    threshold : float
        Smallest count that starts the therapy.
    delay : float
        Days from the assay to the start.

    Raises
    ------
    SimulationError
        With every field that is wrong.
    """

    specimen: str
    day: float
    threshold: float = 1.0
    delay: float = 0.0

    def __post_init__(self) -> None:
        problems = ProblemList()
        if self.specimen not in SPECIMENS:
            hint = did_you_mean(self.specimen, SPECIMENS)
            problems.add("specimen", f"'{self.specimen}'; allowed: {', '.join(SPECIMENS)}{hint}")
        for name, value in (("day", self.day), ("delay", self.delay)):
            if not 0.0 <= value < math.inf:
                problems.add(name, f"{value!r} is outside its range; give days from 0 on")
        if not self.threshold > 0.0:
            problems.add("threshold", f"{self.threshold!r}; give a count above 0")
        problems.raise_any(SimulationError, "the rule")


@dataclass(frozen=True, slots=True)
class Therapy:
    """One agent given over one window of time.

    Parameters
    ----------
    agent : str
        One of `marrowtrace.simulation.AGENTS`.
    start : float
        First day; with a rule, the day is that of the rule plus its delay instead.
    duration : float
        Days; infinite for a therapy that goes on.
    effects : mapping of str to float
        Named effects (`marrowtrace.simulation.effects`); those absent change nothing.
    cycles : int
        Number of cycles (moments of kill); the first is at the start.
    cycle_length : float
        Days from one cycle to the next.
    uptake : float
        Probability that an eligible patient takes it.
    eligibility, acts_on : str
        Which patients, and which cells.
    stopping_rate : float
        Rate at which patients stop early [1/day].
    rule : Rule, optional

    Raises
    ------
    SimulationError
        With every field that is wrong.

    Examples
    --------
    >>> Therapy("chemotherapy", start=30, duration=126, effects={"logkill": 1}, cycles=6)
    Traceback (most recent call last):
    ...
    marrowtrace.errors.SimulationError: 1 problem in the therapy 'chemotherapy':
      effects.logkill: no effect of this name; did you mean 'log_kill'?
    """

    agent: str
    start: float = 0.0
    duration: float = math.inf
    effects: Mapping[str, float] = field(default_factory=dict)
    cycles: int = 0
    cycle_length: float = 21.0
    uptake: float = 1.0
    eligibility: str = "all"
    acts_on: str = "all"
    stopping_rate: float = 0.0
    rule: Rule | None = None

    def __post_init__(self) -> None:
        problems = ProblemList()
        self._check_names(problems)
        self._check_numbers(problems)
        for name, value in self.effects.items():
            place = f"effects.{name}"
            if name not in ALL_EFFECTS:
                hint = did_you_mean(name, ALL_EFFECTS)
                problems.add(place, f"no effect of this name{hint}")
            elif not math.isfinite(value) or (value < 0.0 and name != "suppressor"):
                problems.add(place, f"{value!r} is outside its range; give a number >= 0")
            elif name in PROBABILITIES and value > 1.0:
                problems.add(place, f"{value!r} is a probability; give 0 to 1")
        problems.raise_any(SimulationError, f"the therapy '{self.agent}'")
        object.__setattr__(self, "effects", MappingProxyType(dict(self.effects)))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from plain values, so that scenarios can go to other processes."""
        return Therapy, (
            self.agent,
            self.start,
            self.duration,
            dict(self.effects),
            self.cycles,
            self.cycle_length,
            self.uptake,
            self.eligibility,
            self.acts_on,
            self.stopping_rate,
            self.rule,
        )

    def _check_names(self, problems: ProblemList) -> None:
        for name, value, allowed in (
            ("agent", self.agent, AGENTS),
            ("eligibility", self.eligibility, ELIGIBILITY),
            ("acts_on", self.acts_on, TARGETS),
        ):
            if value not in allowed:
                hint = did_you_mean(value, allowed)
                problems.add(name, f"'{value}'; allowed: {', '.join(allowed)}{hint}")

    def _check_numbers(self, problems: ProblemList) -> None:
        if not 0.0 <= self.start < math.inf:
            problems.add("start", f"{self.start!r} is outside its range; give days from 0 on")
        if not self.duration >= 0.0:
            problems.add("duration", f"{self.duration!r}; give days, 0 or more")
        if not 0 <= self.cycles <= 1000:
            problems.add("cycles", f"{self.cycles!r}; give 0 to 1000")
        if self.cycles > 1 and not self.cycle_length > 0.0:
            problems.add("cycle_length", f"{self.cycle_length!r}; give days above 0")
        if not 0.0 <= self.uptake <= 1.0:
            problems.add("uptake", f"{self.uptake!r} is a probability; give 0 to 1")
        if not 0.0 <= self.stopping_rate < math.inf:
            problems.add("stopping_rate", f"{self.stopping_rate!r}; give a rate [1/day], 0 or more")
