from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.plotting.landmark import (
    dynamic_risk,
    landmark_curves,
    name_the_landmark,
    ratios_by_landmark,
)
from marrowtrace.plotting.style import new_axes
from tests.plotting.prognoses import example


def test_curves_name_the_landmark_and_the_numbers_at_risk():
    marker = example().markers[1]
    ax = landmark_curves(marker.curves, landmark=365, ylabel="free of every event")
    assert ax.get_xlabel().startswith("years after the landmark, day 365 (below: ")
    below = [label.get_text().split("\n") for label in ax.get_xticklabels()]
    assert below[0] == ["0", *(str(int(c.at_risk[0])) for c in marker.curves.values())]
    assert name_the_landmark(new_axes(), 0).get_xlabel() == ""
    plain = landmark_curves(marker.curves, landmark=0, ylabel="free")
    assert plain.get_xlabel().startswith("years (below")


def test_ratios():
    series = example().series[0]
    ax = new_axes()
    assert ratios_by_landmark(series, ax=ax) is ax
    line = next(x for x in ax.lines if x.get_label() == "all landmarks stacked")
    first = np.exp(series.stacked.fit.coefficients[0])
    assert np.asarray(line.get_ydata())[0] == pytest.approx(first)
    assert ax.get_yscale() == "log"
    assert ratios_by_landmark(series) is not ax


def test_dynamic_risk():
    series = example().series[1]
    ax = new_axes()
    assert dynamic_risk(series, ax=ax) is ax
    assert [line.get_label() for line in ax.lines] == ["negative", "positive"]
    found = np.asarray(ax.lines[0].get_ydata())
    np.testing.assert_allclose(found, series.risks.filter(value="negative")["risk"])
    assert dynamic_risk(series).get_ylabel() == "risk in the next 5 years"
