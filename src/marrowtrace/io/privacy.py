"""What identifies a person in a clinic's file: found by header and by content, and kept out.

Ages and days from an index event are kept. Names, dates of birth, calendar dates, contact data and
numbers of records or insurance are not: a column that is used and holds them is refused, a column
that is not used is left behind and reported. No message or note of this module shows a value.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from marrowtrace.errors import PrivacyError, ProblemList
from marrowtrace.io.dates import ANY_DATE
from marrowtrace.io.mapping import Block, Field, FileMapping
from marrowtrace.io.notes import Note, counted, listed
from marrowtrace.io.sheet import Sheet
from marrowtrace.terms import fold

_PERSON = r"(?:(?:patient|patients|patienten|pat|participant|subject)_)?"
_HEADERS: Mapping[str, str] = {
    "names": rf"{_PERSON}(?:name|names|full_name|first_name|last_name|surname|forename|given_name"
    r"|family_name|maiden_name|middle_name|nachname|vorname|familienname|geburtsname|rufname|nom"
    r"|prenom|prénom|apellido|apellidos|nombre|cognome|naam|achternaam|voornaam|efternamn|initials"
    r"|initialen|name_vorname|name_first_name|vor_und_nachname)",
    "dates of birth": r"dob|birth|birthday|birth_?date|date_?of_?birth|geb|geburtsdatum|geb_?dat"
    r"|geb_?datum|geburtstag|date_de_naissance|fecha_de_nacimiento|data_di_nascita|geboortedatum"
    rf"|{_PERSON}(?:dob|birth_?date|date_of_birth|geburtsdatum)",
    "record numbers": r"mrn|emrn|(?:medical_)?record_(?:number|no|nr|id)"
    r"|hospital_(?:number|no|nr|id)|chart_(?:number|no)|case_number|fallnummer|fall_?nr|aufnahmenummer|krankenaktennummer"
    r"|accession_(?:number|no)|kis_?(?:id|nr)|nhs(?:_number|_no)?|ssn|social_security(?:_number)?"
    r"|personnummer|cpr(?:_number|_nummer)?|bsn|codice_fiscale|passport(?:_number|_no)?",
    "insurance numbers": r"(?:health_)?insurance(?:_number|_no|_id|_nr)?|kvnr"
    r"|versicherten?_?(?:nummer|nr)|versicherungs_?(?:nummer|nr)|medicare(?:_number)?|krankenkasse",
    "contact data": r"(?:tele)?phone(?:_?number|_no)?|mobile(?:_number)?|telefon(?:nummer)?|tel"
    r"|handy|fax|e_?mail(?:_address)?|address|adresse|anschrift|street|strasse|straße|postcode"
    r"|post_?code|zip(?:_?code)?|plz|postleitzahl|wohnort",
}  # fmt: skip
_HEADER_RULES = {what: re.compile(rf"^(?:{pattern})$") for what, pattern in _HEADERS.items()}
_PAIR = (
    r"^\p{Lu}[\p{Ll}'\x{2019}-]+(?:[- ]\p{Lu}[\p{Ll}'\x{2019}]+)?,? "
    r"(?:\p{Lu}\. ?)?\p{Lu}[\p{Ll}'\x{2019}-]+$"
)
# content that gives a person away: pattern and the share of values that must match it
_CONTENT: Mapping[str, tuple[str, float]] = {
    "e-mail addresses": (r"[\w.+-]+@[\w-]+\.[\w.]+", 0.0),
    "names with a title": (r"\b(?:Frau|Herr|Herrn|Mrs|Mr|Ms|Mme|Sig\.ra)\.? \p{Lu}\p{Ll}+", 0.0),
    "social security numbers": (r"^\d{3}-\d{2}-\d{4}$", 0.3),
    "insurance numbers": (r"^[A-Z]\d{9}$", 0.3),
    "personal numbers": (r"^(?:19|20)?\d{6}[-+]\d{4}$", 0.3),
    "health service numbers": (r"^\d{3} \d{3} \d{4}$", 0.3),
    "phone numbers": (r"^(?:\+|00)\d[\d ()/.-]{7,}$|^\(?0\d{2,5}\)?[ /-]\d[\d -]{4,}$", 0.3),
}  # fmt: skip
_INITIALS_AND_DATE = r"^[\p{L}]{1,3}[-_ ]?(?:(?:19|20)\d{6}|[0-3]\d[01]\d(?:19|20)\d\d)$"
_DATE_WITHIN = (
    r"\b(?:\d{1,2}[./]\d{1,2}[./]|(?:19|20)\d\d-\d\d-)\d{2}"
    r"|\b(?:0?[1-9]|1[0-2])/(?:19|20)\d\d\b|^(?:19|20)\d\d-(?:0[1-9]|1[0-2])$"
    r"|(?i)\b(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sept?|o[ck]t|nov|de[cz])[a-z]*\.? ?"
    r"(?:19|20)\d\d\b"
)
_LONG_NUMBER = r"^[A-Za-z]{0,2}\d{7,}$"


@dataclass(frozen=True, slots=True)
class Finding:
    """A column that identifies persons.

    Parameters
    ----------
    header : str
    what : str
        Kind of identifier, in words.
    reason : str
        How it was recognised, without showing a value.
    """

    header: str
    what: str
    reason: str


def by_header(header: str) -> str:
    """Return the kind of identifier that a header announces, or nothing.

    Examples
    --------
    >>> by_header("Nachname"), by_header("Date of birth"), by_header("Regimen name")
    ('names', 'dates of birth', '')
    """
    folded = re.sub(r"[\W_]+", "_", fold(header)).strip("_")
    return next((what for what, rule in _HEADER_RULES.items() if rule.match(folded)), "")


def by_content(values: pl.Series, *, numbers: bool = False) -> str:
    """Return the kind of identifier that texts hold, or nothing.

    Parameters
    ----------
    values : Series of str
    numbers : bool
        Whether long numbers that hardly repeat are record numbers, as in a column of ids.
    """
    distinct = values.drop_nulls().unique()
    if not len(distinct):
        return ""
    for what, (pattern, share) in _CONTENT.items():
        if _share(distinct, pattern) > share:
            return what
    if (
        _share(distinct, _PAIR) > 0.5
        and len(distinct) >= 5
        and len(distinct) > 0.6 * values.count()
    ):
        return "names"
    if _share(distinct, _INITIALS_AND_DATE) > 0.3:
        return "initials with a date of birth"
    if numbers and _share(distinct, _LONG_NUMBER) > 0.5 and len(distinct) > 0.5 * values.count():
        return "numbers of seven digits or more, as record numbers are"
    return ""


def _share(values: pl.Series, pattern: str) -> float:
    return float(values.str.contains(pattern).sum()) / len(values)


def find_identifier(header: str, values: pl.Series, *, numbers: bool = False) -> Finding | None:
    """Return what identifies persons in a column, or None.

    Parameters
    ----------
    header : str
    values : Series of str
    numbers : bool
        Whether long numbers count as record numbers.
    """
    if what := by_header(header):
        return Finding(header, what, "by its header")
    if what := by_content(values, numbers=numbers):
        return Finding(header, what, "by its content")
    return None


def screen(
    mapping: FileMapping, sheet: Sheet, notes: list[Note], *, pseudonymise: bool
) -> FileMapping:
    """Refuse what identifies persons, or take it out of the mapping.

    Parameters
    ----------
    mapping : FileMapping
    sheet : Sheet
    notes : list of Note
        Receives the columns that are left behind.
    pseudonymise : bool
        Whether ids are going to be replaced, and other identifying columns dropped.

    Returns
    -------
    FileMapping
        The mapping without the fields that were dropped.

    Raises
    ------
    PrivacyError
        Listing every used column that identifies persons, and every column that would carry
        calendar dates out of the import.
    """
    problems = ProblemList()
    dropped: set[str] = set()
    for field, required in _exposed(mapping):
        header = sheet.find(field.column) or field.column
        values = sheet.frame[header]
        is_id = field.target.name in {"patient_id", "sample_id"}
        is_text = field.target.kind in {"text", "any"} and field.target.vocabulary is None
        if is_id and pseudonymise:
            continue
        found = find_identifier(header, values, numbers=is_text)
        dated = _dated(field, header, values) if is_text and found is None else values.clear()
        if found is None and not len(dated):
            continue
        if pseudonymise and not required:
            dropped.add(field.place)
            what = f"looks like {found.what} ({found.reason})" if found else "holds calendar dates"
            notes.append(Note("privacy", f"column '{header}'", f"{what}; dropped"))
            continue
        if found is not None:
            message = _refusal(found, is_id=is_id)
        else:
            message = (
                f"{counted(sheet.lines.filter(dated), sheet.line_word)} hold calendar dates, which "
                "do not leave the import; use { date = '...' } where a day is wanted, or take the "
                "column out of the mapping"
            )
        problems.add(f"column '{header}' ({field.place})", message)
    problems.raise_any(
        PrivacyError,
        f"{sheet.name}: marrowtrace keeps ages and days, never what identifies a person",
    )
    _note_unused(mapping, sheet, notes)
    return _without(mapping, dropped)


def _exposed(mapping: FileMapping) -> Iterator[tuple[Field, bool]]:
    """Fields whose values would leave the import as they are, and whether they are required."""
    for block in mapping.blocks:
        inner = [block, *block.enumerations]
        for part in inner:
            for name, field in part.fields.items():
                if field.source == "column":
                    column_required = field.target.required or name in {"patient_id", "time"}
                    yield field, column_required
        for field in [*block.extra.values(), *block.measurements.values()]:
            if field.source == "column":
                yield field, False


def _refusal(found: Finding, *, is_id: bool) -> str:
    if is_id:
        return (
            f"looks like {found.what} ({found.reason}); replace the ids by study numbers, or "
            "import with --pseudonymise, which gives random ids"
        )
    if found.what == "dates of birth":
        return (
            f"looks like {found.what} ({found.reason}); keep the age only: "
            "age = { date_of_birth = '...' } under [patients] computes it and drops the date"
        )
    return (
        f"looks like {found.what} ({found.reason}); take it out of the mapping, or import with "
        "--pseudonymise, which drops it"
    )


def _dated(field: Field, header: str, values: pl.Series) -> pl.Series:
    """Mark the texts that would carry calendar dates out of the import; empty if there are none."""
    codes = list(field.codes)
    plain = values.set(values.is_in(codes).fill_null(value=False), None) if codes else values
    dated = plain.str.contains(ANY_DATE) | plain.str.contains(_DATE_WITHIN)
    if re.search(r"(?:^|_)(?:date|datum|dat|fecha|data)(?:_|$)", fold(header)):
        dated |= plain.str.contains(r"^[2-6]\d{4}(?:\.\d+)?$")
    dated = dated.fill_null(value=False)
    return dated if dated.any() else dated.clear()


def _note_unused(mapping: FileMapping, sheet: Sheet, notes: list[Note]) -> None:
    """Report the columns that the mapping does not use."""
    used = {sheet.find(header) for _, header in mapping.every_column()}
    unused = [header for header in sheet.headers if header not in used]
    identifying = []
    for header in unused:
        found = find_identifier(header, sheet.frame[header], numbers=True)
        if found is not None:
            identifying.append(header)
            message = f"looks like {found.what} ({found.reason}); left behind"
            notes.append(Note("privacy", f"column '{header}'", message))
    rest = [header for header in unused if header not in identifying]
    if rest:
        notes.append(
            Note("column", "", f"{len(rest)} column(s) not used: {listed(rest, shown=40)}")
        )


def _without(mapping: FileMapping, dropped: set[str]) -> FileMapping:
    if not dropped:
        return mapping

    def keep(fields: Mapping[str, Field]) -> dict[str, Field]:
        return {name: field for name, field in fields.items() if field.place not in dropped}

    def lighten(block: Block) -> Block:
        return replace(
            block,
            fields=keep(block.fields),
            extra=keep(block.extra),
            measurements=keep(block.measurements),
            enumerations=tuple(lighten(b) for b in block.enumerations),
        )

    return replace(
        mapping,
        patients=lighten(mapping.patients),
        treatments=tuple(map(lighten, mapping.treatments)),
        samples=tuple(map(lighten, mapping.samples)),
        follow_up=tuple(map(lighten, mapping.follow_up)),
    )


def pseudonyms(ids: pl.Series, *, prefix: str = "P-", seed: int | None = None) -> dict[str, str]:
    """Return a random pseudonym for each distinct id, the same one wherever the id stands.

    Parameters
    ----------
    ids : Series of str
    prefix : str
    seed : int, optional
        Makes the pseudonyms the same at every import of the same file; without it they come from
        the system's source of secrets and cannot be made again.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> made = pseudonyms(pl.Series(["Ada L.", "Ada L.", "Grace H."]), seed=1)
    >>> len(made), all(name.startswith("P-") for name in made.values())
    (2, True)
    """
    distinct = ids.drop_nulls().unique(maintain_order=True).to_list()
    taken: set[str] = set()
    rng = None if seed is None else np.random.default_rng(seed)
    made: dict[str, str] = {}
    for identity in distinct:
        token = ""
        while not token or token in taken:
            token = secrets.token_hex(5) if rng is None else rng.bytes(5).hex()
        taken.add(token)
        made[identity] = prefix + token
    return made
