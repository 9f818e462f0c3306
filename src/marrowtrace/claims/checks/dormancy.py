"""Section 5.2: dormancy."""

from __future__ import annotations

import numpy as np

from marrowtrace.claims.arms import (
    cells_ratio,
    relapse_ratio,
    relapses,
    untreated,
    window,
)
from marrowtrace.claims.check import BUILT_IN, UNDETERMINED, Check, Outcome, built_in
from marrowtrace.claims.judgement import assumed, open_question
from marrowtrace.claims.measure import Figure, clear_of_metastases, marrow, mean, share
from marrowtrace.claims.world import World
from marrowtrace.units import DAYS_PER_YEAR


def _half_life(world: World) -> Outcome:
    """Time in which cells in the blood halve once the primary is out, by the kernel's own law."""
    from marrowtrace.processes.blood import draw_residence
    from marrowtrace.streams import stream

    given = world.arm().parameters["ctc_half_life"]
    per_day = np.log(2.0) / given.canonical
    rng = stream(world.seed, 1, 0)
    hours = np.sort([24.0 * draw_residence(rng, per_day) for _ in range(4000)])
    found = Figure(float(np.median(hours)), float(hours[1937]), float(hours[2062]))
    left = 0.5 ** (24.0 / (24.0 * given.canonical))
    return assumed(
        found,
        f"half of the cells are gone after {found.words()} h, {left:.1e} of them are left after a "
        f"day: ctc_half_life = {given.value:g} h is put in (meng2004: 1 to 2.4 h)",
    )


def _protected(world: World) -> Outcome:
    parameters = world.arm().parameters
    outside = parameters["free_loss_rate"].canonical * DAYS_PER_YEAR
    inside = [
        parameters[f"{place}_loss_rate.er_pos_her2_neg"].canonical * DAYS_PER_YEAR
        for place in ("perivascular", "endosteal")
    ]
    return Outcome(
        verdict=BUILT_IN,
        figure=f"a cell outside niches is lost at {outside:.0f} per year, in the perivascular "
        f"niche at {inside[0]:.2g}, in the endosteal at {inside[1]:.2g} (ER+ HER2-): rates put in; "
        "contact and cytokines are not modelled apart",
        value=outside / inside[0],
    )


def _recurrence(world: World) -> Outcome:
    """Share of patients that relapse, in the model and by published annual hazards."""
    from marrowtrace.evidence.published import published_figure

    history = world.history()
    who = clear_of_metastases(history)
    any_ = np.maximum(relapses(history, 20.0), relapses(history, 20.0, "local_relapse"))
    found = share(any_ > 0, who)
    hazards = [
        float(published_figure(f"colleoni_pos_{years}")["value"]) / 100.0  # type: ignore[arg-type]
        for years in ("0_5", "5_10", "10_15", "15_20")
    ]
    trial = -float(np.expm1(-5.0 * sum(hazards)))
    return Outcome(
        verdict=UNDETERMINED,
        figure=f"{found.per_cent()} of the model's patients relapse within 20 years (it was fitted "
        f"to relapse rates); the annual hazards of ER-positive patients in IBCSG trials I to V "
        f"(colleoni2016) make {100 * trial:.0f} % in 20 years",
        value=found.value,
        interval=(found.low, found.high),
        settle="a population and a time: the sentence gives neither, nor a source for 40 %",
    )


def _ki67_negative(world: World) -> Outcome:
    """Patients with a Ki67-negative cell or more among those detected, of patients with any."""
    arm = world.arm()
    parameters = arm.parameters
    seen = marrow(world.history(arm), 0) * (
        parameters["marrow_cells_screened"].canonical
        / parameters["marrow_mononuclear_cells"].canonical
        * parameters["dtc_detection_probability"].canonical
    )
    cycling = parameters["ki67_share_dormant"].canonical
    positive = -np.expm1(-seen)

    def patients(cell_share: float) -> float:
        return float(np.sum(-np.expm1(-seen * (1.0 - cell_share))) / np.sum(positive))

    grid = np.linspace(0.0, 1.0, 1001)
    most = float(grid[np.argmin([abs(patients(each) - 0.8) for each in grid])])
    value = patients(cycling)
    deviation = -np.expm1(-seen * (1.0 - cycling)) / np.sum(positive) - value * positive / np.sum(
        positive
    )
    spread = 1.96 * float(np.sqrt(np.sum(deviation**2)))
    found = Figure(value, value - spread, value + spread)
    return assumed(
        found,
        f"{found.per_cent()} of DTC-positive patients have a Ki67-negative DTC, with "
        f"{cycling:.0%} of cells Ki67-positive put in; more than 80 % of patients would have one "
        f"as long as fewer than {100 * most:.0f} % of the cells are positive, so the sentence "
        "says little of cells",
    )


def _chemotherapy(world: World) -> Outcome:
    """Dormant against proliferating survival of a course of chemotherapy, by the law of a cycle."""
    parameters = world.arm().parameters
    cycles = parameters["chemotherapy_cycles"].canonical
    least = parameters["chemotherapy_log_kill_min"].canonical
    rng = np.random.default_rng(world.seed)
    kill = np.maximum(
        least,
        parameters["chemotherapy_log_kill_mean"].canonical
        + parameters["chemotherapy_log_kill_sd"].canonical * rng.normal(size=world.patients),
    )
    dormant = -np.log10(1.0 - parameters["chemotherapy_dormant_kill"].canonical)
    found = mean(kill / dormant)
    return assumed(
        found,
        f"a course of {cycles:.0f} cycles leaves {10 ** (-cycles * dormant):.0%} of dormant cells "
        f"and kills {found.words(3)} times as many powers of ten of growing ones: both kills are "
        "assumed",
    )


def _held(world: World, effect: str, factor: float, place: str, law: str) -> Outcome:
    """Cells in a niche after five years under a window that moves one influence, by pairs."""
    found = cells_ratio(world, {effect: factor}, (place,))
    return assumed(
        found,
        f"{effect} at {factor:g} of normal for five years leaves {found.words(3)} times the "
        f"dormant cells of the {place} niche; direction and size are assumed ({law})",
    )


def _sprouting(world: World) -> Outcome:
    pulse = window({"sprouting": 1.0}, start=DAYS_PER_YEAR, years=2.0)
    arm = untreated(world)
    found = relapse_ratio(world, arm, pulse, years=8.0)
    early = relapse_ratio(world, arm, pulse, years=3.0)
    return assumed(
        found,
        f"two years of sprouting vessels from year 1 give {early.words(3)} times the distant "
        f"relapses until they end and {found.words(3)} times until year 8; that vessels wake cells "
        "is assumed (awakening_sprouting_gain), so is the size; when relapses follow comes out of "
        "growth and restriction",
    )


def _beyond_capacity(world: World) -> Outcome:
    """Cells that find no site, with the sites as fitted and with a hundredth of them."""
    few = {"perivascular_niche_sites": 1e5, "endosteal_niche_sites": 1e5}
    shares = []
    for values in ({}, few):
        history = world.history(world.arm(values=dict(values)))
        free = np.nan_to_num(history.burden("free")[:, 0].astype(float))
        shares.append(mean(free / (free + marrow(history, 0) + 1e-12)))
    found, scarce = shares
    return assumed(
        found,
        f"{found.per_cent()} of tumour cells in marrow are outside niches at diagnosis, "
        f"{scarce.per_cent()} if either niche had 100,000 sites; that they die there within days "
        "(free_loss_rate) is assumed",
    )


def _osteoclasts(world: World) -> Outcome:
    """Osteoclasts hold by TGF-beta and wake by their factors: which of the two wins."""
    both = cells_ratio(world, {"osteoclast": 0.5, "osteoclast_tgfb": 1.5}, ("endosteal",))
    hold = cells_ratio(world, {"osteoclast_tgfb": 1.5}, ("endosteal",))
    wake = cells_ratio(world, {"osteoclast": 0.5}, ("endosteal",))
    return assumed(
        both,
        f"osteoclasts half as active again leave {hold.words(3)} times the endosteal cells by "
        f"their TGF-beta, {wake.words(3)} times by the factors that wake (C078) and "
        f"{both.words(3)} times by both: the two statements pull apart, and which wins rests on "
        "osteoclast_tgfb_hold and awakening_osteoclast_gain, both assumed",
    )


def _tsp1(world: World) -> Outcome:
    return _held(world, "tsp1", 1.5, "perivascular", "tsp1_hold")


def _tgfb2(world: World) -> Outcome:
    return _held(world, "tgfb2", 1.5, "endosteal", "tgfb2_hold")


def _gas6(world: World) -> Outcome:
    return _held(world, "gas6_axl", 0.2, "endosteal", "gas6_axl_hold")


CHECKS: tuple[Check, ...] = (
    Check(claim="C048", run=_half_life),
    Check(claim="C049", run=_protected),
    Check(claim="C050", run=_recurrence),
    built_in(
        "C051",
        "a cell in marrow does not divide until it awakens, by definition of the model; that "
        "lesions outside the bones come by way of marrow too is its second structure (C019)",
    ),
    Check(claim="C052", run=_ki67_negative),
    open_question(
        "C053",
        "the model has a resting state without signalling inside the cell, and no count of "
        "pAKT-negative cells is among the published figures, so that low pAKT neither follows nor "
        "fails",
        "pAKT stained on marrow cells beside Ki67, with the number of cells and patients",
    ),
    Check(claim="C054", run=_chemotherapy),
    Check(claim="C055", run=_tsp1),
    Check(claim="C056", run=_sprouting),
    Check(claim="C057", run=_beyond_capacity),
    Check(claim="C058", run=_tgfb2),
    Check(claim="C059", run=_osteoclasts),
    Check(claim="C060", run=_gas6),
)
