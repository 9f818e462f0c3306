"""Plain JSON values from result objects: no NaN, no NumPy, no dataclasses."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

PlainValue: TypeAlias = "bool | int | float | str | list[PlainValue] | dict[str, PlainValue] | None"


def plain(value: object) -> PlainValue:
    """Turn ``value`` into what JSON can hold: NaN and infinities to None, arrays to lists.

    Parameters
    ----------
    value : object
        A dataclass instance, mapping, sequence, NumPy array or scalar, number, string or None.

    Returns
    -------
    PlainValue

    Raises
    ------
    TypeError
        If the value is none of these.

    Examples
    --------
    >>> plain({"a": float("nan"), "b": (1, 2.5)})
    {'a': None, 'b': [1, 2.5]}
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain_fields(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise TypeError(f"no plain form for {type(value).__name__}")


def plain_fields(result: object) -> dict[str, PlainValue]:
    """Return the fields of a dataclass instance by name, each in its `plain` form."""
    assert dataclasses.is_dataclass(result)
    return {field.name: plain(getattr(result, field.name)) for field in dataclasses.fields(result)}


def scalar_fields(result: object) -> dict[str, bool | int | float | str]:
    """Return the fields of a dataclass instance that fit a table cell, nested ones laid flat.

    Sequences are left out; of two fields with one name the outer one stays.
    """
    assert dataclasses.is_dataclass(result)
    own: dict[str, bool | int | float | str] = {}
    nested: dict[str, bool | int | float | str] = {}
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if isinstance(value, bool | int | float | str):
            own[field.name] = value
        elif dataclasses.is_dataclass(value):
            nested |= scalar_fields(value)
    return own | {name: value for name, value in nested.items() if name not in own}
