from __future__ import annotations

import pytest

from marrowtrace.report.number_words import (
    DASH,
    NO_BREAK,
    p_value,
    percent,
    percent_interval,
    ratio_interval,
    years,
)


def plain(text):
    return text.replace(NO_BREAK, " ")


@pytest.mark.parametrize(
    ("value", "text"), [(0.3072, "30.7 %"), (0.00042, "0.042 %"), (0.0, "0 %"), (None, DASH)]
)
def test_percent(value, text):
    assert plain(percent(value)) == text


def test_intervals_need_both_ends():
    assert plain(percent_interval({"rate": 0.3, "low": None, "high": 0.4})) == "30.0 %"
    assert percent_interval({"rate": None, "low": None, "high": None}) == DASH
    assert ratio_interval({"hr": None, "low": 1.0, "high": 2.0}) == DASH
    assert ratio_interval({"hr": 2.0, "low": 1.5, "high": 2.5}) == "2.00 (1.50 to 2.50)"


@pytest.mark.parametrize(("p", "text"), [(1e-9, "< 0.001"), (0.0312, "0.031"), (0.5, "0.50")])
def test_p_values(p, text):
    assert plain(p_value(p)) == text


@pytest.mark.parametrize(
    ("days", "text"), [(7305.0, "20 years"), (365.25, "1 year"), (243.5, "8 months")]
)
def test_lengths_of_time(days, text):
    assert years(days) == text
