"""A commented protocol to start from: every field with what it may hold."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from marrowtrace.errors import OutputError
from marrowtrace.storage import atomic_file
from marrowtrace.study.bundled import text

_NAME = re.compile(r'^name = "[^"]*"', re.MULTILINE)


def new_text(name: str, like: str = "") -> str:
    """Return a commented protocol.

    Parameters
    ----------
    name : str
        Of the new study.
    like : str
        A bundled study to start from; the guide to every field if empty.

    Raises
    ------
    CatalogError
        If there is no such study.
    """
    guide = files("marrowtrace.study").joinpath("guide.toml")
    start = text(like) if like else guide.read_text(encoding="utf-8")
    return _NAME.sub(lambda _: f'name = "{name}"', start, count=1)


def write_new(file: Path, *, like: str = "", replace: bool = False) -> None:
    """Write a commented protocol.

    Parameters
    ----------
    file : Path
        Its name without the ending becomes the name of the study.
    like : str
        A bundled study to start from.
    replace : bool
        Whether a file that is there may be written over.

    Raises
    ------
    OutputError
        If the file exists, or cannot be written.
    CatalogError
        If there is no such study.
    """
    if file.exists() and not replace:
        raise OutputError(f"'{file}' exists already; choose another name, or ask to replace it")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", file.stem)
    content = new_text(name, like)
    with atomic_file(file) as path:
        path.write_text(content, encoding="utf-8")
