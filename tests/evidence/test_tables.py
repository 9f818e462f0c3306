"""The tables that ship, and a user's own rows."""

from __future__ import annotations

import contextlib

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrace.citations import bibliography
from marrowtrace.errors import EvidenceError, InputFileError, MissingFileError
from marrowtrace.evidence.records import DetectionRate, Study
from marrowtrace.evidence.tables import (
    PUBLISHED,
    TABLE_1,
    TABLE_2,
    EvidenceTables,
    bundled,
    read_rows,
)

# What the review prints: n, analyte and per cent of Table 1, row by row.
TABLE_1_PRINTED = [
    (81, "CTC", "63"),
    (81, "CTC_cluster", "18.6"),
    (299, "CTC", "37.4"),
    (227, "DTC", "35.7"),
    (61, "DTC", "19.7"),
    (134, "DTC", "22.4"),
    (83, "CTC", "52"),
    (83, "CTC", "25"),
    (431, "CTC", "13"),
    (414, "DTC", "24"),
    (350, "DTC", "25"),
    (116, "CTC", "99"),
    (7, "CTC", "100"),
]
# Cells of Table 2 that hold something, row by row: OS pre, OS post, DFS pre, DFS post.
TABLE_2_PRINTED = {
    1: ("0.0048", "0.0029", "0.0014", "0.007"),
    2: ("0.0057", "ns", "0.031", "0.43"),
    3: ("<0.0001", "ns", "<0.0001", "0.69"),
    4: ("0.156", "", "", ""),
    5: ("0.009", "", "0.004", ""),
    6: ("0.671", "<0.001", "", ""),
    7: ("", "0.318", "", ""),
    8: ("0.715", "", "", ""),
    9: ("0.631", "", "", ""),
    10: ("", "", "0.602", "0.003"),
    11: ("", "", "0.146", "0.434"),
    12: ("", "", "0.48", ""),
    13: ("", "", "0.551", ""),
    14: ("0.023", "0.154", "<0.0001", "0.054"),
    15: ("<0.0001", "", "", ""),
    16: ("", "0.92", "", ""),
    17: ("", "", "ns", "0.02"),
    18: ("", "", "", "0.0035"),
    19: ("0.002", "", "<0.001", ""),
    20: ("", "0.0005", "", "0.003"),
    21: ("", "0.04", "", "0.03"),
    22: ("", "ns", "", "ns"),
}
GOOD = """\
row,study,analyte,cancer,phase,k,n,percent,threshold,volume_ml,citation
mine-1,own2026,CTC,breast,baseline,12,60,20,1,7.5,"Own A (2026). Unpublished"
mine-2,fehm2009,DTC,breast,pre,20,80,,,,
"""


def write(folder, text, name="rows.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_table_1_is_as_printed():
    rows = [row for row in bundled().rates if row.source == TABLE_1]
    assert [(row.n, row.analyte, row.percent) for row in rows] == TABLE_1_PRINTED
    assert all(row.k is None for row in rows)  # the table prints no counts


def test_table_2_is_as_printed():
    cells = {
        (int(row.row[3:5]), f"{row.endpoint}_{row.phase}"): row.p
        for row in bundled().effects
        if row.source == TABLE_2
    }
    expected = {
        (number, column): p
        for number, values in TABLE_2_PRINTED.items()
        for column, p in zip(("OS_pre", "OS_post", "DFS_pre", "DFS_post"), values, strict=True)
        if p
    }
    assert cells == expected


def test_every_row_resolves_to_a_paper():
    tables = bundled()
    for row in (*tables.rates, *tables.effects):
        assert row.study in bibliography()
        assert row.where
        assert tables.citation(row.study)
    for study in tables.studies.values():
        assert {study.key, *study.pools} <= set(bibliography())


def test_every_row_can_be_corrected_and_says_why():
    for row in (*bundled().rates, *bundled().effects):
        row.corrected()
        assert all(correction.reason for correction in row.corrections)


def test_frames_keep_print_and_correction_apart():
    frame = bundled().rate_table()
    row = frame.filter(pl.col("row") == "t1-10").row(0, named=True)
    assert (row["percent"], row["k"], row["k_corrected"]) == ("24", None, 107)
    assert "107/414" in row["k_reason"]
    assert "Fehm" in row["citation"]
    assert bundled().effect_table().height == len(bundled().effects)


def test_shared_patients():
    tables = bundled()
    by_name = {row.row: row for row in (*tables.rates, *tables.effects)}
    assert tables.patients(by_name["t1-03"]) == tables.patients(by_name["t1-04"])
    assert by_name["t2-14-os-pre"].cohort == by_name["pf-rack2014-os"].cohort == "success"
    assert "success" in tables.patients(by_name["pf-janni2016-os"])


def test_remembered_figures_say_so():
    remembered = {row.study for row in bundled().rates if row.status == "remembered"}
    assert remembered == {"janni2011", "wiedswang2006", "bidard2014", "rack2014", "aft2010"}
    assert all(row.status != "remembered" for row in bundled().rates if row.source == TABLE_1)


def test_read_csv(tmp_path):
    own = read_rows(write(tmp_path, GOOD))
    assert [row.row for row in own.rates] == ["mine-1", "mine-2"]
    first = own.rates[0]
    assert (first.k, first.n, first.phase, first.source, first.status) == (
        12, 60, "pre", "user", "user",
    )  # fmt: skip
    joined = bundled().joined(own)
    assert joined.citation("own2026") == "Own A (2026). Unpublished"
    assert joined.label("own2026") == "own2026"
    assert len(joined.rates) == len(bundled().rates) + 2


def test_csv_with_an_endpoint_holds_effects(tmp_path):
    text = "row,study,analyte,endpoint,n,p,hr\ne1,fehm2009,DTC,OS,200,0.02,1.8\n"
    own = read_rows(write(tmp_path, text))
    assert own.rates == ()
    assert (own.effects[0].p, own.effects[0].hr) == ("0.02", 1.8)


def test_read_toml_with_corrections_and_a_study(tmp_path):
    text = """
[[study]]
key = "own2026"
cohort = "hospital-a"
citation = "Own A (2026)"
[[detection_rate]]
row = "m1"
study = "own2026"
analyte = "DTC"
n = 81
percent = "18.6"
k_corrected = 15
k_reason = "nearest"
flags = ["by hand"]
[[prognostic_effect]]
row = "m2"
study = "own2026"
analyte = "DTC"
endpoint = "OS"
p = "ns"
"""
    own = read_rows(write(tmp_path, text, "rows.toml"))
    assert own.rates[0].corrected().k == 15
    assert own.rates[0].cohort == own.effects[0].cohort == "hospital-a"
    assert own.rates[0].flags == ("by hand",)


def test_a_reason_alone_makes_the_value_unknown(tmp_path):
    text = GOOD.replace("citation\n", "citation,n_reason\n").replace(
        'Unpublished"', 'Unpublished",n is not stated'
    )
    own = read_rows(write(tmp_path, text))
    assert own.rates[0].n == 60
    assert own.rates[0].corrected().n is None


def test_all_problems_of_a_file_at_once(tmp_path):
    text = """\
row,study,analyte,cancer,phase,k,n,percent,threshold,volum_ml
a,fehm2009,CTC,brest,pre,12,60,20,,
b,fehm2009,CTC,breast,pre,70,60,,,
c,fehm2009,CTC,breast,pre,,81,18.6,,
d,fehm2009,CTC,breast,pre,5,50,,5,
e,nobody2026,CTC,breast,pre,5,50,,,
f,fehm2009,,breast,pre,5,50,,,
g,fehm2009,DTC,breast,pre,x,50,,,7.5
"""
    with pytest.raises(InputFileError) as caught:
        read_rows(write(tmp_path, text))
    message = str(caught.value)
    assert message.startswith("8 problems in rows.csv:")
    for part in (
        "a.cancer: 'brest' is not a cancer type",
        "did you mean 'breast'?",
        "b.k+n: 70 of 60 positive is more than all",
        "c.k+n+percent: no count of 81 gives 18.6 %",
        "d.threshold+volume_ml+cells: 5 cells or more, but in what?",
        "e.study: 'nobody2026' is not in the bibliography",
        "name the paper in the column 'citation'",
        "f.analyte: is missing",
        "g.k: 'x' is not a whole number",
        "g.volum_ml: is an unknown column; did you mean 'volume_ml'?",
    ):
        assert part in message


def test_correction_without_a_reason(tmp_path):
    text = "row,study,analyte,k,n,k_corrected\na,fehm2009,CTC,5,50,6\n"
    with pytest.raises(InputFileError, match=r"a\.k_reason: is missing: k is corrected to '6'"):
        read_rows(write(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("rows.csv", "row,study,analyte\n", "holds no rows"),
        ("rows.toml", "[[detection_rat]]\nrow = 'x'\n", "did you mean 'detection_rate'?"),
        ("rows.toml", "detection_rate = 3\n", "is not a list of tables"),
        ("rows.toml", "a = = 3\n", "is not valid TOML"),
        ("rows.xlsx", "x", "is neither .csv nor .toml"),
        (
            "rows.toml",
            "[[study]]\nkye = 'x'\n[[detection_rate]]\nrow = 'x'\nstudy='fehm2009'\nanalyte='CTC'\n"
            "k=1\nn=2\n",
            "did you mean 'key'?",
        ),
        (
            "rows.toml",
            "[[prognostic_effect]]\nrow = 'x'\nstudy='fehm2009'\nanalyte='CTC'\np='ns'\n",
            "x.endpoint: is missing",
        ),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, text, words):
    with pytest.raises(InputFileError, match=r"rows\.") as caught:
        read_rows(write(tmp_path, text, name))
    assert words in str(caught.value)


def test_missing_and_undecodable_files(tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.csv is not a file"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"row,study\n\xe9,\xff\n")
    with pytest.raises(InputFileError, match="is not UTF-8 text"):
        read_rows(tmp_path / "latin.csv")


def test_two_rows_of_one_name():
    row = DetectionRate(row="r", study="fehm2009", analyte="CTC", k=1, n=2)
    with pytest.raises(EvidenceError, match="r: names 2 rows"):
        EvidenceTables({"fehm2009": Study(key="fehm2009")}, (row, row))


def test_sources():
    assert {row.source for row in bundled().rates} == {TABLE_1, PUBLISHED}
    assert {row.source for row in bundled().effects} == {TABLE_2, PUBLISHED}


def test_cells_beyond_the_columns_and_numbers_beyond_reason(tmp_path):
    text = (
        "row,study,analyte,k,n\na,fehm2009,CTC,5,50,x\nb,fehm2009,CTC,5,1e400\nc,fehm2009,CTC,1\n"
    )
    with pytest.raises(InputFileError) as caught:
        read_rows(write(tmp_path, text))
    message = str(caught.value)
    assert "a: has more cells than there are columns" in message
    assert "b.n: '1e400' is not a whole number" in message
    assert "c.n: is missing; a rate needs the number examined" in message


def test_pools_that_are_no_list(tmp_path):
    text = "[[study]]\nkey='x'\npools=3\n[[detection_rate]]\nrow='a'\nstudy='fehm2009'\n"
    with pytest.raises(InputFileError, match=r"study x\.pools: is 3; give a list of keys"):
        read_rows(write(tmp_path, text, "rows.toml"))


CELLS = st.sampled_from(
    ["", "0", "1", "7", "-3", "1e9", "nan", "inf", "0.5", "20", "CTC", "pre", "ns", "<0.01", "x;y",
     "fehm2009", "own2026", "\u00e9", '"', "100.0", "breast", "worse"]
)  # fmt: skip
COLUMNS = st.sampled_from(
    ["row", "study", "analyte", "endpoint", "k", "n", "percent", "p", "hr", "ci_low", "ci_high",
     "threshold", "volume_ml", "phase", "cancer", "flags", "faults", "citation", "k_corrected",
     "k_reason", "n_reason", "direction", "events", "other", "set_aside_corrected"]
)  # fmt: skip


@given(
    header=st.lists(COLUMNS, max_size=12),
    rows=st.lists(st.lists(CELLS, max_size=13), min_size=1, max_size=4),
)
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_any_csv_is_read_or_refused_with_reasons(tmp_path_factory, header, rows):
    """Whatever the cells: rows that can be corrected and tabled, or a message; never a crash."""
    lines = [",".join([f"r{i}", "fehm2009", "DTC", *row]) for i, row in enumerate(rows)]
    text = "\n".join([",".join(["row", "study", "analyte", *header]), *lines])
    path = write(tmp_path_factory.mktemp("fuzz"), text)
    with contextlib.suppress(InputFileError):
        own = read_rows(path)
        for row in (*own.rates, *own.effects):
            row.corrected()
        made = own.rate_table().height + own.effect_table().height
        assert made == len(own.rates) + len(own.effects) == len(rows)
