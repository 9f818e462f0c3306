"""Every problem of a cohort's tables at once: table, column, rows, value, what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from marrowtrace.cohort.schema import TABLES, Column, Table
from marrowtrace.errors import ProblemList, did_you_mean
from marrowtrace.terms import fold

_SHOWN = 3
Frames = dict[str, pl.DataFrame]


def conform(frames: Mapping[str, pl.DataFrame], problems: ProblemList) -> Frames:
    """Return every table with its declared columns and types, noting all problems.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Tables by name; columns may be text that holds numbers, and may lack optional columns.
    problems : ProblemList
        Receives what is wrong. The frames returned make a cohort only if nothing was added.

    Returns
    -------
    dict of str to DataFrame
        All tables of the schema; a table that was not given is empty.
    """
    for name in frames:
        if name not in TABLES:
            hint = did_you_mean(name, list(TABLES))
            problems.add(name, f"is not a table of a cohort{hint}; tables: {', '.join(TABLES)}")
    conformed = {
        name: _columns(spec, frames[name], problems) if name in frames else spec.empty()
        for name, spec in TABLES.items()
    }
    unreadable = {problem.place for problem in problems}
    for name, spec in TABLES.items():
        _check_keys(spec, conformed[name], problems)
        for column in spec.columns:
            _check_values(spec, column, conformed, problems, unreadable)
    _check_enumerations(conformed, problems, unreadable)
    _check_times(conformed, problems)
    _check_clones(conformed["clones"], problems)
    for name in ("cells", "clone_prevalence"):
        _check_owners(name, conformed, problems)
    return conformed


def _columns(spec: Table, frame: pl.DataFrame, problems: ProblemList) -> pl.DataFrame:
    """Bring the columns of one table to their declared order and types."""
    columns: list[pl.Series] = []
    frame = pl.DataFrame([_holdable(spec, series, problems) for series in frame.get_columns()])
    for column in spec.columns:
        if column.name in frame.columns:
            columns.append(_typed(spec, column, frame[column.name], problems))
        else:
            if column.required and frame.height:
                near = [c for c in frame.columns if c not in spec.names]
                problems.add(
                    f"{spec.name}.{column.name}",
                    f"is missing{did_you_mean(column.name, near)} (it holds: {column.meaning})",
                )
            columns.append(pl.Series(column.name, [None] * frame.height, dtype=column.dtype))
    for name in frame.columns:
        if name in spec.names:
            continue
        if spec.extra:
            columns.append(_extra(frame[name]))
        else:
            hint = did_you_mean(name, spec.names)
            problems.add(
                f"{spec.name}.{name}",
                f"is not a column of this table{hint}; columns: {', '.join(spec.names)}",
            )
    return pl.DataFrame(columns)


def _holdable(spec: Table, series: pl.Series, problems: ProblemList) -> pl.Series:
    """Return a column, emptied if it is of a kind that a cohort never holds."""
    place = f"{spec.name}.{series.name}"
    if series.dtype.is_temporal():
        problems.add(
            place, "holds calendar dates or times of day; allowed: days from the index event"
        )
    elif series.dtype.is_nested() or series.dtype in {pl.Object, pl.Binary}:
        problems.add(place, f"holds {series.dtype}; allowed: text, numbers, true or false")
    elif series.dtype.is_unsigned_integer() and (series > 2**63 - 1).any():
        problems.add(place, "holds a number above 2^63 - 1, which is too large")
    else:
        return series
    return pl.Series(series.name, [None] * len(series), dtype=pl.String)


def _extra(series: pl.Series) -> pl.Series:
    """Reduce a further column to one of the types a cohort keeps."""
    if series.dtype == pl.Boolean or series.dtype == pl.String:
        return series
    if series.dtype.is_integer():
        return series.cast(pl.Int64)
    if series.dtype.is_numeric():
        return series.cast(pl.Float64).fill_nan(None)
    return series.cast(pl.String)


def _typed(spec: Table, column: Column, series: pl.Series, problems: ProblemList) -> pl.Series:
    """Cast one column, noting the values that do not fit its type."""
    place = f"{spec.name}.{column.name}"
    if series.dtype == pl.String:
        series = series.str.strip_chars()
        series = series.set(series == "", None)
    if column.kind == "text":
        return series.cast(pl.String) if series.dtype != pl.String else series
    if column.kind == "boolean" and series.dtype != pl.Boolean:
        return _boolean(place, series, problems)
    numbers = series.cast(pl.Float64, strict=False)
    bad = series.is_not_null() & (numbers.is_null() | ~numbers.is_finite().fill_null(value=True))
    if column.kind == "integer":
        fractional = numbers.is_finite().fill_null(value=False) & (numbers != numbers.floor())
        _note(
            problems, place, fractional, series, "hold", "which is not whole",
            f"allowed: {column.allowed}",
        )  # fmt: skip
        numbers = numbers.set(fractional, None)
        huge = (numbers.abs() > 2.0**53).fill_null(value=False)
        _note(problems, place, huge, series, "hold", "which is too large", "allowed: up to 2^53")
        numbers = numbers.set(huge, None)
    if bad.any():
        what = f"allowed: {column.allowed}"
        first = str(series.filter(bad)[0])
        if "," in first:
            what += "; a comma is no decimal point here: say decimal = ',' in the mapping"
        _note(problems, place, bad, series, "hold", "which is not a number", what)
        numbers = numbers.set(bad, None)
    if column.kind == "boolean":
        return series
    return numbers.cast(column.dtype, strict=False)


def _boolean(place: str, series: pl.Series, problems: ProblemList) -> pl.Series:
    words = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
    words |= {"positive": True, "negative": False, "pos": True, "neg": False}
    text = series.cast(pl.String).str.to_lowercase()
    text = text.str.strip_suffix(".0")
    known = text.is_in(list(words)).fill_null(value=True)
    _note(problems, place, ~known, series, "hold", "", "allowed: true, false")
    return text.set(~known, None).replace_strict(words, return_dtype=pl.Boolean)


def _note(
    problems: ProblemList,
    place: str,
    bad: pl.Series,
    values: pl.Series,
    verb: str,
    which: str,
    allowed: str,
    word_hint: Callable[[str], str] | None = None,
) -> None:
    """Add one problem for all rows marked in ``bad``, with the first row numbers and value."""
    rows = bad.fill_null(value=False).arg_true()
    if not len(rows):
        return
    shown = ", ".join(str(row) for row in rows[:_SHOWN].to_list())
    more = ", ..." if len(rows) > _SHOWN else ""
    value = values[int(rows[0])]
    example = (
        f"'{value}'"
        if isinstance(value, str)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
    which = f", {which}" if which else ""
    hint = word_hint(str(value)) if word_hint else ""
    allowed = f"; {allowed}" if allowed else ""
    problems.add(
        place, f"{len(rows)} row(s) ({shown}{more}) {verb} {example}{which}{allowed}{hint}"
    )


def _check_values(
    spec: Table, column: Column, frames: Frames, problems: ProblemList, unreadable: set[str]
) -> None:
    """Check one column for missing, unknown, out-of-range and dangling values."""
    place = f"{spec.name}.{column.name}"
    values = frames[spec.name][column.name]
    if column.required and values.null_count() and place not in unreadable:
        rows = values.is_null().arg_true()
        shown = ", ".join(str(row) for row in rows[:_SHOWN].to_list())
        more = ", ..." if len(rows) > _SHOWN else ""
        problems.add(place, f"{len(rows)} row(s) ({shown}{more}) are empty; a value is required")
    vocabulary = column.vocabulary
    if vocabulary is not None:
        unknown = values.is_not_null() & ~values.is_in(list(vocabulary.allowed))
        known = vocabulary.synonyms()
        _note(
            problems, place, unknown, values, "hold", "", f"allowed: {column.allowed}",
            lambda word: (
                f"; did you mean '{known[w]}'?" if (w := fold(word)) in known
                else did_you_mean(word, list(vocabulary.allowed))
            ),
        )  # fmt: skip
    if column.kind in {"number", "integer"}:
        _check_range(place, column, values, problems)
    if column.refers_to:
        table, name = column.refers_to.split(".")
        targets = frames[table][name]
        dangling = values.is_not_null() & ~values.is_in(targets.implode())
        _note(
            problems, place, dangling, values, "name", f"which is not in {table}", "",
            lambda word: did_you_mean(word, targets.drop_nulls().head(1000).to_list()),
        )  # fmt: skip


def _check_range(place: str, column: Column, values: pl.Series, problems: ProblemList) -> None:
    allowed = f"allowed: {column.allowed}"
    if column.low is not None:
        _note(
            problems, place, values < column.low, values, "hold", f"below {column.low:g}", allowed
        )
    if column.above is not None:
        which = f"not above {column.above:g}"
        _note(problems, place, values <= column.above, values, "hold", which, allowed)
    if column.high is not None:
        which = f"above {column.high:g}"
        if column.unit == "d":
            which += " days: is it a date, or a time in another unit?"
        _note(problems, place, values > column.high, values, "hold", which, allowed)


def _check_keys(spec: Table, frame: pl.DataFrame, problems: ProblemList) -> None:
    """Check that no two rows have the same key."""
    if not frame.height or any(frame[name].null_count() == frame.height for name in spec.key[:1]):
        return
    again = frame.select(pl.struct(spec.key).is_duplicated()).to_series()
    if again.any():
        rows = again.arg_true()
        shown = ", ".join(str(row) for row in rows[:_SHOWN].to_list())
        more = ", ..." if len(rows) > _SHOWN else ""
        first = frame.row(int(rows[0]), named=True)
        value = ", ".join(f"{name} = {first[name]!r}" for name in spec.key)
        problems.add(
            spec.name,
            f"{len(rows)} row(s) ({shown}{more}) share a key with another, e.g. {value}; "
            f"each {' + '.join(spec.key)} may stand once",
        )


def _check_enumerations(frames: Frames, problems: ProblemList, unreadable: set[str]) -> None:
    """Check what holds between columns of enumerations, and between them and samples."""
    frame = frames["enumerations"]
    if not frame.height:
        return
    count, examined = frame["count"], frame["examined"]
    _note(
        problems, "enumerations.examined", count.is_not_null() & examined.is_null(), count,
        "have the count", "but no examined amount",
        "a count means nothing without the mL or nucleated cells it was counted in",
    )  # fmt: skip
    unit = frame["examined_unit"]
    _note(
        problems, "enumerations.examined_unit", examined.is_not_null() & unit.is_null(), examined,
        "have the examined amount", "but no unit", "allowed: mL, nucleated_cells",
    )  # fmt: skip
    nothing = count.is_null() & frame["positive"].is_null()
    if "enumerations.count" in unreadable:
        nothing = nothing.clear()
    _note(
        problems, "enumerations.count", nothing, frame["sample_id"],
        "have neither count nor verdict, e.g. for", "",
        "leave the row out if the sample was not assayed",
    )  # fmt: skip
    _note(
        problems, "enumerations.clusters", frame["clusters"] > count, frame["clusters"],
        "hold", "which is more than the cells counted", "allowed: at most the count",
    )  # fmt: skip
    site = frame.join(
        frames["samples"].select("sample_id", "site").unique("sample_id", keep="first"),
        on="sample_id",
        how="left",
        maintain_order="left",
    )["site"]
    for cell_class, wrong_site in (("CTC", "bone_marrow"), ("DTC", "blood")):
        wrong = (frame["cell_class"] == cell_class) & (site == wrong_site)
        _note(
            problems, "enumerations.cell_class", wrong, frame["cell_class"], "hold",
            f"but their sample is from {wrong_site}",
            "CTCs are counted in blood, DTCs outside it; correct the site or the class",
        )  # fmt: skip


def _check_times(frames: Frames, problems: ProblemList) -> None:
    """Check that courses, observation and samples are in a possible order."""
    treatments = frames["treatments"]
    _note(
        problems, "treatments.stop", treatments["stop"] < treatments["start"], treatments["stop"],
        "hold", "which is before the start", "allowed: the start day or later",
    )  # fmt: skip
    follow_up = frames["follow_up"]
    _note(
        problems, "follow_up.time", follow_up["time"] < follow_up["entry"], follow_up["time"],
        "hold", "which is before the entry", "an event cannot come before observation starts",
    )  # fmt: skip
    if not follow_up.height or not frames["samples"].height:
        return
    first = frames["samples"].group_by("patient_id").agg(pl.col("time").min().alias("first"))
    last = follow_up.group_by("patient_id", maintain_order=True).agg(pl.col("time").max())
    late = last.join(first, on="patient_id", how="inner").filter(pl.col("time") < pl.col("first"))
    if late.height:
        shown = ", ".join(f"'{p}'" for p in late["patient_id"].head(_SHOWN).to_list())
        more = ", ..." if late.height > _SHOWN else ""
        row = late.row(0, named=True)
        problems.add(
            "follow_up.time",
            f"{late.height} patient(s) ({shown}{more}) have a follow-up that ends (day "
            f"{row['time']:g}) before their first sample (day {row['first']:g}); "
            "check the index date and the units of both",
        )


def _check_owners(name: str, frames: Frames, problems: ProblemList) -> None:
    """Check that the clones of a sample belong to the sample's patient."""
    clones = frames["clones"].select("clone_id", pl.col("patient_id").alias("owner"))
    samples = frames["samples"].select("sample_id", "patient_id")
    frame = frames[name].select("sample_id", "clone_id").join(
        samples.unique("sample_id", keep="first"), on="sample_id", how="left", maintain_order="left"
    ).join(
        clones.unique("clone_id", keep="first"), on="clone_id", how="left", maintain_order="left"
    )  # fmt: skip
    _note(
        problems, f"{name}.clone_id", frame["owner"] != frame["patient_id"], frame["clone_id"],
        "name", "a clone of another patient than their sample's",
        "allowed: clones of the same patient",
    )  # fmt: skip


def _check_clones(clones: pl.DataFrame, problems: ProblemList) -> None:
    """Check that clones descend within a patient and without a circle."""
    if not clones.height:
        return
    parents = dict(zip(clones["clone_id"].to_list(), clones["parent_id"].to_list(), strict=True))
    patients = dict(zip(clones["clone_id"].to_list(), clones["patient_id"].to_list(), strict=True))
    strangers = [
        clone
        for clone, parent in parents.items()
        if parent in patients and patients[clone] != patients[parent]
    ]
    if strangers:
        problems.add(
            "clones.parent_id",
            f"{len(strangers)} clone(s), e.g. '{strangers[0]}', descend from a clone of another "
            "patient; a clone and its parent belong to one patient",
        )
    rooted: set[str | None] = {None}
    for clone in parents:
        path: list[str] = []
        node: str | None = clone
        while node is not None and node in parents and node not in rooted and node not in path:
            path.append(node)
            node = parents[node]
        if node in path:
            circle = " -> ".join([*path[path.index(node) :], str(node)])
            problems.add("clones.parent_id", f"clones descend in a circle: {circle}")
        rooted.update(path)
