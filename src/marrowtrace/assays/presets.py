"""The assays that marrowtrace ships, one TOML file each in ``data``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from marrowtrace.assays.assay import Assay
from marrowtrace.assays.assay_file import parse
from marrowtrace.errors import CatalogError, did_you_mean


@cache
def names() -> tuple[str, ...]:
    """Return the names of the bundled assays, sorted."""
    folder = files("marrowtrace.assays").joinpath("data")
    found = (entry.name for entry in folder.iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in found if n.endswith(".toml")))


@cache
def assay(name: str) -> Assay:
    """Return a bundled assay.

    Parameters
    ----------
    name : str
        As in `names`.

    Raises
    ------
    CatalogError
        If there is none of that name.

    Examples
    --------
    >>> assay("cellsearch").examined_unit
    'mL'
    """
    if name not in names():
        hint = did_you_mean(name, names()) or f"; there are: {', '.join(names())}"
        raise CatalogError(f"assay '{name}' is not in the catalogue{hint}")
    path = files("marrowtrace.assays").joinpath("data", f"{name}.toml")
    return parse(path.read_text(encoding="utf-8"), where=f"{name}.toml", base=assay)
