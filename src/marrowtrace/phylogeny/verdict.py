"""Linear, parallel, mixed or undetermined: when did the cells outside the primary leave it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError, did_you_mean
from marrowtrace.phylogeny.cell_likelihood import log_odds
from marrowtrace.phylogeny.cell_tree import CellTree
from marrowtrace.phylogeny.departure import Departure, DepartureModel, departure, unseen_part
from marrowtrace.phylogeny.lineages import (
    association,
    kept_apart_by,
    lineages,
    lineages_of_samples,
    smallest_counted,
)
from marrowtrace.phylogeny.primary_roles import odds_of_sample, roles_of_cells, roles_of_samples
from marrowtrace.phylogeny.sample_mutations import SampleMutations

if TYPE_CHECKING:
    import polars as pl

UNKNOWN = "unknown"
LINEAR, PARALLEL, MIXED, UNDETERMINED = "linear", "parallel", "mixed", "undetermined"
THRESHOLD = 0.9
PRIOR_MIXED = 0.1
"""Beforehand linear and parallel are equally likely and mixed, if it can be, has 0.1 (assumed)."""
_SORTED_BY_CHANCE = 0.05
_FEW = 3
_PART_IN_DOUBT = 0.2
"""In place of `DepartureModel.reseeding` for bulk samples: a share of cells below 1 may be a misfit
of copies (assumed)."""


@dataclass(frozen=True, slots=True)
class LineageVerdict:
    """One lineage that left the primary.

    Parameters
    ----------
    name : str
    sites : tuple of str
    cells : int
        Number of cells, or of bulk samples.
    departure : Departure
    counted : bool
        Whether it takes part in the verdict; strays of a single cell do not.
    """

    name: str
    sites: tuple[str, ...]
    cells: int
    departure: Departure
    counted: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether dissemination was linear (late), parallel (early) or mixed, and how sure that is.

    Parameters
    ----------
    verdict : {"linear", "parallel", "mixed", "undetermined"}
    support : dict of str to float
        Probability of linear, parallel and mixed; they add up to 1.
    lineages : tuple of LineageVerdict
    sorted_by_site : float or None
        p-value that the sites are not sorted along the tree; None for bulk samples.
    reasons : tuple of str
        Why, in words.
    threshold : float
        Support from which a verdict is given.
    """

    verdict: str
    support: dict[str, float]
    lineages: tuple[LineageVerdict, ...]
    sorted_by_site: float | None
    reasons: tuple[str, ...]
    threshold: float

    def table(self) -> pl.DataFrame:
        """Return the lineages as a frame."""
        import polars as pl

        return pl.DataFrame(
            [
                {
                    "lineage": each.name,
                    "sites": ", ".join(each.sites),
                    "cells": each.cells,
                    "trunk": each.departure.trunk,
                    "lacking": each.departure.lacking,
                    "early": each.departure.early,
                    "fraction": each.departure.fraction,
                    "fraction_low": each.departure.fraction_low,
                    "fraction_high": each.departure.fraction_high,
                    "counted": each.counted,
                }
                for each in self.lineages
            ],
            schema={
                "lineage": pl.String, "sites": pl.String, "cells": pl.Int64, "trunk": pl.Float64,
                "lacking": pl.Float64, "early": pl.Float64, "fraction": pl.Float64,
                "fraction_low": pl.Float64, "fraction_high": pl.Float64, "counted": pl.Boolean,
            },
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return {
            "verdict": self.verdict,
            "support": self.support,
            "threshold": self.threshold,
            "sorted_by_site": self.sorted_by_site,
            "reasons": list(self.reasons),
            "lineages": self.table().to_dicts(),
        }


def verdict_of_cells(
    tree: CellTree,
    primary: str,
    rng: np.random.Generator,
    *,
    model: DepartureModel | None = None,
    threshold: float = THRESHOLD,
) -> Verdict:
    """Judge the dissemination of single cells.

    The largest clades without a cell of the primary are its lineages; each is held against the
    trunk that the primary's own cells show. Nothing is concluded if cells are not sorted by site
    along the tree more than by chance: then sites do not follow descent (or cells move freely, as
    those that the primary has just shed).

    Parameters
    ----------
    tree : CellTree
        Of all tumour cells; normal cells and doublets taken out before.
    primary : str
        Site of the primary tumour, or ``"unknown"`` if it was not sampled.
    rng : numpy.random.Generator
    model : DepartureModel, optional
    threshold : float
        Support from which a verdict is given, 0.5 to below 1.

    Returns
    -------
    Verdict

    Raises
    ------
    CohortError
        If no cell is of the primary or none from elsewhere, or the threshold is out of range.
    """
    sites = tree.cells.sites
    _check(sites, primary, threshold)
    if primary == UNKNOWN:
        return _without_primary(len(set(sites)), threshold)
    outside = np.array([site != primary for site in sites])
    if (~outside).sum() < 2:
        return _abstain(
            (), None, threshold,
            f"one cell of '{primary}' does not show what the primary's trunk is; more of its cells "
            "would",
        )  # fmt: skip
    weight = log_odds(tree.cells, tree.errors)
    inside = int((~outside).sum())
    model = model or DepartureModel(unseen=unseen_part(inside, tissue=False))
    roles = roles_of_cells(tree.cells.select(~outside), tree.errors, rng)
    found = []
    smallest = smallest_counted(int(outside.sum()))
    for number, each in enumerate(lineages(tree, primary)):
        evidence = departure(weight[list(each.cells)].sum(axis=0), roles, model)
        size = len(each.cells)
        found.append(
            LineageVerdict(f"lineage {number + 1}", each.sites, size, evidence, size >= smallest)
        )
    if not any(each.counted for each in found):
        found = [
            LineageVerdict(each.name, each.sites, each.cells, each.departure, True)
            for each in found
        ]
    by_chance = association(tree.parent, outside, rng)
    return _judged(tuple(found), by_chance, threshold, _of_border(kept_apart_by(tree, primary)))


def verdict_of_samples(
    samples: SampleMutations,
    primary: str,
    *,
    model: DepartureModel | None = None,
    threshold: float = THRESHOLD,
    deleted: NDArray[np.bool_] | None = None,
) -> Verdict:
    """Judge the dissemination of bulk samples.

    Sites that share mutations which the primary lacks are one lineage, since these arose once: they
    left the primary together, or one seeded the other.

    Parameters
    ----------
    samples : SampleMutations
    primary, model, threshold
        As in `verdict_of_cells`.
    deleted : ndarray of bool, shape (n_samples, n_mutations), optional
        Where a sample has lost an allele that the primary kept (`lost_alleles`).

    Returns
    -------
    Verdict

    Raises
    ------
    CohortError
        If no sample is of the primary or none from elsewhere, or the threshold is out of range.
    """
    _check(samples.sites, primary, threshold)
    if primary == UNKNOWN:
        return _without_primary(len(set(samples.sites)), threshold)
    where = np.array(samples.sites)
    found, unseen = _of_sites(samples, primary, model, deleted)
    judged = _judged(found, None, threshold, _of_tissue(int((where == primary).sum()), unseen))
    if judged.verdict != LINEAR:
        return judged
    others = [site for site in samples.site_names if site != primary]
    same = sum(
        support_of(tuple(each.departure for each in _of_sites(samples, site, model, None)[0]))[
            LINEAR
        ]
        >= threshold
        for site in others
    )
    return replace(judged, reasons=(*judged.reasons, _on_trust(same, len(others))))


def _of_sites(
    samples: SampleMutations,
    primary: str,
    model: DepartureModel | None,
    deleted: NDArray[np.bool_] | None,
) -> tuple[tuple[LineageVerdict, ...], float]:
    """The lineages of bulk samples, and the weight of parts of the primary not sampled."""
    where = np.array(samples.sites)
    own = np.flatnonzero(where == primary)
    model = model or DepartureModel(
        unseen=unseen_part(own.size, tissue=True), reseeding=_PART_IN_DOUBT
    )
    roles = roles_of_samples(samples, own)
    found = []
    for number, sites in enumerate(lineages_of_samples(samples, primary, roles)):
        rows = np.flatnonzero(np.isin(where, sites))
        gone = None if deleted is None else np.asarray(deleted[rows].all(axis=0))
        evidence = departure(odds_of_sample(samples, rows), roles, model, deleted=gone)
        found.append(LineageVerdict(f"lineage {number + 1}", sites, rows.size, evidence, True))
    return tuple(found), model.unseen


def _on_trust(same: int, others: int) -> str:
    """What is said of a primary that only its label tells from other sites."""
    if not same:
        return "no other site would pass for the primary: the mutations themselves tell it apart"
    return (
        f"that '{LINEAR}' is meant of this primary rests on its label: {same} of {others} other "
        f"site{'s' if others > 1 else ''} in its place would be judged alike, since the trunk is "
        "common to all of them"
    )


def support_of(departures: tuple[Departure, ...]) -> dict[str, float]:
    """Return the probabilities of linear, parallel and mixed given the lineages' evidence."""
    late = np.array([each.log_late for each in departures])
    early = np.array([each.log_early for each in departures])
    number = late.size
    either = np.logaddexp(late, early).sum()
    logs = np.array([late.sum() - either, early.sum() - either])
    shares = np.exp(logs)
    if number == 1:
        return {LINEAR: float(shares[0]), PARALLEL: float(shares[1]), MIXED: 0.0}
    mixed = max(0.0, 1.0 - float(shares.sum()))
    weights = np.array([
        0.5 * (1.0 - PRIOR_MIXED) * shares[0],
        0.5 * (1.0 - PRIOR_MIXED) * shares[1],
        PRIOR_MIXED * mixed / (2.0**min(number, 1000) - 2.0),
    ])  # fmt: skip
    weights = weights / weights.sum()
    return dict(zip((LINEAR, PARALLEL, MIXED), weights.tolist(), strict=True))


def _check(sites: tuple[str, ...], primary: str, threshold: float) -> None:
    if not 0.5 <= threshold < 1.0:
        raise CohortError(f"threshold: {threshold!r} is outside its range; give 0.5 to below 1")
    if primary == UNKNOWN:
        return
    names = tuple(dict.fromkeys(sites))
    if primary not in names:
        raise CohortError(
            f"primary: no cell or sample is of site '{primary}'; there are {', '.join(names)}"
            f"{did_you_mean(primary, names)}; give 'unknown' if the primary was not sampled"
        )
    if len(names) == 1:
        raise CohortError(
            f"sites: everything is of '{primary}'; a verdict needs cells or samples from elsewhere"
        )


def _of_border(cells: int) -> str:
    """What is said of lineages that few cells keep apart."""
    if not 0 < cells < _FEW:
        return ""
    plural = "" if cells == 1 else "s"
    return (
        f"the lineages are kept apart by {cells} cell{plural} of the primary; should their place "
        "in the tree be wrong, or have they come back, the lineages are one"
    )


def _of_tissue(samples: int, unseen: float) -> str:
    """What a verdict on few samples of the primary has to say of itself."""
    pieces = "one sample" if samples == 1 else f"{samples} samples"
    return (
        f"'trunk' is what {pieces} of the primary carry in full: mutations of that part alone pass "
        f"for it. A late departure from another part looks early; this is given a probability of "
        f"{unseen:.2f}"
        + (
            " (83 % of late divergences were taken for early with one sample of a lung cancer, "
            "Al Bakir 2023)"
            if samples == 1
            else ""
        )
    )


def _judged(
    found: tuple[LineageVerdict, ...], by_chance: float | None, threshold: float, caveat: str = ""
) -> Verdict:
    counted = [each for each in found if each.counted]
    support = support_of(tuple(each.departure for each in counted))
    if by_chance is not None and by_chance > _SORTED_BY_CHANCE:
        return _abstain(
            found, by_chance, threshold,
            f"cells are not sorted by site along the tree (p = {by_chance:.2g}, Slatkin-Maddison): "
            "the labels say nothing about descent, or the cells have only just been shed",
        )  # fmt: skip
    best = max(support, key=lambda name: support[name])
    reasons = [_in_words(each) for each in counted] + ([caveat] if caveat else [])
    if support[best] < threshold:
        trunk = max(each.departure.trunk for each in counted)
        reasons.append(
            f"the best explanation, {best}, has a support of {support[best]:.2f}, below "
            f"{threshold:g}; {trunk:.0f} trunk mutations could be looked at: more mutations, more "
            "cells or deeper reads would tell"
        )
        best = UNDETERMINED
    return Verdict(best, support, found, by_chance, tuple(reasons), threshold)


def _in_words(each: LineageVerdict) -> str:
    what = each.departure
    if what.early < 0.5:
        return (
            f"{each.name} ({', '.join(each.sites)}) carries {what.trunk - what.lacking:.1f} of "
            f"{what.trunk:.1f} trunk mutations: late departure {1 - what.early:.3g}"
        )
    return (
        f"{each.name} ({', '.join(each.sites)}) lacks {what.lacking:.1f} of {what.trunk:.1f} trunk "
        f"mutations: early departure {what.early:.3g}, after {what.fraction:.0%} "
        f"({what.fraction_low:.0%} to {what.fraction_high:.0%}) of the trunk"
    )


def _without_primary(sites: int, threshold: float) -> Verdict:
    reason = (
        "without the primary, what its trunk held when the cells left cannot be known: mutations "
        "that all the cells share may be the whole trunk (linear) or its beginning (parallel), at "
        "equal likelihood, however many cells are sequenced; "
    )
    reason += (
        "the order in which the sites' lineages parted is known from the tree"
        if sites > 1
        else "a sample of the primary, however old, or a clock of mutations would tell"
    )
    return _abstain((), None, threshold, reason)


def _abstain(
    found: tuple[LineageVerdict, ...], by_chance: float | None, threshold: float, reason: str
) -> Verdict:
    """No verdict, and the support that was assumed beforehand."""
    several = len(found) != 1
    prior: NDArray[np.float64] = (
        np.array([0.45, 0.45, 0.1]) if several else np.array([0.5, 0.5, 0.0])
    )
    support = dict(zip((LINEAR, PARALLEL, MIXED), prior.tolist(), strict=True))
    return Verdict(UNDETERMINED, support, found, by_chance, (reason,), threshold)
