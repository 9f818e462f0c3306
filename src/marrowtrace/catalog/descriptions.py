"""What each parameter set describes: cancer, stage, structure of the model, what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from marrowtrace.catalog.files import folder, read, unknown
from marrowtrace.errors import CatalogError, ProblemList, did_you_mean

SUBTYPES = ("er_pos_her2_neg", "er_pos_her2_pos", "er_neg_her2_pos", "triple_negative")
"""Order of the receptor subtypes; a parameter by subtype is called ``symbol.subtype``."""

STRUCTURES = ("parallel", "reservoir")
ENTRIES = ("diagnosis", "metastatic")
_REQUIRED = ("title", "cancer", "stage", "entry", "structure", "notes")
_OPTIONAL = ("base", "calibration", "aliases", "topics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a parameter set describes.

    Parameters
    ----------
    name : str
        Name in the catalogue, e.g. ``"early-breast"``.
    title, cancer, stage : str
    structure : {"parallel", "reservoir"}
        Whether organs are seeded directly, or only through the marrow.
    entry : {"diagnosis", "metastatic"}
        Whether follow-up starts at diagnosis of the primary tumour or with metastases.
    notes : str
        What the set rests on and what it cannot say.
    base : str
        Set that this one inherits from; empty for none.
    calibration : str
        Calibration that gives the fitted values; empty for the base's.
    aliases : tuple of str
        Other names that `parameter_set` accepts.
    """

    name: str
    title: str
    cancer: str
    stage: str
    structure: str
    entry: str
    notes: str
    base: str = ""
    calibration: str = ""
    aliases: tuple[str, ...] = ()

    def as_row(self) -> dict[str, Any]:
        """Return the description as a flat row for tables and JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "cancer": self.cancer,
            "stage": self.stage,
            "structure": self.structure,
            "entry": self.entry,
            "base": self.base,
            "calibration": self.calibration,
            "aliases": list(self.aliases),
            "notes": self.notes,
        }


def names() -> list[str]:
    """Return the names of all parameter sets, sorted.

    Examples
    --------
    >>> names()[:3]
    ['colorectal', 'early-breast', 'early-breast-reservoir']
    """
    return sorted(_descriptions())


def models_and_aliases() -> list[str]:
    """Return every name that `description` accepts, sorted."""
    known = _descriptions()
    return sorted([*known, *(alias for entry in known.values() for alias in entry.aliases)])


def description(name: str) -> Description:
    """Return what the parameter set called ``name`` describes; aliases are accepted.

    Raises
    ------
    CatalogError
        If there is none; the message has the nearest name.

    Examples
    --------
    >>> description("brest")
    Traceback (most recent call last):
    ...
    marrowtrace.errors.CatalogError: model 'brest' is not in the catalogue; did you mean 'breast'?
    """
    known = _descriptions()
    by_alias = {alias: key for key, entry in known.items() for alias in entry.aliases}
    key = by_alias.get(name, name)
    if key not in known:
        raise unknown("model", name, [*known, *by_alias])
    return known[key]


@cache
def _descriptions() -> Mapping[str, Description]:
    found = sorted(entry.name for entry in folder("sets").iterdir() if entry.is_dir())
    return MappingProxyType(
        {name: read_description(name, read("sets", name, "set.toml")) for name in found}
    )


def read_description(name: str, header: Mapping[str, Any]) -> Description:
    """Build a description from the tables of a ``set.toml``.

    Raises
    ------
    CatalogError
        With every missing or unknown field and every word that is not allowed.
    """
    problems = ProblemList()
    known = (*_REQUIRED, *_OPTIONAL, "overrides")
    for field in _REQUIRED:
        if not str(header.get(field, "")).strip():
            problems.add(field, f"is missing; required: {', '.join(_REQUIRED)}")
    for field in header:
        if field not in known:
            problems.add(field, f"is not a field of a set{did_you_mean(field, known)}")
    for field, allowed in (("structure", STRUCTURES), ("entry", ENTRIES)):
        word = header.get(field)
        if word is not None and word not in allowed:
            hint = did_you_mean(str(word), allowed)
            problems.add(field, f"is '{word}'; allowed: {', '.join(allowed)}{hint}")
    if ("base" in header) == ("topics" in header):
        problems.add("base", "a set has either a 'base' to inherit from or 'topics' of its own")
    problems.raise_any(CatalogError, f"the parameter set '{name}'")
    texts = {field: str(header.get(field, "")) for field in (*_REQUIRED, "base", "calibration")}
    return Description(name=name, aliases=tuple(header.get("aliases", ())), **texts)
