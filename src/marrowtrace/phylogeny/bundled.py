"""Clone trees and mutations of published patients that come with marrowtrace."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from marrowtrace import datasets
from marrowtrace.errors import CatalogError, did_you_mean

FOLDERS = MappingProxyType(
    {
        "A10": "prostate", "A12": "prostate", "A22": "prostate", "A29": "prostate",
        "A31": "prostate", "A7": "breast", "patient1": "ovarian", "patient3": "ovarian",
        "CRC1": "crc1", "CRC2": "crc2",
    }
)  # fmt: skip


def bundled_file(name: str) -> Path:
    """Return a file of a bundled patient, e.g. ``A22.tree``.

    Raises
    ------
    CatalogError
        If there is no such patient or file; the message names the nearest.

    Examples
    --------
    >>> bundled_file("A22.tree").name
    'A22.tree'
    >>> bundled_file("A22.tre")
    Traceback (most recent call last):
    ...
    marrowtrace.errors.CatalogError: there is no bundled file 'A22.tre'; did you mean 'A22.tree'?
    """
    files = bundled_files()
    if name not in files:
        raise CatalogError(f"there is no bundled file '{name}'{did_you_mean(name, tuple(files))}")
    return files[name]


def bundled_files() -> dict[str, Path]:
    """Return all bundled files of patients by name."""
    root = Path(datasets.__file__).parent
    return {
        file.name: file
        for folder in sorted(set(FOLDERS.values()))
        for file in sorted((root / f"phylogeny_{folder}").iterdir())
        if not file.name.startswith(("LICENSE", "ABOUT"))
    }
