from __future__ import annotations

import numpy as np

from marrowtrace.plotting.positivity import missing_values
from marrowtrace.plotting.style import image_bytes, new_axes
from marrowtrace.plotting.survival_curve import survival_curves
from marrowtrace.survival.kaplan_meier import kaplan_meier

CURVE = kaplan_meier([365.25, 730.5, 1095.75], [True, False, True])


def test_the_steps_are_the_curve_in_years():
    ax = survival_curves({"relapse": CURVE}, ylabel="free of relapse")
    years, shares = ax.lines[0].get_data()
    np.testing.assert_allclose(years, [0, 1, 2, 3])
    np.testing.assert_allclose(shares, [1, 2 / 3, 2 / 3, 0])


def test_numbers_at_risk_stand_under_the_ticks():
    ax = survival_curves({"relapse": CURVE}, ylabel="")
    labels = {
        t.get_text().split("\n")[0]: t.get_text().split("\n")[1] for t in ax.get_xticklabels()
    }
    assert labels["0"] == "3"
    assert labels["1"] == "3"
    assert labels["2"] == "2"
    assert labels["3"] == "1"


def test_given_axes_are_used_and_returned():
    ax = new_axes()
    assert survival_curves({"a": CURVE, "b": CURVE}, ylabel="", ax=ax) is ax
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b"]


def test_the_same_figure_gives_the_same_file():
    one, other = (image_bytes(missing_values({"patients.age": 0.3}).figure) for _ in range(2))
    assert one == other
