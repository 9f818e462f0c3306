"""A cohort on disk: a folder of Parquet or CSV tables, `.h5ad` matrices and `provenance.json`.

`provenance.json` lists every file with its rows, size and SHA-256 checksum, the type of every
column, and how the cohort was made, and has a checksum of its own content. All are verified on
load, so a file that was edited or cut short is found before it is analysed.

In CSV a missing value is an empty field and an empty text is ``""``; other text is always in
quotes; numbers are the shortest decimal that reads back to the same value.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from marrowtrace.cohort import TABLES, Cohort, Table
from marrowtrace.cohort.cohort import MATRICES
from marrowtrace.errors import (
    InputFileError,
    MissingFileError,
    OutputError,
    ProblemList,
    did_you_mean,
)
from marrowtrace.provenance import Provenance, SourceFile
from marrowtrace.storage import atomic_folder, sha256, write_error

if TYPE_CHECKING:
    from anndata import AnnData

SCHEMA = "marrowtrace.cohort-folder/1"
RECORD = "provenance.json"
FORMATS = ("parquet", "csv")
_KINDS: Mapping[str, type[pl.DataType]] = {
    "text": pl.String, "number": pl.Float64, "integer": pl.Int64, "boolean": pl.Boolean,
}  # fmt: skip
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file of a folder: a table with its rows and columns, or a matrix with its rows."""

    holds: str
    file: SourceFile
    rows: int
    columns: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.file.name,
            "holds": self.holds,
            "rows": self.rows,
            "size": self.file.size,
            "sha256": self.file.sha256,
            "columns": dict(self.columns),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any], suffix: str) -> _Entry:
        holds, name = record["holds"], record["name"]
        wanted = f"{holds}.h5ad" if holds in MATRICES else f"{holds}.{suffix}"
        if holds not in TABLES and holds not in MATRICES:
            raise ValueError(f"'{holds}' is neither a table nor a matrix of a cohort")
        if name != wanted:
            raise ValueError(f"the file of '{holds}' is called '{name}' instead of '{wanted}'")
        columns = record["columns"]
        unknown = [kind for kind in columns.values() if kind not in _KINDS]
        if unknown:
            raise ValueError(f"'{holds}' has a column of the unknown type '{unknown[0]}'")
        return cls(
            holds,
            SourceFile(str(name), str(record["sha256"]), int(record["size"])),
            int(record["rows"]),
            {str(column): str(kind) for column, kind in columns.items()},
        )


def save_cohort(
    cohort: Cohort,
    path: Path | str,
    *,
    format: str = "parquet",  # noqa: A002
    replace: bool = False,
) -> Path:
    """Write a cohort as a folder, whole or not at all.

    Parameters
    ----------
    cohort : Cohort
    path : Path or str
        The folder to make.
    format : {"parquet", "csv"}
        How the tables are written; matrices are always `.h5ad`.
    replace : bool
        Whether a cohort that is there may be replaced. A folder that holds anything else is never
        replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        If the folder is in use or cannot be written: no space, no permission, or something the
        format cannot hold. What was there before is left as it was.
    """
    target = Path(path)
    if target.is_symlink() or target.name in {"", ".."}:
        target = target.resolve()
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS)
        raise OutputError(
            f"a cohort cannot be written as '{format}'{hint}; allowed: {', '.join(FORMATS)}"
        )
    try:
        if replace:
            _refuse_stranger(target)
        with atomic_folder(target, replace=replace) as folder:
            entries = [
                _write_table(folder, spec, cohort[name], format)
                for name, spec in TABLES.items()
                if cohort[name].height or cohort[name].width > len(spec.columns)
            ]
            entries += [_write_matrix(folder, n, cohort.matrices[n]) for n in cohort.matrices]
            record = {
                "schema": SCHEMA,
                "format": format,
                "index_event": cohort.index_event,
                "files": [entry.to_json() for entry in entries],
                "provenance": cohort.provenance.to_json(),
            }
            record["checksum"] = checksum(record)
            text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
            (folder / RECORD).write_text(text, encoding="utf-8")
    except OutputError:
        raise
    except OSError as err:
        raise write_error(target, err) from err
    return target


def load_cohort(path: Path | str) -> Cohort:
    """Read a folder that `save_cohort` wrote, verifying every file's checksum.

    Parameters
    ----------
    path : Path or str
        The folder.

    Returns
    -------
    Cohort
        Equal to the one that was saved, with the provenance it had.

    Raises
    ------
    MissingFileError
        If the folder does not exist.
    InputFileError
        If it is no cohort folder, was written by a newer version, or its files are missing, cut
        short, changed or unreadable; every such file is listed.
    CohortError
        If the tables are intact but do not make a cohort.
    """
    folder = Path(path)
    record = _read_record(folder)
    entries, provenance = _entries(record, f"{folder / RECORD}")
    problems = ProblemList()
    suffix = record["format"]
    _verify(folder, entries, suffix, problems)
    problems.raise_any(InputFileError, f"the cohort folder '{folder}'")
    tables: dict[str, pl.DataFrame] = {}
    matrices: dict[str, AnnData] = {}
    for entry in entries:
        file = folder / entry.file.name
        try:
            if entry.holds in MATRICES:
                from marrowtrace.io.anndata_file import read_matrix

                matrices[entry.holds] = read_matrix(file)
            else:
                tables[entry.holds] = _read_table(file, entry)
        except (pl.exceptions.PolarsError, OSError, InputFileError) as err:
            problems.add(entry.file.name, f"cannot be read: {err}")
    problems.raise_any(InputFileError, f"the cohort folder '{folder}'")
    return Cohort.from_tables(
        tables, index_event=record["index_event"], provenance=provenance, matrices=matrices
    )


def is_cohort_folder(path: Path) -> bool:
    """Return whether ``path`` is a folder with the record of a cohort, of any version."""
    try:
        record = json.loads((path / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    family = SCHEMA.partition("/")[0]
    return isinstance(record, dict) and str(record.get("schema", "")).startswith(f"{family}/")


def _refuse_stranger(target: Path) -> None:
    """Refuse to replace what is not a cohort."""
    if target.is_dir() and any(target.iterdir()) and not is_cohort_folder(target):
        raise OutputError(
            f"'{target}' holds files that are not a cohort, so it is not replaced; "
            "choose another folder"
        )
    if target.exists() and not target.is_dir():
        raise OutputError(f"'{target}' is a file, so it is not replaced; choose another folder")


def _write_table(folder: Path, spec: Table, frame: pl.DataFrame, suffix: str) -> _Entry:
    file = folder / f"{spec.name}.{suffix}"
    try:
        if suffix == "parquet":
            frame.write_parquet(file)
        else:
            frame.write_csv(file, quote_style="non_numeric", null_value="")
    except (pl.exceptions.ComputeError, OSError) as err:
        raise _as_os_error(err) from err
    kinds = {dtype: kind for kind, dtype in _KINDS.items()}
    columns = {name: kinds[type(dtype)] for name, dtype in frame.schema.items()}
    return _Entry(spec.name, SourceFile.of(file), frame.height, columns)


def _as_os_error(err: Exception) -> OSError:
    """Give an error of Polars the error number that it keeps in its text only."""
    match = _OS_ERROR.search(str(err))
    return OSError(int(match[1]) if match else errno.EIO, str(err))


def _write_matrix(folder: Path, name: str, matrix: AnnData) -> _Entry:
    from marrowtrace.io.anndata_file import write_matrix

    file = folder / f"{name}.h5ad"
    write_matrix(matrix, file)
    return _Entry(name, SourceFile.of(file), matrix.n_obs, {})


def _read_record(folder: Path) -> dict[str, Any]:
    """Read `provenance.json` as far as its schema and format."""
    if not folder.exists():
        beside = [p.name for p in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise MissingFileError(f"there is no folder '{folder}'{did_you_mean(folder.name, beside)}")
    if not folder.is_dir():
        raise InputFileError(
            f"'{folder}' is a file, but a cohort is a folder; "
            "make one with 'marrowtrace cohort import'"
        )
    file = folder / RECORD
    if not file.exists():
        raise InputFileError(
            f"'{folder}' holds no {RECORD}, so it is not a cohort folder; "
            "make one with 'marrowtrace cohort import'"
        )
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise InputFileError(f"'{file}' cannot be read as JSON: {err}") from err
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema != SCHEMA:
        raise InputFileError(f"'{file}' {_foreign(schema, record)}")
    if record.get("format") not in FORMATS:
        raise InputFileError(
            f"'{file}' has the format {record.get('format')!r}; allowed: {', '.join(FORMATS)}"
        )
    if record.get("checksum") != checksum(record):
        raise InputFileError(
            f"'{file}' was changed after it was written (its checksum differs); "
            "restore it, or import the cohort again"
        )
    return dict(record)


def checksum(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 checksum of a record's content, whatever its layout as text."""
    content = {name: value for name, value in record.items() if name != "checksum"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _foreign(schema: object, record: object) -> str:
    """Say why a record of another schema is not read."""
    family, _, ours = SCHEMA.partition("/")
    match = re.fullmatch(rf"{re.escape(family)}/(\d+)", str(schema))
    if match and int(match[1]) > int(ours) and isinstance(record, dict):
        made = record.get("provenance")
        version = made.get("version") if isinstance(made, dict) else None
        by = f"marrowtrace {version}" if version else "a newer marrowtrace"
        return (
            f"was written by {by} (schema '{schema}'); this version reads '{SCHEMA}': "
            "update marrowtrace"
        )
    return f"has the schema {schema!r}, but a cohort folder has '{SCHEMA}'"


def _entries(record: Mapping[str, Any], where: str) -> tuple[list[_Entry], Provenance]:
    """Read the list of files and the provenance of the cohort."""
    try:
        entries = [_Entry.from_json(file, record["format"]) for file in record["files"]]
        if not isinstance(record["index_event"], str):
            raise TypeError("index_event is not text")
        provenance = Provenance.from_json(record["provenance"], where=where)
    except KeyError as err:
        raise InputFileError(f"'{where}' is incomplete: it lacks {err}") from err
    except (TypeError, ValueError, AttributeError) as err:
        if isinstance(err, InputFileError):
            raise
        raise InputFileError(f"'{where}' is damaged: {err}") from err
    return entries, provenance


def _verify(folder: Path, entries: Sequence[_Entry], suffix: str, problems: ProblemList) -> None:
    """Note every file that is missing, cut short, changed or not in the record."""
    listed = {entry.file.name for entry in entries}
    for entry in entries:
        file = folder / entry.file.name
        again = "restore it, or import the cohort again"
        try:
            size = file.stat().st_size
            if size < entry.file.size:
                problems.add(file.name, f"is cut short: {size} of {entry.file.size} bytes; {again}")
            elif size != entry.file.size or sha256(file) != entry.file.sha256:
                problems.add(
                    file.name, f"was changed after it was written (its checksum differs); {again}"
                )
        except FileNotFoundError:
            problems.add(file.name, f"is missing; {again}")
        except OSError as err:
            problems.add(file.name, f"cannot be read: {err.strerror or err}")
    for name in TABLES:
        stray = f"{name}.{suffix}"
        if stray not in listed and (folder / stray).exists():
            problems.add(stray, f"is not in {RECORD}: it was put there later; take it out")


def _read_table(file: Path, entry: _Entry) -> pl.DataFrame:
    """Read one table with the columns and types of the record."""
    schema = {name: _KINDS[kind] for name, kind in entry.columns.items()}
    if file.suffix == ".parquet":
        frame = pl.read_parquet(file, glob=False)
        if dict(frame.schema) != schema:
            raise InputFileError(f"its columns are not those that {RECORD} lists")
    else:
        # the header is skipped, not parsed: names may hold quotes and line ends
        frame = pl.read_csv(file, has_header=False, skip_rows=1, schema=schema, glob=False)
    if frame.height != entry.rows:
        raise InputFileError(f"it has {frame.height} rows, but {RECORD} says {entry.rows}")
    return frame
