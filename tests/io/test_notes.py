from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marrowtrace.io.notes import Note, counted, listed, without_dates


@given(
    st.dates().filter(lambda d: 1900 <= d.year <= 2099),
    st.sampled_from(
        ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d-%m-%Y", "%d.%m.%y"]
    ),
)
def test_a_note_holds_no_date(day, style):
    text = day.strftime(style)
    assert without_dates(f"CTC {text} in blood") == "CTC [date] in blood"
    note = Note("column", f"column 'CTC {text}'", f"export_{text}.csv was read")
    assert text not in str(note)


@pytest.mark.parametrize(
    "text",
    [
        "times 30.4375",
        "AZURE-0001 to AZURE-3359",
        "1000000 row(s)",
        "CTC/7.5ml",
        "grade 3/4",
        "MT-012",
    ],
)
def test_what_is_no_date_stays(text):
    assert without_dates(text) == text


def test_rows_and_words_are_listed_shortly():
    assert counted(pl.Series(range(2, 9))) == "7 row(s) (line 2, 3, 4, ...)"
    assert counted(pl.Series([4]), "row") == "1 row(s) (row 4)"
    assert listed("abc", shown=2) == "'a', 'b', ... (3 in all)"
