"""Sequencing in silico: what a laboratory would read of cells whose genealogy is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.cohort.cohort import Cohort
from marrowtrace.errors import CohortError, ProblemList
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.sample_mutations import SampleMutations
from marrowtrace.phylogeny.single_cell_file import genotypes_of_reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequencing:
    """How cells are read; the defaults are assumed.

    Parameters
    ----------
    coverage : float
        Mean reads at a place, above 0.
    spread : float
        Variance of the depth over its mean beyond Poisson's, 0 or more (negative binomial).
    dropout : float
        Probability that one allele of a cell is not amplified, 0 to below 1; both may fail.
    imbalance : float
        Intraclass correlation of the reads of a cell at a place, 0 to below 1.
    read_error : float
        Probability that a read shows the other allele, 0 to below 0.5.
    false_place : float
        Probability that a whole cell misleads at a place (amplification error), 0 to below 0.5.
    doublets : float
        Share of wells that hold a second cell of the same site, 0 to below 1.

    Raises
    ------
    CohortError
        Listing every number out of range.
    """

    coverage: float = 30.0
    spread: float = 1.0
    dropout: float = 0.2
    imbalance: float = 0.2
    read_error: float = 0.002
    false_place: float = 0.002
    doublets: float = 0.0

    def __post_init__(self) -> None:
        problems = ProblemList()
        if not 0.0 < self.coverage < np.inf:
            problems.add("coverage", f"{self.coverage!r} is out of range; give above 0")
        if not 0.0 <= self.spread < np.inf:
            problems.add("spread", f"{self.spread!r} is out of range; give 0 or more")
        for name, value, below in (
            ("dropout", self.dropout, 1.0),
            ("imbalance", self.imbalance, 1.0),
            ("read_error", self.read_error, 0.5),
            ("false_place", self.false_place, 0.5),
            ("doublets", self.doublets, 1.0),
        ):
            if not 0.0 <= value < below:
                problems.add(name, f"{value!r} is out of range; give 0 to below {below:g}")
        problems.raise_any(CohortError, "the sequencing")


@dataclass(frozen=True, slots=True, eq=False)
class SequencedCells:
    """What was read, and what was truly in each well.

    Parameters
    ----------
    cells : CellMutations
        With reads; genotypes called from them (`genotypes_of_reads`).
    truth : ndarray of bool, shape (n_cells, n_mutations)
        Whether any cell of the well carries the mutation.
    doublet : ndarray of bool, shape (n_cells,)
    """

    cells: CellMutations
    truth: NDArray[np.bool_]
    doublet: NDArray[np.bool_]


def sequence_cells(
    rng: np.random.Generator,
    genotype: NDArray[np.bool_],
    sites: Sequence[str],
    names: Sequence[str],
    days: Sequence[float] | None = None,
    plan: Sequencing | None = None,
) -> SequencedCells:
    """Read single cells whose heterozygous mutations are known.

    Parameters
    ----------
    rng : numpy.random.Generator
    genotype : ndarray of bool, shape (n_cells, n_mutations)
        At least one mutation.
    sites, names : sequence of str
    days : sequence of float, optional
    plan : Sequencing, optional

    Returns
    -------
    SequencedCells

    Raises
    ------
    CohortError
        If the cells carry no mutation at all, or nothing was read.
    """
    plan = plan or Sequencing()
    wells, mutations = genotype.shape
    if mutations == 0:
        raise CohortError(
            "the cells carry no mutation; a higher mutation rate or more of the genome is needed"
        )
    doublet, second = np.zeros(wells, dtype=bool), np.arange(wells)
    where = np.array(sites)
    for well in np.flatnonzero(rng.random(wells) < plan.doublets):
        others = np.flatnonzero((where == where[well]) & (np.arange(wells) != well))
        if others.size:
            doublet[well], second[well] = True, rng.choice(others)
    truth = genotype | (doublet[:, None] & genotype[second])
    mutated, other = np.zeros((2, wells, mutations))
    for carried, there in (
        (genotype, np.ones(wells, dtype=bool)),
        (genotype[second], doublet),
    ):
        # A cell has two alleles, of which a heterozygous mutation is one.
        first, last = rng.random((2, wells, mutations)) >= plan.dropout
        mutated += first & carried & there[:, None]
        other += (first & ~carried & there[:, None]) + (last & there[:, None]).astype(float)
    alleles = mutated + other
    share = np.divide(mutated, alleles, out=np.zeros_like(mutated), where=alleles > 0)
    if plan.imbalance > 0.0:
        mixed = (share > 0) & (share < 1)
        weight = 1.0 / plan.imbalance - 1.0
        share[mixed] = rng.beta(share[mixed] * weight, (1 - share[mixed]) * weight)
    misled = rng.random(share.shape) < plan.false_place
    share = np.where(misled, rng.random(share.shape), share)
    depth = np.where(alleles > 0, _depth(rng, plan, share.shape), 0)
    reads = rng.binomial(depth, share * (1 - plan.read_error) + (1 - share) * plan.read_error)
    cells = CellMutations(
        tuple(names), tuple(sites), tuple(f"m{j + 1}" for j in range(mutations)),
        genotypes_of_reads(reads.astype(np.int32), depth.astype(np.int32)),
        depth.astype(np.int32), reads.astype(np.int32),
        None if days is None else np.array(days, dtype=float),
    )  # fmt: skip
    return SequencedCells(cells, truth, doublet)


def sequence_bulk(
    rng: np.random.Generator,
    genotype: NDArray[np.bool_],
    sites: Sequence[str],
    *,
    coverage: float = 100.0,
    purity: float = 0.7,
    read_error: float = 0.002,
) -> SampleMutations:
    """Read the cells of each site together, diluted with normal cells.

    Parameters
    ----------
    rng : numpy.random.Generator
    genotype : ndarray of bool, shape (n_cells, n_mutations)
    sites : sequence of str
    coverage : float
        Mean reads at a place, above 0 (Poisson).
    purity : float
        Share of tumour cells, above 0 to 1.
    read_error : float
        Probability that a read shows the other allele, 0 to below 0.5.

    Raises
    ------
    CohortError
        If a number is out of range or there is only one site.
    """
    problems = ProblemList()
    if not 0.0 < coverage < np.inf:
        problems.add("coverage", f"{coverage!r} is out of range; give above 0")
    if not 0.0 < purity <= 1.0:
        problems.add("purity", f"{purity!r} is out of range; give above 0 to 1")
    if not 0.0 <= read_error < 0.5:
        problems.add("read_error", f"{read_error!r} is out of range; give 0 to below 0.5")
    problems.raise_any(CohortError, "the sequencing")
    where, names = np.array(sites), tuple(dict.fromkeys(sites))
    share = 0.5 * purity * np.array([genotype[where == site].mean(axis=0) for site in names])
    total = rng.poisson(coverage, share.shape)
    reads = rng.binomial(total, share + (1 - 2 * share) * read_error)
    return SampleMutations(
        names, names, tuple(f"m{j + 1}" for j in range(genotype.shape[1])),
        alternative=reads.astype(np.int32), total=total.astype(np.int32),
        purity=np.full(len(names), purity),
    )  # fmt: skip


def cohort_of_cells(read: CellMutations, patient: str, *, index_event: str = "surgery") -> Cohort:
    """Return the cells of one patient as a cohort, with the reads as its matrix ``variants``.

    Parameters
    ----------
    read : CellMutations
        Sites in the cohort's words (primary, blood, bone_marrow, ...).
    patient : str
    index_event : str
        What day 0 is.

    Raises
    ------
    CohortError
        If a site is not one of the cohort's words.
    """
    import anndata

    days = np.zeros(len(read)) if read.times is None else read.times
    taken = list(dict.fromkeys(zip(read.sites, days.tolist(), strict=True)))
    label = {key: f"{patient}-{key[0]}-{number + 1}" for number, key in enumerate(taken)}
    tables = {
        "patients": pl.DataFrame({"patient_id": [patient]}),
        "samples": pl.DataFrame(
            {
                "sample_id": list(label.values()),
                "patient_id": [patient] * len(label),
                "site": [site for site, _ in label],
                "time": [day for _, day in label],
            }
        ),
        "cells": pl.DataFrame(
            {
                "cell_id": list(read.names),
                "sample_id": [label[key] for key in zip(read.sites, days.tolist(), strict=True)],
            }
        ),
    }
    matrix = anndata.AnnData(X=read.genotype.astype(np.float32))
    matrix.obs_names, matrix.var_names = list(read.names), list(read.mutations)
    if read.total is not None and read.alternative is not None:
        matrix.layers["alt"], matrix.layers["depth"] = (
            np.array(read.alternative), np.array(read.total),
        )  # fmt: skip
    matrix.layers["genotype"] = np.array(read.genotype)
    return Cohort.from_tables(tables, index_event=index_event, matrices={"variants": matrix})


def _depth(rng: np.random.Generator, plan: Sequencing, shape: tuple[int, ...]) -> NDArray[np.int64]:
    if plan.spread == 0.0:
        return rng.poisson(plan.coverage, shape)
    size = plan.coverage / plan.spread
    return rng.negative_binomial(size, size / (size + plan.coverage), shape)
