from __future__ import annotations

import pytest

from marrowtrace.plotting.annual_hazard import annual_hazards


def year(start, rate, person_years=100.0):
    return {
        "from_year": start, "to_year": start + 1, "person_years": person_years,
        "rate": rate, "low": 0.8 * rate, "high": 1.2 * rate,
    }  # fmt: skip


GROUPS = [
    {"group": "ER positive", "years": [year(0, 0.02), year(1, 0.04), year(2, 0.9, 3.0)]},
    {"group": "ER negative", "years": [year(0, 0.08)]},
]


def published(group, rate):
    band = {"group": group, "from_year": 0.0, "to_year": 5.0}
    return {"published": rate, "ci_low": None, "ci_high": None, "band": band}


def test_rates_are_per_hundred_at_the_middle_of_the_year():
    ax = annual_hazards(GROUPS)
    first = ax.get_lines()[0]
    assert first.get_xdata().tolist() == [0.5, 1.5]  # the year of 3 patient-years is not drawn
    assert first.get_ydata().tolist() == pytest.approx([2.0, 4.0])


def test_published_rates_have_the_colour_of_their_group_and_others_are_left_out():
    rows = [published("ER positive", 0.099), published("all", 0.5)]
    ax = annual_hazards(GROUPS, published=rows)
    bars = [line for line in ax.get_lines() if line.get_linewidth() == 5]
    assert [line.get_ydata()[0] for line in bars] == pytest.approx([9.9])
    assert bars[0].get_color() == ax.get_lines()[0].get_color()
    assert ax.get_ylim()[1] > 9.9
