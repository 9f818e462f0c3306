"""Tables of a protocol file: every value checked, every problem noted with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from marrowtrace.errors import ProblemList, UnitError, did_you_mean
from marrowtrace.units import Unit, convert

_QUANTITY = re.compile(
    r"^\s*(?P<value>[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>.*)$"
)
_NEVER = ("never", "infinity", "inf")


class Fields:
    """One table of a protocol file. A bad value is noted, and the usual one used in its place.

    Parameters
    ----------
    table : object
        As TOML gives it.
    place : str
        Where it is, e.g. ``"arms[1].regimens[0]"``; empty for the file itself.
    allowed : sequence of str
        Names of the fields that it may hold.
    problems : ProblemList
        Receives what is wrong.
    """

    def __init__(
        self, table: object, place: str, allowed: Sequence[str], problems: ProblemList
    ) -> None:
        self._place, self._problems = place, problems
        self._table: Mapping[str, Any] = {}
        if not isinstance(table, Mapping):
            problems.add(place, f"is {table!r}, but a table of fields is wanted")
            return
        self._table = table
        for name in table:
            if name not in allowed:
                hint = did_you_mean(str(name), allowed)
                problems.add(
                    self.place(name), f"is not a field here{hint}; fields: {', '.join(allowed)}"
                )

    def place(self, name: str) -> str:
        """Return the place of a field."""
        return f"{self._place}.{name}" if self._place else name

    def note(self, name: str, message: str) -> None:
        """Note a problem with a field."""
        self._problems.add(self.place(name), message)

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def raw(self, name: str, usual: Any = None) -> Any:
        """Return a field as it stands."""
        return self._table.get(name, usual)

    def text(self, name: str, usual: str | None = None, *, allowed: Sequence[str] = ()) -> str:
        """Return a text; required if there is no usual one."""
        value = self._table.get(name)
        if value is None:
            if usual is None:
                options = f"; allowed: {', '.join(allowed)}" if allowed else ""
                self.note(name, f"is missing{options}")
            return usual or (allowed[0] if allowed else "")
        if value == "" and usual == "":
            return ""
        if not isinstance(value, str) or not value.strip():
            self.note(name, f"is {value!r}; give a text in quotes")
            return usual or (allowed[0] if allowed else "")
        if allowed and value not in allowed:
            hint = did_you_mean(value, allowed)
            self.note(name, f"is '{value}'; allowed: {', '.join(allowed)}{hint}")
            return usual if usual is not None else allowed[0]
        return value

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """Return one of some words, None if the field is left out."""
        return self.text(name, allowed[0], allowed=allowed) if name in self._table else None

    def flag(self, name: str, usual: bool | None = False) -> bool | None:
        """Return true or false."""
        value = self._table.get(name, usual)
        if value is not usual and not isinstance(value, bool):
            self.note(name, f"is {value!r}; allowed: true, false")
            return usual
        return value if value is None else bool(value)

    def whole(self, name: str, usual: int | None, *, low: int, high: int) -> int:
        """Return a whole number in a range; required if there is no usual one."""
        value = self._table.get(name, usual)
        if value is None:
            self.note(name, f"is missing; give a whole number from {low:,} to {high:,}")
            return low
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not low <= value <= high:
            self.note(name, f"is {value!r}; give a whole number from {low:,} to {high:,}")
            return low if usual is None else usual
        return int(value)

    def quantity(
        self,
        name: str,
        usual: float | None,
        unit: str,
        *,
        low: float = 0.0,
        high: float = math.inf,
        never: bool = False,
    ) -> float | None:
        """Return an amount in canonical units; None if it is left out and there is no usual one.

        Parameters
        ----------
        name : str
        usual : float or None
            Canonical.
        unit : str
            A unit of the same dimension, e.g. ``"d"``; ``"-"`` for a plain number.
        low, high : float
            Range, canonical, ends included.
        never : bool
            Whether the word ``never`` is accepted, for infinity.
        """
        value = self._table.get(name)
        if value is None:
            return usual
        wanted = Unit.parse(unit)
        try:
            amount = read_quantity(value, wanted, never=never)
        except (UnitError, ValueError) as err:
            self.note(name, str(err))
            return usual
        if not low <= amount <= high:
            size = wanted.size
            if low == -math.inf:
                span = f"at most {high / size:g}"
            elif high == math.inf:
                span = f"{low / size:g} or more"
            else:
                span = f"{low / size:g} to {high / size:g}"
            self.note(name, f"is {value!r}, outside its range; give {span} {wanted}".rstrip(" -"))
            return usual
        return amount

    def amount(self, name: str, usual: float, unit: str, **limits: Any) -> float:
        """Return an amount as `quantity` does, where there is a usual one."""
        found = self.quantity(name, usual, unit, **limits)
        return usual if found is None else found

    def items(self, name: str) -> list[tuple[str, Any]]:
        """Return the entries of a list with their places; a single one may stand without brackets.

        An entry that is neither a text nor a table is noted.
        """
        value = self._table.get(name, [])
        if isinstance(value, str | Mapping):
            value = [value]
        if not isinstance(value, list):
            self.note(name, f"is {value!r}; give a list in [ ]")
            return []
        found = []
        for position, entry in enumerate(value):
            place = f"{self.place(name)}[{position}]"
            if isinstance(entry, str | Mapping):
                found.append((place, entry))
            else:
                self._problems.add(place, f"is {entry!r}; give a text or a table")
        return found

    def words(self, name: str, usual: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        if name not in self._table:
            return usual
        found = []
        for place, entry in self.items(name):
            if isinstance(entry, str):
                found.append(entry)
            else:
                self._problems.add(place, f"is {entry!r}; give a text in quotes")
        return tuple(found)

    def tables(self, name: str) -> list[tuple[str, str, Any]]:
        """Return the sub-tables of a table: name, place and content."""
        value = self._table.get(name, {})
        if not isinstance(value, Mapping):
            self.note(name, f"is {value!r}; give tables [{self.place(name)}.NAME]")
            return []
        return [(str(key), f"{self.place(name)}.{key}", entry) for key, entry in value.items()]


def read_quantity(value: object, wanted: Unit, *, never: bool = False) -> float:
    """Return a number, or a text with a unit such as ``"8 months"``, in canonical units.

    Raises
    ------
    ValueError, UnitError
        If it cannot be read, lacks its unit, or measures something else.

    Examples
    --------
    >>> read_quantity("7.5 mL", Unit.ML), read_quantity("0.5 %/week", Unit.PER_DAY) * 1400
    (7.5, 1.0)
    """
    plain = wanted.dimension == Unit.NONE.dimension
    word = " or 'never'" if never else ""
    example = "a number" if plain else f"a number with its unit in quotes, e.g. '1 {wanted}'{word}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if plain or value == 0:
            return float(value)
        raise ValueError(f"is {value!r} without a unit; give {example}")
    if not isinstance(value, str):
        raise ValueError(f"is {value!r}; give {example}")
    if never and value.strip().casefold() in _NEVER:
        return math.inf
    match = _QUANTITY.match(value)
    if match is None:
        raise ValueError(f"is '{value}', which does not begin with a number; give {example}")
    number, unit = float(match["value"].replace("_", "")), match["unit"].strip()
    if unit.startswith("%"):
        number, unit = number / 100.0, unit[1:].strip() or "-"
        unit = f"1{unit}" if unit.startswith("/") else unit
    if not unit and not plain and number:
        raise ValueError(f"is '{value}' without a unit; give {example}")
    if not unit:
        return number
    found = Unit.parse(unit)
    if found.dimension != wanted.dimension:
        raise ValueError(
            f"is '{value}', which measures {found.dimension_name}, "
            f"but this is {wanted.dimension_name}; give {example}"
        )
    return convert(number, found)
