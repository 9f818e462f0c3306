"""One sheet of a workbook (xlsx, xls, ods), read cell by cell as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from marrowtrace.errors import InputFileError, did_you_mean
from marrowtrace.io.notes import Note, listed
from marrowtrace.io.sheet import FileSettings, Sheet, make_sheet

_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def is_workbook(path: Path) -> bool:
    """Return whether the first bytes are those of a workbook, whatever the file is called."""
    with path.open("rb") as handle:
        return handle.read(4) in _MAGIC


def read_spreadsheet(path: Path, settings: FileSettings) -> Sheet:
    """Read the one sheet of a workbook that holds data, or the sheet named in the settings.

    Date cells become ``YYYY-MM-DD HH:MM:SS``; a cell that holds an error of the spreadsheet
    (``#DIV/0!``) is empty.

    Raises
    ------
    InputFileError
        If the workbook cannot be opened, has no such sheet, no data, or several sheets with data
        and none is named.
    """
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
    except fastexcel.FastExcelError as err:
        reason = str(err).splitlines()[0]
        raise InputFileError(
            f"{path.name} cannot be opened as a workbook ({reason}); it may be damaged or locked "
            "with a password: save it again as xlsx, or as CSV"
        ) from err
    name = _choose(path.name, book, settings.sheet)
    cells = _cells(book, name)
    filled = (~cells.select(pl.all_horizontal(pl.all().is_null())).to_series()).arg_true()
    header_at = settings.header_row - 1 if settings.header_row else int(filled[0])
    if header_at >= cells.height:
        raise InputFileError(
            f"{path.name}: sheet '{name}' has {cells.height} rows, so row {settings.header_row} "
            "cannot hold the headers (header_row)"
        )
    header = ["" if cell is None else str(cell) for cell in cells.row(header_at)]
    body = cells.slice(header_at + 1)
    lines = pl.Series("line", range(header_at + 2, header_at + 2 + body.height), dtype=pl.Int64)
    notes = [Note("file", "", f"sheet read: '{name}'")]
    return make_sheet(path.name, header, body, lines, delimiter="", notes=notes)


def _choose(file: str, book: Any, wanted: str | None) -> str:
    """Return the sheet to read."""
    names: list[str] = list(book.sheet_names)
    if wanted is not None:
        if wanted not in names:
            raise InputFileError(
                f"{file} has no sheet '{wanted}'{did_you_mean(wanted, names)}; "
                f"sheets: {listed(names)}"
            )
        names = [wanted]
    filled = [name for name in names if _cells(book, name).height]
    if not filled:
        raise InputFileError(f"{file} is empty; a sheet with one line of headers is wanted")
    if len(filled) > 1:
        raise InputFileError(
            f"{file} has {len(filled)} sheets with data: {listed(filled)}; say which one: "
            "sheet = '...' under [file] in the mapping"
        )
    return filled[0]


def _cells(book: Any, name: str) -> pl.DataFrame:
    """Return all cells of a sheet as text, from the first row on."""
    as_text = _load(book, name, "string")
    if not as_text.width or as_text.select(pl.all().is_null().all()).row(0) == (True,) * (
        as_text.width
    ):
        return pl.DataFrame()
    as_number = _load(book, name, "float")
    # the text of a number cell is rounded to nine decimals: take the number where they differ
    columns = []
    for text, number in zip(as_text.get_columns(), as_number.get_columns(), strict=True):
        rounded = text.cast(pl.Float64, strict=False)
        lost = (rounded.is_not_null() & (rounded != number)).fill_null(value=False)
        exact = number.cast(pl.String).str.strip_suffix(".0")
        columns.append(text.zip_with(~lost, exact) if lost.any() else text)
    return pl.DataFrame(columns)


def _load(book: Any, name: str, dtype: str) -> pl.DataFrame:
    frame: pl.DataFrame = book.load_sheet(
        name, header_row=None, skip_rows=0, dtypes=dtype
    ).to_polars()
    return frame
