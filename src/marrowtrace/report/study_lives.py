"""Section of a study's page on patients who were replayed in detail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from marrowtrace.report.drawings import Drawings
from marrowtrace.report.folded_table import FoldedTable
from marrowtrace.report.number_words import DASH
from marrowtrace.report.page import Block, Figure, Paragraph, Section


def lives_section(results: Mapping[str, Any], drawings: Drawings) -> Section | None:
    """Return the lives of the replayed patients; None if there are none."""
    from marrowtrace.plotting.life_with_samples import life_with_samples

    lives = results["lives"]
    if not lives:
        return None
    blocks: list[Block] = [
        Paragraph(
            "Patients from the study, simulated again in detail. The curves are the truth; the "
            "marks below are all that a clinic saw of it."
        )
    ]
    for life in lives:
        arm = f", arm {life['arm']}" if len(results["study"]["arms"]) > 1 else ""
        age = f", {life['age']:.0f} years old" if life["age"] is not None else ""
        head = f"{life['title']}: patient {life['number']}{age}{arm}. Chosen: {life['rule']}."
        if life["remark"]:
            blocks.append(Paragraph(f"{head} The replay failed: {life['remark']}"))
            continue
        blocks.append(
            drawings.add(
                f"life-{life['number']}",
                life_with_samples(life, index_event=results["study"]["index_event"]),
                alt=f"{life['title']}: patient {life['number']}, {life['ending']}",
                caption=f"{head} Upper panel: cells by compartment (log scale). Lower panel: "
                "therapies, and samples filled where positive with the cells counted.",
            )
        )
        blocks.append(_samples(life))
        if life.get("clones"):
            blocks.append(_clones(life, drawings))
    return Section("Patients in detail", blocks)


def _clones(life: Mapping[str, Any], drawings: Drawings) -> Figure:
    """Clones over the samples of one patient."""
    import numpy as np

    from marrowtrace.plotting.fish_plot import fish_plot

    clones = life["clones"]
    ax = fish_plot(
        np.asarray(clones["shares"], dtype=np.float64), list(clones["parents"]),
        list(clones["names"]), list(clones["samples"]),
    )  # fmt: skip
    return drawings.add(
        f"clones-{life['number']}",
        ax,
        alt=f"Clones of patient {life['number']} in {len(clones['samples'])} samples: "
        + ", ".join(clones["names"]),
        caption=f"Clones of patient {life['number']}: the share of each sample's cells that carry "
        "a clone's mutations, children within their parent.",
    )


def _samples(life: Mapping[str, Any]) -> FoldedTable:
    samples = life["samples"]
    frame = pl.DataFrame(
        {
            "year": [f"{one['year']:.1f}" for one in samples],
            "visit": [one["visit"] for one in samples],
            "assay": [one["assay"] for one in samples],
            "cells": [
                f"{one['count']} {one['cell_class']}" if one["count"] is not None else DASH
                for one in samples
            ],
            "verdict": ["positive" if one["positive"] else "negative" for one in samples],
        },
        schema=dict.fromkeys(("year", "visit", "assay", "cells", "verdict"), pl.String),
    )
    caption = f"What the samples of patient {life['number']} showed (open to read)"
    return FoldedTable(frame, caption=caption)
