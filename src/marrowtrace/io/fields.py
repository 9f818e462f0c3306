"""Read one field of a mapping from a sheet: text to numbers, terms, days; every doubt reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from marrowtrace import units
from marrowtrace.cohort.schema import Column
from marrowtrace.errors import ProblemList, did_you_mean
from marrowtrace.io.dates import ANY_DATE, read_dates
from marrowtrace.io.header_units import unit_in_header
from marrowtrace.io.mapping import Field, FileMapping
from marrowtrace.io.notes import Note, counted, listed
from marrowtrace.io.numerals import DecimalMark, decimal_mark, parse_numbers
from marrowtrace.io.sheet import Sheet
from marrowtrace.terms import fold

_EVENTS = {"0": "censored", "1": "event"}
_LARGEST_WHOLE = 2.0**53
_TRUTH: Mapping[str, bool] = {
    "true": True, "yes": True, "1": True, "positive": True, "pos": True,
    "false": False, "no": False, "0": False, "negative": False, "neg": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of the file, with the patient and the index date of each.

    Parameters
    ----------
    sheet : Sheet
    patient : Series of str, shape (n_rows,)
    index_date : Series of date, shape (n_rows,)
        Null where unknown, and everywhere if the mapping names none.
    """

    sheet: Sheet
    patient: pl.Series
    index_date: pl.Series

    def __len__(self) -> int:
        return len(self.sheet)

    @property
    def lines(self) -> pl.Series:
        """Line of the file of each row."""
        return self.sheet.lines

    def filter(self, mask: pl.Series) -> Rows:
        """Return the rows where ``mask`` is true."""
        if mask.all():
            return self
        return Rows(
            self.sheet.filter(mask), self.patient.filter(mask), self.index_date.filter(mask)
        )

    def where(self, conditions: Mapping[str, tuple[str, ...]]) -> pl.Series:
        """Mark the rows in which each column holds one of the words."""
        mask = pl.Series([True]).new_from_index(0, len(self))
        for header, words in conditions.items():
            cells = self.sheet.frame[self.sheet.find(header) or header]
            mask &= cells.fill_null("").is_in(list(words))
        return mask


class FieldReader:
    """Reads fields of one mapping, collecting problems and notes.

    Parameters
    ----------
    mapping : FileMapping
    sheet : Sheet
    problems : ProblemList
        Receives what is wrong with the values.
    notes : list of Note
        Receives what was understood.
    """

    def __init__(
        self, mapping: FileMapping, sheet: Sheet, problems: ProblemList, notes: list[Note]
    ) -> None:
        self.mapping, self.problems, self.notes = mapping, problems, notes
        self._delimiter = sheet.delimiter
        self._word = sheet.line_word
        self._others_comma = any(
            self._mark(field, self._cells(field, sheet), others_comma=False).commas
            for field in mapping.every_field()
            if field.source == "column" and field.target.kind in {"number", "integer"}
        )

    def read(self, field: Field, rows: Rows) -> pl.Series:
        """Return the values of ``field`` in ``rows``, typed as the target wants them.

        Values that cannot be read are null and noted as problems.
        """
        name = field.target.name
        if field.source == "value":
            return self._constant(field, len(rows)).alias(name)
        if field.source == "row_number":
            width = len(str(len(rows)))
            numbers = pl.Series(range(1, len(rows) + 1), dtype=pl.Int64).cast(pl.String)
            return (str(field.value) + numbers.str.zfill(width)).alias(name)
        cells = self._cells(field, rows.sheet)
        self._note_missing(field, rows.sheet, cells)
        if field.where:
            cells = cells.set(~rows.where(field.where), None)
        if field.source == "date":
            return self._days(field, cells, rows).alias(name)
        if field.source == "date_of_birth":
            return self._age(field, cells, rows).alias(name)
        coded, rest = self._coded(field, cells)
        if field.target.name == "event" and field.codes:
            rest = self._only_codes(field, rest, rows)
        kind = "term" if field.target.vocabulary else field.target.kind
        if kind == "any":
            kind, rest = "text", self._merge_text(coded, rest)
            coded = pl.Series([None], dtype=pl.String).new_from_index(0, len(rest))
            plain = rest.drop_nulls()
            if len(plain) and not plain.str.contains(r"^0\d").any():
                mark = self._mark(field, plain, others_comma=self._others_comma)
                if not mark.doubt and parse_numbers(plain, mark.mark).null_count() == 0:
                    kind = "any number"
        if kind in {"number", "integer", "any number"}:
            values = self._numbers(field, rest, coded, rows)
            whole = kind == "any number" and (values == values.floor()).all()
            values = values.cast(pl.Int64) if whole else values
        elif kind == "term":
            values = self._merge_text(coded, self._terms(field, rest, rows))
        elif kind == "boolean":
            values = self._truths(field, rest, coded, rows)
        else:
            values = self._merge_text(coded, rest)
        return values.alias(name)

    def dates(self, field: Field, sheet: Sheet) -> pl.Series:
        """Return a column of dates as dates; only for use inside the import."""
        cells = self._cells(field, sheet)
        self._note_missing(field, sheet, cells)
        return self._dates(field, cells, sheet.lines)

    def problem(self, field: Field, rows: pl.Series, message: str) -> None:
        """Note a problem with the values of ``field`` in the lines ``rows``."""
        header = f"column '{field.column}'" if field.column else field.place
        into = f" ({field.place})" if field.column else ""
        self.problems.add(f"{header}{into}", f"{counted(rows, self._word)} {message}")

    def _note(self, kind: str, field: Field, message: str, rows: int = 0) -> None:
        note = Note(
            kind, f"column '{field.column}'" if field.column else field.place, message, rows
        )
        if note not in self.notes:
            self.notes.append(note)

    def _cells(self, field: Field, sheet: Sheet) -> pl.Series:
        """Return the text of a column without the words that mean 'no value'."""
        cells = sheet.frame[sheet.find(field.column) or field.column]
        missing = [*self.mapping.file.missing, *field.missing]
        return cells.set(cells.is_in(missing).fill_null(value=False), None) if missing else cells

    def _note_missing(self, field: Field, sheet: Sheet, cells: pl.Series) -> None:
        raw = sheet.frame[sheet.find(field.column) or field.column]
        lost = raw.filter(cells.is_null() & raw.is_not_null())
        if len(lost):
            counts = lost.value_counts(sort=True, name="rows").rows()
            words = ", ".join(f"'{word}' ({rows})" for word, rows in sorted(counts))
            self._note("missing", field, f"read as no value: {words}", len(lost))

    def _coded(self, field: Field, cells: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return the declared codes, and the cells that hold none."""
        numeric = field.target.kind in {"number", "integer"}
        dtype = (
            pl.Float64 if numeric else pl.Boolean if field.target.kind == "boolean" else pl.String
        )
        if not field.codes:
            return pl.Series([None], dtype=dtype).new_from_index(0, len(cells)), cells
        is_code = cells.is_in(list(field.codes)).fill_null(value=False)
        values = {
            code: value if dtype != pl.String else _text(value)
            for code, value in field.codes.items()
        }
        coded = cells.set(~is_code, None).replace_strict(values, default=None, return_dtype=dtype)
        for code, count in sorted(cells.filter(is_code).value_counts(name="rows").rows()):
            shown = f"{values[code]:g}" if dtype == pl.Float64 else str(values[code])
            if field.target.name == "event":
                shown = f"{_EVENTS.get(shown, 'competing event')} ({shown})"
            if shown != code:
                self._note("code", field, f"'{code}' read as {shown} in {count} row(s)", count)
        return coded, cells.set(is_code, None)

    def _only_codes(self, field: Field, rest: pl.Series, rows: Rows) -> pl.Series:
        """Refuse values of an event that its codes do not name: a guess here changes results."""
        strange = rest.is_not_null()
        if strange.any():
            words = rest.filter(strange).unique(maintain_order=True).to_list()
            self.problem(
                field, rows.lines.filter(strange),
                f"hold {listed(words, shown=4)}, which the codes do not name; codes: "
                f"{listed(field.codes)}; add it there, or to missing",
            )  # fmt: skip
        return rest.clear(len(rest))

    @staticmethod
    def _merge_text(coded: pl.Series, rest: pl.Series) -> pl.Series:
        return rest.zip_with(coded.is_null(), coded.cast(pl.String))

    def _constant(self, field: Field, height: int) -> pl.Series:
        value = field.value
        measured = field.target.kind == "number" and field.target.unit != "-"
        if isinstance(value, float) and field.unit and measured:
            value = units.convert(value, field.unit, field.target.unit)
        dtype = field.target.dtype if field.target.kind != "any" else None
        if isinstance(value, float) and field.target.kind == "integer":
            value = int(value)
        return pl.Series([value], dtype=dtype).new_from_index(0, height)

    def _terms(self, field: Field, cells: pl.Series, rows: Rows) -> pl.Series:
        """Return terms of the vocabulary for the words of a column."""
        vocabulary = field.target.vocabulary
        assert vocabulary is not None
        known = vocabulary.synonyms()
        found = {word: known.get(fold(word)) for word in cells.drop_nulls().unique().to_list()}
        unknown = cells.is_in([word for word, term in found.items() if term is None])
        unknown = unknown.fill_null(value=False)
        if unknown.any():
            words = cells.filter(unknown).unique(maintain_order=True).to_list()
            hint = did_you_mean(words[0], vocabulary.allowed)
            self.problem(
                field, rows.lines.filter(unknown),
                f"hold {listed(words, shown=4)}; allowed: {', '.join(vocabulary.allowed)}{hint}; "
                "say what the file's words mean with codes = { \"...\" = \"...\" }",
            )  # fmt: skip
        understood = {w: t for w, t in found.items() if t is not None and fold(w) != t}
        for word, count in sorted(
            cells.filter(cells.is_in(list(understood)).fill_null(value=False))
            .value_counts(name="rows")
            .rows()
        ):
            message = (
                f"'{word}' understood as {vocabulary.name} {understood[word]} in {count} row(s)"
            )
            self._note("synonym", field, message, count)
        return cells.replace_strict(found, default=None, return_dtype=pl.String)

    def _truths(self, field: Field, cells: pl.Series, coded: pl.Series, rows: Rows) -> pl.Series:
        lowered = cells.str.to_lowercase()
        known = lowered.is_in(list(_TRUTH))
        bad = cells.is_not_null() & ~known.fill_null(value=True)
        if bad.any():
            self.problem(
                field, rows.lines.filter(bad),
                f"hold '{cells.filter(bad)[0]}'; allowed: true, false, positive, negative, yes, no",
            )  # fmt: skip
        values = lowered.replace_strict(dict(_TRUTH), default=None, return_dtype=pl.Boolean)
        return values.zip_with(coded.is_null(), coded)

    def _mark(self, field: Field, cells: pl.Series, *, others_comma: bool) -> DecimalMark:
        plain = cells.filter(~cells.is_in(list(field.codes)).fill_null(value=False))
        return decimal_mark(
            plain, given=self.mapping.file.decimal, delimiter=self._delimiter,
            others_comma=others_comma,
        )  # fmt: skip

    def _numbers(self, field: Field, cells: pl.Series, coded: pl.Series, rows: Rows) -> pl.Series:
        """Return numbers in the unit of the target, checked against its range."""
        mark = self._mark(field, cells, others_comma=self._others_comma)
        if mark.doubt:
            self.problems.add(
                f"column '{field.column}' ({field.place})",
                f"{mark.doubt}; say decimal = ',' or decimal = '.' under [file] in the mapping",
            )
            return coded.cast(pl.Float64)
        if mark.commas:
            self._note("number", field, f"decimal comma in {mark.commas} value(s)", mark.commas)
        thousands = self.mapping.file.decimal == "." or mark.mark == "."
        numbers = parse_numbers(cells, mark.mark, thousands=thousands)
        bad = cells.is_not_null() & numbers.is_null()
        if bad.any():
            words = cells.filter(bad).unique(maintain_order=True)
            hint = "declare it with codes = {...} or missing = [...]"
            if words.head(1).str.contains(ANY_DATE)[0]:
                hint = 'it looks like a date: write { date = "..." } in place of the column'
            elif self.mapping.file.decimal is not None and words[0].strip("+-0123456789") in ".,":
                hint = f"the mapping says decimal = '{self.mapping.file.decimal}'"
            self.problem(
                field, rows.lines.filter(bad),
                f"hold {listed(words.to_list(), shown=4)}, which is not a number; {hint}",
            )  # fmt: skip
        numbers = numbers * self._factor(field)
        numbers = numbers.zip_with(coded.is_null(), coded.cast(pl.Float64))
        if field.target.kind == "integer":
            fractional = (numbers != numbers.floor()).fill_null(value=False)
            self._outside(field, numbers, fractional, rows, "which is not whole")
            numbers = numbers.set(fractional, None)
            huge = (numbers.abs() > _LARGEST_WHOLE).fill_null(value=False)
            self._outside(field, numbers, huge, rows, "which is too large")
            numbers = numbers.set(huge, None).cast(pl.Int64)
        self._check_range(field, numbers, rows)
        return numbers

    def _check_range(self, field: Field, numbers: pl.Series, rows: Rows) -> None:
        target = field.target
        if target.low is not None:
            self._outside(field, numbers, numbers < target.low, rows, f"below {target.low:g}")
        if target.above is not None:
            which = f"not above {target.above:g}"
            self._outside(field, numbers, numbers <= target.above, rows, which)
        if target.high is not None:
            which = f"above {target.high:g}"
            if target.unit == "d":
                which += " days: is it a date, or a time in another unit?"
            self._outside(field, numbers, numbers > target.high, rows, which)

    def _outside(
        self, field: Field, numbers: pl.Series, bad: pl.Series, rows: Rows, which: str
    ) -> None:
        bad = bad.fill_null(value=False)
        if bad.any():
            hint = ""
            if field.target.name == "count" and "whole" in which:
                hint = "; a count is the cells seen, not cells per mL"
            self.problem(
                field, rows.lines.filter(bad),
                f"hold {numbers.filter(bad)[0]:g}, {which}; allowed: {field.target.allowed}{hint}",
            )  # fmt: skip

    def _factor(self, field: Field) -> float:
        """Return what one unit of the column is in the unit of the data model."""
        target = field.target
        if target.unit in {"-", "cells"} or target.kind != "number":
            return 1.0
        wanted = units.Unit.parse(target.unit)
        in_header = unit_in_header(field.column, wanted.dimension)
        if field.unit is not None:
            size = units.convert(1.0, field.unit, wanted)
            if in_header is not None and in_header.size != units.Unit.parse(field.unit).size:
                self.problems.add(
                    field.place,
                    f"says unit '{field.unit}', but the header '{field.column}' says "
                    f"'{in_header}'; correct the mapping, or rename the column",
                )
            if size != 1:
                message = f"{field.unit} converted to {target.unit} (times {size:.10g})"
                self._note("unit", field, message)
            return size
        if in_header is not None:
            size = units.convert(1.0, in_header, wanted)
            message = f"unit '{in_header}' taken from the header (times {size:.10g})"
            self._note("unit", field, message)
            return size
        if target.unit == "d":
            self.problems.add(
                field.place,
                f"has no unit, and the header '{field.column}' names none: say unit = 'day', "
                "'month' or 'year', or { date = '...' } if it holds dates",
            )
        else:
            self._note("default", field, f"no unit given; taken to be in {target.unit}")
        return 1.0

    def _dates(self, field: Field, cells: pl.Series, lines: pl.Series) -> pl.Series:
        wanted = field.date_format or self.mapping.file.date_format
        read = read_dates(cells, wanted)
        if read.doubt:
            self.problems.add(
                f"column '{field.column}' ({field.place})",
                f"{read.doubt}; say which: date_format = '%d/%m/%Y' (or '%m/%d/%Y', '%d.%m.%y', "
                "...) under [file], or format = '...' beside the column",
            )
            return read.dates
        if read.bad.any():
            allowed = f"dates in the format {wanted}" if wanted else "dates, such as 2021-03-04"
            self.problem(
                field, lines.filter(read.bad),
                f"hold '{cells.filter(read.bad)[0]}'; allowed: {allowed}",
            )  # fmt: skip
        if read.how:
            self._note("date", field, f"dates recognised: {read.how}")
        return read.dates

    def _days(self, field: Field, cells: pl.Series, rows: Rows) -> pl.Series:
        dates = self._dates(field, cells, rows.lines)
        homeless = dates.is_not_null() & rows.index_date.is_null()
        if homeless.any():
            self.problem(
                field, rows.lines.filter(homeless),
                f"hold a date, but the patient has no date of {self.mapping.index_event} to "
                "count days from",
            )  # fmt: skip
        days = (dates - rows.index_date).dt.total_days().cast(pl.Float64)
        column = self.mapping.index_date.column if self.mapping.index_date else ""
        converted = int(days.is_not_null().sum())
        self._note(
            "date", field,
            f"{converted} date(s) turned into days from {self.mapping.index_event} ('{column}')",
            converted,
        )  # fmt: skip
        self._check_range(field, days, rows)
        return days

    def _age(self, field: Field, cells: pl.Series, rows: Rows) -> pl.Series:
        """Return completed years at the index event; the date of birth goes no further."""
        born = self._dates(field, cells, rows.lines)
        homeless = born.is_not_null() & rows.index_date.is_null()
        if homeless.any():
            self.problem(
                field, rows.lines.filter(homeless),
                f"hold a date of birth, but the patient has no date of {self.mapping.index_event}",
            )  # fmt: skip
        index = rows.index_date
        had_birthday = (index.dt.month() > born.dt.month()) | (
            (index.dt.month() == born.dt.month()) & (index.dt.day() >= born.dt.day())
        )
        years = index.dt.year() - born.dt.year() - (~had_birthday).cast(pl.Int32)
        age = years.cast(pl.Float64)
        self._note(
            "privacy", field,
            f"used for the age in completed years at {self.mapping.index_event}, then dropped",
        )  # fmt: skip
        self._check_range(field, age, rows)
        return age


def free_column(field: Field, kind: str) -> Field:
    """Return ``field`` with a target of another kind."""
    target = field.target
    return replace(field, target=Column(name=target.name, kind=kind, meaning=target.meaning))


def _text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
