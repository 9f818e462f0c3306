"""Protocols as TOML files, read with every problem at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marrowtrace.errors import InputFileError, MissingFileError, ProblemList, SimulationError
from marrowtrace.storage import require_file
from marrowtrace.study import endpoint as endpoints
from marrowtrace.study import visit as visits
from marrowtrace.study.arm import Arm, RegimenUse, Rule
from marrowtrace.study.endpoint import Endpoint
from marrowtrace.study.fields import Fields
from marrowtrace.study.protocol import (
    ALLOCATIONS,
    ANALYSES,
    Analyses,
    Eligibility,
    FollowUp,
    Protocol,
)
from marrowtrace.study.published_file import read_comparison, read_marker
from marrowtrace.study.visit import AssayUse, Visit
from marrowtrace.units import DAYS_PER_YEAR

MOST_PATIENTS = 10**9
_TOP = (
    "name", "title", "question", "notes", "cancer", "patients", "seed", "surgery", "horizon",
    "allocation", "dormancy", "sampled_after_relapse", "eligibility", "follow_up", "parameters",
    "arms", "assays", "visits", "endpoints", "analyses", "published",
)  # fmt: skip
_DORMANCIES = ("exponential", "erlang", "weibull", "lognormal")
_RECEPTOR = ("positive", "negative")
_TIMING = (
    ("start", "d"), ("duration", "d"), ("cycles", "-"), ("cycle_length", "d"), ("uptake", "-"),
    ("stopping_rate", "1/d"),
)  # fmt: skip
_REGIMEN = ("regimen", "agent", "eligibility", "acts_on", "effects", *(n for n, _ in _TIMING))


def read_protocol(path: Path) -> Protocol:
    """Read a protocol file.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputFileError
        If it is not TOML.
    SimulationError
        With every problem of the protocol, each with its place in the file.
    """
    text = require_file(path).read_bytes()
    try:
        tables = tomllib.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise InputFileError(f"{path} is not a TOML file: {err}") from err
    return from_tables(tables, where=path.name, folder=path.parent)


def from_tables(tables: Mapping[str, Any], *, where: str, folder: Path | None = None) -> Protocol:
    """Build a protocol from tables as TOML gives them.

    Parameters
    ----------
    tables : mapping
    where : str
        Name of the file, for messages.
    folder : Path, optional
        Where files that it names are looked for.

    Raises
    ------
    SimulationError
        With every problem, each with its place in the file.
    """
    problems = ProblemList()
    top = Fields(tables, "", _TOP, problems)
    cancer = top.text("cancer")
    name = top.text("name")
    assays = [
        _assay(key, place, entry, folder or Path(), problems)
        for key, place, entry in top.tables("assays")
    ]
    seen = [_visit(place, entry, problems) for place, entry in top.items("visits")]
    known = {use.name for use in assays}
    for used in [assay for each in seen for assay in each.assays]:
        if used not in known:  # a preset under its own name
            known.add(used)
            assays.append(AssayUse(used, used))
    protocol_fields: dict[str, Any] = {
        "name": name,
        "title": top.text("title"),
        "question": top.text("question"),
        "notes": top.text("notes", ""),
        "cancer": cancer,
        "patients": top.whole("patients", None, low=1, high=MOST_PATIENTS),
        "seed": top.whole("seed", 1, low=0, high=2**63 - 1),
        "surgery": top.amount("surgery", 0.0, "d", never=True),
        "horizon": top.amount("horizon", 20 * DAYS_PER_YEAR, "d", high=150 * DAYS_PER_YEAR),
        "allocation": top.text("allocation", "randomised", allowed=ALLOCATIONS),
        "dormancy": top.text("dormancy", "exponential", allowed=_DORMANCIES),
        "sampled_after_relapse": bool(top.flag("sampled_after_relapse")),
        "eligibility": _eligibility(top, problems),
        "follow_up": _follow_up(top, problems),
        "parameters": _values(top, problems),
        "arms": tuple(_arm(place, entry, problems) for place, entry in top.items("arms")),
        "assays": tuple(assays),
        "visits": tuple(seen),
        "endpoints": tuple(_endpoint(p, entry, problems) for p, entry in top.items("endpoints")),
        "analyses": _analyses(top, problems),
        "published": tuple(
            read_comparison(place, entry, cancer, problems)
            for place, entry in top.items("published")
        ),
    }
    try:
        return Protocol(**protocol_fields, noted=problems)
    except SimulationError as err:
        heading, _, rest = str(err).partition("\n")
        count = heading.split(" in ")[0]
        raise SimulationError(f"{count} in {where}:\n{rest}") from None


def _named(entry: object, field: str) -> object:
    """Let a text stand for a table with this one field."""
    return {field: entry} if isinstance(entry, str) else entry


def _values(fields: Fields, problems: ProblemList) -> dict[str, float | str]:
    """Overrides of parameters: numbers or texts with a unit."""
    table = fields.raw("parameters", {})
    if not isinstance(table, Mapping):
        fields.note("parameters", f"is {table!r}; give a table of symbols and values")
        return {}
    found: dict[str, float | str] = {}
    for symbol, value in _flat(table):
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            problems.add(
                f"{fields.place('parameters')}.{symbol}",
                f"is {value!r}; give a number, or a number with its unit in quotes",
            )
        else:
            found[symbol] = value
    return found


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Symbols with a dot, ``escape_multiplier.triple_negative``, are nested tables in TOML."""
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


def _eligibility(top: Fields, problems: ProblemList) -> Eligibility:
    names = ("metastatic", "er", "her2", "node_positive", "age_from", "age_below",
             "diameter_above", "diameter_to")  # fmt: skip
    fields = Fields(top.raw("eligibility", {}), "eligibility", names, problems)
    return Eligibility(
        metastatic=bool(fields.flag("metastatic")),
        er=fields.choice("er", _RECEPTOR),
        her2=fields.choice("her2", _RECEPTOR),
        node_positive=fields.flag("node_positive", None),
        age_from=_years(fields, "age_from"),
        age_below=_years(fields, "age_below"),
        diameter_above=fields.quantity("diameter_above", None, "mm"),
        diameter_to=fields.quantity("diameter_to", None, "mm"),
    )


def _years(fields: Fields, name: str) -> float | None:
    """An age in years."""
    days = fields.quantity(name, None, "y", high=120 * DAYS_PER_YEAR)
    return None if days is None else days / DAYS_PER_YEAR


def _follow_up(top: Fields, problems: ProblemList) -> FollowUp:
    fields = Fields(
        top.raw("follow_up", {}), "follow_up", ("accrual", "closes", "drop_out"), problems
    )
    usual = FollowUp()
    return FollowUp(
        accrual=fields.amount("accrual", usual.accrual, "d"),
        closes=fields.amount("closes", usual.closes, "d", never=True),
        drop_out=fields.amount("drop_out", usual.drop_out, "1/d"),
    )


def _arm(place: str, entry: object, problems: ProblemList) -> Arm:
    names = ("name", "label", "share", "regimens", "rules", "cancer", "parameters", "surgery")
    fields = Fields(_named(entry, "name"), place, names, problems)
    name = fields.text("name")
    return Arm(
        name=name,
        label=fields.text("label", name),
        share=fields.amount("share", 1.0, "-"),
        regimens=tuple(_regimen(p, each, problems) for p, each in fields.items("regimens")),
        rules=tuple(_rule(p, each, problems) for p, each in fields.items("rules")),
        cancer=fields.text("cancer", ""),
        parameters=_values(fields, problems),
        surgery=fields.quantity("surgery", None, "d", never=True),
    )


def _regimen(place: str, entry: object, problems: ProblemList) -> RegimenUse:
    from marrowtrace.catalog.regimens import ACTS_ON, ELIGIBILITY

    fields = Fields(_named(entry, "regimen"), place, _REGIMEN, problems)
    timing = {}
    for name, unit in _TIMING:
        if name in fields:
            high = {"uptake": 1.0, "cycles": 1000.0}.get(name, float("inf"))
            found = fields.quantity(name, None, unit, high=high, never=name == "duration")
            if found is not None:
                timing[name] = found
    effects = {}
    table = fields.raw("effects", {})
    for name, value in table.items() if isinstance(table, Mapping) else ():
        inner = Fields({name: value}, f"{place}.effects", (name,), problems)
        unit = "1/d" if isinstance(value, str) and "/" in value else "-"
        found = inner.quantity(name, None, unit, low=-float("inf"))
        if found is not None:
            effects[str(name)] = found
    if not isinstance(table, Mapping):
        fields.note("effects", f"is {table!r}; give a table of effects")
    return RegimenUse(
        name=fields.text("regimen"),
        agent=fields.text("agent", ""),
        timing=timing,
        effects=effects,
        eligibility=fields.choice("eligibility", ELIGIBILITY) or "",
        acts_on=fields.choice("acts_on", ACTS_ON) or "",
    )


def _rule(place: str, entry: object, problems: ProblemList) -> Rule:
    names = ("visit", "assay", "threshold", "regimen", "delay")
    fields = Fields(entry, place, names, problems)
    regimen = RegimenUse("")
    if "regimen" in fields:
        regimen = _regimen(f"{place}.regimen", fields.raw("regimen"), problems)
    else:
        fields.note("regimen", "is missing; give the regimen that a positive result starts")
    return Rule(
        visit=fields.text("visit"),
        assay=fields.text("assay"),
        threshold=fields.amount("threshold", 1.0, "-", low=1e-9),
        regimen=regimen,
        delay=fields.amount("delay", 0.0, "d"),
    )


def _assay(name: str, place: str, entry: object, folder: Path, problems: ProblemList) -> AssayUse:
    names = ("preset", "file", "definition", "amount", "sides", "laboratories",
             "recovery_log_sd", "false_positive_log_sd")  # fmt: skip
    fields = Fields(_named(entry, "preset"), place, names, problems)
    given = [way for way in ("preset", "file", "definition") if way in fields]
    if len(given) > 1:
        fields.note(given[1], f"is given beside '{given[0]}'; give one of them")
    definition = fields.text("definition", "")
    if "file" in fields:
        try:
            definition = require_file(folder / fields.text("file")).read_text(encoding="utf-8")
        except (MissingFileError, UnicodeDecodeError) as err:
            fields.note("file", str(err))
    amount = None
    if "amount" in fields:
        unit = "cells" if "cell" in str(fields.raw("amount")).casefold() else "mL"
        amount = fields.quantity("amount", None, unit, low=1e-9)
    sides = fields.whole("sides", 1, low=1, high=10) if "sides" in fields else None
    return AssayUse(
        name,
        fields.text("preset", name),
        definition,
        amount,
        sides,
        laboratories=fields.whole("laboratories", 0, low=0, high=10_000),
        recovery_log_sd=fields.amount("recovery_log_sd", 0.0, "-", high=5.0),
        false_positive_log_sd=fields.amount("false_positive_log_sd", 0.0, "-", high=5.0),
    )


def _visit(place: str, entry: object, problems: ProblemList) -> Visit:
    names = ("name", "day", "clock", "phase", "assays", "attendance")
    fields = Fields(entry, place, names, problems)
    clock = fields.text("clock", "index", allowed=visits.CLOCKS)
    if clock != "relapse" and "day" not in fields:
        fields.note("day", "is missing; give the day of the visit, e.g. '8 months'")
    if clock == "relapse" and "day" in fields:
        fields.note("day", "has no meaning for a visit at relapse; leave it out")
    return Visit(
        name=fields.text("name"),
        day=fields.amount("day", 0.0, "d"),
        assays=fields.words("assays"),
        clock=clock,
        phase=fields.text("phase", "post", allowed=("pre", "on", "post")),
        attendance=fields.amount("attendance", 1.0, "-", high=1.0),
    )


def _endpoint(place: str, entry: object, problems: ProblemList) -> Endpoint:
    fields = Fields(_named(entry, "name"), place, ("name", "clock", "visit", "label"), problems)
    return Endpoint(
        name=fields.text("name", allowed=tuple(endpoints.ENDPOINTS)),
        clock=fields.text("clock", "index", allowed=endpoints.CLOCKS),
        visit=fields.text("visit", ""),
        label=fields.text("label", ""),
    )


def _analyses(top: Fields, problems: ProblemList) -> Analyses:
    names = ("wanted", "markers", "pair", "endpoints", "lives")
    fields = Fields(top.raw("analyses", {}), "analyses", names, problems)
    usual = Analyses()
    return Analyses(
        wanted=fields.words("wanted", ANALYSES),
        markers=tuple(read_marker(p, e, problems) for p, e in fields.items("markers")),
        pair=tuple(read_marker(p, e, problems) for p, e in fields.items("pair")),
        endpoints=fields.words("endpoints"),
        lives=fields.whole("lives", usual.lives, low=0, high=20),
    )
