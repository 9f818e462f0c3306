"""The faults found in the printed tables: what is printed, what the cited paper says, what it does.

An ERROR is contradicted by the cited paper's abstract, a LIKELY fault by evidence within the table,
a NOTE is one of presentation. The faults are data (``data/faults.toml``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from marrowtrace.citations import cite
from marrowtrace.evidence.plain_values import PlainValue, plain_fields

KINDS = ("ERROR", "LIKELY", "NOTE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of a printed table or text.

    Parameters
    ----------
    number : int
        From 1, in the order of the audit.
    kind : {"ERROR", "LIKELY", "NOTE"}
    table, place : str
        Where it is printed.
    rows : tuple of str
        Rows of the evidence tables that it touches.
    study : str
        Key of the paper that is cited there.
    topic : str
        What it concerns, in a word or two.
    printed, source_says : str
        What the table prints, and what the cited paper has.
    status : str
        How far the source was read: seen, printed (follows from the table itself) or remembered.
    effect : str
        What the correction does to pooling.
    """

    number: int
    kind: str
    table: str
    place: str
    rows: tuple[str, ...]
    study: str
    topic: str
    printed: str
    source_says: str
    status: str
    effect: str

    def __post_init__(self) -> None:
        assert self.kind in KINDS
        assert self.status in ("seen", "printed", "remembered")

    @property
    def flag(self) -> str:
        """The fault in a line, as pooled outputs name it.

        Examples
        --------
        >>> faults()[1].flag
        'fault 2 (ERROR, Table 1, ref 134, DTC row): count and per cent'
        """
        return f"fault {self.number} ({self.kind}, {self.table}, {self.place}): {self.topic}"

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, with the cited paper as text."""
        return plain_fields(self) | {"citation": str(cite(self.study))}


@cache
def faults() -> tuple[Fault, ...]:
    """All faults, in order."""
    text = files("marrowtrace.evidence").joinpath("data/faults.toml").read_text(encoding="utf-8")
    entries: list[Mapping[str, object]] = tomllib.loads(text)["fault"]
    return tuple(_fault(entry) for entry in entries)


def faults_of(numbers: tuple[int, ...]) -> tuple[Fault, ...]:
    """The faults with these numbers, in order."""
    return tuple(fault for fault in faults() if fault.number in numbers)


def fault_table(found: tuple[Fault, ...] | None = None) -> pl.DataFrame:
    """Return the faults as a table, one row each."""
    listed = faults() if found is None else found
    return pl.DataFrame(
        [{**plain_fields(fault), "rows": ", ".join(fault.rows)} for fault in listed],
        schema_overrides={"rows": pl.String},
    )


def _fault(entry: Mapping[str, object]) -> Fault:
    """Make a fault from its TOML table."""
    values = dict(entry)
    rows = values.pop("rows")
    assert isinstance(rows, list)
    return Fault(rows=tuple(rows), **values)  # type: ignore[arg-type]
