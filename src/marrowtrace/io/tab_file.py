"""Tab-separated files with ``#`` lines on top: cBioPortal's clinical tables and MAF.

Fields have no quotes, so a quotation mark is an ordinary character. Every cell is read as text.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from marrowtrace.errors import InputFileError, did_you_mean
from marrowtrace.storage import require_file


@dataclass(frozen=True, slots=True)
class TabFile:
    """A file as it was found.

    Parameters
    ----------
    name : str
        Name of the file, without its folder.
    frame : DataFrame
        Text columns; empty cells and words for 'missing' are null.
    lines : Series of int, shape (n_rows,)
        Line of the file that holds each row.
    comments : tuple of str
        The lines above the header that start with ``#``, without it.
    notes : tuple of str
        What was understood while reading.
    """

    name: str
    frame: pl.DataFrame
    lines: pl.Series
    comments: tuple[str, ...]
    notes: tuple[str, ...]

    def require(self, columns: Sequence[str]) -> None:
        """Raise if a column is absent, naming all that are and the nearest there is.

        Raises
        ------
        InputFileError
        """
        absent = [column for column in columns if column not in self.frame.columns]
        if absent:
            words = ", ".join(
                f"'{column}'{did_you_mean(column, self.frame.columns)}" for column in absent
            )
            raise InputFileError(
                f"{self.name} lacks the column(s) {words}; it has: {', '.join(self.frame.columns)}"
            )


def read_tab_file(path: Path, *, missing: Sequence[str] = ()) -> TabFile:
    """Read a tab-separated file, which may be gzipped.

    Parameters
    ----------
    path : Path
    missing : sequence of str
        Words that mean 'no value', in any case.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputFileError
        If it is empty, is no text, repeats a header, or has rows longer than the header.
    """
    require_file(path)
    notes: list[str] = []
    text = _decode(path, notes)
    # a NUL byte or a lone carriage return would end up inside a cell
    if "\0" in text:
        raise InputFileError(f"{path.name} holds NUL bytes; the file is damaged or is no text")
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = 0
    while start < len(rows) and (rows[start].startswith("#") or not rows[start].strip()):
        start += 1
    if start == len(rows):
        raise InputFileError(f"{path.name} is empty; a line of column names is wanted")
    comments = tuple(row[1:] for row in rows[:start] if row.startswith("#"))
    header = [name.strip() for name in rows[start].rstrip("\t").split("\t")]
    _check_header(path.name, header)
    numbered = [(n, row) for n, row in enumerate(rows[start + 1 :], start + 2) if row.strip()]
    long = [n for n, row in numbered if row.count("\t") >= len(header)
            and any(cell.strip() for cell in row.split("\t")[len(header) :])]  # fmt: skip
    if long:
        shown = ", ".join(map(str, long[:3])) + (", ..." if len(long) > 3 else "")
        raise InputFileError(
            f"{path.name}: {len(long)} line(s) ({shown}) have more fields than the "
            f"{len(header)} of the header; a tab inside a field, or a column without a name?"
        )
    body = pl.Series("row", [row for _, row in numbered], dtype=pl.String)
    cells = body.str.split("\t")
    words = {"", *(word.casefold() for word in missing)}
    frame = pl.DataFrame(
        [
            cells.list.get(position, null_on_oob=True).str.strip_chars().alias(name)
            for position, name in enumerate(header)
        ]
    )
    frame = frame.with_columns(
        pl.when(~pl.all().str.to_lowercase().is_in(list(words))).then(pl.all())
    )
    lines = pl.Series("line", [n for n, _ in numbered], dtype=pl.Int64)
    return TabFile(path.name, frame, lines, comments, tuple(notes))


def _check_header(name: str, header: list[str]) -> None:
    if len(header) == 1:
        raise InputFileError(
            f"{name}: the header '{header[0][:60]}' has no tab; a tab-separated file is wanted"
        )
    again = sorted({h for h in header if header.count(h) > 1})
    if again:
        words = ", ".join(f"'{h}'" for h in again)
        raise InputFileError(f"{name}: {words} stand(s) over more than one column")


def _decode(path: Path, notes: list[str]) -> str:
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError) as err:
        raise InputFileError(f"{path.name} cannot be read: {err}") from err
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        notes.append(f"{path.name}: encoding UTF-16")
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "cp1252":
            notes.append(f"{path.name}: not UTF-8; read as Windows-1252 (Latin-1)")
        return text
    raise InputFileError(f"{path.name} cannot be decoded as text; save it as UTF-8")
