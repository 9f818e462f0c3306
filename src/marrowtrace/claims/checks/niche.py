"""4: the premetastatic niche, adhesion and competition for niche sites (C039-C043)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from marrowtrace.claims.arms import cells, relapse_ratio, window
from marrowtrace.claims.beyond import beyond
from marrowtrace.claims.check import Check, Outcome
from marrowtrace.claims.judgement import assumed, undecided
from marrowtrace.claims.measure import Figure, mean, paired_ratio
from marrowtrace.claims.world import World

_HALVED = 0.5
_GAIN = 3.0
_PLENTY = {"perivascular_niche_sites": 1e9, "endosteal_niche_sites": 1e9}


def marrow_ratio(
    world: World, values: Mapping[str, float], base: Mapping[str, float] | None = None
) -> Figure:
    """Return marrow cells at diagnosis with these values over those without, same patients."""
    arm = replace(world.arm(regimens=()), visits=(0.0,), horizon=1.0)
    usual = beyond(arm, base or {})
    moved = beyond(usual, values)
    return paired_ratio(cells(world.history(moved), 0), cells(world.history(usual), 0))


def _readiness(world: World) -> Outcome:
    """Marrow cells at diagnosis where the primary readies the niche."""
    found = marrow_ratio(world, {"niche_readiness_gain": _GAIN}, _PLENTY)
    crowded = marrow_ratio(world, {"niche_readiness_gain": _GAIN})
    parameters = world.arm().parameters
    fades = parameters["niche_readiness_half_life"].canonical
    return assumed(
        found,
        f"a niche that a primary of 4e9 cells readies for {1 + _GAIN / 2:.2g} times the homing "
        f"gives {found.words(3)} times the marrow cells at diagnosis ({crowded.words(3)} where "
        f"niches have their usual room), and fades with a half-life of {fades:.0f} days after "
        "surgery. All of it is put in; in the parameter sets the gain is 0, since no figure in "
        "patients sets it",
    )


def _integrins(world: World) -> Outcome:
    found = marrow_ratio(world, {"homing_integrins": _HALVED}, _PLENTY)
    crowded = marrow_ratio(world, {"homing_integrins": _HALVED})
    return assumed(
        found,
        f"integrins at half leave {found.words(3)} times the cells in marrow at diagnosis where "
        f"niches have room for all, {crowded.words(3)} times where room is as usual: a factor of "
        "homing by assumption, softened by competition for sites",
    )


def _suppressors(world: World) -> Outcome:
    """Relapses under five years of suppressive cells."""
    found = relapse_ratio(
        world, world.arm(regimens=()), window({"suppressor": 1.0}, years=5.0), years=10.0
    )
    return assumed(
        found,
        f"suppressive cells that halve the immune pressure for five years give {found.words(3)} "
        "times the distant relapses to 10 years: put in as a level. That tumours call up such "
        "cells, that mesenchymal cells become fibroblasts and what cytokines do is not in the "
        "model; the level does not follow the tumour",
    )


def _stroma(world: World) -> Outcome:
    found = marrow_ratio(world, {"homing_stroma": _HALVED})
    return assumed(
        found,
        f"CD31+ CD146+ stroma that halves homing leaves {found.words(3)} times the cells in marrow "
        "at diagnosis: a factor below 1 by assumption. Its cited paper shows the direction only",
    )


def _osteoblastic(world: World) -> Outcome:
    """Where arrivals go, where cells are, and what stem cells change."""
    told, first = [], None
    for name in ("early-breast", "early-breast-reservoir"):
        arm = world.arm(name)
        history = world.history(arm)
        inside = cells(history, 0, ("endosteal",))
        resident = mean(inside / np.maximum(cells(history, 0), 1e-12))
        arriving = arm.parameters["endosteal_share"].canonical
        first = first or resident
        told.append(
            f"{100 * arriving:.0f} % of arrivals and {resident.per_cent()} of a patient's resident "
            f"cells at diagnosis (mean) in {name}"
        )
    freed = marrow_ratio(
        world, {"haematopoietic_occupancy": 0.9}, {"displacement_probability": 0.1}
    )
    fullest = _fullest(world)
    assert first is not None
    return undecided(
        f"in the endosteal niche: {'; '.join(told)}: the two fits disagree on which niche is "
        f"preferred. Competition is put in: no patient has more cells than {100 * fullest:.0f} % "
        "of the sites, and sites that stem cells hold count from the reference state, so that 90 % "
        f"held all along change nothing ({freed.words(3)}) until a therapy moves stem cells",
        "marrow biopsies of patients that place tumour cells by niche",
        first,
    )


def _fullest(world: World) -> float:
    """Largest share of endosteal sites that tumour cells hold in any patient at diagnosis."""
    history = world.history()
    sites = history.scenario.parameters["endosteal_niche_sites"].canonical
    return float(cells(history, 0, ("endosteal",)).max() / sites)


CHECKS: tuple[Check, ...] = (
    Check(claim="C039", run=_readiness),
    Check(claim="C040", run=_integrins),
    Check(claim="C041", run=_suppressors),
    Check(claim="C042", run=_stroma),
    Check(claim="C043", run=_osteoblastic),
)
