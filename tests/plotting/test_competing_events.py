from __future__ import annotations

import numpy as np

from marrowtrace.plotting.competing_events import incidence_curves
from marrowtrace.plotting.style import new_axes
from tests.plotting.prognoses import example


def test_curves_and_numbers_at_risk():
    marker = example().markers[1]
    ax = new_axes()
    found = incidence_curves(marker.incidence, ylabel="relapse", ax=ax, followed=marker.curves)
    assert found is ax
    for line, curve in zip(ax.lines, marker.incidence.values(), strict=True):
        shown = np.asarray(line.get_ydata())
        np.testing.assert_allclose(shown[1:], curve.incidence[0])
    below = ax.get_xticklabels()[0].get_text().split("\n")[1:]
    assert below == [str(int(c.at_risk[0])) for c in marker.curves.values()]


def test_without_numbers_and_a_cause_not_seen():
    marker = example().markers[1]
    ax = incidence_curves(marker.incidence, ylabel="relapse", cause=7)
    assert ax.get_xlabel() == "years"
    assert all((np.asarray(line.get_ydata()) == 0).all() for line in ax.lines)
