"""Sections of a study's page on what assays found, and how that compares with publications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from marrowtrace.report.drawings import Drawings
from marrowtrace.report.number_words import DASH, percent, percent_interval
from marrowtrace.report.page import Block, Items, Paragraph, Section, Table

_MOST_ROWS = 18
_VERDICTS = {True: "inside", False: "outside", None: "not judged"}
_PARTS = (
    ("share", "per cent", 100.0, False, "shares of patients"),
    ("ratio", "ratio (log scale)", 1.0, True, "ratios"),
    ("rate", "events per 100 patients and year", 100.0, False, "annual rates"),
)


def detection_section(results: Mapping[str, Any], drawings: Drawings) -> Section | None:
    """Return detection rates by visit and assay; None if there are none."""
    from marrowtrace.plotting.detection_over_time import detection_over_time

    rows = results["detection"]
    known = [row for row in rows if row["rate"] is not None]
    if not known:
        return None
    arms = list(dict.fromkeys(row["arm"] for row in known))
    drawn = [row for row in known if row["arm"] != "all"] if 2 <= len(arms) <= 4 else known
    drawn = drawn if len(arms) <= 4 else [row for row in known if row["arm"] == arms[0]]
    figure = drawings.add(
        "detection",
        detection_over_time(drawn),
        alt="Detection rates: " + "; ".join(
            f"{row['cell_class']} by {row['assay']} at {row['visit']} {percent(row['rate'])}"
            for row in known if row["arm"] == arms[0]
        ),
        caption="Share of sampled patients with cells, by visit, with exact 95 % intervals. Blood "
        "and marrow are those of the same patients; later visits have only those still under "
        "observation, so a fall is partly the leaving of the positive.",
    )  # fmt: skip
    rows = [row for row in rows if row["arm"] != "all" or len(arms) == 1]
    table = pl.DataFrame(
        {
            "visit": [row["visit"] for row in rows],
            "cells": [row["cell_class"] for row in rows],
            "assay": [row["assay"] for row in rows],
            **({"arm": [row["arm"] for row in rows]} if len(arms) > 1 else {}),
            "assayed": [f"{row['assayed']:,}" for row in rows],
            "positive": [_positive(row) for row in rows],
            ">= 5 cells": [percent(row["at_least"]["5"]) for row in rows],
            "median if any": [_number(row["median_of_carriers"]) for row in rows],
        }
    )
    rules = list(dict.fromkeys(f"{row['assay']}: {row['rule']}" for row in rows))
    caption = "What the assays found. Positive by the assay's own rule, exact 95 % intervals."
    return Section(
        "What the assays found",
        [figure, Table(table, caption=caption, cards=True), Items(rules, note=True)],
    )


def _positive(row: Mapping[str, Any]) -> str:
    if row["rate"] is None:
        return DASH
    return f"{row['positive']:,}: {percent_interval(row)}"


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:g}"


def published_section(results: Mapping[str, Any], drawings: Drawings) -> Section | None:
    """Return the published figures beside the simulated ones; None if there are none."""
    from marrowtrace.plotting.published_comparison import published_comparison

    rows = results["published"]
    if not rows:
        return None
    blocks: list[Block] = [Paragraph(verdict_sentence(rows)), Items(_NOTES, note=True)]
    for quantity, xlabel, scale, logarithmic, words in _PARTS:
        for name, said, part in _figures(rows, quantity):
            out = [row["label"] for row in part if row["inside"] is False]
            blocks.append(
                drawings.add(
                    f"published-{name}",
                    published_comparison(part, xlabel=xlabel, scale=scale, logarithmic=logarithmic),
                    alt=f"{len(part)} published {words}{said} beside the simulated ones; outside "
                    f"the published interval: {'; '.join(out) or 'none'}",
                    caption=f"Published {words}{said} (black) beside the simulated ones "
                    "(coloured), with 95 % intervals; on the right whether the simulated value "
                    "lies in the published interval, and whether the parameters were calibrated "
                    "to the figure.",
                )
            )
    blocks.append(_comparison_table(rows))
    return Section("Beside published figures", blocks)


def _figures(
    rows: Sequence[Mapping[str, Any]], quantity: str
) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """Rows of one quantity in figures that fit a page: held out apart from calibrated, if many."""
    known = [row for row in rows if row["quantity"] == quantity and row["simulated"] is not None]
    if len(known) <= _MOST_ROWS:
        return [(f"{quantity}s", "", known)] if known else []
    found = []
    for word, said, calibrated in (
        ("held-out", ", not used in calibration", False),
        ("calibrated", ", calibrated to", True),
    ):
        mine = [row for row in known if row["calibrated"] is calibrated]
        parts = -(-len(mine) // _MOST_ROWS)
        for k in range(parts):
            part = mine[k * len(mine) // parts : (k + 1) * len(mine) // parts]
            number = f"-{k + 1}" if parts > 1 else ""
            found.append((f"{quantity}s-{word}{number}", said, part))
    return found


_NOTES = (
    "inside: the published 95 % interval (as printed, or exact from the counts behind a share) "
    "contains the simulated value. Without such an interval nothing is judged, and the difference "
    "stands alone.",
    "calibrated to: the parameters were fitted, or set by hand, to this figure, so agreement is no "
    "evidence. not used in calibration: the figure was held out, and agreement is.",
    "Intervals of simulated values are those of the simulated patients alone; they do not hold the "
    "uncertainty of the parameters.",
)


def verdict_sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many figures lie inside, apart for those calibrated to and those held out."""
    parts = []
    for word, calibrated in (("calibrated to", True), ("not used in calibration", False)):
        mine = [row for row in rows if row["calibrated"] is calibrated]
        if not mine:
            continue
        judged = [row for row in mine if row["inside"] is not None]
        inside = sum(row["inside"] is True for row in judged)
        parts.append(
            f"of {len(mine)} {word}, {len(judged)} have an interval to judge by and {inside} of "
            "these contain the simulated value"
        )
    return f"{len(rows)} published figures were compared; " + "; ".join(parts) + "."


def _comparison_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    frame = pl.DataFrame(
        {
            "figure": [
                f"{row['label']}. [{row['remark']}]" if row["remark"] else row["label"]
                for row in rows
            ],
            "paper": [_paper(row) for row in rows],
            "published": [_value(row, "published", "ci_low", "ci_high") for row in rows],
            "simulated": [
                _value(row, "simulated", "simulated_low", "simulated_high") for row in rows
            ],
            "verdict": [
                f"{_VERDICTS[row['inside']]}; "
                + ("calibrated to" if row["calibrated"] else "not used in calibration")
                for row in rows
            ],
            "difference": [_difference(row) for row in rows],
        }
    )
    return Table(frame, caption="Every published figure compared, none left out.", cards=True)


def _paper(row: Mapping[str, Any]) -> str:
    name = row["paper"] or "no paper"
    return name if row["verified"] else f"{name} (remembered, not seen)"


def _value(row: Mapping[str, Any], value: str, low: str, high: str) -> str:
    if row[value] is None:
        return DASH
    scale, unit = (1.0, "") if row["quantity"] == "ratio" else (100.0, " %")
    if row["quantity"] == "rate":
        unit = " % a year"
    text = f"{scale * row[value]:.3g}{unit}"
    if row[low] is None or row[high] is None:
        return text
    return f"{text} ({scale * row[low]:.3g} to {scale * row[high]:.3g})"


def _difference(row: Mapping[str, Any]) -> str:
    if row["difference"] is None:
        return DASH
    if row["quantity"] == "ratio":
        return f"times {row['difference']:.2f}"
    return f"{100 * row['difference']:+.3g} points"
