"""Guess from headers and values what the columns of a clinic's file are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from marrowtrace.io.dates import ANY_DATE, read_dates
from marrowtrace.io.privacy import by_header, find_identifier
from marrowtrace.io.sheet import Sheet
from marrowtrace.terms import fold

MISSING_WORDS = (
    "n.d.", "nd", "n.a.", "na", "n/a", "-", "--", ".", "?", "unknown", "unbekannt", "missing",
    "nicht bestimmt", "not done", "not available", "k.a.", "null", "none", "nan", "#n/a",
)  # fmt: skip
_ROLES: Mapping[str, str] = {
    "patient_id": r"(?:patient|pat|patienten|studien|study|subject|case|pseudonym|participant)?_?"
    r"(?:id|pid|nr|no|number|code|patno|pseudonym)|patient|subject|usubjid|patientid",
    "age": r"age.*|alter.*|edad|âge",
    "sex": r"sex|gender|geschlecht|sexe|sexo",
    "er": r"er|er_status|oestrogen_receptor.*|estrogen_receptor.*|er_ihc",
    "her2": r"her2|her2_status|her2_?neu|erbb2",
    "stage": r"stage|stadium|uicc.*|ajcc.*|tumou?r_stage",
    "nodes": r"nodes|positive_nodes|nodes_positive|n_?pos|lk\+?|lk_pos.*|lymph_?nodes?.*",
    "tumour_diameter": r"size|tumou?r_?size.*|tumou?r_diameter.*|tumou?r_\(?(?:mm|cm)\)?"
    r"|tumorgr(?:ö|oe)(?:ß|ss)e.*",
    "arm": r"arm|trt|rx|treatment|treatment_arm|group|gruppe|randomi[sz]ed_to",
    "subtype": r"subtype|histology|histologie|pam50",
    "cancer_type": r"cancer|cancer_type|tumou?r_type|entity|entität",
}  # fmt: skip
_INDEX: Mapping[str, str] = {
    "surgery": r"surgery|operation|\bop\b|resection",
    "diagnosis": r"diagnos|\bed\b|erstdiagnose|\bdx\b",
    "randomisation": r"randomi[sz]",
    "enrolment": r"enrol|inclusion|einschluss|registration|study entry",
    "first_treatment": r"first treatment|therapy start|therapiebeginn",
}
_ENDPOINTS: Mapping[str, str] = {
    "overall_survival": r"\bos\b|overall|death|died|dead|\btod\b|verstorben|futime|vital",
    "disease_free_survival": r"\bi?dfs\b|disease free",
    "relapse_free_survival": r"\brfs|\brf\b|relapse|recur|rezidiv|r[eé]cidive",
    "progression_free_survival": r"\bpfs|progress",
    "distant_disease_free_survival": r"\bddfs|\bdrfs|\bdmfs|distant",
}
_TIME = r"time|months?|monate|days?|years?|follow.?up|last contact|letzter kontakt|dur|fu\b"
_EVENT = r"event|status|death|died|dead|\btod\b|verstorben|relapsed?|recur|rezidiv|cens|\bstat"
_FEW_WORDS = {"sex", "er", "her2", "cancer_type", "stage", "arm"}
UNNAMED = "?"
_COUNT = re.compile(r"(?<![a-z])(ctc|dtc)s?(?![a-z])", re.IGNORECASE)


@dataclass(slots=True)
class Guesses:
    """What the columns of a sheet seem to be.

    Parameters
    ----------
    roles : dict of str to str
        Column of the patients table to header.
    index_event : str
        Empty if no date column names one.
    index_date, birth, day : str
        Headers; empty if there is none. ``day`` is the time of the sample of a long layout.
    counts : dict of str to str
        Header of a count to its cell class.
    dates : list of str
        Headers of other dates.
    endpoints : dict of str to tuple
        Endpoint to the headers of its time and its event.
    identifying : dict of str to str
        Header to the kind of identifier.
    numbers : list of str
        Other columns of numbers.
    others : list of str
        All that is left.
    missing : list of str
        Words that seem to mean 'no value'.
    long : bool
        Whether patients have several rows.
    """

    roles: dict[str, str] = field(default_factory=dict)
    index_event: str = ""
    index_date: str = ""
    birth: str = ""
    day: str = ""
    site: str = ""
    counts: dict[str, str] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    endpoints: dict[str, tuple[str, str]] = field(default_factory=dict)
    identifying: dict[str, str] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    long: bool = False


def guess(sheet: Sheet) -> Guesses:
    """Guess what the columns of ``sheet`` are."""
    made = Guesses(missing=_missing(sheet))
    times: list[str] = []
    events: list[str] = []
    for header in sheet.headers:
        values = sheet.frame[header]
        plain = values.set(values.is_in(made.missing).fill_null(value=False), None).drop_nulls()
        _place(made, header, plain, times, events)
    if id_header := made.roles.get("patient_id"):
        ids = sheet.frame[id_header].drop_nulls()
        made.long = ids.n_unique() < len(ids)
        if made.long:
            _move_changing(made, sheet)
    _pair(made, times, events)
    return made


def _place(
    made: Guesses, header: str, values: pl.Series, times: list[str], events: list[str]
) -> None:
    """Put one column where it seems to belong."""
    words = _words(header)
    dated = _share(values, ANY_DATE) > 0.8 or (
        re.search(r"\b(date|datum|fecha)\b", words) is not None and not read_dates(values).bad.any()
    )
    role = next((r for r, p in _ROLES.items() if re.fullmatch(p, fold(header))), "")
    if by_header(header) == "dates of birth":
        made.birth = header
    elif role == "patient_id" and role not in made.roles:
        made.roles[role] = header
    elif (found := find_identifier(header, values, numbers=True)) is not None:
        made.identifying[header] = found.what
    elif dated:
        event = next((e for e, p in _INDEX.items() if re.search(p, words)), "")
        if event and not made.index_date:
            made.index_event, made.index_date = event, header
        else:
            made.dates.append(header)
            if re.search(_TIME, words):
                times.append(header)
    elif found_class := _COUNT.search(header):
        made.counts[header] = found_class[1].upper()
    elif role and role not in made.roles and (role not in _FEW_WORDS or values.n_unique() <= 8):
        made.roles[role] = header
    elif not made.day and fold(header) in {"day", "visit_day", "tag", "study_day", "days_on_study"}:
        made.day = header
    elif not made.site and fold(header) in {"site", "sample_site", "material", "specimen", "ort"}:
        made.site = header
    elif re.search(_EVENT, words) and values.n_unique() <= 6 and "time" not in words:
        events.append(header)
    elif re.search(_TIME, words) and _share(values, r"^[\d.,]+$") > 0.8:
        times.append(header)
    elif len(values) and _share(values, r"^[-+]?[\d.,]+$") > 0.8 and values.n_unique() > 2:
        made.numbers.append(header)
    else:
        made.others.append(header)


def _move_changing(made: Guesses, sheet: Sheet) -> None:
    """Take columns that change within a patient out of the roles of the patients."""
    per_patient = sheet.frame.group_by(made.roles["patient_id"]).agg(
        pl.col(header).drop_nulls().n_unique()
        for role, header in made.roles.items()
        if role != "patient_id"
    )
    for role, header in list(made.roles.items()):
        if role != "patient_id" and (per_patient[header] > 1).any():
            del made.roles[role]
            made.others.append(header)


def _pair(made: Guesses, times: list[str], events: list[str]) -> None:
    """Pair each event with the time that shares its endpoint, or the next one that is free."""
    free = list(times)
    for event in events:
        words = _words(event)
        endpoint = next((e for e, p in _ENDPOINTS.items() if re.search(p, words)), "")
        same = [t for t in free if endpoint and re.search(_ENDPOINTS[endpoint], _words(t))]
        time = (same or free or [""])[0]
        endpoint = endpoint or next(
            (e for e, p in _ENDPOINTS.items() if time and re.search(p, _words(time))),
            UNNAMED,
        )
        if not time or endpoint in made.endpoints:
            made.others.append(event)
            continue
        made.endpoints[endpoint] = (time, event)
        if len(free) > 1:
            free.remove(time)
    used = {time for time, _ in made.endpoints.values()}
    made.others += [t for t in times if t not in used and t not in made.dates]
    made.dates = [d for d in made.dates if d not in used]


def _missing(sheet: Sheet) -> list[str]:
    """Return the words of the sheet that usually mean 'no value', as the sheet spells them."""
    found: dict[str, None] = {}
    for header in sheet.headers:
        values = sheet.frame[header]
        short = values.filter((values.str.len_chars() <= 16).fill_null(value=False))
        for word in short.filter(short.str.to_lowercase().is_in(list(MISSING_WORDS))).unique():
            # a lone '-' beside '+' is a finding, not a gap
            if not (word == "-" and (values == "+").any()):
                found[word] = None
    return sorted(found)


def _words(header: str) -> str:
    return re.sub(r"[\W_]+", " ", header).casefold().strip()


def _share(values: pl.Series, pattern: str) -> float:
    return float(values.str.contains(pattern).sum()) / len(values) if len(values) else 0.0
