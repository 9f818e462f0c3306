"""One published figure: a study, a detection rate, a prognostic effect, and their corrections.

What a table prints stays as printed. A correction names the column, the value that stands in the
source and the reason, and lies beside the printed value; `corrected` returns the row as the source
has it. Rows with one ``cohort`` key share patients and are never independent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias, TypeVar, cast

from marrowtrace.errors import EvidenceError, Problem, ProblemList, did_you_mean
from marrowtrace.evidence.checks import effect_problems, rate_problems
from marrowtrace.evidence.vocabulary import term, unknown_word

CellValue: TypeAlias = "str | int | float | None"
Row = TypeVar("Row", "DetectionRate", "PrognosticEffect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What the source says where a table prints something else, or nothing.

    Parameters
    ----------
    column : str
        Column of the row.
    value : str, int, float or None
        Value in the source.
    reason : str
        Why the printed value is not used.
    """

    column: str
    value: CellValue
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise EvidenceError(
                f"the correction of {self.column} to {self.value!r} has no reason; say what the "
                "source prints and where"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study that rows belong to.

    Parameters
    ----------
    key : str
        First author and year, the key of its reference in the bibliography (``"fehm2009"``).
    cohort : str
        Patients it draws on; studies with one cohort share patients. The key if left out.
    pools : tuple of str
        Keys of studies whose patients it pools, so that it cannot stand beside them.
    citation : str
        The paper as text, for a study that is not in the bibliography.
    note : str
    """

    key: str
    cohort: str = ""
    pools: tuple[str, ...] = ()
    citation: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.key.strip():
            raise EvidenceError("a study has no key; give first author and year, e.g. 'fehm2009'")
        if not self.cohort:
            object.__setattr__(self, "cohort", self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRate:
    """How many of the examined carried the cells.

    Parameters
    ----------
    row : str
        Name of the row, e.g. ``"t1-09"``.
    source : str
        Table the row stands in.
    study : str
        Key of the study, which is that of its reference.
    analyte : str
        CTC, DTC or CTC_cluster.
    cancer, stage : str
    assay, marker : str
        How cells were found, as printed; empty where not printed.
    threshold : int, optional
        Cells that make a sample positive; None where not printed.
    volume_ml, cells : float, optional
        Blood [mL] or nucleated cells examined, without which a threshold means nothing.
    phase : str
        pre, on or post treatment.
    unit : str
        What was counted: patients or samples.
    k, n : int, optional
        Positive and examined.
    percent : str
        Per cent positive as printed, with its digits ("24", "37.4").
    cohort : str
        Patients shared with other rows; that of the study if left out.
    set_aside : str
        Reason why the row is not to be pooled; empty for a row that may be.
    status : str
        printed (in the review), seen (in the source), remembered or user.
    where : str
        Place in the source.
    flags : tuple of str
        What a reader should know, in words.
    faults : tuple of int
        Numbers of the audit's faults that touch the row.
    corrections : tuple of Correction

    Raises
    ------
    EvidenceError
        With every inconsistency of the printed values that no correction explains.
    """

    WORD_COLUMNS: ClassVar[tuple[str, ...]] = ("analyte", "cancer", "stage", "phase", "unit")
    row: str
    source: str = "user"
    study: str
    analyte: str
    cancer: str = "other"
    stage: str = "unknown"
    assay: str = ""
    marker: str = ""
    threshold: int | None = None
    volume_ml: float | None = None
    cells: float | None = None
    phase: str = "pre"
    unit: str = "patients"
    k: int | None = None
    n: int | None = None
    percent: str = ""
    cohort: str = ""
    set_aside: str = ""
    status: str = "user"
    where: str = ""
    flags: tuple[str, ...] = ()
    faults: tuple[int, ...] = ()
    corrections: tuple[Correction, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    def problems(self) -> list[Problem]:
        """What is inconsistent in the row as it stands, corrections left out of account."""
        return rate_problems(self)

    def corrected(self) -> DetectionRate:
        """Return the row with every correction applied."""
        return _corrected(self)

    @property
    def count(self) -> int | None:
        """Positives: k, or the count nearest to the per cent printed of n; None without them."""
        if self.k is not None:
            return self.k
        if self.n is None or not self.percent:
            return None
        return round(float(self.percent) / 100 * self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrognosticEffect:
    """How the cells went with outcome.

    Parameters
    ----------
    row, source, study, analyte, cancer, stage, assay, marker, threshold, volume_ml, cells : see
        `DetectionRate`
    phase : str
        When the cells were looked for: pre, on or post treatment.
    treatment : str
        As printed.
    endpoint : str
        OS, BCSS, DFS, DFI, DDFS, RFS, PFS or PSA-PFS.
    n, positives, events : int, optional
        Patients, those with cells, those with the event.
    p : str
        As printed: ``"0.003"``, ``"<0.0001"`` or ``"ns"``.
    hr, ci_low, ci_high : float, optional
        Hazard ratio of those with cells to those without, and its interval at ``ci_level``.
    ci_level : float
    direction : str
        worse or better with cells; unknown where a table gives the p-value alone.
    adjustment : str
        univariable, multivariable or unknown.
    clock : str
        Time counted from diagnosis or from sampling; unknown where not printed.
    cohort, set_aside, status, where, flags, faults, corrections : see `DetectionRate`

    Raises
    ------
    EvidenceError
        With every inconsistency of the printed values that no correction explains.
    """

    WORD_COLUMNS: ClassVar[tuple[str, ...]] = (
        *("analyte", "cancer", "stage", "phase", "endpoint"),
        *("direction", "adjustment", "clock"),
    )
    row: str
    source: str = "user"
    study: str
    analyte: str
    cancer: str = "other"
    stage: str = "unknown"
    assay: str = ""
    marker: str = ""
    threshold: int | None = None
    volume_ml: float | None = None
    cells: float | None = None
    phase: str = "pre"
    treatment: str = ""
    endpoint: str
    n: int | None = None
    positives: int | None = None
    events: int | None = None
    p: str = ""
    hr: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float = 0.95
    direction: str = "unknown"
    adjustment: str = "unknown"
    clock: str = "unknown"
    cohort: str = ""
    set_aside: str = ""
    status: str = "user"
    where: str = ""
    flags: tuple[str, ...] = ()
    faults: tuple[int, ...] = ()
    corrections: tuple[Correction, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    def problems(self) -> list[Problem]:
        """What is inconsistent in the row as it stands, corrections left out of account."""
        return effect_problems(self)

    def corrected(self) -> PrognosticEffect:
        """Return the row with every correction applied."""
        return _corrected(self)


_UNCORRECTABLE = ("row", "source", "study", "cohort", "faults", "flags", "corrections")
_NUMBERS: Mapping[str, type] = {
    **dict.fromkeys(("threshold", "k", "n", "positives", "events"), int),
    **dict.fromkeys(("volume_ml", "cells", "hr", "ci_low", "ci_high", "ci_level"), float),
}


def columns(kind: type[DetectionRate] | type[PrognosticEffect]) -> tuple[str, ...]:
    """Names of the printed columns of a row, in order."""
    return tuple(f.name for f in dataclasses.fields(kind) if f.name != "corrections")


def correctable(kind: type[DetectionRate] | type[PrognosticEffect]) -> tuple[str, ...]:
    """Names of the columns that a correction may name."""
    return tuple(name for name in columns(kind) if name not in _UNCORRECTABLE)


def number_type(column: str) -> type | None:
    """``int`` or ``float`` for a column of numbers, None for one of text."""
    return _NUMBERS.get(column)


def row_problems(
    kind: type[DetectionRate] | type[PrognosticEffect], values: Mapping[str, object]
) -> list[Problem]:
    """Everything that is wrong with the values of a row, without making it.

    Parameters
    ----------
    kind : type
        `DetectionRate` or `PrognosticEffect`.
    values : mapping
        Column to value; columns left out have their default.
    """
    return list(_problems(_draft(kind, values)))


def _draft(
    kind: type[DetectionRate] | type[PrognosticEffect], values: Mapping[str, object]
) -> DetectionRate | PrognosticEffect:
    """A row that was not checked."""
    draft = object.__new__(kind)
    for f in dataclasses.fields(kind):
        default = "" if f.default is dataclasses.MISSING else f.default
        object.__setattr__(draft, f.name, values.get(f.name, default))
    return draft


def _check(row: DetectionRate | PrognosticEffect) -> None:
    """Refuse what cannot be, and replace synonyms by their terms."""
    _problems(row).raise_any(EvidenceError, f"row {row.row}")
    for column in (*row.WORD_COLUMNS, "status"):
        object.__setattr__(row, column, term(column, str(getattr(row, column))))
    if not row.cohort:
        object.__setattr__(row, "cohort", row.study)


def _problems(row: DetectionRate | PrognosticEffect) -> ProblemList:
    """What is wrong with a row: words, corrections, and numbers that no correction explains."""
    problems = ProblemList()
    for column in ("row", "study"):
        if not str(getattr(row, column)).strip():
            problems.add(f"{row.row or 'row'}.{column}", "is empty; every row needs one")
    for column in (*row.WORD_COLUMNS, "status"):
        word = str(getattr(row, column))
        wrong = unknown_word(column, word)
        if wrong:
            problems.add(f"{row.row}.{column}", wrong)
    allowed = correctable(type(row))
    for correction in row.corrections:
        if correction.column not in allowed:
            problems.add(
                f"{row.row}.{correction.column}",
                f"cannot be corrected; columns that can: {', '.join(allowed)}"
                f"{did_you_mean(correction.column, allowed)}",
            )
    mended = {correction.column for correction in row.corrections}
    for problem in row.problems():
        if not mended & set(problem.place.split(".")[-1].split("+")):
            problems.add(problem.place, problem.message)
    if not len(problems) and any(c.value is not None for c in row.corrections):
        for problem in _problems(_draft(type(row), _corrected_values(row))):
            problems.add(problem.place, f"as corrected, {problem.message}")
    return problems


def _corrected(row: Row) -> Row:
    """Return ``row`` with its corrections in place of what is printed."""
    return cast("Row", _corrected_once(row))


@lru_cache(maxsize=4096)
def _corrected_once(row: DetectionRate | PrognosticEffect) -> DetectionRate | PrognosticEffect:
    """Make and check the corrected row, once for each row."""
    return type(row)(**_corrected_values(row))


def _corrected_values(row: DetectionRate | PrognosticEffect) -> dict[str, Any]:
    """Values of ``row`` with its corrections applied; those to 'unknown' stay as a mark."""
    values = {f.name: getattr(row, f.name) for f in dataclasses.fields(row)}
    mended = {
        c.column: "" if c.value is None and number_type(c.column) is None else c.value
        for c in row.corrections
    }
    if "percent" not in mended and any(mended.get(name) is not None for name in ("k", "n")):
        mended["percent"] = ""  # printed for other numbers
    known = {name: value for name, value in mended.items() if name in values}
    marks = tuple(c for c in row.corrections if c.value is None)
    return {**values, **known, "corrections": marks}
