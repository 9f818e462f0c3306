from __future__ import annotations

from pathlib import Path

import pytest

from marrowtrace.errors import CohortError, InputFileError, MissingFileError
from marrowtrace.io.reshape import import_file
from tests.io.clinic_sheet import WIDE_MAPPING, import_text, make_sheet, write_csv, write_xlsx

PATIENTS = 'index_event = "surgery"\n[patients]\npatient_id = "ID"\n'
DATED = 'index_date = "OP"\n' + PATIENTS
SAMPLES = """
[samples.s]
sample_id = { row_number = "S" }
site = "site"
time = { column = "day", unit = "day" }
[[samples.s.enumerations]]
assay = { value = "IHC" }
cell_class = { value = "tumour_cell" }
count = "n"
examined = { column = "vol", unit = "mL" }
"""
FOLLOW = """
[follow_up.DFS]
time = { column = "t", unit = "month" }
event = { column = "e", codes = { "0" = "censored", "1" = "event", "2" = "competing" } }
"""


def test_a_wide_german_sheet_as_csv_and_as_workbook(tmp_path):
    sheet = make_sheet(40)
    (tmp_path / "m.toml").write_text(WIDE_MAPPING, encoding="utf-8")
    csv = import_file(write_csv(sheet, tmp_path / "a.csv"), tmp_path / "m.toml")
    book = import_file(
        write_xlsx(sheet, tmp_path / "a.xlsx", serial=["Abnahme 1"]), tmp_path / "m.toml"
    )
    assert csv.cohort.equals(book.cohort)
    cohort = csv.cohort
    assert cohort.patients["age"].to_list() == sheet.age
    assert cohort.patients["tumour_diameter"].to_list() == pytest.approx(sheet.diameter_mm)
    first = cohort.samples.filter(cohort.samples["sample_id"].str.ends_with("_baseline"))
    assert first["time"].to_list() == sheet.drawn
    counts = dict(zip(*cohort.enumerations.select("sample_id", "count"), strict=True))
    volumes = dict(zip(*cohort.enumerations.select("sample_id", "examined"), strict=True))
    for i, (baseline, second) in enumerate(zip(sheet.baseline, sheet.second, strict=True)):
        assert counts.get(f"MT-{i + 1:03d}_baseline") == baseline  # None: not assayed, never 0
        assert counts.get(f"MT-{i + 1:03d}_cycle_2") == second
        if second is not None:
            assert volumes[f"MT-{i + 1:03d}_cycle_2"] == sheet.volume[i]
    follow_up = cohort.follow_up
    dfs = follow_up.filter(follow_up["endpoint"] == "disease_free_survival")
    assert dfs["time"].to_list() == sheet.dfs_days
    assert dfs["event"].to_list() == sheet.dfs_event
    deaths = follow_up.filter(follow_up["endpoint"] == "overall_survival")
    assert deaths["time"].to_list() == pytest.approx([30.4375 * m for m in sheet.os_months])
    assert cohort.index_event == "surgery"


def test_what_was_understood_is_reported(tmp_path):
    sheet = make_sheet(12)
    (tmp_path / "m.toml").write_text(WIDE_MAPPING, encoding="utf-8")
    result = import_file(write_csv(sheet, tmp_path / "a.csv"), tmp_path / "m.toml")
    for line in (
        "encoding found: Windows-1252 (Latin-1)",
        "delimiter found: semicolon (21 columns)",
        "column 'Ort': 'PB' understood as site blood in 6 row(s)",
        "column 'CTC/7.5ml': read as no value: 'n.d.' (3)",
        "column 'CTC/7.5ml': '>1000' read as 1000 in 3 row(s)",
        "column 'CTC/7.5ml': amount examined, 7.5 mL, taken from the header",
        "column 'Tumor (cm)': unit 'cm' taken from the header (times 10)",
        "column 'OS (Monate)': unit 'month' taken from the header (times 30.4375)",
        "column 'Abnahme 1': dates recognised: day.month.year (12)",
        "column 'Abnahme 1': 12 date(s) turned into days from surgery ('OP-Datum')",
        "column 'Vol. 2': decimal comma in 4 value(s)",
        "column 'Nachname': looks like names (by its header); left behind",
        "1 column(s) not used: 'Bemerkung'",
        "follow_up.DFS: understood as endpoint disease_free_survival",
        "column 'Rezidiv': 'ja' read as event (1) in 4 row(s)",
        "column 'Rezidiv': 'verst.' read as competing event (2) in 4 row(s)",
        "treatments.chemotherapy: 3 row(s) without a course",
    ):
        assert line in result.report
    assert tuple(result.cohort.provenance.notes) == result.report
    book = import_file(
        write_xlsx(sheet, tmp_path / "a.xlsx", serial=["Abnahme 1"]), tmp_path / "m.toml"
    )
    assert "column 'Abnahme 1': dates recognised: Excel serial numbers (12)" in book.report


def test_serial_biomarkers_one_row_a_visit():
    folder = Path(__file__).parents[1] / "data" / "r_survival"
    result = import_file(folder / "pbcseq.csv.gz", folder / "pbcseq.mapping.toml")
    cohort = result.cohort
    assert (len(cohort), cohort.samples.height) == (312, 1945)
    events = cohort.follow_up["event"].value_counts().sort("event").rows()
    assert events == [(0, 143), (1, 140), (2, 29)]
    first = cohort.measurements.filter(cohort.measurements["sample_id"] == "V0001")
    values = dict(zip(first["analyte"], first["value"], strict=True))
    assert values["bilirubin"] == 14.5
    assert values["albumin"] == 2.6
    assert cohort.samples["time"].head(3).to_list() == [0.0, 192.0, 0.0]
    assert "patients: 1633 row(s) repeat what another row says; merged" in result.report


# table, mapping, what the error must say
BAD = {
    "absent column": ("ID,Alter\n1,2\n", PATIENTS + 'age = "Atler"\n',
        "patients.age: names column 'Atler', which clinic.csv does not have; did you mean 'Alter'"),
    "absent column in where": ("ID,t,e\n1,2,0\n", PATIENTS + FOLLOW + 'where = { visit = "1" }\n',
        "follow_up.DFS.where: names column 'visit', which clinic.csv does not have"),
    "double header": ("ID,n,n\n1,2,3\n", PATIENTS + 'nodes = "n"\n',
        "names column 'n', which stands 2 times in clinic.csv; say which: 'n [1]', 'n [2]'"),
    "no id": ("ID,er\n1,+\n,-\n", PATIENTS, "1 row(s) (line 3) have values but no patient id"),
    "duplicate ids": ("ID,er\n1,pos\n2,neg\n1,neg\n", PATIENTS + 'er = "er"\n',
        "column 'er' (patients.er): differs between the rows of 1 patient(s), e.g. in line 2, 4"),
    "duplicate samples": ("ID,s,site,day,n,vol\n1,A,BM,0,1,1\n1,A,BM,3,1,1\n",
        PATIENTS + SAMPLES.replace('{ row_number = "S" }', '"s"'),
        "column 'day' (samples.s.time): differs between the rows of 1 sample(s), e.g. in line 2"),
    "one sample of two patients": ("ID,s,site,day,n,vol\n1,A,BM,0,1,1\n2,A,BM,0,1,1\n",
        PATIENTS + SAMPLES.replace('{ row_number = "S" }', '"s"'),
        "samples: 2 row(s) (line 2, 3) give the same sample_id more than once"),
    "two counts of one sample": ("ID,s,site,day,n,vol\n1,A,BM,0,1,1\n1,A,BM,0,2,1\n",
        PATIENTS + SAMPLES.replace('{ row_number = "S" }', '"s"'),
        "enumerations: 2 row(s) (line 2, 3) give the same sample_id + assay + cell_class"),
    "rows of a wide sample": ("ID,site,day,n,vol\n1,BM,0,1,1\n1,BM,5,1,1\n",
        PATIENTS + SAMPLES.replace('sample_id = { row_number = "S" }\n', ""),
        "say sample_id = '...' (a column) or sample_id = { row_number = 'S' } if each row"),
    "no examined amount": ("ID,site,day,n,vol\n1,BM,0,1,\n2,BM,0,3,1\n", PATIENTS + SAMPLES,
        "samples.s.enumerations[1].examined: 1 row(s) (line 2) have a count, but no amount"),
    "no examined column": ("ID,site,day,n\n1,BM,0,1\n",
        PATIENTS + SAMPLES.replace('examined = { column = "vol", unit = "mL" }\n', ""),
        "(line 2) have a count, but no amount examined; name its column, or say examined ="),
    "no unit of the amount": ("ID,site,day,n,vol\n1,BM,0,1,2\n",
        PATIENTS + SAMPLES.replace(', unit = "mL"', ""),
        "samples.s.enumerations[1].examined: has no unit; say unit = 'mL'"),
    "negative count": ("ID,site,day,n,vol\n1,BM,0,-1,1\n", PATIENTS + SAMPLES,
        "column 'n' (samples.s.enumerations[1].count): 1 row(s) (line 2) hold -1, below 0"),
    "fractional count": ("ID,site,day,n,vol\n1,BM,0,1.5,1\n", PATIENTS + SAMPLES,
        "hold 1.5, which is not whole; allowed: whole numbers from 0; a count is the cells seen"),
    "count in words": ("ID,site,day,n,vol\n1,BM,0,<1,1\n2,BM,0,n.d.,1\n", PATIENTS + SAMPLES,
        "2 row(s) (line 2, 3) hold '<1', 'n.d.', which is not a number; declare it with codes"),
    "unknown site": ("ID,site,day,n,vol\n1,marow,0,1,1\n2,BM,0,1,1\n", PATIENTS + SAMPLES,
        "1 row(s) (line 2) hold 'marow'; allowed: primary, blood, bone_marrow, lymph_node, "),
    "no site": ("ID,site,day,n,vol\n1,,0,1,1\n", PATIENTS + SAMPLES,
        "column 'site' (samples.s.site): 1 row(s) (line 2) have a count or value, but no site"),
    "no day": ("ID,site,day,n,vol\n1,BM,,1,1\n", PATIENTS + SAMPLES,
        "column 'day' (samples.s.time): 1 row(s) (line 2) have a count or value, but no time"),
    "date for a day": ("ID,site,day,n,vol\n1,BM,2021-03-04,1,1\n", PATIENTS + SAMPLES,
        'it looks like a date: write { date = "..." } in place of the column'),
    "Excel date for a day": ("ID,site,day,n,vol\n1,BM,44197,1,1\n", PATIENTS + SAMPLES,
        "hold 44197, above 36525 days: is it a date, or a time in another unit?"),
    "no unit of time": ("ID,t,e\n1,5,0\n", PATIENTS + FOLLOW.replace(', unit = "month"', ""),
        "follow_up.DFS.time: has no unit, and the header 't' names none: say unit = 'day'"),
    "unit against the header": ("ID,t (years),e\n1,5,0\n", PATIENTS + FOLLOW.replace(
        '"t"', '"t (years)"'), "says unit 'month', but the header 't (years)' says 'years'"),
    "ends before the first sample": ("ID,site,day,n,vol,t,e\n1,BM,90,1,1,1,0\n",
        PATIENTS + SAMPLES + FOLLOW,
        "follow_up: 1 row(s) (line 2) have a follow-up that ends (day 30.4375) before the first"),
    "event before entry": ("ID,t,e,in\n1,1,1,2\n", PATIENTS + FOLLOW
        + 'entry = { column = "in", unit = "month" }\n',
        "follow_up.DFS: 1 row(s) (line 2) have the event or the end before the entry: time is day"),
    "time without event": ("ID,t,e\n1,1,\n", PATIENTS + FOLLOW,
        "column 'e' (follow_up.DFS.event): 1 row(s) (line 2) are empty, but have time"),
    "event without time": ("ID,t,e\n1,,1\n", PATIENTS + FOLLOW,
        "column 't' (follow_up.DFS.time): 1 row(s) (line 2) are empty, but have event"),
    "event without code": ("ID,t,e\n1,1,3\n", PATIENTS + FOLLOW,
        "hold '3', which the codes do not name; codes: '0', '1', '2'"),
    "two follow-ups": ("ID,t,e\n1,1,0\n1,2,0\n", PATIENTS + FOLLOW,
        "column 't' (follow_up.DFS.time): differs between the rows of 1 patient(s)"),
    "treatment ends before it starts": ("ID,a,b\n1,9,3\n", PATIENTS
        + '[treatments.x]\nstart = { column = "a", unit = "day" }\n'
        + 'stop = { column = "b", unit = "day" }\n',
        "treatments.x: 1 row(s) (line 2) end before they start: stop is day 3, start is day 9"),
    "treatment without start": ("ID,a,b\n1,,3\n", PATIENTS
        + '[treatments.x]\nstart = { column = "a", unit = "day" }\n'
        + 'stop = { column = "b", unit = "day" }\n',
        "column 'a' (treatments.x.start): 1 row(s) (line 2) are empty, but have stop"),
    "no index date": ("ID,OP,a\n1,,04.03.2021\n", DATED
        + '[treatments.x]\nstart = { date = "a" }\n',
        "column 'a' (treatments.x.start): 1 row(s) (line 2) hold a date, but the patient has no"),
    "two index dates": ("ID,OP\n1,2021-03-04\n1,2021-03-05\n", DATED,
        "column 'OP' (index_date): 2 row(s) (line 2, 3) of 1 patient(s) give more than one date"),
    "ambiguous dates": ("ID,OP\n1,03/04/2021\n", DATED,
        "'03/04/2021' may be day/month or month/day; say which: date_format = '%d/%m/%Y'"),
    "no date": ("ID,OP\n1,soon\n", DATED, "1 row(s) (line 2) hold 'soon'; allowed: dates, such as"),
    "no birth before index": ("ID,OP,DOB\n1,,2000-01-01\n", DATED
        + 'age = { date_of_birth = "DOB" }\n', "hold a date of birth, but the patient has no date"),
    "decimal mark in doubt": ('ID,cm\n1,"1,234"\n', PATIENTS
        + 'tumour_diameter = { column = "cm", unit = "cm" }\n',
        "'1,234' may be a decimal comma or a thousands mark; say decimal = ',' or decimal = '.'"),
    "decimal mark against the mapping": ("ID;mm\n1;7.25\n", PATIENTS
        + 'tumour_diameter = { column = "mm", unit = "mm" }\n[file]\ndecimal = ","\n',
        "hold '7.25', which is not a number; the mapping says decimal = ','"),
    "a count beyond counting": ("ID,site,day,n,vol\n1,BM,0,1e300,1\n", PATIENTS + SAMPLES,
        "hold 1e+300, which is too large"),
    "CTCs in bone marrow": ("ID,site,day,n,vol\n1,PB,0,1,1\n2,BM,0,1,1\n",
        PATIENTS + SAMPLES.replace("tumour_cell", "CTC"),
        "enumerations: 1 row(s) (line 3) count CTCs in bone_marrow; CTCs are counted in blood"),
    "more clusters than cells": ("ID,site,day,n,vol,k\n1,BM,0,1,1,2\n",
        PATIENTS + SAMPLES + 'clusters = "k"\n',
        "enumerations: 1 row(s) (line 2) have more clusters (2) than cells (1)"),
    "a condition that no row meets": ("ID,t,e\n1,1,0\n2,1,1\n",
        PATIENTS + FOLLOW + 'where = { e = "3" }\n',
        "follow_up.DFS.where: is met by no row; 'e' holds '0', '1'"),
    "sample without id": ("ID,s,site,day,n,vol\n1,,BM,0,1,1\n2,B,BM,0,1,1\n",
        PATIENTS + SAMPLES.replace('{ row_number = "S" }', '"s"'),
        "column 's' (samples.s.sample_id): 1 row(s) (line 2) have a sample, but no id of it"),
    "date of another format": ("ID,OP\n1,2021-03-04\n",
        DATED + '[file]\ndate_format = "%d.%m.%Y"\n',
        "hold '2021-03-04'; allowed: dates in the format %d.%m.%Y"),
    "verdict": ("ID,site,day,n,vol\n1,BM,0,perhaps,1\n", PATIENTS
        + SAMPLES.replace('count = "n"', 'positive = "n"'),
        "hold 'perhaps'; allowed: true, false, positive, negative, yes, no"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_lines(tmp_path, case):
    table, mapping, message = BAD[case]
    with pytest.raises((InputFileError, CohortError)) as caught:
        import_text(tmp_path, table, mapping)
    assert message in str(caught.value)
    assert isinstance(caught.value, InputFileError)


def test_every_problem_is_said_at_once(tmp_path):
    table = "ID,site,day,n,vol,t,e\n1,marow,0,-1,1,5,0\n2,BM,x,1.5,1,5,9\n3,PB,0,3,,5,1\n"
    with pytest.raises(InputFileError) as caught:
        import_text(tmp_path, table, PATIENTS + SAMPLES + FOLLOW)
    said = str(caught.value)
    assert said.startswith("6 problems in clinic.csv:")
    for part in ("'marow'", "hold -1", "hold 1.5", "'x'", "'9'", "no amount examined"):
        assert part in said


def test_rows_of_a_workbook_are_called_rows(tmp_path):
    sheet = make_sheet(4)
    sheet.rows[2][sheet.headers.index("Ort")] = "marow"
    (tmp_path / "m.toml").write_text(WIDE_MAPPING, encoding="utf-8")
    with pytest.raises(InputFileError, match=r"1 row\(s\) \(row 5\) hold 'marow'"):
        import_file(write_xlsx(sheet, tmp_path / "a.xlsx"), tmp_path / "m.toml")


def test_missing_files_are_named(tmp_path):
    (tmp_path / "m.toml").write_text(PATIENTS)
    with pytest.raises(MissingFileError, match=r"clinic.csv"):
        import_file(tmp_path / "clinic.csv", tmp_path / "m.toml")


def test_codes_missing_words_and_verdicts(tmp_path):
    table = "ID,CTC/7.5ml\n1,neg\n2,<1\n3,>1000\n4,n.d.\n5,-\n6,12\n"
    mapping = (
        'index_event = "dx"\n[file]\nmissing = ["-"]\n[patients]\npatient_id = "ID"\n'
        + """
[samples.baseline]
site = { value = "PB" }
time = { value = 0 }
[[samples.baseline.enumerations]]
assay = { value = "CellSearch" }
cell_class = { value = "CTC" }
count = { column = "CTC/7.5ml", missing = ["n.d."], codes = { neg = 0, "<1" = 0, ">1000" = 1000 } }
"""
    )
    result = import_text(tmp_path, table, mapping)
    assert result.cohort.enumerations["count"].to_list() == [0, 0, 1000, 12]
    assert result.cohort.enumerations["examined"].to_list() == [7.5] * 4
    assert result.cohort.samples["sample_id"].to_list() == [f"{i}_baseline" for i in (1, 2, 3, 6)]
    assert "samples.baseline: 2 row(s) without such a sample" in result.report


def test_the_mapping_wins_over_the_header_and_it_is_said(tmp_path):
    table = "ID,CTC/7.5ml\n1,3\n"
    mapping = (
        PATIENTS
        + """
[samples.b]
site = { value = "blood" }
time = { value = 1, unit = "week" }
[[samples.b.enumerations]]
assay = { value = "X" }
cell_class = { value = "CTC" }
count = "CTC/7.5ml"
examined = { value = 15, unit = "mL" }
"""
    )
    result = import_text(tmp_path, table, mapping)
    assert result.cohort.samples["time"].to_list() == [7.0]
    assert result.cohort.enumerations["examined"].to_list() == [15.0]
    assert any("the header says 7.5 mL, the mapping 15 mL" in line for line in result.report)


def test_bone_marrow_counted_in_millions_of_cells(tmp_path):
    table = 'ID,DTC,MNC (Mio)\n1,3,2\n2,0,"1,5"\n'
    mapping = (
        PATIENTS
        + """
[samples.b]
site = { value = "BM" }
time = { value = 0 }
[[samples.b.enumerations]]
assay = { value = "A45-B/B3" }
cell_class = { value = "DTC" }
count = "DTC"
examined = { column = "MNC (Mio)", unit = "1e6 MNC" }
"""
    )
    counts = import_text(tmp_path, table, mapping).cohort.enumerations
    assert counts["examined"].to_list() == [2e6, 1.5e6]
    assert counts["examined_unit"].to_list() == ["nucleated_cells"] * 2


def test_events_in_rows_are_chosen_by_a_condition(tmp_path):
    table = "ID,type,t,e\n1,1,100,1\n1,2,300,0\n2,1,50,0\n2,2,50,1\n"
    follow = '[follow_up.{}]\nwhere = {{ type = {} }}\ntime = {{ column = "t", unit = "day" }}\n'
    follow += 'event = "e"\n'
    mapping = PATIENTS + follow.format("relapse", 1) + follow.format("OS", '["2", "3"]')
    result = import_text(tmp_path, table, mapping)
    rows = result.cohort.follow_up.select("patient_id", "endpoint", "time", "event").rows()
    assert rows == [
        ("1", "relapse", 100.0, 1), ("2", "relapse", 50.0, 0),
        ("1", "overall_survival", 300.0, 0), ("2", "overall_survival", 50.0, 1),
    ]  # fmt: skip
    assert "follow_up.relapse: 2 row(s) do not meet its condition (where)" in result.report


def test_doses_extras_and_numbers_keep_their_kind(tmp_path):
    table = "ID,start,mg,grade,code,frac\n1,0,75,2,007,0.5\n2,7,80,3,012,1\n"
    mapping = (
        PATIENTS
        + """
[patients.extra]
grade = "grade"
code = "code"
frac = "frac"
centre = { value = "A" }
[treatments.docetaxel]
start = { column = "start", unit = "day" }
regimen = { value = "TAX" }
agent = { value = "docetaxel" }
dose = { column = "mg", unit = "mg/m2" }
"""
    )
    cohort = import_text(tmp_path, table, mapping).cohort
    extra = cohort.patients.select("grade", "code", "frac", "centre").rows()
    assert extra == [(2, "007", 0.5, "A"), (3, "012", 1.0, "A")]
    assert cohort.treatments.select("start", "dose", "dose_unit").rows() == [
        (0.0, 75.0, "mg/m2"), (7.0, 80.0, "mg/m2"),
    ]  # fmt: skip


def test_a_header_in_another_case_is_taken_and_said(tmp_path):
    result = import_text(tmp_path, "id,er\n1,pos\n", PATIENTS + 'er = "ER"\n')
    assert "patients.er: 'ER' taken to be the column 'er'" in result.report
    assert result.cohort.patients["er"].to_list() == ["positive"]


def test_notes_and_citations_of_the_mapping_are_kept(tmp_path):
    mapping = 'notes = ["RECONSTRUCTED"]\ncitations = ["guyot2012"]\n' + PATIENTS
    result = import_text(tmp_path, "ID,er\n1,pos\n", mapping)
    assert result.report[0] == "RECONSTRUCTED"
    assert tuple(result.cohort.provenance.citations) == ("guyot2012",)
    assert [s.name for s in result.cohort.provenance.sources] == ["clinic.csv", "clinic.toml"]
