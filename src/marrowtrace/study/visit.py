"""When patients are seen, and which assays their samples go to."""

from __future__ import annotations

import math
from dataclasses import dataclass

CLOCKS = ("index", "surgery", "relapse")
"""What a visit's day is counted from; a visit ``at relapse`` takes place when a relapse is seen."""


@dataclass(frozen=True, slots=True)
class AssayUse:
    """One assay as a study uses it.

    Parameters
    ----------
    name : str
        Its name in this study's tables, e.g. ``"cellsearch-23ml"``.
    preset : str
        Assay of `marrowtrace.assays`.
    definition : str
        An assay of one's own instead, as TOML; empty to use the preset.
    amount : float, optional
        Amount examined instead of the preset's: mL of blood, or nucleated cells of marrow.
    sides : int, optional
        Aspirates instead of the preset's.
    laboratories : int
        Laboratories that share the patients; 0 for one that is as the preset says.
    recovery_log_sd, false_positive_log_sd : float
        Differences between laboratories: log-sd of recovery and of false positives.
    """

    name: str
    preset: str
    definition: str = ""
    amount: float | None = None
    sides: int | None = None
    laboratories: int = 0
    recovery_log_sd: float = 0.0
    false_positive_log_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Visit:
    """One planned visit.

    Parameters
    ----------
    name : str
        E.g. ``"diagnosis"``, ``"36 months"``.
    day : float
        Day after the event that ``clock`` names [day]; 0 for a visit at relapse.
    assays : tuple of str
        Names of the assays (`AssayUse.name`) that the samples go to.
    clock : {"index", "surgery", "relapse"}
        What ``day`` is counted from: diagnosis (or first metastases), surgery, or the first
        distant relapse.
    phase : {"pre", "on", "post"}
        Before, on or after the treatment under study.
    attendance : float
        Probability that a patient who is still followed comes and is sampled.
    """

    name: str
    day: float
    assays: tuple[str, ...] = ()
    clock: str = "index"
    phase: str = "post"
    attendance: float = 1.0

    def day_in(self, surgery: float) -> float:
        """Return the day from the index event, given the day of surgery; infinite at relapse."""
        if self.clock == "relapse":
            return math.inf
        return self.day + (surgery if self.clock == "surgery" and math.isfinite(surgery) else 0.0)
