"""The role of each mutation in the primary: of its trunk, of a part of it, or not of it at all."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import binom, norm

from marrowtrace.phylogeny.cell_likelihood import ErrorRates, log_odds
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cell_tree import clades_of, infer_cell_tree
from marrowtrace.phylogeny.sample_mutations import SampleMutations

Reals = NDArray[np.float64]
TRUNK, PART, ELSEWHERE = 0, 1, 2
_PRIOR = np.log([0.4, 0.4, 0.2])
_TREES = 40
_READ_ERROR = 0.005
_GRID = np.linspace(0.05, 0.95, 19)
_CCF_SD = 0.1
_PART_OF_SAMPLE = np.array([0.25, 0.5, 0.25])
# Mutated share of the copies in a cell: diploid, gained, the only one; how likely each is, assumed.
_COPIES = (1 / 2, 2 / 3, 1.0)
_PURITIES = np.linspace(0.1, 1.0, 19)
_COPIES_PRIOR = np.array([[0.8], [0.1], [0.1]])


def roles_of_cells(
    cells: CellMutations, errors: ErrorRates, rng: np.random.Generator, *, trees: int = _TREES
) -> Reals:
    """Return the roles that the primary's own cells give to the mutations.

    Trees of these cells alone are sampled; in each, a mutation is of the trunk if it lies above
    all cells. Beforehand trunk, part and elsewhere have 0.4, 0.4 and 0.2, a part's share being
    spread evenly over the clades (assumed).

    Parameters
    ----------
    cells : CellMutations
        Tumour cells of the primary, two or more.
    errors : ErrorRates
    rng : numpy.random.Generator
    trees : int
        Number of sampled trees, 1 or more.

    Returns
    -------
    ndarray of float64, shape (n_mutations, 3)
    """
    tree = infer_cell_tree(cells, rng, errors=errors, restarts=1, samples=trees)
    weight = log_odds(cells, errors)
    sampled = tree.samples if tree.samples.size else tree.parent[None]
    return np.asarray(np.mean([_roles_in(parent, weight) for parent in sampled], axis=0))


def _roles_in(parent: NDArray[np.int64], weight: Reals) -> Reals:
    sums = clades_of(parent, weight.shape[0]) @ weight
    root = int(np.flatnonzero(parent < 0)[0])
    parts = np.delete(sums, root, axis=0)
    columns = np.column_stack(
        [sums[root], logsumexp(parts, axis=0) - np.log(len(parts)), np.zeros(weight.shape[1])]
    )
    columns = columns + _PRIOR
    return np.asarray(np.exp(columns - logsumexp(columns, axis=1, keepdims=True)))


def roles_of_samples(samples: SampleMutations, rows: NDArray[np.int64]) -> Reals:
    """Return the roles that bulk samples of the primary give to the mutations.

    A mutation is of the trunk if every tumour cell of every sample carries it (cancer cell fraction
    1), elsewhere if none does, of a part otherwise. The mutated share of the copies is a half
    (0.8), two thirds or all of them (0.1 each, assumed). Where the purity is not known, fractions
    that are given tell all cells from some, with a standard deviation of 0.1 (assumed); without
    them the likeliest purity is taken.

    Parameters
    ----------
    samples : SampleMutations
    rows : ndarray of int64
        The samples of the primary, one or more.

    Returns
    -------
    ndarray of float64, shape (n_mutations, 3)
    """
    levels = np.stack([_levels(samples, int(row)) for row in rows])
    every, none = levels[:, :, TRUNK].sum(axis=0), levels[:, :, ELSEWHERE].sum(axis=0)
    part = logsumexp(levels, axis=2, b=_PART_OF_SAMPLE).sum(axis=0)
    columns = np.column_stack([every, part, none]) + _PRIOR
    return np.asarray(np.exp(columns - logsumexp(columns, axis=1, keepdims=True)))


def odds_of_sample(samples: SampleMutations, rows: NDArray[np.int64]) -> Reals:
    """Return the log-odds that bulk samples of one site carry each mutation, in any of their cells.

    Parameters
    ----------
    samples : SampleMutations
    rows : ndarray of int64
        The samples of the site.

    Returns
    -------
    ndarray of float64, shape (n_mutations,)
    """
    total = np.zeros(len(samples.mutations))
    for row in rows:
        levels = _levels(samples, int(row))
        present = logsumexp(levels[:, :ELSEWHERE], axis=1) - np.log(2.0)
        total += np.clip(present - levels[:, ELSEWHERE], -30.0, 30.0)
    return total


@lru_cache(maxsize=64)
def _levels(samples: SampleMutations, row: int) -> Reals:
    """Log-likelihood of a sample's data if all, some or none of its tumour cells carry each one."""
    mutations = len(samples.mutations)
    fraction = np.full(mutations, np.nan) if samples.ccf is None else np.asarray(samples.ccf[row])
    if samples.total is None or samples.alternative is None:
        return _of_fractions(fraction)
    depth, mutated = samples.total[row], samples.alternative[row]
    purity = np.nan if samples.purity is None else float(samples.purity[row])
    if not np.isnan(purity):
        return _of_reads(mutated, depth, purity)
    levels = _of_reads(mutated, depth, _likely_purity(mutated, depth))
    given = ~np.isnan(fraction)
    if given.any():
        # Without purity reads tell presence only; the published fraction tells all from some.
        present = logsumexp(levels[given, :ELSEWHERE], axis=1) - np.log(2.0)
        clonality = _of_fractions(fraction[given])[:, :ELSEWHERE]
        clonality -= logsumexp(clonality, axis=1, keepdims=True) - np.log(2.0)
        levels[given, :ELSEWHERE] = present[:, None] + clonality
    return levels


def _of_reads(mutated: NDArray[np.int32], depth: NDArray[np.int32], purity: float) -> Reals:
    def at(fraction: float) -> Reals:
        shares = np.array(_COPIES)[:, None] * purity * fraction
        each = binom.logpmf(mutated, depth, shares + (1 - 2 * shares) * _READ_ERROR)
        return np.asarray(logsumexp(each, axis=0, b=_COPIES_PRIOR))

    some = logsumexp([at(f) for f in _GRID], axis=0) - np.log(_GRID.size)
    return np.column_stack([at(1.0), some, at(0.0)])


def _likely_purity(mutated: NDArray[np.int32], depth: NDArray[np.int32]) -> float:
    """The purity at which the reads of all mutations are likeliest, their roles being unknown."""
    likely = [
        logsumexp(_of_reads(mutated, depth, purity) + _PRIOR, axis=1).sum() for purity in _PURITIES
    ]
    return float(_PURITIES[int(np.argmax(likely))])


def _of_fractions(fraction: Reals) -> Reals:
    known = ~np.isnan(fraction)
    levels = np.zeros((fraction.size, 3))
    measured = fraction[known]
    levels[known, TRUNK] = norm.logpdf(np.minimum(measured, 1.0), 1.0, _CCF_SD)
    levels[known, PART] = logsumexp(
        norm.logpdf(measured[:, None], _GRID[None], _CCF_SD), axis=1
    ) - np.log(_GRID.size)
    levels[known, ELSEWHERE] = norm.logpdf(measured, 0.0, 0.3 * _CCF_SD)
    return levels
