"""Published, assumed and calibrated numbers, each with its unit, range, meaning and source.

A `Parameter` stores what the paper prints, in its unit, with the place in the paper; `canonical`
converts it (day, mL, cell, mm). Values without a source cannot be made: a guess says
``kind="assumed"`` and why, a fitted value ``kind="calibrated"`` and to which targets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from marrowtrace.citations import Citation, cite
from marrowtrace.errors import CitationError, ParameterError, ProblemList, UnitError, did_you_mean
from marrowtrace.units import Unit, convert

KINDS = ("measured", "published model", "assumed", "calibrated")
_CITED = ("measured", "published model")
_QUANTITY = re.compile(r"^\s*(?P<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a number comes from.

    Parameters
    ----------
    kind : {"measured", "published model", "assumed", "calibrated"}
    where : str
        Place in the paper and what was taken from it; for ``assumed`` the reason, for
        ``calibrated`` the targets.
    citation : Citation, optional
        Required for ``measured`` and ``published model``.

    Raises
    ------
    ParameterError
        If the kind is unknown, the place is missing, or a published number has no citation.
    """

    kind: str
    where: str
    citation: Citation | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            hint = did_you_mean(self.kind, KINDS)
            raise ParameterError(
                f"source kind '{self.kind}' is unknown; allowed: {', '.join(KINDS)}{hint}"
            )
        if not self.where.strip():
            wanted = {
                "assumed": "the reason for the assumption",
                "calibrated": "the targets it was calibrated to",
            }.get(self.kind, "the place in the paper, e.g. 'abstract: 1 to 2.4 hours'")
            raise ParameterError(f"a source of kind '{self.kind}' must say where: {wanted}")
        if self.kind in _CITED and self.citation is None:
            raise ParameterError(
                f"a source of kind '{self.kind}' needs a citation; "
                "a number without one is 'assumed' or 'calibrated'"
            )

    def __str__(self) -> str:
        paper = f"{self.citation.short}, " if self.citation else ""
        return f"{self.kind}: {paper}{self.where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One number of the model.

    Parameters
    ----------
    symbol : str
        Name in code and in study files, e.g. ``"ctc_half_life"``.
    value, low, high : float
        Value and plausible range in ``unit``, ``low <= value <= high``.
    unit : Unit
    meaning : str
        One line: what the number is.
    source : Source

    Raises
    ------
    ParameterError
        If the value is outside its range, not finite, or the meaning or source is missing.

    Examples
    --------
    >>> half_life = Parameter(
    ...     symbol="ctc_half_life", value=1.7, low=1.0, high=2.4, unit=Unit.HOUR,
    ...     meaning="half-life of CTCs in blood after removal of the primary tumour",
    ...     source=Source(kind="measured", citation=cite("meng2004"),
    ...                   where="abstract: '1 to 2.4 hours'; value = midpoint"),
    ... )
    >>> round(half_life.canonical, 4)
    0.0708
    >>> half_life.with_value("40 h")
    Traceback (most recent call last):
    ...
    marrowtrace.errors.ParameterError: ctc_half_life = 40 h is outside its range [1, 2.4] h \
(source: measured: Meng 2004, abstract: '1 to 2.4 hours'; value = midpoint)
    """

    symbol: str
    value: float
    low: float
    high: float
    unit: Unit
    meaning: str
    source: Source

    def __post_init__(self) -> None:
        if not isinstance(self.source, Source):
            raise ParameterError(
                f"{self.symbol} has no source; give a Source, of kind 'assumed' if it is a guess"
            )
        if not self.meaning.strip():
            raise ParameterError(f"{self.symbol} has no meaning; say in one line what it is")
        if not self.low <= self.high:
            raise ParameterError(
                f"{self.symbol} has the range [{self.low:g}, {self.high:g}], which is empty"
            )
        if not (math.isfinite(self.value) and self.low <= self.value <= self.high):
            raise ParameterError(
                f"{self.symbol} = {self.value:g} {self.unit} is outside its range "
                f"[{self.low:g}, {self.high:g}] {self.unit} (source: {self.source})"
            )

    @property
    def canonical(self) -> float:
        """Value in canonical units (day, mL, cell, mm, mg)."""
        return convert(self.value, self.unit)

    def with_value(self, value: float | str) -> Parameter:
        """Return the same parameter with another value, marked as set by the user.

        Parameters
        ----------
        value : float or str
            In the parameter's unit, or with a unit of its own, e.g. ``"90 min"``.

        Raises
        ------
        ParameterError
            If the value cannot be read, its unit measures something else, or it is outside the
            range.
        """
        number = self._read(value)
        moved = replace(self, value=number)
        source = Source(
            kind="assumed",
            where=f"set by the user; the catalogue has {self.value:g} {self.unit} ({self.source})",
            citation=self.source.citation,
        )
        return replace(moved, source=source)

    def _read(self, value: float | str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ParameterError(f"{self.symbol} = {value!r} is not a number with a unit")
        if not isinstance(value, str):
            return float(value)
        match = _QUANTITY.match(value)
        if match is None:
            raise ParameterError(
                f"{self.symbol} = '{value}' is not a number with a unit, "
                f"e.g. '{self.value:g} {self.unit}'"
            )
        unit = match["unit"].strip()
        try:
            return convert(float(match["value"]), unit, self.unit) if unit else float(value)
        except UnitError as err:
            raise ParameterError(f"{self.symbol} = '{value}': {err}") from err

    def as_row(self) -> dict[str, Any]:
        """Return the parameter as a flat row for tables and JSON."""
        return {
            "symbol": self.symbol,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": str(self.unit),
            "meaning": self.meaning,
            "kind": self.source.kind,
            "citation": self.source.citation.key if self.source.citation else "",
            "where": self.source.where,
        }


class UnknownParameterError(ParameterError, KeyError):
    """A symbol that the set does not hold; a `KeyError`, so that ``get`` has its default."""

    def __str__(self) -> str:
        return str(self.args[0])


class ParameterSet(Mapping[str, Parameter]):
    """An immutable set of parameters by symbol.

    Examples
    --------
    >>> empty = ParameterSet([])
    >>> empty.with_values({"half_life": 1})
    Traceback (most recent call last):
    ...
    marrowtrace.errors.ParameterError: 1 problem in the parameters:
      half_life: no parameter of this name
    """

    def __init__(self, parameters: list[Parameter] | tuple[Parameter, ...]) -> None:
        by_symbol: dict[str, Parameter] = {}
        for parameter in parameters:
            if parameter.symbol in by_symbol:
                raise ParameterError(f"{parameter.symbol} is defined twice")
            by_symbol[parameter.symbol] = parameter
        self._parameters = MappingProxyType(by_symbol)

    def __getitem__(self, symbol: str) -> Parameter:
        if symbol not in self._parameters:
            hint = did_you_mean(symbol, list(self._parameters))
            raise UnknownParameterError(f"no parameter '{symbol}'{hint}")
        return self._parameters[symbol]

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._parameters

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def with_values(self, values: Mapping[str, float | str]) -> ParameterSet:
        """Return the set with other values; every unusable one is reported at once.

        Raises
        ------
        ParameterError
            Listing unknown names, unreadable values, wrong dimensions and values out of range.
        """
        problems = ProblemList()
        changed = dict(self._parameters)
        for symbol, value in values.items():
            if symbol not in changed:
                hint = did_you_mean(symbol, list(changed))
                problems.add(symbol, f"no parameter of this name{hint}")
                continue
            try:
                changed[symbol] = changed[symbol].with_value(value)
            except ParameterError as err:
                problems.add(symbol, str(err))
        problems.raise_any(ParameterError, "the parameters")
        return ParameterSet(list(changed.values()))

    def citations(self) -> list[str]:
        """Return the keys of all papers the values come from, sorted, each once."""
        found = {p.source.citation.key for p in self.values() if p.source.citation}
        return sorted(found)


def read_parameters(tables: Mapping[str, Any], *, where: str) -> ParameterSet:
    """Build parameters from tables as TOML gives them, one table a symbol.

    Parameters
    ----------
    tables : mapping
        ``{symbol: {value, low, high, unit, meaning, kind, citation, where}}``; ``citation`` is a
        key of the bibliography and may be left out for assumed and calibrated values.
    where : str
        Name of the file, for messages.

    Raises
    ------
    ParameterError
        With every problem of the file.
    """
    problems = ProblemList()
    parameters: list[Parameter] = []
    required = ("value", "low", "high", "unit", "meaning", "kind", "where")
    for symbol, fields in tables.items():
        if not isinstance(fields, Mapping):
            problems.add(symbol, f"is {fields!r}, but a parameter is a table '[{symbol}]'")
            continue
        unknown = [name for name in fields if name not in (*required, "citation")]
        missing = [name for name in required if name not in fields]
        for name in unknown:
            hint = did_you_mean(name, (*required, "citation"))
            problems.add(symbol, f"has an unknown field '{name}'{hint}")
        for name in missing:
            what = "no source: no field" if name in {"kind", "where"} else "no field"
            problems.add(symbol, f"has {what} '{name}'")
        if missing or unknown:
            continue
        try:
            parameters.append(_parameter(symbol, fields))
        except (ParameterError, UnitError, CitationError, TypeError, ValueError) as err:
            problems.add(symbol, str(err))
    problems.raise_any(ParameterError, where)
    return ParameterSet(parameters)


def _parameter(symbol: str, fields: Mapping[str, Any]) -> Parameter:
    key = fields.get("citation", "")
    return Parameter(
        symbol=symbol,
        value=float(fields["value"]),
        low=float(fields["low"]),
        high=float(fields["high"]),
        unit=Unit.parse(str(fields["unit"])),
        meaning=str(fields["meaning"]),
        source=Source(
            kind=str(fields["kind"]),
            citation=cite(key) if key else None,
            where=str(fields["where"]),
        ),
    )
