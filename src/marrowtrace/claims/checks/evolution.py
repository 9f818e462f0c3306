"""5.1: clonal evolution between primary, blood, marrow and metastases (C044-C047)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marrowtrace.claims.check import Check, Outcome
from marrowtrace.claims.genomes import genomes
from marrowtrace.claims.judgement import assumed, undecided
from marrowtrace.claims.measure import Figure, mean, share
from marrowtrace.claims.world import World
from marrowtrace.simulation import History
from marrowtrace.units import DAYS_PER_YEAR

_PATIENT = "A22"
_PRIMARY, _MARROW = "prostate", "left_humerus_bone_marrow"


def _not_everywhere(world: World) -> Outcome:
    """Share of mutations that not every site carries: virtual, and of a published patient."""
    virtual = mean(genomes(world).heterogeneous)
    real = _published_heterogeneity()
    return undecided(
        f"between the primary and the metastases of a virtual patient with breast cancer "
        f"{virtual.per_cent()} of mutations are not seen in every site (mean); in 11 samples of "
        f"prostate cancer {_PATIENT}, among mutations that every sample could show, "
        f"{real.per_cent()}. Such shares rise with every site that is sampled; regions of one "
        "primary are not modelled, and there is no renal set",
        "calls of all regions of the renal tumours that the figure is from, and a primary that "
        "has regions",
        virtual,
    )


def _published_heterogeneity() -> Figure:
    """Share of the mutations of a published patient that are absent in one of the samples."""
    from marrowtrace.phylogeny.patient import bundled_patient
    from marrowtrace.phylogeny.presence import ABSENT, PRESENT, UNKNOWN, call

    samples = bundled_patient(_PATIENT).samples
    assert samples is not None
    state = np.asarray(call(samples).state)
    looked = (state != UNKNOWN).all(axis=0) & (state == PRESENT).any(axis=0)
    return share((state == ABSENT).any(axis=0), looked)


def _selection(world: World) -> Outcome:
    """Resistant lesions, and mutations, with endocrine therapy and without."""
    shares, rates = [], []
    for regimens in ((), ("endocrine-5y",)):
        history = world.history(replace(world.arm(regimens=regimens), visits=(0.0,)))
        resistant, rate = _of_lesions(history)
        shares.append(resistant)
        rates.append(rate)
    without, treated = shares
    return assumed(
        treated,
        f"resistant or tolerant among ER+ lesions found by 10 years: {without.per_cent()} without "
        f"endocrine therapy, {treated.per_cent()} with it; mutations gained a year awake "
        f"{rates[0].words()} and {rates[1].words()}. Therapy selects and leaves the mutation rate "
        "alone because the model says so; the agent of the source is not in it",
    )


def _of_lesions(history: History) -> tuple[Figure, Figure]:
    """Share of resistant among ER+ distant lesions by 10 years, and mutations a year awake."""
    lesions = history.lesions
    kept = (lesions["er"] == 1) & (lesions["place"] < 3)
    kept &= lesions["detected"] <= 10.0 * DAYS_PER_YEAR
    years = (lesions["detected"] - lesions["awakened"])[kept].astype(float) / DAYS_PER_YEAR
    private = lesions["mutations_private"][kept].astype(float)
    return share(lesions["resistant"] == 1, kept), mean(private / np.maximum(years, 0.1))


def _overlap(world: World) -> Outcome:
    """What CTCs at surgery carry of the primary's and of the metastases' clonal mutations."""
    found = genomes(world)
    primary = mean(found.primary_in_blood)
    metastases = mean(np.array([each.in_blood for each in found.lesions]))
    return undecided(
        f"CTCs at surgery carry {primary.per_cent()} of the clonal mutations of the primary and "
        f"{metastases.per_cent()} of those that all cells of a later metastasis have (means): the "
        "order is that of the claim, and trivially so, since what arose after departure cannot be "
        "in the primary's cells. CTCs that a metastasis sheds carry all of its clonal ones, so "
        "73 % lies between the two sources. The cited shares are those of few mutations of a "
        "single patient (9 of 10 and 41 of 56; remembered, not verified)",
        "CTCs and every lesion of the same patients sequenced on the same day",
        metastases,
    )


def _similar(world: World) -> Outcome:
    """Parallel founders in marrow, what lesions share, and copy numbers by several definitions."""
    lesions = world.history().lesions
    marrow = (lesions["place"] < 2) & (lesions["subclone_of"] < 0) & (lesions["origin"] == 0)
    parallel = share(lesions["parallel"] == 1, marrow)
    shared = mean(np.array([each.in_primary for each in genomes(world).lesions if each.marrow]))
    low, high = _copy_number_range()
    return undecided(
        f"{parallel.per_cent()} of cells that founded lesions in marrow left before the last sweep "
        f"of the primary (three sweeps at random ages, assumed), and cells of the primary carry "
        f"{shared.per_cent()} of the mutations that a marrow lesion's cells have in common. "
        f"'53 % similar' has no definition: marrow and prostate of patient {_PATIENT} "
        f"are {100 * low:.0f} to {100 * high:.0f} % alike by those in use",
        "copy numbers of single marrow cells beside their primary, by a stated definition",
        parallel,
    )


def _copy_number_range() -> tuple[float, float]:
    """Least and most alike, by definition, that copy numbers of marrow and prostate are."""
    from marrowtrace.phylogeny.copy_number_similarity import compare_copy_numbers
    from marrowtrace.phylogeny.patient import bundled_patient

    copies = bundled_patient(_PATIENT).copies
    assert copies is not None
    pair = next(
        each
        for each in compare_copy_numbers(copies).pairs
        if {each.first_site, each.second_site} == {_PRIMARY, _MARROW}
    )
    values = (
        pair.identical, pair.identical_unphased, pair.identical_scaled, pair.identical_altered,
        pair.loh_agreement,
    )  # fmt: skip
    return min(values), max(values)


CHECKS: tuple[Check, ...] = (
    Check(claim="C044", run=_not_everywhere),
    Check(claim="C045", run=_selection),
    Check(claim="C046", run=_overlap),
    Check(claim="C047", run=_similar),
)
