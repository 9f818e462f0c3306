"""The twin's lesions: single divisions and deaths up to the hand-over, then a formula.

A young clone is a list of cells that divide or die one at a time. What the definition says of
chances ("conditioned not to die out by itself") is done by drawing again whatever died out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.exact_environment import MARROW, Environment
from marrowtrace.simulation.exact_primary import Bulk
from marrowtrace.simulation.exact_resistance import (
    daughters_of_bulk,
    daughters_of_walk,
    resistant_in_size,
    resistant_in_walk,
)
from marrowtrace.simulation.exact_walk import Walk, add_up, look_up, safe_size, surviving_walk, walk

_ONE_BY_ONE = 1e7


@dataclass(slots=True, eq=False, kw_only=True)
class Lesion:
    """A clone that established: what it is, how large, and what happened to it when.

    ``sure`` of its cells belong to a clone that is known to survive, ``plain`` are like any other.
    While resistance can arise in it, at ``resistance`` daughters a division, ``resistant`` of its
    cells are resistant; once a therapy kills the others, those are handed over as ``brood``, and
    ``daughters`` are the days on which dying cells make further ones.
    """

    place: str
    origin: str
    er: bool
    her2: bool
    tolerant: bool
    mhc_low: bool
    resistant_er: bool
    resistant_her2: bool
    restrict: bool
    growth: float
    numbers: dict[str, float]
    awakened: float
    seeded: float
    sure: int = 0
    plain: int = 0
    state: str = "small"
    restricted: float = math.nan
    escaped: float = math.nan
    escape_cause: str = ""
    detected: float = math.nan
    ended: float = math.nan
    end_cause: str = ""
    stamp: int = 0
    batch: Any = None
    bulk: Bulk | None = None
    parent: Lesion | None = None
    resistance: float = 0.0
    resistant: int = 0
    brood: int = 0
    exposed: bool = False
    daughters: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    _walks: list[Walk] = field(default_factory=list)
    _rng: np.random.Generator | None = None
    _fresh: bool = False

    @property
    def bone(self) -> bool:
        """Whether it lies in marrow."""
        return self.place in MARROW

    @property
    def small_growth(self) -> float:
        """r_0, its net growth rate in small numbers [1/day]."""
        n = self.numbers
        span = math.log(n["tumour_carrying_capacity"] / n["growth_hand_over_size"])
        return self.growth * span

    @property
    def birth(self) -> float:
        """b, the division rate of its cells in small numbers [1/day]."""
        return self.small_growth / (1.0 - self.numbers["clone_death_ratio"])

    def kill_rate(self, environment: Environment) -> float:
        """c, the rate at which therapies kill its cells."""
        return environment.on_cell(
            "lesion_kill",
            self.er and not self.tolerant and not self.resistant_er,
            self.her2 and not self.resistant_her2,
        )

    def size(self, times: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return its cells at ``times`` [day] since it was last planned."""
        times = np.asarray(times, dtype=np.float64)
        if self.state == "large" and self.bulk is not None:
            return self.bulk.size(times)
        if self.state == "restricted":
            return np.full_like(times, self.numbers["restricted_size"])
        if self.state == "gone":
            return np.zeros_like(times)
        total = np.zeros_like(times)
        for steps in self._walks:
            total += look_up(steps, times)
        return total

    def largest(self, start: float, stop: float) -> float:
        """Return a bound on its cells from ``start`` to ``stop`` [day]."""
        if self.state == "small" and self._walks:
            return float(sum(sizes.max() for _, sizes in self._walks))
        return float(self.size(np.array([start, stop])).max())

    def settle(self, now: float) -> None:
        """Forget the plan: keep the cells of ``now``."""
        if self.state == "large" and self.bulk is not None:
            self.bulk.restart(now)
        elif self.state == "small" and self._walks:
            self.sure, self.plain = (int(look_up(walk, np.array(now))) for walk in self._walks)
            if self._rng is not None and self._fresh and not self.exposed:
                self._fresh = False
                steps = add_up(self._walks)
                self.resistant = resistant_in_walk(
                    self._rng, steps, self.resistance, now, self.resistant
                )

    def plan(
        self, rng: np.random.Generator, now: float, until: float, environment: Environment
    ) -> tuple[float, str]:
        """Draw what it does from ``now`` on while nothing around it changes.

        Returns
        -------
        tuple of float and str
            Day and kind of its next event: ``"grown"``, ``"dwindled"``, ``"restricted"``,
            ``"detected"``, ``"extinct"``, ``"eliminated"``, ``"environment"``, ``"mutation"``;
            infinity and ``""`` if there is none before ``until``.
        """
        self.stamp += 1
        self.daughters = np.empty(0)
        if self.state == "restricted":
            return self._plan_restricted(rng, now, environment)
        if self.resistance > 0.0 and self.state != "gone":
            self._tell_apart(rng, self.kill_rate(environment))
        if self.state == "small":
            kill = self.kill_rate(environment)
            if self.sure + self.plain >= self._corner and kill <= 0.0:
                self.grow_large(now, self.sure + self.plain)
            else:
                return self._plan_small(rng, now, until, environment, kill)
        if self.state == "large":
            if self.exposed and self.bulk is not None and self.brood < self._corner:
                kill = self.kill_rate(environment)
                cells = math.exp(self.bulk.log_size)
                span = min(until, now + math.log(max(cells / self._corner, 1.0)) / kill) - now
                self.daughters = now + daughters_of_bulk(
                    rng, cells, self.resistance, self.birth, kill, span
                )
            return self._plan_large(environment)
        return math.inf, ""

    def _tell_apart(self, rng: np.random.Generator, kill: float) -> None:
        """At the start of exposure, hand the resistant cells over; at its end, count anew."""
        self._rng = rng
        if kill > 0.0 and not self.exposed:
            if self.state == "small":
                self.brood = min(self.resistant, self.sure + self.plain)
                self.start_small(self.sure + self.plain - self.brood)
            elif self.bulk is not None:
                ratio = self.numbers["clone_death_ratio"]
                self.brood = resistant_in_size(
                    rng,
                    math.exp(self.bulk.log_size),
                    self.resistance,
                    self.birth,
                    ratio * self.birth,
                )
            self.resistant = 0
        self.exposed = kill > 0.0

    @property
    def _corner(self) -> float:
        return self.numbers["growth_hand_over_size"]

    def grow_large(self, now: float, size: float) -> None:
        """Go on by formula."""
        self.state, self.sure, self.plain = "large", 0, 0
        self.bulk = Bulk(self.growth, self.numbers, size=size, start=now)

    def start_small(self, cells: int) -> None:
        """Go on cell by cell, with ``cells`` like any other."""
        self.state, self.sure, self.plain, self._walks = "small", 0, cells, []

    def _plan_restricted(
        self, rng: np.random.Generator, now: float, environment: Environment
    ) -> tuple[float, str]:
        n, pressure = self.numbers, environment.immune_pressure
        sensitive = self.er and not self.tolerant
        rates = {
            "eliminated": n["restricted_elimination_rate"] * pressure
            + environment.on_cell("restricted_elimination", sensitive, self.her2),
            "environment": n["escape_rate"]
            * n["escape_multiplier"]
            * environment.on_cell("escape", sensitive, self.her2)
            / pressure,
            "mutation": n["mhc_low_mutation_rate"]
            * self.birth
            * n["restricted_size"]
            * (1.0 - n["clone_death_ratio"])
            * environment.mhc_low_odds,
        }
        clocks = {k: rng.standard_exponential() / r for k, r in rates.items() if r > 0.0}
        if not clocks:
            return math.inf, ""
        first = min(clocks, key=lambda kind: clocks[kind])
        return now + clocks[first], first

    def _plan_small(
        self,
        rng: np.random.Generator,
        now: float,
        until: float,
        environment: Environment,
        kill: float,
    ) -> tuple[float, str]:
        n, speed = self.numbers, environment.lesion_speed
        birth = self.birth * speed
        ceiling, kind = self._corner, "grown"
        if self.restrict and n["restricted_size"] <= ceiling:
            ceiling, kind = n["restricted_size"], "restricted"
        death = n["clone_death_ratio"] * birth
        if kill > 0.0:
            self.plain, self.sure = self.plain + self.sure, 0
            death, ceiling = birth + kill, math.inf
        if self.sure >= safe_size(1.0, n["clone_death_ratio"]):
            self.plain, self.sure = self.plain + self.sure, 0
        duration = until - now
        none = (np.zeros(1), np.zeros(1, dtype=np.int64))
        sure = plain = none
        if self.sure:
            sure = surviving_walk(rng, self.sure, birth, death, duration=duration, ceiling=ceiling)
        if self.plain:
            plain = walk(rng, self.plain, birth, death, duration=duration, ceiling=ceiling)
        self._walks, self._fresh = [(now + times, sizes) for times, sizes in (sure, plain)], True
        moments, totals = add_up(self._walks)
        if self.exposed:
            self.daughters = daughters_of_walk(rng, (moments, totals), self.resistance, until)
        reached = np.flatnonzero(totals >= ceiling)
        if reached.size:
            return float(moments[reached[0]]), kind
        if totals[-1] == 0:
            return float(moments[-1]), "extinct"
        return math.inf, ""

    def _plan_large(self, environment: Environment) -> tuple[float, str]:
        bulk, n = self.bulk, self.numbers
        if bulk is None:
            raise AssertionError("a large lesion has a bulk")
        bulk.kill = self.kill_rate(environment)
        bulk.rate = self.growth * environment.lesion_speed
        if bulk.kill > 0.0:
            return max(bulk.start, bulk.time_to(self._corner)), "dwindled"
        events = []
        if self.restrict:
            events.append((bulk.time_to(n["restricted_size"]), "restricted"))
        if math.isnan(self.detected):
            events.append((bulk.time_to(n["detection_size"]), "detected"))
        if not events:
            return math.inf, ""
        time, kind = min(events)
        return max(bulk.start, time), kind

    def hit(self, rng: np.random.Generator, log10_kill: float) -> None:
        """Kill each cell with probability 1 - 10^-``log10_kill``; the plan must be settled."""
        share = 10.0**-log10_kill
        if self.state == "small":
            self.start_small(int(rng.binomial(self.plain + self.sure, share)))
        elif self.state == "large" and self.bulk is not None:
            cells = math.exp(self.bulk.log_size)
            left = rng.binomial(round(cells), share) if cells < _ONE_BY_ONE else cells * share
            if left < self._corner:
                self.start_small(int(left))
            else:
                self.bulk.restart(self.bulk.start, size=float(left))
