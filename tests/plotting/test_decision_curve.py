from __future__ import annotations

import numpy as np

from marrowtrace.plotting.decision_curve import decision_curves
from marrowtrace.plotting.style import new_axes
from tests.plotting.prognoses import example


def test_one_line_a_prediction_and_the_two_defaults():
    curves = {m.term.text: m.decision for m in example().markers}
    ax = new_axes()
    assert decision_curves(curves, ax=ax) is ax
    labels = [line.get_label() for line in ax.lines]
    assert labels == ["treat all", "treat nobody", *curves]
    shown = next(line for line in ax.lines if line.get_label() == "DTC_pre")
    np.testing.assert_allclose(np.asarray(shown.get_ydata()), curves["DTC_pre"].value)
    assert decision_curves(curves).get_xlabel() == "risk from which one would treat"
