"""Which rows of the evidence are pooled, and why the others are not.

Rows of one group of patients are never taken as independent. The rule is stated in `RULE`: of each
group one row is kept, that of the most patients, then of the lowest threshold, then the first. A
row as printed is taken at its word; a row as corrected is what its source has, with the rows left
out that the source shows not to belong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

from marrowtrace.errors import EvidenceError, ProblemList, did_you_mean
from marrowtrace.evidence.audit import faults_of
from marrowtrace.evidence.records import DetectionRate, PrognosticEffect
from marrowtrace.evidence.tables import PUBLISHED, TABLE_1, TABLE_2, USER, EvidenceTables
from marrowtrace.evidence.vocabulary import term, unknown_word

Row = TypeVar("Row", DetectionRate, PrognosticEffect)
Dependence = Literal["pick", "independent"]
DEPENDENCES: tuple[str, ...] = get_args(Dependence)
SOURCES = (TABLE_1, TABLE_2, PUBLISHED, USER)
RULE = (
    "one row for each group of patients: the one with the most patients, then the lowest "
    "threshold, then the first"
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that matches what was asked for but is not pooled.

    Parameters
    ----------
    row : str
    reason : str
    """

    row: str
    reason: str


@dataclass(frozen=True)
class Chosen(Generic[Row]):
    """Rows to pool, in the order of the tables.

    Parameters
    ----------
    rows : tuple
        As printed or as corrected, whichever was asked for.
    left_out : tuple of LeftOut
    shared : tuple of tuple of str
        Names of pooled rows that share patients; empty unless taken as independent.
    flags : tuple of str
        Everything that touched a row, pooled or left out: faults, corrections, notes.
    """

    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]
    shared: tuple[tuple[str, ...], ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to pool.

    Parameters
    ----------
    analyte : str
        CTC, DTC or CTC_cluster.
    phase : str, optional
        pre, on or post; all if left out.
    endpoints : tuple of str
        For effects: endpoints that count as one.
    cancer, stage : str, optional
    threshold : int, optional
        Cells that make a sample positive; the commonest rule if left out.
    sources : tuple of str
        Tables to draw on; a user's own rows are always among them.
    as_printed : bool
        Take the printed values, not the corrected ones.
    dependence : {"pick", "independent"}
        Keep one row for each group of patients, or take every row as independent, which is wrong
        where patients are shared and only there to show what a careless reading gives.

    Raises
    ------
    EvidenceError
        With every word that is unknown.
    """

    analyte: str
    phase: str | None = None
    endpoints: tuple[str, ...] = ()
    cancer: str | None = None
    stage: str | None = None
    threshold: int | None = None
    sources: tuple[str, ...] = (TABLE_1,)
    as_printed: bool = False
    dependence: str = "pick"

    def __post_init__(self) -> None:
        problems = ProblemList()
        for column in ("analyte", "phase", "cancer", "stage"):
            word = getattr(self, column)
            if word is None:
                continue
            wrong = unknown_word(column, word)
            if wrong:
                problems.add(column, wrong)
            else:
                object.__setattr__(self, column, term(column, word))
        for endpoint in self.endpoints:
            wrong = unknown_word("endpoint", endpoint)
            if wrong:
                problems.add("endpoint", wrong)
        for source in self.sources:
            if source not in SOURCES:
                problems.add(
                    "source",
                    f"'{source}' is unknown; allowed: {', '.join(SOURCES)}"
                    f"{did_you_mean(source, SOURCES)}",
                )
        if self.dependence not in DEPENDENCES:
            problems.add(
                "dependence",
                f"'{self.dependence}' is unknown; allowed: {', '.join(DEPENDENCES)}"
                f"{did_you_mean(self.dependence, DEPENDENCES)}",
            )
        problems.raise_any(EvidenceError, "what to pool")


def choose(
    rows: Sequence[Row],
    query: Query,
    tables: EvidenceTables,
    *,
    usable: Callable[[Row], str],
) -> Chosen[Row]:
    """Choose the rows to pool.

    Parameters
    ----------
    rows : sequence of DetectionRate or PrognosticEffect
        As in the tables, with their corrections.
    query : Query
    tables : EvidenceTables
        Whose studies say which patients are shared.
    usable : callable
        Reason why a row cannot be pooled, empty if it can.

    Returns
    -------
    Chosen

    Raises
    ------
    EvidenceError
        If nothing matches, or nothing that matches can be pooled.
    """
    matching: list[tuple[Row, Row]] = []  # printed, and the version to pool
    for printed in rows:
        used = printed if query.as_printed else printed.corrected()
        if used.source in (*query.sources, USER) and _matches(used, query):
            matching.append((printed, used))
    if not matching:
        raise EvidenceError(_nothing(rows, query))
    left_out: list[LeftOut] = []
    kept: list[Row] = []
    for _, used in matching:
        reason = _out(used, query, usable)
        if reason:
            left_out.append(LeftOut(used.row, reason))
        else:
            kept.append(used)
    if not query.as_printed:
        kept = _one_threshold(kept, query, left_out)
    if not kept:
        reasons = "; ".join(f"{out.row}: {out.reason}" for out in left_out)
        raise EvidenceError(f"{len(matching)} row(s) match but none can be pooled: {reasons}")
    groups = _groups(kept, tables)
    if query.dependence == "pick":
        kept = _pick(kept, groups, left_out)
        shared: tuple[tuple[str, ...], ...] = ()
    else:
        shared = tuple(tuple(row.row for row in group) for group in groups if len(group) > 1)
    return Chosen(tuple(kept), tuple(left_out), shared, _flags(matching, query, tables))


def _matches(row: DetectionRate | PrognosticEffect, query: Query) -> bool:
    """Whether a row is what was asked for."""
    if isinstance(row, PrognosticEffect) and row.endpoint not in query.endpoints:
        return False
    wanted = {"phase": query.phase, "cancer": query.cancer, "stage": query.stage}
    return row.analyte == query.analyte and all(
        value is None or getattr(row, name) == value for name, value in wanted.items()
    )


def _out(row: Row, query: Query, usable: Callable[[Row], str]) -> str:
    """Why a matching row is not pooled; empty if it is."""
    if row.set_aside:
        return row.set_aside
    if isinstance(row, DetectionRate) and row.unit != "patients":
        return f"counts {row.unit}, not patients"
    if query.threshold is not None and (row.threshold or 1) != query.threshold:
        return f"positive means {_rule(row)}, not {query.threshold} or more"
    return usable(row)


def _one_threshold(rows: list[Row], query: Query, left_out: list[LeftOut]) -> list[Row]:
    """Keep the rows of one rule of positivity: that asked for, or the commonest (then lowest)."""
    if query.threshold is not None or not rows:
        return rows
    tally = Counter(row.threshold or 1 for row in rows)
    rule = min(tally, key=lambda threshold: (-tally[threshold], threshold))
    for row in rows:
        if (row.threshold or 1) != rule:
            reason = f"positive means {_rule(row)}, in the other rows {rule} or more"
            left_out.append(LeftOut(row.row, reason))
    return [row for row in rows if (row.threshold or 1) == rule]


def _rule(row: DetectionRate | PrognosticEffect) -> str:
    """Rule of positivity in words; no threshold printed means any cell."""
    volume = f" in {row.volume_ml:g} mL" if row.volume_ml is not None else ""
    return f"{row.threshold or 1} or more{volume}"


def _groups(rows: Sequence[Row], tables: EvidenceTables) -> list[list[Row]]:
    """Rows put together if they share patients, directly or through a third."""
    groups: list[tuple[set[str], list[int]]] = []
    for place, row in enumerate(rows):
        patients, members = set(tables.patients(row)), [place]
        apart: list[tuple[set[str], list[int]]] = []
        for others, places in groups:
            if others & patients:
                patients |= others
                members = places + members
            else:
                apart.append((others, places))
        groups = [*apart, (patients, members)]
    return [[rows[place] for place in sorted(places)] for _, places in groups]


def _pick(
    rows: Sequence[Row], groups: Sequence[Sequence[Row]], left_out: list[LeftOut]
) -> list[Row]:
    """One row of each group by `RULE`; the others are left out."""
    kept = set()
    for group in groups:
        best = min(group, key=lambda row: (-(row.n or 0), row.threshold or 1))
        kept.add(best.row)
        left_out.extend(
            LeftOut(row.row, f"shares patients with {best.row}, which has more or comes first")
            for row in group
            if row.row != best.row
        )
    return [row for row in rows if row.row in kept]


def _flags(
    matching: Sequence[tuple[Row, Row]], query: Query, tables: EvidenceTables
) -> tuple[str, ...]:
    """Faults, corrections, notes and doubts of all rows that match, pooled or not."""
    numbers = {number for printed, _ in matching for number in printed.faults}
    flags = [fault.flag for fault in faults_of(tuple(numbers))]
    for printed, _ in matching:
        flags.extend(f"{printed.row}: {flag}" for flag in printed.flags)
        note = tables.study(printed.study).note
        if note:
            flags.append(f"{printed.study}: {note}")
        if printed.status == "remembered":
            flags.append(f"{printed.row}: remembered, not verified")
        if not query.as_printed:
            flags.extend(
                f"{printed.row}: {c.column} corrected to {_shown(c.value)}: {c.reason}"
                for c in printed.corrections
                if c.column != "set_aside"
            )
    return tuple(dict.fromkeys(flags))


def _shown(value: object) -> str:
    """A corrected value in words."""
    return "unknown" if value is None else str(value)


def _nothing(rows: Sequence[Row], query: Query) -> str:
    """What to say if no row matches."""
    sources = ", ".join(dict.fromkeys((*query.sources, USER)))
    wanted = " ".join(
        str(word)
        for word in (query.analyte, *query.endpoints, query.phase, query.cancer, query.stage)
        if word
    )
    have = sorted({f"{row.analyte} {row.phase}" for row in rows})
    return (
        f"no row of {sources} is {wanted}{' as printed' if query.as_printed else ''}; "
        f"there are {', '.join(have)}; widen --phase, --cancer, --stage or --source"
    )
