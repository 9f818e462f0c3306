from __future__ import annotations

import pytest

from marrowtrace.plotting.published_comparison import published_comparison
from marrowtrace.plotting.style import GREY, VERMILION


def row(**changes):
    return {
        "label": "DTC-positive at diagnosis", "paper": "Braun 2005", "published": 0.306,
        "ci_low": 0.29, "ci_high": 0.32, "simulated": 0.30, "simulated_low": 0.29,
        "simulated_high": 0.31, "inside": True, "calibrated": False,
    } | changes  # fmt: skip


ROWS = [
    row(),
    row(simulated=0.4, inside=False, calibrated=True),
    row(ci_low=None, ci_high=None, inside=None, paper=""),
    row(simulated=None, inside=None),
]


def test_verdict_and_calibration_stand_beside_every_row():
    ax = published_comparison(ROWS, xlabel="per cent", scale=100)
    words = [text.get_text() for text in ax.texts]
    assert words == [
        "in\nnot used in calibration", "OUT\ncalibrated to",
        "not judged\nnot used in calibration", "not judged\nnot used in calibration",
    ]  # fmt: skip
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels[0].endswith("Braun 2005")
    assert labels[2].endswith("no paper")


def test_outside_is_told_by_form_as_well_as_colour():
    ax = published_comparison(ROWS, xlabel="per cent", scale=100)
    circles = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert len(circles) == 3
    inside, outside, unjudged = circles
    assert inside.get_markerfacecolor() == inside.get_color()
    assert outside.get_markerfacecolor() == unjudged.get_markerfacecolor() == "white"
    assert (outside.get_color(), unjudged.get_color()) == (VERMILION, GREY)
    assert outside.get_xdata()[0] == pytest.approx(40.0)


def test_ratios_have_a_logarithmic_scale_with_plain_numbers():
    ax = published_comparison(
        [row(published=2.0, ci_low=1.0, ci_high=4.0, simulated=3.0, simulated_low=2.0,
             simulated_high=5.0)],
        xlabel="ratio", logarithmic=True,
    )  # fmt: skip
    assert ax.get_xscale() == "log"
    ax.figure.canvas.draw()
    assert "2" in [text.get_text() for text in ax.get_xticklabels()]
