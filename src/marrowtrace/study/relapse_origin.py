"""Where first distant relapses came from: the truth of the simulation, which no clinic sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.study.detection import rate
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.study.panel import Panel

ROUTES = (
    (
        "direct to marrow",
        "primary",
        "bone",
        "shed by the primary tumour, rested and awoke in marrow",
    ),
    ("direct to viscera", "primary", "visceral", "shed by the primary tumour straight to viscera"),
    (
        "by way of marrow",
        "marrow reservoir",
        "",
        "left the marrow reservoir and settled in viscera",
    ),
    ("recirculated", "recirculated", "", "shed by another lesion"),
    ("residual", "residual", "", "left behind at the primary's site"),
)
"""Route, origin, site (any if empty) and meaning."""
INTERVALS = (
    ("seeded", "awakened", "seeding to awakening"),
    ("awakened", "detected", "awakening to detection"),
    ("seeded", "detected", "seeding to detection"),
)


def relapse_origin(
    panel: Panel, *, surgery: NDArray[np.float64], members: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Tabulate site and origin of the first distant relapses, and how long they took.

    Parameters
    ----------
    panel : Panel
        Its ``truth`` has ``relapse_origin``, ``relapse_site`` and the days ``seeded``,
        ``awakened``, ``detected`` of the lesion that was found first.
    surgery : ndarray of float, shape (n,)
        Day on which each patient's primary was removed; infinite if it never was.
    members : ndarray of bool, shape (n,), optional
        Patients that count; all if left out. Of them those are taken whose distant relapse was
        seen within observation.

    Returns
    -------
    dict
        ``patients``, ``relapses``, ``before_surgery`` (share seeded before surgery, or null without
        surgery), ``through_marrow`` (share whose founder had rested in marrow), ``routes`` (those
        of `ROUTES` that occur), ``origins`` and ``sites`` (shares with exact intervals),
        ``site_by_origin`` (counts) and ``durations`` (years: ``median``, ``low``, ``high`` are
        quartiles; by origin and for all).
    """
    chosen = np.ones(len(panel), dtype=bool) if members is None else members
    patients = int(chosen.sum())
    if "distant_relapse" in panel.follow_up:
        chosen = chosen & (panel.follow_up["distant_relapse"][1] == 1)
    found = panel.truth.select(
        pl.col("relapse_origin").alias("origin"), pl.col("relapse_site").alias("site"),
        "seeded", "awakened", "detected", pl.Series("surgery", surgery),
    )  # fmt: skip
    found = found.filter(pl.Series(chosen)).drop_nulls(["origin", "detected"])
    total = found.height
    operated = found.filter(pl.col("surgery").is_finite() & pl.col("seeded").is_not_null())
    before = None
    if operated.height:
        early = int((operated["seeded"] <= operated["surgery"]).sum())
        before = rate(early, operated.height)
    counts = found.group_by("origin", "site").len().sort("origin", "site")
    return {
        "patients": patients,
        "relapses": total,
        "before_surgery": before,
        "through_marrow": _through_marrow(found) if total else None,
        "routes": _routes(found),
        "origins": _shares(found, "origin"),
        "sites": _shares(found, "site"),
        "site_by_origin": [
            {"origin": origin, "site": site, "count": int(count)}
            for origin, site, count in counts.iter_rows()
        ],
        "durations": _durations(found),
    }


def _routes(found: pl.DataFrame) -> list[dict[str, Any]]:
    """Share of the relapses that came by each route that any came by."""
    rows = []
    for route, origin, site, meaning in ROUTES:
        hit = found.filter((pl.col("origin") == origin) & ((pl.col("site") == site) | (site == "")))
        if hit.height:
            rows.append({"route": route, "meaning": meaning, **rate(hit.height, found.height)})
    return rows


def _through_marrow(found: pl.DataFrame) -> dict[str, Any]:
    """Share of the relapses whose founder rested in marrow before."""
    rested = (pl.col("site") == "bone") | (pl.col("origin") == "marrow reservoir")
    return rate(found.filter(rested).height, found.height)


def _shares(found: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    """Share of the relapses with each word of a column, most frequent first."""
    counts = found.group_by(column).len().sort("len", column, descending=[True, False])
    return [{column: word, **rate(int(count), found.height)} for word, count in counts.iter_rows()]


def _durations(found: pl.DataFrame) -> list[dict[str, Any]]:
    rows = []
    origins = sorted(found["origin"].unique().to_list())
    for start, stop, label in INTERVALS:
        for origin in ["all", *origins] if len(origins) > 1 else ["all"]:
            chosen = found if origin == "all" else found.filter(pl.col("origin") == origin)
            years = (chosen[stop] - chosen[start]).drop_nulls().to_numpy() / DAYS_PER_YEAR
            years = years[np.isfinite(years)]
            if not years.size:
                continue
            low, median, high = (float(v) for v in np.quantile(years, (0.25, 0.5, 0.75)))
            rows.append(
                {
                    "interval": label,
                    "origin": origin,
                    "relapses": int(years.size),
                    "median": median,
                    "low": low,
                    "high": high,
                }
            )
    return rows
