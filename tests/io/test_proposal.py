from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from marrowtrace import datasets
from marrowtrace.errors import InputFileError
from marrowtrace.io.mapping_file import parse_mapping
from marrowtrace.io.proposal import propose_mapping
from marrowtrace.io.reshape import import_file
from tests.io.clinic_sheet import make_sheet, write_csv, write_xlsx

SERIAL = Path(__file__).parents[1] / "data" / "r_survival" / "pbcseq.csv.gz"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_clinic_sheet_is_recognised(tmp_path, kind):
    write = write_csv if kind == "csv" else write_xlsx
    sheet = make_sheet(12)
    text = propose_mapping(write(sheet, tmp_path / f"a.{kind}"))
    record = tomllib.loads(text)
    assert (record["index_event"], record["index_date"]) == ("surgery", "OP-Datum")
    assert record["file"]["missing"] == ["n.d."]
    assert record["patients"] == {
        "patient_id": "Studien-ID", "age": {"date_of_birth": "Geb.-Datum"}, "sex": "Geschlecht",
        "er": "ER", "nodes": "LK+", "tumour_diameter": "Tumor (cm)",
    }  # fmt: skip
    baseline = record["samples"]["ctc_7_5ml"]
    assert baseline["site"] == "Ort"
    assert baseline["enumerations"][0]["count"]["codes"] == {">1000": 1000, "neg": 0}
    assert record["follow_up"]["overall_survival"]["time"] == "OS (Monate)"
    assert '#   "Nachname": names' in text
    assert not any(row[1] in text for row in sheet.rows)


def test_a_proposal_that_is_filled_in_imports(tmp_path):
    path = write_csv(make_sheet(12), tmp_path / "a.csv")
    text = propose_mapping(path)
    text = text.replace('assay = { value = "?" }', 'assay = { value = "CellSearch" }')
    text = text.replace('{ value = "?", unit = "mL" }', '{ column = "Vol. 2", unit = "mL" }')
    text = text.replace('time = { value = "?" }', "time = { value = 42 }")
    text = text.replace('"verst." = "?"', '"verst." = "competing"')
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    cohort = import_file(path, tmp_path / "m.toml").cohort
    assert len(cohort) == 12
    assert cohort.endpoints == ("overall_survival", "relapse_free_survival")
    assert cohort.enumerations.height == 19


def test_what_cannot_be_known_must_be_filled_in():
    text = propose_mapping(datasets.path("azure"))
    with pytest.raises(InputFileError) as caught:
        parse_mapping(text, name="m.toml")
    said = str(caught.value)
    for part in (
        "index_event: is '?'",
        'follow_up."?": is to be named',
        "cannot read '?' in the unit",
    ):
        assert part in said


def test_serial_visits_are_recognised():
    record = tomllib.loads(propose_mapping(SERIAL))
    visit = record["samples"]["visit"]
    assert visit["time"] == {"column": "day", "unit": "day"}
    assert {"bili", "chol", "albumin", "alk.phos"} <= set(visit["measurements"])
    # stage changes from visit to visit, so it is no column of the patients
    assert record["patients"].keys() == {"patient_id", "age", "arm", "sex"}
    codes = record["follow_up"]["overall_survival"]["event"]["codes"]
    assert codes == {"0": "censored", "1": "?", "2": "?"}


def test_ambiguous_dates_ask_for_a_format(tmp_path):
    (tmp_path / "a.csv").write_text("ID,Date of surgery\n1,03/04/2021\n2,05/06/2021\n")
    text = propose_mapping(tmp_path / "a.csv")
    assert 'date_format = "?"  # TODO' in text
    with pytest.raises(InputFileError, match=r"file\.date_format"):
        parse_mapping(text, name="m.toml")


def test_receptors_with_unknown_words_ask_for_codes(tmp_path):
    (tmp_path / "a.csv").write_text("ID,sex\nA,1\nB,2\nC,1\n")
    text = propose_mapping(tmp_path / "a.csv")
    assert 'sex = { column = "sex", codes = { "1" = "?", "2" = "?" } }  # TODO female, male' in text
