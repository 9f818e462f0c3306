"""Annual hazard of relapse by receptor status: events for each year at risk.

Intervals are exact for a Poisson count (Garwood 1936, Biometrika 28:437-442; remembered). Competing
deaths and censoring end a patient's time at risk, so the rate is the cause-specific one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel

YEARS = 20
BANDS = ((0, 5), (5, 10), (10, 15), (15, 20))
"""Years of follow-up for which papers give rates."""


def annual_hazard(
    panel: Panel, endpoint: str, groups: Sequence[tuple[str, NDArray[np.bool_]]]
) -> dict[str, Any]:
    """Estimate the hazard of each year, and of each band of years.

    Parameters
    ----------
    panel : Panel
    endpoint : str
    groups : sequence of (name, mask of shape (n,))

    Returns
    -------
    dict
        ``endpoint`` and ``groups``, each with ``group``, ``patients``, and ``years`` and ``bands``
        (rows as `hazard_rate` gives them), as far as follow-up goes.
    """
    time, code = panel.follow_up[endpoint]
    usable = np.isfinite(time) & (time > 0)
    found = []
    for name, members in groups:
        chosen = members & usable
        days, event = time[chosen], code[chosen] == 1
        last = float(days.max()) / DAYS_PER_YEAR if days.size else 0.0
        years = range(min(YEARS, int(np.ceil(last - 1e-9))))
        found.append(
            {
                "group": name,
                "patients": int(chosen.sum()),
                "years": [hazard_rate(days, event, (y, y + 1)) for y in years],
                "bands": [hazard_rate(days, event, band) for band in BANDS if band[0] < last],
            }
        )
    return {"endpoint": endpoint, "groups": found}


def hazard_rate(
    days: NDArray[np.float64],
    event: NDArray[np.bool_],
    years: tuple[float, float],
    *,
    level: float = 0.95,
) -> dict[str, Any]:
    """Estimate the rate of events between two years.

    Parameters
    ----------
    days : ndarray of float, shape (n,)
        End of observation of each patient [days].
    event : ndarray of bool, shape (n,)
    years : tuple of float
        From (exclusive) and to (inclusive) [year].
    level : float

    Returns
    -------
    dict
        ``from_year``, ``to_year``, ``events``, ``person_years``, ``rate`` with ``low`` and ``high``
        [1/year]; null rates where nobody was at risk.

    Examples
    --------
    >>> found = hazard_rate(np.array([365.25, 730.5]), np.array([True, False]), (0, 1))
    >>> found["events"], found["person_years"], found["rate"]
    (1, 2.0, 0.5)
    """
    start, stop = years[0] * DAYS_PER_YEAR, years[1] * DAYS_PER_YEAR
    person_years = float(np.clip(days - start, 0.0, stop - start).sum()) / DAYS_PER_YEAR
    events = int((event & (days > start) & (days <= stop)).sum())
    row: dict[str, Any] = {
        "from_year": float(years[0]),
        "to_year": float(years[1]),
        "events": events,
        "person_years": person_years,
    }
    if person_years <= 0:
        return row | {"rate": None, "low": None, "high": None}
    tail = (1 - level) / 2
    low = float(special.gammaincinv(events, tail)) if events else 0.0
    high = float(special.gammaincinv(events + 1, 1 - tail))
    return row | {
        "rate": events / person_years,
        "low": low / person_years,
        "high": high / person_years,
    }
