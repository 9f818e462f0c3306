"""The REMARK checklist for a prognosis: what the data answer, and what the authors must.

Items in our own words after McShane et al. 2005 (J. Natl. Cancer Inst. 97:1180-1184), which lists
20. An item is answered, answered in part, or left open with what is missing.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.survival.prognosis import Prognosis
from marrowtrace.units import DAYS_PER_YEAR

ANSWERED, PARTLY, OPEN = "answered", "in part", "for the authors"


def remark_table(result: Prognosis, cohort: Cohort) -> pl.DataFrame:
    """Return one row an item: ``item``, ``topic``, ``asks for``, ``answer``, ``state``.

    Parameters
    ----------
    result : Prognosis
    cohort : Cohort
        That it was made from.
    """
    names = ", ".join(marker.term.text for marker in result.markers)
    events = int((result.found.frame["event"] == 1).sum())
    clinical = ", ".join(result.found.covariates)
    followed = result.follow_up.median()[0] / DAYS_PER_YEAR
    median = f"{followed:.1f} years" if followed == followed else "not reached"
    cuts = [marker.term.text for marker in result.markers if marker.cut is not None]
    fixed = [m.term.text for m in result.markers if m.term.kind == "binary"]
    handled = "; ".join(f"{m.term.text}: {m.term.scale}" for m in result.markers)
    rows = [
        (1, "markers and hypotheses", f"Markers: {names}. Whether they were chosen before the "
         "data were seen, only the authors know.", PARTLY),
        (2, "patients and their selection", _patients(cohort), PARTLY),
        (3, "treatments and how they were chosen", _treatments(cohort), _state(cohort.treatments)),
        (4, "specimens, their preservation and storage", _specimens(cohort), PARTLY),
        (5, "assay, protocol, blinding", _assays(cohort), PARTLY),
        (6, "study design, period, follow-up", f"Median follow-up after the start of the analysis "
         f"{median} (reverse Kaplan-Meier). Dates never enter a cohort, so the calendar period is "
         "for the authors.", PARTLY),
        (7, "definition of endpoints", f"Endpoint '{result.found.endpoint}', counted from "
         f"{result.index_event}; code 1 is the event"
         f"{', higher codes compete with it' if result.found.competing else ''}. The clinical "
         "definition is for the authors.", PARTLY),
        (8, "all variables considered", f"In this analysis: {names}"
         f"{'; ' + clinical if clinical else '; no clinical variable'}. Others that were tried "
         "elsewhere are not known here.", PARTLY),
        (9, "rationale of the sample size", f"{events} events; no sample size was planned here.",
         OPEN),
        (10, "statistical methods, missing values", "See 'How it was done'; no variable selection "
         "was made; patients with missing values were left out and counted.", ANSWERED),
        (11, "handling of marker values, cut-points", handled + ". "
         + (f"Cut-points fixed beforehand: {', '.join(fixed)}. " if fixed else "")
         + (f"Searched, with correction: {', '.join(cuts)}." if cuts else ""), ANSWERED),
        (12, "flow of patients, events", "See 'Who was analysed'.", ANSWERED),
        (13, "distribution of variables, missing values", "Marker groups and missing values: see "
         "'Who was analysed'; `marrowtrace cohort describe` gives the rest.", ANSWERED),
        (14, "relation of markers to clinical variables",
         "See the table of clinical variables by marker group." if clinical else
         "No clinical variable was named (--adjust).", ANSWERED if clinical else OPEN),
        (15, "each marker alone: estimates and curves", "See 'Each marker'.", ANSWERED),
        (16, "multivariable analysis", _with(clinical), ANSWERED if clinical else OPEN),
        (17, "markers beside the standard variables, significant or not", _with(clinical),
         ANSWERED if clinical else OPEN),
        (18, "assumptions, sensitivity, validation", "Proportional hazards were tested; "
         "predictions were judged by cross-validation, added value by the bootstrap. No other "
         "cohort was used.", PARTLY),
        (19, "interpretation, limitations", "For the authors.", OPEN),
        (20, "future research and clinical value", "Net benefit: see 'Is it of use?'. The rest is "
         "for the authors.", PARTLY),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["item", "asks for", "answer", "state"], orient="row")


def _with(clinical: str) -> str:
    if not clinical:
        return "No clinical variable was named (--adjust)."
    return f"Models with {clinical}: every coefficient is listed in 'Each marker'."


def _state(frame: pl.DataFrame) -> str:
    return PARTLY if frame.height else OPEN


def _patients(cohort: Cohort) -> str:
    parts = [f"{len(cohort)} patients"]
    for column in ("cancer_type", "stage", "er"):
        known = cohort.patients[column].drop_nulls()
        if known.len():
            counts = known.value_counts(sort=True).head(4).rows()
            words = ", ".join(f"{value} {count}" for value, count in counts)
            parts.append(f"{column.replace('_', ' ')}: {words}")
    return "; ".join(parts) + ". Source and criteria of inclusion are for the authors."


def _treatments(cohort: Cohort) -> str:
    courses = cohort.treatments
    if not courses.height:
        return "The cohort records no treatments."
    names = courses.select(pl.coalesce("agent", "regimen").alias("n"))["n"].drop_nulls()
    most = names.value_counts(sort=True).head(5).rows()
    listed = ", ".join(f"{name} ({count} courses)" for name, count in most)
    return f"{listed}. How they were chosen is for the authors."


def _specimens(cohort: Cohort) -> str:
    sites = cohort.samples["site"].value_counts(sort=True).rows()
    listed = ", ".join(f"{site.replace('_', ' ')} {count}" for site, count in sites)
    return f"Samples by site: {listed}. Preservation and storage are for the authors."


def _assays(cohort: Cohort) -> str:
    rows = cohort.enumerations
    if not rows.height:
        return "Measured values without a named assay; the protocol is for the authors."
    parts = []
    for (assay, cell_class), part in rows.group_by("assay", "cell_class", maintain_order=True):
        known, unit = part["examined"].drop_nulls(), part["examined_unit"].drop_nulls()
        seen = ""
        if known.len() and unit.len():
            seen = f", median {float(np.median(known.to_numpy())):g} {unit[0]} examined"
        parts.append(f"{cell_class} by {assay}{seen}")
    return "; ".join(parts) + ". Protocol and blinding are for the authors."
