"""Cohorts written as a clinic lays them out come back unchanged, whatever the layout."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marrowtrace import terms
from marrowtrace.cohort import Cohort
from tests.io.clinic_sheet import import_text

VISITS = ("baseline", "cycle 2", "follow-up, year 1")
HEAD = """
index_event = "surgery"
[file]
{file}
[patients]
patient_id = "ID"
age = {{ column = "age", unit = "year" }}
sex = "sex"
er = {{ column = "ER (IHC)", codes = {{ "9" = "low" }} }}
nodes = "nodes"
tumour_diameter = {{ column = "size (cm)", unit = "cm" }}
[patients.extra]
centre = "centre"
[follow_up.OS]
time = {{ column = "t", unit = "day" }}
event = {{ column = "e", codes = {{ alive = "censored", dead = "event", other = "competing" }} }}
entry = {{ column = "entry", unit = "day" }}
"""
LONG = """
[samples.visit]
sample_id = "sample"
site = "site"
time = { column = "day", unit = "day" }
phase = "phase"
[[samples.visit.enumerations]]
assay = { value = "ICC" }
cell_class = { value = "tumour_cell" }
count = { column = "count", missing = ["n.d."] }
examined = { column = "vol", unit = "mL" }
positive = "verdict"
[samples.visit.measurements]
PSA = { column = "PSA", unit = "ng/mL" }
"""
WIDE = """
[samples."{name}"]
sample_id = "sample {name}"
site = "site {name}"
time = {{ column = "day {name}", unit = "day" }}
phase = "phase {name}"
[[samples."{name}".enumerations]]
assay = {{ value = "ICC" }}
cell_class = {{ value = "tumour_cell" }}
count = {{ column = "CTC {name}", missing = ["n.d."] }}
examined = {{ column = "vol {name}", unit = "mL" }}
positive = "verdict {name}"
[samples."{name}".measurements]
PSA = {{ column = "PSA {name}", unit = "ng/mL" }}
"""

# what a spreadsheet can hold without loss: a finite decimal of moderate length
DECIMAL = st.integers(0, 10**9).map(lambda n: n / 1000)
TEXT = st.text(st.sampled_from("abcXYZäöß é;,\"'\n-_"), min_size=1, max_size=8).map(str.strip)
CENTRE = st.none() | TEXT.filter(lambda t: bool(t) and any(c.isalpha() for c in t))


@st.composite
def clinics(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Draw patients with samples, as rows of the tables; every patient has one sample at least."""
    tables: dict[str, list[dict[str, Any]]] = {
        "patients": [], "samples": [], "enumerations": [], "measurements": [], "follow_up": [],
    }  # fmt: skip
    for number in range(draw(st.integers(1, 4))):
        patient = f"P{number}"
        tables["patients"].append(
            {
                "patient_id": patient,
                "age": draw(st.none() | st.integers(0, 1200).map(lambda n: n / 10)),
                "sex": draw(st.none() | st.sampled_from(terms.SEX.allowed)),
                "er": draw(st.none() | st.sampled_from(terms.RECEPTOR.allowed)),
                "nodes": draw(st.none() | st.integers(0, 200)),
                "tumour_diameter": draw(st.none() | st.integers(0, 500).map(float)),
                "centre": draw(CENTRE),
            }
        )
        visits = draw(st.lists(st.sampled_from(VISITS), min_size=1, unique=True))
        for visit in sorted(visits, key=VISITS.index):
            sample = f"{patient}-{VISITS.index(visit)}"
            tables["samples"].append(
                {
                    "sample_id": sample,
                    "patient_id": patient,
                    "site": draw(st.sampled_from(terms.SITE.allowed)),
                    "time": draw(
                        st.integers(-1000, 1000).map(float) | DECIMAL.map(lambda d: d % 999)
                    ),
                    "phase": draw(st.none() | st.sampled_from(terms.PHASE.allowed)),
                }
            )
            count, verdict = (
                draw(st.none() | st.integers(0, 10**6)),
                draw(st.none() | st.booleans()),
            )
            if count is not None or verdict is not None:
                amount = draw(DECIMAL.filter(bool)) if count is not None else None
                tables["enumerations"].append(
                    {
                        "sample_id": sample, "assay": "ICC", "cell_class": "tumour_cell",
                        "count": count, "positive": verdict, "examined": amount,
                        "examined_unit": "mL" if amount else None,
                    }
                )  # fmt: skip
            value = draw(st.none() | DECIMAL)
            if value is not None:
                tables["measurements"].append(
                    {"sample_id": sample, "analyte": "PSA", "value": value, "unit": "ng/mL"}
                )
        tables["follow_up"].append(
            {
                "patient_id": patient,
                "endpoint": "overall_survival",
                "entry": draw(st.integers(-500, 0).map(float)),
                "time": 1000.0 + draw(DECIMAL) % 30_000,
                "event": draw(st.integers(0, 2)),
            }
        )
    return tables


def cohort_of(tables: dict[str, list[dict[str, Any]]]) -> Cohort:
    frames = {
        name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items() if rows
    }
    frames["patients"] = frames["patients"].with_columns(pl.col("centre").cast(pl.String))
    return Cohort.from_tables(frames, index_event="surgery")


def patient_cells(row: dict[str, Any], follow: dict[str, Any]) -> dict[str, Any]:
    diameter = row["tumour_diameter"]
    return {
        "ID": row["patient_id"], "age": row["age"], "sex": row["sex"],
        "ER (IHC)": "9" if row["er"] == "low" else row["er"], "nodes": row["nodes"],
        "size (cm)": None if diameter is None else diameter / 10, "centre": row["centre"],
        "t": follow["time"], "e": ["alive", "dead", "other"][follow["event"]],
        "entry": follow["entry"],
    }  # fmt: skip


def sample_cells(tables: dict[str, list[dict[str, Any]]], row: dict[str, Any]) -> dict[str, Any]:
    mine = {
        name: next((r for r in tables[name] if r["sample_id"] == row["sample_id"]), {})
        for name in ("enumerations", "measurements")
    }
    counted = mine["enumerations"]
    return {
        "sample": row["sample_id"], "site": row["site"], "day": row["time"], "phase": row["phase"],
        "count": "n.d." if counted.get("count") is None else counted["count"],
        "vol": counted.get("examined"), "verdict": counted.get("positive"),
        "PSA": mine["measurements"].get("value"),
    }  # fmt: skip


def long_rows(tables: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    rows = []
    for patient, follow in zip(tables["patients"], tables["follow_up"], strict=True):
        rows += [
            patient_cells(patient, follow) | sample_cells(tables, sample)
            for sample in tables["samples"]
            if sample["patient_id"] == patient["patient_id"]
        ]
    return rows


def wide_rows(tables: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    rows = []
    names = ("sample", "site", "day", "phase", "count", "vol", "verdict", "PSA")
    for patient, follow in zip(tables["patients"], tables["follow_up"], strict=True):
        row = patient_cells(patient, follow)
        row |= {f"{_header(name)} {visit}": None for visit in VISITS for name in names}
        for sample in tables["samples"]:
            if sample["patient_id"] == patient["patient_id"]:
                visit = VISITS[int(sample["sample_id"][-1])]
                cells = sample_cells(tables, sample)
                row |= {f"{_header(name)} {visit}": value for name, value in cells.items()}
        rows.append(row)
    return rows


def _header(name: str) -> str:
    return "CTC" if name == "count" else name


def as_csv(rows: Iterable[dict[str, Any]], *, delimiter: str, decimal: str) -> str:
    def cell(value: Any) -> str:
        if value is None:
            return ""
        return repr(value).replace(".", decimal) if isinstance(value, float) else str(value)

    rows = list(rows)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(rows[0])
    writer.writerows([[cell(value) for value in row.values()] for row in rows])
    return out.getvalue()


def sorted_tables(cohort: Cohort) -> dict[str, pl.DataFrame]:
    return {
        name: frame.sort(frame.columns[:3]) for name, frame in cohort.tables.items() if frame.height
    }


@pytest.mark.parametrize("layout", ["long", "wide"])
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    tables=clinics(),
    style=st.sampled_from([(",", "."), (";", ","), ("\t", "."), ("|", ","), (",", ",")]),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig", "cp1252"]),
)
def test_a_cohort_survives_a_clinic_s_layout(tmp_path, layout, tables, style, encoding):
    delimiter, decimal = style
    rows: Callable[..., list[dict[str, Any]]] = long_rows if layout == "long" else wide_rows
    text = as_csv(rows(tables), delimiter=delimiter, decimal=decimal)
    mapping = HEAD.format(file=f'decimal = "{decimal}"\nencoding = "{encoding}"')
    mapping += LONG if layout == "long" else "".join(WIDE.format(name=v) for v in VISITS)
    result = import_text(tmp_path, text.encode(encoding), mapping)
    wanted = cohort_of(tables)
    back, truth = sorted_tables(result.cohort), sorted_tables(wanted)
    assert back.keys() == truth.keys()
    for name, frame in truth.items():
        got = back[name]
        assert set(got.columns) == set(frame.columns)
        for column in frame.columns:
            found, expected = got[column], frame[column]
            if column == "tumour_diameter":  # cm times 10 is not exact
                assert found.to_list() == pytest.approx(expected.to_list(), nan_ok=True)
            else:
                assert found.to_list() == expected.to_list(), (name, column)


def test_the_comparison_has_power(tmp_path):
    """A count that moved to another patient is seen."""
    cohort = cohort_of(
        {
            "patients": [{"patient_id": "A", "centre": None}, {"patient_id": "B", "centre": None}],
            "samples": [
                {"sample_id": s, "patient_id": s, "site": "blood", "time": 0} for s in ("A", "B")
            ],
        }
    )
    swapped = cohort.samples.with_columns(pl.Series("patient_id", ["B", "A"]))
    assert not swapped.sort("sample_id").equals(sorted_tables(cohort)["samples"])
