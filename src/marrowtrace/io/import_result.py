"""What an import gives: the cohort, and everything that was understood on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marrowtrace.cohort import Cohort


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A cohort read from files of another make.

    Parameters
    ----------
    cohort : Cohort
    report : tuple of str
        One sentence for each thing that was understood, converted, left out or assumed; nothing
        that identifies a person, and no calendar date.
    """

    cohort: Cohort
    report: tuple[str, ...]
