from __future__ import annotations

import pytest

from marrowtrace.plotting.marker_hazard_ratios import marker_hazard_ratios
from marrowtrace.plotting.style import CELL_COLOURS, GREY

KNOWN = {"hr": 2.0, "low": 1.5, "high": 3.0}
NONE = {"hr": None, "low": None, "high": None}


def row(name, landmark, naive=None):
    return {
        "marker": name, "cell_class": "DTC", "landmark": landmark,
        "never_sampled_as_negative": naive,
    }  # fmt: skip


def test_landmark_has_the_colour_of_the_cells_and_the_naive_clock_is_grey():
    ax = marker_hazard_ratios([row("a", KNOWN, KNOWN | {"hr": 1.2})])
    points = [line for line in ax.get_lines() if line.get_marker() in ("s", "x")]
    assert [line.get_color() for line in points] == [CELL_COLOURS["DTC"], GREY]
    assert [line.get_xdata()[0] for line in points] == pytest.approx([2.0, 1.2])
    assert ax.get_xscale() == "log"


def test_what_cannot_be_estimated_is_said_and_no_naive_clock_has_no_legend():
    ax = marker_hazard_ratios([row("a", NONE), row("b", KNOWN)])
    assert "cannot be estimated" in [text.get_text() for text in ax.texts]
    assert len(ax.get_legend().get_texts()) == 1
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]


def test_nothing_known_at_all_still_draws():
    ax = marker_hazard_ratios([row("a", NONE)])
    low, high = ax.get_xlim()
    assert low < 1 < high
