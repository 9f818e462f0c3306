"""Fitted values of the model, with the targets, loss and seeds they came from.

One TOML file a calibration: a new fit replaces that file and nothing else. Every symbol under
``[values]`` becomes a parameter of kind ``calibrated`` in the sets that name the calibration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from marrowtrace.catalog.files import read, stems, unknown
from marrowtrace.errors import CatalogError, ProblemList


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One fit of the model to published figures.

    Parameters
    ----------
    name : str
    structure : {"parallel", "reservoir"}
    method, date : str
        How it was fitted, and when if recorded.
    loss : float
        Loss on the cohorts it was fitted to.
    loss_fresh_seed : float
        Loss on a seed not used in fitting.
    patients : int
        Simulated patients in the fresh cohort.
    target_count : int
        Population targets in the loss.
    seed : int or None
        Seed of the fit, where recorded.
    values : mapping of str to float
        Fitted values by symbol, in the unit of the parameter.
    well_informed, not_informed : tuple of str
        Symbols whose posterior sd is below 0.6, or at least 0.9, of the prior sd.
    """

    name: str
    structure: str
    method: str
    loss: float
    loss_fresh_seed: float
    patients: int
    target_count: int
    values: Mapping[str, float] = field(repr=False)
    seed: int | None = None
    date: str = ""
    well_informed: tuple[str, ...] = ()
    not_informed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = ProblemList()
        for symbol, value in self.values.items():
            if isinstance(value, bool) or not math.isfinite(value):
                problems.add(symbol, f"is {value!r}, which is not a finite number")
        problems.raise_any(CatalogError, f"the calibration '{self.name}'")

    def informed(self, symbol: str) -> str:
        """Say how far the targets inform ``symbol``: ``well``, ``not``, ``weakly`` or empty.

        A symbol that was not fitted gives the empty string.
        """
        family = symbol.split(".", maxsplit=1)[0]
        if symbol not in self.values:
            return ""
        for word, members in (("not", self.not_informed), ("well", self.well_informed)):
            if symbol in members or family in members:
                return word
        return "weakly"


@cache
def calibration(name: str) -> Calibration:
    """Return the calibration called ``name``.

    Raises
    ------
    CatalogError
        If there is none, or its file is not complete.

    Examples
    --------
    >>> calibration("early-breast").informed("blood_burst_log_sd")
    'well'
    """
    known = stems("calibrations")
    if name not in known:
        raise unknown("calibration", name, known)
    return read_calibration(name, read("calibrations", f"{name}.toml"))


def read_calibration(name: str, tables: Mapping[str, Any]) -> Calibration:
    """Build a calibration from the tables of its TOML file.

    Raises
    ------
    CatalogError
        With every missing field, every unknown one and every value that is not a number.
    """
    problems = ProblemList()
    required = (
        "structure", "method", "loss", "loss_fresh_seed", "patients", "target_count", "values",
    )  # fmt: skip
    known = (*required, "date", "seed", "well_informed", "not_informed")
    for key in required:
        if key not in tables:
            problems.add(key, f"is missing; required: {', '.join(required)}")
    for key in tables:
        if key not in known:
            problems.add(key, f"is not a field of a calibration; allowed: {', '.join(known)}")
    for symbol, value in dict(tables.get("values", {})).items():
        if not isinstance(value, int | float):
            problems.add(f"values.{symbol}", f"is {value!r}, which is not a number")
    problems.raise_any(CatalogError, f"the calibration '{name}'")
    return Calibration(
        name=name,
        structure=str(tables["structure"]),
        method=str(tables["method"]),
        date=str(tables.get("date", "")),
        loss=float(tables["loss"]),
        loss_fresh_seed=float(tables["loss_fresh_seed"]),
        patients=int(tables["patients"]),
        target_count=int(tables["target_count"]),
        values=MappingProxyType({key: float(v) for key, v in tables["values"].items()}),
        seed=tables.get("seed"),
        well_informed=tuple(tables.get("well_informed", ())),
        not_informed=tuple(tables.get("not_informed", ())),
    )
