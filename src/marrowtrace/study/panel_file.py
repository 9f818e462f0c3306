"""Reading a panel from the chunks of a run, one at a time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import InputFileError
from marrowtrace.study.manifest import Manifest
from marrowtrace.study.panel import Panel
from marrowtrace.study.parquet_file import read_frame

_OBSERVED = ("patient_id", "followed_to", "follow_up_end", "relapse_site")


def read_panel(folder: Path) -> Panel:
    """Read the panel of a run; see `Panel.read`."""
    manifest = Manifest.read(folder)
    protocol = manifest.protocol
    numbers = sorted(manifest.chunks)
    if not numbers:
        raise InputFileError(f"'{folder}': no chunk of the run is done; go on with --resume")

    def join(table: str) -> pl.DataFrame:
        return pl.concat([read_frame(manifest.file(number, table)) for number in numbers])

    patients = pl.concat([_patients(manifest, number) for number in numbers])
    truth = join("truth")
    n = patients.height
    keys = [(visit.name, assay) for visit in protocol.visits for assay in visit.assays]
    counts = {key: np.full(n, -1, np.int32) for key in keys}
    positive = {key: np.full(n, -1, np.int8) for key in keys}
    sampled = {visit.name: np.full(n, math.nan) for visit in protocol.visits}
    follow_up = {
        endpoint.name: (np.full(n, math.nan), np.zeros(n, np.int8))
        for endpoint in protocol.endpoints
    }
    treated: dict[str, NDArray[np.bool_]] = {}
    start = 0
    for number in numbers:
        ids = read_frame(manifest.file(number, "patients"), ["patient_id"])
        row = ids.with_columns(pl.int_range(start, start + ids.height, dtype=pl.Int64).alias("row"))
        _fill_counts(manifest, number, row, counts, positive, sampled)
        _fill_follow_up(manifest, number, row, follow_up)
        given = read_frame(manifest.file(number, "treatments"), ["patient_id", "regimen"])
        for (regimen,), part in given.join(row, on="patient_id").group_by("regimen"):
            column = treated.setdefault(str(regimen), np.zeros(n, dtype=bool))
            column[part["row"].to_numpy()] = True
        start += ids.height
    screened = (
        join("screened")
        .group_by("arm", "reason")
        .agg(pl.col("patients").sum())
        .sort("arm", "reason")
    )
    return Panel(
        protocol,
        patients,
        counts,
        positive,
        sampled,
        follow_up,
        dict(sorted(treated.items())),
        truth,
        screened,
    )


def _patients(manifest: Manifest, number: int) -> pl.DataFrame:
    """Patients of a chunk with how their follow-up ended."""
    patients = read_frame(manifest.file(number, "patients"))
    observed = read_frame(manifest.file(number, "observation"), _OBSERVED)
    known = patients.drop("cancer_type", "stage", "nodes")
    return known.join(observed, on="patient_id", how="left", maintain_order="left")


def _fill_counts(
    manifest: Manifest,
    number: int,
    row: pl.DataFrame,
    counts: dict[tuple[str, str], NDArray[np.int32]],
    positive: dict[tuple[str, str], NDArray[np.int8]],
    sampled: dict[str, NDArray[np.float64]],
) -> None:
    taken = read_frame(
        manifest.file(number, "samples"), ["sample_id", "patient_id", "visit", "time"]
    ).join(row, on="patient_id", how="left", maintain_order="left")
    for (visit,), part in taken.group_by("visit"):
        sampled[str(visit)][part["row"].to_numpy()] = part["time"].to_numpy()
    found = read_frame(
        manifest.file(number, "enumerations"), ["sample_id", "assay", "count", "positive"]
    ).join(taken.select("sample_id", "visit", "row"), on="sample_id", how="left")
    for (visit, assay), part in found.group_by("visit", "assay"):
        key, place = (str(visit), str(assay)), part["row"].to_numpy()
        counts[key][place] = part["count"].fill_null(-1).to_numpy()
        positive[key][place] = part["positive"].to_numpy()


def _fill_follow_up(
    manifest: Manifest,
    number: int,
    row: pl.DataFrame,
    follow_up: dict[str, tuple[NDArray[np.float64], NDArray[np.int8]]],
) -> None:
    found = read_frame(
        manifest.file(number, "follow_up"), ["patient_id", "endpoint", "time", "event"]
    ).join(row, on="patient_id", how="left")
    for (endpoint,), part in found.group_by("endpoint"):
        time, event = follow_up[str(endpoint)]
        place = part["row"].to_numpy()
        time[place], event[place] = part["time"].to_numpy(), part["event"].to_numpy()
