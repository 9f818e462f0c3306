from __future__ import annotations

import pytest

from marrowtrace.plotting.life_with_samples import life_with_samples


def life(**changes):
    return {
        "number": 7,
        "ending": "no distant relapse; alive after 10.0 years",
        "course": {
            "year": [-1.0, 0.0, 10.0], "primary": [1e8, 1e9, None],
            "lesion": [None, None, None], "marrow": [10.0, 100.0, 50.0],
            "viscera": [1.0, 2.0, None], "blood": [5.0, 5.0, 1.0],
        },
        "therapies": [
            {"agent": "endocrine", "start": 0.5, "stop": 5.5},
            {"agent": "zoledronate", "start": 1.0, "stop": None},
        ],
        "events": [{"year": 0.0, "event": "surgery", "place": None}],
        "samples": [
            {"year": 0.0, "cell_class": "CTC", "count": 0, "positive": False},
            {"year": 0.0, "cell_class": "DTC", "count": 3, "positive": True},
        ],
    } | changes  # fmt: skip


def test_curves_therapies_and_samples_share_the_years():
    upper = life_with_samples(life())
    lower = upper.figure.axes[1]
    labels = [text.get_text() for text in upper.get_legend().get_texts()]
    assert "largest lesion" not in labels  # there never was one
    assert "dormant in marrow" in labels
    lanes = [text.get_text() for text in lower.get_yticklabels()]
    assert lanes == ["endocrine", "zoledronate", "blood: CTCs", "marrow: DTCs"]
    widths = [bar.get_width() for bar in lower.patches]
    assert widths == pytest.approx([5.0, 9.0])  # one that goes on reaches the end


def test_positive_samples_are_filled_and_carry_their_count():
    lower = life_with_samples(life()).figure.axes[1]
    negative, positive = lower.get_lines()
    assert negative.get_markerfacecolor() == "white"
    assert positive.get_markerfacecolor() == positive.get_color()
    assert [text.get_text() for text in lower.texts] == ["3"]


def test_no_therapy_and_no_sample_still_draw():
    upper = life_with_samples(life(therapies=[], samples=[]), index_event="enrolment")
    assert upper.figure.axes[1].get_xlabel() == "years from enrolment"
