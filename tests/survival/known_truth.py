"""Cohorts of a known law: a burden that sets the counts and the hazard of relapse."""

from __future__ import annotations

import numpy as np
import polars as pl

from marrowtrace.cohort import Cohort

YEAR = 365.25


def draw(
    rng: np.random.Generator, patients: int, *, slope: float = 0.7, death: float = 0.02
) -> dict[str, np.ndarray]:
    """Marker counts, clinical variables and follow-up of patients with log-normal burden.

    Relapse has the hazard 0.1/year times burden to the power ``slope``, death ``death``/year.
    """
    burden = np.exp(rng.normal(size=patients))
    nodes = rng.poisson(1.5 * np.sqrt(burden))
    relapse = rng.exponential(10 * YEAR / burden**slope)
    dead = rng.exponential(YEAR / death, patients) if death else np.full(patients, np.inf)
    gone = rng.uniform(3 * YEAR, 10 * YEAR, patients)
    time = np.minimum.reduce([relapse, dead, gone])
    event = np.where(relapse == time, 1, np.where(dead == time, 2, 0))
    return {
        "dtc_pre": rng.poisson(3 * burden),
        "dtc_post": rng.poisson(2 * burden),
        "ctc_post": rng.poisson(0.4 * np.sqrt(burden)),
        "nodes": nodes,
        "age": rng.normal(60, 10, patients).clip(30, 90),
        "er": rng.random(patients) < 0.7,
        "time": time,
        "event": event,
    }


def cohort(
    rng: np.random.Generator, patients: int, *, slope: float = 0.7, death: float = 0.02
) -> Cohort:
    """Cohort with DTCs on day -10 and 365 and CTCs on day 360, of those then free of events."""
    return cohort_of(draw(rng, patients, slope=slope, death=death))


def cohort_of(d: dict[str, np.ndarray]) -> Cohort:
    """Cohort of drawn patients."""
    n = d["time"].size
    ids = np.array([f"P{i:06d}" for i in range(n)])
    plan = [
        ("dtc_pre", "DTC", "bone_marrow", -10.0, "pre", 2e6, "nucleated_cells"),
        ("dtc_post", "DTC", "bone_marrow", 365.0, "post", 2e6, "nucleated_cells"),
        ("ctc_post", "CTC", "blood", 360.0, "post", 7.5, "mL"),
    ]
    samples, counts = [], []
    for name, cell_class, site, day, phase, examined, unit in plan:
        here = d["time"] > day
        m = int(here.sum())
        names = np.char.add(f"{name}-", ids[here])
        samples.append(
            pl.DataFrame(
                {"sample_id": names, "patient_id": ids[here], "site": [site] * m,
                 "time": [day] * m, "phase": [phase] * m}
            )
        )  # fmt: skip
        counts.append(
            pl.DataFrame(
                {"sample_id": names, "assay": ["CellSearch" if cell_class == "CTC" else "ICC"] * m,
                 "cell_class": [cell_class] * m, "count": d[name][here], "examined": [examined] * m,
                 "examined_unit": [unit] * m}
            )
        )  # fmt: skip
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame(
                {"patient_id": ids, "age": d["age"], "nodes": d["nodes"],
                 "er": np.where(d["er"], "positive", "negative")}
            ),
            "samples": pl.concat(samples),
            "enumerations": pl.concat(counts),
            "follow_up": pl.DataFrame(
                {"patient_id": ids, "endpoint": ["relapse"] * n, "entry": [-20.0] * n,
                 "time": d["time"], "event": d["event"]}
            ),
        },
        index_event="surgery",
    )  # fmt: skip
