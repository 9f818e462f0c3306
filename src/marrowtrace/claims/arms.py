"""What moves when one influence is moved: the same virtual patients with it and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from marrowtrace.claims.measure import Figure, Reals, Truths, clear_of_metastases, paired_ratio
from marrowtrace.claims.world import World
from marrowtrace.simulation import History, Scenario, Therapy
from marrowtrace.units import DAYS_PER_YEAR

Effects = Mapping[str, float]
MARROW = ("perivascular", "endosteal")


def window(
    effects: Effects, *, start: float = 0.0, years: float = 5.0, acts_on: str = "all"
) -> Therapy:
    """Return a window of ``years`` from day ``start`` in which everyone has these effects."""
    return Therapy(
        "other_1",
        start=start,
        duration=years * DAYS_PER_YEAR,
        effects=dict(effects),
        acts_on=acts_on,
    )


def untreated(world: World, values: Mapping[str, float | str] | None = None) -> Scenario:
    """Return early breast cancer with surgery alone, looked at after five years."""
    arm = world.arm(regimens=(), values=values)
    return replace(arm, visits=(0.0, 5.0 * DAYS_PER_YEAR))


def cells(history: History, visit: int, places: tuple[str, ...] = MARROW) -> Reals:
    """Return the tumour cells in these places at a visit; 0 after the end, shape (n,)."""
    total = sum(np.nan_to_num(history.burden(place)[:, visit].astype(float)) for place in places)
    return np.asarray(total, np.float64)


def without_lesions(histories: tuple[History, ...], visit: int) -> Truths:
    """Return who has founded no lesion by a visit in any of the histories, and is seen at it."""
    day = histories[0].scenario.visits[visit]
    kept = [
        (each.column("first_establishment") > day) & ~np.isnan(each.burdens[:, visit, 0])
        for each in histories
    ]
    return np.asarray(np.logical_and.reduce(kept))


def cells_ratio(
    world: World,
    effects: Effects,
    places: tuple[str, ...] = MARROW,
    values: Mapping[str, float | str] | None = None,
) -> Figure:
    """Return the dormant cells after five years of the effects over those without them.

    Over patients who have founded no lesion in either arm, whose marrow nothing feeds.
    """
    arm = untreated(world, values)
    control = world.history(arm)
    moved = world.history(arm.with_therapies(window(effects)))
    who = without_lesions((control, moved), 1)
    return paired_ratio(cells(moved, 1, places)[who], cells(control, 1, places)[who])


def relapses(history: History, years: float, column: str = "distant_relapse") -> Reals:
    """Return 1 for a first event before ``years`` and death of other causes, shape (n,)."""
    day = history.column(column)
    other = history.column("other_cause_death")
    return np.asarray((day <= years * DAYS_PER_YEAR) & (day <= other), np.float64)


def relapse_ratio(
    world: World,
    arm: Scenario,
    therapy: Therapy,
    *,
    years: float = 10.0,
    column: str = "distant_relapse",
) -> Figure:
    """Return relapses with the therapy added over those without, same patients, none metastatic."""
    control = world.history(arm)
    moved = world.history(arm.with_therapies(*arm.therapies, therapy))
    who = clear_of_metastases(control)
    return paired_ratio(relapses(moved, years, column)[who], relapses(control, years, column)[who])


def weighted_share(share: Reals, weights: Reals) -> Figure:
    """Return the share of all cells, by patients' shares and cells, with its interval.

    The interval is that of a ratio of means over patients (delta method).
    """
    kept = (weights > 0.0) & np.isfinite(share)
    s, w = share[kept], weights[kept]
    value = float(np.average(s, weights=w))
    spread = 1.96 * float(np.sqrt(np.sum((w * (s - value)) ** 2))) / float(w.sum())
    return Figure(value, value - spread, value + spread)
