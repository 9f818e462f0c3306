"""How far the model may lie from each figure: sd of the logarithm, set before the fit.

The rule, in this order:

* a 95 % interval in print: its width on the log scale over 3.92, at least `MODEL`;
* counts in print: the binomial sd of the log share, at least `FLOOR`;
* a figure seen without either: `FLOOR`, a hazard ratio `RATIO`;
* a figure that is remembered, or a common share without a paper: half as much again;
* figures that rest on less have an sd of their own in `SPECIAL`, with the reason.

The floors stand for what an interval does not hold: other patients, assays and endpoints than the
model's.
"""

from __future__ import annotations

import math

from marrowtrace.catalog import Target

FLOOR = 0.08
RATIO = 0.15
MODEL = 0.05
REMEMBERED = 1.5

SPECIAL: dict[str, tuple[float, str]] = {
    "ctc_five_at_diagnosis": (0.25, "remembered with low confidence"),
    "dtc_persistence_24_months": (
        0.25,
        "the sources contradict each other: 16 % at 24 months, about 65 % at 12 months",
    ),
    "hr_ctc_relapse": (
        math.log(2.26 / 1.47) / 3.92,
        "interval 1.47 to 2.26 of janni2016, multivariable",
    ),
    "hr_ctc_five_relapse": (
        math.log(9.09 / 4.34) / 3.92,
        "interval 4.34 to 9.09 of bidard2018, for death",
    ),
    "hr_ctc_60_months": (
        math.log(36.3 / 4.7) / 3.92,
        "interval 4.7 to 36.3 of sparano2018, remembered",
    ),
    "hr_dtc_36_months": (math.log(5 / 3) / 2, "chosen between 3 and 5, taken as one sd either way"),
}


def spread(target: Target) -> tuple[float, str]:
    """Return the sd of the log of a figure, and why."""
    if target.name in SPECIAL:
        return SPECIAL[target.name]
    if target.ci_low and target.ci_high:
        return max(MODEL, math.log(target.ci_high / target.ci_low) / 3.92), "interval in print"
    sd, why = FLOOR, "floor"
    if target.quantity == "hazard ratio":
        sd, why = RATIO, "floor of a hazard ratio"
    elif target.quantity == "probability" and target.patients:
        binomial = math.sqrt((1 - target.value) / (target.value * target.patients))
        if binomial > sd:
            sd, why = binomial, "counts in print"
    if not target.verified:
        return sd * REMEMBERED, f"{why}, half as much again: remembered"
    return sd, why
