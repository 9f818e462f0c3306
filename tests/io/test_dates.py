from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marrowtrace.io.dates import read_dates

DAY = date(2021, 3, 4)


def read(*values, fmt=None):
    return read_dates(pl.Series(list(values), dtype=pl.String), fmt)


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("2021-03-04", "ISO (1)"),
        ("2021/3/4", "ISO (1)"),
        ("2021-03-04 12:30", "ISO (1)"),
        ("2021-03-04 00:00:00", "date cells (1)"),
        ("04.03.2021", "day.month.year (1)"),
        ("4.3.2021", "day.month.year (1)"),
        ("4-Mar-2021", "month by name (1)"),
        ("04 MAR 2021", "month by name (1)"),
        ("20210304", "YYYYMMDD (1)"),
        ("44259", "Excel serial numbers (1)"),
        ("44259.5", "Excel serial numbers (1)"),
    ],
)
def test_dates_that_cannot_be_mistaken(text, how):
    found = read(text)
    assert found.dates.to_list() == [DAY]
    assert (found.how, found.doubt, found.bad.any()) == (how, "", False)


def test_slashes_need_another_value_or_a_format():
    assert read("03/04/2021").doubt == "'03/04/2021' may be day/month or month/day"
    assert read("04-03-2021").doubt == "'04-03-2021' may be day/month or month/day"
    assert read("03/04/2021", "13/04/2021").dates.to_list() == [date(2021, 4, 3), date(2021, 4, 13)]
    assert read("03/04/2021", "03/14/2021").dates.to_list() == [DAY, date(2021, 3, 14)]
    assert "others only month/day" in read("13/04/2021", "03/14/2021").doubt
    assert read("03/04/2021", fmt="%m/%d/%Y").dates.to_list() == [DAY]
    assert read("03/04/2021", fmt="%d/%m/%Y").dates.to_list() == [date(2021, 4, 3)]


def test_years_of_two_digits_need_a_format():
    assert read("04.03.21").doubt == "'04.03.21' has a year of two digits"
    assert read("04.03.21", fmt="%d.%m.%y").dates.to_list() == [DAY]


@pytest.mark.parametrize(
    "text", ["2021-02-30", "x", "04.13.2021", "1821-03-04", "1985", "7", "2921-03-04"]
)
def test_what_is_no_date_is_marked(text):
    found = read(text, None)
    assert found.dates.to_list() == [None, None]
    assert found.bad.to_list() == [True, False]


def test_a_format_refuses_other_dates():
    found = read("2021-03-04", "04.03.2021", fmt="%d.%m.%Y")
    assert found.bad.to_list() == [True, False]
    assert read("04.03.2021 12:30", fmt="%d.%m.%Y %H:%M").dates.to_list() == [DAY]


@given(st.dates(date(1911, 1, 1), date(2099, 12, 31)))
def test_excel_counts_days_from_the_end_of_1899(day):
    serial = (day - date(1899, 12, 30)).days
    assert read(str(serial)).dates.to_list() == [day]
    assert read(day.strftime("%d.%m.%Y"), day.isoformat()).dates.to_list() == [day, day]


def test_excel_s_own_example():
    """44197 is 1 January 2021 in the 1900 date system, and 36526 is 1 January 2000."""
    assert read("44197", "36526").dates.to_list() == [date(2021, 1, 1), date(2000, 1, 1)]
    assert date(1899, 12, 30) + timedelta(days=44197) == date(2021, 1, 1)
