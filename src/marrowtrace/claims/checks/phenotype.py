"""Section 5.4: mesenchymal, stem-like and plastic cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marrowtrace.claims.arms import cells, untreated, weighted_share, without_lesions
from marrowtrace.claims.check import Check, Outcome
from marrowtrace.claims.judgement import assumed, undecided
from marrowtrace.claims.measure import Figure, Reals, paired_ratio
from marrowtrace.claims.world import World
from marrowtrace.simulation import History
from marrowtrace.units import DAYS_PER_YEAR


def _pooled(history: History, column: str, visit: int = 0) -> Figure:
    """Share of all cells in niches that have a phenotype."""
    share = history.burden(column)[:, visit].astype(float)
    return weighted_share(share, cells(history, visit))


def _shed(world: World) -> float:
    """Mesenchymal share of shed cells in the catalogue."""
    parameters = world.arm().parameters
    return float(
        1.0
        - parameters["epithelial_share_shed"].canonical
        - parameters["hybrid_share_shed"].canonical
    )


def _mesenchymal(world: World) -> Outcome:
    history = world.history()
    found = _pooled(history, "mesenchymal")
    epithelial = _pooled(history, "epithelial")
    there = cells(history, 0) > 0.0
    patients = float(np.mean(history.burden("mesenchymal")[there, 0] > 0.5))
    return assumed(
        found,
        f"{found.per_cent()} of cells in niches at diagnosis are mesenchymal and "
        f"{epithelial.per_cent()} epithelial, most of them in {patients:.0%} of patients with any; "
        "it rests on switching towards M four times as fast as back, chosen without a source",
    )


def _circulating(world: World, protection: float) -> float:
    """Mesenchymal share of cells that circulate or lodge, by the law of deaths in the blood."""
    shed = _shed(world)
    anoikis = world.arm().parameters["anoikis_death_share"].canonical
    rest, mean = 1.0 - anoikis, 1.0 - protection * shed
    slow = rest + anoikis * (1.0 - protection) / mean
    fast = rest + anoikis / mean
    return float(shed / slow / (shed / slow + (1.0 - shed) / fast))


def _survival_of_mesenchymal(world: World) -> Outcome:
    shed = _shed(world)
    protection = world.arm().parameters["anoikis_protection"].canonical
    law = _circulating(world, protection)
    return assumed(
        Figure(law, law, law),
        f"by the law of deaths in the blood mesenchymal cells are {law:.1%} of those that "
        f"circulate and {shed:.0%} of those shed: that they die of anoikis {1.0 - protection:.0%} "
        "as often is assumed. The simulation applies it to the mean of a patient's cells",
    )


def _stem_like(world: World) -> Outcome:
    history = world.history()
    found = _pooled(history, "stem_like")
    shed = world.arm().parameters["stem_like_share_shed"].canonical
    return assumed(
        found,
        f"{found.per_cent()} of cells in niches at diagnosis are stem-like and {shed:.0%} of those "
        "shed: the gain in the niche (stem_like_gain_rate) is assumed and never lost. In the model "
        "the state has no part in which cell founds a lesion",
    )


def _two_routes(world: World) -> Outcome:
    """Mesenchymal share in niches: the most that selection on the way gives, and what switching."""
    shed = _shed(world)
    selected = _circulating(world, world.arm().parameters["anoikis_protection"].canonical)
    most = _circulating(world, 1.0)
    found = _pooled(world.history(), "mesenchymal")
    return undecided(
        f"of cells shed {shed:.0%} are mesenchymal; selection in the blood alone makes that "
        f"{selected:.0%} of those that lodge, and {most:.0%} were they safe from anoikis "
        f"altogether; switching in the niche makes it {found.per_cent()}. So the first route "
        "alone does not make most DTCs mesenchymal, and the second does by rates that were chosen",
        "phenotype of cells that have just lodged against those that have stayed, by clone",
        found,
    )


def _transient(world: World) -> Outcome:
    """Mesenchymal share after chemotherapy over that without, and again four years later."""
    visits = (0.0, 8.0 * DAYS_PER_YEAR / 12.0, 5.0 * DAYS_PER_YEAR)
    control = replace(untreated(world), visits=visits)
    treated = replace(world.arm(regimens=("chemotherapy-adjuvant",)), visits=visits)
    without, with_ = world.history(control), world.history(treated)
    taken = with_.column("chemotherapy") > 0.0
    ratios = []
    for visit in (1, 2):
        who = without_lesions((without, with_), visit) & taken & (cells(with_, visit) > 0.0)
        one, other = (_column(each, visit)[who] for each in (with_, without))
        ratios.append(paired_ratio(one, other))
    after, later = ratios
    parameters = control.parameters
    stay = 1.0 / parameters["epithelial_transition_rate"].canonical
    return assumed(
        after,
        f"chemotherapy leaves {after.words(4)} times the mesenchymal share at 8 months and "
        f"{later.words(4)} times at 5 years: protection is assumed, and as dormant cells are "
        f"hardly killed at all, it moves little. A mesenchymal cell stays so for {stay:.0f} days "
        "in the mean, but switching back does not wake it: the model does not tie the two",
    )


def _column(history: History, visit: int) -> Reals:
    return np.asarray(history.burden("mesenchymal")[:, visit], np.float64)


CHECKS: tuple[Check, ...] = (
    Check(claim="C070", run=_mesenchymal),
    Check(claim="C071", run=_survival_of_mesenchymal),
    Check(claim="C072", run=_stem_like),
    Check(claim="C073", run=_two_routes),
    Check(claim="C074", run=_transient),
)
