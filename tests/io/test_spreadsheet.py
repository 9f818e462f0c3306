from __future__ import annotations

from datetime import datetime

import openpyxl
import pytest

from marrowtrace.errors import InputFileError
from marrowtrace.io.sheet import FileSettings
from marrowtrace.io.source import read_sheet


def workbook(tmp_path, rows, *, name="clinic.xlsx", **sheets):
    book = openpyxl.Workbook()
    book.active.title = "Data"
    for row in rows:
        book.active.append(row)
    for title, cells in sheets.items():
        page = book.create_sheet(title)
        for row in cells:
            page.append(row)
    book.save(tmp_path / name)
    return tmp_path / name


def test_cells_become_text_and_rows_keep_their_numbers(tmp_path):
    path = workbook(
        tmp_path,
        [
            [],
            ["ID", "date", "value", "mixed", None],
            ["007", datetime(2021, 3, 4), 1 / 3, "7,5"],
            [],
            ["A", None, 2e-12, 7.5],
        ],
        empty=[],
    )  # fmt: skip
    sheet = read_sheet(path)
    assert sheet.headers == ["ID", "date", "value", "mixed"]
    assert sheet.lines.to_list() == [3, 5]
    assert sheet.frame["ID"].to_list() == ["007", "A"]
    assert sheet.frame["date"].to_list() == ["2021-03-04 00:00:00", None]
    assert [float(v) for v in sheet.frame["value"].to_list()] == [1 / 3, 2e-12]
    assert sheet.frame["mixed"].to_list() == ["7,5", "7.5"]
    assert "sheet read: 'Data'" in map(str, sheet.notes)


def test_a_workbook_is_known_by_its_first_bytes(tmp_path):
    path = workbook(tmp_path, [["a", "b"], [1, 2]], name="export.csv")
    assert read_sheet(path).frame.to_dicts() == [{"a": "1", "b": "2"}]


def test_the_sheet_may_be_named(tmp_path):
    path = workbook(tmp_path, [["a", "b"], [1, 2]], Other=[["c", "d"], [3, 4]])
    assert read_sheet(path, FileSettings(sheet="Other")).headers == ["c", "d"]
    with pytest.raises(InputFileError, match=r"has 2 sheets with data: 'Data', 'Other'; say which"):
        read_sheet(path)
    with pytest.raises(InputFileError, match=r"no sheet 'Othr'; did you mean 'Other'\?"):
        read_sheet(path, FileSettings(sheet="Othr"))


def test_bad_workbooks_are_refused(tmp_path):
    with pytest.raises(InputFileError, match=r"empty.xlsx is empty"):
        read_sheet(workbook(tmp_path, [], name="empty.xlsx"))
    with pytest.raises(InputFileError, match=r"no row of data"):
        read_sheet(workbook(tmp_path, [["a", "b"]], name="bare.xlsx"))
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(InputFileError, match=r"broken.xlsx cannot be opened as a workbook"):
        read_sheet(tmp_path / "broken.xlsx")
    path = workbook(tmp_path, [["a", "b"], [1, 2]])
    with pytest.raises(InputFileError, match=r"has 2 rows, so row 7 cannot hold the headers"):
        read_sheet(path, FileSettings(header_row=7))
