"""Studies by name: those that are bundled, and those in a file of one's own."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marrowtrace.errors import CatalogError, did_you_mean

if TYPE_CHECKING:
    from marrowtrace.study.protocol import Protocol


@cache
def names() -> tuple[str, ...]:
    """Return the names of the bundled studies, sorted.

    Examples
    --------
    >>> "early-breast" in names()
    True
    """
    folder = files("marrowtrace.study").joinpath("protocols")
    found = (entry.name for entry in folder.iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in found if n.endswith(".toml")))


def text(name: str) -> str:
    """Return a bundled study as its commented file.

    Raises
    ------
    CatalogError
        If there is none of that name.
    """
    if name not in names():
        hint = did_you_mean(name, names()) or f"; there are: {', '.join(names())}"
        raise CatalogError(f"study '{name}' is neither bundled nor a file{hint}")
    return (
        files("marrowtrace.study").joinpath("protocols", f"{name}.toml").read_text(encoding="utf-8")
    )


def heading(name: str) -> dict[str, Any]:
    """Return the top of a bundled study (title, question, patients, arms), not checked."""
    return tomllib.loads(text(name))


def study(name_or_file: str) -> Protocol:
    """Return a study: a bundled one by its name, or that of a TOML file.

    Raises
    ------
    CatalogError
        If it is neither.
    MissingFileError, InputFileError
        If the file is not there or is not TOML.
    SimulationError
        With every problem of the file.
    """
    from marrowtrace.study.protocol_file import from_tables, read_protocol

    path = Path(name_or_file)
    if path.suffix == ".toml" or path.is_file():
        return read_protocol(path)
    return from_tables(tomllib.loads(text(name_or_file)), where=f"{name_or_file}.toml")
