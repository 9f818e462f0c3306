"""Virtual cohorts that the checks share: each is simulated once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from marrowtrace.simulation import History, Scenario, Therapy, scenario, simulate

SEED = 20181
QUICK, FULL = 6_000, 60_000
KEPT = 16
"""Cohorts kept at once, those used last; a full one takes about 100 MB."""


@dataclass(frozen=True, slots=True)
class World:
    """A size, a seed and what has been simulated so far.

    Parameters
    ----------
    quick : bool
        Whether cohorts are small.
    seed : int
    """

    quick: bool = True
    seed: int = SEED
    _histories: dict[str, History] = field(default_factory=dict, repr=False, compare=False)

    @property
    def patients(self) -> int:
        """Usual size of a cohort."""
        return QUICK if self.quick else FULL

    def arm(
        self,
        name: str = "early-breast",
        *,
        regimens: tuple[str, ...] | None = None,
        values: Mapping[str, float | str] | None = None,
        surgery: float | None = None,
        extra: tuple[Therapy, ...] = (),
        visits: tuple[float, ...] | None = None,
        horizon: float | None = None,
    ) -> Scenario:
        """Return a scenario: see `marrowtrace.simulation.scenario`; days for visits and horizon."""
        arm = scenario(name, regimens=regimens, values=values, surgery=surgery)
        arm = arm.with_therapies(*arm.therapies, *extra)
        if visits is not None:
            arm = replace(arm, visits=visits)
        return arm if horizon is None else replace(arm, horizon=horizon)

    def history(self, arm: Scenario | str = "early-breast", patients: int | None = None) -> History:
        """Return the cohort of a scenario; the same patients for every scenario of this world."""
        arm = self.arm(arm) if isinstance(arm, str) else arm
        number = self.patients if patients is None else patients
        from marrowtrace.simulation.scenario_file import to_json

        key = f"{number} {to_json(arm)}"
        found = self._histories.pop(key, None)
        if found is None:
            found = simulate(arm, number, self.seed)
        self._histories[key] = found  # to the end: the first is the one unused for longest
        while len(self._histories) > KEPT:
            del self._histories[next(iter(self._histories))]
        return found
