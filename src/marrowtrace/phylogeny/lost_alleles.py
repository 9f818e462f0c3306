"""Where a sample has lost an allele that the primary kept: a mutation may have gone with it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import InputFileError
from marrowtrace.phylogeny.sample_mutations import SampleMutations
from marrowtrace.storage import require_file

COLUMNS = ("sample", "chrom", "start", "end", "cn_major", "cn_minor")
_PLACE = re.compile(r"^(?:chr)?([0-9XY]+)[:_](\d+)\b")


def read_segments(path: Path) -> pl.DataFrame:
    """Read allele-specific copies: one row a segment and sample, separated by tabs.

    Returns
    -------
    DataFrame
        Columns ``sample``, ``chrom``, ``start``, ``end``, ``cn_major``, ``cn_minor``.

    Raises
    ------
    MissingFileError, InputFileError
        If there is no such file or a column is missing.
    """
    require_file(path)
    frame = pl.read_csv(path, separator="\t", infer_schema_length=None)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise InputFileError(
            f"{path.name}: no column {', '.join(missing)}; it has {', '.join(frame.columns)}"
        )
    return frame.select(
        pl.col("sample").cast(pl.String),
        pl.col("chrom").cast(pl.String).str.strip_prefix("chr"),
        *(pl.col(name).cast(pl.Float64) for name in COLUMNS[2:]),
    )


def lost_alleles(
    samples: SampleMutations, segments: pl.DataFrame, primary: str
) -> NDArray[np.bool_]:
    """Return where a sample has lost one of the two alleles that every sample of the primary has.

    Parameters
    ----------
    samples : SampleMutations
        Mutations are named by their place, e.g. ``10:119029638:G>A``.
    segments : DataFrame
        As `read_segments` returns them.
    primary : str
        Site of the primary.

    Returns
    -------
    ndarray of bool, shape (n_samples, n_mutations)
        False where the place of a mutation or its copies are not known.
    """
    minor = np.full((len(samples), len(samples.mutations)), np.nan)
    places = [_PLACE.match(name) for name in samples.mutations]
    for row, name in enumerate(samples.samples):
        own = segments.filter(pl.col("sample") == name)
        by_chromosome = {str(key[0]): part for key, part in own.partition_by(
            "chrom", as_dict=True).items()}  # fmt: skip
        for column, place in enumerate(places):
            part = None if place is None else by_chromosome.get(place[1])
            if place is None or part is None:
                continue
            at = int(place[2])
            inside = part.filter((pl.col("start") <= at) & (pl.col("end") >= at))
            if inside.height:
                minor[row, column] = inside["cn_minor"][0]
    own_rows = np.array(samples.sites) == primary
    kept = (minor[own_rows] >= 1.0).all(axis=0)
    return np.asarray((minor == 0.0) & kept)
