"""A mapping: which column of a clinic's file is what, in which unit, code and layout.

The dataclasses here are what a mapping file (TOML, read by `marrowtrace.io.mapping_file`) says once
it has been checked. They know nothing of a particular file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from marrowtrace.cohort.schema import Column
from marrowtrace.io.sheet import FileSettings

Scalar = str | float | bool
SOURCES = ("column", "date", "value", "row_number", "date_of_birth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where the values of one column of the cohort come from.

    Parameters
    ----------
    place : str
        Key in the mapping file, for messages, e.g. ``samples.baseline.time``.
    target : Column
        What the values must become.
    source : str
        One of `SOURCES`.
    column : str
        Header in the file; empty for ``value`` and ``row_number``.
    value : str, float or bool, optional
        The same value for every row, or the prefix of row numbers.
    unit : str, optional
        Unit of the values in the file.
    codes : mapping of str to str, float or bool
        Words of the file to values; for an event to its number.
    missing : tuple of str
        Words that mean 'no value', besides those of the whole file.
    date_format : str, optional
        As in ``strftime``.
    where : mapping of str to tuple of str
        Values count only in rows where each of these columns holds one of these words.
    """

    place: str
    target: Column
    source: str
    column: str = ""
    value: Scalar | None = None
    unit: str | None = None
    codes: Mapping[str, Scalar] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    date_format: str | None = None
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.source in SOURCES, self.source
        assert bool(self.column) == (self.source in {"column", "date", "date_of_birth"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Rows of one table of the cohort, made from the rows of the file.

    Parameters
    ----------
    place : str
        Key in the mapping file.
    table : str
        Table of the cohort.
    name : str
        Name of the samples, endpoint or course.
    fields : mapping of str to Field
        By column of the table.
    extra : mapping of str to Field
        Further columns that are kept under these names.
    where : mapping of str to tuple of str
        Only rows where each of these columns holds one of these words (``""``: is empty).
    enumerations : tuple of Block
        Counts made in these samples.
    measurements : mapping of str to Field
        Analytes measured in these samples.
    """

    place: str
    table: str
    name: str = ""
    fields: Mapping[str, Field]
    extra: Mapping[str, Field] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enumerations: tuple[Block, ...] = ()
    measurements: Mapping[str, Field] = field(default_factory=dict)

    def every_field(self) -> Iterator[Field]:
        """All fields of the block and of what is counted and measured in it."""
        yield from self.fields.values()
        yield from self.extra.values()
        yield from self.measurements.values()
        for block in self.enumerations:
            yield from block.every_field()

    def every_condition(self) -> Iterator[tuple[str, str]]:
        """Place and header of every column that a condition looks at."""
        for header in self.where:
            yield f"{self.place}.where", header
        for block in self.enumerations:
            yield from block.every_condition()
        for part in self.every_field():
            for header in part.where:
                yield f"{part.place}.where", header


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """A whole mapping file.

    Parameters
    ----------
    name : str
        Name of the mapping file.
    index_event : str
        What day 0 is.
    index_date : Field, optional
        Column with the date of the index event; needed where any column holds dates.
    file : FileSettings
    citations : tuple of str
        Papers and data sets to cite with the data.
    notes : tuple of str
        What everyone who uses the data must know; goes into the report and the provenance.
    patients : Block
    treatments, samples, follow_up : tuple of Block
    """

    name: str
    index_event: str
    index_date: Field | None
    file: FileSettings
    citations: tuple[str, ...]
    notes: tuple[str, ...]
    patients: Block
    treatments: tuple[Block, ...]
    samples: tuple[Block, ...]
    follow_up: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, patients first."""
        return (self.patients, *self.treatments, *self.samples, *self.follow_up)

    def every_field(self) -> Iterator[Field]:
        """All fields of the mapping."""
        if self.index_date is not None:
            yield self.index_date
        for block in self.blocks:
            yield from block.every_field()

    def every_column(self) -> Iterator[tuple[str, str]]:
        """Place in the mapping and header of every column that is used."""
        for part in self.every_field():
            if part.column:
                yield part.place, part.column
        for block in self.blocks:
            yield from block.every_condition()
