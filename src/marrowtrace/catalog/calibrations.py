"""Fitted values of the model, with the targets, loss and seeds they came from.

One TOML file a calibration: a new fit replaces that file and nothing else. Every symbol under
``[values]`` becomes a parameter of kind ``calibrated`` in the sets that name the calibration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from inspect import signature
from types import MappingProxyType
from typing import Any, TypeVar

from marrowtrace.catalog.files import read, stems, unknown
from marrowtrace.errors import CatalogError, ProblemList

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTarget:
    """One published figure in a fit.

    Parameters
    ----------
    value : float
        The figure as used.
    sd : float
        Standard deviation allowed to its logarithm.
    why : str
        Where ``sd`` comes from.
    model, error : float
        What the fitted model gives on the fresh seed, with its Monte Carlo standard error.
    z : float
        ln(model / value) / sd.
    """

    value: float
    sd: float
    why: str
    model: float
    error: float
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Freedom:
    """One direction in which a fit was free to move.

    Parameters
    ----------
    symbols : tuple of str
        Parameters that move together.
    scale : {"log", "log-odds"}
        Scale on which the prior is normal.
    start, final : float
        Value of the first symbol at the centre of the prior and as fitted.
    prior_sd : float
        Standard deviation of the prior, on ``scale``.
    shift : float
        Distance of ``final`` from ``start``, in ``prior_sd``.
    posterior : float
        Standard deviation left by the targets, as a share of ``prior_sd`` (linear theory).
    """

    symbols: tuple[str, ...]
    scale: str
    start: float
    final: float
    prior_sd: float
    shift: float
    posterior: float


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
    fresh_seed : int or None
        Seed of the fresh cohort, where recorded.
    loss_prior : float or None
        What the distance from the centre of the prior adds to ``loss`` in the fit.
    starts : tuple of (float, float)
        Loss with prior before and after the descent from each start.
    singular_values : tuple of float
        Of the derivatives of the targets' z-scores by the directions in units of the prior's sd;
        those above 1 are informed beyond the prior.
    targets : mapping of str to FittedTarget
        By name of the figure; empty for a fit that did not record them.
    free : mapping of str to Freedom
        By name of the direction; empty for a fit that did not record them.
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
    fresh_seed: int | None = None
    loss_prior: float | None = None
    starts: tuple[tuple[float, float], ...] = ()
    singular_values: tuple[float, ...] = ()
    targets: Mapping[str, FittedTarget] = field(default_factory=dict, repr=False)
    free: Mapping[str, Freedom] = field(default_factory=dict, repr=False)

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
    known = (
        *required, "date", "seed", "fresh_seed", "loss_prior", "starts", "singular_values",
        "well_informed", "not_informed", "targets", "free",
    )  # fmt: skip
    for key in required:
        if key not in tables:
            problems.add(key, f"is missing; required: {', '.join(required)}")
    for key in tables:
        if key not in known:
            problems.add(key, f"is not a field of a calibration; allowed: {', '.join(known)}")
    for symbol, value in dict(tables.get("values", {})).items():
        if not isinstance(value, int | float):
            problems.add(f"values.{symbol}", f"is {value!r}, which is not a number")
    targets = _records(FittedTarget, tables.get("targets", {}), "targets", problems)
    free = _records(Freedom, tables.get("free", {}), "free", problems)
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
        fresh_seed=tables.get("fresh_seed"),
        loss_prior=tables.get("loss_prior"),
        starts=tuple((float(before), float(after)) for before, after in tables.get("starts", ())),
        singular_values=tuple(float(value) for value in tables.get("singular_values", ())),
        targets=MappingProxyType(targets),
        free=MappingProxyType(free),
    )


def _records(
    kind: Callable[..., Record], tables: Mapping[str, Any], where: str, problems: ProblemList
) -> dict[str, Record]:
    """Read the records of one kind; what is missing or unknown is noted as a problem."""
    wanted = list(signature(kind).parameters)
    found: dict[str, Record] = {}
    for key, table in tables.items():
        wrong = sorted(set(wanted) ^ set(table))
        for entry in wrong:
            word = "is missing" if entry in wanted else "is not a field"
            problems.add(f"{where}.{key}.{entry}", f"{word}; wanted: {', '.join(wanted)}")
        if not wrong:
            given = {entry: tuple(v) if isinstance(v, list) else v for entry, v in table.items()}
            found[key] = kind(**given)
    return found
