from __future__ import annotations

import pytest

from marrowtrace.plotting.detection_over_time import detection_over_time


def row(visit, assay, rate, arm="all"):
    low, high = (None, None) if rate is None else (0.9 * rate, 1.1 * rate)
    return {
        "visit": visit, "assay": assay, "cell_class": "CTC", "arm": arm, "rate": rate,
        "low": low, "high": high,
    }  # fmt: skip


def test_one_line_an_assay_over_the_visits_in_order():
    rows = [row("diagnosis", "one", 0.2), row("later", "one", 0.1), row("later", "two", 0.3)]
    ax = detection_over_time(rows)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["CTC, one", "CTC, two"]
    assert ax.get_lines()[0].get_ydata().tolist() == pytest.approx([20.0, 10.0])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["diagnosis", "later"]


def test_arms_share_the_colour_of_their_assay_and_differ_in_dash():
    rows = [row("diagnosis", "one", 0.2, arm) for arm in ("a", "b")]
    first, second = detection_over_time(rows).get_lines()
    assert first.get_color() == second.get_color()
    assert first.get_linestyle() != second.get_linestyle()


def test_rates_that_are_not_known_are_left_out():
    ax = detection_over_time([row("diagnosis", "one", None)])
    assert ax.get_legend() is None
