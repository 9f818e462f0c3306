"""Read a mapping file: TOML into a `FileMapping`, with every problem of it at once."""

from __future__ import annotations

import codecs
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marrowtrace import terms
from marrowtrace.cohort.schema import TABLES, Column
from marrowtrace.errors import InputFileError, ProblemList, UnitError, did_you_mean
from marrowtrace.io.mapping import Block, Field, FileMapping, Scalar
from marrowtrace.io.notes import without_dates
from marrowtrace.io.sheet import FileSettings
from marrowtrace.storage import require_file
from marrowtrace.terms import Vocabulary
from marrowtrace.units import Unit

EVENT_WORDS: Mapping[str, int] = {"censored": 0, "event": 1, "competing": 2}
_TOP = (
    "index_event", "index_date", "citations", "notes", "file",
    "patients", "treatments", "samples", "follow_up",
)  # fmt: skip
_FILE = ("encoding", "delimiter", "decimal", "sheet", "header_row", "missing", "date_format")
_OPTIONS = ("unit", "codes", "missing", "format", "where")
_INDEX_DATE = Column(name="index_date", kind="number", meaning="date of the index event")
_REQUIRED = {
    "patients": ("patient_id",),
    "treatments": ("start",),
    "samples": ("site", "time"),
    "enumerations": ("assay", "cell_class"),
    "follow_up": ("time", "event"),
}
_MEASURED = "measured in the file"
_BARE_KEY = re.compile(r"^[A-Za-z0-9_-]+$")


def read_mapping(path: Path) -> FileMapping:
    """Read and check a mapping file.

    Parameters
    ----------
    path : Path
        TOML; see docs/mapping.md.

    Returns
    -------
    FileMapping

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputFileError
        If it is not TOML, or says something that a mapping cannot say; all problems are listed.
    """
    require_file(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise InputFileError(
            f"{path.name} is not UTF-8 text, so it is no mapping; a mapping is a TOML file as "
            "'marrowtrace cohort map FILE' proposes it"
        ) from err
    return parse_mapping(text, name=path.name)


def parse_mapping(text: str, *, name: str) -> FileMapping:
    """Read the text of a mapping file; see `read_mapping`.

    Examples
    --------
    >>> mapping = parse_mapping('''
    ... index_event = "surgery"
    ... [patients]
    ... patient_id = "ID"
    ... cancer_type = { value = "breast" }
    ... ''', name="clinic.toml")
    >>> mapping.patients.fields["patient_id"].column
    'ID'
    """
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InputFileError(
            f"{name} is not a TOML file: {err}; headers with spaces need quotes, text stands in "
            "quotes, and each key once. 'marrowtrace cohort map FILE' proposes a mapping"
        ) from err
    return _Parser(name).mapping(record)


class _Parser:
    """Turns the TOML values into dataclasses, collecting problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems = ProblemList()

    def mapping(self, record: dict[str, Any]) -> FileMapping:
        self.known("", record, _TOP)
        index_event = self.index_event(record.get("index_event"))
        index_date = None
        if "index_date" in record:
            spec = record["index_date"]
            spec = {"date": spec} if isinstance(spec, str) else spec
            index_date = self.field("index_date", spec, _INDEX_DATE, sources=("date",))
        settings = self.settings(self.table("file", record.get("file", {})))
        citations = self.words("citations", record.get("citations", []))
        notes = self.words("notes", record.get("notes", []))
        if "patients" not in record:
            self.problems.add("patients", "is missing; it must name at least patient_id")
        patients = self.block(
            "patients", "patients", "", self.table("patients", record.get("patients", {}))
        )
        treatments = self.blocks("treatments", record)
        samples = self.blocks("samples", record)
        follow_up = self.blocks("follow_up", record)
        self.unique_endpoints(follow_up)
        self.dates_have_index(index_date, (patients, *treatments, *samples, *follow_up))
        self.problems.raise_any(InputFileError, f"the mapping {self.name}")
        return FileMapping(
            name=self.name,
            index_event=index_event,
            index_date=index_date,
            file=settings,
            citations=citations,
            notes=notes,
            patients=patients,
            treatments=treatments,
            samples=samples,
            follow_up=follow_up,
        )

    def index_event(self, value: Any) -> str:
        allowed = terms.INDEX_EVENT.allowed
        if value is None:
            self.problems.add(
                "index_event", f"is missing: say what day 0 is; allowed: {', '.join(allowed)}"
            )
            return ""
        event = terms.INDEX_EVENT.normalise(str(value))
        if event is None:
            hint = did_you_mean(str(value), allowed)
            self.problems.add("index_event", f"is '{value}'; allowed: {', '.join(allowed)}{hint}")
        return event or ""

    def settings(self, record: dict[str, Any]) -> FileSettings:
        self.known("file", record, _FILE)
        for key in ("encoding", "delimiter", "decimal", "sheet", "date_format"):
            if key in record and not isinstance(record[key], str):
                self.problems.add(f"file.{key}", f"is {record[key]!r}; text in quotes is wanted")
                record = {k: v for k, v in record.items() if k != key}
        decimal = record.get("decimal")
        if decimal not in {None, ".", ","}:
            self.problems.add("file.decimal", f"is '{decimal}'; allowed: '.' or ','")
        encoding = record.get("encoding")
        if encoding is not None and not _is_encoding(encoding):
            self.problems.add("file.encoding", f"is '{encoding}'; usual: utf-8, latin-1, utf-16")
        delimiter = record.get("delimiter")
        if delimiter is not None and len(delimiter) != 1:
            self.problems.add("file.delimiter", f"is '{delimiter}'; one character is wanted")
        header_row = record.get("header_row")
        if header_row is not None and (type(header_row) is not int or header_row < 1):
            self.problems.add("file.header_row", f"is {header_row!r}; a line from 1 on is wanted")
            header_row = None
        return FileSettings(
            encoding=encoding,
            delimiter=delimiter,
            decimal=decimal,
            sheet=record.get("sheet"),
            header_row=header_row,
            missing=self.words("file.missing", record.get("missing", [])),
            date_format=self.format("file.date_format", record.get("date_format")),
        )

    def blocks(self, table: str, record: dict[str, Any]) -> tuple[Block, ...]:
        named = self.table(table, record.get(table, {}))
        loose = [key for key, spec in named.items() if not isinstance(spec, dict)]
        looks_flat = set(named) & set(TABLES[table].names)
        if loose or looks_flat:
            example = {"follow_up": "disease_free_survival", "samples": "baseline"}.get(table, "A")
            self.problems.add(
                table,
                f"needs a name for each block, as in [{table}.{example}]; found the bare key(s) "
                f"{', '.join(sorted(looks_flat or set(loose)))}",
            )
            return ()
        return tuple(self.block(_key(table, key), table, key, spec) for key, spec in named.items())

    def block(self, place: str, table: str, name: str, record: dict[str, Any]) -> Block:
        spec = TABLES[table]
        columns = {c.name: c for c in spec.columns}
        implied = {"treatments": ("patient_id", "dose_unit"), "samples": ("patient_id",),
                   "follow_up": ("patient_id", "endpoint"),
                   "enumerations": ("sample_id", "examined_unit")}  # fmt: skip
        for key in implied.get(table, ()):
            columns.pop(key)
        further = ["where"] if table != "patients" else []
        further += ["extra"] if spec.extra else []
        further += ["enumerations", "measurements"] if table == "samples" else []
        self.known(place, record, [*columns, *further])
        fields = {
            key: self.field(f"{place}.{key}", record[key], columns[key], sources=_sources(key))
            for key in columns
            if key in record
        }
        for key in _REQUIRED[table]:
            if key not in record and not (table == "patients" and not record):
                self.problems.add(f"{place}.{key}", f"is missing ({columns[key].meaning})")
        if table == "enumerations" and not {"count", "positive"} & set(record):
            self.problems.add(place, "needs a count, a verdict (positive), or both")
        self.undated(place, name)
        extra = self.table(f"{place}.extra", record.get("extra", {}))
        clash = [key for key in extra if key in spec.names]
        for key in clash:
            self.problems.add(
                f"{place}.extra.{key}", f"is a column of {table} itself: move it to [{place}]"
            )
        return Block(
            place=place,
            table=table,
            name=self.endpoint(name) if table == "follow_up" else name,
            fields={key: part for key, part in fields.items() if part is not None},
            extra=self.free_fields(f"{place}.extra", extra, kind="any"),
            where=self.conditions(f"{place}.where", record.get("where", {})),
            enumerations=self.enumerations(place, record.get("enumerations", [])),
            measurements=self.free_fields(
                f"{place}.measurements",
                self.table(f"{place}.measurements", record.get("measurements", {})),
                kind="number",
            ),
        )

    def enumerations(self, place: str, value: Any) -> tuple[Block, ...]:
        if isinstance(value, dict):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.problems.add(f"{place}.enumerations", f"must be written [[{place}.enumerations]]")
            return ()
        return tuple(
            self.block(f"{place}.enumerations[{i}]", "enumerations", "", item)
            for i, item in enumerate(value, start=1)
        )

    def endpoint(self, name: str) -> str:
        if name == "?":
            self.problems.add('follow_up."?"', "is to be named, e.g. disease_free_survival")
        return terms.ENDPOINT.normalise(name) or name

    def free_fields(self, place: str, record: dict[str, Any], *, kind: str) -> dict[str, Field]:
        """Fields whose names the data model does not declare."""
        fields: dict[str, Field] = {}
        for key, spec in record.items():
            if not key.strip():
                self.problems.add(place, "has a column without a name")
                continue
            self.undated(place, key)
            # "any" is decided by the values: number where all are numbers, else text
            target = Column(name=key, kind=kind, meaning=f"'{key}' {_MEASURED}")
            part = self.field(_key(place, key), spec, target, sources=("column", "value"))
            if part is not None:
                fields[key] = part
        return fields

    def field(
        self, place: str, spec: Any, target: Column, *, sources: Sequence[str]
    ) -> Field | None:
        """Check one field, which is a header or a table of options."""
        if isinstance(spec, str):
            spec = {"column": spec}
        if not isinstance(spec, dict):
            self.problems.add(
                place,
                f"is {spec!r}; write the header of a column in quotes, or {{ value = {spec!r} }} "
                "for the same value in every row",
            )
            return None
        if "column" in spec and "date" in spec:
            self.problems.add(place, "has both column and date; date names the column by itself")
            return None
        self.known(place, spec, [*sources, *_OPTIONS])
        given = [key for key in sources if key in spec]
        if len(given) != 1:
            self.problems.add(place, f"must have exactly one of: {', '.join(sources)}")
            return None
        source = given[0]
        value = spec[source]
        headed = source in {"column", "date", "date_of_birth"}
        if headed and not (isinstance(value, str) and value.strip()):
            self.problems.add(f"{place}.{source}", f"is {value!r}; a header in quotes is wanted")
            return None
        if source == "row_number" and not isinstance(value, str):
            self.problems.add(f"{place}.{source}", f"is {value!r}; a prefix such as 'P' is wanted")
            return None
        self.fitting(place, spec, source, target)
        return Field(
            place=place,
            target=target,
            source=source,
            column=value if headed else "",
            value=None if headed else self.constant(place, value, target),
            unit=self.unit(f"{place}.unit", spec.get("unit"), target),
            codes=self.codes(f"{place}.codes", spec.get("codes", {}), target),
            missing=self.words(f"{place}.missing", spec.get("missing", [])),
            date_format=self.format(f"{place}.format", spec.get("format")),
            where=self.conditions(f"{place}.where", spec.get("where", {})),
        )

    def fitting(self, place: str, spec: dict[str, Any], source: str, target: Column) -> None:
        """Note options that would be without effect."""
        idle = {
            "format": not source.startswith("date"),
            "codes": source != "column",
            "missing": source in {"value", "row_number"},
            "unit": source not in {"column", "value"},
            "where": target.meaning.endswith(_MEASURED) is False,
        }
        for option, useless in idle.items():
            if option in spec and useless:
                self.problems.add(f"{place}.{option}", f"has no effect beside {source}; remove it")

    def constant(self, place: str, value: Any, target: Column) -> Scalar | None:
        return self.scalar(f"{place}.value", value, target)

    def scalar(self, place: str, value: Any, target: Column) -> Scalar | None:
        """Return a value of the mapping as the target wants it."""
        if not isinstance(value, str | int | float | bool):
            self.problems.add(place, f"is {value!r}; one text or number is wanted")
            return None
        if target.name == "event" and isinstance(value, str):
            if value in EVENT_WORDS:
                return EVENT_WORDS[value]
            hint = did_you_mean(value, list(EVENT_WORDS))
            self.problems.add(
                place, f"is '{value}'; allowed: {', '.join(EVENT_WORDS)} or a number from 0{hint}"
            )
            return None
        if target.vocabulary is not None:
            return self.term(place, str(value), target.vocabulary)
        if target.kind in {"number", "integer"}:
            return self.number(place, value, target)
        if target.kind == "boolean" and not isinstance(value, bool):
            self.problems.add(place, f"is {value!r}; allowed: true, false (without quotes)")
            return None
        self.undated(place, str(value))
        return value if target.kind in {"boolean", "any"} else str(value)

    def undated(self, place: str, text: str) -> None:
        """Refuse a calendar date in what goes into the cohort."""
        if without_dates(text) != text:
            self.problems.add(
                place, f"holds a calendar date ('{text}'), which would stay in the cohort; say it "
                "without, as in 'baseline' or 'month_12'",
            )  # fmt: skip

    def term(self, place: str, value: str, vocabulary: Vocabulary) -> str | None:
        term = vocabulary.normalise(value)
        if term is None:
            hint = did_you_mean(value, vocabulary.allowed)
            self.problems.add(
                place, f"is '{value}'; allowed: {', '.join(vocabulary.allowed)}{hint}"
            )
        return term

    def number(self, place: str, value: Scalar, target: Column) -> float | None:
        finite = isinstance(value, int | float) and math.isfinite(value)
        if isinstance(value, bool | str) or not finite:
            self.problems.add(place, f"is {value!r}; a number without quotes is wanted")
            return None
        whole = target.kind != "integer" or float(value).is_integer()
        low = target.low is None or value >= target.low or target.unit == "d"
        high = target.high is None or value <= target.high or target.unit == "d"
        above = target.above is None or value > target.above
        if not (whole and low and high and above):
            self.problems.add(place, f"is {value:g}; allowed: {target.allowed}")
            return None
        return float(value)

    def unit(self, place: str, unit: Any, target: Column) -> str | None:
        """Check that a unit is known and of the dimension of the target."""
        if unit is None:
            return None
        if not isinstance(unit, str):
            self.problems.add(place, f"is {unit!r}; a unit in quotes is wanted, such as 'mL'")
            return None
        if target.kind not in {"number", "any"} or (target.kind == "any" and unit):
            self.problems.add(place, "says a unit, but the values are kept as they stand; leave it")
            return None
        if target.name == "dose" or target.meaning.endswith(_MEASURED):
            return unit
        if target.name == "examined":
            try:
                examined_unit(unit)
            except UnitError as err:
                self.problems.add(place, str(err))
            return unit
        try:
            known = Unit.parse(unit)
            if known.dimension != Unit.parse(target.unit).dimension:
                self.problems.add(
                    place,
                    f"is '{unit}', which measures {known.dimension_name}; {target.name} needs "
                    f"{Unit.parse(target.unit).dimension_name}",
                )
        except UnitError as err:
            self.problems.add(place, str(err))
        return unit

    def codes(self, place: str, value: Any, target: Column) -> dict[str, Scalar]:
        record = self.table(place, value)
        made = {code: self.scalar(_key(place, code), v, target) for code, v in record.items()}
        return {code.strip(): v for code, v in made.items() if v is not None}

    def words(self, place: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(w, str | int | float) for w in value):
            self.problems.add(place, f"is {value!r}; a list is wanted, as in ['n.d.', '-']")
            return ()
        return tuple(str(word).strip() for word in value)

    def conditions(self, place: str, value: Any) -> dict[str, tuple[str, ...]]:
        record = self.table(place, value)
        return {
            header: self.words(_key(place, header), words if isinstance(words, list) else [words])
            for header, words in record.items()
        }

    def format(self, place: str, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or not re.search(r"%[-_]?[dejbBFDmyY]", value):
            self.problems.add(place, f"is {value!r}; write it with %d, %m and %Y, as in '%d.%m.%Y'")
            return None
        return value

    def table(self, place: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.problems.add(place, f"is {value!r}; a table is wanted, as in [{place}]")
            return {}
        return value

    def known(self, place: str, record: dict[str, Any], allowed: Sequence[str]) -> None:
        for key in record:
            if key not in allowed:
                self.problems.add(
                    f"{place}.{key}".lstrip("."),
                    f"is not a key of {'this table' if place else 'a mapping'}"
                    f"{did_you_mean(key, allowed)}; allowed: {', '.join(allowed)}",
                )

    def unique_endpoints(self, blocks: tuple[Block, ...]) -> None:
        seen: dict[str, str] = {}
        for block in blocks:
            if block.name in seen:
                self.problems.add(
                    block.place, f"is the endpoint '{block.name}', as {seen[block.name]} is already"
                )
            seen[block.name] = block.place

    def dates_have_index(self, index_date: Field | None, blocks: Sequence[Block]) -> None:
        dated = [f.place for b in blocks for f in b.every_field() if f.source.startswith("date")]
        if dated and index_date is None:
            self.problems.add(
                "index_date",
                f"is missing: {dated[0]} holds dates, which become days from the index event; "
                "name the column with its date, as in index_date = 'Date of surgery'",
            )


def examined_unit(text: str) -> tuple[str, float]:
    """Return the unit of the data model for an amount examined, and its factor.

    Examples
    --------
    >>> examined_unit("mL"), examined_unit("1e6 MNC")
    (('mL', 1.0), ('nucleated_cells', 1000000.0))
    """
    term = terms.EXAMINED_UNIT.normalise(text)
    if term is not None:
        return term, 1.0
    unit = Unit.parse(text)
    names = {Unit.ML.dimension: "mL", Unit.CELL.dimension: "nucleated_cells"}
    if unit.dimension not in names:
        raise UnitError(
            f"'{text}' measures {unit.dimension_name}; an amount examined is a volume (mL) or a "
            "number of nucleated cells (as in '1e6 MNC')"
        )
    return names[unit.dimension], unit.size


def _sources(key: str) -> tuple[str, ...]:
    """What a column of the cohort may be made from."""
    if key in {"patient_id", "sample_id"}:
        return ("column", "row_number")
    if key == "age":
        return ("column", "value", "date_of_birth")
    if key in {"time", "entry", "start", "stop"}:
        return ("column", "date", "value")
    return ("column", "value")


def _key(place: str, key: str) -> str:
    return f"{place}.{key}" if _BARE_KEY.match(key) else f'{place}."{key}"'


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True
