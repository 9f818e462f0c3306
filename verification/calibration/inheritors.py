"""Sets of other cancers that have a few values of their own set by hand to a published figure.

What they inherit moves with the calibration, so what was set by hand is looked at again here.
"""

from __future__ import annotations

import math

from marrowtrace.catalog import targets
from marrowtrace.simulation import scenario, simulate
from marrowtrace.units import DAYS_PER_YEAR as YEAR
from verification.calibration.outputs import Cohort
from verification.calibration.replication import with_errors
from verification.calibration.weighted import relapse_risk

FIGURES = {
    "localised-prostate": {
        "dtc_at_diagnosis": "DTC-positive at diagnosis",
        "metastasis_7_years_dtc_positive": "distant metastases within 7 years, DTC-positive",
        "metastasis_7_years_dtc_negative": "distant metastases within 7 years, DTC-negative",
    },
    "colorectal": {"metastatic_at_diagnosis": "metastases when diagnosed (assumed: about 0.2)"},
}


def outputs(cohort: Cohort) -> dict[str, float]:
    """Return the figures that values were set to by hand."""
    keep, dtc = cohort.keep, cohort.dtc(0)
    time, event = cohort.follow[keep], cohort.event[keep]
    return {
        "dtc_at_diagnosis": float(dtc[keep].mean()),
        "metastasis_7_years_dtc_positive": relapse_risk(time, event, 7 * YEAR, dtc[keep]),
        "metastasis_7_years_dtc_negative": relapse_risk(time, event, 7 * YEAR, 1 - dtc[keep]),
        "metastatic_at_diagnosis": float(1 - keep.mean()),
    }


def inheritors(
    patients: int, seed: int, workers: int = 2
) -> list[tuple[str, str, float, float, float]]:
    """Return set, figure, what is published (NaN if assumed), what the set gives, its error."""
    rows = []
    for name, figures in FIGURES.items():
        known = {target.name: target.value for target in targets(name)}
        made = Cohort(simulate(scenario(name), patients, seed, workers=workers))
        found = with_errors(made, outputs)
        for figure, label in figures.items():
            value, error = found[figure]
            rows.append((name, label, known.get(figure, math.nan), value, error))
    return rows
