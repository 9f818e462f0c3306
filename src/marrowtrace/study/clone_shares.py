"""The clones of one patient in the cohort of a run, where its samples were sequenced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from marrowtrace.units import DAYS_PER_YEAR

TABLES = ("clones", "clone_prevalence", "samples")


def clone_shares(folder: Path, patient_id: str) -> dict[str, Any] | None:
    """Return the share of each sample's cells that carry each clone's mutations.

    Parameters
    ----------
    folder : Path
        Result folder of a run.
    patient_id : str

    Returns
    -------
    dict or None
        ``names`` and ``parents`` (position of each clone's parent, before it; -1 for none),
        ``samples`` (site and year, by day) and ``shares``, one row a clone; None where the cohort
        has no clones of the patient.
    """
    paths = {name: folder / "cohort" / f"{name}.parquet" for name in TABLES}
    if not all(path.is_file() for path in paths.values()):
        return None
    tables = {name: pl.scan_parquet(path) for name, path in paths.items()}
    own = pl.col("patient_id") == patient_id
    clones = tables["clones"].filter(own).collect()
    samples = tables["samples"].filter(own).select("sample_id", "site", "time").collect()
    prevalence = (
        tables["clone_prevalence"]
        .filter(pl.col("sample_id").is_in(samples["sample_id"].to_list()))
        .collect()
    )
    if not clones.height or not prevalence.height:
        return None
    taken = samples.filter(samples["sample_id"].is_in(prevalence["sample_id"].implode()))
    taken = taken.sort("time", "sample_id")
    order = _parents_first(dict(clones.select("clone_id", "parent_id").iter_rows()))
    share = {
        (clone, sample): value
        for sample, clone, value in prevalence.select(
            "sample_id", "clone_id", "cancer_cell_fraction"
        ).iter_rows()
    }
    known = {clone: place for place, (clone, _) in enumerate(order)}
    return {
        "names": [clone for clone, _ in order],
        "parents": [-1 if parent is None else known[parent] for _, parent in order],
        "samples": [
            f"{site.replace('_', ' ')}, year {time / DAYS_PER_YEAR:.1f}"
            for site, time in taken.select("site", "time").iter_rows()
        ],
        "shares": [
            [float(share.get((clone, sample), 0.0)) for sample in taken["sample_id"]]
            for clone, _ in order
        ],
    }


def _parents_first(parents: dict[str, str | None]) -> list[tuple[str, str | None]]:
    """Clones with their parents, every parent before its children; a parent not listed is none."""
    known = {clone: parent if parent in parents else None for clone, parent in parents.items()}
    ordered: dict[str, str | None] = {}
    while len(ordered) < len(known):
        ready = [
            clone
            for clone, parent in known.items()
            if clone not in ordered and (parent is None or parent in ordered)
        ]
        if not ready:  # a circle, which a cohort's checks refuse
            break
        ordered |= {clone: known[clone] for clone in sorted(ready)}
    return list(ordered.items())
