"""Rates made up for the tests, as a user would give them; R pooled the same file."""

from __future__ import annotations

from functools import cache

from tests.evidence.reference_numbers import FOLDER, numbers

from marrowtrace.evidence.pooling import PooledRate, pool_rates
from marrowtrace.evidence.prognosis import PooledPrognosis, pool_prognosis
from marrowtrace.evidence.records import DetectionRate, PrognosticEffect
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import EvidenceTables, read_rows

PATH = FOLDER / "evidence_rows_data.csv"
REFERENCE = numbers("evidence_rows.csv")


@cache
def made_rates(method: str = "glmm") -> PooledRate:
    """The made-up rates, pooled."""
    return pool_rates(read_rows(PATH), Query(analyte="CTC"), method=method)


def rates(*counts: tuple[int, int]) -> PooledRate:
    """Rates with these k and n, pooled."""
    rows = tuple(
        DetectionRate(row=f"r{i}", study=f"s{i}", analyte="DTC", k=k, n=n)
        for i, (k, n) in enumerate(counts)
    )
    return pool_rates(EvidenceTables({}, rows), Query(analyte="DTC"), method="reml-logit")


def ratios(
    *printed: tuple[float, float, float], method: str = "REML", assays: tuple[str, ...] = ()
) -> PooledPrognosis:
    """Hazard ratios with these intervals, pooled."""
    rows = tuple(
        PrognosticEffect(
            row=f"r{i}",
            study=f"s{i}",
            analyte="DTC",
            endpoint="OS",
            hr=hr,
            ci_low=low,
            ci_high=high,
            p="0.02",
            n=100,
            assay=assays[i] if assays else "",
            direction="worse",
        )
        for i, (hr, low, high) in enumerate(printed)
    )
    query = Query(analyte="DTC", endpoints=("OS",))
    return pool_prognosis(EvidenceTables({}, (), rows), query, method=method)


RATIOS = ((1.5, 1.07, 2.11), (2.0, 1.12, 3.57), (3.0, 1.19, 7.57), (1.8, 1.10, 2.95))
