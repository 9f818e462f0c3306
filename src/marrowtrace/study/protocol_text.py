"""A protocol written as TOML that reads back the same: what a result folder keeps of its study."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from marrowtrace.study.protocol import Protocol
from marrowtrace.study.protocol_record import to_record

_UNITS = {
    "days": ("day", "delay", "horizon", "surgery", "accrual", "closes", "from_day",
             "event_free_at", "start", "duration", "cycle_length"),
    "1/day": ("drop_out", "stopping_rate"),
    "mm": ("diameter_above", "diameter_to"),
    "years": ("age_from", "age_below"),
}  # fmt: skip
_UNIT = {name: unit for unit, names in _UNITS.items() for name in names}
_LISTS = ("arms", "visits", "endpoints", "published")
_TABLES = ("eligibility", "follow_up", "parameters", "analyses")


def to_toml(protocol: Protocol) -> str:
    """Return a protocol as TOML, in days, mL, cells and mm.

    Examples
    --------
    >>> from marrowtrace.study.bundled import study
    >>> to_toml(study("reservoir")).splitlines()[2]
    'name = "reservoir"'
    """
    record = to_record(protocol)
    lines = ["# Written by marrowtrace from the protocol of a run, in canonical units.", ""]
    for name, value in record.items():
        if name not in (*_LISTS, *_TABLES, "assays") and value not in ("", None):
            lines.append(f"{name} = {_value(name, value)}")
    for name in _TABLES:
        lines += ["", f"[{name}]", *_fields(record[name])] if record[name] else []
    for use in record["assays"]:
        lines += ["", f"[assays.{_key(use['name'])}]", *_fields(_assay(protocol, use))]
    for name in _LISTS:
        for entry in record[name]:
            lines += ["", f"[[{name}]]", *_fields(_entry(name, entry))]
    return "\n".join(lines) + "\n"


def _assay(protocol: Protocol, use: Mapping[str, Any]) -> dict[str, Any]:
    """An assay as the file has it: a preset or a definition, the amount with its unit."""
    from marrowtrace.study.observation import study_assay

    found = {name: value for name, value in use.items() if name != "name"}
    del found["preset" if use["definition"] else "definition"]
    if use["amount"] is not None:
        blood = study_assay(protocol.assay_use(use["name"])).specimen == "blood"
        found["amount"] = f"{use['amount']!r} {'mL' if blood else 'cells'}"
    return {name: value for name, value in found.items() if value not in (0, 0.0)}


def _entry(kind: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """One table of a list as the file has it."""
    found = dict(entry)
    if kind == "visits" and entry["clock"] == "relapse":
        del found["day"]
    if kind == "arms":
        found["regimens"] = [_regimen(use) for use in entry["regimens"]]
        found["rules"] = [{**rule, "regimen": _regimen(rule["regimen"])} for rule in entry["rules"]]
    return found


def _regimen(use: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: use[name] for name in ("agent", "effects", "eligibility", "acts_on")}
    return {"regimen": use["name"], **use["timing"], **rest}


def _fields(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(k)} = {_value(k, v)}" for k, v in table.items() if not _is_empty(v)]


def _is_empty(value: Any) -> bool:
    """Whether a value says nothing: left out, it reads back as it is."""
    if isinstance(value, Mapping):
        return all(_is_empty(entry) or key == "marker_positive" for key, entry in value.items())
    return value is None or value in ("", [])


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)


def _value(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        inner = [f"{_key(k)} = {_value(k, v)}" for k, v in value.items() if not _is_empty(v)]
        return "{ " + ", ".join(inner) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(name, entry) for entry in value) + "]"
    unit = _UNIT.get(name)
    if unit and isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(f"{value!r} {unit}") if math.isfinite(value) else '"never"'
    return json.dumps(value, ensure_ascii=False)
