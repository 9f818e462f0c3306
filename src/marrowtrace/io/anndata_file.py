"""Matrices of single cells as `.h5ad` files (AnnData), alone or with what is known of the cells.

A cohort's matrices have the cells as rows. `export_cells` writes one of them for other programs:
``obs`` holds the columns of the ``cells`` table and, as ``sample.*`` and ``patient.*``, those of
the cell's sample and patient. `import_cells` takes such a file, or one of another program whose
``obs`` says which sample each cell is from, into a cohort.

`.h5ad` has no missing decimal number beside NaN, so a NaN of a further column returns as missing.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from marrowtrace.cohort import TABLES, Cohort
from marrowtrace.cohort.cohort import MATRICES
from marrowtrace.errors import CohortError, InputFileError, OutputError, did_you_mean
from marrowtrace.io.import_result import ImportResult
from marrowtrace.io.notes import without_dates
from marrowtrace.io.stray_identifiers import stray_identifier
from marrowtrace.storage import atomic_file, require_file

if TYPE_CHECKING:
    from anndata import AnnData

SCHEMA = "marrowtrace.cells/1"
_NOTE = "marrowtrace"
_DTYPES: Mapping[str, type[pl.DataType]] = {
    "text": pl.String, "number": pl.Float64, "integer": pl.Int64, "boolean": pl.Boolean,
}  # fmt: skip


def write_matrix(matrix: AnnData, path: Path) -> None:
    """Write a matrix as it is; ``matrix`` itself is left unchanged.

    Raises
    ------
    OutputError
        If `.h5ad` cannot hold it (a '/' in the name of a column or layer, a NUL in a text).
    OSError
        If the file cannot be written.
    """
    import anndata

    named = {
        "column": [*matrix.obs.columns, *matrix.var.columns],
        "layer": list(matrix.layers),
        "entry": [*matrix.uns, *matrix.obsm, *matrix.varm],
    }
    for what, names in named.items():
        for name in names:
            if "/" in str(name) or str(name) in {"", "."}:
                raise OutputError(
                    f"'{path.name}': .h5ad cannot hold a {what} named '{name}'; rename it"
                )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copy = anndata.AnnData(
            X=matrix.X,
            obs=matrix.obs.copy(),
            var=matrix.var.copy(),
            uns=dict(matrix.uns),
            obsm=dict(matrix.obsm),
            varm=dict(matrix.varm),
            layers=dict(matrix.layers),
            obsp=dict(matrix.obsp),
            varp=dict(matrix.varp),
            shape=matrix.shape if matrix.X is None else None,
        )
        try:
            copy.write_h5ad(path)
        except (TypeError, ValueError) as err:
            raise OutputError(f"'{path.name}': .h5ad cannot hold the matrix: {err}") from err


def read_matrix(path: Path) -> AnnData:
    """Read a matrix.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    InputFileError
        If it is not `.h5ad`, or is cut short.
    """
    import anndata
    import h5py  # type: ignore[import-untyped]

    require_file(path)
    try:
        with h5py.File(path, "r") as file:
            lacking = [name for name in ("obs", "var") if name not in file]
        if lacking:
            raise InputFileError(
                f"'{path.name}' is HDF5 but not .h5ad: it lacks {' and '.join(lacking)}"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old files are read as well
            matrix: AnnData = anndata.read_h5ad(path)
    except InputFileError:
        raise
    except Exception as err:
        reason = str(err).splitlines()[0] if str(err) else type(err).__name__
        raise InputFileError(
            f"'{path.name}' is not an .h5ad file, or is cut short or damaged: {reason}"
        ) from err
    return matrix


def export_cells(cohort: Cohort, name: str, *, path: Path | str) -> Path:
    """Write one matrix with what is known of its cells, samples and patients.

    Parameters
    ----------
    cohort : Cohort
    name : {"variants", "copy_number", "expression"}
    path : Path or str
        The `.h5ad` file to write, whole or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    CohortError
        If the cohort has no such matrix.
    OutputError
        If the file cannot be written.
    """
    import anndata

    matrix = _matrix(cohort, name)
    cells = cohort.cells
    keys = {column: _key(column) for column in cells.columns if column != "cell_id"}
    joined = cells.select("sample_id").join(
        cohort.samples.rename(lambda column: f"sample.{column}"),
        left_on="sample_id", right_on="sample.sample_id", how="left", maintain_order="left",
    ).join(
        cohort.patients.rename(lambda column: f"patient.{column}"),
        left_on="sample.patient_id", right_on="patient.patient_id", how="left",
        maintain_order="left",
    ).drop("sample_id")  # fmt: skip
    obs = _to_pandas(cells.drop("cell_id").rename(keys), cells["cell_id"].to_list())
    for column in joined.columns:
        key = _key(column)
        if joined[column].null_count() < joined.height and key not in obs.columns:
            obs[key] = _to_pandas(joined.select(column), list(obs.index))[column]
    note = {
        "schema": SCHEMA,
        "matrix": name,
        "index_event": cohort.index_event,
        "cells": [
            {"column": column, "key": key, "type": _kind(cells[column])}
            for column, key in keys.items()
        ],
    }
    out = anndata.AnnData(
        X=matrix.X,
        obs=obs,
        var=matrix.var.copy(),
        layers=dict(matrix.layers),
        uns={_NOTE: json.dumps(note, ensure_ascii=True)},
        shape=matrix.shape if matrix.X is None else None,
    )
    target = Path(path)
    with atomic_file(target) as temporary:
        write_matrix(out, temporary)
    return target


def import_cells(
    cohort: Cohort, path: Path | str, *, matrix: str, sample_column: str = "sample_id"
) -> ImportResult:
    """Take a matrix of cells, and the cells if the cohort has none yet, from an `.h5ad` file.

    Parameters
    ----------
    cohort : Cohort
        Must hold the samples that the cells are from.
    path : Path or str
    matrix : {"variants", "copy_number", "expression"}
        What the values are.
    sample_column : str
        Column of ``obs`` that names each cell's sample. Columns named as those of the ``cells``
        table are taken as such; all others are kept as further columns.

    Returns
    -------
    ImportResult
        The cohort with the matrix, and what was understood.

    Raises
    ------
    MissingFileError, InputFileError
        If the file cannot be read, or does not say which sample each cell is from.
    CohortError
        If the cells do not match the samples or cells of the cohort.
    """
    file = Path(path)
    if matrix not in MATRICES:
        hint = did_you_mean(matrix, MATRICES)
        raise CohortError(
            f"'{matrix}' is not a matrix of a cohort{hint}; allowed: {', '.join(MATRICES)}"
        )
    read = read_matrix(file)
    report = [f"{file.name}: {read.n_obs} cells x {read.n_vars} features taken as {matrix}"]
    tables = dict(cohort.tables)
    if cohort.cells.height:
        report.append("the cohort's own cells table is kept; columns of obs are not used")
    else:
        tables["cells"] = _cells(read, sample_column, file.name, report)
    merged = Cohort.from_tables(
        tables,
        index_event=cohort.index_event,
        provenance=cohort.provenance,
        matrices={**cohort.matrices, matrix: read},
    )
    return ImportResult(merged, tuple(without_dates(line) for line in report))


def _matrix(cohort: Cohort, name: str) -> AnnData:
    if name not in cohort.matrices:
        hint = did_you_mean(name, list(cohort.matrices))
        raise CohortError(
            f"the cohort has no matrix '{name}'{hint}; it has: "
            f"{', '.join(cohort.matrices) or 'none'}"
        )
    return cohort.matrices[name]


def _key(column: str) -> str:
    """Spell a column's name so that HDF5 can hold it."""
    if column in {"", ".", "_index"}:
        return "%" + column.encode().hex()
    for character in "%/\0":
        column = column.replace(character, f"%{ord(character):02X}")
    return column


def _kind(series: pl.Series) -> str:
    return next(kind for kind, dtype in _DTYPES.items() if series.dtype == dtype)


def _to_pandas(frame: pl.DataFrame, index: list[str]) -> Any:
    """Make a pandas frame whose types `.h5ad` holds with their missing values."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in frame.columns:
        series = frame[name]
        kind = _kind(series)
        if kind == "text":
            columns[name] = pd.Categorical(series.to_list())
        elif kind == "number":
            columns[name] = series.fill_null(float("nan")).to_numpy()
        elif series.null_count():
            dtype = "Int64" if kind == "integer" else "boolean"
            columns[name] = pd.array(series.to_list(), dtype=dtype)
        else:
            columns[name] = series.to_numpy()
    return pd.DataFrame(columns, index=index)


def _cells(matrix: AnnData, sample_column: str, where: str, report: list[str]) -> pl.DataFrame:
    """Make the cells table from ``obs``."""
    ours = _read_note(matrix)
    names = [str(name) for name in matrix.obs_names]
    series = [pl.Series("cell_id", names, dtype=pl.String)]
    if ours is not None:
        for entry in ours:
            values = _from_pandas(matrix.obs[entry["key"]], entry["column"])
            series.append(values.cast(_DTYPES[entry["type"]]))
        return pl.DataFrame(series)
    columns = [str(column) for column in matrix.obs.columns]
    if sample_column not in columns:
        hint = did_you_mean(sample_column, columns)
        raise InputFileError(
            f"'{where}': obs has no column '{sample_column}' that says which sample each cell is "
            f"from{hint}; it has: {', '.join(columns) or 'no columns'}"
        )
    kept = []
    for column in columns:
        target = "sample_id" if column == sample_column else column
        if column != sample_column and column in {"sample_id", "cell_id"}:
            report.append(f"column '{column}' of obs is not used")
            continue
        values = _from_pandas(matrix.obs[column], target)
        further = target not in TABLES["cells"].names
        what = stray_identifier(column, values) if further and values.dtype == pl.String else ""
        if what:
            report.append(f"column '{column}' of obs looks like {what}; left behind")
            continue
        series.append(values)
        if further:
            kept.append(column)
    if sample_column != "sample_id":
        report.append(f"column '{sample_column}' of obs names the sample")
    if kept:
        report.append(f"further columns of obs kept: {', '.join(kept)}")
    return pl.DataFrame(series)


def _read_note(matrix: AnnData) -> list[dict[str, str]] | None:
    """Return the columns that `export_cells` noted, or None for a file of another program."""
    try:
        note = json.loads(matrix.uns[_NOTE])
        if note["schema"] != SCHEMA:
            return None
        found = {entry["key"] for entry in note["cells"]} <= set(matrix.obs.columns)
    except (KeyError, TypeError, ValueError):
        return None
    return list(note["cells"]) if found else None


def _from_pandas(values: Any, name: str) -> pl.Series:
    """Read a column of ``obs``; whatever pandas calls missing is missing."""
    import pandas as pd

    missing = pd.isna(values).tolist()
    if isinstance(values.dtype, pd.CategoricalDtype):
        categories = values.cat.categories
        numeric = pd.api.types.is_numeric_dtype(categories)
        convert: Any = (lambda v: v) if numeric else str
    elif pd.api.types.is_bool_dtype(values.dtype):
        convert = bool
    elif pd.api.types.is_integer_dtype(values.dtype):
        convert = int
    elif pd.api.types.is_float_dtype(values.dtype):
        convert = float
    else:
        convert = str
    listed = [
        None if gone else convert(value)
        for value, gone in zip(values.tolist(), missing, strict=True)
    ]
    return pl.Series(name, listed, strict=False)
