from __future__ import annotations

import json

import polars as pl
import pytest

from marrowtrace.errors import PrivacyError
from marrowtrace.io.privacy import by_content, by_header, pseudonyms
from tests.io.clinic_sheet import WIDE_MAPPING, import_text, make_sheet, write_csv

LEAST = 'index_event = "surgery"\n[patients]\npatient_id = "ID"\n'


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("Name", "names"), ("Patient Name", "names"), ("Nachname", "names"), ("Vorname", "names"),
        ("Name, Vorname", "names"), ("surname", "names"), ("Initials", "names"),
        ("DOB", "dates of birth"), ("Date of birth", "dates of birth"),
        ("Geb.-Datum", "dates of birth"), ("Geburtsdatum", "dates of birth"),
        ("MRN", "record numbers"), ("Hospital no.", "record numbers"),
        ("Fallnummer", "record numbers"), ("NHS number", "record numbers"),
        ("SSN", "record numbers"), ("KVNR", "insurance numbers"),
        ("Insurance number", "insurance numbers"), ("Telefon", "contact data"),
        ("Phone", "contact data"), ("E-Mail", "contact data"), ("PLZ", "contact data"),
        ("Regimen name", ""), ("Study ID", ""), ("age", ""), ("Tumour size", ""), ("arm", ""),
        ("site", ""), ("birth control", ""), ("CTC/7.5ml", ""),
    ],
)  # fmt: skip
def test_headers(header, what):
    assert by_header(header) == what


@pytest.mark.parametrize(
    ("values", "numbers", "what"),
    [
        (["ada@example.org", "x"], False, "e-mail addresses"),
        (["Frau Müller war da"], False, "names with a title"),
        (["123-45-6789"] * 2, False, "social security numbers"),
        (["A123456789"], False, "insurance numbers"),
        (["943 476 5919"], False, "health service numbers"),
        (["+49 30 1234567", "030 1234567"], False, "phone numbers"),
        (["Ada Lang", "Eva Weiß", "Ida Groß", "Ute Böhm", "Ina Kühn"], False, "names"),
        (["Lang, Ada", "Weiß, Eva", "Groß, Ida", "Böhm, Ute", "Kühn, Ina"], False, "names"),
        (["AM19560312", "EW07081961"], False, "initials with a date of birth"),
        (["10023456", "10023457"], True, "numbers of seven digits or more, as record numbers are"),
        (["10023456", "10023457"], False, ""),
        (["Invasive Ductal", "Triple Negative"] * 9, True, ""),
        (["MT-001", "MT-002"], True, ""),
        (["1", "312"], True, ""),
        (["TCGA-A1-A0SB"], True, ""),
        (["1.5", "130"], True, ""),
        ([None], True, ""),
    ],
)
def test_content(values, numbers, what):
    assert by_content(pl.Series(values, dtype=pl.String), numbers=numbers) == what


NAMES = ["Ada Lang", "Eva Weiß", "Ida Groß", "Ute Böhm", "Ina Kühn"]


def refuse(tmp_path, table, mapping, **options):
    with pytest.raises(PrivacyError) as caught:
        import_text(tmp_path, table, mapping, **options)
    return str(caught.value)


def test_ids_that_are_names_are_refused_without_saying_them(tmp_path):
    table = "ID,er\n" + "".join(f"{name},pos\n" for name in NAMES)
    said = refuse(tmp_path, table, LEAST)
    assert "column 'ID' (patients.patient_id): looks like names (by its content)" in said
    assert "--pseudonymise" in said
    assert not any(name in said for name in NAMES)


def test_used_columns_that_identify_are_refused_all_at_once(tmp_path):
    table = "ID,Phone,DOB,Stage,Note\n1,030 123456,1956-03-12,II,seen on 03.04.2021\n"
    mapping = LEAST + (
        'stage = "Note"\nage = { column = "DOB" }\n[patients.extra]\nphone = "Phone"\n'
    )
    said = refuse(tmp_path, table, mapping)
    assert said.startswith("3 problems in clinic.csv: marrowtrace keeps ages and days")
    assert "column 'Phone' (patients.extra.phone): looks like contact data (by its header)" in said
    assert "age = { date_of_birth = '...' }" in said
    assert "column 'Note' (patients.stage): 1 row(s) (line 2) hold calendar dates" in said
    assert "030" not in said
    assert "1956" not in said


@pytest.mark.parametrize(
    "cell",
    [
        "2021-03-04",
        "04.03.2021",
        "03/04/2021",
        "4.3.21",
        "03/2021",
        "2021-03",
        "March 2021",
        "since Okt. 2020",
        "op 3.4.2021 ok",
    ],
)
def test_no_date_leaves_in_another_column(tmp_path, cell):
    mapping = LEAST + '[patients.extra]\nseen = "seen"\n'
    assert "hold calendar dates" in refuse(tmp_path, f"ID,seen\n1,{cell}\n2,\n", mapping)


@pytest.mark.parametrize(
    "cell", ["2021", "1.2012", "pT2 pN1", "II/III", "1-2-3", "3/4", "mid 2020"]
)
def test_what_is_no_date_stays(tmp_path, cell):
    mapping = LEAST + '[patients.extra]\nseen = "seen"\n'
    result = import_text(tmp_path, f"ID,seen\n1,{cell}\n2,\n", mapping)
    assert str(result.cohort.patients["seen"][0]) == cell


def test_no_excel_date_leaves_under_a_header_that_says_date(tmp_path):
    mapping = LEAST + '[patients.extra]\nseen = "Date seen"\n'
    assert "hold calendar dates" in refuse(tmp_path, "ID,Date seen\n1,44259\n2,\n", mapping)


def test_unused_columns_that_identify_are_left_behind_and_said(tmp_path):
    result = import_text(tmp_path, "ID,Name,mail,er\n1,Lang,a@b.org,pos\n", LEAST)
    said = "\n".join(result.report)
    assert "column 'Name': looks like names (by its header); left behind" in said
    assert "column 'mail': looks like e-mail addresses (by its content); left behind" in said
    assert "'er'" in said
    assert set(result.cohort.patients.columns) & {"Name", "mail"} == set()


PSEUDONYMISED = (
    LEAST
    + '[patients.extra]\nname = "Name"\ngrade = "grade"\n'
    + """
[samples.s]
sample_id = "Lab no"
site = { value = "blood" }
time = { value = 0 }
[[samples.s.enumerations]]
assay = { value = "CellSearch" }
cell_class = { value = "CTC" }
count = "CTC/7.5ml"
[follow_up.OS]
time = { column = "t", unit = "day" }
event = "e"
"""
)
TABLE = "ID,Name,grade,Lab no,CTC/7.5ml,t,e\n" + "".join(
    f"1000{i}456,{name},{i},L2000{i}99,{i},{100 + i},0\n" for i, name in enumerate(NAMES)
)


def test_pseudonyms_replace_ids_and_the_rest_is_dropped(tmp_path):
    result = import_text(tmp_path, TABLE, PSEUDONYMISED, name="Lang, Ada.csv", pseudonymise=True)
    cohort = result.cohort
    assert [s.name for s in cohort.provenance.sources] == ["table.csv", "clinic.toml"]
    assert cohort.patients["patient_id"].str.contains(r"^P-[0-9a-f]{10}$").all()
    assert cohort.samples["sample_id"].str.contains(r"^S-[0-9a-f]{10}$").all()
    assert "name" not in cohort.patients.columns
    everything = "\n".join(
        [frame.write_csv() for frame in cohort.tables.values()]
        + [cohort.provenance.dumps(), *result.report]
    )
    for i, name in enumerate(NAMES):
        assert name not in everything
        assert f"1000{i}456" not in everything
        assert f"L2000{i}99" not in everything
    assert "column 'Name': looks like names (by its header); dropped" in result.report
    assert cohort.patients["patient_id"].is_sorted()
    # each patient keeps what is theirs: grade i, CTC i, follow-up 100 + i
    joined = (
        cohort.patients.join(cohort.samples, on="patient_id")
        .join(cohort.enumerations, on="sample_id")
        .join(cohort.follow_up, on="patient_id", suffix="_f")
    )
    assert joined.height == len(NAMES)
    assert joined["grade"].to_list() == joined["count"].to_list()
    assert (joined["time_f"] - 100).to_list() == joined["count"].to_list()


def test_ids_with_dates_need_pseudonyms_and_dated_remarks_are_dropped(tmp_path):
    table = "ID,remark\n2021-03-04/1,seen 03.04.2021\n2021-03-05/2,\n"
    mapping = LEAST + '[patients.extra]\nremark = "remark"\n'
    assert "column 'ID' (patients.patient_id): 2 row(s)" in refuse(tmp_path, table, mapping)
    result = import_text(tmp_path, table, mapping, pseudonymise=True)
    assert "column 'remark': holds calendar dates; dropped" in result.report
    assert "remark" not in result.cohort.patients.columns
    assert not result.cohort.patients["patient_id"].str.contains("2021").any()


def test_pseudonyms_are_random_unless_seeded(tmp_path):
    def ids(**options):
        result = import_text(tmp_path, TABLE, PSEUDONYMISED, pseudonymise=True, **options)
        return result.cohort.patients["patient_id"].to_list()

    assert ids() != ids()
    assert ids(seed=7) == ids(seed=7)
    assert ids(seed=7) != ids(seed=8)
    seeded = import_text(tmp_path, TABLE, PSEUDONYMISED, pseudonymise=True, seed=90210)
    assert "90210" not in seeded.cohort.provenance.dumps()


def test_pseudonyms_are_distinct_and_stable_within_a_file():
    made = pseudonyms(pl.Series(["a", "b", "a", None, "c"]))
    assert len(set(made.values())) == 3
    many = pseudonyms(pl.Series([str(i) for i in range(10_000)]), seed=1)
    assert len(set(many.values())) == 10_000


def test_no_calendar_date_survives_an_import(tmp_path):
    sheet = make_sheet()
    table = write_csv(sheet, tmp_path / "raw").read_bytes()
    result = import_text(tmp_path, table, WIDE_MAPPING, name="export_2024-05-01.csv")
    record = json.loads(result.cohort.provenance.dumps())
    assert record["sources"][0]["name"] == "export_[date].csv"
    record.pop("created")
    everything = json.dumps(record, ensure_ascii=False) + "\n".join(
        [*result.report, *(frame.write_csv() for frame in result.cohort.tables.values())]
    )
    for row in sheet.rows:
        for cell in row:
            if hasattr(cell, "isoformat"):
                for text in (cell.isoformat(), cell.strftime("%d.%m.%Y"), cell.strftime("%Y%m%d")):
                    assert text not in everything
