"""Detection curves."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.assays import assay
from marrowtrace.assays.power import power
from marrowtrace.plotting.detection_curve import detection_curves
from marrowtrace.plotting.style import image_bytes, new_axes


@pytest.fixture(scope="module")
def result():
    return power(assay("a45-b-b3"), [1e4, 1e5], amounts=[2e6, 1e7], aspirates=(1, 2))


def test_curves_are_the_probabilities(result):
    ax = detection_curves(result)
    curves = [line for line in ax.lines if len(line.get_xdata()) > 10]
    assert len(curves) == 4
    first = result.curves.filter((result.curves["amount"] == 2e6)
                                 & (result.curves["aspirates"] == 1))  # fmt: skip
    assert np.asarray(curves[0].get_ydata()) == pytest.approx(first["probability"].to_numpy())
    assert ax.get_xscale() == "log"


def test_colour_and_marker_are_the_amount_and_dashes_the_aspirates(result):
    ax = detection_curves(result)
    curves = [line for line in ax.lines if len(line.get_xdata()) > 10]
    points = [line for line in ax.lines if line.get_marker() in "os"]
    assert [line.get_linestyle() for line in curves] == ["-", "--", "-", "--"]
    assert len({line.get_color() for line in curves}) == 2
    assert [line.get_marker() for line in points] == ["o", "o", "s", "s"]
    assert list(points[0].get_xdata()) == [1e4, 1e5]


def test_labels_say_what_is_shown(result):
    ax = new_axes()
    assert detection_curves(result, ax=ax) is ax
    assert ax.get_xlabel() == "tumour cells in the marrow"
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == [
        "2,000,000 cells x 1", "2,000,000 cells x 2", "10,000,000 cells x 1", "10,000,000 cells x 2"
    ]  # fmt: skip
    single = detection_curves(power(assay("iset"), [1e3]))
    assert single.get_legend() is None
    assert single.get_xlabel() == "tumour cells in the blood"


def test_the_same_figure_is_the_same_file(result):
    one, other = (image_bytes(detection_curves(result).figure) for _ in range(2))
    assert one == other
