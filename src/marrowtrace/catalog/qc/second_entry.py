"""Compare the first entry of the catalogue with the second.

The second entry holds numbers as text, as the sources print them, so two entries agree if the first
rounds to what the second shows. Where a source prints a range alone, so does the second entry.
Fitted values are compared with the calibration that the second entry was made of, which stays in
the catalogue when a set moves on to a newer one; a value set by hand before a fit is compared as it
stands in the set's tables.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from marrowtrace.catalog.calibrations import calibration
from marrowtrace.catalog.descriptions import SUBTYPES
from marrowtrace.catalog.parameter_sets import entered, parameter_set
from marrowtrace.catalog.targets import Target, targets
from marrowtrace.units import Unit

_SAME = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One number on which the two entries differ.

    Parameters
    ----------
    place : str
        Set and symbol or target.
    first, second : str
        What either entry says.
    """

    place: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.place}: first entry {self.first}, second entry {self.second}"


def second_entry(name: str) -> Mapping[str, Any]:
    """Read a file of the second entry, e.g. ``"early-breast"`` or ``"targets"``."""
    text = files("marrowtrace.catalog.qc").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def half_digit(printed: str) -> float:
    """Half of one unit in the last printed digit.

    Examples
    --------
    >>> half_digit("0.080"), half_digit("3.1e12"), half_digit("3434")
    (0.0005, 50000000000.0, 0.5)
    """
    mantissa, _, exponent = printed.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    return 0.5 * float(f"1e{int(exponent or 0) - digits}")


def parameter_disagreements(
    name: str, entries: Mapping[str, Any] | None = None
) -> list[Disagreement]:
    """Compare the parameter set ``name`` with its second entry.

    Parameters
    ----------
    name : str
    entries : mapping, optional
        Second entry; the shipped one if left out. Its ``calibration`` names the fit it was made
        of (``name`` if left out).
    """
    found, before = parameter_set(name), entered(name)
    given = dict(second_entry(name) if entries is None else entries)
    fit = calibration(given.pop("calibration", name))
    disagreements: list[Disagreement] = []
    for family, entry in given.items():
        printed_value = entry.get("value")
        values = printed_value if isinstance(printed_value, list) else [printed_value]
        members = [f"{family}.{s}" for s in SUBTYPES] if len(values) > 1 else [family]
        for symbol, printed in zip(members, values, strict=True):
            if symbol not in found:
                place, second = f"{name}.{symbol}", printed or str(entry["range"])
                item = Disagreement(place=place, first="nothing", second=second)
                disagreements.append(item)
                continue
            parameter = found[symbol]
            unit = Unit.parse(entry["unit"])
            value = fit.values.get(symbol, before.get(symbol, parameter.value))
            pairs = [("", value, *_rounded(printed))] if printed else []
            for end, first, second in zip(
                (" low", " high"), (parameter.low, parameter.high), _range(entry, value),
                strict=True,
            ):  # fmt: skip
                if second is not None:
                    pairs.append((end, first, second, _SAME * abs(second)))
            for what, first, second, tolerance in pairs:
                if abs(first - second) > tolerance:
                    place = f"{name}.{symbol}{what}"
                    disagreements.append(
                        Disagreement(place=place, first=f"{first:g}", second=f"{second:g}")
                    )
            same_unit = abs(parameter.unit.size / unit.size - 1) < _SAME
            if parameter.unit.dimension != unit.dimension or not same_unit:
                place = f"{name}.{symbol} unit"
                disagreements.append(
                    Disagreement(place=place, first=str(parameter.unit), second=str(unit))
                )
    return disagreements


def target_disagreements(entries: Mapping[str, Any] | None = None) -> list[Disagreement]:
    """Compare the published figures of all sets with their second entry.

    Parameters
    ----------
    entries : mapping, optional
        By set and target: a number as printed (``"0.29"``), that number with the ends of its
        interval, or the counts behind it (``"14/66"``). The shipped entry if left out.
    """
    disagreements: list[Disagreement] = []
    for name, figures in (second_entry("targets") if entries is None else entries).items():
        known = {target.name: target for target in targets(name)}
        for key, entry in figures.items():
            place = f"{name}.{key}"
            if key not in known:
                disagreements.append(Disagreement(place=place, first="nothing", second=str(entry)))
            else:
                disagreements += [
                    Disagreement(place=place, first=str(first), second=second)
                    for first, second in _figure_pairs(known[key], entry)
                    if not _agrees(first, second)
                ]
    return disagreements


def _figure_pairs(target: Target, entry: Any) -> list[tuple[float | str | None, str]]:
    """Numbers of the first entry beside those of the second."""
    numbers = [str(number) for number in (entry if isinstance(entry, list) else [entry])]
    if "/" in numbers[0]:
        positive, patients = (float(count) for count in numbers[0].split("/"))
        counts = f"{target.positive}/{target.patients}"
        return [(counts, numbers[0]), (target.value, f"{positive / patients:.4f}")]
    ends = (target.value, target.ci_low, target.ci_high)[: len(numbers)]
    return list(zip(ends, numbers, strict=True))


def _agrees(first: float | str | None, second: str) -> bool:
    """Whether a number of the first entry rounds to that of the second; counts must be equal."""
    if first is None or isinstance(first, str):
        return first == second
    number, tolerance = _rounded(second)
    return abs(first - number) <= tolerance


def _rounded(printed: str) -> tuple[float, float]:
    """Return the number printed and the largest distance of what rounds to it."""
    return float(printed), half_digit(printed) * 1.001


def _range(entry: Mapping[str, Any], value: float) -> tuple[float | None, float | None]:
    """Range of the second entry, if it prints one."""
    if "factor" in entry:
        return value / entry["factor"], value * entry["factor"]
    low, high = entry.get("range", (None, None))
    return low, high


def accepted() -> Mapping[str, str]:
    """Disagreements that were looked into, by place, with the reason which entry holds."""
    return second_entry("accepted")
