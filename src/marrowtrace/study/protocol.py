"""A study protocol: who is simulated, treated how, seen when, and compared with what.

`marrowtrace.study.protocol_file` reads one from TOML and writes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType

from marrowtrace.errors import ProblemList, SimulationError
from marrowtrace.study.arm import Arm
from marrowtrace.study.endpoint import Endpoint
from marrowtrace.study.published import Comparison, Marker
from marrowtrace.study.visit import AssayUse, Visit
from marrowtrace.units import DAYS_PER_YEAR

ALLOCATIONS = ("randomised", "paired")
ANALYSES = (
    "detection",
    "recurrence",
    "hazard",
    "relapse_origin",
    "markers",
    "ctc_against_dtc",
    "lives",
    "published",
)
"""Analyses that a study can ask for."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Who of the simulated patients enters the study; what is None does not select.

    Parameters
    ----------
    metastatic : bool
        Whether patients with metastases at diagnosis enter.
    er, her2 : {"positive", "negative"}, optional
    node_positive : bool, optional
    age_from, age_below : float, optional
        [year]
    diameter_above, diameter_to : float, optional
        [mm]
    """

    metastatic: bool = False
    er: str | None = None
    her2: str | None = None
    node_positive: bool | None = None
    age_from: float | None = None
    age_below: float | None = None
    diameter_above: float | None = None
    diameter_to: float | None = None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """How long patients are followed.

    Parameters
    ----------
    accrual : float
        Patients enter uniformly over so many days.
    closes : float
        Day, from the entry of the first patient, on which the study closes; infinite where each is
        followed to the horizon.
    drop_out : float
        Rate at which patients are lost to follow-up [1/day].
    """

    accrual: float = 0.0
    closes: float = math.inf
    drop_out: float = 0.0


@dataclass(frozen=True, slots=True)
class Analyses:
    """What is analysed.

    Parameters
    ----------
    wanted : tuple of str
        Of `ANALYSES`.
    markers : tuple of Marker
        Markers of the prognosis tables; those of all visits and assays if empty.
    pair : tuple of Marker
        The blood and the marrow marker that are compared on the same patients; the first visit that
        has both if empty.
    endpoints : tuple of str
        Endpoints of the prognosis tables; death and disease_free (or what there is) if empty.
    lives : int
        Patients replayed in detail.
    """

    wanted: tuple[str, ...] = ANALYSES
    markers: tuple[Marker, ...] = ()
    pair: tuple[Marker, ...] = ()
    endpoints: tuple[str, ...] = ()
    lives: int = 3


@dataclass(frozen=True)
class Protocol:
    """A study as it is planned; checked as a whole.

    Parameters
    ----------
    name, title, question : str
        Short name, title, and what the study asks.
    cancer : str
        Parameter set of the catalogue.
    patients : int
        Patients simulated (in each arm, where arms are paired). Those who are not eligible are
        counted and left out.
    arms : tuple of Arm
    visits : tuple of Visit
    endpoints : tuple of Endpoint
    seed : int
    parameters : mapping of str to float or str
        Values instead of the catalogue's, with units: ``{"ctc_half_life": "90 min"}``.
    assays : tuple of AssayUse
        Assays that the visits name.
    horizon : float
        Longest follow-up [day].
    surgery : float
        Day of surgery; infinite for never.
    allocation : {"randomised", "paired"}
        Each patient to one arm, or the same patients in every arm, with the same randomness until
        their histories part.
    dormancy : str
        Law of the waiting time in dormancy.
    eligibility : Eligibility
    follow_up : FollowUp
    sampled_after_relapse : bool
        Whether planned visits go on after the first distant relapse.
    analyses : Analyses
    published : tuple of Comparison
    notes : str
    noted : ProblemList, optional
        Problems that were found before, while reading; they are raised together with those found
        here.

    Raises
    ------
    SimulationError
        With every problem.
    """

    name: str
    title: str
    question: str
    cancer: str
    patients: int
    arms: tuple[Arm, ...]
    visits: tuple[Visit, ...]
    endpoints: tuple[Endpoint, ...]
    seed: int = 1
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    assays: tuple[AssayUse, ...] = ()
    horizon: float = 20.0 * DAYS_PER_YEAR
    surgery: float = 0.0
    allocation: str = "randomised"
    dormancy: str = "exponential"
    eligibility: Eligibility = Eligibility()
    follow_up: FollowUp = FollowUp()
    sampled_after_relapse: bool = False
    analyses: Analyses = Analyses()
    published: tuple[Comparison, ...] = ()
    notes: str = ""
    noted: InitVar[ProblemList | None] = None

    def __post_init__(self, noted: ProblemList | None) -> None:
        from marrowtrace.study.protocol_checks import check

        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        problems = ProblemList() if noted is None else noted
        check(self, problems)
        problems.raise_any(SimulationError, f"the protocol '{self.name}'")

    def arm(self, name: str) -> Arm:
        """Return the arm called ``name``."""
        return next(arm for arm in self.arms if arm.name == name)

    def visit(self, name: str) -> Visit:
        """Return the visit called ``name``."""
        return next(visit for visit in self.visits if visit.name == name)

    def assay_use(self, name: str) -> AssayUse:
        """Return the assay called ``name`` as the study uses it."""
        return next(use for use in self.assays if use.name == name)

    @property
    def metastatic(self) -> bool:
        """Whether follow-up begins with metastases."""
        from marrowtrace.catalog import description

        return description(self.cancer).entry == "metastatic"

    @property
    def index_event(self) -> str:
        """What day 0 of the tables is."""
        return "enrolment" if self.metastatic else "diagnosis"

    def day_of_surgery(self, arm: Arm) -> float:
        """Return the day of surgery in an arm; infinite for never."""
        return arm.day_of_surgery(self.surgery)

    def day_of(self, visit: Visit, arm: Arm) -> float:
        """Return the day of a visit in an arm, from the index event; infinite at relapse."""
        return visit.day_in(self.day_of_surgery(arm))
