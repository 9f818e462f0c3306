"""What cannot be true across the tables made from a file, with the lines that say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from marrowtrace.errors import Problem
from marrowtrace.io.notes import counted
from marrowtrace.io.tables import LINE

_WRONG_SITE = {"CTC": "bone_marrow", "DTC": "blood"}


def contradictions(tables: Mapping[str, pl.DataFrame], line_word: str) -> Iterator[Problem]:
    """Find what the tables contradict in each other.

    The cohort checks the same and more; here the lines of the file are still known.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        With the column `LINE`.
    line_word : str
        What a line is called.

    Yields
    ------
    Problem
    """
    yield from _early_end(tables["follow_up"], tables["samples"], line_word)
    yield from _wrong_class(tables["enumerations"], tables["samples"], line_word)
    yield from _too_many_clusters(tables["enumerations"], line_word)


def _early_end(follow_up: pl.DataFrame, samples: pl.DataFrame, word: str) -> Iterator[Problem]:
    """Follow-up that ends before the first sample."""
    if not follow_up.height or not samples.height:
        return
    first = samples.group_by("patient_id").agg(pl.col("time").min().alias("first"))
    late = (
        follow_up.group_by("patient_id", maintain_order=True)
        .agg(pl.col("time").max(), pl.col(LINE).first())
        .join(first, on="patient_id", how="inner", maintain_order="left")
        .filter(pl.col("time") < pl.col("first"))
    )
    if late.height:
        row = late.row(0, named=True)
        yield Problem(
            "follow_up",
            f"{counted(late[LINE], word)} have a follow-up that ends (day {row['time']:g}) before "
            f"the first sample (day {row['first']:g}); check the index date and the units of both",
        )


def _wrong_class(counts: pl.DataFrame, samples: pl.DataFrame, word: str) -> Iterator[Problem]:
    """CTCs counted in bone marrow, or DTCs in blood."""
    if not counts.height or not samples.height:
        return
    sites = samples.select("sample_id", "site").unique("sample_id", keep="first")
    joined = counts.join(sites, on="sample_id", how="left", maintain_order="left")
    for cell_class, site in _WRONG_SITE.items():
        wrong = joined.filter((pl.col("cell_class") == cell_class) & (pl.col("site") == site))
        if wrong.height:
            yield Problem(
                "enumerations",
                f"{counted(wrong[LINE], word)} count {cell_class}s in {site}; CTCs are counted in "
                "blood, DTCs outside it: correct the site or the cell class, or say 'tumour_cell'",
            )


def _too_many_clusters(counts: pl.DataFrame, word: str) -> Iterator[Problem]:
    """More clusters than cells."""
    if "clusters" not in counts.columns:
        return
    wrong = counts.filter(pl.col("clusters") > pl.col("count"))
    if wrong.height:
        row = wrong.row(0, named=True)
        yield Problem(
            "enumerations",
            f"{counted(wrong[LINE], word)} have more clusters ({row['clusters']}) than cells "
            f"({row['count']})",
        )
