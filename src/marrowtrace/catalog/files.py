"""The TOML files of the catalogue, as they are shipped."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from marrowtrace.errors import CatalogError, did_you_mean


def folder(*parts: str) -> Traversable:
    """Return a folder of the catalogue's data, e.g. ``folder("sets", "early-breast")``."""
    return files("marrowtrace.catalog").joinpath("data", *parts)


@cache
def read(*parts: str) -> Mapping[str, Any]:
    """Read one TOML file of the catalogue, e.g. ``read("regimens.toml")``.

    The result is shared between callers: copy before changing anything.
    """
    return tomllib.loads(folder(*parts).read_text(encoding="utf-8"))


def stems(*parts: str) -> list[str]:
    """Return the names of the TOML files of a folder, without their ending, sorted."""
    found = (entry.name for entry in folder(*parts).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def unknown(what: str, name: str, known: Iterable[str]) -> CatalogError:
    """Return the error for a name that is not in the catalogue, with the nearest one that is."""
    words = sorted(known)
    hint = did_you_mean(name, words) or f"; it has: {', '.join(words)}"
    return CatalogError(f"{what} '{name}' is not in the catalogue{hint}")
