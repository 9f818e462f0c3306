"""Small cohorts with counts, for the tests of enumeration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from marrowtrace.cohort import Cohort

ROW = ("patient_id", "site", "time", "phase", "assay", "cell_class", "count", "examined", "unit")


def cohort_of(rows: Sequence[tuple[Any, ...]]) -> Cohort:
    """Cohort from rows in the order of `ROW`; a count that is a bool is a verdict."""
    table = [dict(zip(ROW, row, strict=True)) for row in rows]
    ids = [f"s{i}" for i in range(len(table))]
    counted = [None if isinstance(r["count"], bool) else r["count"] for r in table]
    called = [r["count"] if isinstance(r["count"], bool) else None for r in table]
    patients = sorted({r["patient_id"] for r in table})
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame({"patient_id": patients}),
            "samples": pl.DataFrame(
                {"sample_id": ids}
                | {c: [r[c] for r in table] for c in ("patient_id", "site", "time", "phase")}
            ),
            "enumerations": pl.DataFrame(
                {
                    "sample_id": ids,
                    "assay": [r["assay"] for r in table],
                    "cell_class": [r["cell_class"] for r in table],
                    "count": pl.Series(counted, dtype=pl.Int64),
                    "positive": pl.Series(called, dtype=pl.Boolean),
                    "examined": pl.Series([r["examined"] for r in table], dtype=pl.Float64),
                    "examined_unit": pl.Series([r["unit"] for r in table], dtype=pl.String),
                }
            ),
        },
        index_event="diagnosis",
    )


def ctc(patient: str, time: float, count: Any, *, examined: float | None = 7.5, **more: str) -> Any:
    """Row of a blood sample."""
    unit = None if examined is None else "mL"
    assay = more.get("assay", "CellSearch")
    return (patient, "blood", time, more.get("phase", "pre"), assay, "CTC", count, examined, unit)


def dtc(patient: str, time: float, count: Any, *, examined: float | None = 2e6, **more: str) -> Any:
    """Row of a marrow sample."""
    unit = None if examined is None else "nucleated_cells"
    phase, assay = more.get("phase", "pre"), more.get("assay", "ICC")
    return (patient, "bone_marrow", time, phase, assay, "DTC", count, examined, unit)
