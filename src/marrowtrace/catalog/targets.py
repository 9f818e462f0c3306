"""Published figures that a parameter set is fitted to, or held against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from marrowtrace.catalog.descriptions import description
from marrowtrace.catalog.files import read, stems, unknown
from marrowtrace.citations import Citation, cite
from marrowtrace.errors import CatalogError, CitationError, ProblemList, did_you_mean

QUANTITIES = ("probability", "ratio", "hazard ratio", "rate")
_REQUIRED = ("quantity", "meaning", "value", "used", "where")
_OPTIONAL = ("ci_low", "ci_high", "positive", "patients", "citation", "verified")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One published figure about a population.

    Parameters
    ----------
    name : str
        Short name, e.g. ``"dtc_at_diagnosis"``.
    quantity : {"probability", "ratio", "hazard ratio", "rate"}
        What kind of number it is; a rate is per year.
    meaning, where : str
        What was measured, and the place in the paper.
    value : float
    used : bool
        Whether a calibration used it; those held out are not.
    verified : bool
        Whether the figure was seen in the paper or is remembered.
    ci_low, ci_high : float or None
        95 % interval, where printed.
    positive, patients : int or None
        Counts behind a probability, where printed.
    citation : Citation or None
    """

    name: str
    quantity: str
    meaning: str
    value: float
    used: bool
    where: str
    verified: bool = True
    ci_low: float | None = None
    ci_high: float | None = None
    positive: int | None = None
    patients: int | None = None
    citation: Citation | None = None

    def __post_init__(self) -> None:
        problems = ProblemList()
        if not math.isfinite(self.value):
            problems.add("value", f"is {self.value}, which is not a finite number")
        if self.quantity == "probability" and not 0 <= self.value <= 1:
            problems.add("value", f"is {self.value:g}, but a probability lies in [0, 1]")
        if (self.ci_low is None) != (self.ci_high is None):
            problems.add("ci_low", "is given without ci_high, or the reverse")
        low = -math.inf if self.ci_low is None else self.ci_low
        high = math.inf if self.ci_high is None else self.ci_high
        if not low <= self.value <= high:
            problems.add("value", f"is {self.value:g}, outside its own interval")
        if self.positive is not None and self.positive > (self.patients or 0):
            problems.add("positive", f"is {self.positive}, more than {self.patients} patients")
        problems.raise_any(CatalogError, f"the target '{self.name}'")

    def as_row(self) -> dict[str, Any]:
        """Return the target as a flat row for tables and JSON."""
        return {
            "name": self.name,
            "quantity": self.quantity,
            "value": self.value,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "positive": self.positive,
            "patients": self.patients,
            "meaning": self.meaning,
            "used": self.used,
            "verified": self.verified,
            "citation": self.citation.key if self.citation else "",
            "where": self.where,
        }


def target_names() -> list[str]:
    """Return the names of the parameter sets that have targets, sorted."""
    return stems("targets")


@cache
def targets(name: str) -> tuple[Target, ...]:
    """Return the published figures that the parameter set called ``name`` is held against.

    A set without targets of its own has those of its base.

    Raises
    ------
    CatalogError
        If there is no such set, or it has no targets.

    Examples
    --------
    >>> sum(target.used for target in targets("lung"))
    0
    """
    found = description(name)
    while found.name not in target_names() and found.base:
        found = description(found.base)
    if found.name not in target_names():
        raise unknown("list of targets", name, target_names())
    return read_targets(read("targets", f"{found.name}.toml"), where=f"targets/{found.name}.toml")


def read_targets(tables: Mapping[str, Any], *, where: str) -> tuple[Target, ...]:
    """Build targets from tables as TOML gives them, one table a target.

    Raises
    ------
    CatalogError
        With every unknown or missing field and every figure that contradicts itself.
    """
    problems = ProblemList()
    found: list[Target] = []
    known = (*_REQUIRED, *_OPTIONAL)
    for name, table in tables.items():
        count = len(problems)
        for key in table:
            if key not in known:
                problems.add(name, f"has an unknown field '{key}'{did_you_mean(key, known)}")
        for key in _REQUIRED:
            if key not in table:
                problems.add(name, f"has no {key}")
        if table.get("quantity") not in (*QUANTITIES, None):
            hint = did_you_mean(str(table["quantity"]), QUANTITIES)
            problems.add(name, f"has quantity '{table['quantity']}'{hint}")
        if len(problems) > count:
            continue
        fields = dict(table)
        key = fields.pop("citation", "")
        try:
            found.append(Target(name=name, citation=cite(key) if key else None, **fields))
        except (CatalogError, CitationError) as err:
            problems.add(name, str(err))
    problems.raise_any(CatalogError, where)
    return tuple(found)
