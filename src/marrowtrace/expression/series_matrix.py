"""GEO series matrix files: the samples, what is said of them, and the table of values.

Lines that begin with ``!Series_`` or ``!Sample_`` hold one field each, the fields of samples one
cell a sample; the values stand between ``!series_matrix_table_begin`` and ``..._end``. Fields
``!Sample_characteristics_ch1`` of the form ``name: value`` become columns.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import InputFileError

_BEGIN, _END = "!series_matrix_table_begin", "!series_matrix_table_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesMatrix:
    """One GEO series on one platform.

    Parameters
    ----------
    accession, platform, title : str
    samples, probes : tuple of str
    values : ndarray, shape (probes, samples)
        NaN where the file holds none.
    table : polars.DataFrame
        One row a sample: ``sample``, ``title``, ``source`` and its characteristics.
    notes : tuple of str
    """

    accession: str
    platform: str
    title: str
    samples: tuple[str, ...]
    probes: tuple[str, ...]
    values: NDArray[np.float64]
    table: pl.DataFrame
    notes: tuple[str, ...] = ()


def parse_series_matrix(text: str, where: str) -> SeriesMatrix:
    """Read the text of a series matrix file.

    Parameters
    ----------
    text : str
    where : str
        Name of the file, for messages.

    Raises
    ------
    InputFileError
        If the table is missing, cut short, or its rows do not fit its header.
    """
    series: dict[str, str] = {}
    fields: list[tuple[str, list[str]]] = []
    body: list[list[str]] = []
    inside = ended = False
    for cells in csv.reader(text.splitlines(), delimiter="\t"):
        if not cells or not cells[0]:
            continue
        key = cells[0]
        if key == _BEGIN:
            inside = True
        elif key == _END:
            inside, ended = False, True
        elif inside:
            body.append(cells)
        elif key.startswith("!Series_"):
            series.setdefault(key.removeprefix("!Series_"), cells[1] if len(cells) > 1 else "")
        elif key.startswith("!Sample_"):
            fields.append((key.removeprefix("!Sample_"), cells[1:]))
    if not ended:
        raise InputFileError(f"{where}: the table has no end ('{_END}'); was the download cut?")
    if len(body) < 2:
        raise InputFileError(
            f"{where}: the table is empty, as for series of sequencing; load the supplementary "
            "counts instead"
        )
    samples, rows = tuple(body[0][1:]), body[1:]
    short = [row[0] for row in rows if len(row) != len(samples) + 1]
    if short:
        raise InputFileError(
            f"{where}: {len(short)} row(s) have not {len(samples)} values, e.g. '{short[0]}'"
        )
    values = np.array([[_number(cell, where) for cell in row[1:]] for row in rows])
    notes, kept = [], np.isfinite(values).all(axis=1)
    if not kept.all():
        notes.append(f"{int((~kept).sum())} probe(s) with missing values were left out")
    return SeriesMatrix(
        accession=series.get("geo_accession", "unknown"),
        platform=series.get("platform_id", "unknown"),
        title=series.get("title", ""),
        samples=samples,
        probes=tuple(row[0] for row, keep in zip(rows, kept, strict=True) if keep),
        values=values[kept],
        table=_sample_table(samples, fields),
        notes=tuple(notes),
    )


def _number(cell: str, where: str) -> float:
    if cell.strip() in ("", "null", "NULL", "NA", "NaN"):
        return float("nan")
    try:
        return float(cell)
    except ValueError as err:
        raise InputFileError(f"{where}: '{cell}' in the table is no number") from err


def _sample_table(samples: tuple[str, ...], fields: list[tuple[str, list[str]]]) -> pl.DataFrame:
    columns: dict[str, list[str]] = {"sample": list(samples)}
    for name, cells in fields:
        padded = (cells + [""] * len(samples))[: len(samples)]
        if name == "title":
            columns["title"] = padded
        elif name.startswith("source_name"):
            columns["source"] = padded
        elif name.startswith("characteristics"):
            for i, cell in enumerate(padded):
                key, mark, value = cell.partition(":")
                if mark:
                    column = columns.setdefault(
                        key.strip().casefold().replace(" ", "_"), [""] * len(samples)
                    )
                    column[i] = value.strip()
    return pl.DataFrame(columns)
