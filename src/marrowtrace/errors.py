"""Errors a user can mend, each naming the place, the value, what is allowed and the likely fix.

Every error derives from `MarrowtraceError` and from the builtin exception that it refines, so
callers may catch either. Errors of a whole file are collected as `Problem` objects and raised
together by `ProblemList.raise_any`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


class MarrowtraceError(Exception):
    """Base of all errors that the user of marrowtrace can mend."""


class UnitError(MarrowtraceError, ValueError):
    """A unit that is unknown, or of another dimension than the one wanted."""


class ParameterError(MarrowtraceError, ValueError):
    """A parameter outside its range, without a source, or of the wrong kind."""


class CitationError(MarrowtraceError, LookupError):
    """A reference that is not in the bibliography, or is incomplete."""


class CatalogError(MarrowtraceError, LookupError):
    """A name that is not in the catalogue."""


class CohortError(MarrowtraceError, ValueError):
    """Tables that do not make a cohort, or a selection that the cohort cannot answer."""


class InputFileError(MarrowtraceError, ValueError):
    """A file that cannot be read as what it was given for."""


class MissingFileError(MarrowtraceError, FileNotFoundError):
    """A file or folder that does not exist."""


class OutputError(MarrowtraceError, OSError):
    """A result that cannot be written: no space, no permission, or a folder in use."""


class EvidenceError(MarrowtraceError, ValueError):
    """Published figures that contradict themselves, or cannot be pooled as asked."""


class SimulationError(MarrowtraceError, ValueError):
    """A scenario that cannot be simulated as asked."""


class PrivacyError(MarrowtraceError, ValueError):
    """A file that holds what identifies a person."""


class MissingExtraError(MarrowtraceError, ImportError):
    """A feature whose optional packages are not installed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the input.

    Parameters
    ----------
    place : str
        Where: ``table.column``, ``file:line`` or the key of a setting.
    message : str
        What is wrong, with the value, what is allowed and the likely fix.
    """

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ProblemList:
    """Collects problems, so that a user sees all of them at once.

    Examples
    --------
    >>> problems = ProblemList()
    >>> problems.add("samples.site", "1 row holds 'marow'; did you mean 'bone_marrow'?")
    >>> problems.raise_any(CohortError, "the cohort tables")
    Traceback (most recent call last):
    ...
    marrowtrace.errors.CohortError: 1 problem in the cohort tables:
      samples.site: 1 row holds 'marow'; did you mean 'bone_marrow'?
    """

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._problems: list[Problem] = list(problems)

    def add(self, place: str, message: str) -> None:
        """Note one problem at ``place``."""
        self._problems.append(Problem(place, message))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several problems."""
        self._problems.extend(problems)

    def __len__(self) -> int:
        return len(self._problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._problems)

    def raise_any(self, error: type[MarrowtraceError], where: str) -> None:
        """Raise ``error`` with every problem listed, or do nothing if there are none."""
        if not self._problems:
            return
        count = len(self._problems)
        heading = f"{count} problem{'' if count == 1 else 's'} in {where}:"
        raise error("\n".join([heading, *(f"  {problem}" for problem in self._problems)]))


def did_you_mean(word: str, allowed: Sequence[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest allowed word, or nothing if none is near.

    Examples
    --------
    >>> did_you_mean("brest", ["breast", "prostate"])
    "; did you mean 'breast'?"
    >>> did_you_mean("zzz", ["breast"])
    ''
    """
    by_folded = {option.casefold(): option for option in allowed}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f"; did you mean '{by_folded[near[0]]}'?" if near else ""
