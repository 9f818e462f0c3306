"""The arms of a study against a reference: hazard ratios and differences of incidence.

Where the same patients are in every arm (paired), hazard ratios have the sandwich variance by
patient and the difference of incidence is that of the discordant pairs; else arms are independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import plain
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel

MARKS = (5.0, 10.0, 20.0)
"""Years at which incidences are compared."""
_Z = 1.959963984540054


def compare_arms(
    panel: Panel,
    endpoint: str,
    arms: Sequence[tuple[str, NDArray[np.bool_]]],
    *,
    paired: bool,
    start: NDArray[np.float64] | None = None,
    references: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Compare every further arm with its reference.

    Parameters
    ----------
    panel : Panel
    endpoint : str
        A competing event ends the time at risk of the hazard ratio, and counts as no event in the
        incidence.
    arms : sequence of (name, mask of shape (n,))
    paired : bool
        Whether the arms hold the same patients, known by ``number``.
    start : ndarray of float, shape (n,), optional
        Day from which time counts; the index event if left out.
    references : mapping of str to str, optional
        Arm to the arm it is compared with; the first if left out.

    Returns
    -------
    list of dict
        ``endpoint``, ``arm``, ``against``, ``hr`` with ``low``, ``high`` and ``p`` (log-rank, or
        Wald's where paired), ``remark``, and ``differences``: at each year of `MARKS` within
        follow-up ``difference`` of incidence with ``low`` and ``high``.
    """
    time, code = panel.follow_up[endpoint]
    since = time if start is None else time - start
    usable = np.isfinite(since) & (since > 0)
    numbers = panel.patients["number"].to_numpy()
    by_name, rows = dict(arms), []
    for name, members in arms[1:]:
        first = (references or {}).get(name, arms[0][0])
        reference = by_name[first]
        chosen = usable & (members | reference)
        row: dict[str, Any] = {"endpoint": endpoint, "arm": name, "against": first}
        row |= _hazard_ratio(
            since[chosen], code[chosen] == 1, members[chosen], numbers[chosen] if paired else None
        )
        one, two = usable & members, usable & reference
        row["differences"] = [
            found
            for year in MARKS
            if (found := _difference(since, code, (one, two), year, numbers if paired else None))
        ]
        rows.append(row)
    return rows


def _hazard_ratio(
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    treated: NDArray[np.bool_],
    cluster: NDArray[np.int64] | None,
) -> dict[str, Any]:
    from marrowtrace.survival.cox import cox_regression
    from marrowtrace.survival.log_rank import log_rank_test

    empty: dict[str, Any] = {"hr": None, "low": None, "high": None, "p": None}
    if cluster is not None and event.any() and _same_lives(time, event, treated, cluster):
        remark = "both arms had the same events at the same times"
        return {"hr": 1.0, "low": 1.0, "high": 1.0, "p": 1.0, "remark": remark}
    try:
        with np.errstate(invalid="ignore"):
            fit = cox_regression(time, event, covariates={"arm": treated * 1.0}, cluster=cluster)
            table = fit.table().row(0, named=True)
        p = table["p"] if cluster is not None else log_rank_test(time, event, group=treated).p
    except CohortError as error:
        return {**empty, "remark": str(error)}
    if not fit.standard_errors[0] > 1e-9:
        remark = "the arms differ in too little to tell an error"
        return {**empty, "hr": plain(table["hazard_ratio"]), "remark": remark}
    found = {"hr": table["hazard_ratio"], "low": table["low"], "high": table["high"], "p": p}
    return {**{key: plain(value) for key, value in found.items()}, "remark": ""}


def _same_lives(
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    treated: NDArray[np.bool_],
    cluster: NDArray[np.int64],
) -> bool:
    """Whether the same patients had the same follow-up in both arms."""
    orders = [np.flatnonzero(mask)[np.argsort(cluster[mask])] for mask in (treated, ~treated)]
    return all(
        np.array_equal(values[orders[0]], values[orders[1]]) for values in (cluster, time, event)
    )


def _difference(
    time: NDArray[np.float64],
    code: NDArray[np.int8],
    arms: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    year: float,
    numbers: NDArray[np.int64] | None,
) -> dict[str, Any] | None:
    """Difference of incidence by a year; None beyond follow-up."""
    day = year * DAYS_PER_YEAR
    if any(not mask.any() or float(time[mask].max()) < day * (1 - 1e-9) for mask in arms):
        return None
    if numbers is None:
        parts = [_incidence(time[mask], code[mask], day) for mask in arms]
        gap = parts[0][0] - parts[1][0]
        error = math.hypot(parts[0][1], parts[1][1])
    else:
        gap, error = _paired_gap(time, code, arms, day, numbers)
    return {
        "year": year,
        "difference": plain(gap),
        "low": plain(gap - _Z * error),
        "high": plain(gap + _Z * error),
    }


def _incidence(
    time: NDArray[np.float64], code: NDArray[np.int8], day: float
) -> tuple[float, float]:
    """Aalen-Johansen estimate by a day with its standard error."""
    from marrowtrace.survival.competing_risks import cumulative_incidence

    if not ((code == 1) & (time <= day)).any():
        return 0.0, 0.0
    found = cumulative_incidence(time, code)
    row, index = found.causes.index(1), int(np.searchsorted(found.time, day, side="right")) - 1
    return float(found.incidence[row, index]), float(found.error[row, index])


def _paired_gap(
    time: NDArray[np.float64],
    code: NDArray[np.int8],
    arms: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    day: float,
    numbers: NDArray[np.int64],
) -> tuple[float, float]:
    """Difference and standard error from pairs whose state at the day is known in both arms."""
    one, two = (mask & ((time >= day) | (code > 0)) for mask in arms)
    _, first, second = np.intersect1d(
        numbers[one], numbers[two], assume_unique=True, return_indices=True
    )
    if not first.size:
        return math.nan, math.nan
    event = (code == 1) & (time <= day)
    change = event[one][first].astype(np.float64) - event[two][second]
    gap = float(change.mean())
    return gap, math.sqrt(max(float((change**2).mean()) - gap**2, 0.0) / first.size)
