"""Section 5.6: HER2 and the oestrogen receptor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marrowtrace.claims.arms import cells, untreated, weighted_share
from marrowtrace.claims.check import Check, Outcome
from marrowtrace.claims.judgement import assumed
from marrowtrace.claims.measure import Figure, between, share
from marrowtrace.claims.world import World
from marrowtrace.simulation import History
from marrowtrace.units import DAYS_PER_YEAR

_ER_POSITIVE, _HER2_POSITIVE = (0, 1), (1, 2)


def _other_than_primary(history: History, column: str, positive: tuple[int, ...]) -> list[Figure]:
    """Share of cells in niches whose receptor differs from the primary's, by visit."""
    primary = np.isin(history.column("subtype"), positive)
    found = []
    for visit in range(len(history.scenario.visits)):
        status = history.burden(column)[:, visit].astype(float)
        differs = np.where(primary, 1.0 - status, status)
        found.append(weighted_share(differs, cells(history, visit)))
    return found


def _discordance(world: World) -> Outcome:
    history = world.history(untreated(world))
    er = _other_than_primary(history, "er_positive", _ER_POSITIVE)
    her2 = _other_than_primary(history, "her2_positive", _HER2_POSITIVE)
    given = world.arm().parameters["receptor_discordance"].canonical
    return assumed(
        er[0],
        f"{er[0].per_cent()} of cells in niches differ from the primary in ER at diagnosis and "
        f"{er[1].per_cent()} after five years, {her2[0].per_cent()} and {her2[1].per_cent()} in "
        f"HER2: {given:.0%} of shed cells and the rates of loss and gain are assumed",
    )


def _er_negative_lesions(history: History, years: float) -> tuple[int, int]:
    """ER-negative lesions, and all, found after diagnosis in patients with an ER+ primary."""
    lesions = history.lesions
    er_positive = np.isin(history.column("subtype"), _ER_POSITIVE)
    rows = np.searchsorted(history.patient, lesions["patient"])
    day = lesions["detected"]
    found = (day > 0.0) & (day <= years * DAYS_PER_YEAR) & er_positive[rows]
    found &= lesions["place"] <= 2
    return int((lesions["er"][found] == 0).sum()), int(found.sum())


def _escape_from_endocrine(world: World, acts_on: str) -> Outcome:
    """ER-negative lesions among those of ER+ primaries, under endocrine therapy and without."""
    control = untreated(world)
    usual = replace(world.arm(regimens=("endocrine-5y",)), visits=control.visits)
    treated = usual.with_therapies(
        *(replace(each, acts_on=acts_on, uptake=1.0) for each in usual.therapies)
    )
    number = 3 * world.patients
    shares, spread = [], 0.0
    for arm in (control, treated):
        negative, total = _er_negative_lesions(world.history(arm, number), 5.0)
        shares.append(share(np.arange(total) < negative))
        spread += 1.0 / max(1, negative) - 1.0 / max(1, total)
    without, with_ = shares
    ratio = with_.value / without.value
    wide = float(np.exp(1.96 * np.sqrt(spread)))
    found = Figure(ratio, ratio / wide, ratio * wide)
    part = "a part of its failures, not most" if with_.high < 0.5 else "many of its failures"
    return between(
        found, 1.0 + 1e-9, np.inf,
        f"ER-negative lesions are {without.per_cent()} of those found within 5 years of an ER+ "
        f"primary without endocrine therapy and {with_.per_cent()} with it, {found.words()} times: "
        f"they explain {part}",
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(claim="C080", run=_discordance),
    Check(
        claim="C081",
        run=lambda world: _escape_from_endocrine(world, "er_positive"),
        perturbation="endocrine therapy acts on ER-negative cells as well",
        perturbed=lambda world: _escape_from_endocrine(world, "all"),
    ),
)
