r"""Cells to leave out before sites are compared: normal cells, doublets, clusters, empty wells.

Normal cells: a mixture of two kinds, by expectation-maximisation. A normal cell shows each
mutation with the false-positive rate, a tumour cell shows mutation m with a share
:math:`q_m` that is estimated; a cell is normal if that is likelier than not.

Doublets: the profiles of the sample are taken from its cells, each cell smoothed over its nearest
neighbours; a profile that is nearly the union of two commoner ones, each with mutations of its
own, is no profile, since no clone descends from both. A cell is a doublet if its genotype comes
with probability 0.9 or more from such a union rather than from one profile, weighed by the share
of doublets expected. Two cells of one clone in a well cannot be told from one cell this way.
Both rules are this package's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from marrowtrace.errors import CohortError, ParameterError
from marrowtrace.phylogeny.cell_mutations import CellMutations

Floats = npt.NDArray[np.float64]

REASONS = ("nothing known", "declared normal", "declared doublet", "in a cluster",
           "looks normal", "looks like a doublet")  # fmt: skip
MOST_PROFILES = 60
NEIGHBOURS = 5
ROUNDS = 200
SURE = 0.9
OWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CellErrors:
    """Errors of single-cell genotypes; the defaults are assumed.

    Parameters
    ----------
    false_positive, dropout : float
        Probability of a call without the mutation, and of none with it; above 0 and below 0.5.
    doublets : float
        Share of wells that hold two cells, above 0 and below 0.5.
    """

    false_positive: float = 0.01
    dropout: float = 0.2
    doublets: float = 0.05

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not 0 < value < 0.5:
                raise ParameterError(f"{name} is {value:g}; allowed: above 0 and below 0.5")


DEFAULT_ERRORS = CellErrors()


@dataclass(frozen=True, slots=True, eq=False)
class CleanCells:
    """Tumour cells, and what was left out.

    Parameters
    ----------
    cells : CellMutations
        Those that stay.
    dropped : tuple of (str, str, str)
        Name, site and reason of each cell left out.
    """

    cells: CellMutations
    dropped: tuple[tuple[str, str, str], ...]

    def table(self) -> pl.DataFrame:
        """Return the cells left out by site and reason."""
        schema = {"cell": pl.String, "site": pl.String, "reason": pl.String}
        rows = pl.DataFrame(self.dropped, schema=schema, orient="row")
        return rows.group_by("site", "reason", maintain_order=True).len("cells")


def keep_tumour_cells(
    cells: CellMutations,
    *,
    kinds: Sequence[str] | None = None,
    clusters: Sequence[str] | None = None,
    detect: bool = True,
    errors: CellErrors | None = None,
) -> CleanCells:
    """Leave out normal cells, doublets, clusters of cells and cells of which nothing is known.

    Parameters
    ----------
    cells : CellMutations
    kinds : sequence of {"tumour", "normal", "doublet"}, optional
        What was declared of each cell.
    clusters : sequence of str, optional
        CTC cluster of each cell; empty where it was alone. A cluster holds several cells, so its
        genotype is that of a mixture.
    detect : bool
        Whether normal cells and doublets are looked for among those not declared.
    errors : CellErrors, optional
        By default the errors are assumed for normal cells and estimated for doublets.

    Raises
    ------
    CohortError
        If ``kinds`` or ``clusters`` is not as long as the cells, or fewer than two cells stay.
    """
    reasons = [""] * len(cells)
    for name, column in (("kinds", kinds), ("clusters", clusters)):
        if column is not None and len(column) != len(cells):
            raise CohortError(f"{len(column)} {name} are given for {len(cells)} cells")
    empty = np.logical_not(cells.known.any(axis=1)).tolist()
    for row in range(len(cells)):
        if empty[row]:
            reasons[row] = REASONS[0]
        elif kinds is not None and kinds[row] != "tumour":
            reasons[row] = f"declared {kinds[row]}"
        elif clusters is not None and clusters[row]:
            reasons[row] = REASONS[3]
    if detect:
        finders = ((REASONS[4], normal_probability, 0.5), (REASONS[5], doublet_probability, SURE))
        for reason, find, least in finders:
            stay = np.flatnonzero([not r for r in reasons])
            if len(stay) < 3:
                break
            odd = np.flatnonzero(find(cells.select(stay), errors) > least)
            for row in stay[odd]:
                reasons[row] = reason
    stay = np.flatnonzero([not r for r in reasons])
    if len(stay) < 2:
        raise CohortError(
            f"{len(stay)} of {len(cells)} cells are left once normal cells, doublets and clusters "
            "are dropped; a comparison needs at least 2 (are cells declared normal by mistake?)"
        )
    dropped = tuple(
        (cells.names[row], cells.sites[row], reason) for row, reason in enumerate(reasons) if reason
    )
    return CleanCells(cells.select(stay), dropped)


def normal_probability(cells: CellMutations, errors: CellErrors | None = None) -> Floats:
    """Return the probability that each cell is a normal one.

    Parameters
    ----------
    cells : CellMutations
    errors : CellErrors, optional

    Returns
    -------
    ndarray of float, shape (n_cells,)
        All 0 where no cell stands out: a mixture that finds no tumour cells says nothing.
    """
    known, present = cells.known.astype(float), cells.present.astype(float)
    absent = known - present
    alpha = (errors or DEFAULT_ERRORS).false_positive
    normal = present.sum(axis=1) * math.log(alpha) + absent.sum(axis=1) * math.log1p(-alpha)
    tumour = np.clip(present.sum(axis=0) / np.maximum(known.sum(axis=0), 1), 0.02, 0.98)
    share = 0.5
    odds = np.zeros(len(cells))
    for _ in range(ROUNDS):
        likely = present @ np.log(tumour) + absent @ np.log1p(-tumour)
        odds = special.expit(normal - likely + math.log(share) - math.log1p(-share))
        weight = 1 - odds
        new = np.clip((weight @ present + 0.1) / (weight @ known + 0.2), 1e-3, 1 - 1e-3)
        share = float(np.clip(odds.mean(), 0.01, 0.99))
        if np.max(np.abs(new - tumour)) < 1e-6:
            break
        tumour = new
    found: Floats = odds if share < 0.985 else np.zeros(len(cells))
    return found


def doublet_probability(cells: CellMutations, errors: CellErrors | None = None) -> Floats:
    """Return the probability that each well held two cells of different profiles.

    Parameters
    ----------
    cells : CellMutations
        Without normal cells.
    errors : CellErrors, optional
        By default estimated from the cells and their likeliest profiles.

    Returns
    -------
    ndarray of float, shape (n_cells,)
    """
    profiles = _profiles(cells)
    if len(profiles) < 2:
        return np.zeros(len(cells))
    if errors is None:
        errors = _estimate(cells, profiles)
    single = _log_likelihood(cells, profiles, errors)
    unions = _unions(profiles)
    if not len(unions):
        return np.zeros(len(cells))
    double = _log_likelihood(cells, unions, errors)
    log_single = special.logsumexp(single, axis=1) - math.log(single.shape[1])
    log_double = special.logsumexp(double, axis=1) - math.log(double.shape[1])
    prior = math.log(errors.doublets) - math.log1p(-errors.doublets)
    probability: Floats = special.expit(log_double - log_single + prior)
    return probability


def _profiles(cells: CellMutations) -> npt.NDArray[np.bool_]:
    """The commonest genotypes, each cell smoothed over its nearest neighbours."""
    known, present = cells.known.astype(float), cells.present.astype(float)
    absent = known - present
    compared = known @ known.T
    apart = (present @ absent.T + absent @ present.T + 0.5) / (compared + 1.0)
    np.fill_diagonal(apart, np.inf)
    count = min(NEIGHBOURS, len(cells) - 1)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :count]
    votes = present[nearest].sum(axis=1)
    heard = known[nearest].sum(axis=1)
    smooth = votes * 2 > heard
    distinct, often = np.unique(smooth, axis=0, return_counts=True)
    order = np.argsort(-often, kind="stable")[:MOST_PROFILES]
    chosen = [row for row in order if often[row] > 1]
    kept: list[int] = []
    for row in chosen:
        unions = _unions(distinct[kept])
        if not len(unions) or np.min(np.sum(unions != distinct[row], axis=1)) >= OWN:
            kept.append(int(row))
    profiles: npt.NDArray[np.bool_] = distinct[kept]
    return profiles


def _unions(profiles: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Unions of two profiles of which each has some mutations that the other lacks."""
    first, second = np.triu_indices(len(profiles), 1)
    one, two = profiles[first], profiles[second]
    apart = (np.sum(one & ~two, axis=1) >= OWN) & (np.sum(two & ~one, axis=1) >= OWN)
    unions: npt.NDArray[np.bool_] = (one | two)[apart]
    return unions


def _estimate(cells: CellMutations, profiles: npt.NDArray[np.bool_]) -> CellErrors:
    """Errors that remain when each cell has the profile that is likeliest for it."""
    errors = DEFAULT_ERRORS
    for _ in range(3):
        own = profiles[np.argmax(_log_likelihood(cells, profiles, errors), axis=1)]
        wrong = np.sum(cells.present & ~own), np.sum(cells.known & ~cells.present & own)
        of = np.sum(cells.known & ~own), np.sum(cells.known & own)
        rates = [
            float(np.clip((w + 0.5) / (n + 1), 0.002, 0.45)) for w, n in zip(wrong, of, strict=True)
        ]
        errors = CellErrors(false_positive=rates[0], dropout=rates[1])
    return errors


def _log_likelihood(
    cells: CellMutations, profiles: npt.NDArray[np.bool_], errors: CellErrors
) -> Floats:
    """Log-likelihood of each cell under each profile, shape (n_cells, n_profiles)."""
    present = cells.present.astype(float)
    absent = cells.known.astype(float) - present
    shown = np.where(profiles, 1 - errors.dropout, errors.false_positive)
    value: Floats = present @ np.log(shown).T + absent @ np.log1p(-shown).T
    return value
