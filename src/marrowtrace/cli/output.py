"""Where a command writes: data to stdout, talk to stderr, papers to cite last."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


def write_json(payload: Mapping[str, Any]) -> None:
    """Write one JSON document to stdout. NaN is an error here: write null for what is unknown."""
    sys.stdout.write(json.dumps(payload, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(text: str) -> None:
    """Write asked-for text to stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say(message: str) -> None:
    """Tell the user something, on stderr."""
    sys.stderr.write(message + "\n")


def cite_papers(keys: Iterable[str]) -> None:
    """Name the papers to cite, on stderr, as the last lines of a command."""
    from marrowtrace.citations import reference_list

    papers = reference_list(keys)
    if papers:
        say("Please cite:")
        for paper in papers:
            say(f"  {paper}")


def write_table(
    frame: pl.DataFrame, *, title: str = "", headings: Mapping[str, str] | None = None
) -> None:
    """Write a table to stdout, numbers to the right; nothing if it has no rows."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not frame.height:
        return
    shown = Table(title=title or None, title_justify="left", header_style="bold")
    names = headings or {}
    for name, dtype in frame.schema.items():
        shown.add_column(
            names.get(name, name).replace("_", " "),
            justify="right" if dtype.is_numeric() else "left",
            overflow="fold",
        )
    for row in frame.iter_rows():
        shown.add_row(*(Text(_cell(value)) for value in row))
    width = None if sys.stdout.isatty() else 160
    Console(file=sys.stdout, width=width, highlight=False).print(shown)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4g}"
    return str(value)


def list_notes(notes: Sequence[str]) -> None:
    """Tell what was understood, converted or dropped, on stderr."""
    for note in notes:
        say(f"  - {note}")
