"""Mutations of one patient from a cohort or an AnnData matrix, with site and day of each sample.

Layers ``alt`` and ``depth`` are reads, a layer ``genotype`` or else ``X`` codes (0, 1, 2, missing
-1 or NaN). Rows whose phenotype is ``bulk`` are samples, the others single cells. A MAF lists
calls only: depth 0 is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from marrowtrace.cohort.cohort import Cohort
from marrowtrace.errors import CohortError, did_you_mean
from marrowtrace.phylogeny.cell_mutations import MISSING, CellMutations, Genotypes
from marrowtrace.phylogeny.sample_mutations import SampleMutations
from marrowtrace.phylogeny.single_cell_file import CellFile, genotypes_of_reads

if TYPE_CHECKING:
    from anndata import AnnData

BULK = "bulk"


def cells_of(matrix: AnnData, *, site_column: str = "site") -> CellFile:
    """Return the cells of an AnnData matrix whose ``obs`` says where each is from.

    Parameters
    ----------
    matrix : AnnData
        Cells by mutations. Columns ``kind``, ``cluster_id`` and ``time`` of ``obs`` are used.
    site_column : str
        Column of ``obs`` that holds the site.

    Raises
    ------
    CohortError
        If there is no such column, neither reads nor codes, or the values are impossible.
    """
    columns = [str(column) for column in matrix.obs.columns]
    if site_column not in columns:
        raise CohortError(
            f"obs has no column '{site_column}' that says where each cell is from"
            f"{did_you_mean(site_column, columns)}; it has: {', '.join(columns) or 'no columns'}"
        )

    def column(name: str, empty: str) -> tuple[str, ...]:
        if name not in columns:
            return (empty,) * len(matrix.obs)
        missing = matrix.obs[name].isna().tolist()
        values = matrix.obs[name].tolist()
        return tuple(
            empty if gone else str(value) for value, gone in zip(values, missing, strict=True)
        )

    sites = column(site_column, "")
    days = matrix.obs["time"].to_numpy(dtype=float) if "time" in columns else None
    alternative, total = _layer(matrix, "alt"), _layer(matrix, "depth")
    cells = CellMutations(
        tuple(str(name) for name in matrix.obs_names),
        sites,
        tuple(str(name) for name in matrix.var_names),
        _genotypes(matrix),
        total,
        alternative,
        days,
    )
    return CellFile(cells, column("kind", "tumour"), column("cluster_id", ""))


def samples_of(matrix: AnnData, sites: Mapping[str, str]) -> SampleMutations:
    """Return bulk samples of a matrix of reads, as `io.maf.read_maf` makes it.

    Parameters
    ----------
    matrix : AnnData
        Samples by mutations, with the layers ``alt`` and ``depth``.
    sites : mapping of str to str
        Site by sample.

    Raises
    ------
    CohortError
        If a sample has no site, there are no reads, or the values are impossible.
    """
    names = tuple(str(name) for name in matrix.obs_names)
    lacking = [name for name in names if name not in sites]
    if lacking:
        raise CohortError(
            f"{len(lacking)} sample(s) have no site, e.g. '{lacking[0]}'"
            f"{did_you_mean(lacking[0], list(sites))}"
        )
    return SampleMutations(
        names,
        tuple(sites[name] for name in names),
        tuple(str(name) for name in matrix.var_names),
        alternative=_layer(matrix, "alt"),
        total=_layer(matrix, "depth"),
    )


def mutations_of(cohort: Cohort, patient_id: str) -> CellFile | SampleMutations:
    """Return the single cells of a patient, or the bulk samples if there are no cells.

    Parameters
    ----------
    cohort : Cohort
        With a matrix ``variants``.
    patient_id : str

    Returns
    -------
    CellFile or SampleMutations
        Sites are those of the ``samples`` table.

    Raises
    ------
    CohortError
        If there is no such patient or matrix, or the values are impossible.
    """
    patients = cohort.patients["patient_id"].to_list()
    if patient_id not in patients:
        raise CohortError(
            f"'{patient_id}' is not a patient of the cohort{did_you_mean(patient_id, patients)}"
        )
    if "variants" not in cohort.matrices:
        raise CohortError("the cohort has no matrix 'variants'; read a MAF or an .h5ad file first")
    own = cohort.select([patient_id])
    matrix = own.matrices["variants"]
    known = {row["sample_id"]: row for row in own.samples.iter_rows(named=True)}
    rows = own.cells.to_dicts()
    bulk = [i for i, row in enumerate(rows) if row["phenotype"] == BULK]
    single = [i for i, row in enumerate(rows) if row["phenotype"] != BULK]
    chosen = single or bulk
    names = tuple(str(rows[i]["cell_id"]) for i in chosen)
    sites = tuple(str(known[rows[i]["sample_id"]]["site"]) for i in chosen)
    days = np.array([float(known[rows[i]["sample_id"]]["time"]) for i in chosen])
    part = matrix[chosen]
    mutations = tuple(str(name) for name in matrix.var_names)
    alternative, total = _layer(part, "alt"), _layer(part, "depth")
    if single:
        cells = CellMutations(names, sites, mutations, _genotypes(part), total, alternative, days)
        clusters = tuple(str(rows[i]["cluster_id"] or "") for i in chosen)
        return CellFile(cells, ("tumour",) * len(names), clusters)
    return SampleMutations(
        names, sites, mutations, alternative=alternative, total=total, times=days
    )


def _layer(matrix: AnnData, name: str) -> Any:
    if name not in matrix.layers:
        return None
    values = matrix.layers[name]
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values)


def _genotypes(matrix: AnnData) -> Genotypes:
    codes = _layer(matrix, "genotype")
    if codes is None and matrix.X is not None:
        codes = np.asarray(matrix.X.toarray() if hasattr(matrix.X, "toarray") else matrix.X)
    if codes is not None:
        filled = np.nan_to_num(np.asarray(codes, dtype=float), nan=float(MISSING))
        if np.any(filled != np.floor(filled)):
            raise CohortError("genotypes are codes 0, 1, 2 or -1; the matrix holds fractions")
        clipped: Genotypes = np.clip(filled, -128, 127).astype(np.int8)
        return clipped
    alternative, total = _layer(matrix, "alt"), _layer(matrix, "depth")
    if alternative is None or total is None:
        raise CohortError("the matrix has neither genotypes nor the layers 'alt' and 'depth'")
    return genotypes_of_reads(alternative, total)
