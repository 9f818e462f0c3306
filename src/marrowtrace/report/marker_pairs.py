"""Two markers of a prognosis in the same patients: agreement, or change from one to the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.enumeration.agreement import MarkerAgreement, marker_agreement
from marrowtrace.enumeration.conversion import Conversion, visit_conversion
from marrowtrace.enumeration.pairing import Marker
from marrowtrace.errors import MarrowtraceError
from marrowtrace.survival.marker_words import MarkerTerm
from marrowtrace.survival.population import Population

WINDOW = 31.0
"""Days that two samples may be apart to be compared as of one visit (assumed)."""
_MOST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class MarkerPair:
    """What is known of two markers together.

    Parameters
    ----------
    first, second : str
        As the user wrote them.
    agreement : MarkerAgreement or None
        Of two cell classes at one visit.
    conversion : Conversion or None
        Of one cell class between two phases.
    remark : str
        Why neither could be had; else empty.
    """

    first: str
    second: str
    agreement: MarkerAgreement | None
    conversion: Conversion | None
    remark: str = ""

    def sentences(self) -> list[str]:
        """Say what was found, in words."""
        if self.remark:
            return [f"{self.first} and {self.second}: not compared; {self.remark}"]
        if self.conversion is not None:
            return [f"From {self.first} to {self.second}: {self.conversion.statement}"]
        assert self.agreement is not None
        m = self.agreement.measures
        text = (
            f"{self.first} and {self.second} in {m.patients} patients with both within "
            f"{WINDOW:g} days: {m.both} positive in both, {m.first_only} in the first alone, "
            f"{m.second_only} in the second alone, {m.neither} in neither; agreement "
            f"{m.observed:.2f} ({m.observed_low:.2f} to {m.observed_high:.2f}), kappa "
            f"{m.kappa:.2f}, Gwet's AC1 {m.ac1:.2f}, McNemar p {m.mcnemar_p_value:.2g}."
        )
        noise = self.agreement.noise
        return [text, noise.statement] if noise is not None else [text, self.agreement.remark]

    def to_json(self) -> dict[str, Any]:
        """Return the pair as JSON-ready values, without the single patients."""
        agreement = None
        if self.agreement is not None:
            agreement = {k: v for k, v in self.agreement.to_json().items() if k != "pairs"}
        return {
            "first": self.first,
            "second": self.second,
            "agreement": agreement,
            "conversion": None if self.conversion is None else self.conversion.to_json(),
            "remark": self.remark,
        }


def marker_pairs(
    rng: np.random.Generator, cohort: Cohort, found: Population
) -> tuple[MarkerPair, ...]:
    """Compare the cell markers of an analysis in pairs, in the patients and samples analysed.

    Only samples taken by the landmark count, as in the analysis.

    Parameters
    ----------
    rng : numpy.random.Generator
        For the cohorts drawn to tell sampling noise.
    cohort : Cohort
    found : Population

    Returns
    -------
    tuple of MarkerPair
        At most three; empty with fewer than two cell markers.
    """
    cells = [term for term in found.markers if term.is_cells]
    known = _known(cohort.select(found.frame["patient_id"].to_list()), found.landmark)
    pairs = list(combinations(cells, 2))[:_MOST_PAIRS]
    return tuple(_pair(rng, known, a, b) for a, b in pairs)


def _known(cohort: Cohort, landmark: float) -> Cohort:
    """Return the cohort with only the counts of samples taken by the landmark."""
    taken = cohort.samples.filter(pl.col("time") <= landmark)["sample_id"].implode()
    counts = cohort.enumerations.filter(pl.col("sample_id").is_in(taken))
    tables = MappingProxyType({**cohort.tables, "enumerations": counts})
    return replace(cohort, tables=tables)


def _pair(rng: np.random.Generator, cohort: Cohort, a: MarkerTerm, b: MarkerTerm) -> MarkerPair:
    first, second = _counted(a), _counted(b)
    try:
        if first.cell_class != second.cell_class:
            found = marker_agreement(rng, cohort, first, second, window=WINDOW, replicates=199)
            return MarkerPair(a.text, b.text, found, None)
        if first.phase == second.phase:
            same = "they are the same samples with another threshold or day"
            return MarkerPair(a.text, b.text, None, None, same)
        turned = visit_conversion(rng, cohort, first, second, replicates=199)
        return MarkerPair(a.text, b.text, None, turned)
    except MarrowtraceError as err:
        return MarkerPair(a.text, b.text, None, None, str(err))


def _counted(term: MarkerTerm) -> Marker:
    marker = term.marker
    assert marker.cell_class is not None
    threshold = int(marker.threshold or 1)
    return Marker(
        marker.cell_class, threshold=max(1, threshold), phase=marker.phase, assay=marker.assay
    )


def pairs_table(pairs: tuple[MarkerPair, ...]) -> pl.DataFrame:
    """Return one row a pair with its agreement or conversion."""
    rows = []
    for pair in pairs:
        row: dict[str, Any] = {"first": pair.first, "second": pair.second}
        if pair.agreement is not None:
            m = pair.agreement.measures
            row |= {
                "patients": m.patients, "both": m.both, "first_only": m.first_only,
                "second_only": m.second_only, "neither": m.neither, "agreement": m.observed,
                "kappa": m.kappa, "ac1": m.ac1, "mcnemar_p": m.mcnemar_p_value,
            }  # fmt: skip
        if pair.conversion is not None:
            c = pair.conversion
            row |= {
                "patients": c.patients, "both": c.stayed_positive, "first_only": c.lost,
                "second_only": c.gained, "neither": c.stayed_negative, "truly_cleared": c.cleared,
                "truly_risen": c.risen,
            }  # fmt: skip
        rows.append({**row, "remark": pair.remark})
    return pl.DataFrame(rows, infer_schema_length=None)
