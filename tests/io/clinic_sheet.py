"""Made-up spreadsheets of a clinic, as clinics write them: wide, German, with dates and remarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from marrowtrace.io.import_result import ImportResult
from marrowtrace.io.reshape import import_file

WIDE_MAPPING = """
index_event = "surgery"
index_date = "OP-Datum"

[file]
missing = ["n.d."]

[patients]
patient_id = "Studien-ID"
age = { date_of_birth = "Geb.-Datum" }
sex = "Geschlecht"
cancer_type = { value = "breast" }
er = "ER"
nodes = { column = "LK+" }
tumour_diameter = "Tumor (cm)"

[patients.extra]
menopause = { column = "Menopause", codes = { "prä" = "pre", "post" = "post" } }

[treatments.chemotherapy]
start = { date = "Chemo Start" }
regimen = { value = "EC-T" }

[samples.baseline]
site = "Ort"
time = { date = "Abnahme 1" }
phase = { value = "pre" }

[[samples.baseline.enumerations]]
assay = { value = "CellSearch" }
cell_class = { value = "CTC" }
count = { column = "CTC/7.5ml", codes = { "neg" = 0, ">1000" = 1000 } }

[samples.baseline.measurements]
CA15-3 = { column = "CA 15-3", unit = "U/mL" }

[samples.cycle_2]
site = { value = "blood" }
time = { value = 42 }
phase = { value = "on" }

[[samples.cycle_2.enumerations]]
assay = { value = "CellSearch" }
cell_class = { value = "CTC" }
count = "CTC Zyklus 2"
examined = { column = "Vol. 2", unit = "mL" }

[follow_up.DFS]
time = { date = "Letzter Kontakt" }
event = { column = "Rezidiv", codes = { ja = "event", nein = "censored", "verst." = "competing" } }

[follow_up.OS]
time = { column = "OS (Monate)" }
event = { column = "Tod", codes = { "1" = "event", "0" = "censored" } }
"""


@dataclass(frozen=True)
class ClinicSheet:
    """What the sheet says, in canonical units, and the sheet itself."""

    headers: list[str]
    rows: list[list[Any]]
    surgery: list[date]
    age: list[int]
    diameter_mm: list[float]
    drawn: list[int]
    baseline: list[int | None]
    second: list[int | None]
    volume: list[float]
    dfs_days: list[int]
    dfs_event: list[int]
    os_months: list[float]


def make_sheet(patients: int = 12, seed: int = 20240501) -> ClinicSheet:
    """Return a made-up sheet of `patients` patients, as typed values."""
    rng = np.random.default_rng(seed)
    headers = [
        "Studien-ID", "Nachname", "Geb.-Datum", "Geschlecht", "ER", "LK+", "Tumor (cm)",
        "Menopause", "OP-Datum", "Chemo Start", "Abnahme 1", "Ort", "CTC/7.5ml", "CA 15-3",
        "CTC Zyklus 2", "Vol. 2", "Letzter Kontakt", "Rezidiv", "OS (Monate)", "Tod", "Bemerkung",
    ]  # fmt: skip
    names = ["Müller", "Weiß", "Schröder", "Öztürk", "Fuchs", "Lang", "Krüger", "Jäger", "Groß",
             "Vogel", "Böhm", "Kühn"]  # fmt: skip
    columns: dict[str, list[Any]] = {name: [] for name in ClinicSheet.__annotations__}
    columns["headers"] = headers
    for i in range(patients):
        surgery = date(2015, 1, 1) + timedelta(days=int(rng.integers(0, 1500)))
        age = int(rng.integers(30, 85))
        born = date(surgery.year - age, surgery.month, 1)
        diameter = float(rng.integers(5, 60))
        drawn = int(rng.integers(-20, 0))
        baseline = [None, 0, 1000, int(rng.integers(1, 30))][i % 4]
        said = {None: "n.d.", 0: "neg", 1000: ">1000"}.get(baseline, baseline)
        second = None if i % 5 == 4 else int(rng.poisson(2))
        volume = [7.5, 7.0, 15.0][i % 3]
        last = int(rng.integers(400, 3000))
        event = i % 3
        months = round(last / 30.4375, 1)
        remark = ["", 'sagte "gut"', "Frau kam\nspäter; ok"][i % 3]
        columns["rows"].append(
            [
                f"MT-{i + 1:03d}", names[i % len(names)], born, "wm"[i % 9 == 8],
                ["+", "neg"][i % 2], int(rng.integers(0, 12)), diameter / 10,
                ["prä", "post"][i % 2], surgery,
                None if i % 4 == 3 else surgery + timedelta(days=30),
                surgery + timedelta(days=drawn),
                ["PB", "Blood"][i % 2], said, 20.5 + i, second, volume,
                surgery + timedelta(days=last), ["nein", "ja", "verst."][event], months,
                int(event == 2), remark,
            ]
        )  # fmt: skip
        for name, value in (
            ("surgery", surgery), ("age", age), ("diameter_mm", diameter), ("drawn", drawn),
            ("baseline", baseline), ("second", second), ("volume", volume), ("dfs_days", last),
            ("dfs_event", event), ("os_months", months),
        ):  # fmt: skip
            columns[name].append(value)
    return ClinicSheet(**columns)


def import_text(
    folder: Path, table: str | bytes, mapping: str, *, name: str = "clinic.csv", **options: Any
) -> ImportResult:
    """Write a table and a mapping, and import them."""
    raw = table if isinstance(table, bytes) else table.encode()
    (folder / name).write_bytes(raw)
    (folder / "clinic.toml").write_text(mapping, encoding="utf-8")
    return import_file(folder / name, folder / "clinic.toml", **options)


def german(value: Any) -> str:
    """Return a value as a German spreadsheet exports it."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.strftime("%d.%m.%Y")
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    text = str(value)
    if any(mark in text for mark in ';"\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text


def write_csv(sheet: ClinicSheet, path: Path, *, encoding: str = "cp1252") -> Path:
    """Write the sheet as a German Excel saves CSV: semicolons, decimal commas, Latin letters."""
    lines = [";".join(sheet.headers)]
    lines += [";".join(german(value) for value in row) for row in sheet.rows]
    path.write_bytes(("\r\n".join(lines) + "\r\n;;;\r\n").encode(encoding))
    return path


def write_xlsx(sheet: ClinicSheet, path: Path, *, serial: Sequence[str] = ()) -> Path:
    """Write the sheet as a workbook with date cells; columns in `serial` as bare numbers."""
    import openpyxl

    book = openpyxl.Workbook()
    page = book.active
    page.append([])
    page.append(sheet.headers)
    for row in sheet.rows:
        cells = []
        for header, value in zip(sheet.headers, row, strict=True):
            if isinstance(value, date) and header in serial:
                value = (value - date(1899, 12, 30)).days
            elif isinstance(value, date):
                value = datetime(value.year, value.month, value.day)
            cells.append(value)
        page.append(cells)
    book.create_sheet("leer")
    book.save(path)
    return path
