"""The chunks of a run as one cohort folder, table by table, so that memory stays bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from marrowtrace.cohort import TABLES
from marrowtrace.errors import SimulationError
from marrowtrace.io.folder import RECORD, SCHEMA, checksum
from marrowtrace.provenance import Provenance, SourceFile
from marrowtrace.storage import atomic_folder
from marrowtrace.study.chunk import COHORT_TABLES
from marrowtrace.study.manifest import Manifest
from marrowtrace.study.parquet_file import join_files
from marrowtrace.study.scenarios import arm_parameters

_KINDS = {pl.String: "text", pl.Float64: "number", pl.Int64: "integer", pl.Boolean: "boolean"}
TRUTH = ("truth", "burdens")


def citations(manifest: Manifest) -> list[str]:
    """Return the keys of the papers that a run rests on: parameters, assays, compared figures."""
    from marrowtrace.study.observation import study_assay

    protocol = manifest.protocol
    keys = {comparison.citation for comparison in protocol.published if comparison.citation}
    for arm in protocol.arms:
        keys.update(arm_parameters(protocol, arm).citations())
    for use in protocol.assays:
        keys.update(study_assay(use).citations())
    return sorted(keys)


def provenance(manifest: Manifest) -> Provenance:
    """Return how the cohort of a run was made."""
    protocol = manifest.protocol
    return Provenance(
        action="run",
        parameters={
            "study": protocol.name,
            "cancer": protocol.cancer,
            "patients": protocol.patients,
            "arms": [arm.name for arm in protocol.arms],
            "overrides": dict(protocol.parameters),
        },
        seed=protocol.seed,
        notes=(
            "simulated patients: nobody of flesh and blood",
            f"day 0 is {protocol.index_event}; those who do not meet the eligibility are left out",
        ),
        citations=citations(manifest),
        version=manifest.version,
    )


def write_cohort(manifest: Manifest) -> Path:
    """Put the chunks together as ``cohort/``, and their truth as ``truth/``.

    Raises
    ------
    OutputError
        If it cannot be written.
    SimulationError
        If no simulated patient meets the eligibility of the study.
    """
    files: list[dict[str, Any]] = []
    target = manifest.folder / "cohort"
    with atomic_folder(target, replace=True) as folder:
        for name in TABLES:
            if name not in COHORT_TABLES:
                continue
            path = folder / f"{name}.parquet"
            rows, schema = join_files(_parts(manifest, name), path)
            if name == "patients" and not rows:
                raise SimulationError(
                    f"none of the {manifest.protocol.patients} simulated patients meets the "
                    "eligibility of the study; simulate more, or widen it"
                )
            if not rows:
                path.unlink()
                continue
            source = SourceFile.of(path)
            files.append(
                {
                    "name": source.name,
                    "holds": name,
                    "rows": rows,
                    "size": source.size,
                    "sha256": source.sha256,
                    "columns": {column: _KINDS[type(kind)] for column, kind in schema.items()},
                }
            )
        record: dict[str, Any] = {
            "schema": SCHEMA,
            "format": "parquet",
            "index_event": manifest.protocol.index_event,
            "files": files,
            "provenance": provenance(manifest).to_json(),
        }
        record["checksum"] = checksum(record)
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        (folder / RECORD).write_text(text, encoding="utf-8")
    with atomic_folder(manifest.folder / "truth", replace=True) as folder:
        for name in TRUTH:
            join_files(_parts(manifest, name), folder / f"{name}.parquet")
    return target


def _parts(manifest: Manifest, table: str) -> list[Path]:
    return [manifest.file(number, table) for number in range(manifest.count)]
