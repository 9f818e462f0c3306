"""What is known of each sample: type, study, patient and the factors to be taken out.

A metadata table is matched to the matrices by the column that names the most samples; names are
compared as they are, then without case and punctuation, because R turns ``D-1`` into ``D.1``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from marrowtrace.errors import InputFileError, ProblemList, did_you_mean
from marrowtrace.expression.matrix import Expression
from marrowtrace.storage import require_file

ROLES: dict[str, tuple[str, ...]] = {
    "type": ("type", "cell_type", "celltype", "class", "condition", "group", "state"),
    "study": ("study", "dataset", "data_set", "series", "gse", "cohort"),
    "patient": ("patient", "patient_id", "donor", "subject", "individual"),
    "platform": ("platform", "gpl", "technology", "assay"),
    "batch": ("batch", "plate", "run", "centre", "center", "enrichment"),
    "purity": ("purity", "tumour_purity", "tumor_purity"),
    "primary_er": ("primary_er", "er_primary"),
    "primary_her2": ("primary_her2", "her2_primary"),
}
"""Columns that are understood, with the names that they may go by."""

_YES_NO = {"true", "false", "yes", "no", "0", "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The samples of all matrices, in their order.

    Parameters
    ----------
    table : polars.DataFrame
        ``sample``, ``matrix``, ``study``, and, where known, ``type``, ``patient``, ``platform``,
        ``batch``, ``purity``, ``primary_er``, ``primary_her2``.
    notes : tuple of str
    """

    table: pl.DataFrame
    notes: tuple[str, ...]

    def column(self, name: str) -> list[str] | None:
        """Values of a column, or None if it is not known."""
        return self.table[name].to_list() if name in self.table.columns else None

    def batches(self) -> dict[str, Sequence[str]]:
        """Factors beside the study that are to be taken out."""
        return {n: self.table[n].to_list() for n in ("platform", "batch") if n in self.table}


def read_table(path: Path) -> pl.DataFrame:
    """Read a metadata table, delimited or a spreadsheet, every cell as text.

    Raises
    ------
    InputFileError, MissingFileError
    """
    from marrowtrace.expression.reading import file_text, separator

    require_file(path)
    if path.suffix.casefold() in (".xlsx", ".xls", ".ods"):
        try:
            frame = pl.read_excel(path, engine="calamine", infer_schema_length=0)
        except Exception as err:
            raise InputFileError(f"{path.name}: is no spreadsheet: {err}") from err
    else:
        text = file_text(path)
        mark = separator(text.split("\n", 1)[0])
        try:
            frame = pl.read_csv(text.encode("utf-8"), separator=mark or ",", infer_schema_length=0)
        except pl.exceptions.PolarsError as err:
            raise InputFileError(f"{path.name}: is no table: {str(err).splitlines()[0]}") from err
    if not frame.height:
        raise InputFileError(f"{path.name}: the table of samples has no rows")
    return frame.select(pl.all().cast(pl.String).str.strip_chars())


def read_observations(path: Path) -> pl.DataFrame:
    """Return the table of observations of an AnnData file, every cell as text.

    Raises
    ------
    InputFileError, MissingFileError
    """
    import anndata

    require_file(path)
    try:
        data = anndata.read_h5ad(path, backed="r")
    except (OSError, KeyError, ValueError) as err:
        raise InputFileError(f"{path.name}: is no AnnData file: {err}") from err
    try:
        columns = {str(name): list(map(str, data.obs[name])) for name in data.obs.columns}
        return pl.DataFrame({"obs_name": list(map(str, data.obs_names)), **columns})
    finally:
        data.file.close()


def describe_samples(
    matrices: Sequence[Expression],
    *,
    metadata: pl.DataFrame | None = None,
    types: Sequence[str] | None = None,
    studies: Sequence[str] | None = None,
    columns: dict[str, str] | None = None,
) -> Samples:
    """Bring together what is known of the samples.

    Parameters
    ----------
    matrices : sequence of Expression
    metadata : polars.DataFrame, optional
        One row a sample; rows of samples that are not in the matrices are passed over.
    types, studies : sequence of str, optional
        One for each matrix, where a matrix holds one type or is of one study.
    columns : dict of str to str, optional
        Role (``type``, ``patient``...) to the column that holds it, where its name is another.

    Returns
    -------
    Samples

    Raises
    ------
    InputFileError
        If numbers do not match, samples are missing from the table, or a column is not there.
    """
    problems = ProblemList()
    for option, given in (("types", types), ("studies", studies)):
        if given is not None and len(given) != len(matrices):
            problems.add(
                f"--{option}",
                f"names {len(given)} ({', '.join(given)}) for {len(matrices)} matrix(es); give one "
                "for each, or a metadata table where a matrix mixes them",
            )
        for i, value in enumerate(given or ()):
            if not value.strip():
                problems.add(f"--{option}", f"the name of matrix {i + 1} is empty")
    problems.raise_any(InputFileError, "the description of the matrices")
    names = [s for m in matrices for s in m.samples]
    home = [m.name for m in matrices for _ in m.samples]
    table: dict[str, list[str]] = {"sample": names, "matrix": home}
    notes: list[str] = []
    if metadata is not None:
        found, said = _matched(names, metadata, columns or {})
        table |= found
        notes += said
    if types is not None:
        table["type"] = [t for t, m in zip(types, matrices, strict=True) for _ in m.samples]
    if studies is not None:
        table["study"] = [t for t, m in zip(studies, matrices, strict=True) for _ in m.samples]
    table.setdefault("study", home)
    return Samples(table=pl.DataFrame(table), notes=tuple(notes))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.casefold())


def _matched(
    names: list[str], metadata: pl.DataFrame, columns: dict[str, str]
) -> tuple[dict[str, list[str]], list[str]]:
    """The columns of the table for these samples."""
    key, row_of = _key_column(names, metadata)
    missing = [name for name in names if name not in row_of]
    if missing:
        raise InputFileError(
            f"the metadata table has no row for {len(missing)} of {len(names)} samples, e.g. "
            f"'{missing[0]}'{did_you_mean(missing[0], metadata[key].drop_nulls().to_list())}; its "
            f"column '{key}' names {metadata.height} samples"
        )
    notes = [f"samples matched by the column '{key}'"]
    if metadata.height > len(names):
        notes.append(f"{metadata.height - len(names)} row(s) of the table are of other samples")
    index = [row_of[name] for name in names]
    out: dict[str, list[str]] = {}
    for role, options in ROLES.items():
        column = columns.get(role)
        if column is not None and column not in metadata.columns:
            raise InputFileError(
                f"there is no column '{column}' in the metadata table"
                f"{did_you_mean(column, metadata.columns)}; it has {', '.join(metadata.columns)}"
            )
        if column is None:
            folded = {c.casefold().strip(): c for c in metadata.columns if c != key}
            column = next((folded[option] for option in options if option in folded), None)
        if column is None:
            continue
        values = metadata[column].fill_null("").to_list()
        taken = [values[i] for i in index]
        empty = [n for n, v in zip(names, taken, strict=True) if not v]
        if empty:
            raise InputFileError(
                f"column '{column}' is empty for {len(empty)} sample(s), e.g. '{empty[0]}'"
            )
        if {v.casefold() for v in taken} <= _YES_NO and role == "type":
            taken = [f"{column} {v.casefold()}" for v in taken]
        out[role] = taken
        notes.append(f"{role} is column '{column}'")
    return out, notes


def _key_column(names: list[str], metadata: pl.DataFrame) -> tuple[str, dict[str, int]]:
    """The column that names the most samples, and the row of each."""
    best: tuple[int, str, dict[str, int]] = (0, metadata.columns[0], {})
    for column in metadata.columns:
        values = metadata[column].fill_null("").to_list()
        exact = {value: i for i, value in enumerate(values) if value}
        loose = {_plain(value): i for i, value in enumerate(values) if value}
        rows: dict[str, int] = {}
        for name in names:
            row = exact.get(name, loose.get(_plain(name)))
            if row is not None:
                rows[name] = row
        if len(rows) > best[0]:
            best = (len(rows), column, rows)
        if len(rows) == len(names) and len(exact) < sum(bool(v) for v in values):
            twice = next(v for v in values if v and values.count(v) > 1)
            raise InputFileError(f"sample '{twice}' stands twice in the metadata table")
    return best[1], best[2]
