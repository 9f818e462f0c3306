from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marrowtrace.io.numerals import decimal_mark, parse_numbers


def mark(*values, **options):
    return decimal_mark(pl.Series(list(values), dtype=pl.String), **options)


@pytest.mark.parametrize(
    ("values", "delimiter", "wanted"),
    [
        (["7.5", "10"], ",", "."),
        (["7,5", "10"], ",", ","),
        (["1,234"], ";", ","),
        (["1.234,5", "7,5"], ",", ","),
        (["1,234.5", "7.5"], ",", "."),
        (["7,5", "7.5"], "", "either"),
        (["1", "2"], ";", "."),
        (["<1", "n.d."], ";", "."),
    ],
)
def test_the_mark_is_found(values, delimiter, wanted):
    found = mark(*values, delimiter=delimiter)
    assert (found.mark, found.doubt) == (wanted, "")


@pytest.mark.parametrize(
    ("values", "options", "doubt"),
    [
        (["1,234"], {}, "'1,234' may be a decimal comma or a thousands mark"),
        (["1,234"], {"delimiter": ""}, "'1,234' may be a decimal comma or a thousands mark"),
        (["7,5", "7.25"], {}, "'7,5' has a decimal comma, but '7.25' a point"),
        (["1.234"], {"others_comma": True}, "'1.234' may be a decimal point or"),
    ],
)
def test_doubt_is_said(values, options, doubt):
    assert mark(*values, **options).doubt.startswith(doubt)
    assert not mark(*values, given=",", **options).doubt


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back(number):
    point = pl.Series([repr(number)])
    assert parse_numbers(point, ".").to_list() == [number]
    assert parse_numbers(pl.Series([repr(number).replace(".", ",")]), ",").to_list() == [number]


@pytest.mark.parametrize("text", ["", "x", "1 2", "nan", "inf", "0x1", "1_0", "--1", "1,2,3", "1e"])
@pytest.mark.parametrize("mark", [".", ",", "either"])
def test_what_is_no_number_is_null(text, mark):
    assert parse_numbers(pl.Series([text]), mark).to_list() == [None]


def test_thousands_only_where_accepted():
    assert parse_numbers(pl.Series(["1,234.5"]), ".", thousands=True).to_list() == [1234.5]
    assert parse_numbers(pl.Series(["1,234.5"]), ".").to_list() == [None]
    assert parse_numbers(pl.Series(["1.23,5"]), ",").to_list() == [None]
