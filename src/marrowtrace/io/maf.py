"""Mutation Annotation Format (MAF): called variants with read counts, one row a variant and sample.

Columns as in the GDC's MAF format, versions 2.x and protected or public: ``Hugo_Symbol``,
``Chromosome``, ``Start_Position``, ``Reference_Allele``, ``Tumor_Seq_Allele1/2``,
``Tumor_Sample_Barcode`` and, where present, ``t_depth``, ``t_ref_count``, ``t_alt_count``,
``Matched_Norm_Sample_Barcode``, ``Variant_Classification``. Names are matched in any case.

A MAF lists what was called and nothing else: where a sample has no row for a variant, the read
depth there is not known. It is stored as depth 0, which means 'no reads seen', never 'not mutated'.

A cohort's ``variants`` matrix has the rows of its ``cells`` table. A bulk sample stands there as
one row whose ``phenotype`` is ``bulk`` and whose cell_id is the barcode, so that marrow aspirates
and primaries sequenced in bulk can be compared with single cells; what counts cells must leave it
out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, InputFileError, ProblemList, did_you_mean
from marrowtrace.io.import_result import ImportResult
from marrowtrace.io.tab_file import TabFile, read_tab_file

if TYPE_CHECKING:
    from anndata import AnnData

BULK = "bulk"
_REQUIRED = (
    "Hugo_Symbol", "Chromosome", "Start_Position", "Reference_Allele", "Tumor_Seq_Allele2",
    "Tumor_Sample_Barcode",
)  # fmt: skip
_OPTIONAL = (
    "Tumor_Seq_Allele1", "t_depth", "t_ref_count", "t_alt_count", "Matched_Norm_Sample_Barcode",
    "Variant_Classification",
)  # fmt: skip
_COUNTS = ("t_depth", "t_ref_count", "t_alt_count")
_MISSING = ("NA", ".", "__UNKNOWN__")
_DENSE = 20_000_000


@dataclass(frozen=True, slots=True)
class Variants:
    """Variants read from a MAF.

    Parameters
    ----------
    matrix : AnnData
        Rows are the barcodes of the file, columns the variants (``17:7577120:C>T``) with ``gene``,
        ``chromosome``, ``position``, ``reference``, ``alternative`` and ``classification``. Layers,
        all int32 of shape (n_barcodes, n_variants): ``alt`` and ``depth`` [reads], ``called`` (1
        where the file has a row). Sparse (CSR) from 20 million entries on.
    report : tuple of str
        What was understood on the way.
    """

    matrix: AnnData
    report: tuple[str, ...]


def read_maf(path: Path | str) -> Variants:
    """Read a MAF file, which may be gzipped.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputFileError
        If columns are missing, or listing every line with an impossible position or count.
    """
    file = _canonical(read_tab_file(Path(path), missing=_MISSING))
    file.require(_REQUIRED)
    if not file.frame.height:
        raise InputFileError(f"{file.name}: there are headers, but no variant under them")
    report = [f"{file.name}: {line.strip()}" for line in file.comments if "version" in line.lower()]
    report += file.notes
    rows = _rows(file, report)
    barcodes = rows["barcode"].unique(maintain_order=True)
    variants = rows.unique("variant", keep="first", maintain_order=True)
    report.append(
        f"{file.name}: {variants.height} variants in {len(barcodes)} samples ({rows.height} calls)"
    )
    return Variants(_matrix(rows, barcodes, variants), tuple(report))


def add_maf(
    cohort: Cohort,
    path: Path | str,
    *,
    samples: Mapping[str, str] | None = None,
    skip_unknown: bool = False,
) -> ImportResult:
    """Take the variants of a MAF into a cohort.

    Parameters
    ----------
    cohort : Cohort
        Without a ``variants`` matrix.
    path : Path or str
    samples : mapping of str to str, optional
        Barcode of the MAF to sample_id or cell_id, where they differ.
    skip_unknown : bool
        Whether barcodes that are neither a sample nor a cell are left out and reported, rather
        than refused.

    Returns
    -------
    ImportResult
        The cohort with ``variants``. A barcode that is a cell_id keeps that cell; one that is a
        sample_id adds a row with phenotype ``bulk`` to ``cells``.

    Raises
    ------
    MissingFileError, InputFileError
        If the file cannot be read, or listing the barcodes that the cohort does not know.
    CohortError
        If the cohort has variants already, or other matrices that bulk rows would no longer match.
    """
    if "variants" in cohort.matrices:
        raise CohortError("the cohort has a matrix 'variants' already")
    name = Path(path).name
    read = read_maf(path)
    report = list(read.report)
    renamed = dict(samples or {})
    ids = [renamed.get(barcode, barcode) for barcode in read.matrix.obs_names]
    again = sorted({i for i in ids if ids.count(i) > 1}) if renamed else []
    if again:
        raise InputFileError(f"{name}: two barcodes are mapped to '{again[0]}'")
    known_cells = set(cohort.cells["cell_id"].to_list())
    known_samples = set(cohort.samples["sample_id"].to_list())
    unknown = [i for i in ids if i not in known_cells | known_samples]
    _refuse_unknown(name, unknown, sorted(known_samples), report, skip=skip_unknown)
    bulk = [i for i in ids if i not in known_cells and i in known_samples]
    cells = cohort.cells
    if bulk:
        if cohort.matrices:
            raise CohortError(
                f"{name} has bulk samples, whose rows the cohort's "
                f"{', '.join(cohort.matrices)} would lack; add the variants first"
            )
        rows = pl.DataFrame({"cell_id": bulk, "sample_id": bulk, "phenotype": [BULK] * len(bulk)})
        cells = pl.concat([cells, rows], how="diagonal")
        report.append(f"{len(bulk)} bulk sample(s) stand in cells with phenotype '{BULK}'")
    wanted = cells["cell_id"].to_list()
    silent = sorted(set(wanted) - set(ids))
    if silent:
        report.append(
            f"{len(silent)} cell(s) have no row in {name}: depth 0 there, that is not known"
        )
    matrix = _expand(read.matrix, ids, wanted)
    result = Cohort.from_tables(
        {**cohort.tables, "cells": cells},
        index_event=cohort.index_event,
        provenance=cohort.provenance,
        matrices={**cohort.matrices, "variants": matrix},
    )
    return ImportResult(result, tuple(report))


def _canonical(file: TabFile) -> TabFile:
    """Give the columns the capitals of the format."""
    found = {column.casefold(): column for column in file.frame.columns}
    names = {
        found[name.casefold()]: name
        for name in (*_REQUIRED, *_OPTIONAL)
        if name.casefold() in found
    }
    return TabFile(file.name, file.frame.rename(names), file.lines, file.comments, file.notes)


def _rows(file: TabFile, report: list[str]) -> pl.DataFrame:
    """Return one row a barcode and variant, with counts, refusing what is impossible."""
    frame = file.frame.with_columns(file.lines.alias("line"))
    for name in _OPTIONAL:
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name))
    problems = ProblemList()
    for name in ("Chromosome", "Start_Position", "Reference_Allele", "Tumor_Sample_Barcode"):
        _note(problems, file, name, pl.col(name).is_null(), "is empty", frame)
    numbers = frame.with_columns(
        pl.col("Start_Position").cast(pl.Int64, strict=False).alias("position"),
        *(pl.col(name).cast(pl.Int64, strict=False).alias(f"n_{name}") for name in _COUNTS),
    )
    bad = pl.col("Start_Position").is_not_null() & ~(pl.col("position") > 0).fill_null(value=False)
    _note(problems, file, "Start_Position", bad, "is no position (1, 2, ...)", numbers)
    for name in _COUNTS:
        count = pl.col(f"n_{name}")
        bad = pl.col(name).is_not_null() & ~(count >= 0).fill_null(value=False)
        _note(problems, file, name, bad, "is no count (0, 1, 2, ...)", numbers)
    depth = pl.coalesce("n_t_depth", pl.col("n_t_ref_count") + pl.col("n_t_alt_count"))
    allele = pl.when(
        (pl.col("Tumor_Seq_Allele2") == pl.col("Reference_Allele")).fill_null(value=True)
        & pl.col("Tumor_Seq_Allele1").is_not_null()
    ).then("Tumor_Seq_Allele1").otherwise("Tumor_Seq_Allele2")  # fmt: skip
    numbers = numbers.with_columns(depth.alias("depth"), allele.alias("alternative"))
    _note(
        problems,
        file,
        "Tumor_Seq_Allele2",
        pl.col("alternative").is_null(),
        "is empty",
        frame=numbers,
    )
    more = (pl.col("n_t_alt_count") > pl.col("depth")).fill_null(value=False)
    _note(problems, file, "t_alt_count", more, "is more than the depth", numbers)
    problems.raise_any(InputFileError, file.name)
    rows = numbers.select(
        pl.col("Tumor_Sample_Barcode").alias("barcode"),
        pl.col("Chromosome").str.strip_prefix("chr").alias("chromosome"),
        "position",
        pl.col("Reference_Allele").alias("reference"),
        "alternative",
        pl.col("Hugo_Symbol").alias("gene"),
        pl.col("Variant_Classification").alias("classification"),
        pl.col("Matched_Norm_Sample_Barcode").alias("normal"),
        pl.col("n_t_alt_count").alias("alt"),
        "depth",
        "line",
    ).with_columns(
        pl.format("{}:{}:{}>{}", "chromosome", "position", "reference", "alternative").alias(
            "variant"
        )
    )
    uncounted = rows.filter(pl.col("alt").is_null() | pl.col("depth").is_null()).height
    if uncounted:
        report.append(f"{uncounted} call(s) have no read counts: called, with depth 0")
    return _once(rows, file.name, report)


def _once(rows: pl.DataFrame, name: str, report: list[str]) -> pl.DataFrame:
    """Keep one row a barcode and variant; two that count differently are an error."""
    key = ["barcode", "variant"]
    differing = (
        rows.group_by(key, maintain_order=True)
        .agg(pl.struct("alt", "depth").n_unique().alias("kinds"), pl.col("line"))
        .filter(pl.col("kinds") > 1)
    )
    problems = ProblemList()
    for row in differing.iter_rows(named=True):
        lines = ", ".join(map(str, row["line"]))
        problems.add(
            f"{name}, lines {lines}",
            f"give other counts for {row['variant']} in '{row['barcode']}'; keep one of them",
        )
    problems.raise_any(InputFileError, name)
    once = rows.unique(key, keep="first", maintain_order=True)
    if once.height < rows.height:
        report.append(f"{rows.height - once.height} repeated row(s) counted once")
    return once


def _note(
    problems: ProblemList, file: TabFile, column: str, bad: pl.Expr, what: str, frame: pl.DataFrame
) -> None:
    wrong = frame.filter(bad)
    if wrong.height:
        lines = ", ".join(str(line) for line in wrong["line"].head(3).to_list())
        more = ", ..." if wrong.height > 3 else ""
        value = wrong[column][0] if column in wrong.columns else None
        shown = "" if value is None else f"'{value}' "
        problems.add(
            f"{file.name}.{column}", f"{wrong.height} row(s) (line {lines}{more}): {shown}{what}"
        )


def _matrix(rows: pl.DataFrame, barcodes: pl.Series, variants: pl.DataFrame) -> AnnData:
    """Lay the rows out as barcodes x variants."""
    import anndata
    import numpy as np
    import pandas as pd
    from scipy import sparse

    row = rows["barcode"].replace_strict(barcodes, pl.Series(range(len(barcodes)))).to_numpy()
    names = variants["variant"]
    column = rows["variant"].replace_strict(names, pl.Series(range(len(names)))).to_numpy()
    shape = (len(barcodes), len(names))
    values = {
        "alt": rows["alt"].fill_null(0).to_numpy(),
        "depth": rows["depth"].fill_null(0).to_numpy(),
        "called": np.ones(rows.height),
    }
    layers: dict[str, Any] = {
        name: sparse.csr_matrix((value.astype(np.int32), (row, column)), shape=shape)
        for name, value in values.items()
    }
    if shape[0] * shape[1] < _DENSE:
        layers = {name: layer.toarray() for name, layer in layers.items()}
    var = pd.DataFrame(
        {
            name: variants[name].fill_null("").to_list() if name != "position"
            else variants[name].to_numpy()
            for name in ("gene", "chromosome", "position", "reference", "alternative",
                         "classification")
        },
        index=names.to_list(),
    )  # fmt: skip
    normals = rows.unique("barcode", keep="first", maintain_order=True)["normal"]
    obs = pd.DataFrame({"normal": normals.fill_null("").to_list()}, index=barcodes.to_list())
    return anndata.AnnData(obs=obs, var=var, layers=layers, shape=shape)


def _refuse_unknown(
    name: str, unknown: list[str], samples: list[str], report: list[str], *, skip: bool
) -> None:
    if not unknown:
        return
    if skip:
        report.append(f"{len(unknown)} barcode(s) of {name} are not in the cohort; left out")
        return
    problems = ProblemList()
    for barcode in unknown:
        problems.add(
            f"{name}.Tumor_Sample_Barcode",
            f"'{barcode}' is neither a sample nor a cell of the cohort"
            f"{did_you_mean(barcode, samples)}",
        )
    problems.raise_any(InputFileError, name)


def _expand(matrix: AnnData, ids: list[str], wanted: list[str]) -> AnnData:
    """Return the matrix with a row for each wanted id, 0 where it has none."""
    import anndata
    import numpy as np
    import pandas as pd
    from scipy import sparse

    at = {name: position for position, name in enumerate(ids)}
    pairs = [(new, at[name]) for new, name in enumerate(wanted) if name in at]
    new, old = zip(*pairs, strict=True) if pairs else ((), ())
    pick = sparse.csr_matrix(
        (np.ones(len(pairs), dtype=np.int32), (new, old)), shape=(len(wanted), len(ids))
    )
    normals = [matrix.obs["normal"].iloc[at[n]] if n in at else "" for n in wanted]
    obs = pd.DataFrame({"normal": normals}, index=wanted)
    layers = {name: (pick @ layer).astype(np.int32) for name, layer in matrix.layers.items()}
    return anndata.AnnData(
        obs=obs, var=matrix.var.copy(), layers=layers, shape=(len(wanted), matrix.n_vars)
    )
