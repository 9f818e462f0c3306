"""Propose a mapping file for a clinic's file, for a person to correct."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from marrowtrace import terms
from marrowtrace.io.dates import ANY_DATE, read_dates
from marrowtrace.io.guesses import Guesses, guess
from marrowtrace.io.header_units import amount_in_header, unit_in_header
from marrowtrace.io.sheet import Sheet
from marrowtrace.io.source import read_sheet
from marrowtrace.terms import Vocabulary, fold
from marrowtrace.units import Unit

UNKNOWN = "?"
_CENSORED = {"0", "no", "nein", "n", "false", "censored", "alive", "lebt", "zensiert", "non"}
_EVENT = {"1", "yes", "ja", "y", "true", "event", "dead", "died", "deceased", "tot", "oui"}
_ROLES: dict[str, Vocabulary] = {
    "sex": terms.SEX, "er": terms.RECEPTOR, "her2": terms.RECEPTOR, "cancer_type": terms.CANCER,
}  # fmt: skip


def propose_mapping(path: Path) -> str:
    """Return a mapping file for the table at ``path``, guessed from headers and values.

    What cannot be known is written as ``"?"`` with ``# TODO``: importing with the proposal as it
    stands names each of them. Columns that seem to identify persons are left out. No value of the
    file is copied but the short codes of findings, such as ``ja`` and ``nein``.

    Parameters
    ----------
    path : Path
        CSV or workbook.

    Returns
    -------
    str
        TOML with comments.

    Raises
    ------
    MissingFileError, InputFileError
        If the file cannot be read as a table.
    """
    sheet = read_sheet(path)
    found = guess(sheet)
    lines = [
        "# A proposal, guessed from the headers: read every line, and correct it.",
        "# Lines with TODO cannot be guessed. Columns that are not named here are not imported.",
        *(f"# {note}" for note in sheet.notes),
        "",
        *_head(found),
        *_file(found, sheet),
        *_patients(found, sheet),
        *_samples(found, sheet),
        *_follow_up(found, sheet),
        *_leftovers(found),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _head(found: Guesses) -> list[str]:
    allowed = ", ".join(terms.INDEX_EVENT.allowed)
    if found.index_date:
        return [
            f"# day 0; allowed: {allowed}",
            f"index_event = {_quoted(found.index_event)}",
            f"index_date = {_quoted(found.index_date)}",
            "",
        ]
    lines = [f'index_event = "{UNKNOWN}"  # TODO what day 0 is: {allowed}']
    if found.birth or found.dates:
        lines.append(f'index_date = "{UNKNOWN}"  # TODO the column with the date of day 0')
    return [*lines, ""]


def _file(found: Guesses, sheet: Sheet) -> list[str]:
    lines = []
    if found.missing:
        words = ", ".join(_quoted(word) for word in found.missing)
        lines.append(f"missing = [{words}]  # words that mean 'no value'")
    dated = [h for h in (found.index_date, found.birth, *found.dates) if h]
    dated += [t for t, _ in found.endpoints.values() if _is_dated(sheet.frame[t])]
    if any(read_dates(sheet.frame[h]).doubt for h in dated):
        lines.append(f'date_format = "{UNKNOWN}"  # TODO "%d/%m/%Y" or "%m/%d/%Y"')
    return ["[file]", *lines, ""] if lines else []


def _patients(found: Guesses, sheet: Sheet) -> list[str]:
    lines = ["[patients]"]
    if "patient_id" in found.roles:
        lines.append(f"patient_id = {_quoted(found.roles['patient_id'])}")
    else:
        lines.append('patient_id = { row_number = "P" }  # no ids found: each row is a patient')
    if found.birth:
        lines.append(f"age = {{ date_of_birth = {_quoted(found.birth)} }}  # the date is dropped")
    elif "age" in found.roles:
        lines.append(f'age = {{ column = {_quoted(found.roles["age"])}, unit = "year" }}')
    for role, header in found.roles.items():
        if role in {"patient_id", "age"}:
            continue
        if role == "tumour_diameter" and unit_in_header(header, Unit.MM.dimension) is None:
            lines.append(
                f'{role} = {{ column = {_quoted(header)}, unit = "{UNKNOWN}" }}  # TODO mm or cm'
            )
        else:
            lines.append(f"{role} = {_coded(header, sheet, _ROLES.get(role), found)}")
    if "cancer_type" not in found.roles:
        lines.append('# cancer_type = { value = "breast" }')
    return [*lines, ""]


def _coded(header: str, sheet: Sheet, vocabulary: Vocabulary | None, found: Guesses) -> str:
    """Return a field, with codes to fill in for the words the vocabulary does not know."""
    if vocabulary is None:
        return _quoted(header)
    unknown = [
        word for word in _distinct(sheet.frame[header], found) if vocabulary.normalise(word) is None
    ]
    if not unknown or len(unknown) > 6 or any(len(word) > 16 for word in unknown):
        return _quoted(header)
    codes = ", ".join(f'{_quoted(word)} = "{UNKNOWN}"' for word in unknown)
    return (
        f"{{ column = {_quoted(header)}, codes = {{ {codes} }} }}"
        f"  # TODO {', '.join(vocabulary.allowed)}"
    )


def _distinct(values: pl.Series, found: Guesses) -> list[str]:
    words = values.drop_nulls().unique().sort().to_list()
    return [word for word in words if word not in found.missing]


def _samples(found: Guesses, sheet: Sheet) -> list[str]:
    if found.long and (found.day or found.counts or found.numbers):
        return _long_samples(found, sheet)
    lines: list[str] = []
    names: set[str] = set()
    for position, (header, cell_class) in enumerate(found.counts.items(), start=1):
        name = fold(re.sub(r"[^\w\s]+", " ", header)) or f"sample_{position}"
        name = re.sub(r"[^a-z0-9_]+", "_", name)
        name = name if name not in names else f"{name}_{position}"
        names.add(name)
        beside = _date_beside(header, found, sheet)
        lines += [f"[samples.{_key(name)}]", *_site(found, cell_class), *_time(beside)]
        lines += [*_enumeration(f"samples.{_key(name)}", header, cell_class, sheet, found), ""]
    return lines


def _long_samples(found: Guesses, sheet: Sheet) -> list[str]:
    """One block in which each row is a sample."""
    classes = list(found.counts.values())
    day = found.day or next(iter(found.dates), "")
    lines = ["# patients have several rows: each is taken to be a sample", "[samples.visit]"]
    lines += ['sample_id = { row_number = "S" }', *_site(found, classes[0] if classes else "CTC")]
    if day and day == found.day:
        unit = unit_in_header(day, Unit.DAY.dimension)
        lines.append(f'time = {{ column = {_quoted(day)}, unit = "{unit or "day"}" }}')
    else:
        lines += _time(day)
    lines.append("")
    for header, cell_class in found.counts.items():
        lines += [*_enumeration("samples.visit", header, cell_class, sheet, found), ""]
    if found.numbers:
        lines.append("[samples.visit.measurements]")
        lines += [
            f'{_key(header)} = {{ column = {_quoted(header)}, unit = "" }}  # unit, if any'
            for header in found.numbers
        ]
        lines.append("")
    return lines


def _site(found: Guesses, cell_class: str) -> list[str]:
    if found.site:
        return [f"site = {_quoted(found.site)}"]
    return [f'site = {{ value = "{"bone_marrow" if cell_class == "DTC" else "blood"}" }}']


def _time(date: str) -> list[str]:
    if date:
        return [f"time = {{ date = {_quoted(date)} }}  # TODO check that this is its date"]
    return [f'time = {{ value = "{UNKNOWN}" }}  # TODO the day as a number, or {{ date = "..." }}']


def _date_beside(header: str, found: Guesses, sheet: Sheet) -> str:
    """Return the date column nearest to the left of a count, or directly to its right."""
    order = sheet.headers
    at = order.index(header)
    others = [order.index(count) for count in found.counts if count != header]
    floor = max([i for i in others if i < at], default=-1)
    before = [d for d in found.dates if floor < order.index(d) < at]
    after = [d for d in found.dates if order.index(d) == at + 1]
    return (before[-1:] or after or [""])[0]


def _enumeration(
    place: str, header: str, cell_class: str, sheet: Sheet, found: Guesses
) -> list[str]:
    values = _distinct(sheet.frame[header], found)
    words = [word for word in values if not re.fullmatch(r"[-+]?[\d.,]+", word)]
    lines = [
        f"[[{place}.enumerations]]",
        f'assay = {{ value = "{UNKNOWN}" }}  # TODO the method, e.g. CellSearch',
        f'cell_class = {{ value = "{cell_class}" }}',
    ]
    if words and len(words) <= 8 and all(len(word) <= 12 for word in words):
        codes = ", ".join(f"{_quoted(w)} = {_count_code(w)}" for w in words)
        lines.append(
            f"count = {{ column = {_quoted(header)}, codes = {{ {codes} }} }}  # TODO check"
        )
    else:
        lines.append(f"count = {_quoted(header)}")
    amount = amount_in_header(header)
    if amount is None:
        unit = "nucleated_cells" if cell_class == "DTC" else "mL"
        lines.append(
            f'examined = {{ value = "{UNKNOWN}", unit = "{unit}" }}  # TODO amount, or a column'
        )
    else:
        lines.append(f"# examined: {amount[0]:g} {amount[1]}, from the header")
    return lines


def _count_code(word: str) -> str:
    if terms.RECEPTOR.normalise(word) == "negative":
        return "0"
    digits = re.search(r"\d+", word)
    if digits and word.startswith("<"):
        return "0"
    return digits[0] if digits and word.startswith(">") else f'"{UNKNOWN}"'


def _follow_up(found: Guesses, sheet: Sheet) -> list[str]:
    lines: list[str] = []
    for endpoint, (time, event) in found.endpoints.items():
        unit = unit_in_header(time, Unit.DAY.dimension)
        todo = f"  # TODO the endpoint, e.g. {terms.ENDPOINT.allowed[2]}"
        lines.append(f"[follow_up.{_key(endpoint)}]{todo if endpoint == UNKNOWN else ''}")
        if _is_dated(sheet.frame[time]):
            lines.append(f"time = {{ date = {_quoted(time)} }}")
        elif unit is not None:
            lines.append(f"time = {_quoted(time)}  # {unit}, as the header says")
        else:
            lines.append(
                f'time = {{ column = {_quoted(time)}, unit = "{UNKNOWN}" }}'
                "  # TODO day, week, month or year"
            )
        codes = _event_codes(_distinct(sheet.frame[event], found))
        todo = "  # TODO censored, event or competing" if f'"{UNKNOWN}"' in codes else ""
        lines += [f"event = {{ column = {_quoted(event)}, codes = {{ {codes} }} }}{todo}", ""]
    return lines


def _is_dated(values: pl.Series) -> bool:
    plain = values.drop_nulls()
    return bool(len(plain)) and float(plain.str.contains(ANY_DATE).sum()) > 0.8 * len(plain)


def _event_codes(words: Iterable[str]) -> str:
    known = list(words)
    folded = {word.casefold() for word in known}
    plain = len(known) <= 2 and folded <= _CENSORED | _EVENT
    made = []
    for word in known:
        meaning = UNKNOWN
        if word.casefold() in _CENSORED:
            meaning = "censored"
        elif word.casefold() in _EVENT and (plain or not word.isdigit()):
            meaning = "event"
        made.append(f'{_quoted(word)} = "{meaning}"')
    return ", ".join(made)


def _leftovers(found: Guesses) -> list[str]:
    lines: list[str] = []
    if found.identifying:
        lines.append("# Left out, as they seem to identify persons:")
        lines += [f"#   {_quoted(h)}: {what}" for h, what in found.identifying.items()]
    rest = [*found.dates, *found.others, *([] if found.long else found.numbers)]
    if rest:
        lines += [
            "# Not recognised. To keep one as a covariate of the patients, write under",
            '# [patients.extra] a line such as: menopause = "Menopausal status"',
        ]
        lines += [f"#   {_quoted(header)}" for header in rest]
    return lines
