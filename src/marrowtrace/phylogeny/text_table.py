"""Tables of text as the tools of the field write them: tabs, commas or blanks, with a header."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marrowtrace.errors import InputFileError, ProblemList, did_you_mean
from marrowtrace.storage import require_file

MISSING = frozenset({"", "na", "nan", ".", "none", "null"})


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table as it was found.

    Parameters
    ----------
    name : str
        Name of the file, without its folder.
    header : tuple of str
    rows : tuple of tuple of str
        The fields of each row, as many as the header has.
    lines : tuple of int
        Line of the file of each row.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def find(self, words: Sequence[str], *, required: bool = True) -> int | None:
        """Return the position of the column that has one of these names, in any case.

        Raises
        ------
        InputFileError
            If a required column is not there; the message names the nearest.
        """
        folded = [name.casefold().lstrip("#") for name in self.header]
        for word in words:
            if word in folded:
                return folded.index(word)
        if not required:
            return None
        hint = did_you_mean(words[0], self.header)
        raise InputFileError(
            f"'{self.name}' has no column '{words[0]}'{hint}; it has: {', '.join(self.header)}"
        )

    def text(self, words: Sequence[str]) -> list[str]:
        """Return a column of text.

        Raises
        ------
        InputFileError
            If the column is not there.
        """
        at = self.find(words)
        assert at is not None
        return [row[at] for row in self.rows]

    def numbers(
        self, words: Sequence[str], problems: ProblemList, *, required: bool = True
    ) -> list[float] | None:
        """Return a column of numbers, NaN where it is empty; note what is none.

        Raises
        ------
        InputFileError
            If a required column is not there.
        """
        at = self.find(words, required=required)
        if at is None:
            return None
        return [
            number(row[at], f"line {line}, {self.header[at]}", problems)
            for row, line in zip(self.rows, self.lines, strict=True)
        ]


def number(word: str, place: str, problems: ProblemList) -> float:
    """Return a number, NaN for an empty word, and note a word that is neither."""
    if word.casefold() in MISSING:
        return float("nan")
    try:
        return float(word)
    except ValueError:
        problems.add(place, f"'{word}' is not a number")
        return float("nan")


def read_lines(path: Path | str) -> list[str]:
    """Return the lines of a text file, which may be gzipped.

    Raises
    ------
    MissingFileError
        If it does not exist.
    InputFileError
        If it is not UTF-8 text, or is empty.
    """
    file = require_file(Path(path))
    raw = file.read_bytes()
    try:
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (UnicodeDecodeError, OSError, EOFError) as err:
        raise InputFileError(f"'{file.name}' is not UTF-8 text: {err}") from err
    if not text.strip():
        raise InputFileError(f"'{file.name}' is empty")
    return text.splitlines()


def read_text_table(path: Path | str, *, skip: int = 0) -> TextTable:
    """Read a table whose fields are parted by tabs, else by commas, else by blanks.

    Parameters
    ----------
    path : Path or str
    skip : int
        Lines above the header to leave out.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    InputFileError
        If there is no row, a column name stands twice, or listing rows of another length.
    """
    name = Path(path).name
    lines = read_lines(path)[skip:]
    sign = "\t" if "\t" in lines[0] else "," if "," in lines[0] else None
    header = tuple(_split(lines[0], sign))
    again = sorted({word for word in header if header.count(word) > 1})
    problems = ProblemList()
    if again:
        problems.add("header", f"'{again[0]}' stands over more than one column")
    rows, numbers = [], []
    for line, text in enumerate(lines[1:], skip + 2):
        if not text.strip():
            continue
        fields = tuple(_split(text, sign))
        if len(fields) != len(header):
            problems.add(f"line {line}", f"has {len(fields)} fields; the header has {len(header)}")
        rows.append(fields)
        numbers.append(line)
    if not rows:
        problems.add("rows", "there is none under the header")
    problems.raise_any(InputFileError, f"'{name}'")
    return TextTable(name, header, tuple(rows), tuple(numbers))


def _split(line: str, sign: str | None) -> list[str]:
    return [word.strip().strip('"') for word in line.split(sign)]


def require_keys(found: Mapping[str, object], wanted: Sequence[str], what: str, name: str) -> None:
    """Raise if some of ``wanted`` are not among ``found``, listing each with the nearest.

    Raises
    ------
    InputFileError
    """
    problems = ProblemList()
    for key in wanted:
        if key not in found:
            problems.add(f"'{key}'", f"has no {what}{did_you_mean(key, list(found))}")
    problems.raise_any(InputFileError, f"'{name}'")
