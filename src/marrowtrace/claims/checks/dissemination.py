"""Abstract, 1 and 2: what leaves the primary, when, and what an assay finds of it (C001-C015)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marrowtrace.claims.arms import MARROW, cells, weighted_share
from marrowtrace.claims.beyond import beyond
from marrowtrace.claims.check import CONTRADICTED, Check, Outcome
from marrowtrace.claims.checks.table1 import ROWS, positivity
from marrowtrace.claims.judgement import against, assumed
from marrowtrace.claims.measure import Figure, between, clear_of_metastases, mean, share
from marrowtrace.claims.rank import rank_correlation
from marrowtrace.claims.samples import fitted, read, swapped
from marrowtrace.claims.shedding_history import founders
from marrowtrace.claims.world import World
from marrowtrace.simulation import Scenario
from marrowtrace.units import DAYS_PER_YEAR

_AFTER_THERAPY = 2  # the visit at 8 months
_LATE = {"shedding_size_exponent": 1.0}
_LOST = {"recovery": 0.02, "false_positives": 0.0}
_WEAK = "the assay recovers 2 % of the cells that it does, without false positives"
_METHODS = ("a45-b-b3", "ema", "ber-ep4", "ae1-ae3")
"""Stains of marrow, all read by eye: one specimen, several methods."""
_PRE_INVASIVE = 0.4  # cm
_SMALL = {"diameter_at_diagnosis_median": _PRE_INVASIVE, "diameter_at_diagnosis_log_sd": 0.0}


def _dying(world: World) -> Outcome:
    """Share of shed cells that die in the blood."""
    history = world.history()
    n = history.scenario.parameters
    lodged = history.column("marrow_lodging") + history.column("visceral_lodging")
    found = weighted_share(1.0 - np.minimum(lodged, 1.0), history.column("shedding_scale"))
    physical = n["shear_death_share"].canonical + n["anoikis_death_share"].canonical
    return assumed(
        found,
        f"{found.per_cent()} of shed cells die in the blood, {100 * physical:.0f} % of them of "
        "shear stress or anoikis: the shares by cause are assumed, and the ranges of both lodging "
        "probabilities leave room for little else",
    )


def _random(world: World) -> Outcome:
    """Spread of the number of candidates over patients who are alike in everything."""
    zero = (
        "diameter_at_diagnosis_log_sd", "shedding_log_sd", "marrow_homing_log_sd",
        "visceral_homing_log_sd", "establishment_log_sd", "primary_growth_log_sd",
        "mesenchymal_log_sd", "lesion_growth_log_sd", "restricted_fraction",
    )  # fmt: skip
    alike = dict.fromkeys(zero, 0.0) | {
        "subtype_prevalence.er_pos_her2_neg": 1.0, "subtype_prevalence.er_pos_her2_pos": 0.0,
        "subtype_prevalence.er_neg_her2_pos": 0.0, "subtype_prevalence.triple_negative": 0.0,
        "lesion_shedding_multiplier": 0.0,
    }  # fmt: skip
    arm = replace(beyond(world.arm(regimens=()), alike), visits=(0.0,), horizon=0.0)
    number = world.history(arm).column("candidates")
    ratio = float(number.var(ddof=1) / number.mean())
    spread = 1.96 * float(np.sqrt(2.0 / number.size))
    found = Figure(ratio, ratio - spread, ratio + spread)
    usual = world.history().column("candidates")
    return assumed(
        found,
        "shedding is a Poisson process by assumption: variance over mean of the cells that may "
        f"found lesions is {found.words(3)} in patients who are alike, "
        f"{usual.var() / usual.mean():.0f} in patients as they differ. That a chip finds cells in "
        "all of seven patients says nothing of randomness",
    )


def _new_variants(world: World) -> Outcome:
    """Mutations of marrow lesions that their founder had not."""
    history = world.history()
    lesions = history.lesions
    seen = (lesions["place"] < 2) & np.isfinite(lesions["detected"])
    private = lesions["mutations_private"][seen].astype(float)
    awake = (lesions["detected"] - lesions["awakened"])[seen].astype(float)
    asleep = (lesions["awakened"] - lesions["seeded"])[seen].astype(float)
    found = rank_correlation(private, awake)
    sleeping = rank_correlation(private, asleep)
    return assumed(
        found,
        f"marrow lesions have gained {np.median(private):.0f} mutations (median) by detection; "
        f"rank correlation with the years awake {found.words()}, with the years asleep "
        f"{sleeping.words()}. Mutations come with divisions by assumption, so a dormant cell gains "
        "none: expansion and new variants are of the lesion, not of the dormant DTC",
    )


def _signature(world: World) -> Outcome:
    """Phenotypes of marrow cells and circulating cells at diagnosis."""
    history = world.history()
    who = clear_of_metastases(history)
    weights = cells(history, 0)[who]
    shares = {
        name: weighted_share(history.burden(name)[:, 0][who].astype(float), weights)
        for name in ("mesenchymal", "osteomimetic")
    }
    shed = float(np.nanmean(history.burden("ctc_mesenchymal")[:, 0][who]))
    ki67 = history.scenario.parameters["ki67_share_dormant"].canonical
    return assumed(
        shares["mesenchymal"],
        f"mesenchymal: {shares['mesenchymal'].per_cent()} of marrow cells, {100 * shed:.0f} % of "
        f"circulating ones; osteomimetic {shares['osteomimetic'].per_cent()} against none; "
        f"Ki67-positive {100 * ki67:.0f} % of the dormant. Each follows from a rate of switching "
        "that was assumed. Public expression data cannot say it: cells of blood and of marrow come "
        "from different studies, so that compartment and laboratory cannot be told apart",
    )


def _residual(world: World, *, mixed_up: bool) -> Outcome:
    """Count in marrow after therapy against the residual disease that nobody sees."""
    history = world.history()
    found = read(history, fitted(history, "a45-b-b3"), _AFTER_THERAPY)
    who = found.taken & clear_of_metastases(history)
    positive = swapped(found.positive, who, world.seed) if mixed_up else found.positive
    hidden = np.nan_to_num(history.burden("visceral")[:, _AFTER_THERAPY].astype(float))
    correlation = rank_correlation(positive[who].astype(float), hidden[who])
    times = float(np.median(hidden[who & positive]) / np.median(hidden[who & ~positive]))
    return between(
        correlation, 0.05, 1.0,
        f"rank correlation of DTC status at 8 months with dormant cells outside of marrow "
        f"{correlation.words()}; the positive have {times:.2g} times as many (medians). Both "
        "come of how much the primary shed; in this structure hardly any of the hidden cells came "
        "by way of marrow",
    )  # fmt: skip


def _deaths(world: World) -> Outcome:
    history = world.history()
    dead = np.isfinite(history.column("death"))
    found = share(history.column("death_cause") == 1, dead)
    return assumed(
        found,
        "all deaths of cancer: the model has no other way to die of it than distant relapse. Of "
        f"all deaths within 20 years of early breast cancer {found.per_cent()} are of metastasis",
    )


def _early(world: World, arm: Scenario) -> Outcome:
    """Share of relapses whose founder had left before the primary could be found."""
    history = world.history(arm)
    limit = arm.parameters["detection_size"].canonical
    _, days, sizes = founders(history, 400 if world.quick else 4000)
    early = share(sizes < np.log(limit))
    year = float(np.mean(days < -DAYS_PER_YEAR))
    return between(
        early, 0.5, 1.0,
        f"{early.per_cent()} of relapses were founded by a cell that left before the primary had "
        f"{limit:.0e} cells, {100 * year:.0f} % by one that left a year or more before diagnosis. "
        "It rests on the small exponent of shedding by size, fitted to positivity by tumour size",
    )  # fmt: skip


def _no_signs(world: World) -> Outcome:
    """Positivity in patients without metastases."""
    history = world.history()
    who = clear_of_metastases(history)
    marrow = read(history, fitted(history, "a45-b-b3"), 0)
    blood = read(history, fitted(history, "cellsearch"), 0)
    found = share(marrow.positive, marrow.taken & who)
    from_blood = share(blood.positive, blood.taken & who)
    from marrowtrace.evidence.published import published_figure

    pooled = published_figure("braun05_prev")["value"]
    return assumed(
        found,
        f"without metastases {found.per_cent()} are DTC-positive by A45-B/B3 and "
        f"{from_blood.per_cent()} CTC-positive by CellSearch: fitted to published rates of this "
        f"kind (pooled analysis of 2005: {100 * float(str(pooled)):.1f} % in marrow), which are "
        "what carries the claim",
    )


def _variability(world: World) -> Outcome:
    """Positivity of the same patients' marrow by several methods, and of the small and large."""
    history = world.history()
    who = clear_of_metastases(history)
    found = {name: read(history, fitted(history, name), 0) for name in _METHODS}
    rates = {name: share(each.positive, each.taken & who) for name, each in found.items()}
    told = ", ".join(f"{name} {each.per_cent()}" for name, each in rates.items())
    high = max(rates, key=lambda name: rates[name].value)
    low = min(rates, key=lambda name: rates[name].value)
    gap = mean((found[high].positive.astype(float) - found[low].positive)[who])
    diameter = history.column("diameter")
    small = share(found[high].positive, who & (diameter <= 20.0))
    large = share(found[high].positive, who & (diameter > 50.0))
    return assumed(
        gap,
        f"the same marrow by {len(found)} stains: {told}; {gap.per_cent()} between highest and "
        f"lowest. Selection does more: {small.per_cent()} in tumours up to 2 cm, "
        f"{large.per_cent()} above 5 cm. Table 1's rates in marrow run from 19.7 to 35.7 %. "
        "Markers were put in and the gradient by size was fitted, so this shows how much, not that",
    )


def _chip(world: World, changes: dict[str, float]) -> Outcome:
    """Positivity by the chip in metastatic cancers."""
    found = {}
    for name in ("metastatic-breast", "metastatic-prostate"):
        history = world.history(name)
        seen = read(history, fitted(history, "ctc-chip", changes), 0, after_relapse=True)
        found[name] = share(seen.positive, seen.taken)
    least = min(found.values(), key=lambda each: each.value)
    words = ", ".join(f"{name} {each.per_cent()}" for name, each in found.items())
    outcome = between(
        least, 0.9, 1.0,
        f"positive by CTC-chip: {words}; of lung, pancreas and colon there is no metastatic set. "
        "The source counted 115 of 116 samples of chosen patients (audit 3), not patients, and its "
        "counts per mL are some thousand times those of CellSearch",
    )  # fmt: skip
    if outcome.verdict == CONTRADICTED:
        return replace(outcome, against="our model; the source itself as to patients (audit 3)")
    return outcome


def _healthy(world: World) -> Outcome:
    """Blood without a tumour cell in the chip."""
    from marrowtrace.assays import Burden
    from marrowtrace.assays.draw import draw

    history = world.history()
    found = draw(
        fitted(history, "ctc-chip"), Burden.of(np.zeros(len(history))), seed=world.seed,
        patients=history.patient, visit=0,
    )  # fmt: skip
    positive = share(found.positive == 1)
    none = (1.0 - positive.value) ** 20
    return assumed(
        positive,
        f"{positive.per_cent()} of healthy donors are positive by the chip's false positives, put "
        f"in as what none of 20 donors leaves room for: 20 of 20 negative with probability "
        f"{none:.2g}. None in 20 excludes only rates above 17 %",
    )


def _all_seven(world: World, changes: dict[str, float]) -> Outcome:
    """Probability that seven of seven men with localised prostate cancer are positive."""
    row = next(each for each in ROWS if each.claim == "C037")
    found = positivity(world, row, changes)
    all_seven = Figure(found.value**7, found.low**7, found.high**7)
    return between(
        all_seven, 0.05, 1.0,
        f"{found.per_cent()} of localised prostate cancers are positive by the chip, so that seven "
        f"of seven have probability {all_seven.value:.2g}. Seven of seven itself excludes only "
        "rates below 59 %",
    )  # fmt: skip


def _pre_invasive(world: World, values: dict[str, float]) -> Outcome:
    """Excess of DTC positivity over false positives in lesions of 4 mm."""
    arm = beyond(world.arm(regimens=()), _SMALL | values)
    history = world.history(replace(arm, visits=(0.0,), horizon=1.0))
    assay = fitted(history, "a45-b-b3")
    found = read(history, assay, 0)
    positive = share(found.positive, found.taken)
    false = 1.0 - float(np.exp(-assay["false_positives"] * assay["amount"] * assay["sides"]))
    excess = Figure(positive.value - false, positive.low - false, positive.high - false)
    burden = float(np.median(cells(history, 0, MARROW)))
    return between(
        excess, 0.01, 1.0,
        f"in tumours of {10 * _PRE_INVASIVE:.0f} mm {positive.per_cent()} are DTC-positive by "
        f"A45-B/B3, {100 * false:.2g} % of them falsely (median {burden:.2g} cells in marrow). An "
        "extrapolation: the model has no basement membrane, only a size of 1e6 cells (assumed) "
        "from which tumours shed",
    )  # fmt: skip


def _rarer(world: World, factor: float) -> Outcome:
    """Distant relapse by 20 years against positivity at diagnosis."""
    usual = world.arm()
    chance = usual.parameters["establishment_probability"].value
    history = world.history(beyond(usual, {"establishment_probability": factor * chance}))
    who = clear_of_metastases(history)
    marrow = read(history, fitted(history, "a45-b-b3"), 0)
    blood = read(history, fitted(history, "cellsearch"), 0)
    relapse = history.column("distant_relapse") <= 20.0 * DAYS_PER_YEAR
    ill, positive = share(relapse, who), share(marrow.positive, marrow.taken & who)
    from_blood = share(blood.positive, blood.taken & who)
    found = Figure(ill.value / positive.value, ill.low / positive.high, ill.high / positive.low)
    any_cell = float(np.median(cells(history, 0)[who]))
    words = (
        f"distant relapse within 20 years {ill.per_cent()}, DTC-positive at diagnosis "
        f"{positive.per_cent()}, CTC-positive {from_blood.per_cent()}: {found.words()} relapses "
        "for one positive marrow. Metastasis is much rarer than cells (a median of "
        f"{any_cell:.1g} in every marrow), not than positive patients"
    )
    outcome = between(found, 0.0, 0.5, words)
    if outcome.verdict == CONTRADICTED:
        return against(found, words, "our model, and the rates that it was fitted to")
    return outcome


CHECKS: tuple[Check, ...] = (
    Check(claim="C001", run=_dying),
    Check(claim="C002", run=_random),
    Check(claim="C003", run=_new_variants),
    Check(claim="C004", run=_signature),
    Check(
        claim="C005",
        run=lambda world: _residual(world, mixed_up=False),
        perturbation="the results of the marrow are handed to the wrong patients",
        perturbed=lambda world: _residual(world, mixed_up=True),
    ),
    Check(claim="C007", run=_deaths),
    Check(
        claim="C008",
        run=lambda world: _early(world, world.arm()),
        perturbation="tumours shed in proportion to their size",
        perturbed=lambda world: _early(world, world.arm(values=_LATE)),
    ),
    Check(claim="C009", run=_no_signs),
    Check(claim="C010", run=_variability),
    Check(
        claim="C011",
        run=lambda world: _chip(world, {}),
        perturbation=_WEAK,
        perturbed=lambda world: _chip(world, _LOST),
    ),
    Check(claim="C012", run=_healthy),
    Check(
        claim="C013",
        run=lambda world: _all_seven(world, {}),
        perturbation=_WEAK,
        perturbed=lambda world: _all_seven(world, _LOST),
    ),
    Check(
        claim="C014",
        run=lambda world: _pre_invasive(world, {}),
        perturbation="tumours shed in proportion to their size",
        perturbed=lambda world: _pre_invasive(world, _LATE),
    ),
    Check(
        claim="C015",
        run=lambda world: _rarer(world, 1.0),
        perturbation="an awakened cell establishes a lesion ten times as often",
        perturbed=lambda world: _rarer(world, 10.0),
    ),
)
