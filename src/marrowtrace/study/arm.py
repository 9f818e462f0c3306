"""Arms: which regimens patients get, and what the result of an assay adds to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class RegimenUse:
    """A regimen of the catalogue, or one of the study's own.

    Parameters
    ----------
    name : str
        Regimen of the catalogue; for one of the study's own any name.
    agent : str
        Agent of `marrowtrace.simulation.AGENTS`, for a regimen of the study's own; else empty.
    timing : mapping of str to float
        ``start``, ``duration``, ``cycles``, ``cycle_length``, ``uptake``, ``stopping_rate``
        instead of the catalogue's [day, 1/day]. Starts count from surgery (neoadjuvant regimens and
        those of the study's own: from the index event).
    effects : mapping of str to float
        Effects instead of, or beside, the catalogue's.
    eligibility, acts_on : str
        Instead of the catalogue's; empty to keep them.
    """

    name: str
    agent: str = ""
    timing: Mapping[str, float] = field(default_factory=dict)
    effects: Mapping[str, float] = field(default_factory=dict)
    eligibility: str = ""
    acts_on: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "timing", MappingProxyType(dict(self.timing)))
        object.__setattr__(self, "effects", MappingProxyType(dict(self.effects)))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from plain values: a mapping that cannot change cannot be copied as it is."""
        plain = (dict(self.timing), dict(self.effects), self.eligibility, self.acts_on)
        return RegimenUse, (self.name, self.agent, *plain)


@dataclass(frozen=True, slots=True)
class Rule:
    """An adaptive rule: who is positive at a visit gets a further regimen.

    It looks at what the assay says, never at the truth, and only at patients who are sampled at the
    visit: alive, followed, and (where follow-up begins at diagnosis) free of relapse.

    Parameters
    ----------
    visit, assay : str
    threshold : float
        Smallest count that starts the regimen. An assay that only says positive or negative starts
        it when positive.
    regimen : RegimenUse
        Its own start is not used.
    delay : float
        Days from the visit to the start.
    """

    visit: str
    assay: str
    threshold: float
    regimen: RegimenUse
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a study.

    Parameters
    ----------
    name : str
        Short, for tables: ``"standard"``.
    label : str
        As the report words it.
    share : float
        Share of the patients relative to the other arms; of no effect where arms are paired.
    regimens : tuple of RegimenUse
    rules : tuple of Rule
        In order of their days.
    cancer : str
        Parameter set instead of the study's.
    parameters : mapping of str to float or str
        Values of this arm, beside those of the study.
    surgery : float, optional
        Day of surgery instead of the study's [day]; infinite for never.
    """

    name: str
    label: str = ""
    share: float = 1.0
    regimens: tuple[RegimenUse, ...] = ()
    rules: tuple[Rule, ...] = ()
    cancer: str = ""
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    surgery: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label or self.name)
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def day_of_surgery(self, usual: float) -> float:
        """Return the arm's day of surgery, given that of the study; infinite for never."""
        return usual if self.surgery is None else self.surgery

    @property
    def operated(self) -> bool:
        """Whether the arm itself says that there is surgery."""
        return self.surgery is None or math.isfinite(self.surgery)
