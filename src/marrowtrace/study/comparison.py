"""Published figures beside the simulated ones, each inside its interval or not.

Those that the protocol names come first, each with the statistic that it states; then every row of
the evidence tables on detection in the same cancer and stage that the protocol does not name yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.citations import bibliography
from marrowtrace.evidence.plain_values import plain
from marrowtrace.evidence.proportions import exact_interval
from marrowtrace.study.evaluation import Value, evaluate
from marrowtrace.study.published import Comparison, Marker, Statistic, Subgroup
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.catalog import Description
    from marrowtrace.evidence.records import DetectionRate
    from marrowtrace.study.panel import Panel
    from marrowtrace.study.sampled_marker import SampledMarker

SHARES = ("positivity", "persistence", "share", "cumulative_incidence", "kaplan_meier")
RATIOS = ("positivity_ratio", "rate_ratio", "hazard_ratio")
_STAGES = (
    ("metastatic", "metastatic"),
    ("locally advanced", "locally advanced"),
    ("early", "early"),
    ("localised", "early"),
)


def published_rows(
    panel: Panel, comparisons: Sequence[Comparison], *, among: NDArray[np.bool_] | None = None
) -> list[dict[str, Any]]:
    """Set the protocol's published figures beside the simulated ones.

    Parameters
    ----------
    panel : Panel
    comparisons : sequence of Comparison
    among : ndarray of bool, shape (n,), optional
        Patients that take part where a figure names no arm: one arm of a paired study.

    Returns
    -------
    list of dict
        As `comparison_row`.
    """
    rows = []
    for item in comparisons:
        names_arms = bool(
            item.statistic.subgroup.arms or item.statistic.reference.arms or item.statistic.arms
        )
        found = evaluate(panel, item.statistic, among=None if names_arms else among)
        rows.append(comparison_row(item, found))
    return rows


def comparison_row(item: Comparison, found: Value, *, source: str = "protocol") -> dict[str, Any]:
    """Return one published figure beside the simulated one.

    ``inside`` is whether the published 95 % interval (as printed, or exact from the counts behind
    a share) contains the simulated value; null where there is no such interval or no value.

    Parameters
    ----------
    item : Comparison
    found : Value
    source : {"protocol", "evidence"}
    """
    low, high, interval = _published_interval(item)
    inside = overlap = None
    if low is not None and high is not None and found.value is not None:
        inside = bool(low <= found.value <= high)
        if found.low is not None and found.high is not None:
            overlap = bool(found.low <= high and low <= found.high)
    kind = item.statistic.kind
    return {
        "id": item.id,
        "label": item.label,
        "published": float(item.value),
        "ci_low": low,
        "ci_high": high,
        "simulated": plain(found.value),
        "simulated_low": plain(found.low),
        "simulated_high": plain(found.high),
        "inside": inside,
        "calibrated": item.calibrated,
        "overlap": overlap,
        "difference": _difference(item.value, found.value, ratio=kind in RATIOS),
        "quantity": "share" if kind in SHARES else "rate" if kind == "rate" else "ratio",
        "kind": kind,
        "statistic": statistic_words(item.statistic),
        "interval": interval,
        "patients": found.patients,
        "events": found.events,
        "citation": item.citation,
        "paper": bibliography()[item.citation].short if item.citation in bibliography() else "",
        "where": item.where,
        "verified": item.verified,
        "source": source,
        "remark": found.remark,
        "band": _band(item.statistic),
    }


def not_judged(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without its verdict, for a study that selects other patients than the paper."""
    remark = "; ".join(text for text in (row["remark"], _SELECTED) if text)
    return {**row, "inside": None, "remark": remark}


def _band(statistic: Statistic) -> dict[str, Any] | None:
    """Years and receptor status that a rate is about; None for other statistics."""
    if statistic.kind != "rate":
        return None
    return {
        "group": f"ER {statistic.subgroup.er}" if statistic.subgroup.er else "all",
        "from_year": (statistic.from_day or 0.0) / DAYS_PER_YEAR,
        "to_year": None if statistic.day is None else statistic.day / DAYS_PER_YEAR,
    }


def _published_interval(item: Comparison) -> tuple[float | None, float | None, str]:
    """The printed interval, or an exact one from the counts behind a share, and which it is."""
    if item.ci_low is not None and item.ci_high is not None:
        return float(item.ci_low), float(item.ci_high), "as given"
    if item.statistic.kind not in SHARES or not item.patients:
        return None, None, ""
    positive, how = item.positive, "exact from the counts"
    if positive is None:
        positive, how = round(item.value * item.patients), "exact, nearest whole count"
    low, high = exact_interval([positive], [item.patients])
    return float(low[0]), float(high[0]), how


def _difference(published: float, simulated: float | None, *, ratio: bool) -> float | None:
    """Simulated less published, or for ratios simulated over published."""
    if simulated is None or (ratio and not published):
        return None
    return simulated / published if ratio else simulated - published


def statistic_words(statistic: Statistic) -> str:
    """Return what is computed from the simulated patients, as a phrase."""
    parts = [statistic.kind.replace("_", " ")]
    if statistic.marker is not None:
        parts.append(_marker_words(statistic.marker))
    if statistic.before is not None:
        parts.append(f"given positive: {_marker_words(statistic.before)}")
    if statistic.column:
        parts.append(f"{statistic.column.replace('_', ' ')} = {statistic.equals}")
    if statistic.endpoint:
        parts.append(statistic.endpoint.replace("_", " "))
    if statistic.from_day:
        parts.append(f"from {_years(statistic.from_day)}")
    if statistic.day is not None:
        parts.append(f"to {_years(statistic.day)}")
    if statistic.arms:
        parts.append(" against ".join(statistic.arms))
    return ", ".join(parts)


def _marker_words(marker: Marker) -> str:
    words = f"{marker.assay} at {marker.visit}, >= {marker.threshold:g}"
    if marker.negative_below is not None and marker.negative_below != marker.threshold:
        words += f" against < {marker.negative_below:g}"
    return words


def _years(day: float) -> str:
    return f"{day / DAYS_PER_YEAR:.3g} years"


_HAZARD = re.compile(r"(?:ER (?P<er>\w+), )?years (?P<first>\d+) to (?P<last>\d+)")
_SELECTED = "this study selects its patients, the paper did not, so not judged"
_NO_SAMPLE = "the study takes no such sample, so there is nothing to compare"


@dataclass(frozen=True, slots=True)
class _Match:
    """A simulated marker that a published row can be held against."""

    marker: SampledMarker
    threshold: float
    remark: str
    same_method: bool


def evidence_rows(
    panel: Panel,
    markers: Sequence[SampledMarker],
    about: Description,
    *,
    named: Sequence[Mapping[str, Any]],
    fitted: Sequence[tuple[str, float]],
    among: NDArray[np.bool_] | None = None,
) -> list[dict[str, Any]]:
    """Set the published detection rates of the same cancer and stage beside the simulated ones.

    A row of the first phase is held against the first visit of that phase, one of a later phase
    against the first visit of it, since a row does not say the day. An assay of the same name is
    taken where the study has it, else the first of the same cell class; where the paper's method is
    another, ``inside`` is null and the row says so. A row for which the study takes no such sample,
    or whose patients were selected, stays in the list without a simulated value.

    Parameters
    ----------
    panel : Panel
    markers : sequence of SampledMarker
        In order of their days.
    about : Description
        Cancer and stage of the parameter set.
    named : sequence of mapping
        Rows that are there already; the same figure of the same paper is not repeated.
    fitted : sequence of (citation, value)
        Figures that the parameters were fitted to.
    among : ndarray of bool, shape (n,), optional

    Returns
    -------
    list of dict
        As `comparison_row`.
    """
    from marrowtrace.evidence.tables import bundled

    wanted = next((word for start, word in _STAGES if about.stage.startswith(start)), "unknown")
    seen = {(row["citation"], round(float(row["published"]), 3)) for row in named}
    rows = []
    for printed in bundled().rates:
        rate = printed.corrected()
        share = _share(rate)
        if rate.cancer != about.cancer or share is None or rate.unit != "patients":
            continue
        if rate.stage not in (wanted, "unknown", "mixed"):
            continue
        match = _match(rate, markers)
        key = (rate.study, round(share, 3))
        if key in seen:
            continue
        seen.add(key)
        selected = bool(rate.set_aside) and not rate.set_aside.startswith("pooled")
        statistic, found = Statistic("positivity"), Value(None, None, None, 0, 0, _NO_SAMPLE)
        if selected:
            found, match = Value(None, None, None, 0, 0, rate.set_aside), None
        if match is not None:
            marker = Marker(match.marker.visit, match.marker.assay, match.threshold)
            statistic = Statistic("positivity", marker=marker)
            found = evaluate(panel, statistic, among=among)
        item = Comparison(
            rate.row, _rate_label(rate), share, statistic,
            positive=rate.count, patients=rate.n, citation=rate.study, where=rate.where,
            calibrated=any(c == rate.study and abs(v - share) < 0.006 for c, v in fitted),
            verified=rate.status != "remembered",
        )  # fmt: skip
        row = comparison_row(item, found, source="evidence")
        stage = "stage not stated in the source" if rate.stage != wanted else ""
        minded = match.remark if match is not None else ""
        row["remark"] = "; ".join(t for t in (row["remark"], minded, stage) if t)
        if match is not None and not match.same_method:
            row["inside"] = None
        rows.append(row)
    return rows


def hazard_rows(
    panel: Panel,
    about: Description,
    endpoint: str,
    *,
    named: Sequence[Mapping[str, Any]],
    among: NDArray[np.bool_] | None = None,
) -> list[dict[str, Any]]:
    """Set the published annual hazards of early breast cancer beside the simulated ones.

    Parameters
    ----------
    panel : Panel
    about : Description
        Nothing is published here for other cancers and stages.
    endpoint : str
        Follow-up that stands for recurrence.
    named : sequence of mapping
        Rows that are there already; the same figure of the same paper is not repeated.
    among : ndarray of bool, shape (n,), optional

    Returns
    -------
    list of dict
        As `comparison_row`.
    """
    from marrowtrace.evidence.published import published_figures

    if about.cancer != "breast" or not about.stage.startswith("early"):
        return []
    seen = {(row["citation"], round(float(row["published"]), 4)) for row in named}
    rows = []
    for figure in published_figures().iter_rows(named=True):
        found = _HAZARD.search(str(figure["quantity"]))
        if figure["part_of"] != "colleoni" or found is None:
            continue
        if (figure["citation"], round(float(figure["value"]) / 100, 4)) in seen:
            continue
        first, last = float(found["first"]), float(found["last"])
        er = found["er"]
        statistic = Statistic(
            "rate", endpoint=endpoint, from_day=first * DAYS_PER_YEAR, day=last * DAYS_PER_YEAR,
            subgroup=Subgroup(er=er),
        )  # fmt: skip
        item = Comparison(
            str(figure["id"]), str(figure["quantity"]), round(float(figure["value"]) / 100, 6),
            statistic,
            citation=str(figure["citation"]), where=str(figure["where"]),
            verified=figure["status"] != "remembered",
        )  # fmt: skip
        value = evaluate(panel, statistic, among=among)
        rows.append(comparison_row(item, value, source="evidence"))
    return rows


def _share(rate: DetectionRate) -> float | None:
    """Share that a row prints."""
    if rate.k is not None and rate.n:
        return rate.k / rate.n
    return round(float(rate.percent) / 100, 6) if rate.percent else None


def _rate_label(rate: DetectionRate) -> str:
    how = ", ".join(word for word in (rate.assay, rate.marker) if word) or "method not printed"
    return f"{rate.analyte}-positive, {rate.phase} treatment ({how})"


def _match(rate: DetectionRate, markers: Sequence[SampledMarker]) -> _Match | None:
    """The simulated marker nearest to a published row; None where the study has none."""
    usual = [m for m in markers if m.cell_class == rate.analyte and np.isfinite(m.day)]
    phase = [m for m in usual if m.phase == rate.phase]
    if not phase:
        return None
    first = [m for m in phase if m.visit == phase[0].visit]
    same = [m for m in first if _same_assay(rate, m.assay)]
    chosen = (same or first)[0]
    remarks = []
    stated = bool(rate.assay or rate.marker)
    if stated and not same:
        remarks.append(f"by another method or amount than {chosen.assay}, so not judged")
    if rate.threshold is None:
        remarks.append("threshold not printed, 1 cell taken")
    if rate.phase != "pre":
        remarks.append(f"held against the visit '{chosen.visit}'; the row does not say the day")
    return _Match(chosen, float(rate.threshold or 1), "; ".join(remarks), bool(same) or not stated)


def _same_assay(rate: DetectionRate, assay: str) -> bool:
    """Whether a study's assay is the published one, by the letters of its name."""
    ours = "".join(c for c in assay.casefold() if c.isalnum())
    for word in (rate.assay, rate.marker):
        theirs = "".join(c for c in word.casefold() if c.isalnum())
        if theirs and (theirs.startswith(ours) or ours.startswith(theirs)):
            volume = rate.volume_ml
            return volume is None or volume == 7.5 or f"{volume:g}ml" in ours
    return False
