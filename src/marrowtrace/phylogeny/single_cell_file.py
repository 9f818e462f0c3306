"""Genotypes and reads of single cells from the files of published programs.

- SCITE: mutations by cells, 0, 1, 2 (homozygous) and 3 (missing), without names.
- SPhyR: lines ``178 #cells`` and ``16 #SNVs``, then cells by mutations, -1 missing, without names.
- ConDoR: a table with a header, cells by mutations, -1 missing; ``cluster_id`` is the profile.
- SCARLET: a table with a header, for each mutation its mutated and all reads (``x_v``, ``x_t``);
  ``c`` is the copy-number profile.

Names come from files with one a line. The site of each cell comes from a table ``cell site``, which
may say what each cell is (``kind``: tumour, normal or doublet), its CTC cluster (``cluster``) and
the day (``time``); a cell without a row is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marrowtrace.errors import CohortError, InputFileError, ProblemList, did_you_mean
from marrowtrace.phylogeny.cell_mutations import MISSING, CellMutations, Genotypes, Reads
from marrowtrace.phylogeny.text_table import number, read_lines, read_text_table, require_keys

FORMATS = ("scite", "sphyr", "condor", "scarlet")
KINDS = ("tumour", "normal", "doublet")
SCITE_MISSING = 3


@dataclass(frozen=True, slots=True)
class CellLabels:
    """What is declared of each cell.

    Parameters
    ----------
    sites, kinds, clusters : dict of str to str
        By cell; a cluster is empty where a cell was alone.
    times : dict of str to float
        Day of sampling; NaN where it is not known.
    """

    sites: dict[str, str]
    kinds: dict[str, str]
    clusters: dict[str, str]
    times: dict[str, float]


@dataclass(frozen=True, slots=True)
class CellFile:
    """Cells read from a file, with what was declared of them.

    Parameters
    ----------
    cells : CellMutations
    kinds : tuple of str
        tumour, normal or doublet, for each cell; tumour where nothing was declared.
    clusters : tuple of str
        CTC cluster of each cell; empty where it was alone.
    """

    cells: CellMutations
    kinds: tuple[str, ...]
    clusters: tuple[str, ...]


def read_cells(
    path: Path | str,
    labels: Path | str,
    *,
    form: str,
    cell_names: Path | str | None = None,
    mutation_names: Path | str | None = None,
) -> CellFile:
    """Read single cells and their labels.

    Parameters
    ----------
    path : Path or str
        Genotypes or reads.
    labels : Path or str
        Table of the cells' sites.
    form : {"scite", "sphyr", "condor", "scarlet"}
    cell_names, mutation_names : Path or str, optional
        Names, one a line, for the forms that have none; else ``cell_1`` and so on.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    InputFileError
        If the form is not known, or listing every code, name and size that is wrong.
    """
    name = Path(path).name
    if form not in FORMATS:
        raise InputFileError(
            f"the form '{form}' is not known{did_you_mean(form, FORMATS)}; allowed: "
            f"{', '.join(FORMATS)}"
        )
    if form in {"scite", "sphyr"}:
        matrix = _read_scite(path) if form == "scite" else _read_sphyr(path)
        cells = _names(cell_names, matrix.shape[0], "cell")
        mutations = _names(mutation_names, matrix.shape[1], "mutation")
        found = _Matrix(cells, mutations, matrix, None, None, None)
    else:
        found = _read_condor(path) if form == "condor" else _read_scarlet(path)
    declared = read_cell_labels(labels)
    require_keys(declared.sites, found.cells, "row in the table of sites", name)
    days = np.array([declared.times[cell] for cell in found.cells])
    try:
        made = CellMutations(
            found.cells,
            tuple(declared.sites[cell] for cell in found.cells),
            found.mutations,
            found.genotype,
            found.total,
            found.alternative,
            None if np.all(np.isnan(days)) else days,
            found.profiles,
        )
    except CohortError as err:
        raise InputFileError(f"'{name}': {err}") from err
    return CellFile(
        made,
        tuple(declared.kinds[cell] for cell in found.cells),
        tuple(declared.clusters[cell] for cell in found.cells),
    )


def read_cell_labels(path: Path | str) -> CellLabels:
    """Read the table of the cells' sites.

    Raises
    ------
    MissingFileError
        If the file does not exist.
    InputFileError
        If ``cell`` or ``site`` is missing, or listing cells that stand twice, have no site or are
        of an unknown kind.
    """
    table = read_text_table(path)
    problems = ProblemList()
    cells = table.text(("cell", "cell_id", "sample", "sample_id", "barcode"))
    sites = table.text(("site",))
    size = len(cells)
    optional: list[list[str]] = []
    for words, empty in ((("kind",), "tumour"), (("cluster", "cluster_id"), "")):
        at = table.find(words, required=False)
        optional.append([empty] * size if at is None else [row[at] or empty for row in table.rows])
    times = table.numbers(("time", "day"), problems, required=False) or [float("nan")] * size
    seen: set[str] = set()
    for cell, site, kind, line in zip(cells, sites, optional[0], table.lines, strict=True):
        if cell in seen:
            problems.add(f"line {line}", f"the cell '{cell}' stands twice")
        if not site:
            problems.add(f"line {line}", f"the cell '{cell}' has no site")
        if kind not in KINDS:
            problems.add(
                f"line {line}",
                f"the kind '{kind}' is not known{did_you_mean(kind, KINDS)}; allowed: "
                f"{', '.join(KINDS)}",
            )
        seen.add(cell)
    problems.raise_any(InputFileError, f"'{table.name}'")
    return CellLabels(
        dict(zip(cells, sites, strict=True)),
        dict(zip(cells, optional[0], strict=True)),
        dict(zip(cells, optional[1], strict=True)),
        dict(zip(cells, times, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class _Matrix:
    """Genotypes as read."""

    cells: tuple[str, ...]
    mutations: tuple[str, ...]
    genotype: Genotypes
    total: Reads | None
    alternative: Reads | None
    profiles: Reads | None


def _names(path: Path | str | None, count: int, what: str) -> tuple[str, ...]:
    if path is None:
        return tuple(f"{what}_{number}" for number in range(1, count + 1))
    names = [line.strip() for line in read_lines(path) if line.strip()]
    if len(names) != count:
        raise InputFileError(
            f"'{Path(path).name}' has {len(names)} names; the matrix has {count} {what}s"
        )
    return tuple(names)


def _codes(
    rows: Sequence[Sequence[str]], name: str, first: int, allowed: tuple[int, ...]
) -> Genotypes:
    """Return the codes of a matrix, refusing rows of other lengths and codes out of range."""
    problems = ProblemList()
    words = {str(code): code for code in allowed}
    values = []
    for line, row in enumerate(rows, first):
        if len(row) != len(rows[0]):
            problems.add(f"line {line}", f"has {len(row)} entries; the first has {len(rows[0])}")
        strange = sorted({word for word in row if word not in words})
        if strange:
            problems.add(
                f"line {line}",
                f"holds '{strange[0]}'; allowed: {', '.join(words)}"
                + (" (missing is -1 here, not 3)" if strange[0] == "3" else ""),
            )
        values.append([words.get(word, MISSING) for word in row])
    problems.raise_any(InputFileError, f"'{name}'")
    return np.array(values, dtype=np.int8)


def _read_scite(path: Path | str) -> Genotypes:
    rows = [line.split() for line in read_lines(path) if line.strip()]
    codes = _codes(rows, Path(path).name, 1, (0, 1, 2, SCITE_MISSING, MISSING))
    return np.where(codes == SCITE_MISSING, MISSING, codes).T.astype(np.int8)


def _read_sphyr(path: Path | str) -> Genotypes:
    name = Path(path).name
    lines = read_lines(path)
    sizes = []
    for line in lines[:2]:
        word = line.split("#")[0].strip()
        if "#" not in line or not word.isdigit():
            raise InputFileError(f"'{name}': the first lines look like '178 #cells', '16 #SNVs'")
        sizes.append(int(word))
    rows = [line.split() for line in lines[2:] if line.strip()]
    codes = _codes(rows, name, 3, (0, 1, 2, MISSING)) if rows else np.empty((0, 0), dtype=np.int8)
    if codes.shape != tuple(sizes):
        raise InputFileError(
            f"'{name}' has {codes.shape[0]} cells x {codes.shape[1]} mutations; its first lines "
            f"say {sizes[0]} x {sizes[1]}"
        )
    return codes


def _read_condor(path: Path | str) -> _Matrix:
    table = read_text_table(path)
    at = table.find(("cluster_id",), required=False)
    columns = [c for c in range(1, len(table.header)) if c != at]
    codes = _codes(
        [[_whole(row[c]) for c in columns] for row in table.rows],
        table.name,
        table.lines[0],
        (0, 1, 2, MISSING),
    )
    problems = ProblemList()
    profiles = None if at is None else _integers(table.rows, at, table.lines, problems)
    problems.raise_any(InputFileError, f"'{table.name}'")
    names = tuple(table.header[c] for c in columns)
    return _Matrix(tuple(row[0] for row in table.rows), names, codes, None, None, profiles)


def _whole(word: str) -> str:
    return word.removesuffix(".0")


def _integers(
    rows: Sequence[Sequence[str]], at: int, lines: Sequence[int], problems: ProblemList
) -> Reads:
    values = [
        number(row[at], f"line {line}", problems) for row, line in zip(rows, lines, strict=True)
    ]
    whole: Reads = np.nan_to_num(np.array(values), nan=-1.0).astype(np.int32)
    return whole


def _read_scarlet(path: Path | str) -> _Matrix:
    """Read counts and call genotypes from them."""
    table = read_text_table(path)
    profile = table.find(("c", "copy_profile"), required=False)
    names = [head.removesuffix("_v") for head in table.header if head.endswith("_v")]
    problems = ProblemList()
    for name in names:
        if f"{name}_t" not in table.header:
            problems.add("header", f"'{name}_v' has no '{name}_t' beside it")
    if not names:
        problems.add("header", "has no columns of reads; wanted: for each mutation x_v and x_t")
    problems.raise_any(InputFileError, f"'{table.name}'")
    mutated, total = (
        np.column_stack(
            [
                _integers(table.rows, table.header.index(f"{name}_{end}"), table.lines, problems)
                for name in names
            ]
        )
        for end in ("v", "t")
    )
    profiles = None if profile is None else _integers(table.rows, profile, table.lines, problems)
    problems.raise_any(InputFileError, f"'{table.name}'")
    total, mutated = np.maximum(total, 0), np.maximum(mutated, 0)
    return _Matrix(
        tuple(row[0] for row in table.rows),
        tuple(names),
        genotypes_of_reads(mutated, total),
        total,
        mutated,
        profiles,
    )


def genotypes_of_reads(
    alternative: Reads, total: Reads, *, least_reads: int = 2, least_share: float = 0.1
) -> Genotypes:
    """Call single cells from their reads by a plain rule.

    Parameters
    ----------
    alternative, total : ndarray of int, shape (n_cells, n_mutations)
    least_reads : int
        Fewest mutated reads of a call (assumed).
    least_share : float
        Least share of mutated reads of a call (assumed).

    Returns
    -------
    ndarray of int8, shape (n_cells, n_mutations)
        1 called, 0 not called, -1 where there are fewer than ``least_reads`` reads in all.
    """
    called = (alternative >= least_reads) & (alternative >= least_share * total)
    genotype = np.where(called, 1, np.where(total < least_reads, MISSING, 0))
    return genotype.astype(np.int8)
