"""The statements of the review, one row each: what it says, where, and what that rests on here."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from marrowtrace.errors import CatalogError, did_you_mean

KINDS = ("mechanism", "effect", "proportion", "comparison", "data", "rate")
_COLUMNS = (
    "id", "section", "statement", "quantity", "references", "kind", "rests_on", "test", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One statement of Sai and Xiang 2018.

    Parameters
    ----------
    id : str
        C001 to C119.
    section : str
        Where the review makes it, e.g. ``"5.2 Dormancy"``.
    statement : str
        In our words.
    quantity : str
        The number it gives, if any.
    references : str
        Numbers in the review's list of references.
    kind : str
        One of `KINDS`.
    rests_on : str
        Parameter, process, assay or data that the check uses.
    test : str
        How it is checked.
    note : str
        What is known against it, e.g. an error in the review.
    """

    id: str
    section: str
    statement: str
    quantity: str
    references: str
    kind: str
    rests_on: str
    test: str
    note: str


@cache
def claims() -> tuple[Claim, ...]:
    """Return every claim, in the order of the review."""
    text = files("marrowtrace.claims").joinpath("data/claims.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(Claim(**{name: row[name].strip() for name in _COLUMNS}) for row in rows)


def claim(name: str) -> Claim:
    """Return the claim of an id.

    Raises
    ------
    CatalogError
        If there is none.

    Examples
    --------
    >>> claim("C048").section
    '5.2 Dormancy'
    """
    known = {each.id: each for each in claims()}
    if name.upper() not in known:
        raise CatalogError(
            f"there is no claim '{name}'{did_you_mean(name.upper(), list(known))}; ids go from "
            f"C001 to C{len(known):03d}"
        )
    return known[name.upper()]


def sections() -> tuple[str, ...]:
    """Return the sections of the review that make claims, in its order."""
    return tuple(dict.fromkeys(each.section for each in claims()))


def in_section(name: str) -> tuple[Claim, ...]:
    """Return the claims of a section, given by its number or its full name.

    Raises
    ------
    CatalogError
        If there is no such section.

    Examples
    --------
    >>> [each.id for each in in_section("5.6")]
    ['C080', 'C081']
    """
    wanted = name.strip().casefold()
    found = tuple(
        each
        for each in claims()
        if each.section.casefold() == wanted or each.section.casefold().split(" ")[0] == wanted
    )
    if not found:
        raise CatalogError(
            f"there is no section '{name}'{did_you_mean(name, sections())}; there are "
            f"{'; '.join(sections())}"
        )
    return found
