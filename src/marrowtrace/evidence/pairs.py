r"""CTCs against DTCs in the same patients, pair by pair.

Detection: the odds of finding DTCs over those of finding CTCs. Abstracts give the two counts and
not who carried both, so the two are taken as independent samples; where they go together in a
patient, the true interval is narrower.

Outcome: a smaller p-value is not a stronger effect. With :math:`z` from the p-value and
:math:`I = k(n-k)/n` for k of n carrying the cells, the log hazard ratio is
:math:`z/\sqrt{fI}`, f being the share with the event (Tierney et al. 2007, Trials 8:16, with the
share of carriers for the allocation). Within one group of patients f is common to both, so

.. math:: Z = \frac{z_D/\sqrt{I_D} - z_C/\sqrt{I_C}}{\sqrt{1/I_D + 1/I_C}}

tests whether the two hazard ratios differ, without knowing the number of events. Where the
direction or the p-value is known only as a range, so is the answer. The same signs and the same
formula give the p-value that CTCs would have shown with the hazard ratio of DTCs.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from scipy import special

from marrowtrace.evidence.p_values import parse_p
from marrowtrace.evidence.records import DetectionRate, PrognosticEffect
from marrowtrace.evidence.tables import USER, EvidenceTables

_Z975 = float(special.ndtri(0.975))


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionPair:
    """Both cells looked for in the same patients.

    Parameters
    ----------
    ctc, dtc : str
        Names of the rows.
    study, label, cohort, cancer, phase, when, note : str
    ctc_k, ctc_n, dtc_k, dtc_n : int
    log_odds_ratio, variance : float
        DTC over CTC; 1/2 is added to every cell if one is empty.
    remembered : bool
    """

    ctc: str
    dtc: str
    study: str
    label: str
    cohort: str
    cancer: str
    phase: str
    when: str
    note: str
    ctc_k: int
    ctc_n: int
    dtc_k: int
    dtc_n: int
    log_odds_ratio: float
    variance: float
    remembered: bool

    @property
    def odds_ratio(self) -> float:
        """Odds of finding DTCs over those of finding CTCs."""
        return math.exp(self.log_odds_ratio)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the odds ratio."""
        half = _Z975 * math.sqrt(self.variance)
        return math.exp(self.log_odds_ratio - half), math.exp(self.log_odds_ratio + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrognosisPair:
    """Both cells held against one endpoint in the same patients.

    Parameters
    ----------
    ctc, dtc : str
        Names of the rows.
    study, label, cohort, cancer, endpoint, phase, when : str
    ctc_p, dtc_p : str
        As printed.
    ctc_k, ctc_n, dtc_k, dtc_n : int or None
        Carriers of examined, where known.
    smaller : {"CTC", "DTC", "neither"}
        Which p-value is smaller; neither where both are 0.05 or more, or the prints overlap.
    difference_low, difference_high : float
        p-value of a difference between the two hazard ratios, over what is not printed; NaN where
        carriers are not known.
    expected_p : float
        p-value expected of CTCs if they had the hazard ratio of DTCs; NaN where it cannot be had.
    """

    ctc: str
    dtc: str
    study: str
    label: str
    cohort: str
    cancer: str
    endpoint: str
    phase: str
    when: str
    ctc_p: str
    dtc_p: str
    ctc_k: int | None
    ctc_n: int | None
    dtc_k: int | None
    dtc_n: int | None
    smaller: str
    difference_low: float
    difference_high: float
    expected_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a paper says of both in words.

    Parameters
    ----------
    study : str
    favours : {"CTC", "DTC"}
    says : str
    """

    study: str
    favours: str
    says: str


@cache
def _listed() -> dict[str, list[dict[str, Any]]]:
    """The pairs that ship with marrowtrace."""
    text = files("marrowtrace.evidence").joinpath("data/pairs.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def statements() -> tuple[Statement, ...]:
    """What papers say of CTCs and DTCs in their titles, or the review of them."""
    return tuple(Statement(**entry) for entry in _listed()["statement"])


def detection_pairs(tables: EvidenceTables) -> tuple[DetectionPair, ...]:
    """Pairs of detection rates: those listed, then a user's rows of one cohort and phase."""
    rows = {row.row: row.corrected() for row in tables.rates}
    listed = [
        (rows[entry["ctc"]], rows[entry["dtc"]], entry["when"], entry.get("note", ""))
        for entry in _listed()["detection"]
        if entry["ctc"] in rows and entry["dtc"] in rows
    ]
    own = [row for row in rows.values() if row.source == USER and not row.set_aside]
    listed.extend(
        (ctc, dtc, ctc.phase, "user's rows")
        for ctc in own
        for dtc in own
        if (ctc.analyte, dtc.analyte) == ("CTC", "DTC") and _same(ctc, dtc)
    )
    return tuple(_detection(*pair, tables) for pair in listed if _counted(pair[0], pair[1]))


def prognosis_pairs(tables: EvidenceTables) -> tuple[PrognosisPair, ...]:
    """Pairs of prognostic effects: those listed, then a user's rows of one cohort and endpoint."""
    rows = {row.row: row.corrected() for row in tables.effects}
    rates = {row.row: row.corrected() for row in tables.rates}
    made = [
        _prognosis(
            rows[entry["ctc"]],
            rows[entry["dtc"]],
            entry["when"],
            _carriers(rows[entry["ctc"]], rates.get(entry.get("ctc_rate", ""))),
            _carriers(rows[entry["dtc"]], rates.get(entry.get("dtc_rate", ""))),
            tables,
        )
        for entry in _listed()["prognosis"]
        if entry["ctc"] in rows and entry["dtc"] in rows
    ]
    own = [row for row in rows.values() if row.source == USER and row.p and not row.set_aside]
    made.extend(
        _prognosis(ctc, dtc, ctc.phase, _carriers(ctc, None), _carriers(dtc, None), tables)
        for ctc in own
        for dtc in own
        if (ctc.analyte, dtc.analyte) == ("CTC", "DTC")
        and _same(ctc, dtc)
        and ctc.endpoint == dtc.endpoint
    )
    return tuple(made)


def difference_p(
    dtc_z: float, dtc_information: float, ctc_z: float, ctc_information: float
) -> float:
    """Two-sided p-value of a difference between two hazard ratios in the same patients.

    Parameters
    ----------
    dtc_z, ctc_z : float
        Signed normal quantiles of the two p-values, above 0 for worse outcome.
    dtc_information, ctc_information : float
        k (n - k) / n of the carriers.

    Examples
    --------
    >>> difference_p(2.0, 10.0, 2.0, 10.0)
    1.0
    """
    difference = dtc_z / math.sqrt(dtc_information) - ctc_z / math.sqrt(ctc_information)
    spread = math.sqrt(1 / dtc_information + 1 / ctc_information)
    return math.erfc(abs(difference) / spread / math.sqrt(2))


def _same(one: DetectionRate | PrognosticEffect, other: DetectionRate | PrognosticEffect) -> bool:
    """Whether two rows are of one group of patients at one time."""
    return one.cohort == other.cohort and one.phase == other.phase


def _counted(one: DetectionRate, other: DetectionRate) -> bool:
    """Whether both rows have counts."""
    return all(row.n is not None and row.count is not None for row in (one, other))


def _detection(
    ctc: DetectionRate, dtc: DetectionRate, when: str, note: str, tables: EvidenceTables
) -> DetectionPair:
    """Make a pair of two counted rows."""
    assert ctc.n is not None
    assert dtc.n is not None
    ctc_k, dtc_k = ctc.count or 0, dtc.count or 0
    cells = [float(c) for c in (dtc_k, dtc.n - dtc_k, ctc_k, ctc.n - ctc_k)]
    if min(cells) == 0:
        cells = [cell + 0.5 for cell in cells]
    return DetectionPair(
        ctc=ctc.row,
        dtc=dtc.row,
        study=ctc.study,
        label=tables.label(ctc.study),
        cohort=ctc.cohort,
        cancer=ctc.cancer,
        phase=ctc.phase,
        when=when,
        note=note,
        ctc_k=ctc_k,
        ctc_n=ctc.n,
        dtc_k=dtc_k,
        dtc_n=dtc.n,
        log_odds_ratio=math.log(cells[0] * cells[3] / (cells[1] * cells[2])),
        variance=sum(1 / cell for cell in cells),
        remembered="remembered" in (ctc.status, dtc.status),
    )


def _carriers(row: PrognosticEffect, rate: DetectionRate | None) -> tuple[int, int] | None:
    """Carriers and examined: of the row itself, or of the rate that goes with it."""
    if row.positives is not None and row.n is not None:
        return row.positives, row.n
    if rate is None or rate.count is None or rate.n is None:
        return None
    return rate.count, rate.n


def _prognosis(
    ctc: PrognosticEffect,
    dtc: PrognosticEffect,
    when: str,
    ctc_carriers: tuple[int, int] | None,
    dtc_carriers: tuple[int, int] | None,
    tables: EvidenceTables,
) -> PrognosisPair:
    """Make a pair of two rows with p-values."""
    low = high = expected = math.nan
    if ctc_carriers and dtc_carriers:
        informations = [k * (n - k) / n for k, n in (dtc_carriers, ctc_carriers)]
        if min(informations) > 0:
            low, high = _difference(dtc, ctc, *informations)
            printed = parse_p(dtc.p)
            if not printed.censored and printed.low > 0:
                z = _z(printed.low) * math.sqrt(informations[1] / informations[0])
                expected = math.erfc(z / math.sqrt(2))
    same_time = ctc.phase == dtc.phase
    return PrognosisPair(
        ctc=ctc.row,
        dtc=dtc.row,
        study=ctc.study,
        label=tables.label(ctc.study),
        cohort=ctc.cohort,
        cancer=ctc.cancer,
        endpoint=ctc.endpoint,
        phase=ctc.phase if same_time else "unknown",
        when=when,
        ctc_p=ctc.p,
        dtc_p=dtc.p,
        ctc_k=ctc_carriers[0] if ctc_carriers else None,
        ctc_n=ctc_carriers[1] if ctc_carriers else ctc.n,
        dtc_k=dtc_carriers[0] if dtc_carriers else None,
        dtc_n=dtc_carriers[1] if dtc_carriers else dtc.n,
        smaller=_smaller(ctc.p, dtc.p),
        difference_low=low,
        difference_high=high,
        expected_p=expected,
    )


def _smaller(ctc_p: str, dtc_p: str) -> str:
    """Which of two printed p-values is smaller, if either is below 0.05."""
    ctc, dtc = parse_p(ctc_p), parse_p(dtc_p)
    if min(ctc.low, dtc.low) >= 0.05:
        return "neither"
    if ctc.high <= dtc.low:
        return "CTC"
    return "DTC" if dtc.high <= ctc.low else "neither"


def _difference(
    dtc: PrognosticEffect, ctc: PrognosticEffect, dtc_information: float, ctc_information: float
) -> tuple[float, float]:
    """Smallest and largest p-value of a difference over directions and bounds not printed."""
    dtc_low, dtc_high = _z_range(dtc)
    ctc_low, ctc_high = _z_range(ctc)
    if dtc.direction == ctc.direction == "unknown":
        dtc_low = max(dtc_low, _z(parse_p(dtc.p).high))  # turning both round changes nothing
    scaled = [z / math.sqrt(dtc_information) for z in (dtc_low, dtc_high)]
    other = [z / math.sqrt(ctc_information) for z in (ctc_low, ctc_high)]
    ends = [
        difference_p(d, dtc_information, c, ctc_information)
        for d in (dtc_low, dtc_high)
        for c in (ctc_low, ctc_high)
    ]
    if ctc.direction == "unknown" and not parse_p(ctc.p).censored:  # two points, not a range
        overlap = any(scaled[0] <= point <= scaled[1] for point in other)
    else:
        overlap = scaled[0] <= other[1] and other[0] <= scaled[1]
    return min(ends), 1.0 if overlap else max(ends)


def _z_range(row: PrognosticEffect) -> tuple[float, float]:
    """Signed normal quantile of a printed p-value, from lowest to highest that it may be."""
    printed = parse_p(row.p)
    near, far = _z(printed.high), _z(printed.low)
    if row.direction == "worse":
        return near, far
    return (-far, -near) if row.direction == "better" else (-far, far)


def _z(p: float) -> float:
    """Normal quantile of a two-sided p-value, 0 or more; a p-value of 0 counts as 1e-12."""
    return max(0.0, -float(special.ndtri(max(p, 1e-12) / 2)))
