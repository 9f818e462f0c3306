"""Markers, subgroups, statistics and published figures as tables of a protocol file."""

from __future__ import annotations

from typing import Any

from marrowtrace.errors import CatalogError, ProblemList, did_you_mean
from marrowtrace.study.fields import Fields
from marrowtrace.study.published import STATISTICS, Comparison, Marker, Statistic, Subgroup
from marrowtrace.units import DAYS_PER_YEAR

_MARKER = ("visit", "assay", "threshold", "negative_below")
_SUBGROUP = (
    "er", "her2", "node_positive", "diameter_above", "diameter_to", "age_from", "age_below",
    "arms", "marker", "marker_positive", "event_free_at",
)  # fmt: skip
_STATISTIC = (
    "kind", "marker", "before", "endpoint", "from_day", "day", "subgroup", "reference", "arms",
    "column", "equals",
)  # fmt: skip
_COMPARISON = (
    "target", "set", "id", "label", "value", "ci_low", "ci_high", "positive", "patients",
    "citation", "where", "calibrated", "verified", "statistic",
)  # fmt: skip
_RECEPTOR = ("positive", "negative")


def read_marker(place: str, entry: object, problems: ProblemList) -> Marker:
    """Read a marker; what is wrong goes to ``problems``."""
    fields = Fields(entry, place, _MARKER, problems)
    return Marker(
        visit=fields.text("visit"),
        assay=fields.text("assay"),
        threshold=fields.amount("threshold", 1.0, "-", low=1e-9),
        negative_below=fields.quantity("negative_below", None, "-", low=1e-9),
    )


def _optional_marker(fields: Fields, name: str, problems: ProblemList) -> Marker | None:
    if name not in fields:
        return None
    return read_marker(fields.place(name), fields.raw(name), problems)


def read_subgroup(place: str, entry: object, problems: ProblemList) -> Subgroup:
    """Read a subgroup; what is wrong goes to ``problems``."""
    fields = Fields(entry, place, _SUBGROUP, problems)

    def years(name: str) -> float | None:
        days = fields.quantity(name, None, "y", high=120 * DAYS_PER_YEAR)
        return None if days is None else days / DAYS_PER_YEAR

    positive = fields.flag("marker_positive", True)
    return Subgroup(
        er=fields.choice("er", _RECEPTOR),
        her2=fields.choice("her2", _RECEPTOR),
        node_positive=fields.flag("node_positive", None),
        diameter_above=fields.quantity("diameter_above", None, "mm"),
        diameter_to=fields.quantity("diameter_to", None, "mm"),
        age_from=years("age_from"),
        age_below=years("age_below"),
        arms=fields.words("arms"),
        marker=_optional_marker(fields, "marker", problems),
        marker_positive=positive is not False,
        event_free_at=fields.quantity("event_free_at", None, "d"),
    )


def read_statistic(place: str, entry: object, problems: ProblemList) -> Statistic:
    """Read a statistic; what is wrong goes to ``problems``."""
    fields = Fields(entry, place, _STATISTIC, problems)
    return Statistic(
        kind=fields.text("kind", allowed=STATISTICS),
        marker=_optional_marker(fields, "marker", problems),
        before=_optional_marker(fields, "before", problems),
        endpoint=fields.text("endpoint", ""),
        from_day=fields.quantity("from_day", None, "d"),
        day=fields.quantity("day", None, "d"),
        subgroup=read_subgroup(fields.place("subgroup"), fields.raw("subgroup", {}), problems),
        reference=read_subgroup(fields.place("reference"), fields.raw("reference", {}), problems),
        arms=fields.words("arms"),
        column=fields.text("column", ""),
        equals=fields.text("equals", ""),
    )


def read_comparison(place: str, entry: object, cancer: str, problems: ProblemList) -> Comparison:
    """Read a published figure: a target of the catalogue, or one of the study's own.

    Parameters
    ----------
    place : str
    entry : object
        As TOML gives it.
    cancer : str
        Parameter set whose targets are meant, unless the entry names another as ``set``.
    problems : ProblemList
        Receives what is wrong.
    """
    fields = Fields(entry, place, _COMPARISON, problems)
    statistic = read_statistic(fields.place("statistic"), fields.raw("statistic", {}), problems)
    known: dict[str, Any] = {}
    if "target" in fields:
        known = _target(fields, cancer)
    elif "value" not in fields:
        fields.note("value", "is missing; give the figure, or a target of the catalogue")
    return Comparison(
        id=fields.text("id", known.get("id")),
        label=fields.text("label", known.get("label")),
        value=fields.amount("value", known.get("value", 0.0), "-", low=float("-inf")),
        statistic=statistic,
        ci_low=fields.quantity("ci_low", known.get("ci_low"), "-", low=float("-inf")),
        ci_high=fields.quantity("ci_high", known.get("ci_high"), "-", low=float("-inf")),
        positive=_count(fields, "positive", known.get("positive")),
        patients=_count(fields, "patients", known.get("patients")),
        citation=fields.text("citation", known.get("citation", "")),
        where=fields.text("where", known.get("where", "")),
        calibrated=bool(fields.flag("calibrated", known.get("calibrated", False))),
        verified=fields.flag("verified", known.get("verified", True)) is not False,
    )


def _count(fields: Fields, name: str, usual: int | None) -> int | None:
    if name not in fields:
        return usual
    return fields.whole(name, usual or 0, low=0, high=10**9)


def _target(fields: Fields, cancer: str) -> dict[str, Any]:
    """What the catalogue knows of a target; empty if there is none of this name."""
    from marrowtrace.catalog import targets

    name, set_name = fields.text("target"), fields.text("set", cancer)
    try:
        found = {target.name: target for target in targets(set_name)}
    except CatalogError as err:
        fields.note("set" if "set" in fields else "target", str(err))
        return {"id": name, "label": name}
    if name not in found:
        hint = did_you_mean(name, list(found))
        fields.note("target", f"is '{name}', which is not a target of '{set_name}'{hint}")
        return {"id": name, "label": name}
    target = found[name]
    return {
        "id": target.name,
        "label": target.meaning,
        "value": target.value,
        "ci_low": target.ci_low,
        "ci_high": target.ci_high,
        "positive": target.positive,
        "patients": target.patients,
        "citation": target.citation.key if target.citation else "",
        "where": target.where,
        "calibrated": target.used,
        "verified": target.verified,
    }
