"""Section 5.5: osteoblast- and osteoclast-like cells, and the endosteal niche."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import spearmanr

from marrowtrace.claims.arms import (
    cells,
    cells_ratio,
    relapse_ratio,
    untreated,
    weighted_share,
    window,
    without_lesions,
)
from marrowtrace.claims.check import Check, Outcome
from marrowtrace.claims.dormant_line import change_in_dormant_cells
from marrowtrace.claims.judgement import assumed, undecided
from marrowtrace.claims.measure import Figure, paired_ratio
from marrowtrace.claims.world import World
from marrowtrace.simulation import therapy
from marrowtrace.units import DAYS_PER_YEAR


def _sheltered(world: World) -> Outcome:
    """Dormant cells that a course of chemotherapy leaves, in niches and in viscera."""
    visits = (0.0, 8.0 * DAYS_PER_YEAR / 12.0)
    control = replace(untreated(world), visits=visits)
    course = replace(world.arm(regimens=("chemotherapy-adjuvant",)), visits=visits)
    without, with_ = world.history(control), world.history(course)
    who = without_lesions((without, with_), 1) & (with_.column("chemotherapy") > 0.0)
    who &= cells(with_, 1) > 0.0
    places = (("perivascular", "endosteal"), ("visceral",))
    kept = [
        paired_ratio(cells(with_, 1, place)[who], cells(without, 1, place)[who]) for place in places
    ]
    parameters = control.parameters
    moved = parameters["mobilised_dormant_kill"].canonical
    still = parameters["chemotherapy_dormant_kill"].canonical
    ratio = Figure(
        kept[0].value / kept[1].value, kept[0].low / kept[1].high, kept[0].high / kept[1].low
    )
    return assumed(
        ratio,
        f"a course leaves {kept[0].words(3)} of the cells in niches and {kept[1].words(3)} of "
        "resting cells in viscera: mesenchymal cells are spared in niches, by assumption. A cycle "
        f"kills {still:.0%} of resting cells in either, and {moved:.0%} of those that a mobilising "
        "agent has just driven out of a niche, by assumption too",
    )


def _osteomimetic(world: World) -> Outcome:
    history = world.history()
    share = history.burden("osteomimetic")[:, 0].astype(float)
    found = weighted_share(share, cells(history, 0))
    change = change_in_dormant_cells(("Spp1", "Alpl", "Runx2", "Tnfrsf11b"))
    data = ", ".join(f"{name} {value:+.1f}" for name, value in change.items())
    return assumed(
        found,
        f"{found.per_cent()} of cells in niches at diagnosis are osteomimetic and none of those "
        "shed, because cells gain it in the endosteal niche only (osteomimetic_gain_rate). In "
        f"dormant RM1 mouse cells, which are no marrow sample, log2 changes are {data}",
    )


def _survival_of_osteomimetic(world: World) -> Outcome:
    """How the osteomimetic share goes with what is left, where it has no effect at all."""
    history = world.history(untreated(world))
    who = without_lesions((history,), 1) & (cells(history, 0) > 0.0) & (cells(history, 1) > 0.0)
    left = np.log(cells(history, 1)[who] / cells(history, 0)[who])
    share = history.burden("osteomimetic")[who, 0].astype(float)
    rho = float(spearmanr(share, left).statistic)
    spread = 1.96 / np.sqrt(max(1, int(who.sum()) - 3))
    found = Figure(
        rho, float(np.tanh(np.arctanh(rho) - spread)), float(np.tanh(np.arctanh(rho) + spread))
    )
    return undecided(
        f"the model's osteomimetic cells live and leave as the others do, and yet the share at "
        f"diagnosis goes with the share of cells left after five years (rank correlation "
        f"{found.words()}): both grow with the part that sits in the endosteal niche",
        "survival of osteomimetic against other cells within one niche",
        found,
    )


def _osteoclasts_wake(world: World) -> Outcome:
    """Osteoclasts twice as active, and a bisphosphonate, by pairs."""
    fewer = cells_ratio(world, {"osteoclast": 1.0}, ("endosteal",))
    arm = replace(untreated(world), visits=(0.0,))
    more = relapse_ratio(world, arm, window({"osteoclast": 1.0}), years=10.0, column="bone_relapse")
    drug = replace(therapy("zoledronate", arm.parameters), uptake=1.0, eligibility="all")
    less = relapse_ratio(world, arm, drug, years=10.0, column="bone_relapse")
    return assumed(
        more,
        f"osteoclasts doubled for five years leave {fewer.words(3)} times the endosteal cells and "
        f"give {more.words(3)} times the bone relapses in 10 years; zoledronate gives "
        f"{less.words(3)} times. Both directions are assumed (awakening_osteoclast_gain, "
        "bisphosphonate_awakening_factor)",
    )


def _junctions(world: World) -> Outcome:
    """What division in the osteogenic niche would do to the number of bone lesions."""
    lesions = world.history(untreated(world), 3 * world.patients).lesions
    bone = lesions[np.isfinite(lesions["detected"]) & (lesions["place"] <= 1)]
    endosteal = float(np.mean(bone["place"] == 1))
    spread = 1.96 * np.sqrt(endosteal * (1.0 - endosteal) / bone.size)
    found = Figure(endosteal, float(endosteal - spread), float(endosteal + spread))
    ratio = float(world.arm().parameters["clone_death_ratio"].canonical)
    faster = 1.0 - ratio / 1.25
    return undecided(
        f"the model has one rate of division in all places. {found.per_cent()} of bone lesions "
        "come from the endosteal niche; junctions that let cells divide a quarter faster there "
        f"would let a clone survive in {faster:.0%} instead of {1.0 - ratio:.0%} of cases and so "
        f"give {1.0 + endosteal * (faster / (1.0 - ratio) - 1.0):.2f} times the bone lesions",
        "division rates of cells with and without contact to osteogenic cells in patients' bone",
        found,
    )


CHECKS: tuple[Check, ...] = (
    Check(claim="C075", run=_sheltered),
    Check(claim="C076", run=_osteomimetic),
    Check(claim="C077", run=_survival_of_osteomimetic),
    Check(claim="C078", run=_osteoclasts_wake),
    Check(claim="C079", run=_junctions),
)
