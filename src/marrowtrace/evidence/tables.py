"""Tables of published evidence: those that ship with marrowtrace, and a user's own.

A file of rows is TOML (``[[detection_rate]]``, ``[[prognostic_effect]]``, ``[[study]]``) or CSV
(one kind of row a file: with a column ``endpoint`` its rows are prognostic effects). Columns are
those of `records`; ``<column>_corrected`` with ``<column>_reason`` is what the source has instead;
a reason alone means that the value printed is wrong and the right one not known.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import polars as pl

from marrowtrace.citations import bibliography, cite
from marrowtrace.errors import (
    EvidenceError,
    InputFileError,
    MissingFileError,
    ProblemList,
    did_you_mean,
)
from marrowtrace.evidence.records import (
    CellValue,
    Correction,
    DetectionRate,
    PrognosticEffect,
    Study,
    columns,
    correctable,
    number_type,
    row_problems,
)

RowKind: TypeAlias = "type[DetectionRate] | type[PrognosticEffect]"
KINDS: Mapping[str, RowKind] = MappingProxyType(
    {"detection_rate": DetectionRate, "prognostic_effect": PrognosticEffect}
)
TABLE_1, TABLE_2 = "review table 1", "review table 2"
PUBLISHED, USER = "published figures", "user"
_BUNDLED = ("studies.toml", "table1.toml", "table2.toml", "published_rows.toml")
_TUPLES = ("flags", "faults")
_LARGEST = 1e12  # no count or ratio of a study is larger; NaN and infinity fail as well
_EXTRA = "citation"  # the paper as text, for a study that is not in the bibliography


@dataclass(frozen=True)
class EvidenceTables:
    """Studies, detection rates and prognostic effects that belong together.

    Parameters
    ----------
    studies : mapping of str to Study
    rates : tuple of DetectionRate
    effects : tuple of PrognosticEffect

    Raises
    ------
    EvidenceError
        If two rows have one name.
    """

    studies: Mapping[str, Study]
    rates: tuple[DetectionRate, ...] = ()
    effects: tuple[PrognosticEffect, ...] = ()

    def __post_init__(self) -> None:
        names = [rate.row for rate in self.rates] + [effect.row for effect in self.effects]
        problems = ProblemList()
        for name in sorted({name for name in names if names.count(name) > 1}):
            problems.add(name, f"names {names.count(name)} rows; give each row a name of its own")
        problems.raise_any(EvidenceError, "the evidence tables")

    def joined(self, other: EvidenceTables) -> EvidenceTables:
        """Return these tables with the rows of ``other`` after them."""
        return EvidenceTables(
            MappingProxyType({**self.studies, **other.studies}),
            self.rates + other.rates,
            self.effects + other.effects,
        )

    def study(self, key: str) -> Study:
        """The study called ``key``; one without an entry is its own cohort."""
        return self.studies.get(key, Study(key=key))

    def label(self, key: str) -> str:
        """Author and year of a study, or its key where it is not in the bibliography."""
        return cite(key).short if key in bibliography() else key

    def citation(self, key: str) -> str:
        """The paper of a study as text."""
        return str(cite(key)) if key in bibliography() else self.study(key).citation

    def patients(self, row: DetectionRate | PrognosticEffect) -> frozenset[str]:
        """Cohorts whose patients a row has, those it pools included."""
        study = self.study(row.study)
        pooled = {self.study(key).cohort for key in study.pools}
        return frozenset({row.cohort, *pooled})

    def rate_table(self) -> pl.DataFrame:
        """Detection rates as a table: printed columns, then corrections and their reasons."""
        return _frame(self.rates, DetectionRate, self)

    def effect_table(self) -> pl.DataFrame:
        """Prognostic effects as a table: printed columns, then corrections and their reasons."""
        return _frame(self.effects, PrognosticEffect, self)


@cache
def bundled() -> EvidenceTables:
    """Tables 1 and 2 of Sai and Xiang 2018, and what other papers print."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for name in _BUNDLED:
        text = files("marrowtrace.evidence").joinpath(f"data/{name}").read_text(encoding="utf-8")
        for kind, rows in tomllib.loads(text).items():
            entries.setdefault(kind, []).extend(rows)
    return _tables(entries, {}, where="the tables that ship with marrowtrace", error=EvidenceError)


def read_rows(path: Path) -> EvidenceTables:
    """Read a user's own rows from a CSV or TOML file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    EvidenceTables
        Only the rows of the file; join them to others with `EvidenceTables.joined`.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputFileError
        If it is neither CSV nor TOML, or with every problem of every row.
    """
    if not path.is_file():
        raise MissingFileError(f"{path} is not a file; name a .csv or .toml file of rows")
    if path.suffix.casefold() not in (".csv", ".toml"):
        raise InputFileError(f"{path.name} is neither .csv nor .toml; save the rows as one of them")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise InputFileError(f"{path.name} is not UTF-8 text: {err.reason}; save it so") from err
    if path.suffix.casefold() == ".toml":
        try:
            entries = tomllib.loads(text)
        except tomllib.TOMLDecodeError as err:
            raise InputFileError(f"{path.name} is not valid TOML: {err}") from err
    else:
        entries = _csv_entries(text, path.name)
    return _tables(entries, bundled().studies, where=path.name, error=InputFileError)


def _csv_entries(text: str, name: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of a CSV file under the kind that its columns show."""
    reader = csv.DictReader(io.StringIO(text), restkey="", strict=True)
    try:
        rows = list(reader)
    except csv.Error as err:
        raise InputFileError(f"{name} is not valid CSV near line {reader.line_num}: {err}") from err
    headings = [heading or "" for heading in reader.fieldnames or ()]
    kind = "prognostic_effect" if "endpoint" in headings else "detection_rate"
    return {kind: [{k: v for k, v in row.items() if v not in ("", None)} for row in rows]}


def _tables(
    entries: Mapping[str, Any],
    known: Mapping[str, Study],
    *,
    where: str,
    error: type[EvidenceError] | type[InputFileError],
) -> EvidenceTables:
    """Make tables from plain entries, or list everything that is wrong with them."""
    problems = ProblemList()
    allowed = ("study", *KINDS)
    for kind, rows in entries.items():
        if kind not in allowed:
            problems.add(
                kind, f"is unknown; allowed: {', '.join(allowed)}{did_you_mean(kind, allowed)}"
            )
        elif not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            problems.add(kind, f"is not a list of tables; write each row under [[{kind}]]")
    problems.raise_any(error, where)
    if not any(entries.get(kind) for kind in KINDS):
        raise error(f"{where} holds no rows; give at least one [[detection_rate]] or CSV line")
    studies = _studies(entries.get("study", []), problems)
    made: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for kind, row_type in KINDS.items():
        for number, entry in enumerate(entries.get(kind, []), start=1):
            values = _values(entry, row_type, number, problems, {**known, **studies}, studies)
            if values is None:
                continue
            wrong = row_problems(row_type, values)
            problems.extend(wrong)
            if not wrong:
                made[kind].append(row_type(**values))
    problems.raise_any(error, where)
    return EvidenceTables(
        MappingProxyType(studies), tuple(made["detection_rate"]), tuple(made["prognostic_effect"])
    )


def _studies(entries: Sequence[Mapping[str, Any]], problems: ProblemList) -> dict[str, Study]:
    """Studies of the file by key."""
    names = [f.name for f in fields(Study)]
    found = {}
    for number, entry in enumerate(entries, start=1):
        place = f"study {entry.get('key', number)}"
        unknown = [name for name in entry if name not in names]
        for name in unknown:
            problems.add(f"{place}.{name}", f"is unknown{did_you_mean(name, names)}")
        values: dict[str, Any] = {n: str(v) for n, v in entry.items() if n != "pools"}
        pools = entry.get("pools", [])
        if not isinstance(pools, list):
            problems.add(f"{place}.pools", f"is {pools!r}; give a list of keys")
            continue
        values["pools"] = tuple(str(pool) for pool in pools)
        if not values.get("key"):
            problems.add(place, "has no key; give first author and year, e.g. 'fehm2009'")
        elif not unknown:
            study = Study(**values)
            found[study.key] = study
    return found


def _values(
    entry: Mapping[str, Any],
    kind: RowKind,
    number: int,
    problems: ProblemList,
    known: Mapping[str, Study],
    studies: dict[str, Study],
) -> dict[str, Any] | None:
    """Arguments of a row from a plain entry; None, with problems noted, if it cannot be read."""
    before = len(problems)
    names, mendable = columns(kind), correctable(kind)
    place = str(entry.get("row") or f"row {number}")
    allowed = [
        *names,
        _EXTRA,
        *(f"{n}{end}" for n in mendable for end in ("_corrected", "_reason")),
    ]
    values: dict[str, Any] = {"row": place}
    for name, raw in entry.items():
        if not name:
            problems.add(place, "has more cells than there are columns; quote text with commas")
        elif name not in allowed:
            problems.add(f"{place}.{name}", f"is an unknown column{did_you_mean(name, allowed)}")
        elif name in _TUPLES:
            values[name] = _tuple(name, raw, place, problems)
        elif name in names:
            values[name] = _cell(name, raw, f"{place}.{name}", problems)
    values["corrections"] = tuple(_corrections(entry, mendable, place, problems))
    key = str(values.get("study", ""))
    if entry.get(_EXTRA) and key and key not in known and key not in bibliography():
        studies[key] = Study(key=key, citation=str(entry[_EXTRA]))
    elif key and key not in bibliography() and not (key in known and known[key].citation):
        problems.add(
            f"{place}.study",
            f"'{key}' is not in the bibliography{did_you_mean(key, list(bibliography()))}; "
            "name the paper in the column 'citation'",
        )
    if "endpoint" in names and "endpoint" not in values:
        problems.add(f"{place}.endpoint", "is missing; a prognostic effect needs an endpoint")
    if "analyte" not in values:
        problems.add(f"{place}.analyte", "is missing; allowed: CTC, DTC, CTC_cluster")
    if len(problems) > before:
        return None
    if not values.get("cohort") and key in known:
        values["cohort"] = known[key].cohort
    return values


def _cell(name: str, raw: object, place: str, problems: ProblemList) -> CellValue:
    """The value of a cell in the type of its column."""
    wanted = number_type(name)
    if wanted is None:
        return str(raw).strip()
    try:
        if isinstance(raw, bool) or (wanted is int and isinstance(raw, float)):
            raise ValueError
        value = int(str(raw)) if wanted is int else float(str(raw))
        if not -_LARGEST < value < _LARGEST:
            raise ValueError
        return value
    except ValueError:
        problems.add(place, f"'{raw}' is not a {'whole ' if wanted is int else ''}number")
        return None


def _tuple(name: str, raw: object, place: str, problems: ProblemList) -> tuple[Any, ...]:
    """Flags or fault numbers: a list in TOML, parted by semicolons in CSV."""
    parts = raw if isinstance(raw, list) else [part.strip() for part in str(raw).split(";")]
    if name == "flags":
        return tuple(str(part) for part in parts if str(part))
    numbers = [_cell("n", part, f"{place}.{name}", problems) for part in parts]
    return tuple(number for number in numbers if isinstance(number, int))


def _corrections(
    entry: Mapping[str, Any], mendable: Iterable[str], place: str, problems: ProblemList
) -> list[Correction]:
    """Corrections from the columns ``<column>_corrected`` and ``<column>_reason``."""
    found = []
    for name in mendable:
        raw, reason = entry.get(f"{name}_corrected"), str(entry.get(f"{name}_reason", "")).strip()
        if raw is None and not reason:
            continue
        reason = reason or (str(raw) if name == "set_aside" else "")
        if not reason:
            problems.add(
                f"{place}.{name}_reason",
                f"is missing: {name} is corrected to {raw!r}; say what the source prints and where",
            )
            continue
        where = f"{place}.{name}_corrected"
        value = None if raw is None else _cell(name, raw, where, problems)
        found.append(Correction(column=name, value=value, reason=reason))
    return found


def _frame(
    rows: Sequence[DetectionRate | PrognosticEffect], kind: RowKind, tables: EvidenceTables
) -> pl.DataFrame:
    """Rows as a table; a correction has two columns, there only if some row has it."""
    names = columns(kind)
    mended = [
        n for n in correctable(kind) if any(c.column == n for r in rows for c in r.corrections)
    ]
    schema: dict[str, Any] = {name: _dtype(name) for name in names}
    for name in mended:
        schema |= {f"{name}_corrected": _dtype(name), f"{name}_reason": pl.String}
    schema["citation"] = pl.String
    data = []
    for row in rows:
        cells: dict[str, Any] = {name: getattr(row, name) for name in names}
        cells["flags"] = "; ".join(row.flags)
        cells["faults"] = list(row.faults)
        for correction in row.corrections:
            cells[f"{correction.column}_corrected"] = correction.value
            cells[f"{correction.column}_reason"] = correction.reason
        cells["citation"] = tables.citation(row.study)
        data.append([cells.get(name) for name in schema])
    return pl.DataFrame(data, schema=schema, orient="row")


def _dtype(name: str) -> Any:
    """Polars type of a column."""
    if name == "faults":
        return pl.List(pl.Int64)
    wanted = number_type(name)
    return pl.String if wanted is None else pl.Int64 if wanted is int else pl.Float64
