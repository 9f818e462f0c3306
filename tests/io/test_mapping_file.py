from __future__ import annotations

import re
from pathlib import Path

import pytest

from marrowtrace.errors import InputFileError, MissingFileError, UnitError
from marrowtrace.io.mapping_file import examined_unit, parse_mapping, read_mapping

LEAST = 'index_event = "surgery"\n[patients]\npatient_id = "ID"\n'
SAMPLE = LEAST + '[samples.s]\nsite = { value = "BM" }\ntime = { value = 0 }\n'
COUNT = SAMPLE + '[[samples.s.enumerations]]\nassay = { value = "IHC" }\ncount = "n"\n'
CLASS = 'cell_class = { value = "DTC" }\n'
FOLLOW = LEAST + '[follow_up.DFS]\ntime = { column = "t", unit = "month" }\nevent = "e"\n'


def test_a_mapping_says_what_it_says():
    mapping = parse_mapping(COUNT + CLASS + FOLLOW[len(LEAST) :], name="m.toml")
    assert mapping.index_event == "surgery"
    assert mapping.samples[0].fields["site"].value == "bone_marrow"
    assert mapping.samples[0].enumerations[0].fields["count"].column == "n"
    assert mapping.follow_up[0].name == "disease_free_survival"
    assert {header for _, header in mapping.every_column()} == {"ID", "n", "t", "e"}


# text of the mapping, and what its error must say
BAD = [
    ("x", "m.toml is not a TOML file: "),
    ("a;b;c\n1;2;3\n", "m.toml is not a TOML file: "),
    ("", "index_event: is missing: say what day 0 is"),
    ('index_event = "surgery"', "patients: is missing; it must name at least patient_id"),
    (LEAST.replace("surgery", "surgry"), "is 'surgry'; allowed: diagnosis, surgery"),
    (LEAST.replace("surgery", "surgry"), "did you mean 'surgery'?"),
    (LEAST + 'aeg = "Alter"\n', "patients.aeg: is not a key of this table; did you mean 'age'?"),
    (LEAST + "[pateints]\n", "pateints: is not a key of a mapping; did you mean 'patients'?"),
    (LEAST + "age = 40\n", "patients.age: is 40; write the header of a column in quotes, or "),
    (LEAST + "age = {}\n", "patients.age: must have exactly one of: column, value, date_of_birth"),
    (LEAST + 'age = { column = "A", value = 3 }\n', "must have exactly one of"),
    (LEAST + 'age = { date = "A" }\n', "patients.age.date: is not a key of this table"),
    (LEAST + "age = { value = 400 }\n", "is 400; allowed: numbers from 0 to 120"),
    (LEAST + "age = { value = -4 }\n", "patients.age.value: is -4; allowed: numbers from 0 to 120"),
    (LEAST + 'age = { value = "old" }\n', "a number without quotes is wanted"),
    (LEAST + "age = { value = nan }\n", "is nan; a number without quotes is wanted"),
    (LEAST + "nodes = { value = 1.5 }\n", "is 1.5; allowed: whole numbers"),
    (LEAST + 'age = { column = "A", unit = "mm" }\n', "measures length; age needs time"),
    (LEAST + 'age = { column = "A", unit = "yaer" }\n', "did you mean 'year'?"),
    (LEAST + 'age = { column = "A", unit = 3 }\n', "a unit in quotes is wanted"),
    (LEAST + 'arm = { column = "A", unit = "mL" }\n', "says a unit, but the values are kept"),
    (LEAST + 'age = { date_of_birth = "DOB" }\n', "index_date: is missing: patients.age holds"),
    (LEAST + 'er = { value = "maybe" }\n', "patients.er.value: is 'maybe'; allowed: positive"),
    (LEAST + 'er = { column = "E", codes = { a = "maybe" } }\n', "er.codes.a: is 'maybe'"),
    (LEAST + 'er = { column = "E", codes = ["a"] }\n', "a table is wanted"),
    (LEAST + 'er = { column = "E", missing = "-" }\n', "a list is wanted"),
    (LEAST + 'er = { column = "E", format = "%d" }\n', "format: has no effect beside column"),
    (LEAST + "er = { value = [1] }\n", "one text or number is wanted"),
    (LEAST + '[patients.extra]\nage = "x"\n', "is a column of patients itself: move it"),
    (LEAST + '[patients.extra]\n"" = "x"\n', "patients.extra: has a column without a name"),
    (LEAST + '[samples]\nsite = "x"\n', "samples: needs a name for each block, as in [samples.bas"),
    (LEAST + "[samples.s]\n", "samples.s.site: is missing (where it was taken)"),
    (LEAST + "[follow_up.OS]\n", "follow_up.OS.event: is missing"),
    (SAMPLE.replace("samples.s", 'samples."CTC 04.03.2021"'), "holds a calendar date"),
    (LEAST + '[patients.extra]\n"seen 2021-03-04" = "x"\n', "holds a calendar date"),
    (LEAST + 'arm = { value = "from 2021-03-04" }\n', "holds a calendar date ('from 2021-03-04')"),
    (SAMPLE + "enumerations = 3\n", "must be written [[samples.s.enumerations]]"),
    (COUNT, "samples.s.enumerations[1].cell_class: is missing (what was counted)"),
    (COUNT.replace('count = "n"\n', "") + CLASS, "needs a count, a verdict (positive), or both"),
    (COUNT + CLASS + "examined = { value = 0 }\n", "is 0; allowed: numbers above 0"),
    (COUNT + CLASS + 'examined = { value = 1, unit = "mm" }\n', "an amount examined is a volume"),
    (COUNT + CLASS + 'positive = { value = "pos" }\n', "allowed: true, false (without quotes)"),
    (FOLLOW.replace('"e"', '{ column = "e", codes = { "1" = "evnt" } }'), "did you mean 'event'?"),
    (FOLLOW + '[follow_up.disease_free_survival]\ntime = "t"\nevent = "e"\n', "as follow_up.DFS"),
    (LEAST + '[follow_up."?"]\ntime = "t"\nevent = "e"\n', "is to be named, e.g. disease_free"),
    (FOLLOW.replace('"t",', '"t", date = "d",'), "has both column and date"),
    (LEAST + "[file]\ndecimal = ';'\n", "file.decimal: is ';'; allowed: '.' or ','"),
    (LEAST + "[file]\nencoding = 'klingon'\n", "file.encoding: is 'klingon'"),
    (LEAST + "[file]\ndelimiter = ',,'\n", "one character is wanted"),
    (LEAST + "[file]\nsheet = 1\n", "file.sheet: is 1; text in quotes is wanted"),
    (LEAST + "[file]\nheader_row = 0\n", "a line from 1 on is wanted"),
    (LEAST + "[file]\ndate_format = 'DD.MM.YYYY'\n", "write it with %d, %m and %Y"),
    ("index_date = 3\n" + LEAST, "index_date: is 3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_a_mapping_cannot_say(text, message):
    with pytest.raises(InputFileError) as caught:
        parse_mapping(text, name="m.toml")
    assert message in str(caught.value)


def test_all_problems_are_said_at_once():
    text = LEAST + 'aeg = "A"\ner = { value = "maybe" }\n[file]\ndecimal = ";"\n'
    with pytest.raises(InputFileError, match=r"^3 problems in the mapping m.toml:"):
        parse_mapping(text, name="m.toml")


def test_a_mapping_that_is_no_text_or_is_not_there(tmp_path):
    (tmp_path / "m.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputFileError, match="not UTF-8 text, so it is no mapping"):
        read_mapping(tmp_path / "m.toml")
    with pytest.raises(MissingFileError, match=r"did you mean 'm.toml'\?"):
        read_mapping(tmp_path / "n.toml")


def test_units_of_the_amount_examined():
    assert examined_unit("L") == ("mL", 1000.0)
    assert examined_unit("nucleated cells") == ("nucleated_cells", 1.0)
    with pytest.raises(UnitError, match="an amount examined is a volume"):
        examined_unit("mm")


def test_the_mappings_of_the_documentation_are_mappings():
    page = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        parse_mapping(block, name="docs/mapping.md")
