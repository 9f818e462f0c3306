"""What is waited for, and from when time is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "relapse": "first local or distant relapse",
        "distant_relapse": "first distant relapse",
        "bone_relapse": "first distant relapse, in bone",
        "visceral_relapse": "first distant relapse, in viscera",
        "local_relapse": "local relapse before any distant one",
        "disease_free": "relapse or death, whichever comes first",
        "death": "death of any cause",
        "cancer_death": "death of the cancer",
    }
)
"""Endpoints that a study can follow. Whatever ends the waiting first competes (event code 2)."""
CLOCKS = ("index", "surgery", "sampling")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of a study.

    Parameters
    ----------
    name : str
        One of `ENDPOINTS`. Its times in the tables always count from the index event.
    clock : {"index", "surgery", "sampling"}
        From when the analysis counts time: diagnosis (or first metastases), surgery, or the day of
        the sample at ``visit``. Patients whose event came before are not at risk.
    visit : str
        Visit of the clock ``sampling``; empty for each marker's own.
    label : str
        As the report words it.
    """

    name: str
    clock: str = "index"
    visit: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label or ENDPOINTS.get(self.name, self.name))
