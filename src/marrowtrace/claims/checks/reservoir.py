"""3: the marrow as a reservoir: homing, recirculation, bone against other sites (C016-C024)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from marrowtrace.claims.arms import cells
from marrowtrace.claims.beyond import beyond
from marrowtrace.claims.check import Check, Outcome
from marrowtrace.claims.judgement import assumed, undecided
from marrowtrace.claims.measure import (
    Figure,
    Truths,
    between,
    clear_of_metastases,
    paired_ratio,
    share,
)
from marrowtrace.claims.samples import fitted, hazard_ratio, outcome, read, swapped
from marrowtrace.claims.shedding_history import cells_shed
from marrowtrace.claims.world import World
from marrowtrace.simulation import History, Scenario
from marrowtrace.units import DAYS_PER_YEAR

_AT_DIAGNOSIS = (0.0,)
_HALVED = 0.5
_REACH = 10.0  # years
_FEW = 400
"""Patients where each founds hundreds of lesions, which takes time."""


def _relapsed(history: History) -> Truths:
    """Who had a distant relapse while followed."""
    return np.asarray(history.column("distant_relapse") <= history.column("end"))


def _bone_first(world: World, model: str) -> Figure:
    """Share of first distant relapses that are in bone."""
    history = world.history(model)
    return share(history.column("relapse_site") == 0, _relapsed(history))


def _preferred(world: World) -> Outcome:
    found = {name: _bone_first(world, name) for name in ("early-breast", "localised-prostate")}
    lung = _bone_first(world, "lung")
    told = ", ".join(f"{name} {each.per_cent()}" for name, each in found.items())
    return assumed(
        found["early-breast"],
        f"first distant relapse in bone: {told}, lung {lung.per_cent()}. The share of breast "
        "cancer was fitted (to a share without a paper), those of prostate and lung were put in by "
        "their sets",
    )


def _sanctuary(world: World) -> Outcome:
    """Marrow positivity where relapse in bone is rare."""
    told, first = [], None
    for name in ("colorectal", "gastric"):
        history = world.history(name)
        seen = read(history, fitted(history, "a45-b-b3"), 0)
        positive = share(seen.positive, seen.taken & clear_of_metastases(history))
        first = first or positive
        told.append(
            f"{name} {positive.per_cent()} DTC-positive by A45-B/B3, bone first in "
            f"{_bone_first(world, name).per_cent()} of relapses"
        )
    assert first is not None
    return assumed(
        first,
        "; ".join(told) + ". Their marrow holds cells that seldom found lesions there because the "
        "sets say so",
    )


def _both_sites(world: World, *, mixed_up: bool) -> Outcome:
    """Hazard ratios of marrow positivity for relapse in bone, and elsewhere."""
    history = world.history()
    found = read(history, fitted(history, "a45-b-b3"), 0)
    who = found.taken & clear_of_metastases(history)
    positive = swapped(found.positive, who, world.seed) if mixed_up else found.positive
    ratios = []
    for site in ("bone_relapse", "visceral_relapse"):
        time, event = _first_at(history, site)
        ratios.append(hazard_ratio(time, event, positive, who))
    bone, elsewhere = ratios
    return between(
        min(ratios, key=lambda each: each.low), 1.1, np.inf,
        f"hazard ratio of DTC at diagnosis within {_REACH:.0f} years: {bone.words()} for relapse "
        f"in bone, {elsewhere.words()} elsewhere, although in this structure relapse elsewhere "
        "hardly ever comes from marrow: both follow from how much the primary shed. The ratio for "
        "relapse of any site was fitted, the one by site was not",
    )  # fmt: skip


def _first_at(history: History, site: str) -> tuple[np.ndarray, Truths]:
    """Days to a first distant relapse at a site, censored at one elsewhere, and who had it."""
    time, event = outcome(history, "distant_relapse", 0, _REACH)
    here = history.column("relapse_site") == (0 if site == "bone_relapse" else 1)
    return time, np.asarray(event & here)


def _secondary(world: World) -> Outcome:
    """Share of visceral relapses that came by way of marrow, in either structure."""
    shares = []
    for name in ("early-breast", "early-breast-reservoir"):
        history = world.history(name)
        visceral = _relapsed(history) & (history.column("relapse_site") == 1)
        shares.append(share(history.column("relapse_origin") == 1, visceral))
    parallel, reservoir = shares
    return undecided(
        "that cells leave the marrow for other organs is part of the model; how often is open: "
        f"{parallel.per_cent()} of visceral first relapses came by way of marrow in one parameter "
        f"set, {reservoir.per_cent()} in the other, and both are fitted to the same published "
        "figures about as well",
        "a treatment confined to marrow that lowers visceral relapse, or does not; genomes of "
        "marrow cells beside those of a visceral relapse",
        reservoir,
    )


def _inefficient(world: World, factor: float) -> Outcome:
    """Distant lesions that were found, for one cell shed by the primary until diagnosis."""
    from marrowtrace.evidence.published import published_figure

    usual = world.arm()
    chance = usual.parameters["establishment_probability"].value
    arm = beyond(usual, {"establishment_probability": factor * chance})
    history = world.history(arm, None if factor == 1.0 else _FEW)
    shed = cells_shed(history)
    own = (history.lesions["origin"] < 2) & (history.lesions["place"] < 3)
    seen = own & np.isfinite(history.lesions["detected"])
    rows = np.repeat(np.arange(len(history)), np.diff(history.offsets))
    found = np.bincount(rows[seen], minlength=len(history)).astype(float)
    rate = paired_ratio(found, shed)
    lodging = float(
        np.average(
            history.column("marrow_lodging") + history.column("visceral_lodging"),
            weights=history.column("shedding_scale"),
        )
    )
    published = 1.0 / float(str(published_figure("coumans_eff")["value"]))
    return between(
        rate, 0.0, 1e-6,
        f"{100 * lodging:.0f} % of shed cells lodge; {rate.words()} lesions are found for one cell "
        f"shed (a mean of {shed.mean():.2g} a patient), {rate.value / published:.2g} times the one "
        f"in {1 / published:.0e} of a registry of breast cancer, which was not fitted",
    )  # fmt: skip


def _selected(world: World, values: Mapping[str, float]) -> Outcome:
    """Cells that evade T cells: among those that establish, and among lesions that are found."""
    history = world.history(beyond(world.arm(), values))
    lesions = history.lesions
    first = (lesions["subclone_of"] < 0) & (lesions["place"] < 3)
    mutated = lesions["escape_cause"] == 12
    evading = lesions["mhc_low"] == 1
    begun = share(evading & ~mutated, first)
    grown = share(evading | mutated, first & np.isfinite(lesions["detected"]))
    found = Figure(grown.value / begun.value, grown.low / begun.high, grown.high / begun.low)
    shed = history.scenario.parameters["mhc_low_fraction"].canonical
    return between(
        found, 1.0001, np.inf,
        f"MHC-I-low cells: {100 * shed:.0f} % of those shed, {begun.per_cent()} of those that "
        f"establish, {grown.per_cent()} of lesions that are found, {found.words()} times as many. "
        "NK cells take them first, then restriction spares them. Homing itself does not select "
        "among the cells of a patient here",
    )  # fmt: skip


def _homing(world: World, factors: Mapping[str, float]) -> Figure:
    """Marrow cells at diagnosis with homing factors so all along, over those without."""
    arm = replace(world.arm(regimens=()), visits=_AT_DIAGNOSIS, horizon=1.0)
    moved: Scenario = beyond(arm, factors)
    return paired_ratio(cells(world.history(moved), 0), cells(world.history(arm), 0))


def _vessels(world: World) -> Outcome:
    each = {name: _homing(world, {f"homing_{name}": _HALVED}) for name in ("e_selectin", "sdf1")}
    both = _homing(world, {"homing_e_selectin": _HALVED, "homing_sdf1": _HALVED})
    told = ", ".join(f"{name} {ratio.words(3)}" for name, ratio in each.items())
    return assumed(
        both,
        f"half of the level leaves these times the cells in marrow: {told}, both {both.words(3)}: "
        "less than in proportion, since niches fill. Homing is a product of factors by assumption; "
        "that marrow vessels bear the molecules is a fact that the model does not test",
    )


def _silenced(world: World) -> Outcome:
    names = ("cxcr4", "vla4", "fak")
    each = {name: _homing(world, {f"homing_{name}": 0.3}) for name in names}
    whole = _homing(world, {f"homing_{name}": 0.3 for name in names})
    told = ", ".join(f"{name} {ratio.words(3)}" for name, ratio in each.items())
    return assumed(
        whole,
        f"silenced by 70 %: {told}; all three {whole.words(3)} times the cells in marrow. Each is "
        "a factor of homing by assumption",
    )


def _slept(world: World, model: str) -> tuple[Figure, str]:
    """Years that ER+ founders of bone lesions slept, and how many slept for two or more."""
    lesions = world.history(model).lesions
    kept = (lesions["place"] < 2) & (lesions["er"] == 1) & np.isfinite(lesions["detected"])
    years = (lesions["awakened"] - lesions["seeded"])[kept].astype(float) / DAYS_PER_YEAR
    after = (lesions["detected"] - lesions["awakened"])[kept].astype(float) / DAYS_PER_YEAR
    found = _median(years)
    endosteal = years[lesions["place"][kept] == 1]
    return found, (
        f"{found.words()} in {model} ({np.median(endosteal):.2g} in the endosteal niche, "
        f"{100 * float((years > 2.0).mean()):.0f} % for more than two; then "
        f"{np.median(after):.2g} from awakening to detection)"
    )


def _dwelling(world: World) -> Outcome:
    """Years that ER+ founders of relapses slept in marrow, by both parameter sets."""
    (first, usual), (_, other) = (
        _slept(world, name) for name in ("early-breast", "early-breast-reservoir")
    )
    return undecided(
        "years (median) that an ER+ cell which founded a bone lesion had slept as a single cell: "
        f"{usual}; {other}. So relapse comes years after arrival, but most of them pass in a small "
        "lesion; how latency is shared between the two relapse curves do not say. Entry by "
        "E-selectin is assumed (C022)",
        "dormant cells dated in patients, e.g. by the mutations of single marrow cells",
        first,
    )


def _median(values: np.ndarray) -> Figure:
    """Median with the interval of order statistics."""
    from scipy.stats import binom

    ordered = np.sort(values)
    if ordered.size < 6:
        return Figure(float(np.median(ordered)) if ordered.size else np.nan, 0.0, np.inf)
    below = int(binom.ppf(0.025, ordered.size, 0.5))
    return Figure(
        float(np.median(ordered)), float(ordered[max(0, below - 1)]),
        float(ordered[min(ordered.size - 1, ordered.size - below)]),
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    Check(claim="C016", run=_preferred),
    Check(claim="C017", run=_sanctuary),
    Check(
        claim="C018",
        run=lambda world: _both_sites(world, mixed_up=False),
        perturbation="the results of the marrow are handed to the wrong patients",
        perturbed=lambda world: _both_sites(world, mixed_up=True),
    ),
    Check(claim="C019", run=_secondary),
    Check(
        claim="C020",
        run=lambda world: _inefficient(world, 1.0),
        perturbation="an awakened cell establishes a lesion 300 times as often",
        perturbed=lambda world: _inefficient(world, 300.0),
    ),
    Check(
        claim="C021",
        run=lambda world: _selected(world, {}),
        perturbation="no lesion is restricted",
        perturbed=lambda world: _selected(world, {"restricted_fraction": 0.0}),
    ),
    Check(claim="C022", run=_vessels),
    Check(claim="C023", run=_silenced),
    Check(claim="C024", run=_dwelling),
)
