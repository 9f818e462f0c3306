"""Examples that come with marrowtrace: real published data, each with its mapping file.

All of them are time-to-event data reconstructed from published Kaplan-Meier curves; the file
`PROVENANCE.md` beside each says from which, and in which unit, and `LICENSE` under which licence.
"""

from __future__ import annotations

from pathlib import Path

from marrowtrace.errors import CatalogError, did_you_mean

_HERE = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of the bundled data sets, sorted.

    Examples
    --------
    >>> names()
    ('azure', 'extenet', 'ma17r', 'soft')
    """
    return tuple(sorted(folder.parent.name for folder in _HERE.glob("*/PROVENANCE.md")))


def path(name: str) -> Path:
    """Return the table of a bundled data set.

    Raises
    ------
    CatalogError
        If there is no such data set; the message names the nearest.

    Examples
    --------
    >>> path("azure").name
    'azure.csv'
    >>> path("azur")
    Traceback (most recent call last):
    ...
    marrowtrace.errors.CatalogError: there is no bundled data set 'azur'; did you mean 'azure'? \
It comes with: azure, extenet, ma17r, soft.
    """
    return _folder(name) / f"{name}.csv"


def mapping(name: str) -> Path:
    """Return the mapping file of a bundled data set.

    Raises
    ------
    CatalogError
        If there is no such data set.
    """
    return _folder(name) / f"{name}.mapping.toml"


def about(name: str) -> str:
    """Return in one line what a bundled data set is.

    Raises
    ------
    CatalogError
        If there is no such data set.

    Examples
    --------
    >>> about("azure")
    'AZURE: adjuvant zoledronic acid, disease-free survival (reconstructed)'
    """
    with (_folder(name) / "PROVENANCE.md").open(encoding="utf-8") as page:
        return page.readline().removeprefix("# ").strip()


def _folder(name: str) -> Path:
    if name not in names():
        raise CatalogError(
            f"there is no bundled data set '{name}'{did_you_mean(name, names())} "
            f"It comes with: {', '.join(names())}."
        )
    return _HERE / name
