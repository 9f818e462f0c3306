"""A sheet as it was found: headers, cells as text, and the line of the file behind each row."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import polars as pl

from marrowtrace.errors import InputFileError, did_you_mean
from marrowtrace.io.notes import Note, counted, listed

_SPACES = re.compile(r"\s+")
_NUMBER = re.compile(r"^[-+]?\d+(?:[.,]\d+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSettings:
    """How a file is to be read; what is None is found out and reported.

    Parameters
    ----------
    encoding, delimiter : str, optional
    decimal : {".", ","}, optional
    sheet : str, optional
        Name of the sheet of a workbook.
    header_row : int, optional
        Line that holds the headers, counted from 1; the first that is not empty if left out.
    missing : tuple of str
        Words that mean 'no value' in every column.
    date_format : str, optional
        As in ``strftime``, e.g. ``%d/%m/%Y``.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    missing: tuple[str, ...] = ()
    date_format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Rows of a file as text.

    Parameters
    ----------
    name : str
        Name of the file, without its folder.
    frame : DataFrame
        One text column a header, in the order of the file; empty cells are null.
    lines : Series of int, shape (n_rows,)
        Line (or row of the spreadsheet) of each row, counted from 1 with the header.
    delimiter : str
        What separates fields; empty for a spreadsheet, whose numbers and dates are typed.
    repeated : tuple of str
        Headers that stand over more than one column; those columns are numbered ``H [1]``.
    notes : tuple of Note
        What was understood while reading.
    """

    name: str
    frame: pl.DataFrame
    lines: pl.Series
    delimiter: str
    repeated: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.frame.height

    @property
    def line_word(self) -> str:
        """What a line is called: ``line`` of a text file, ``row`` of a spreadsheet."""
        return "line" if self.delimiter else "row"

    @property
    def headers(self) -> list[str]:
        """The headers, in the order of the file."""
        return self.frame.columns

    def filter(self, mask: pl.Series) -> Sheet:
        """Return the rows where ``mask`` is true."""
        return Sheet(
            name=self.name,
            frame=self.frame.filter(mask),
            lines=self.lines.filter(mask),
            delimiter=self.delimiter,
            repeated=self.repeated,
            notes=self.notes,
        )

    def find(self, header: str) -> str | None:
        """Return the header as the file spells it, or None if there is none or more than one."""
        wanted = tidy_header(header)
        if wanted in self.frame.columns:
            return wanted
        near = [h for h in self.headers if h.casefold() == wanted.casefold()]
        return near[0] if len(near) == 1 else None

    def words(self, header: str) -> list[str]:
        """Return the distinct values of a column, the most frequent first."""
        cells = self.frame[self.find(header) or header].fill_null("")
        counts = cells.alias("word").value_counts(name="rows")
        words: list[str] = counts.sort("rows", "word", descending=[True, False])["word"].to_list()
        return words

    def absent(self, header: str) -> str:
        """Say that ``header`` is not a column, with the nearest one."""
        if tidy_header(header) in self.repeated:
            numbered = [h for h in self.headers if h.rpartition(" [")[0] == tidy_header(header)]
            return (
                f"names column '{header}', which stands {len(numbered)} times in {self.name}; "
                f"say which: {listed(numbered)}"
            )
        return (
            f"names column '{header}', which {self.name} does not have"
            f"{did_you_mean(header, self.headers)}; columns: {listed(self.headers)}"
        )


def tidy_header(header: str) -> str:
    """Return a header without surrounding or repeated white space."""
    return _SPACES.sub(" ", header.strip())


def make_sheet(
    name: str,
    header: list[str],
    body: pl.DataFrame,
    lines: pl.Series,
    *,
    delimiter: str,
    notes: list[Note],
) -> Sheet:
    """Tidy the cells of a file into a `Sheet`: no empty rows or columns, no repeated header.

    Parameters
    ----------
    header : list of str, shape (n_columns,)
    body : DataFrame, shape (n_rows, n_columns)
        Text columns, in the order of ``header``.
    lines : Series of int, shape (n_rows,)

    Raises
    ------
    InputFileError
        If the headers look like data, or no row is left.
    """
    header = [tidy_header(h) for h in header]
    filled = [h for h in header if h]
    if sum(bool(_NUMBER.match(h)) for h in filled) * 2 > len(filled):
        raise InputFileError(
            f"{name}: the header line holds numbers ({listed(filled, shown=3)}); the first line "
            "must name the columns: add one, or say header_row = N under [file] in the mapping"
        )
    body = body.select(pl.all().str.strip_chars())
    body = body.with_columns(pl.when(pl.all() != "").then(pl.all()))
    empty = body.select(pl.all_horizontal(pl.all().is_null())).to_series()
    again = _repeats(header, body)
    if again.any():
        where = counted(lines.filter(again), "line" if delimiter else "row")
        notes.append(Note("row", "", f"{where} repeat the header; left out", int(again.sum())))
    # rows below the last filled one are the tail that spreadsheets leave: not worth a number
    inner = int((~empty).arg_true()[-1]) + 1 if (~empty).any() else 0
    gaps = int(empty.head(inner).sum())
    if gaps:
        notes.append(Note("row", "", f"{gaps} empty row(s) left out", gaps))
    keep = ~(empty | again)
    body, lines = body.filter(keep), lines.filter(keep)
    if not body.height:
        raise InputFileError(f"{name}: there are headers, but no row of data under them")
    columns, repeated = _named(header, body, notes)
    return Sheet(
        name=name,
        frame=pl.DataFrame(columns),
        lines=lines,
        delimiter=delimiter,
        repeated=repeated,
        notes=tuple(notes),
    )


def _repeats(header: list[str], body: pl.DataFrame) -> pl.Series:
    """Mark the rows that repeat the header."""
    same = [pl.nth(i) == h for i, h in enumerate(header) if h]
    return body.select(pl.all_horizontal(same).fill_null(value=False)).to_series()


def _named(
    header: list[str], body: pl.DataFrame, notes: list[Note]
) -> tuple[list[pl.Series], tuple[str, ...]]:
    """Name the columns by their headers, numbering those that stand more than once."""
    times = Counter(h for h in header if h)
    repeated = tuple(h for h, count in times.items() if count > 1)
    columns: list[pl.Series] = []
    seen: Counter[str] = Counter()
    nameless: list[int] = []
    for position, (name, series) in enumerate(zip(header, body.get_columns(), strict=True), 1):
        if not name:
            if series.null_count() < len(series):
                nameless.append(position)
            continue
        seen[name] += 1
        columns.append(series.alias(f"{name} [{seen[name]}]" if name in repeated else name))
    if nameless:
        numbers = ", ".join(str(n) for n in nameless)
        notes.append(Note("column", "", f"column(s) {numbers} have values but no header; left out"))
    if repeated:
        notes.append(
            Note(
                "column",
                "",
                f"{listed(repeated)} stand(s) over more than one column; numbered '... [1]'",
            )
        )
    return columns, repeated
