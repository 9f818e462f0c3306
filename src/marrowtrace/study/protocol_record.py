"""A protocol as plain JSON values and back, so that a result folder says what it is a run of."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

from marrowtrace.study.protocol import Protocol


def to_record(protocol: Protocol) -> dict[str, Any]:
    """Return a protocol as JSON-ready values; infinity as the word ``never``."""
    found: dict[str, Any] = _out(protocol)
    return found


def from_record(record: Mapping[str, Any]) -> Protocol:
    """Return the protocol that `to_record` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the record is not that of a protocol.
    """
    found: Protocol = _in(Protocol, record)
    return found


def _out(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _out(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): _out(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_out(entry) for entry in value]
    if isinstance(value, float) and math.isinf(value):
        return "never"
    return value


def _in(wanted: Any, value: Any) -> Any:
    """Make what the type hint ``wanted`` says of plain values."""
    origin = typing.get_origin(wanted)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        hints = typing.get_type_hints(wanted)
        names = [field.name for field in dataclasses.fields(wanted)]
        return wanted(**{name: _in(hints[name], value[name]) for name in names})
    if origin is types.UnionType or origin is typing.Union:
        options = [option for option in typing.get_args(wanted) if option is not type(None)]
        return None if value is None else _in(options[0], value) if len(options) == 1 else value
    if origin is tuple:
        return tuple(_in(typing.get_args(wanted)[0], entry) for entry in value)
    if origin is not None and issubclass(origin, Mapping):
        inner = typing.get_args(wanted)[1]
        return {key: _in(inner, entry) for key, entry in value.items()}
    if wanted is float:
        return math.inf if value == "never" else float(value)
    return value
