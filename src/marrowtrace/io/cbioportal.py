"""Study folders of cBioPortal: clinical tables, timelines and mutations as one cohort.

The files and columns are those of cBioPortal's documentation ('File Formats', docs.cbioportal.org):
``data_clinical_sample.txt`` is required; ``data_clinical_patient.txt``, ``data_timeline*.txt`` and
``data_mutations*.txt`` are read if there, as are other names that a ``meta_*.txt`` file gives.
Day 0 is the diagnosis, which is the zero of cBioPortal's timeline; months become days by
365.25 / 12. What is assumed or left out is reported, never silent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from marrowtrace.cohort import TABLES, Cohort
from marrowtrace.errors import (
    InputFileError,
    MissingFileError,
    PrivacyError,
    ProblemList,
    did_you_mean,
)
from marrowtrace.io.cbioportal_clinical import (
    PATIENT_COLUMNS,
    SITE_COLUMNS,
    Clinical,
    declared_kinds,
    read_clinical,
)
from marrowtrace.io.cbioportal_timeline import Events, read_events
from marrowtrace.io.import_result import ImportResult
from marrowtrace.io.maf import add_maf
from marrowtrace.io.notes import without_dates
from marrowtrace.io.privacy import by_content
from marrowtrace.io.stray_identifiers import dated, stray_identifier
from marrowtrace.io.tab_file import TabFile, read_tab_file
from marrowtrace.provenance import Provenance, SourceFile

MISSING = (
    "NA", "N/A", "NaN", "[Not Available]", "[Not Applicable]", "[Not Evaluated]", "[Unknown]",
    "[Pending]", "[Discrepancy]", "[Completed]", "Not Available", "Not Applicable",
)  # fmt: skip
_INDEX = "diagnosis"
# columns whose words are the format's own, so that they cannot be names of persons
_KNOWN = frozenset(
    [c for names in PATIENT_COLUMNS.values() for c in names]
    + [*SITE_COLUMNS, "EVENT_TYPE", "SPECIMEN_TYPE", "SPECIMEN_REFERENCE_NUMBER", "TREATMENT_TYPE"]
    + ["AGENT", "TEST", "RESULT"]
)
_TRAITS = ("cancer_study_identifier", "type_of_cancer", "reference_genome")
_NAMES = {
    "patient": ("data_clinical_patient.txt", "data_clinical_patients.txt"),
    "sample": ("data_clinical_sample.txt", "data_clinical_samples.txt", "data_clinical.txt"),
}
_DATATYPES = {"PATIENT_ATTRIBUTES": "patient", "SAMPLE_ATTRIBUTES": "sample", "TIMELINE": "time",
              "MAF": "maf"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Study:
    """The files of a study folder by what they hold, and what its meta file says."""

    patient: list[Path] = field(default_factory=list)
    sample: list[Path] = field(default_factory=list)
    time: list[Path] = field(default_factory=list)
    maf: list[Path] = field(default_factory=list)
    traits: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        return [*self.patient, *self.sample, *self.time, *self.maf]


def read_study(path: Path | str) -> ImportResult:
    """Read a cBioPortal study folder.

    Parameters
    ----------
    path : Path or str
        The folder.

    Returns
    -------
    ImportResult
        The cohort, with day 0 the diagnosis, and what was understood, assumed and left out.

    Raises
    ------
    MissingFileError
        If there is no such folder, or it has no clinical sample file.
    InputFileError
        Listing every column, status and day that cannot be read.
    PrivacyError
        If the files hold what identifies a person.
    CohortError
        If the tables do not make a cohort, e.g. a follow-up that ends before the first sample.
    """
    folder = Path(path)
    study = _find(folder)
    report: list[str] = []
    problems = ProblemList()
    patients = [_read(file, report) for file in study.patient]
    samples = [_read(file, report) for file in study.sample]
    timelines = [_read(file, report) for file in study.time]
    clinical = read_clinical(
        patients, samples, study.traits.get("type_of_cancer", ""), report, problems
    )
    known = {row["sample_id"]: row["patient_id"] for row in clinical.samples}
    events = read_events(timelines, known, clinical.sites, report, problems)
    problems.raise_any(InputFileError, f"the study folder '{folder.name}'")
    tables = _tables(clinical, events, report)
    provenance = Provenance(
        action="cohort import (cBioPortal study)",
        sources=tuple(_source(file) for file in study.files),
        parameters={key: study.traits[key] for key in _TRAITS if key in study.traits},
    )
    cohort = Cohort.from_tables(tables, index_event=_INDEX, provenance=provenance)
    for file in study.maf:
        if "variants" in cohort.matrices:
            report.append(f"{file.name}: a second file of mutations; left out")
            continue
        added = add_maf(cohort, file, skip_unknown=True)
        cohort = added.cohort
        report += added.report
    return _with_notes(cohort, provenance, report)


def _source(file: Path) -> SourceFile:
    described = SourceFile.of(file)
    return replace(described, name=without_dates(described.name))


def _with_notes(cohort: Cohort, provenance: Provenance, report: list[str]) -> ImportResult:
    notes = tuple(without_dates(line) for line in report)
    noted = replace(provenance, notes=notes)
    return ImportResult(replace(cohort, provenance=noted), notes)


def _find(folder: Path) -> _Study:
    """Find the files of a study, by its meta files and then by their usual names."""
    if not folder.is_dir():
        if folder.is_file():
            raise InputFileError(f"'{folder}' is a file; a cBioPortal study is a folder")
        beside = [p.name for p in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise MissingFileError(f"there is no folder '{folder}'{did_you_mean(folder.name, beside)}")
    study = _Study()
    found: dict[str, list[Path]] = {"patient": [], "sample": [], "time": [], "maf": []}
    for meta in sorted(folder.glob("meta_*.txt")):
        traits = _read_meta(meta)
        if "type_of_cancer" in traits and "name" in traits:
            study.traits.update(traits)
        kind = _DATATYPES.get(traits.get("datatype", ""))
        if kind is None and traits.get("genetic_alteration_type") == "MUTATION_EXTENDED":
            kind = "maf"
        name = traits.get("data_filename", "")
        if kind and name:
            if Path(name).name != name or not (folder / name).is_file():
                raise InputFileError(f"{meta.name} names the file '{name}', which is not there")
            found[kind].append(folder / name)
    for kind, names in _NAMES.items():
        if not found[kind]:
            found[kind] = [folder / name for name in names if (folder / name).is_file()][:1]
    found["time"] += sorted(folder.glob("data_timeline*.txt"))
    if not found["maf"]:
        found["maf"] = sorted(folder.glob("data_mutations*.txt"))[:1]
    if not found["sample"]:
        here = [p.name for p in sorted(folder.iterdir())]
        near = did_you_mean("data_clinical_sample.txt", here)
        raise MissingFileError(
            f"'{folder}' has no data_clinical_sample.txt, so it is not a cBioPortal study{near}"
        )
    for kind, files in found.items():
        getattr(study, kind).extend(dict.fromkeys(files))
    return study


def _read_meta(path: Path) -> dict[str, str]:
    """Read the ``key: value`` lines of a meta file."""
    traits = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, sign, value = line.partition(":")
        if sign and value.strip():
            traits[key.strip()] = value.strip()
    return traits


def _read(path: Path, report: list[str]) -> TabFile:
    file = read_tab_file(path, missing=MISSING)
    report += file.notes
    upper = {name: name.upper() for name in file.frame.columns}
    if len(set(upper.values())) < len(upper):
        raise InputFileError(f"{path.name} has two columns that differ by capitals only")
    file = TabFile(file.name, file.frame.rename(upper), file.lines, file.comments, file.notes)
    return _screen(file, report)


def _screen(file: TabFile, report: list[str]) -> TabFile:
    """Leave behind what identifies a person, and any column with calendar dates."""
    kinds = declared_kinds([file])
    problems = ProblemList()
    for column in ("PATIENT_ID", "SAMPLE_ID"):
        if column in file.frame.columns:
            what = by_content(file.frame[column])
            if what:
                problems.add(
                    f"{file.name}.{column}", f"looks like {what}; replace the ids by study numbers"
                )
    problems.raise_any(PrivacyError, f"{file.name}: marrowtrace keeps no identifiers")
    dropped = []
    for column in file.frame.columns:
        values = file.frame[column]
        if column in {"PATIENT_ID", "SAMPLE_ID", "START_DATE", "STOP_DATE"}:
            continue
        numbers = kinds.get(column) not in {"NUMBER", "BOOLEAN"}
        if column == "PATIENT_DISPLAY_NAME":
            what = "names"
        elif column in _KNOWN:
            what = dated(values)
        else:
            what = stray_identifier(column, values, numbers=numbers)
        if not what:
            continue
        dropped.append(column)
        report.append(f"{file.name}: column {column} looks like {what}; left behind")
    frame = file.frame.drop(dropped)
    return TabFile(file.name, frame, file.lines, file.comments, file.notes)


def _tables(clinical: Clinical, events: Events, report: list[str]) -> dict[str, pl.DataFrame]:
    """Put clinical tables and timelines together."""
    samples = _samples(clinical, events, report)
    patients = clinical.patients
    seen = set(patients["patient_id"].to_list())
    rows = [*samples, *events.treatments]
    others = dict.fromkeys(str(r["patient_id"]) for r in rows if r["patient_id"] not in seen)
    if others:
        new = pl.DataFrame({"patient_id": list(others)})
        patients = pl.concat([patients, new], how="diagonal")
        report.append(f"{new.height} patient(s) stand only in the timelines; added")
    return {
        "patients": patients,
        "treatments": _frame("treatments", events.treatments),
        "samples": pl.DataFrame(samples, infer_schema_length=None)
        if samples
        else TABLES["samples"].empty(),
        "measurements": _frame("measurements", events.measurements),
        "follow_up": _frame("follow_up", clinical.follow_up),
    }


def _samples(clinical: Clinical, events: Events, report: list[str]) -> list[dict[str, object]]:
    """Give each sample its site and day, leaving out those that have none."""
    kept: list[dict[str, object]] = []
    siteless: list[str] = []
    dayless = assumed = 0
    for row in clinical.samples:
        sample = row["sample_id"]
        specimen = events.specimens.get(sample)
        site = (specimen.site if specimen else None) or clinical.sites.get(sample)
        if site is None:
            siteless.append(row.get("sample_type") or "none")
            continue
        if specimen is not None:
            day = specimen.day
        elif site == "primary":
            day, assumed = 0.0, assumed + 1
        else:
            dayless += 1
            continue
        kind = specimen.kind if specimen else None
        extras = {key: value for key, value in row.items() if key != "sample_type"}
        kept.append({**extras, "site": site, "time": day, "specimen": kind})
    if siteless:
        words = ", ".join(f"'{word}'" for word in sorted(set(siteless))[:6])
        report.append(f"{len(siteless)} sample(s) left out: no known site in SAMPLE_TYPE ({words})")
    if assumed:
        report.append(
            f"{assumed} primary sample(s) without a day: day 0, the diagnosis, is assumed"
        )
    if dayless:
        report.append(f"{dayless} sample(s) other than primaries left out: no day in a timeline")
    return kept + list(events.samples)


def _frame(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = {column.name: column.dtype for column in TABLES[name].columns}
    return pl.DataFrame(rows, schema=schema, orient="row") if rows else TABLES[name].empty()
