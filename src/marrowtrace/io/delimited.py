"""Delimited text (CSV and its kin) of any encoding and delimiter, read cell by cell as text."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from itertools import islice
from pathlib import Path

import polars as pl

from marrowtrace.errors import InputFileError, ProblemList
from marrowtrace.io.notes import Note, counted
from marrowtrace.io.sheet import FileSettings, Sheet, make_sheet

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_A_TABLE = {
    "<!doctype": "a web page", "<html": "a web page", "<table": "a web page",
    "<?xml": "an XML file", "%pdf": "a PDF document", "{\\rtf": "an RTF document",
}  # fmt: skip
_SEPARATOR_LINE = re.compile(r'^"?sep=(.)"?\r?\n', re.IGNORECASE)
_SNIFFED, _SNIFFED_CHARACTERS, _CHUNK = 200, 500_000, 65_536


def read_delimited(path: Path, settings: FileSettings) -> Sheet:
    """Read a delimited text file, which may be gzipped, into a `Sheet`.

    Parameters
    ----------
    path : Path
    settings : FileSettings
        What is None is found out: UTF-8, UTF-16 or Windows-1252 (which holds Latin-1), and comma,
        semicolon, tab or bar.

    Returns
    -------
    Sheet

    Raises
    ------
    InputFileError
        If the file is empty, cannot be decoded, holds NUL bytes, has no delimiter that makes
        columns, a quote that is never closed, or rows with more or fewer fields than the header.
    """
    notes: list[Note] = []
    text = _decode(path.name, _bytes(path), settings.encoding, notes)
    hint = _SEPARATOR_LINE.match(text)
    skipped = 1 if hint else 0
    text = text[hint.end() :] if hint else text
    delimiter = settings.delimiter or (hint[1] if hint else None)
    delimiter = _delimiter(path.name, text, delimiter, notes)
    header_row = settings.header_row
    rows = _plain_rows(text, delimiter, header_row, skipped)
    header, body, lines = rows or _rows(path.name, text, delimiter, header_row, skipped)
    return make_sheet(path.name, header, body, lines, delimiter=delimiter, notes=notes)


def _bytes(path: Path) -> bytes:
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError) as err:
            raise InputFileError(f"{path.name}: the gzip file is damaged: {err}") from err
    if not raw.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise InputFileError(f"{path.name} is empty; a table with one line of headers is wanted")
    return raw


def _decode(name: str, raw: bytes, wanted: str | None, notes: list[Note]) -> str:
    """Decode the bytes, finding the encoding where it is not given."""
    marked = next((code for bom, code in _BOMS if raw.startswith(bom)), None) or _bare_utf16(raw)
    known = wanted or marked
    tried = [known] if known else ["utf-8", "cp1252"]
    text, encoding, problem = None, "", ""
    for encoding in tried:
        try:
            text = raw.decode(encoding).removeprefix("\ufeff")
        except LookupError as err:
            raise InputFileError(
                f"{name}: there is no encoding '{encoding}'; usual ones: utf-8, latin-1, utf-16"
            ) from err
        except UnicodeDecodeError as err:
            line = raw.count(b"\n", 0, err.start) + 1
            problem = f"line {line} holds the byte 0x{raw[err.start]:02x}, which is not {encoding}"
        else:
            break
    if text is None:
        raise InputFileError(
            f"{name} cannot be decoded as {' or '.join(tried)}: {problem}; save it as UTF-8, or "
            "say encoding = '...' under [file] in the mapping"
        )
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise InputFileError(
            f"{name}: line {line} holds NUL bytes; the file is damaged or is no text. Export it "
            "again as CSV"
        )
    for start, what in _NOT_A_TABLE.items():
        if text[:400].lstrip().casefold().startswith(start):
            raise InputFileError(f"{name} is {what}, not a table; export it as CSV or xlsx")
    if encoding not in {"utf-8", "utf-8-sig"} and not (wanted or text.isascii()):
        spoken = {"cp1252": "Windows-1252 (Latin-1)", "utf-16": "UTF-16"}.get(encoding, encoding)
        notes.append(Note("file", "", f"encoding found: {spoken}"))
    elif encoding not in {"utf-8", "utf-8-sig"}:
        notes.append(Note("file", "", f"encoding: {encoding}"))
    return text


def _bare_utf16(raw: bytes) -> str | None:
    """Return the UTF-16 that bytes without a byte order mark are in, if so."""
    head = raw[:4000]
    half = max(len(head) // 2, 1)
    if len(head) >= 4 and head[1::2].count(0) > 0.6 * half and not head[0::2].count(0):
        return "utf-16-le"
    if len(head) >= 4 and head[0::2].count(0) > 0.6 * half and not head[1::2].count(0):
        return "utf-16-be"
    return None


def _delimiter(name: str, text: str, wanted: str | None, notes: list[Note]) -> str:
    """Find the delimiter that splits the first lines into the same number of columns."""
    found = {d: _columns(text, d) for d in DELIMITERS}
    best = max(found, key=lambda d: found[d])
    share, columns = found[best]
    if wanted is not None:
        if len(wanted) != 1:
            raise InputFileError(f"{name}: a delimiter is one character, not {wanted!r}")
        if _columns(text, wanted)[1] < 2:
            could = f"; {DELIMITERS[best]} makes {columns}" if columns > 1 else ""
            raise InputFileError(
                f"{name}: the delimiter {wanted!r} of the mapping makes one column only{could}"
            )
        return wanted
    if columns < 2:
        first = text.splitlines()[0][:60]
        raise InputFileError(
            f"{name}: neither comma, semicolon, tab nor bar splits the header '{first}' into "
            "columns; say delimiter = '...' under [file] in the mapping, or export it as CSV"
        )
    spoken = DELIMITERS[best]
    notes.append(Note("file", "", f"delimiter found: {spoken} ({columns} columns)"))
    if share < 0.8:
        notes.append(Note("file", "", f"only {share:.0%} of the first lines have {columns} fields"))
    return best


def _columns(text: str, delimiter: str) -> tuple[float, int]:
    """Return the share of the first rows with the usual number of fields, and that number."""
    head = io.StringIO(text[:_SNIFFED_CHARACTERS], newline="")
    try:
        rows = list(islice(csv.reader(head, delimiter=delimiter), _SNIFFED))
    except csv.Error:
        return 0.0, 0
    widths = Counter(len(row) for row in rows if any(row))
    if not widths:
        return 0.0, 0
    width, times = widths.most_common(1)[0]
    return (times / widths.total() if width > 1 else 0.0), width


def _plain_rows(
    text: str, delimiter: str, header_row: int | None, skipped: int
) -> tuple[list[str], pl.DataFrame, pl.Series] | None:
    """Return what `_rows` does, faster, for a text without quotes and with even rows only."""
    if '"' in text or text.count("\r") != text.count("\r\n"):
        return None
    every = pl.Series("line", text.split("\n"), dtype=pl.String).str.strip_suffix("\r")
    at = header_row - 1 - skipped if header_row else 0
    while header_row is None and at < len(every) and not every[at].replace(delimiter, "").strip():
        at += 1
    if not 0 <= at < len(every):
        return None
    header = every[at].split(delimiter)
    body = every[at + 1 :]
    even = body.str.count_matches(delimiter, literal=True) == len(header) - 1
    if not (even | (body.str.strip_chars() == "")).all():
        return None
    cells = body.str.split_exact(delimiter, len(header) - 1).struct.unnest()
    first = at + 2 + skipped
    return header, cells, pl.Series("line", range(first, first + len(body)), dtype=pl.Int64)


def _rows(
    name: str, text: str, delimiter: str, header_row: int | None, skipped: int
) -> tuple[list[str], pl.DataFrame, pl.Series]:
    """Return header, cells and the line at which each row starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    frames: list[pl.DataFrame] = []
    chunk: list[list[str]] = []
    lines: list[int] = []
    wrong: list[tuple[int, int]] = []
    start = skipped + 1
    try:
        for row in reader:
            line, start = start, reader.line_num + skipped + 1
            if not header:
                if line == header_row or (header_row is None and any(map(str.strip, row))):
                    header = row
                continue
            if len(row) != len(header):
                if any(row[len(header) :]) or (len(row) < len(header) and any(row)):
                    wrong.append((line, len(row)))
                    continue
                row = (row + [""] * len(header))[: len(header)]
            chunk.append(row)
            lines.append(line)
            if len(chunk) == _CHUNK:
                frames.append(_frame(header, chunk))
                chunk = []
    except csv.Error as err:
        raise _broken(name, start, str(err)) from err
    if not header:
        raise InputFileError(
            f"{name} has no line {header_row} that could hold the headers (header_row)"
        )
    _refuse_ragged(name, len(header), wrong)
    frames.append(_frame(header, chunk))
    return header, pl.concat(frames, rechunk=True), pl.Series("line", lines, dtype=pl.Int64)


def _broken(name: str, line: int, reason: str) -> InputFileError:
    if "unexpected end" in reason or "field larger" in reason:
        return InputFileError(
            f"{name}: a quote opened in line {line} or below is never closed; remove it or "
            'double it ("")'
        )
    return InputFileError(
        f"{name}: line {line} cannot be read: {reason}; a quote inside a quoted field must be "
        'doubled ("")'
    )


def _frame(header: list[str], rows: list[list[str]]) -> pl.DataFrame:
    """Turn rows into text columns named by position."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(header)
    return pl.DataFrame(
        [pl.Series(f"c{i}", cells, dtype=pl.String) for i, cells in enumerate(columns)]
    )


def _refuse_ragged(name: str, width: int, wrong: list[tuple[int, int]]) -> None:
    problems = ProblemList()
    for fields in sorted({fields for _, fields in wrong}):
        where = counted(pl.Series([line for line, n in wrong if n == fields]))
        problems.add(
            name,
            f"{where} have {fields} field(s), but the header has {width}; look for a delimiter "
            "inside an unquoted field, a missing quote, or a title above the headers "
            "(header_row = N under [file] in the mapping)",
        )
    problems.raise_any(InputFileError, "the rows of the file")
