"""Sections of a study's page on its limits, its parameters and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from marrowtrace.citations import bibliography
from marrowtrace.report.folded_table import FoldedTable
from marrowtrace.report.number_words import DASH
from marrowtrace.report.page import Block, Items, Paragraph, Section


def limits_section(results: Mapping[str, Any]) -> Section:
    """Return what the model cannot say."""
    blocks: list[Block] = []
    for limit in results["limits"]:
        blocks.append(Paragraph(f"{limit['title']}. {limit['text']}"))
        if limit["items"]:
            blocks.append(Items(limit["items"]))
    return Section("What the model cannot say", blocks)


def parameters_section(results: Mapping[str, Any]) -> Section:
    """Return every parameter with its range and source, folded away."""
    rows = results["parameters"]
    changed = [row for row in rows if row["changed"]]
    blocks: list[Block] = []
    if changed:
        blocks.append(Paragraph("Values set by this study instead of the catalogue's:"))
        blocks.append(
            Items(
                [
                    f"{row['symbol']} = {row['value']:g} {row['unit']}".rstrip(" -")
                    + (f" (arm {row['arm']})" if row["arm"] else "")
                    for row in changed
                ]
            )
        )
    shown = [row for row in rows if not row["arm"]]
    frame = pl.DataFrame(
        {
            "symbol": [row["symbol"] for row in shown],
            "value": [f"{row['value']:.4g} {row['unit']}".removesuffix(" -") for row in shown],
            "range": [f"{row['low']:.4g} to {row['high']:.4g}" for row in shown],
            "meaning": [row["meaning"] for row in shown],
            "source": [_source(row) for row in shown],
        }
    )
    caption = f"All {len(shown)} parameters with their sources (open to read)"
    blocks.append(FoldedTable(frame, caption=caption, cards=True))
    return Section("Parameters and sources", blocks)


def _source(row: Mapping[str, Any]) -> str:
    paper = bibliography()[row["citation"]].short if row["citation"] in bibliography() else ""
    words = [row["kind"], f"{paper}, {row['where']}" if paper else row["where"]]
    return ": ".join(words) or DASH


def methods_section(results: Mapping[str, Any]) -> Section:
    """Return how the numbers on the page were made."""
    timing = results["timing"]
    took = "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in timing.items())
    texts = [
        "Patients are drawn from the disease model of marrowtrace, each from the same seed and "
        "number, so that the same study gives the same patients. Assays see samples of them, and "
        "every estimate on this page but those marked as truth uses what the assays and the "
        "follow-up saw.",
        "Shares have Clopper-Pearson intervals, rates exact Poisson intervals. Cumulative "
        "incidence is Aalen-Johansen's with log-log intervals, compared by Gray's test. Hazard "
        "ratios are Cox's with Efron's ties; p-values log-rank. Concordance is Uno's C, AUC(t) "
        "uses inverse censoring weights, and differences between markers have intervals from the "
        "influence of each patient. Sampling noise is told by a parametric bootstrap of "
        "gamma-Poisson counts.",
        f"Time taken [s]: {took}.",
    ]
    return Section("How this was made", [Paragraph(text) for text in texts])
