"""Section 5.2: dormancy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marrowtrace.claims.check import BUILT_IN, Check, Outcome, built_in, not_modelled
from marrowtrace.claims.measure import (
    Figure,
    between,
    clear_of_metastases,
    marrow,
    mean,
    paired_ratio,
    relapsed,
    share,
)
from marrowtrace.claims.world import World
from marrowtrace.simulation import Therapy
from marrowtrace.units import DAYS_PER_YEAR

_YEARS_20 = 20.0 * DAYS_PER_YEAR
_LATER = (0.0, 5.0 * DAYS_PER_YEAR)


def _half_life(world: World, ratio: float) -> Outcome:
    """Time in which cells in the blood halve once the primary is out, by the kernel's own law."""
    from marrowtrace.processes.blood import draw_residence
    from marrowtrace.streams import stream

    per_day = np.log(2.0) / world.arm().parameters["ctc_half_life"].canonical / ratio
    rng = stream(world.seed, 1, 0)
    hours = 24.0 * np.array([draw_residence(rng, per_day) for _ in range(4000)])
    order = np.sort(hours)
    low, high = order[[1937, 2062]]  # order statistics of a median, 95 %
    found = Figure(float(np.median(hours)), float(low), float(high))
    return between(found, 1.0, 2.0, f"half of the cells are gone after {found.words()} h")


def _recurrence(world: World, values: dict[str, float | str]) -> Outcome:
    history = world.history(world.arm(values=values))
    who = clear_of_metastases(history)
    any_ = np.maximum(relapsed(history, _YEARS_20), relapsed(history, _YEARS_20, "local_relapse"))
    found = share(any_ > 0, who)
    return between(
        found, 0.20, 0.40, f"{found.per_cent()} relapse within 20 years, before other deaths"
    )


def _ki67_negative(world: World, values: dict[str, float | str]) -> Outcome:
    """Patients with one Ki67-negative cell or more among those detected, of patients with any."""
    arm = world.arm(values=values)
    history = world.history(arm)
    parameters = arm.parameters
    seen = marrow(history, 0) * (
        parameters["marrow_cells_screened"].canonical
        / parameters["marrow_mononuclear_cells"].canonical
        * parameters["dtc_detection_probability"].canonical
    )
    cycling = parameters["ki67_share_dormant"].canonical
    positive = -np.expm1(-seen)
    negative = -np.expm1(-seen * (1.0 - cycling))
    found = paired_ratio(negative, positive)
    return between(
        found, 0.8, 1.0, f"{found.per_cent()} of DTC-positive patients have a Ki67-negative DTC"
    )


def _chemotherapy_on(world: World, dormant_kill: float | None) -> Outcome:
    """Dormant against proliferating survival of a course of chemotherapy, by the law of a cycle."""
    values: dict[str, float | str] = (
        {} if dormant_kill is None else {"chemotherapy_dormant_kill": dormant_kill}
    )
    arm = world.arm(values=values)
    parameters = arm.parameters
    cycles = parameters["chemotherapy_cycles"].canonical
    mean_kill = parameters["chemotherapy_log_kill_mean"].canonical
    spread = parameters["chemotherapy_log_kill_sd"].canonical
    least = parameters["chemotherapy_log_kill_min"].canonical
    rng = np.random.default_rng(world.seed)
    kill = np.maximum(least, mean_kill + spread * rng.normal(size=world.patients))
    dormant = cycles * -np.log10(1.0 - parameters["chemotherapy_dormant_kill"].canonical)
    found = mean(cycles * kill / dormant)
    return between(
        found,
        10.0,
        np.inf,
        f"a course kills {found.words(3)} times as many powers of ten of proliferating as of "
        "dormant cells",
    )


def _awakening(world: World, effect: str, factor: float, place: str, expected: str) -> Outcome:
    """Cells in a niche after five years under a window that moves one influence, by pairs."""
    arm = replace(world.arm(regimens=()), visits=_LATER)
    window = Therapy("other_1", start=0.0, duration=_LATER[1], effects={effect: factor})
    control = world.history(arm)
    moved = world.history(arm.with_therapies(window))
    dormant, before = (np.nan_to_num(h.burden(place)[:, 1].astype(float)) for h in (moved, control))
    both = (dormant > 0) & (before > 0)
    found = paired_ratio(dormant[both], before[both])
    words = (
        f"{effect} at {factor:g} for five years leaves {found.words(3)} times the dormant cells of "
        f"the {place} niche"
    )
    band = (1.001, np.inf) if expected == "more" else (0.0, 0.999)
    return between(found, *band, words)


def _sprouting(world: World, shift: float) -> Outcome:
    arm = world.arm(regimens=())
    pulse = Therapy("other_1", start=365.0, duration=730.0, effects={"sprouting": shift})
    control, moved = world.history(arm), world.history(arm.with_therapies(pulse))
    at = 8.0 * DAYS_PER_YEAR
    found = paired_ratio(relapsed(moved, at), relapsed(control, at))
    return between(
        found, 1.001, np.inf,
        f"two years of sprouting vessels: {found.words(3)} times the distant relapses to 8 years",
    )  # fmt: skip


def _beyond_capacity(world: World, sites: str) -> Outcome:
    """Cells that find no site: how much sooner they are gone than cells in the niche."""
    arm = world.arm(values={"perivascular_niche_sites": sites, "endosteal_niche_sites": sites})
    history = world.history(arm)
    niche = marrow(history, 0)
    free = np.nan_to_num(history.burden("free")[:, 0].astype(float))
    lost = arm.parameters["free_loss_rate"].canonical
    rate = arm.parameters["perivascular_loss_rate.er_pos_her2_neg"].canonical
    found = mean(free / (free + niche + 1e-12))
    return between(
        found, 0.0, 0.05,
        f"{found.per_cent()} of marrow tumour cells are outside niches, where they are lost "
        f"{lost / rate:.0f} times as fast",
    )  # fmt: skip


def _both_signs(world: World, gain: float) -> Outcome:
    """Osteoclasts hold by TGF-beta and wake by their factors: either may win."""
    ratios = []
    for hold, wake in ((0.9, 0.0), (0.0, gain)):
        values: dict[str, float | str] = {
            "osteoclast_tgfb_hold": hold, "awakening_osteoclast_gain": wake,
        }  # fmt: skip
        arm = replace(world.arm(regimens=(), values=values), visits=_LATER)
        raised = Therapy(
            "other_1", duration=_LATER[1], effects={"osteoclast": 1.0, "osteoclast_tgfb": 1.08}
        )
        control, moved = world.history(arm), world.history(arm.with_therapies(raised))
        before, after = (
            np.nan_to_num(h.burden("endosteal")[:, 1].astype(float)) for h in (control, moved)
        )
        both = (before > 0) & (after > 0)
        ratios.append(paired_ratio(after[both], before[both]))
    held, woken = ratios
    found = Figure(woken.value / held.value, woken.low / held.high, woken.high / held.low)
    return between(
        found, 0.0, 0.999,
        f"more osteoclasts leave {held.words(3)} times the endosteal cells where their TGF-beta "
        f"holds, {woken.words(3)} times where their factors wake",
    )  # fmt: skip


def _protected_share(world: World) -> Outcome:
    parameters = world.arm().parameters
    return Outcome(
        verdict=BUILT_IN,
        figure="cells in niches are lost "
        f"{parameters['free_loss_rate'].canonical * DAYS_PER_YEAR:.0f}/y outside and "
        f"{parameters['perivascular_loss_rate.er_pos_her2_neg'].canonical * DAYS_PER_YEAR:.2g}/y "
        "inside them: assumed, not found",
    )


CHECKS: tuple[Check, ...] = (
    Check(
        claim="C048",
        run=lambda world: _half_life(world, 1.0),
        perturbation="the half-life is three times as long",
        perturbed=lambda world: _half_life(world, 3.0),
    ),
    Check(claim="C049", run=_protected_share),
    Check(
        claim="C050",
        run=lambda world: _recurrence(world, {}),
        perturbation="an awakened cell establishes a lesion a tenth as often",
        perturbed=lambda world: _recurrence(world, {"establishment_probability": 9e-7}),
    ),
    built_in(
        "C051",
        "cells in marrow are dormant by definition until they awaken: nothing that could have come "
        "out otherwise",
    ),
    Check(
        claim="C052",
        run=lambda world: _ki67_negative(world, {}),
        perturbation="90 % of dormant cells are Ki67-positive",
        perturbed=lambda world: _ki67_negative(world, {"ki67_share_dormant": 0.9}),
    ),
    not_modelled("C053", "signalling within the cell (pAKT) is below the level of the model"),
    Check(
        claim="C054",
        run=lambda world: _chemotherapy_on(world, None),
        perturbation="a cycle kills 60 % of dormant cells",
        perturbed=lambda world: _chemotherapy_on(world, 0.6),
    ),
    Check(
        claim="C055",
        run=lambda world: _awakening(world, "tsp1", 1.5, "perivascular", "more"),
        perturbation="TSP-1 falls instead",
        perturbed=lambda world: _awakening(world, "tsp1", 0.5, "perivascular", "more"),
    ),
    Check(
        claim="C056",
        run=lambda world: _sprouting(world, 1.0),
        perturbation="no vessel sprouts",
        perturbed=lambda world: _sprouting(world, 0.0),
    ),
    Check(
        claim="C057",
        run=lambda world: _beyond_capacity(world, "1e6"),
        perturbation="there are ten sites",
        perturbed=lambda world: _beyond_capacity(world, "10"),
    ),
    Check(
        claim="C058",
        run=lambda world: _awakening(world, "tgfb2", 1.5, "endosteal", "more"),
        perturbation="TGF-beta2 falls instead",
        perturbed=lambda world: _awakening(world, "tgfb2", 0.5, "endosteal", "more"),
    ),
    Check(
        claim="C059",
        run=lambda world: _both_signs(world, 2.0),
        perturbation="osteoclast factors wake nothing",
        perturbed=lambda world: _both_signs(world, 0.0),
    ),
    Check(
        claim="C060",
        run=lambda world: _awakening(world, "gas6_axl", 0.2, "endosteal", "fewer"),
        perturbation="AXL is raised instead",
        perturbed=lambda world: _awakening(world, "gas6_axl", 1.5, "endosteal", "fewer"),
    ),
)
