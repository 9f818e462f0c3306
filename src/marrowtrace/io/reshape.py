"""A clinic's file and its mapping into a cohort."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from marrowtrace.cohort import TABLES, Cohort
from marrowtrace.errors import InputFileError, Problem, ProblemList
from marrowtrace.io.contradictions import contradictions
from marrowtrace.io.fields import FieldReader, Rows
from marrowtrace.io.import_result import ImportResult
from marrowtrace.io.mapping import FileMapping
from marrowtrace.io.mapping_file import read_mapping
from marrowtrace.io.notes import Note, without_dates
from marrowtrace.io.privacy import pseudonyms, screen
from marrowtrace.io.sheet import Sheet
from marrowtrace.io.source import read_sheet
from marrowtrace.io.tables import LINE, TableMaker
from marrowtrace.provenance import Provenance, SourceFile


def import_file(
    path: Path, mapping_path: Path, *, pseudonymise: bool = False, seed: int | None = None
) -> ImportResult:
    """Read a clinic's file through a mapping file into a cohort.

    Parameters
    ----------
    path : Path
        CSV of any encoding and delimiter (also gzipped), or a workbook.
    mapping_path : Path
        TOML; see docs/mapping.md.
    pseudonymise : bool
        Replace the ids of patients and samples by random ones, order the patients by them, and
        drop other columns that identify persons instead of refusing them.
    seed : int, optional
        Makes the random ids the same at every import; without it they cannot be made again. It
        is not written anywhere: keep it as you keep the file itself.

    Returns
    -------
    ImportResult
        The cohort, and what was understood, converted, left out or dropped.

    Raises
    ------
    MissingFileError
        If a file does not exist.
    InputFileError
        If the file or the mapping cannot be read, or values do not fit: every problem at once,
        with the lines of the file.
    PrivacyError
        If a used column identifies persons.
    CohortError
        If the tables contradict each other.
    """
    mapping = read_mapping(mapping_path)
    sheet = read_sheet(path, mapping.file)
    notes = [*(Note("default", "", text) for text in mapping.notes), *sheet.notes]
    _check_columns(mapping, sheet, notes)
    mapping = screen(mapping, sheet, notes, pseudonymise=pseudonymise)
    problems = ProblemList()
    reader = FieldReader(mapping, sheet, problems, notes)
    rows = _rows(mapping, sheet, reader, problems, notes)
    tables = TableMaker(mapping, reader, problems, notes).tables(rows)
    problems = ProblemList(dict.fromkeys(problems))  # a column that is read twice errs once
    problems.extend(contradictions(tables, sheet.line_word))
    problems.raise_any(InputFileError, sheet.name)
    frames = {name: frame.drop(LINE) for name, frame in tables.items()}
    if pseudonymise:
        frames = _pseudonymised(frames, notes, seed)
    report = tuple(dict.fromkeys(str(note) for note in notes))
    cohort = Cohort.from_tables(
        frames,
        index_event=mapping.index_event,
        provenance=Provenance(
            action="cohort import",
            sources=[_source(path, named=not pseudonymise), _source(mapping_path)],
            # the seed opens the pseudonyms to whoever has the file, so it is not kept
            parameters={
                "pseudonymise": pseudonymise,
                "seeded": seed is not None,
                "notes": list(mapping.notes),
            },
            notes=report,
            citations=mapping.citations,
        ),
    )
    return ImportResult(cohort=cohort, report=report)


def _source(path: Path, *, named: bool = True) -> SourceFile:
    """Describe a file; its name goes without dates, or not at all, as it may name a person."""
    file = SourceFile.of(path)
    name = without_dates(file.name) if named else "table" + "".join(path.suffixes[-1:])
    return replace(file, name=name)


def _check_columns(mapping: FileMapping, sheet: Sheet, notes: list[Note]) -> None:
    """Refuse a mapping that names columns the file does not have."""
    problems = ProblemList()
    for place, header in mapping.every_column():
        found = sheet.find(header)
        if found is None:
            problems.extend([Problem(place, sheet.absent(header))])
        elif found != header.strip():
            notes.append(Note("column", place, f"'{header}' taken to be the column '{found}'"))
    problems = ProblemList(dict.fromkeys(problems))
    problems.raise_any(InputFileError, f"the mapping {mapping.name}")


def _rows(
    mapping: FileMapping,
    sheet: Sheet,
    reader: FieldReader,
    problems: ProblemList,
    notes: list[Note],
) -> Rows:
    """Attach patient and index date to each row; rows without an id are a problem."""
    nothing = pl.Series([None], dtype=pl.Date).new_from_index(0, len(sheet))
    blank = pl.Series([""]).new_from_index(0, len(sheet))
    field = mapping.patients.fields["patient_id"]
    patient = reader.read(field, Rows(sheet, blank, nothing))
    if field.source == "row_number":
        message = f"made from row numbers, '{patient[0]}' to '{patient[-1]}': each row is a patient"
        notes.append(Note("default", field.place, message))
    if patient.null_count():
        lines = sheet.lines.filter(patient.is_null())
        reader.problem(field, lines, "have values but no patient id; fill it in, or remove them")
        patient = patient.fill_null("")
    if mapping.index_date is None:
        return Rows(sheet, patient, nothing)
    date = reader.dates(mapping.index_date, sheet)
    frame = pl.DataFrame({"patient": patient, "date": date})
    per_patient = frame.group_by("patient", maintain_order=True).agg(
        pl.col("date").drop_nulls().n_unique().alias("n"), pl.col("date").drop_nulls().first()
    )
    torn = patient.is_in(per_patient.filter(pl.col("n") > 1)["patient"].implode())
    if torn.any():
        reader.problem(
            mapping.index_date, sheet.lines.filter(torn),
            f"of {per_patient.filter(pl.col('n') > 1).height} patient(s) give more than one date "
            f"of {mapping.index_event}; a patient has one",
        )  # fmt: skip
    joined = frame.select("patient").join(
        per_patient.select("patient", "date"), on="patient", how="left", maintain_order="left"
    )
    return Rows(sheet, patient, joined["date"])


def _pseudonymised(
    frames: dict[str, pl.DataFrame], notes: list[Note], seed: int | None
) -> dict[str, pl.DataFrame]:
    """Replace the ids of patients and samples, and order the tables by the new ones."""
    patients = pseudonyms(frames["patients"]["patient_id"], seed=seed)
    samples = pseudonyms(
        frames["samples"]["sample_id"], prefix="S-", seed=None if seed is None else seed + 1
    )
    made: dict[str, pl.DataFrame] = {}
    for name, frame in frames.items():
        for column, names in (("patient_id", patients), ("sample_id", samples)):
            if column in frame.columns and frame.height:
                frame = frame.with_columns(
                    pl.col(column).replace_strict(names, return_dtype=pl.String)
                )
        key = [column for column in TABLES[name].key if column in frame.columns]
        made[name] = frame.sort(key) if frame.height else frame
    notes.append(
        Note(
            "privacy",
            "",
            f"ids of {len(patients)} patient(s) and {len(samples)} sample(s) replaced by random "
            "ones; patients are in the order of the new ids",
        )
    )
    return made
