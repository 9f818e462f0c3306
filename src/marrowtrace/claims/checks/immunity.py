"""Section 5.3: immunity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from marrowtrace.claims.arms import relapse_ratio, relapses, untreated, window
from marrowtrace.claims.check import Check, Outcome
from marrowtrace.claims.dormant_line import change_in_dormant_cells
from marrowtrace.claims.judgement import against, assumed, holds, undecided
from marrowtrace.claims.measure import Figure, between, clear_of_metastases, paired_ratio, share
from marrowtrace.claims.world import World
from marrowtrace.units import DAYS_PER_YEAR

# an illustration of the balance of effectors and tumour cells: no figure of it is measured
_LESION = {
    "source": 8.0,
    "recall": 0.0,
    "stimulation": 0.5,
    "half_saturation": 1e3,
    "loss": 0.2,
    "memory_gain": 0.02,
    "memory_loss": 0.01,
    "net_growth": 0.1,
    "killing": 1.0,
}
_FEW, _MANY, _DAYS = 10.0, 2e3, 1500.0
_GROWN = 1e6


def _after(start: float, days: float, changed: Mapping[str, float]) -> tuple[float, float, float]:
    """Effectors, memory and tumour cells ``days`` after a lesion of ``start`` cells is met."""
    from marrowtrace.processes.immunity import advance

    rates = {**_LESION, **changed}
    effectors = rates["source"] / rates["loss"]
    memory = rates["memory_gain"] * effectors / rates["memory_loss"]
    state, work = np.array([effectors, memory, start]), np.empty((5, 3))
    for _ in range(int(days)):
        advance(
            state, work, 1.0, 20,
            rates["source"], rates["recall"], rates["stimulation"], rates["half_saturation"],
            rates["loss"], rates["memory_gain"], rates["memory_loss"], rates["net_growth"],
            rates["killing"],
        )  # fmt: skip
        if state[2] > 1e3 * _GROWN:
            break
    return float(state[0]), float(state[1]), float(state[2])


def _end(changed: Mapping[str, float]) -> str:
    """What becomes of a few and of many cells, by integration of the balance."""
    few = _after(_FEW, _DAYS, changed)[2]
    many = _after(_MANY, _DAYS, changed)[2]
    if few > _GROWN:
        return "escape"
    if few < 1.0 and many < 1.0:
        return "elimination"
    if max(few, many) < _GROWN and min(few, many) >= 1.0:
        return "equilibrium"
    return "by its size"


def _three_phases(changed: Mapping[str, float]) -> Outcome:
    arms = {
        "many effectors (30 a day)": {"source": 30.0},
        "fewer (8 a day)": {"source": 8.0},
        "fewer, that tumour cells hardly raise": {"source": 8.0, "stimulation": 0.1},
    }
    found = {words: _end({**arm, **changed}) for words, arm in arms.items()}
    reached = tuple(found.values()) == ("elimination", "equilibrium", "escape")
    return holds(
        reached,
        "; ".join(f"{words}: {phase}" for words, phase in found.items())
        + "; each by integration of the balance of effectors and tumour cells, with rates chosen "
        "to illustrate it",
    )


def _late_share(world: World) -> str:
    """How much of late relapse the simulation owes to clones that are held."""
    arm = replace(world.arm(), visits=(0.0,))
    held = arm.parameters["restricted_fraction"]
    fewer = arm.with_values({"restricted_fraction": held.low})
    shares = []
    for each in (arm, fewer):
        history = world.history(each)
        who = clear_of_metastases(history) & (relapses(history, 20.0) > 0.0)
        shares.append(share(history.column("distant_relapse") > 5.0 * DAYS_PER_YEAR, who))
    return (
        f"In the simulation, where the holding is put in, {shares[0].per_cent()} of distant "
        f"relapses come after year 5 with {held.value:.0%} of clones held and "
        f"{shares[1].per_cent()} with {held.low:.0%}: resting cells give late relapses too"
    )


def _latency(world: World, changed: Mapping[str, float]) -> Outcome:
    """A few cells met by effectors for ten years, and then a year without effectors."""
    years = 10.0
    left = _after(_FEW, years * DAYS_PER_YEAR, changed)[2]
    free = _after(max(left, 1.0), DAYS_PER_YEAR, {**changed, "killing": 0.0})[2]
    stays = 1.0 <= left < _GROWN
    return holds(
        stays and free > _GROWN,
        f"a lesion of {_FEW:.0f} cells "
        + (f"is held at {left:.0f} for {years:.0f} years" if stays else "is not held")
        + f" by the balance of effectors and tumour cells (rates chosen to illustrate it) and "
        f"{'outgrows' if free > _GROWN else 'does not outgrow'} within a year of their removal. "
        + _late_share(world),
    )


def _absent_class_one(world: World, nk: float) -> Outcome:
    """MHC-I low cells among overt bone lesions against those among shed cells."""
    arm = replace(world.arm(), visits=(0.0,))
    if nk != 1.0:
        arm = arm.with_therapies(*arm.therapies, window({"nk": nk}, years=20.0))
    lesions = world.history(arm, 3 * world.patients).lesions
    after = lesions["detected"] > 0.0
    bone = lesions[np.isfinite(lesions["detected"]) & after & (lesions["place"] <= 1)]
    found = share(np.asarray(bone["mhc_low"] == 1))
    shed = arm.parameters["mhc_low_fraction"].canonical
    change = change_in_dormant_cells(("B2m", "H2-K1", "H2-D1"))
    data = ", ".join(f"{name} {value:+.1f}" for name, value in change.items())
    spared = arm.parameters["nk_kill_multiplier"].canonical
    odds = found.value / (1.0 - found.value) / (shed / (1.0 - shed))
    needed = max(1.0, spared * odds)
    return between(
        found, shed + 1e-9, 1.0,
        f"{found.per_cent()} of bone lesions found after diagnosis came from MHC-I low cells, "
        f"{shed:.0%} of cells as shed: T cells do not hold them, but NK cells spare one in "
        f"{spared:g} (assumed), and the statement needs one in {needed:.2g} or more. That dormant "
        f"cells have less MHC-I is put in; dormant RM1 mouse cells have more (log2: {data})",
        settle="a larger virtual cohort",
    )  # fmt: skip


def _masked(world: World) -> Outcome:
    """Relapses when more cells are out of sight of T cells."""
    arms = [
        untreated(world, {"mhc_low_fraction": value, "nk_kill_multiplier": 1.0})
        for value in (0.0, 0.5)
    ]
    seen, masked = (world.history(each) for each in arms)
    who = clear_of_metastases(seen) & clear_of_metastases(masked)
    found = paired_ratio(relapses(masked, 10.0)[who], relapses(seen, 10.0)[who])
    return assumed(
        found,
        f"half of the cells masked from T cells, and not for that killed by NK cells, give "
        f"{found.words(3)} times the distant relapses in 10 years of none; that a masked cell is "
        "neither held nor eliminated is assumed, cytokeratin itself is not in the model",
    )


def _fas_ligand(_: World) -> Outcome:
    """Effectors that tumour cells remove: the smallest removal with which a held lesion escapes."""
    held = _after(_FEW, _DAYS, {})[2]
    net = np.round(np.arange(_LESION["stimulation"], 0.0, -0.02), 2)
    escapes = [float(each) for each in net if _end({"stimulation": float(each)}) == "escape"]
    if not escapes:
        return undecided("no removal of effectors lets the lesion escape", "other rates")
    needed = _LESION["stimulation"] - max(escapes)
    return assumed(
        Figure(needed, needed - 0.02, needed),
        f"a lesion held at {held:.0f} cells grows without end once its cells remove effectors at "
        f"{needed / _LESION['stimulation']:.0%} of the rate at which they call them up; that they "
        "remove them is assumed, and the rates only illustrate",
    )


def _blood_ratio(world: World, effect: str, factor: float) -> Figure:
    """Cells in the blood after a year with a primary in place, with the effect and without."""
    arm = replace(
        world.arm(regimens=(), surgery=math.inf), visits=(0.0, DAYS_PER_YEAR), horizon=400.0
    )
    control = world.history(arm)
    moved = world.history(arm.with_therapies(window({effect: factor}, years=2.0)))
    alive = ~np.isnan(control.burdens[:, 1, 0]) & ~np.isnan(moved.burdens[:, 1, 0])
    one, other = (h.burden("ctc_primary")[:, 1].astype(float)[alive] for h in (moved, control))
    return paired_ratio(one, other)


def _platelets(world: World) -> Outcome:
    found = _blood_ratio(world, "platelet_coat", 0.3)
    share_of_nk = world.arm().parameters["nk_death_share"].canonical
    return assumed(
        found,
        f"a coat cut to 30 % leaves {found.words(3)} times the cells in the blood: the "
        f"coat, its protection and the {share_of_nk:.0%} of deaths by NK cells are assumed. In the "
        "blood the model's NK cells do not ask for MHC-I; they do when a cell awakens",
    )


def _shed_ligands(world: World) -> Outcome:
    found = _blood_ratio(world, "nk", 0.5)
    none = _blood_ratio(world, "nk", 0.0)
    return assumed(
        found,
        f"NK cells half as active leave {found.words(3)} times the cells in the blood, none "
        f"{none.words(3)} times; LDH5 and shed MICA/B act only as a lower activity, whose "
        "direction is assumed",
    )


def _memory(_: World) -> Outcome:
    """Memory cells with a held lesion and without, and their share beside effectors."""
    with_cells = _after(_FEW, 3000.0, {})
    without = _after(0.0, 3000.0, {})
    rise = with_cells[1] / without[1]
    shares = [each[1] / (each[0] + each[1]) for each in (with_cells, without)]
    ratio = round(shares[0] / shares[1], 6)
    return undecided(
        f"a held lesion raises memory cells {rise:.2g} times, but effectors with them: memory is "
        f"{shares[0]:.1%} of the two with the lesion and {shares[1]:.1%} without. The share among "
        "all T cells, which was measured, needs the naive cells that the model lacks",
        "counts of naive, effector and memory T cells in marrow beside the DTCs of each patient",
        Figure(ratio, ratio, ratio),
    )


def _suppressors(world: World) -> Outcome:
    raised = window({"suppressor": 1.0})
    found = relapse_ratio(world, untreated(world), raised, years=10.0)
    words = (
        f"suppressors doubled for five years give {found.words(3)} times the distant relapses in "
        "10 years. In the model they weaken what holds lesions, so they end dormancy; that they "
        "keep single cells asleep has no law here. The sign is assumed, so this is no evidence "
        "either"
    )
    if found.low > 1.0:
        return against(found, words, "our model")
    return undecided(words, "a larger virtual cohort", found)


CHECKS: tuple[Check, ...] = (
    Check(
        claim="C061",
        run=lambda _: _three_phases({}),
        perturbation="effectors kill nothing",
        perturbed=lambda _: _three_phases({"killing": 0.0}),
    ),
    Check(
        claim="C062",
        run=lambda world: _latency(world, {}),
        perturbation="tumour cells call up a fifth as many effectors",
        perturbed=lambda world: _latency(world, {"stimulation": 0.1}),
    ),
    Check(
        claim="C063",
        run=lambda world: _absent_class_one(world, 1.0),
        perturbation="NK cells are thirty times as active",
        perturbed=lambda world: _absent_class_one(world, 30.0),
    ),
    Check(claim="C064", run=_masked),
    Check(claim="C065", run=_fas_ligand),
    Check(claim="C066", run=_platelets),
    Check(claim="C067", run=_shed_ligands),
    Check(claim="C068", run=_memory),
    Check(claim="C069", run=_suppressors),
)
