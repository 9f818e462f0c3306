from __future__ import annotations

import codecs
import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marrowtrace.errors import InputFileError, MissingFileError
from marrowtrace.io.sheet import FileSettings, Sheet
from marrowtrace.io.source import read_sheet


def read(tmp_path, raw: str | bytes, name: str = "clinic.csv", **settings) -> Sheet:
    path = tmp_path / name
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return read_sheet(path, FileSettings(**settings))


TABLE = "ID;Größe;Ort\r\nA1;7,5;Köln\r\nA2;3;\r\n"
ROWS = [{"ID": "A1", "Größe": "7,5", "Ort": "Köln"}, {"ID": "A2", "Größe": "3", "Ort": None}]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (TABLE.encode(), ""),
        (codecs.BOM_UTF8 + TABLE.encode(), ""),
        (TABLE.encode("cp1252"), "encoding found: Windows-1252 (Latin-1)"),
        (TABLE.encode("utf-16"), "encoding found: UTF-16"),
        (TABLE.encode("utf-16-le"), "encoding found: utf-16-le"),
        (TABLE.encode("utf-16-be"), "encoding found: utf-16-be"),
        (TABLE.encode("utf-32"), "encoding found: utf-32"),
        (gzip.compress(TABLE.encode(), mtime=0), ""),
    ],
)
def test_encodings_are_found_and_reported(tmp_path, raw, said):
    sheet = read(tmp_path, raw)
    assert sheet.frame.to_dicts() == ROWS
    assert sheet.lines.to_list() == [2, 3]
    assert ("encoding" in "\n".join(map(str, sheet.notes))) == bool(said)
    assert said in "\n".join(map(str, sheet.notes))


def test_encoding_may_be_given(tmp_path):
    assert read(tmp_path, TABLE.encode("mac-roman"), encoding="mac-roman").frame.to_dicts() == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path, delimiter):
    sheet = read(tmp_path, f'a{delimiter}b\n1{delimiter}"x{delimiter}y"\n')
    assert sheet.frame.to_dicts() == [{"a": "1", "b": f"x{delimiter}y"}]
    assert sheet.delimiter == delimiter
    assert any("delimiter found" in str(note) for note in sheet.notes)


def test_the_separator_line_of_excel_is_understood(tmp_path):
    sheet = read(tmp_path, "sep=;\r\na;b\r\n1,5;2\r\n")
    assert sheet.frame.to_dicts() == [{"a": "1,5", "b": "2"}]
    assert sheet.lines.to_list() == [3]


def test_lines_are_those_of_the_file(tmp_path):
    sheet = read(tmp_path, 'a,b\n1,"two\nlines"\n\n,\n3,4\n')
    assert sheet.frame["a"].to_list() == ["1", "3"]
    assert sheet.lines.to_list() == [2, 6]
    assert "2 empty row(s) left out" in map(str, sheet.notes) or "empty row" in str(sheet.notes)


def test_empty_tail_and_repeated_headers_are_left_out_and_said(tmp_path):
    sheet = read(tmp_path, "a,b,,\n1,2,,\na,b,,\n3,4,,\n,,,\n,,,\n")
    assert sheet.frame.to_dicts() == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert "1 row(s) (line 3) repeat the header; left out" in map(str, sheet.notes)


def test_columns_without_header_and_double_headers_are_said(tmp_path):
    sheet = read(tmp_path, "a,CTC,,CTC\n1,2,9,3\n")
    assert sheet.headers == ["a", "CTC [1]", "CTC [2]"]
    said = "\n".join(map(str, sheet.notes))
    assert "column(s) 3 have values but no header" in said
    assert "'CTC' stand(s) over more than one column" in said
    assert sheet.find("CTC") is None
    assert "say which: 'CTC [1]', 'CTC [2]'" in sheet.absent("CTC")


def test_header_row_may_be_below_a_title(tmp_path):
    sheet = read(tmp_path, "CTC study 12,,\n,,\nid,count,site\n1,2,BM\n", header_row=3)
    assert sheet.headers == ["id", "count", "site"]
    assert sheet.lines.to_list() == [4]


BAD = [
    (b"", {}, "clinic.csv is empty"),
    (b" \r\n\r\n", {}, "clinic.csv is empty"),
    (codecs.BOM_UTF16_LE, {}, "clinic.csv is empty"),
    (b"a,b\n", {}, "no row of data"),
    (b"a b c\n1 2 3\n", {}, "neither comma, semicolon, tab nor bar splits the header 'a b c'"),
    (b"a,b\n1,2\n", {"delimiter": ";"}, "makes one column only; comma makes 2"),
    (b"a,b\n1,2\n", {"delimiter": "ab"}, "a delimiter is one character"),
    (b"a,b\n1,\x81\n", {}, "cannot be decoded as utf-8 or cp1252: line 2 holds the byte 0x81"),
    (b"a,b\n1,\xe4\n", {"encoding": "utf-8"}, "line 2 holds the byte 0xe4, which is not utf-8"),
    (b"a,b\n1,2\n", {"encoding": "klingon"}, "there is no encoding 'klingon'"),
    (b"a,b\n1,\x002\n3,4\n", {}, "line 2 holds NUL bytes"),
    (b'a,b\n1,2\n3,"4\n5,6\n', {}, "a quote opened in line 3 or below is never closed"),
    (b'a,b\n1,"2"x\n', {}, "line 2 cannot be read"),
    (b"a,b\n1,2,3\n4\n5,6\n", {}, "1 row(s) (line 3) have 1 field(s), but the header has 2"),
    (b"a,b\n1,2,3\n4\n5,6\n", {}, "1 row(s) (line 2) have 3 field(s), but the header has 2"),
    (b"1,2\n3,4\n", {}, "the header line holds numbers ('1', '2')"),
    (b"<html><table>", {}, "clinic.csv is a web page, not a table"),
    (b"%PDF-1.7 a,b", {}, "clinic.csv is a PDF document, not a table"),
    (b"\x1f\x8bnot gzip", {}, "the gzip file is damaged"),
    (b"a,b\n1,2\n", {"header_row": 9}, "has no line 9"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "settings", "message"), BAD)
def test_bad_files_are_refused(tmp_path, raw, settings, message):
    with pytest.raises(InputFileError) as caught:
        read(tmp_path, raw, **settings)
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    (tmp_path / "clinic.csv").write_text("a,b\n1,2\n")
    with pytest.raises(MissingFileError, match=r"did you mean 'clinic.csv'\?"):
        read_sheet(tmp_path / "clinics.csv")


def test_a_file_without_permission_is_refused(tmp_path, monkeypatch):
    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "clinic.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(InputFileError, match=r"clinic.csv may not be read: you have no permission"):
        read_sheet(tmp_path / "clinic.csv")


CELL = st.text(st.sampled_from("abc é漢0123.-' \x0b\x85\u2028"), max_size=5)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6),
    blank=st.integers(0, 3),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_quotes_change_nothing(tmp_path, rows, blank, line_end):
    """Plain text takes a faster way through the reader; both ways must agree."""

    def written(quoting: int) -> bytes:
        out = io.StringIO(newline="")
        out.write(line_end * blank)
        writer = csv.writer(out, quoting=quoting, lineterminator=line_end)
        writer.writerows([("x", "y", "z"), *rows, ("e", "n", "d")])
        return out.getvalue().encode()

    plain, quoted = read(tmp_path, written(csv.QUOTE_NONE)), read(tmp_path, written(csv.QUOTE_ALL))
    assert plain.frame.equals(quoted.frame)
    assert plain.lines.to_list() == quoted.lines.to_list()
    assert [str(n) for n in plain.notes] == [str(n) for n in quoted.notes]
