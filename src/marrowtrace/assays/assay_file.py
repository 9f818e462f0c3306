"""An assay as a TOML file: read with every problem at once, and written to start from."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from marrowtrace.assays.assay import NUMBERS, Assay
from marrowtrace.errors import InputFileError, ParameterError, did_you_mean
from marrowtrace.parameters import Parameter, ParameterSet, read_parameters
from marrowtrace.storage import require_file

_TEXTS = ("name", "title", "specimen", "cell_class", "readout", "clusters", "rule", "notes")
_REQUIRED = ("name", "title", "specimen", "cell_class")
_WORDS = (*_TEXTS, "calibrated", "base")


def read(path: Path) -> Assay:
    """Read an assay from a TOML file.

    A file with ``base = "NAME"`` starts from a bundled assay and holds only what differs.

    Parameters
    ----------
    path : Path

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputFileError
        With every problem of the file.
    CatalogError
        If the base is not known.
    """
    from marrowtrace.assays.presets import assay

    try:
        text = require_file(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise InputFileError(f"{path} is not a text file in UTF-8: {err}") from err
    return parse(text, where=str(path), base=assay)


def parse(text: str, *, where: str, base: Callable[[str], Assay]) -> Assay:
    """Read an assay from TOML.

    Parameters
    ----------
    text : str
    where : str
        Name of the file, for messages.
    base : callable
        Returns the assay of a name, for files that start from one.

    Raises
    ------
    InputFileError
        With every problem.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InputFileError(f"{where} is not valid TOML: {err}") from err
    problems: list[str] = []
    start = base(str(content["base"])) if "base" in content else None
    words: dict[str, Any] = {}
    tables: dict[str, Any] = {}
    for key, value in content.items():
        if key in NUMBERS:
            tables[key] = value
        elif key not in _WORDS:
            problems.append(f"{key}: is unknown{did_you_mean(key, [*_WORDS, *NUMBERS])}")
        elif key == "calibrated":
            if not isinstance(value, bool):
                problems.append(f"calibrated: is {value!r}; allowed: true, false")
            words[key] = value
        elif not isinstance(value, str):
            problems.append(f"{key}: is {value!r}, which is not a text")
        elif key != "base":
            words[key] = value
    problems += [f"{key}: is missing" for key in _REQUIRED if start is None and not words.get(key)]
    numbers = _numbers(tables, start, where, problems)
    if not problems:
        inherited = {} if start is None else {k: getattr(start, k) for k in (*_TEXTS, "calibrated")}
        if start is not None and "calibrated" not in words:
            inherited["calibrated"] = start.calibrated and not set(tables) - {"amount", "sides"}
        try:
            return Assay(numbers=numbers, **(inherited | words))
        except ParameterError as err:
            problems = [line.strip() for line in str(err).splitlines()[1:]]
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'} in {where}:"
    raise InputFileError("\n".join([count, *(f"  {problem}" for problem in problems)]))


def _numbers(
    tables: Mapping[str, Any], start: Assay | None, where: str, problems: list[str]
) -> ParameterSet:
    """The numbers of the file, over those of the base; a bare value changes the base's."""
    found: dict[str, Parameter] = dict(start.numbers) if start is not None else {}
    whole: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, Mapping):
            whole[key] = {"meaning": NUMBERS[key].meaning} | dict(value)
        elif key in found:
            try:
                found[key] = found[key].with_value(value)
            except ParameterError as err:
                problems.append(f"{key}: {err}")
        else:
            problems.append(
                f"{key}: is {value!r}; give a table '[{key}]' with value, low, high, unit, kind "
                "and where (a bare value only changes a number of the base)"
            )
    try:
        found.update(read_parameters(whole, where=where))
    except ParameterError as err:
        problems += [line.strip() for line in str(err).splitlines()[1:]]
    return ParameterSet(list(found.values()))


def to_toml(assay: Assay) -> str:
    """Return an assay as a commented TOML file that `read` reads again.

    Numbers of `NUMBERS` that the assay leaves at their default are not written.
    """
    comments = {
        "specimen": "blood or bone_marrow",
        "cell_class": "CTC or DTC",
        "readout": "count (cells), signal (mRNA: a result, no count) or sequencing",
        "clusters": "a cluster counts as: one, its cells, or lost",
        "rule": "with several sides, the threshold is for their sum or for any of them",
    }
    lines = [
        "# An assay. Every number has its range (low, high), unit and source: kind is measured,",
        "# published model (both need a citation, a key of the bibliography), assumed, calibrated.",
    ]
    for key in _TEXTS:
        note = f"  # {comments[key]}" if key in comments else ""
        lines.append(f"{key} = {json.dumps(getattr(assay, key), ensure_ascii=False)}{note}")
    lines.append(f"calibrated = {'true' if assay.calibrated else 'false'}")
    for number in NUMBERS:
        if number not in assay.numbers:
            continue
        row = assay.numbers[number].as_row()
        lines += ["", f"[{number}]  # {NUMBERS[number].meaning}"]
        lines += [f"{key} = {row[key]!r}" for key in ("value", "low", "high")]
        for key in ("unit", "meaning", "kind", "citation", "where"):
            if row[key]:
                lines.append(f"{key} = {json.dumps(row[key], ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
