"""CTCs in blood against DTCs in marrow, as markers in the same patients at the same visit.

Concordance is Uno's, the accuracy by a horizon that of inverse censoring weights; a difference has
the standard error of the differences of the patients' influences. Discordance is set beside that
which sampling alone would make of one burden (`marrowtrace.enumeration.same_burden`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.enumeration.two_by_two import two_by_two
from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import plain
from marrowtrace.study.sampled_marker import SampledMarker
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel

HORIZONS = (2.0, 5.0, 10.0)
"""Years after sampling at which accuracy is given."""
STILL_FOLLOWED = 20
"""Patients who must be followed beyond a horizon."""
NOISE_PAIRS, NOISE_COHORTS = 1_000, 199
"""Most pairs, and cohorts drawn, for the sampling noise."""


def compare_markers(
    rng: np.random.Generator,
    panel: Panel,
    blood: SampledMarker,
    marrow: SampledMarker,
    endpoints: Sequence[str],
    *,
    members: NDArray[np.bool_] | None = None,
    noise: bool = True,
) -> dict[str, Any]:
    """Compare a blood and a marrow marker in the patients who have both.

    Parameters
    ----------
    rng : numpy.random.Generator
        For the sampling noise.
    panel : Panel
    blood, marrow : SampledMarker
    endpoints : sequence of str
    members : ndarray of bool, shape (n,), optional
        Patients that take part; all if left out.
    noise : bool
        Whether to tell the sampling noise, which takes the longest.

    Returns
    -------
    dict
        ``visit``, ``patients``, ``table`` (both, blood_only, marrow_only, neither and measures of
        agreement), ``noise`` (part of the discordance that sampling explains, or null with
        ``noise_remark``), and ``accuracy``: for each endpoint ``concordance`` and ``auc`` of
        either marker with the difference, marrow less blood.
    """
    chosen = np.ones(len(panel), dtype=bool) if members is None else members
    one, two = blood.positive(panel), marrow.positive(panel)
    both = chosen & (one >= 0) & (two >= 0)
    row: dict[str, Any] = {
        "visit": marrow.visit if marrow.visit == blood.visit else f"{blood.visit}, {marrow.visit}",
        "blood": blood.label,
        "marrow": marrow.label,
        "patients": int(both.sum()),
        "table": None,
        "noise": None,
        "noise_remark": "",
        "accuracy": [],
    }
    if not both.any():
        return row | {"noise_remark": "no patient has both samples"}
    x, y = one[both] == 1, two[both] == 1
    cells = [int(v.sum()) for v in (x & y, x & ~y, ~x & y, ~x & ~y)]
    measures = plain(two_by_two(*cells))
    assert isinstance(measures, dict)
    measures["blood_only"] = measures.pop("first_only")
    measures["marrow_only"] = measures.pop("second_only")
    row["table"] = measures
    if noise:
        row |= _noise(rng, panel, blood, marrow, both)
    row["accuracy"] = [_accuracy(panel, blood, marrow, name, both) for name in endpoints]
    return row


def _noise(
    rng: np.random.Generator,
    panel: Panel,
    blood: SampledMarker,
    marrow: SampledMarker,
    both: NDArray[np.bool_],
) -> dict[str, Any]:
    """What sampling explains of the discordance, from the counts of at most `NOISE_PAIRS` pairs."""
    from marrowtrace.enumeration.same_burden import sampling_noise

    counts = [panel.counts[marker.key] for marker in (blood, marrow)]
    counted = np.flatnonzero(both & (counts[0] >= 0) & (counts[1] >= 0))
    if not counted.size:
        return {"noise": None, "noise_remark": "one of the assays gives no counts"}
    remark = ""
    if counted.size > NOISE_PAIRS:
        remark = f"from the first {NOISE_PAIRS} of {counted.size} pairs"
        counted = counted[:NOISE_PAIRS]
    amount = np.ones(counted.size)
    thresholds = tuple(max(1, int(m.threshold or 1)) for m in (blood, marrow))
    try:
        found = sampling_noise(
            rng, (counts[0][counted], amount), (counts[1][counted], amount),
            thresholds=(thresholds[0], thresholds[1]), replicates=NOISE_COHORTS,
        )  # fmt: skip
    except CohortError as error:
        return {"noise": None, "noise_remark": f"the sampling noise cannot be told: {error}"}
    return {"noise": plain(found), "noise_remark": remark}


def _accuracy(
    panel: Panel,
    blood: SampledMarker,
    marrow: SampledMarker,
    endpoint: str,
    both: NDArray[np.bool_],
) -> dict[str, Any]:
    """Concordance and accuracy by horizon of both markers for one endpoint."""
    time, code = panel.follow_up[endpoint]
    start = np.fmax(panel.sampled[blood.visit], panel.sampled[marrow.visit])
    since = time - start
    rows = both & np.isfinite(since) & (since > 0)
    t, c = since[rows], code[rows]
    values = [marker.value(panel)[rows] for marker in (blood, marrow)]
    row: dict[str, Any] = {
        "endpoint": endpoint,
        "patients": int(t.size),
        "events": int((c == 1).sum()),
        "concordance": None,
        "auc": [],
        "remark": "",
    }
    horizons = [
        year for year in HORIZONS
        if (t > year * DAYS_PER_YEAR).sum() >= STILL_FOLLOWED
        and ((c == 1) & (t <= year * DAYS_PER_YEAR)).any()
    ]  # fmt: skip
    if not horizons:
        return row | {"remark": "too few events, or follow-up too short"}
    try:
        row["concordance"] = _concordance(t, c == 1, values, horizons[-1])
        row["auc"] = _auc(t, c, values, horizons)
    except CohortError as error:
        row["remark"] = str(error)
    return row


def _concordance(
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    values: Sequence[NDArray[np.float64]],
    years: float,
) -> dict[str, Any]:
    from marrowtrace.survival.concordance import uno_concordance
    from marrowtrace.survival.difference import concordance_difference

    blood, marrow = (
        uno_concordance(time, event, risk=risk, horizon=years * DAYS_PER_YEAR) for risk in values
    )
    difference = concordance_difference(marrow, blood)
    return {
        "horizon_years": years,
        "blood": _estimate(blood.value, blood.low, blood.high),
        "marrow": _estimate(marrow.value, marrow.low, marrow.high),
        "difference": _estimate(difference.estimate, difference.low, difference.high)
        | {"p": plain(difference.p)},
    }


def _auc(
    time: NDArray[np.float64],
    code: NDArray[np.int8],
    values: Sequence[NDArray[np.float64]],
    horizons: Sequence[float],
) -> list[dict[str, Any]]:
    from marrowtrace.survival.time_dependent_accuracy import accuracy_difference, time_dependent_auc

    days = [year * DAYS_PER_YEAR for year in horizons]
    blood, marrow = (time_dependent_auc(time, code, risk=risk, horizons=days) for risk in values)
    differences = accuracy_difference(marrow, blood)
    return [
        {
            "year": year,
            "cases": int(marrow.cases[k]),
            "controls": int(marrow.controls[k]),
            "blood": _estimate(blood.value[k], blood.low[k], blood.high[k]),
            "marrow": _estimate(marrow.value[k], marrow.low[k], marrow.high[k]),
            "difference": _estimate(
                differences[k].estimate, differences[k].low, differences[k].high
            )
            | {"p": plain(differences[k].p)},
        }
        for k, year in enumerate(horizons)
    ]


def _estimate(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": plain(float(value)), "low": plain(float(low)), "high": plain(float(high))}
