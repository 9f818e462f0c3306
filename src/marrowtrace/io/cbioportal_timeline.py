"""The timelines of a cBioPortal study: specimens, treatments and laboratory tests by day."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from marrowtrace import terms
from marrowtrace.errors import ProblemList
from marrowtrace.io.tab_file import TabFile
from marrowtrace.terms import fold

_SPECIMEN = {"specimen", "sample_acquisition"}
_TREATMENT = {"treatment", "treatments"}
_LAB = {"lab_test", "lab_tests", "labtest"}


@dataclass(frozen=True, slots=True)
class Specimen:
    """When, and as far as known where, a sample was taken.

    Parameters
    ----------
    day : float
        Days from diagnosis.
    site : str, optional
    kind : str, optional
        Tissue, blood, ...
    """

    day: float
    site: str | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Events:
    """What the timelines hold.

    Parameters
    ----------
    specimens : dict of str to Specimen
        By sample_id of the clinical sample file.
    samples : list of dict
        Further samples: specimens that no clinical file lists, and the blood of laboratory tests.
    treatments, measurements : list of dict
        Rows of those tables.
    """

    specimens: dict[str, Specimen] = field(default_factory=dict)
    samples: list[dict[str, object]] = field(default_factory=list)
    treatments: list[dict[str, object]] = field(default_factory=list)
    measurements: list[dict[str, object]] = field(default_factory=list)


def read_events(
    files: Sequence[TabFile],
    known: Mapping[str, str],
    sites: Mapping[str, str],
    report: list[str],
    problems: ProblemList,
) -> Events:
    """Read the timelines.

    Parameters
    ----------
    files : sequence of TabFile
        With column names in capitals.
    known : mapping of str to str
        Samples of the clinical file to their patients.
    sites : mapping of str to str
        Site of each sample, where the clinical file names it.
    report : list of str
        Receives what was understood.
    problems : ProblemList
        Receives every day that is not a number and sample of another patient.

    Raises
    ------
    InputFileError
        If a required column is absent.
    """
    events = Events()
    skipped: Counter[str] = Counter()
    for file in files:
        file.require(("PATIENT_ID", "START_DATE", "EVENT_TYPE"))
        for line, row in zip(file.lines.to_list(), file.frame.iter_rows(named=True), strict=True):
            place = f"{file.name}:{line}"
            kind = fold(row["EVENT_TYPE"] or "")
            if row["PATIENT_ID"] is None:
                problems.add(place, "has no PATIENT_ID; a value is required")
                continue
            if kind not in _SPECIMEN | _TREATMENT | _LAB:
                skipped[row["EVENT_TYPE"] or "none"] += 1
                continue
            day = _day(row["START_DATE"], "START_DATE", place, problems)
            if day is None:
                if row["START_DATE"] is None:
                    skipped[f"{row['EVENT_TYPE']} without START_DATE"] += 1
            elif kind in _SPECIMEN:
                _specimen(row, day, place, known, sites, events, skipped, problems)
            elif kind in _TREATMENT:
                stop = _day(row.get("STOP_DATE"), "STOP_DATE", place, problems)
                _treatment(row, day, stop, events)
            else:
                _lab_test(row, day, events, skipped)
    _finish(events, skipped, report)
    return events


def _day(word: str | None, column: str, place: str, problems: ProblemList) -> float | None:
    if word is None:
        return None
    try:
        day = float(word)
    except ValueError:
        day = math.nan
    if not math.isfinite(day):
        # the word itself may be a calendar date, which must not be repeated
        problems.add(place, f"{column} is no number of days from diagnosis; dates are not accepted")
        return None
    return day


def _specimen(
    row: Mapping[str, str | None],
    day: float,
    place: str,
    known: Mapping[str, str],
    sites: Mapping[str, str],
    events: Events,
    skipped: Counter[str],
    problems: ProblemList,
) -> None:
    patient = row["PATIENT_ID"]
    sample = row.get("SAMPLE_ID") or row.get("SPECIMEN_REFERENCE_NUMBER")
    kind = row.get("SPECIMEN_TYPE")
    site = _site(row.get("SPECIMEN_SITE")) or _site(kind)
    if sample is not None and sample in known:
        if known[sample] != patient:
            problems.add(
                place,
                f"'{sample}' is a sample of '{known[sample]}', not of '{patient}'; "
                "correct one of the two files",
            )
        elif sample in events.specimens and events.specimens[sample].day != day:
            problems.add(place, f"'{sample}' is taken on two days; correct one of them")
        else:
            # where the timeline only says 'tissue', the clinical file knows more
            precise = site if site in {"blood", "bone_marrow", "lymph_node"} else sites.get(sample)
            events.specimens[sample] = Specimen(day, precise or site, kind)
        return
    if site is None:
        skipped["SPECIMEN that is not in the sample file, of unknown site"] += 1
        return
    taken = {str(s["sample_id"]) for s in events.samples} | set(known)
    name = sample or f"{patient}-specimen-{day:g}"
    while name in taken:
        name += "+"
    events.samples.append(
        {"sample_id": name, "patient_id": patient, "site": site, "time": day, "specimen": kind}
    )


def _site(word: str | None) -> str | None:
    if word is None:
        return None
    if fold(word) in {"plasma", "cfdna", "ctdna"}:
        return "blood"
    return terms.SITE.normalise(word)


def _treatment(
    row: Mapping[str, str | None], start: float, stop: float | None, events: Events
) -> None:
    events.treatments.append(
        {
            "patient_id": row["PATIENT_ID"],
            "start": start,
            "stop": stop,
            "regimen": row.get("SUBTYPE") or row.get("TREATMENT_TYPE"),
            "agent": row.get("AGENT"),
        }
    )


def _lab_test(
    row: Mapping[str, str | None], day: float, events: Events, skipped: Counter[str]
) -> None:
    test, result = row.get("TEST"), row.get("RESULT")
    try:
        value = float(result or "")
    except ValueError:
        value = math.nan
    if test is None or not math.isfinite(value):
        skipped["LAB_TEST without a number"] += 1
        return
    events.measurements.append(
        {
            "patient_id": row["PATIENT_ID"],
            "time": day,
            "analyte": test,
            "value": value,
            "unit": row.get("RESULT_UNITS") or row.get("UNITS") or row.get("UNIT"),
        }
    )


def _finish(events: Events, skipped: Counter[str], report: list[str]) -> None:
    """Give laboratory tests their blood samples and report what was done."""
    rows: list[dict[str, object]] = []
    times: Counter[tuple[object, ...]] = Counter()
    samples: dict[str, dict[str, object]] = {}
    for test in events.measurements:
        again = times[test["patient_id"], test["time"], test["analyte"]]
        times[test["patient_id"], test["time"], test["analyte"]] += 1
        name = f"{test['patient_id']}-blood-{test['time']:g}" + (f"-{again + 1}" if again else "")
        samples[name] = {
            "sample_id": name, "patient_id": test["patient_id"], "site": "blood",
            "time": test["time"], "specimen": "laboratory test",
        }  # fmt: skip
        rows.append({"sample_id": name, **{k: test[k] for k in ("analyte", "value", "unit")}})
    events.measurements[:] = rows
    events.samples.extend(samples.values())
    if rows:
        report.append(
            f"{len(rows)} LAB_TEST result(s) are measurements in {len(samples)} blood samples, "
            "one a patient and day; that the tests were of blood is assumed"
        )
    courses: dict[tuple[object, ...], dict[str, object]] = {}
    for course in events.treatments:
        key = tuple(course[k] for k in ("patient_id", "start", "regimen", "agent"))
        kept = courses.setdefault(key, course)
        stops = [c["stop"] for c in (kept, course) if isinstance(c["stop"], float)]
        kept["stop"] = max(stops, default=None)
    if len(courses) < len(events.treatments):
        again = len(events.treatments) - len(courses)
        report.append(f"{again} TREATMENT event(s) repeat another; the later STOP_DATE is kept")
    events.treatments[:] = courses.values()
    for what, number in sorted(skipped.items()):
        report.append(f"timeline: {number} event(s) not used: {what}")
