"""Expression matrices from files: text, AnnData, 10x folders and GEO series, and what they hold.

Genes may stand in rows or in columns; which of the two is found out from the names, and said.
Columns of text beside the numbers (a second name, a description, a biotype) are set aside; a column
of symbols beside Ensembl ids gives the names.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from marrowtrace.errors import InputFileError, MissingFileError
from marrowtrace.expression.genes import NamedGenes, count_recognised, name_genes
from marrowtrace.expression.matrix import Expression, check_scale, check_values, find_scale
from marrowtrace.storage import require_file

FEWEST_GENES = 5
"""Names to be recognised before a matrix is taken for one of genes."""
_SYMBOL_COLUMNS = {
    "genename", "gene_name", "symbol", "gene_symbol", "genesymbol", "hgnc_symbol", "gene symbol",
}  # fmt: skip
_MISSING = ("", "NA", "NaN", "nan", "N/A", "null", "NULL")


@dataclass(frozen=True, slots=True)
class _Grid:
    """Row names, column names and numbers, before it is known which of them are genes."""

    rows: list[str]
    columns: list[str]
    values: Any
    second: list[str] | None
    notes: list[str]


def read_expression(
    path: Path,
    *,
    scale: str | None = None,
    species: str | None = None,
    name: str | None = None,
    platform: Path | None = None,
) -> Expression:
    """Read an expression matrix of any of the known forms.

    Parameters
    ----------
    path : pathlib.Path
        CSV or TSV (gzipped or not), ``.h5ad``, a 10x folder or ``.mtx``, or a GEO series matrix.
    scale : str, optional
        Scale of the numbers; found out if left out.
    species : {"human", "mouse"}, optional
    name : str, optional
        What to call it; the name of the file if left out.
    platform : pathlib.Path, optional
        For a series matrix of an array: a table with the columns ``ID`` and a gene symbol.

    Returns
    -------
    Expression

    Raises
    ------
    InputFileError, MissingFileError
    """
    title = name or _title(path)
    if path.is_dir() or path.name.endswith((".mtx", ".mtx.gz")):
        grid = _read_10x(path)
    elif path.suffix == ".h5ad":
        grid = _read_anndata(path)
    else:
        require_file(path)
        text = file_text(path)
        if "!series_matrix_table_begin" in text[:2_000_000]:
            grid = _series_grid(text, path.name, platform)
        else:
            grid = _read_text(text, path.name)
    return _assemble(grid, title, scale, species)


def _title(path: Path) -> str:
    text = path.name
    for ending in (".gz", ".csv", ".tsv", ".txt", ".h5ad", ".mtx"):
        text = text.removesuffix(ending)
    return text


def _assemble(grid: _Grid, title: str, scale: str | None, species: str | None) -> Expression:
    """Turn the grid so that samples are rows, name the genes, merge what stands twice."""
    notes = list(grid.notes)
    in_rows = count_recognised(grid.second or grid.rows)
    if grid.second is not None:
        in_rows = max(in_rows, count_recognised(grid.rows))
    in_columns = count_recognised(grid.columns)
    if min(in_rows, in_columns) >= FEWEST_GENES and max(in_rows, in_columns) < 10 * min(
        in_rows, in_columns
    ):
        raise InputFileError(
            f"{title}: gene names stand in the rows ({in_rows} recognised) and in the columns "
            f"({in_columns}); a matrix has genes on one side and samples on the other"
        )
    if max(in_rows, in_columns) == 0:
        shown = ", ".join([*grid.rows[:3], *grid.columns[:3]])
        raise InputFileError(
            f"{title}: no gene name is recognised in rows or columns (they begin {shown}); symbols "
            "or Ensembl ids are wanted, for array probes give a platform table"
        )
    genes_in_rows = in_rows >= in_columns
    if genes_in_rows:
        names = grid.rows if grid.second is None else _better(grid.rows, grid.second)
        samples, values = grid.columns, grid.values.T
    else:
        names, samples, values = grid.columns, grid.rows, grid.values
    notes.append(
        f"genes are in {'rows' if genes_in_rows else 'columns'}: {len(names):,} genes, "
        f"{len(samples):,} samples"
    )
    found_scale = find_scale(values, where=title)
    notes.append(f"values look like {found_scale}")
    if (scale or found_scale) == "counts" and found_scale == "counts":
        values, rounded = _rounded(values)
        if rounded:
            notes.append(
                f"{rounded:.0%} of the values above 0 are not whole (expected counts); rounded"
            )
    named = name_genes(names, species=species)
    notes.extend(named.notes())
    values, genes = _merge(values, named, scale or found_scale)
    expression = Expression(
        values=values,
        samples=tuple(samples),
        genes=genes,
        scale=found_scale,
        name=title,
        species=named.species,
        notes=tuple(notes),
    )
    if scale is not None:
        expression = check_scale(expression, scale)
    check_values(expression)
    return expression


def _rounded(values: Any) -> tuple[Any, float]:
    """Whole numbers, and the share of the positive values that had to be rounded."""
    if not isinstance(values, np.ndarray):
        return values, 0.0
    whole = np.rint(values)
    positive = values > 0
    return whole, float(np.mean(whole[positive] != values[positive]))


def _better(rows: list[str], second: list[str]) -> list[str]:
    """Names from the column of symbols, or the row name where it holds none."""
    return [s if s and s not in _MISSING else r for r, s in zip(rows, second, strict=True)]


def _merge(values: Any, named: NamedGenes, scale: str) -> tuple[Any, tuple[str, ...]]:
    """Merge rows of one gene: counts are added, of others the one with the highest mean is kept."""
    import scipy.sparse as sp

    sparse = not isinstance(values, np.ndarray)
    genes = tuple(dict.fromkeys(named.names))
    if len(genes) == len(named.names):
        return (sp.csr_array(values) if sparse else np.ascontiguousarray(values)), genes
    place = {gene: i for i, gene in enumerate(genes)}
    target = np.array([place[name] for name in named.names])
    if scale in ("counts", "tpm"):
        fold = sp.csr_array(
            (np.ones(len(target), dtype=values.dtype), (np.arange(len(target)), target)),
            shape=(len(target), len(genes)),
        )
        merged = values @ fold
        return (sp.csr_array(merged) if sparse else np.ascontiguousarray(merged)), genes
    means = np.asarray(values.mean(axis=0)).ravel()
    order = np.lexsort((-means, target))
    first = order[np.unique(target[order], return_index=True)[1]]
    kept = sp.csc_array(values)[:, first] if sparse else values[:, first]
    return (sp.csr_array(kept) if sparse else np.ascontiguousarray(kept)), genes


def file_text(path: Path) -> str:
    """Return the text of a file, gzipped or not, in UTF-8 or, failing that, Windows-1252.

    Raises
    ------
    InputFileError
        If it is neither, or cannot be read.
    """
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError) as err:
        raise InputFileError(f"{path.name}: cannot be read: {err}") from err
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError as err:
        raise InputFileError(
            f"{path.name}: is neither UTF-8 nor Windows-1252 text (byte {err.start}); save it as "
            "UTF-8, or is it a binary file with the wrong ending?"
        ) from err


def separator(line: str) -> str:
    """Return the mark that makes the most columns of a line: tab, comma or semicolon, or none."""
    counts = {mark: line.count(mark) for mark in ("\t", ",", ";")}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ""


def _read_text(text: str, name: str) -> _Grid:
    """A delimited matrix with one row of names and one column of names."""
    notes = ["not UTF-8; read as Windows-1252"] if "\ufffd" in text[:1000] else []
    lines = [line for line in text.splitlines()[:3] if line.strip()]
    if len(lines) < 2:
        raise InputFileError(f"{name}: has no rows; a header and rows of numbers are wanted")
    mark = separator(lines[0])
    if not mark:
        raise InputFileError(f"{name}: no comma, tab or semicolon makes columns in its first line")
    header = [cell.strip().strip('"') for cell in lines[0].split(mark)]
    width = lines[1].count(mark) + 1
    if '"' in lines[0] and len(header) != width:
        header = _quoted(lines[0], mark)
        width = len(_quoted(lines[1], mark))
    if len(header) == width - 1:
        header = ["", *header]
    if len(header) != width:
        raise InputFileError(
            f"{name}: the header has {len(header)} fields, the next line {width}; they must match"
        )
    body = text.split("\n", 1)[1] if "\n" in text else ""
    frame = _frame(body, mark, name, header)
    return _split_columns(frame, header, name, notes)


def _quoted(line: str, mark: str) -> list[str]:
    import csv

    return next(csv.reader([line], delimiter=mark))


def _frame(body: str, mark: str, name: str, header: list[str]) -> pl.DataFrame:
    try:
        return pl.read_csv(
            io.BytesIO(body.encode("utf-8")),
            separator=mark,
            has_header=False,
            new_columns=[f"c{i}" for i in range(len(header))],
            infer_schema_length=200,
            null_values=list(_MISSING),
        )
    except pl.exceptions.PolarsError:
        pass
    try:  # numbers that change their kind far down: read as text, then cast
        return pl.read_csv(
            io.BytesIO(body.encode("utf-8")),
            separator=mark,
            has_header=False,
            new_columns=[f"c{i}" for i in range(len(header))],
            infer_schema_length=0,
            null_values=list(_MISSING),
        )
    except pl.exceptions.PolarsError as err:
        raise InputFileError(f"{name}: is no table: {str(err).splitlines()[0]}") from err


def _split_columns(frame: pl.DataFrame, header: list[str], name: str, notes: list[str]) -> _Grid:
    """Set the row names and further columns of text apart from the numbers."""
    rows = [str(value) for value in frame["c0"].fill_null("").to_list()]
    second: list[str] | None = None
    numbers: list[pl.Series] = []
    columns: list[str] = []
    aside: list[str] = []
    for i, title in enumerate(header[1:], start=1):
        series = frame[f"c{i}"]
        if series.dtype.is_numeric():
            cast = series.cast(pl.Float64)
        else:
            text = series.cast(pl.String)
            cast = text.str.strip_chars().cast(pl.Float64, strict=False)
            bad = text.filter(cast.is_null() & text.is_not_null())
            if len(bad) > 0.5 * len(text):
                aside.append(title)
                if title.casefold() in _SYMBOL_COLUMNS and second is None:
                    second = [str(v) for v in text.fill_null("").to_list()]
                continue
            if len(bad):
                raise InputFileError(
                    f"{name}: column '{title}' holds {len(bad)} value(s) that are no numbers, e.g. "
                    f"'{bad[0]}'"
                )
        numbers.append(cast)
        columns.append(title)
    if not numbers:
        raise InputFileError(f"{name}: no column of numbers; an expression matrix is wanted")
    if aside:
        notes.append(f"column(s) of text set aside: {', '.join(aside[:6])}")
    values: NDArray[np.float64] = np.column_stack([s.to_numpy() for s in numbers])
    return _Grid(rows, columns, values.astype(np.float64), second, notes)


def _series_grid(text: str, name: str, platform: Path | None) -> _Grid:
    from marrowtrace.expression.series_matrix import parse_series_matrix

    series = parse_series_matrix(text, name)
    rows = list(series.probes)
    notes = [f"GEO series {series.accession}: {len(rows):,} probes", *series.notes]
    second = None
    if platform is not None:
        symbols = _platform_symbols(platform)
        second = [symbols.get(probe, "") for probe in rows]
        notes.append(f"{sum(bool(s) for s in second):,} probes named by {platform.name}")
    return _Grid(rows, list(series.samples), series.values, second, notes)


def _platform_symbols(path: Path) -> dict[str, str]:
    """Probe to symbol, from a platform table (lines that begin with #, ! or ^ are skipped)."""
    lines = [line for line in file_text(require_file(path)).splitlines() if line[:1] not in "#!^"]
    mark = separator(lines[0]) if lines else ""
    header = [cell.strip().strip('"').casefold() for cell in lines[0].split(mark)] if mark else []
    found = [i for i, title in enumerate(header) if title in _SYMBOL_COLUMNS]
    if not found or "id" not in header:
        raise InputFileError(
            f"{path.name}: a platform table has the columns ID and Gene Symbol; it has "
            f"{', '.join(header[:8]) or 'none'}"
        )
    out: dict[str, str] = {}
    for line in lines[1:]:
        cells = [cell.strip().strip('"') for cell in line.split(mark)]
        if len(cells) > max(found[0], header.index("id")):
            symbol = cells[found[0]].split("///")[0].strip()
            out[cells[header.index("id")]] = symbol
    return out


def _read_anndata(path: Path) -> _Grid:
    import anndata

    require_file(path)
    try:
        data = anndata.read_h5ad(path)
    except (OSError, KeyError, ValueError) as err:
        raise InputFileError(f"{path.name}: is no AnnData file: {err}") from err
    matrix = data.X
    notes = []
    if "counts" in data.layers:
        matrix = data.layers["counts"]
        notes.append("the layer 'counts' was taken")
    if matrix is None:
        raise InputFileError(f"{path.name}: holds no matrix X and no layer 'counts'")
    values = matrix if isinstance(matrix, np.ndarray) else matrix.tocsr()
    second = next(
        (list(map(str, data.var[c])) for c in data.var if c.casefold() in _SYMBOL_COLUMNS), None
    )
    return _Grid(list(map(str, data.var_names)), list(map(str, data.obs_names)), values.T, second,
                 notes)  # fmt: skip


def _read_10x(path: Path) -> _Grid:
    """A folder of matrix.mtx, barcodes.tsv and features.tsv or genes.tsv, gzipped or not."""
    import scipy.io
    import scipy.sparse as sp

    folder = path if path.is_dir() else path.parent
    found: dict[str, Path] = {}
    for role, stems in {
        "matrix": ("matrix.mtx",),
        "barcodes": ("barcodes.tsv",),
        "features": ("features.tsv", "genes.tsv"),
    }.items():
        options = [folder / (stem + end) for stem in stems for end in ("", ".gz")]
        hit = [option for option in options if option.is_file()]
        if not hit:
            raise MissingFileError(
                f"'{folder.name}' is no 10x folder: it has no {' or '.join(stems)}(.gz)"
            )
        found[role] = hit[0]
    try:
        values = sp.csr_array(scipy.io.mmread(found["matrix"]))
    except ValueError as err:
        raise InputFileError(f"{found['matrix'].name}: is no Matrix Market file: {err}") from err
    features = [line.split("\t") for line in file_text(found["features"]).splitlines() if line]
    barcodes = [line.strip() for line in file_text(found["barcodes"]).splitlines() if line.strip()]
    if values.shape != (len(features), len(barcodes)):
        raise InputFileError(
            f"{folder.name}: the matrix is {values.shape[0]} x {values.shape[1]}, but there are "
            f"{len(features)} features and {len(barcodes)} barcodes"
        )
    second = [row[1] for row in features] if all(len(row) > 1 for row in features) else None
    return _Grid([row[0] for row in features], barcodes, values, second, ["10x matrix"])


def read_many(
    paths: Sequence[Path],
    *,
    scale: str | None = None,
    platform: Path | None = None,
    names: Mapping[Path, str] | None = None,
) -> list[Expression]:
    """Read several matrices.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    scale, platform
        As of `read_expression`, for each of them.
    names : mapping of pathlib.Path to str, optional
        What to call a matrix that is not to be called by its file.

    Raises
    ------
    InputFileError
        If two are called the same, so that their samples could not be told apart.
    """
    known = names or {}
    titles = [known.get(path) or _title(path) for path in paths]
    twice = [title for title in titles if titles.count(title) > 1]
    if twice:
        raise InputFileError(f"two matrices are called '{twice[0]}'; rename one of the files")
    return [
        read_expression(path, scale=scale, name=title, platform=platform)
        for path, title in zip(paths, titles, strict=True)
    ]
