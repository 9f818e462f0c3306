"""Panels of patients whose law is known: exponential relapse and death, markers that tell of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from marrowtrace.study.panel import Panel
from marrowtrace.study.protocol import Protocol
from marrowtrace.study.protocol_file import from_tables

RELAPSE, DEATH, RATIO = 0.04, 0.02, 3.0
"""Hazards [1/year] of relapse without cells in marrow, of death; hazard ratio of those with."""
LATER = 365.25
YEAR = 365.25
PAIR = ("cellsearch", "a45-b-b3")


def tables(**changes: Any) -> dict[str, Any]:
    """A small protocol as TOML gives it."""
    return {
        "name": "small",
        "title": "A small study",
        "question": "What do cells tell?",
        "cancer": "early-breast",
        "patients": 100,
        "seed": 7,
        "surgery": "0 days",
        "horizon": "12 years",
        "arms": [
            {"name": "one", "label": "Arm one", "regimens": ["endocrine-5y"]},
            {"name": "two", "label": "Arm two", "regimens": ["endocrine-5y"]},
        ],
        "visits": [
            {"name": "diagnosis", "day": "0 days", "phase": "pre", "assays": [*PAIR]},
            {"name": "12 months", "day": "1 year", "phase": "post", "assays": [*PAIR]},
        ],
        "endpoints": [
            {"name": name} for name in ("relapse", "distant_relapse", "disease_free", "death")
        ],
    } | changes


def protocol(**changes: Any) -> Protocol:
    return from_tables(tables(**changes), where="small.toml")


def panel(n: int = 4000, *, seed: int = 1, plan: Protocol | None = None) -> Panel:
    """Patients with a gamma burden; relapse is faster in those whose aspirate shows it."""
    plan = protocol() if plan is None else plan
    rng = np.random.default_rng(seed)
    paired = plan.allocation == "paired"
    number = np.tile(np.arange(n // 2), 2) if paired else np.arange(n)
    burden = rng.gamma(0.5, 2.0, n)
    if paired:
        burden = np.tile(burden[: n // 2], 2)
    counts = {
        (visit.name, assay): rng.poisson(0.4 * burden if assay == PAIR[1] else 0.2 * burden)
        for visit in plan.visits
        for assay in visit.assays
    }
    carrier = counts["diagnosis", PAIR[1]] > 0
    relapse = rng.exponential(YEAR / (RELAPSE * np.where(carrier, RATIO, 1.0)))
    if paired:
        relapse[n // 2 :] = relapse[: n // 2]
    death, end = rng.exponential(YEAR / DEATH, n), rng.uniform(8 * YEAR, 12 * YEAR, n)
    first = np.minimum(relapse, death)
    follow_up = {
        "relapse": _seen(relapse, death, end),
        "distant_relapse": _seen(relapse, death, end),
        "disease_free": _seen(first, np.full(n, np.inf), end),
        "death": _seen(death, np.full(n, np.inf), end),
    }
    there = np.minimum(first, end) > LATER
    sampled = {
        visit.name: np.where(there | (visit.name == "diagnosis"), plan.day_of(visit, plan.arms[0]),
                             np.nan)
        for visit in plan.visits
    }  # fmt: skip
    taken = {key: np.isfinite(sampled[key[0]]) for key in counts}
    arm = np.repeat([a.name for a in plan.arms], -(-n // len(plan.arms)))[:n]
    patients = pl.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(n)],
            "number": number,
            "arm": arm,
            "age": rng.normal(60, 8, n),
            "sex": ["female"] * n,
            "er": np.where(rng.random(n) < 0.75, "positive", "negative"),
            "her2": pl.Series([None] * n, dtype=pl.String),
            "node_positive": rng.random(n) < 0.4,
            "tumour_diameter": rng.uniform(5, 60, n),
            "followed_to": end,
            "follow_up_end": ["horizon"] * n,
        }
    )
    relapsed = follow_up["relapse"][1] == 1
    site = np.where(rng.random(n) < 0.5, "bone", "visceral")
    truth = pl.DataFrame(
        {
            "relapse_site": [s if r else None for s, r in zip(site, relapsed, strict=True)],
            "relapse_origin": ["primary" if r else None for r in relapsed],
            "seeded": pl.Series(np.where(relapsed, -400.0, np.nan)).fill_nan(None),
            "awakened": pl.Series(np.where(relapsed, relapse - YEAR, np.nan)).fill_nan(None),
            "detected": pl.Series(np.where(relapsed, relapse, np.nan)).fill_nan(None),
        },
        schema_overrides={"relapse_site": pl.String, "relapse_origin": pl.String},
    )
    return Panel(
        plan,
        patients,
        {k: np.where(taken[k], v, -1).astype(np.int32) for k, v in counts.items()},
        {k: np.where(taken[k], v > 0, -1).astype(np.int8) for k, v in counts.items()},
        sampled,
        follow_up,
        {"endocrine-5y": rng.random(n) < 0.7},
        truth,
        pl.DataFrame(
            {
                "arm": ["one", "one", "two"],
                "reason": ["enrolled", "metastatic at diagnosis", "enrolled"],
                "patients": [n // 2, 10, n - n // 2],
            }
        ),
    )


def _seen(event: Any, competing: Any, end: Any) -> tuple[Any, Any]:
    """Time and code of what came first."""
    first = np.minimum(np.minimum(event, competing), end)
    code = np.where(first == event, 1, np.where(first == competing, 2, 0))
    return first, code.astype(np.int8)
