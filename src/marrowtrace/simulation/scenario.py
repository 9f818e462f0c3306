"""A scenario: whose disease, under which therapies, looked at when, for how long."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from marrowtrace.catalog import description, parameter_set
from marrowtrace.errors import ProblemList, SimulationError, did_you_mean
from marrowtrace.parameters import ParameterSet
from marrowtrace.simulation.layout import MAX_WINDOWS
from marrowtrace.simulation.regimens import therapy
from marrowtrace.simulation.therapy import Therapy
from marrowtrace.units import DAYS_PER_YEAR

ENTRIES = ("diagnosis", "metastatic")
IMMUNITIES = ("static", "dynamic")
DORMANCIES = ("exponential", "erlang", "weibull", "lognormal")
_MONTH = DAYS_PER_YEAR / 12.0
_LONGEST = 150.0 * DAYS_PER_YEAR
FOLLOW_UP = tuple(month * _MONTH for month in (0, 1, 8, 12, 24, 36, 60))
"""Visits of the bundled scenarios: diagnosis, 1 month, 8 months, 1, 2, 3 and 5 years [day]."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One arm: parameters of the disease, therapies, visits and horizon.

    Parameters
    ----------
    name : str
    parameters : ParameterSet
        As `marrowtrace.catalog.parameter_set` gives it.
    therapies : tuple of Therapy
    visits : tuple of float
        Days, ascending, >= 0, at which burdens are noted.
    horizon : float
        Last day followed.
    surgery : float
        Day the primary is removed; infinity for never.
    dormancy : {"exponential", "erlang", "weibull", "lognormal"}
        Law of the waiting time in dormancy; shapes are parameters.
    step : float
        Largest change of the log size of anything that sheds, within one step.
    founders_after_relapse : bool
        Whether cells shed after the first distant relapse may found further lesions.
    entry : {"diagnosis", "metastatic"}
        Where follow-up begins: at diagnosis of the primary, or at the first distant relapse.
        Visits, therapies and horizon are counted from there; all else stays on the clock of the
        diagnosis.
    immunity : {"static", "dynamic"}
        Whether the immune pressure follows lesions and therapies at once, or by effector and
        memory cells that take their time (`marrowtrace.simulation.response`).

    Raises
    ------
    SimulationError
        With everything that is wrong.
    """

    name: str
    parameters: ParameterSet
    therapies: tuple[Therapy, ...] = ()
    visits: tuple[float, ...] = FOLLOW_UP
    horizon: float = 20.0 * DAYS_PER_YEAR
    surgery: float = 0.0
    dormancy: str = "exponential"
    step: float = 0.5
    founders_after_relapse: bool = False
    entry: str = "diagnosis"
    immunity: str = "static"

    def __post_init__(self) -> None:
        problems = ProblemList()
        if not 0.0 <= self.horizon <= _LONGEST:
            problems.add(
                "horizon", f"{self.horizon!r} is outside its range; give days, 0 to {_LONGEST:g}"
            )
        if not self.surgery >= 0.0:
            problems.add("surgery", f"{self.surgery!r}; give a day from 0 on, or infinity")
        if self.dormancy not in DORMANCIES:
            hint = did_you_mean(self.dormancy, DORMANCIES)
            problems.add("dormancy", f"'{self.dormancy}'; allowed: {', '.join(DORMANCIES)}{hint}")
        if self.entry not in ENTRIES:
            hint = did_you_mean(self.entry, ENTRIES)
            problems.add("entry", f"'{self.entry}'; allowed: {', '.join(ENTRIES)}{hint}")
        if self.immunity not in IMMUNITIES:
            hint = did_you_mean(self.immunity, IMMUNITIES)
            problems.add("immunity", f"'{self.immunity}'; allowed: {', '.join(IMMUNITIES)}{hint}")
        if not 1e-4 <= self.step <= 2.0:
            problems.add("step", f"{self.step!r} is outside its range; give 0.0001 to 2")
        for index, visit in enumerate(self.visits):
            if not 0.0 <= visit < math.inf:
                problems.add(f"visits[{index}]", f"{visit!r}; give days from 0 on")
            elif index and not visit > self.visits[index - 1]:
                problems.add(f"visits[{index}]", f"{visit:g} does not come after the one before")
        if len(self.therapies) > MAX_WINDOWS:
            problems.add("therapies", f"{len(self.therapies)}; at most {MAX_WINDOWS}")
        if "detection_size" in self.parameters:
            self._check_sizes(problems)
        problems.raise_any(SimulationError, f"the scenario '{self.name}'")

    def _check_sizes(self, problems: ProblemList) -> None:
        """Sizes that must be in order for growth to make sense."""
        plateau = self.parameters["tumour_carrying_capacity"].canonical
        for symbol in ("detection_size", "tumour_size_at_diagnosis_max", "growth_hand_over_size"):
            size = self.parameters[symbol].canonical
            if not size < plateau:
                problems.add(
                    symbol,
                    f"{size:g} is not below tumour_carrying_capacity = {plateau:g}, "
                    "which no tumour exceeds",
                )

    def with_values(self, values: Mapping[str, float | str]) -> Scenario:
        """Return the scenario with other parameter values; therapies keep their numbers.

        Raises
        ------
        ParameterError
            Listing what cannot be used.
        """
        return replace(self, parameters=self.parameters.with_values(values))

    def with_therapies(self, *therapies: Therapy, name: str = "") -> Scenario:
        """Return the scenario with these therapies instead."""
        return replace(self, therapies=tuple(therapies), name=name or self.name)


def scenario(
    name: str,
    *,
    regimens: tuple[str, ...] | None = None,
    values: Mapping[str, float | str] | None = None,
    surgery: float | None = None,
) -> Scenario:
    """Return the scenario of a parameter set of the catalogue.

    Parameters
    ----------
    name : str
        Parameter set, e.g. ``"early-breast"``.
    regimens : tuple of str, optional
        Regimens of the catalogue; those usual for the set if left out.
    values : mapping, optional
        Parameter values to use instead.
    surgery : float, optional
        Day of surgery; usual for the set if left out.

    Raises
    ------
    CatalogError, ParameterError, SimulationError

    Examples
    --------
    >>> usual = scenario("early-breast")
    >>> [therapy.agent for therapy in usual.therapies]
    ['chemotherapy', 'endocrine']
    >>> len(usual.visits), usual.horizon
    (7, 7305.0)
    """
    what = description(name)
    parameters = parameter_set(name)
    if values:
        parameters = parameters.with_values(values)
    usual, day = _usual(what.cancer, what.name)
    day = day if surgery is None else surgery
    chosen = usual if regimens is None else regimens
    therapies = tuple(therapy(each, parameters, surgery=day) for each in chosen)
    return Scenario(what.name, parameters, therapies, surgery=day, entry=what.entry)


def _usual(cancer: str, name: str) -> tuple[tuple[str, ...], float]:
    """Usual regimens and day of surgery of a parameter set."""
    by_cancer = {
        "breast": ("chemotherapy-adjuvant", "endocrine-5y"),
        "prostate": ("androgen-deprivation",),
        "colorectal": ("chemotherapy-adjuvant",),
        "gastric": ("chemotherapy-adjuvant",),
        "lung": ("chemotherapy-adjuvant",),
    }
    regimens = by_cancer.get(cancer, ())
    if name.startswith("neoadjuvant"):
        return ("chemotherapy-neoadjuvant", "endocrine-5y"), 168.0
    return regimens, 0.0
