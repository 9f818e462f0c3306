"""Parameter sets by cancer and stage, with inheritance.

A set either has topics of its own (one TOML file a topic), or a base and what differs from it and
why. What a set of another cancer inherits is no longer what it was: it becomes ``assumed``, and
says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from marrowtrace.catalog.calibrations import Calibration, calibration
from marrowtrace.catalog.descriptions import SUBTYPES, Description, description
from marrowtrace.catalog.files import read
from marrowtrace.errors import CatalogError, ProblemList, did_you_mean
from marrowtrace.parameters import ParameterSet, read_parameters

Table = dict[str, Any]
_OVERRIDABLE = ("value", "by_subtype", "low", "high", "kind", "citation", "where", "meaning")


@cache
def parameter_set(name: str) -> ParameterSet:
    """Return the parameter set called ``name``.

    Parameters
    ----------
    name : str
        One of `names`, or an alias such as ``"breast"``.

    Returns
    -------
    ParameterSet
        Parameters by symbol; those by subtype are called ``symbol.subtype``, see `SUBTYPES`.

    Raises
    ------
    CatalogError
        If there is no such set.

    Examples
    --------
    >>> parameter_set("early-breast")["perivascular_egress_rate"].unit
    Unit(symbol='1/d', size=1.0, dimension=(-1, 0, 0, 0, 0, 0, 0))
    """
    found = description(name)
    return read_parameters(_flat(found.name), where=f"the parameter set '{found.name}'")


@cache
def topics(name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the symbols of a set by topic, in the order they are to be read in.

    Raises
    ------
    CatalogError
        If there is no such set.
    """
    root = description(name)
    while root.base:
        root = description(root.base)
    found = {
        topic: tuple(expand(read("sets", root.name, f"{topic}.toml"), where=topic))
        for topic in read("sets", root.name, "set.toml")["topics"]
    }
    return MappingProxyType(found)


def expand(tables: Mapping[str, Any], *, where: str) -> dict[str, Table]:
    """Spread tables with values by subtype into one table a symbol.

    Parameters
    ----------
    tables : mapping
        As in TOML; ``by_subtype`` holds four values in the order of `SUBTYPES`, or
        ``per_subtype = true`` says that the calibration has them. ``low`` and ``high`` are one
        number or four.
    where : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With every list that does not have one value a subtype.
    """
    problems = ProblemList()
    flat: dict[str, Table] = {}
    for symbol, table in tables.items():
        fields = dict(table)
        values = fields.pop("by_subtype", None)
        if values is None and not fields.pop("per_subtype", False):
            flat[symbol] = fields
            continue
        lists = {key: fields[key] for key in ("low", "high") if isinstance(fields.get(key), list)}
        lists |= {} if values is None else {"value": values}
        for key, found in lists.items():
            if len(found) != len(SUBTYPES):
                problems.add(symbol, f"has {len(found)} values as {key}, not {len(SUBTYPES)}")
        if all(len(found) == len(SUBTYPES) for found in lists.values()):
            for position, subtype in enumerate(SUBTYPES):
                own = {key: found[position] for key, found in lists.items()}
                flat[f"{symbol}.{subtype}"] = fields | own
    problems.raise_any(CatalogError, where)
    return flat


def inherit(
    base: Mapping[str, Table], overrides: Mapping[str, Any], *, set_name: str
) -> dict[str, Table]:
    """Apply what a set says differently to the tables of its base.

    An override names one parameter, ``symbol.subtype`` or a whole family ``symbol``; it gives the
    fields that change and must say why in ``where``.

    Raises
    ------
    CatalogError
        With every override of an unknown symbol, unknown field, or without a reason.
    """
    problems = ProblemList()
    flat = {symbol: dict(table) for symbol, table in base.items()}
    spread: dict[str, Table] = {}
    for symbol, table in overrides.items():
        members = [symbol] if symbol in flat else [f"{symbol}.{subtype}" for subtype in SUBTYPES]
        if members[0] not in flat:
            hint = did_you_mean(symbol, [*flat, *(s.split(".")[0] for s in flat)])
            problems.add(symbol, f"is not a parameter of the base{hint}")
            continue
        for field in table:
            if field not in _OVERRIDABLE:
                hint = did_you_mean(field, _OVERRIDABLE)
                problems.add(symbol, f"has the field '{field}', which cannot be overridden{hint}")
        if not {"kind", "where"} <= set(table):
            problems.add(symbol, "is overridden without a 'kind' and a 'where' that say why")
        family = table if "by_subtype" in table else table | {"per_subtype": True}
        one = {symbol: dict(table)} if symbol in flat else expand({symbol: family}, where=set_name)
        spread |= one
    problems.raise_any(CatalogError, f"the overrides of the parameter set '{set_name}'")
    for symbol, table in spread.items():
        flat[symbol].pop("citation", None)
        flat[symbol] |= table
    return flat


def fitted(tables: Mapping[str, Table], found: Calibration) -> dict[str, Table]:
    """Put the values of a calibration into the tables.

    Raises
    ------
    CatalogError
        With every fitted symbol that the set does not have.
    """
    problems = ProblemList()
    flat = {symbol: dict(table) for symbol, table in tables.items()}
    for symbol, value in found.values.items():
        if symbol not in flat:
            hint = did_you_mean(symbol, list(flat))
            problems.add(symbol, f"is not a parameter of the set{hint}")
            continue
        if flat[symbol].get("kind") != "calibrated":
            reason = f"the targets of the calibration '{found.name}'; "
            flat[symbol]["where"] = f"{reason}before it {flat[symbol]['where']}"
        flat[symbol] |= {"value": value, "kind": "calibrated"}
    problems.raise_any(CatalogError, f"the calibration '{found.name}'")
    return flat


def carried_over(tables: Mapping[str, Table], base: str) -> dict[str, Table]:
    """Mark every value as an assumption, because it was found in another cancer."""
    moved: dict[str, Table] = {}
    for symbol, table in tables.items():
        where = str(table["where"])
        if not where.startswith("carried over from "):
            where = f"carried over from {base} (assumed); there {table['kind']}: {where}"
        moved[symbol] = {**table, "kind": "assumed", "where": where}
    return moved


@cache
def entered(name: str) -> Mapping[str, float]:
    """Return the values that the tables of a set and its bases hold, before any calibration.

    A calibration may give another value to a parameter that has one here; those without a value
    here come from a calibration alone.

    Raises
    ------
    CatalogError
        If there is no such set.
    """
    tables = _unfitted(description(name).name)
    return MappingProxyType({s: float(t["value"]) for s, t in tables.items() if "value" in t})


def _unfitted(name: str) -> dict[str, Table]:
    """The tables of a set without calibrations."""
    found, header = description(name), read("sets", name, "set.toml")
    if not found.base:
        return _own(name, header)
    base = _unfitted(description(found.base).name)
    return inherit(base, header.get("overrides", {}), set_name=name)


@cache
def _flat(name: str) -> Mapping[str, Table]:
    """The tables of a set, one a symbol, with inheritance and calibration applied."""
    found = description(name)
    header = read("sets", name, "set.toml")
    tables = _inherited(found, header) if found.base else _own(name, header)
    if found.calibration:
        tables = fitted(tables, calibration(found.calibration))
    empty = [symbol for symbol, table in tables.items() if "value" not in table]
    if empty:
        raise CatalogError(
            f"the parameter set '{name}' has no value for {', '.join(empty)}; "
            f"give one, or fit it in the calibration '{found.calibration}'"
        )
    return tables


def _own(name: str, header: Mapping[str, Any]) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for topic in header["topics"]:
        more = expand(read("sets", name, f"{topic}.toml"), where=f"{name}/{topic}.toml")
        twice = sorted(set(tables) & set(more))
        if twice:
            raise CatalogError(f"{name}/{topic}.toml defines {', '.join(twice)} a second time")
        tables |= more
    return tables


def _inherited(found: Description, header: Mapping[str, Any]) -> dict[str, Table]:
    base = description(found.base)
    tables: Mapping[str, Table] = _flat(base.name)
    if base.cancer != found.cancer:
        tables = carried_over(tables, base.name)
    return inherit(tables, header.get("overrides", {}), set_name=found.name)
