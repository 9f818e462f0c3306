"""The clinical tables of a cBioPortal study: patients, samples and follow-up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from marrowtrace import terms
from marrowtrace.cohort import TABLES
from marrowtrace.errors import ProblemList
from marrowtrace.io.tab_file import TabFile
from marrowtrace.terms import Vocabulary, fold
from marrowtrace.units import convert

# columns of cBioPortal to ours, in the order of preference
PATIENT_COLUMNS = {
    "age": ("AGE", "AGE_AT_DIAGNOSIS"),
    "sex": ("SEX", "GENDER"),
    "cancer_type": ("CANCER_TYPE", "ONCOTREE_CODE"),
    "subtype": ("SUBTYPE", "CANCER_TYPE_DETAILED"),
    "er": ("ER_STATUS", "ER_STATUS_BY_IHC", "ER_IHC"),
    "her2": ("HER2_STATUS", "HER2_SNP6", "IHC_HER2"),
    "stage": ("AJCC_PATHOLOGIC_TUMOR_STAGE", "TUMOR_STAGE", "TUMOR_STAGE_2009", "STAGE"),
    "nodes": ("LYMPH_NODES_EXAMINED_POSITIVE",),
    "arm": ("ARM", "TREATMENT_ARM"),
}
SITE_COLUMNS = ("SPECIMEN_SITE", "METASTATIC_SITE", "SAMPLE_TYPE", "SAMPLE_CLASS", "TUMOR_TYPE")
_SITES = {
    "primary": ("primary", "primary solid tumor", "primary tumour", "primary tumor"),
    "blood": ("blood", "plasma", "cfdna", "peripheral blood", "pb", "primary blood derived cancer"),
    "bone_marrow": ("bone marrow", "marrow", "bm"),
    "lymph_node": ("lymph node", "lymph nodes", "ln"),
    "metastasis": (
        "metastasis", "metastatic", "met", "distant metastasis", "recurrence metastasis",
    ),
}  # fmt: skip
_NO_EVENT = {"living", "alive", "diseasefree", "disease_free", "censored", "progression_free"}
_EVENT = {
    "deceased", "dead", "recurred", "progressed", "recurred_progressed", "progression", "relapsed",
    "recurrence",
}  # fmt: skip
_STATUS = re.compile(r"^(\d{1,2})(?:\s*:.*)?$", re.DOTALL)
_ABOVE = re.compile(r"^[<>]=?\s*\d+(\.\d+)?$|^\d+\+$")


@dataclass(frozen=True, slots=True)
class Clinical:
    """What the clinical files hold.

    Parameters
    ----------
    patients : DataFrame
    samples : list of dict
        ``sample_id``, ``patient_id``, ``sample_type`` and further columns; no site or day yet.
    sites : dict of str to str
        Site of each sample that says where it was taken.
    follow_up : list of dict
        Rows of the ``follow_up`` table.
    """

    patients: pl.DataFrame
    samples: list[dict[str, Any]]
    sites: dict[str, str]
    follow_up: list[dict[str, object]]


def read_clinical(
    patient_files: Sequence[TabFile],
    sample_files: Sequence[TabFile],
    study_cancer: str,
    report: list[str],
    problems: ProblemList,
) -> Clinical:
    """Read patients, samples and follow-up.

    Parameters
    ----------
    patient_files, sample_files : sequence of TabFile
        With column names in capitals.
    study_cancer : str
        ``type_of_cancer`` of the study, for patients of whom no file says more.
    report : list of str
        Receives what was understood.
    problems : ProblemList
        Receives what cannot be read.

    Raises
    ------
    InputFileError
        If a required column is absent.
    """
    for file in patient_files:
        file.require(("PATIENT_ID",))
    for file in sample_files:
        file.require(("PATIENT_ID", "SAMPLE_ID"))
    for file in (*patient_files, *sample_files):
        _refuse_empty(file, problems)
    raw_patients = _merge([f.frame for f in patient_files], "PATIENT_ID", patient_files, problems)
    raw_samples = _merge([f.frame for f in sample_files], "SAMPLE_ID", sample_files, problems)
    kinds = declared_kinds([*patient_files, *sample_files])
    patients = _patients(raw_patients, raw_samples, study_cancer, kinds, report)
    follow_up: list[dict[str, object]] = []
    source = raw_patients if raw_patients.width else _per_patient(raw_samples)
    for column in [c for c in source.columns if c.endswith("_MONTHS")]:
        prefix = column.removesuffix("_MONTHS")
        if f"{prefix}_STATUS" in source.columns:
            follow_up += _endpoint(source, prefix, report, problems)
    samples, sites = _samples(raw_samples, kinds)
    others = [c for c in raw_samples.columns if c not in {"PATIENT_ID", "SAMPLE_ID", "SAMPLE_TYPE"}]
    if others:
        report.append(f"further sample columns kept: {', '.join(others)}")
    return Clinical(patients, samples, sites, follow_up)


def _refuse_empty(file: TabFile, problems: ProblemList) -> None:
    for column in ("PATIENT_ID", "SAMPLE_ID"):
        if column in file.frame.columns:
            lines = file.lines.filter(file.frame[column].is_null()).to_list()
            if lines:
                problems.add(
                    f"{file.name}.{column}",
                    f"{len(lines)} row(s) (line {', '.join(map(str, lines[:3]))}) are empty; "
                    "a value is required",
                )


def _merge(
    frames: Sequence[pl.DataFrame], key: str, files: Sequence[TabFile], problems: ProblemList
) -> pl.DataFrame:
    """Put the files of one kind under one another, refusing a key that stands twice."""
    if not frames:
        return pl.DataFrame()
    merged = pl.concat(frames, how="diagonal")
    again = merged.filter(pl.col(key).is_not_null() & pl.col(key).is_duplicated())
    if again.height:
        ids = again[key].unique(maintain_order=True)
        problems.add(
            f"{files[0].name}.{key}",
            f"{len(ids)} id(s) stand on more than one line, e.g. '{ids[0]}'; each may stand once",
        )
    return merged.filter(pl.col(key).is_not_null()).unique(key, keep="first", maintain_order=True)


def declared_kinds(files: Sequence[TabFile]) -> dict[str, str]:
    """Return the datatype (STRING, NUMBER, BOOLEAN) that the ``#`` lines give each column."""
    kinds: dict[str, str] = {}
    for file in files:
        if len(file.comments) >= 3:
            words = [word.strip().upper() for word in file.comments[2].split("\t")]
            if set(words) <= {"STRING", "NUMBER", "BOOLEAN", ""}:
                kinds.update(zip(file.frame.columns, words, strict=False))
    return kinds


def _per_patient(samples: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of the sample table that agree within every patient."""
    groups = samples.group_by("PATIENT_ID", maintain_order=True)
    others = [c for c in samples.columns if c not in {"PATIENT_ID", "SAMPLE_ID"}]
    counts = groups.agg(pl.col(c).drop_nulls().n_unique() for c in others)
    agreed = [c for c in others if (counts[c].max() or 0) in {0, 1}]
    return groups.agg(pl.col(c).drop_nulls().first() for c in agreed)


def _patients(
    raw: pl.DataFrame,
    samples: pl.DataFrame,
    study_cancer: str,
    kinds: dict[str, str],
    report: list[str],
) -> pl.DataFrame:
    """Make the patients table: our columns where they are known, the others as they are."""
    shared = _per_patient(samples)
    if not raw.width:
        raw = shared.select("PATIENT_ID")
    own = set(raw.columns)
    wanted = [c for names in PATIENT_COLUMNS.values() for c in names]
    added = [c for c in shared.columns if c in wanted and c not in own]
    before = raw.height
    raw = raw.join(
        shared.select("PATIENT_ID", *added), on="PATIENT_ID", how="full", coalesce=True,
        maintain_order="left_right",
    )  # fmt: skip
    if raw.height > before:
        report.append(f"{raw.height - before} patient(s) stand only in the sample file; added")
    columns = [raw["PATIENT_ID"].alias("patient_id")]
    used = {"PATIENT_ID"}
    for name, options in PATIENT_COLUMNS.items():
        source = next((o for o in options if o in raw.columns), None)
        if source is not None:
            used.add(source)
            report.append(f"{source} is taken as {name}")
            columns.append(_typed(name, raw[source], report))
    frame = pl.DataFrame(columns)
    cancer = terms.CANCER.normalise(study_cancer)
    if "cancer_type" not in frame.columns:
        frame = frame.with_columns(pl.lit(cancer, dtype=pl.String).alias("cancer_type"))
    elif cancer is not None:
        frame = frame.with_columns(pl.col("cancer_type").fill_null(cancer))
    endpoints = {c for c in raw.columns if c.endswith(("_MONTHS", "_STATUS"))
                 and c.rpartition("_")[0] + "_MONTHS" in raw.columns
                 and c.rpartition("_")[0] + "_STATUS" in raw.columns}  # fmt: skip
    kept = [c for c in raw.columns if c not in used | endpoints and c in own]
    for column in kept:
        name = column if column.casefold() not in TABLES["patients"].names else f"{column}_as_given"
        frame = frame.with_columns(_extra(raw[column], kinds.get(column, "")).alias(name))
    if kept:
        report.append(f"further patient columns kept: {', '.join(kept)}")
    return frame


def _typed(name: str, values: pl.Series, report: list[str]) -> pl.Series:
    """Bring one column to ours; what it cannot hold is left empty and reported."""
    column = TABLES["patients"].column(name)
    if column.vocabulary is not None:
        return _words(name, column.vocabulary, values, report)
    if column.kind == "text":
        return values.alias(name)
    numbers = values.cast(pl.Float64, strict=False)
    lost = values.filter(values.is_not_null() & numbers.is_null())
    if len(lost):
        shown = ", ".join(f"'{v}'" for v in lost.unique(maintain_order=True).head(4).to_list())
        capped = " (a bound is no value)" if any(_ABOVE.match(v) for v in lost.to_list()) else ""
        report.append(f"{values.name}: {len(lost)} value(s) that are no number left out: "
                      f"{shown}{capped}")  # fmt: skip
    return numbers.alias(name)


def _words(name: str, vocabulary: Vocabulary, values: pl.Series, report: list[str]) -> pl.Series:
    known = vocabulary.synonyms()
    found = [None if v is None else _lookup(str(v), known) for v in values.to_list()]
    lost = Counter(
        v for v, f in zip(values.to_list(), found, strict=True) if v is not None and f is None
    )
    if lost:
        shown = ", ".join(f"'{word}' ({times})" for word, times in lost.most_common(4))
        report.append(f"{values.name}: not known as {vocabulary.name}, left empty: {shown}")
    changed = Counter(
        (v, f)
        for v, f in zip(values.to_list(), found, strict=True)
        if f is not None and fold(v) != f
    )
    for (word, term), times in sorted(changed.items()):
        report.append(f"{values.name}: '{word}' is read as {term} ({times})")
    return pl.Series(name, found, dtype=pl.String)


def _lookup(word: str, known: Mapping[str, str]) -> str | None:
    """Find a term for a word, or for its first part ('Breast Cancer' or 'Breast/...')."""
    folded = fold(word)
    if folded in known:
        return known[folded]
    return known.get(folded.removesuffix("_cancer").removesuffix("_carcinoma"))


def _extra(values: pl.Series, kind: str) -> pl.Series:
    """Type a further column as the file declares it, if all its values are of that type."""
    if kind == "NUMBER":
        numbers = values.cast(pl.Float64, strict=False)
        if numbers.null_count() == values.null_count():
            return numbers
    if kind == "BOOLEAN":
        words = {"true": True, "false": False, "yes": True, "no": False}
        lower = values.str.to_lowercase()
        if lower.is_in(list(words)).fill_null(value=True).all():
            return lower.replace_strict(words, default=None, return_dtype=pl.Boolean)
    return values


def _endpoint(
    raw: pl.DataFrame, prefix: str, report: list[str], problems: ProblemList
) -> list[dict[str, object]]:
    """Read one pair ``X_MONTHS`` and ``X_STATUS``."""
    endpoint = terms.ENDPOINT.normalise(prefix) or prefix.lower()
    rows: list[dict[str, object]] = []
    half = 0
    unread: Counter[str] = Counter()
    days: Counter[str] = Counter()
    for patient, months, status in raw.select(
        "PATIENT_ID", f"{prefix}_MONTHS", f"{prefix}_STATUS"
    ).iter_rows():
        if months is None or status is None:
            half += months is not None or status is not None
            continue
        event = _event(status)
        if event is None:
            unread[status] += 1
            continue
        try:
            time = convert(float(months), "month", "d")
        except ValueError:
            days[months] += 1
            continue
        rows.append(
            {"patient_id": patient, "endpoint": endpoint, "entry": 0.0, "time": time,
             "event": event}
        )  # fmt: skip
    if unread:
        shown = ", ".join(f"'{word}'" for word in list(unread)[:3])
        problems.add(
            f"{prefix}_STATUS",
            f"{unread.total()} row(s) hold {shown}; allowed: '0:...' for no event, '1:...' for an "
            "event, '2:...' and above for competing events",
        )
    if days:
        problems.add(
            f"{prefix}_MONTHS",
            f"{days.total()} row(s) hold '{next(iter(days))}', which is no number of months",
        )
    report.append(
        f"{prefix}_MONTHS and {prefix}_STATUS are taken as {endpoint}, from diagnosis, "
        f"in days (365.25 / 12 a month): {len(rows)} patient(s)"
    )
    if prefix == "DFS":
        report.append(
            "DFS_MONTHS counts from the first treatment by cBioPortal's definition; "
            "day 0 is the diagnosis here, so it is early by the time between the two"
        )
    if half:
        report.append(f"{endpoint}: {half} patient(s) with a time or a status only; left out")
    return rows


def _event(status: str) -> int | None:
    """Return the event code of a status such as ``1:DECEASED`` or ``LIVING``."""
    match = _STATUS.match(status)
    if match:
        return int(match[1])
    folded = fold(status)
    if folded in _NO_EVENT:
        return 0
    return 1 if folded in _EVENT else None


def _samples(
    raw: pl.DataFrame, kinds: dict[str, str]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the samples with their further columns, and the site of those that name it."""
    known = {fold(word): site for site, words in _SITES.items() for word in words}
    sites: dict[str, str] = {}
    site_columns = [c for c in SITE_COLUMNS if c in raw.columns]
    far = site_columns.index("METASTATIC_SITE") + 1 if "METASTATIC_SITE" in site_columns else None
    for row in raw.select("SAMPLE_ID", *site_columns).iter_rows():
        found = [known[fold(word)] for word in row[1:] if word and fold(word) in known]
        if not found and far is not None and row[far]:
            found = ["metastasis"]
        if found:
            # a word for marrow, blood or node says more than 'metastasis'
            sites[row[0]] = next((s for s in found if s not in {"primary", "metastasis"}), found[0])
    taken = {"sample_id", "patient_id", "site", "time", "phase", "specimen"}
    names = {
        column: column if column.casefold() not in taken else f"{column}_as_given"
        for column in raw.columns
        if column not in {"SAMPLE_ID", "PATIENT_ID"}
    }
    typed = raw.select(
        pl.col("SAMPLE_ID").alias("sample_id"),
        pl.col("PATIENT_ID").alias("patient_id"),
        *([pl.col("SAMPLE_TYPE").alias("sample_type")] if "SAMPLE_TYPE" in raw.columns else []),
        *(_extra(raw[column], kinds.get(column, "")).alias(new) for column, new in names.items()),
    )
    return typed.to_dicts(), sites
