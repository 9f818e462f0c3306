"""Units, named at the edge; inside, everything is canonical: day, mL, cell, mm, mg.

A unit is a product of powers of the names below, written as on paper: ``h``, ``1/y``, ``cells/mL``,
``mg/m2``, ``CTC/7.5 mL``, ``cells/g/day``. `convert` is the one function that changes units.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import ClassVar

from marrowtrace.errors import UnitError, did_you_mean

DAYS_PER_YEAR = 365.25
_DIMENSIONS = ("time", "volume", "length", "area", "mass", "cells", "mutations")

# name: (dimension, size in the canonical unit of that dimension)
_NAMES: dict[str, tuple[str, float]] = {
    "s": ("time", 1 / 86_400), "second": ("time", 1 / 86_400),
    "min": ("time", 1 / 1_440), "minute": ("time", 1 / 1_440),
    "h": ("time", 1 / 24), "hour": ("time", 1 / 24), "hr": ("time", 1 / 24),
    "d": ("time", 1.0), "day": ("time", 1.0),
    "week": ("time", 7.0), "wk": ("time", 7.0),
    "mo": ("time", DAYS_PER_YEAR / 12), "month": ("time", DAYS_PER_YEAR / 12),
    "y": ("time", DAYS_PER_YEAR), "yr": ("time", DAYS_PER_YEAR),
    "year": ("time", DAYS_PER_YEAR), "a": ("time", DAYS_PER_YEAR),
    "ul": ("volume", 1e-3), "ml": ("volume", 1.0), "dl": ("volume", 100.0), "l": ("volume", 1e3),
    "cm3": ("volume", 1.0), "mm3": ("volume", 1e-3),
    "um": ("length", 1e-3), "mm": ("length", 1.0), "cm": ("length", 10.0), "m": ("length", 1e3),
    "m2": ("area", 1.0),
    "ug": ("mass", 1e-3), "mg": ("mass", 1.0), "g": ("mass", 1e3), "kg": ("mass", 1e6),
    "cell": ("cells", 1.0), "ctc": ("cells", 1.0), "dtc": ("cells", 1.0), "mnc": ("cells", 1.0),
    "mutation": ("mutations", 1.0), "snv": ("mutations", 1.0),
    "copy": ("mutations", 1.0),
}  # fmt: skip
_FACTOR = re.compile(
    r"^(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)?\s*(?P<name>[a-z]+[23]?)?(?:\^(?P<power>-?\d))?$"
)


def _names() -> list[str]:
    return sorted(_NAMES)


def _lookup(name: str, text: str) -> tuple[str, float]:
    for candidate in (name, name.removesuffix("s")):
        if candidate in _NAMES:
            return _NAMES[candidate]
    raise UnitError(
        f"unit '{text}' has an unknown part '{name}'{did_you_mean(name, _names())} "
        f"Known: {', '.join(_names())}; combine them as in 'cells/mL' or '1/y'."
    )


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure: a size in canonical units and the exponents of its dimensions.

    Parameters
    ----------
    symbol : str
        How it is written, e.g. ``"cells/mL"``.
    size : float
        One of this unit in canonical units (day, mL, mm, m2, mg, cell).
    dimension : tuple of int, shape (7,)
        Exponents of time, volume, length, area, mass, cells and mutations.

    Examples
    --------
    >>> Unit.parse("1/y").size == 1 / 365.25
    True
    >>> Unit.parse("CTC/7.5 mL").dimension == Unit.parse("cells/mL").dimension
    True
    """

    symbol: str
    size: float
    dimension: tuple[int, ...]

    NONE: ClassVar[Unit]
    HOUR: ClassVar[Unit]
    DAY: ClassVar[Unit]
    YEAR: ClassVar[Unit]
    PER_DAY: ClassVar[Unit]
    PER_YEAR: ClassVar[Unit]
    ML: ClassVar[Unit]
    MM: ClassVar[Unit]
    CM: ClassVar[Unit]
    CELL: ClassVar[Unit]
    CELLS_PER_ML: ClassVar[Unit]
    CELLS_PER_DAY: ClassVar[Unit]

    @classmethod
    def parse(cls, text: str) -> Unit:
        """Read a unit written as ``h``, ``1/y``, ``cells/mL`` or ``CTC/7.5ml``.

        Raises
        ------
        UnitError
            If a part is unknown; the message names it and the nearest known name.
        """
        folded = text.strip().replace("µ", "u").replace("μ", "u").replace("³", "3")
        folded = folded.replace("²", "2").replace("·", "*").casefold()
        size, exponents = 1.0, dict.fromkeys(_DIMENSIONS, 0)
        if folded not in {"", "-", "1", "none", "dimensionless", "fraction", "probability"}:
            for position, group in enumerate(folded.split("/")):
                sign = 1 if position == 0 else -1
                for part in group.split("*"):
                    size *= _multiply(part.strip(), sign, exponents, text)
        return cls(text.strip() or "-", size, tuple(exponents[name] for name in _DIMENSIONS))

    @property
    def dimension_name(self) -> str:
        """The dimension in words, e.g. ``cells/volume``."""
        above = [n for n, e in zip(_DIMENSIONS, self.dimension, strict=True) for _ in range(e)]
        below = [n for n, e in zip(_DIMENSIONS, self.dimension, strict=True) for _ in range(-e)]
        return "/".join(["*".join(above) or "1", *below]) if above or below else "dimensionless"

    def __str__(self) -> str:
        return self.symbol


def _multiply(part: str, sign: int, exponents: dict[str, int], text: str) -> float:
    """Fold one factor of a unit into ``exponents`` and return its size."""
    match = _FACTOR.match(part)
    if match is None or not part:
        raise UnitError(f"cannot read '{part}' in the unit '{text}'; write it as 'cells/mL'.")
    number = float(match["number"]) if match["number"] else 1.0
    if number <= 0 or not math.isfinite(number):
        raise UnitError(f"the unit '{text}' has a size of {part}; it must be above 0.")
    power = int(match["power"] or 1)
    size = number
    if match["name"]:
        dimension, scale = _lookup(match["name"], text)
        exponents[dimension] += sign * power
        size *= scale**power
    return size**sign


Unit.NONE = Unit.parse("-")
Unit.HOUR = Unit.parse("h")
Unit.DAY = Unit.parse("d")
Unit.YEAR = Unit.parse("y")
Unit.PER_DAY = Unit.parse("1/d")
Unit.PER_YEAR = Unit.parse("1/y")
Unit.ML = Unit.parse("mL")
Unit.MM = Unit.parse("mm")
Unit.CM = Unit.parse("cm")
Unit.CELL = Unit.parse("cells")
Unit.CELLS_PER_ML = Unit.parse("cells/mL")
Unit.CELLS_PER_DAY = Unit.parse("cells/d")


def convert(value: float, unit: Unit | str, to: Unit | str | None = None) -> float:
    """Convert ``value`` from ``unit`` to the unit ``to``.

    Parameters
    ----------
    value : float
    unit : Unit or str
        Unit of ``value``.
    to : Unit or str, optional
        Wanted unit; canonical (day, mL, cell, mm, mg) if left out.

    Returns
    -------
    float

    Raises
    ------
    UnitError
        If the two units measure different things.

    Examples
    --------
    >>> convert(36, "h", "d")
    1.5
    >>> round(convert(5, "CTC/7.5mL", "cells/L"), 1)
    666.7
    >>> convert(1, "h", "mL")
    Traceback (most recent call last):
    ...
    marrowtrace.errors.UnitError: 'h' measures time, but 'mL' measures volume
    """
    source = Unit.parse(unit) if isinstance(unit, str) else unit
    if to is None:
        return value * source.size
    target = Unit.parse(to) if isinstance(to, str) else to
    if source.dimension != target.dimension:
        raise UnitError(
            f"'{source}' measures {source.dimension_name}, "
            f"but '{target}' measures {target.dimension_name}"
        )
    return value * (source.size / target.size)
