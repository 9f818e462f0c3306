"""A study small enough for tests: two arms, a rule, blood and marrow, a visit at relapse."""

from __future__ import annotations

import copy
from typing import Any

from marrowtrace.study.protocol import Protocol
from marrowtrace.study.protocol_file import from_tables

TABLES: dict[str, Any] = {
    "name": "small",
    "title": "A small study",
    "question": "Does it run?",
    "cancer": "early-breast",
    "patients": 300,
    "seed": 3,
    "horizon": "12 years",
    "follow_up": {"accrual": "1 year", "closes": "12 years", "drop_out": "1 %/year"},
    "arms": [
        {"name": "watched", "regimens": ["chemotherapy-adjuvant", "endocrine-5y"]},
        {
            "name": "guided",
            "regimens": ["chemotherapy-adjuvant", "endocrine-5y"],
            "rules": [
                {
                    "visit": "8 months",
                    "assay": "a45-b-b3",
                    "threshold": 1,
                    "delay": "2 weeks",
                    "regimen": {"regimen": "docetaxel-secondary", "eligibility": "all"},
                }
            ],
        },
    ],
    "visits": [
        {"name": "diagnosis", "day": "0 d", "phase": "pre", "assays": ["cellsearch", "a45-b-b3"]},
        {"name": "8 months", "day": "8 months", "assays": ["ck19-rt-pcr", "a45-b-b3"]},
        {"name": "24 months", "day": "24 months", "assays": ["cellsearch", "a45-b-b3"]},
        {"name": "at relapse", "clock": "relapse", "assays": ["cellsearch"]},
    ],
    "endpoints": ["distant_relapse", "bone_relapse", "visceral_relapse", "disease_free", "death"],
    "published": [
        {
            "target": "dtc_at_diagnosis",
            "statistic": {
                "kind": "positivity",
                "marker": {"visit": "diagnosis", "assay": "a45-b-b3"},
            },
        }
    ],
}


def tables(**changes: Any) -> dict[str, Any]:
    """Return the study as TOML would give it, with some fields changed."""
    return copy.deepcopy(TABLES) | changes


def small(**changes: Any) -> Protocol:
    """Return the study, with some fields changed."""
    return from_tables(tables(**changes), where="small.toml")
