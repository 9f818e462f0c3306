"""The bibliography: every paper that a number of marrowtrace comes from.

References live in ``references.toml`` beside this file, one table a paper under its key. A
reference carries how far it was verified, because a remembered paper must not pass for one that
was read:

- ``seen``: its abstract or text was read and the numbers taken from it were found there;
- ``listed``: it stands in the reference list of a paper that was read;
- ``remembered``: written from memory, not yet verified.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from marrowtrace.errors import CitationError, ProblemList, did_you_mean

STATUSES = ("seen", "listed", "remembered")
_FIELDS = ("authors", "year", "title", "journal", "volume", "pages", "doi", "pmid", "status")
_REQUIRED = ("authors", "year", "title", "journal", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """One paper.

    Parameters
    ----------
    key : str
        First author and year, e.g. ``"meng2004"``.
    authors, title, journal : str
    year : int
    volume, pages, doi, pmid : str
        Empty where not known.
    status : {"seen", "listed", "remembered"}
        How far the reference was verified.
    """

    key: str
    authors: str
    year: int
    title: str
    journal: str
    status: str
    volume: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""

    @property
    def short(self) -> str:
        """Author and year, e.g. ``Meng 2004``."""
        return f"{self.authors.split(',')[0].rsplit(' ', 1)[0]} {self.year}"

    def __str__(self) -> str:
        place = self.journal
        if self.volume:
            place += f" {self.volume}" + (f":{self.pages}" if self.pages else "")
        identifier = f" doi:{self.doi}" if self.doi else f" PMID {self.pmid}" if self.pmid else ""
        doubt = " [remembered, not verified]" if self.status == "remembered" else ""
        title = self.title if self.title.endswith(("?", "!")) else f"{self.title}."
        return f"{self.authors} ({self.year}). {title} {place}.{identifier}{doubt}"


def read_references(text: str, *, where: str) -> Mapping[str, Citation]:
    """Read references from TOML, one table a paper.

    Raises
    ------
    CitationError
        With every incomplete reference and every unknown field.
    """
    problems = ProblemList()
    references: dict[str, Citation] = {}
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise CitationError(f"{where} is not valid TOML: {err}") from err
    for key, fields in tables.items():
        if not isinstance(fields, dict):
            problems.add(key, f"is {fields!r}, but a reference is a table '[{key}]'")
            continue
        count = len(problems)
        for name in _REQUIRED:
            if name not in fields or fields[name] == "":
                problems.add(key, f"has no {name}; required: {', '.join(_REQUIRED)}")
        for name in fields:
            if name not in _FIELDS:
                problems.add(key, f"has an unknown field '{name}'{did_you_mean(name, _FIELDS)}")
        if fields.get("status") not in (*STATUSES, None, ""):
            problems.add(key, f"has status '{fields['status']}'; allowed: {', '.join(STATUSES)}")
        if not isinstance(fields.get("year", 2000), int):
            problems.add(key, f"has year {fields['year']!r}, which is not a whole number")
        if len(problems) == count:
            text_fields = {n: str(v) for n, v in fields.items() if n != "year"}
            references[key] = Citation(key=key, year=fields["year"], **text_fields)
    problems.raise_any(CitationError, where)
    return MappingProxyType(references)


@cache
def bibliography() -> Mapping[str, Citation]:
    """All references that marrowtrace ships, by key."""
    text = files("marrowtrace").joinpath("references.toml").read_text(encoding="utf-8")
    return read_references(text, where="references.toml")


def cite(key: str) -> Citation:
    """Return the reference called ``key``.

    Raises
    ------
    CitationError
        If there is none; the message names the nearest key.

    Examples
    --------
    >>> cite("sai2018").year
    2018
    """
    references = bibliography()
    if key not in references:
        raise CitationError(
            f"no reference '{key}' in the bibliography{did_you_mean(key, list(references))}"
        )
    return references[key]


def reference_list(keys: Iterable[str]) -> list[str]:
    """Return the papers called ``keys`` as text, sorted by author and year, each once."""
    cited = {key: cite(key) for key in keys}
    return [str(c) for c in sorted(cited.values(), key=lambda c: (c.authors, c.year, c.key))]
