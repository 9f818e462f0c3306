"""What differs between two parameter sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marrowtrace.catalog.parameter_sets import parameter_set
from marrowtrace.parameters import Parameter, ParameterSet
from marrowtrace.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One parameter in which two sets differ.

    Parameters
    ----------
    symbol : str
    first, second : Parameter or None
        The parameter in either set; None where the set does not have it.
    value, range_, source : bool
        Whether the value (in canonical units), the range or the source differs.
    """

    symbol: str
    first: Parameter | None
    second: Parameter | None
    value: bool
    range_: bool
    source: bool

    @property
    def unit(self) -> Unit:
        """Unit of the second, or of the first where the second does not have it."""
        found = self.second or self.first
        assert found is not None
        return found.unit

    def as_row(self) -> dict[str, Any]:
        """Return the difference as a flat row for tables and JSON."""
        return {
            "symbol": self.symbol,
            "first": self.first.as_row() if self.first else None,
            "second": self.second.as_row() if self.second else None,
            "value_differs": self.value,
            "range_differs": self.range_,
            "source_differs": self.source,
        }


def diff(first: str, second: str, *, sources: bool = False) -> list[Difference]:
    """Return the parameters in which two sets differ, in the order of the first.

    Parameters
    ----------
    first, second : str
        Names of parameter sets.
    sources : bool
        Also those that differ only in their source, such as values that are carried over.

    Raises
    ------
    CatalogError
        If either set does not exist.

    Examples
    --------
    >>> [d.symbol for d in diff("early-breast", "early-breast")]
    []
    """
    one, two = parameter_set(first), parameter_set(second)
    found: list[Difference] = []
    for symbol in dict.fromkeys([*one, *two]):
        a, b = _get(one, symbol), _get(two, symbol)
        if a is None or b is None:
            item = Difference(
                symbol=symbol, first=a, second=b, value=True, range_=True, source=True
            )
            found.append(item)
            continue
        item = Difference(
            symbol=symbol,
            first=a,
            second=b,
            value=a.canonical != b.canonical,
            range_=(a.low, a.high, a.unit.size) != (b.low, b.high, b.unit.size),
            source=a.source != b.source,
        )
        if item.value or item.range_ or (sources and item.source):
            found.append(item)
    return found


def _get(found: ParameterSet, symbol: str) -> Parameter | None:
    """The parameter, or None: `ParameterSet` names the nearest symbol instead of a KeyError."""
    if symbol in found:
        return found[symbol]
    return None
