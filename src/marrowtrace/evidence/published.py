"""Published figures, each a value with its source and how far it was verified.

Compound prints ("21.2/4.9 %") are split into one row for each value; ``part_of`` keeps them
together. A figure that is remembered says so and must not pass for one that was read.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import polars as pl

from marrowtrace.errors import EvidenceError, did_you_mean

SCHEMA = {
    "id": pl.String,
    "part_of": pl.String,
    "quantity": pl.String,
    "bound": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "interval": pl.String,
    "k": pl.Int64,
    "n": pl.Int64,
    "population": pl.String,
    "citation": pl.String,
    "status": pl.String,
    "where": pl.String,
}
"""Columns. ``bound`` is empty, or >, >= where the value is a bound; ``low`` to ``high`` is the
``interval`` named (95 % CI, 90 % CI, range, +/- as printed); ``citation`` is a reference key."""


@cache
def published_figures() -> pl.DataFrame:
    """Return all published figures, one row a value."""
    source = files("marrowtrace.evidence").joinpath("data/published_figures.csv")
    return pl.read_csv(source.read_bytes(), schema=SCHEMA)


def published_figure(name: str) -> dict[str, object]:
    """Return the figure called ``name`` by column.

    Raises
    ------
    EvidenceError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> published_figure("paddy_prev")["value"]
    0.273
    """
    table = published_figures()
    found = table.filter(pl.col("id") == name)
    if found.is_empty():
        raise EvidenceError(
            f"no published figure '{name}'{did_you_mean(name, table['id'].to_list())}"
        )
    return found.row(0, named=True)
