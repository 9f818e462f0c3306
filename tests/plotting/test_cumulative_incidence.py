from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.plotting.cumulative_incidence import (
    cumulative_incidence_curves,
    incidence_grid,
    p_text,
)


def curve(group, height):
    years = np.linspace(0, 10, 11)
    value = height * years / 10
    return {
        "group": group, "patients": 100, "events": 20,
        "curve": {
            "year": years.tolist(), "incidence": value.tolist(),
            "low": (0.9 * value).tolist(), "high": (1.1 * value).tolist(),
        },
    }  # fmt: skip


EMPTY = {
    "group": "none", "patients": 0, "events": 0,
    "curve": {"year": [], "incidence": [], "low": [], "high": []},
}  # fmt: skip


def test_each_group_has_its_curve_and_its_numbers():
    ax = cumulative_incidence_curves(
        [curve("a", 0.2), curve("b", 0.4), EMPTY], xlabel="years", test={"name": "Gray", "p": 0.02}
    )
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["a (20 of 100)", "b (20 of 100)"]
    line = ax.get_lines()[1]
    assert line.get_ydata()[-1] == pytest.approx(0.4)
    assert ax.get_ylim()[1] >= 0.44
    assert "Gray p = 0.020" in [text.get_text() for text in ax.texts]


def test_dashes_tell_groups_apart_without_colour():
    ax = cumulative_incidence_curves([curve("a", 0.2), curve("b", 0.4)], xlabel="years")
    assert len({line.get_linestyle() for line in ax.get_lines()}) == 2


def test_nobody_at_all_is_an_empty_figure():
    ax = cumulative_incidence_curves([EMPTY], xlabel="years", test={"name": None, "p": None})
    assert ax.get_legend() is None


def test_a_grid_has_one_scale_and_blanks_what_is_left_over():
    panels = [{"curves": [curve("a", h)], "test": {"p": None}} for h in (0.1, 0.2, 0.4)]
    figure = incidence_grid(panels, titles=["1", "2", "3"], xlabel="years").figure
    used = [ax for ax in figure.axes if ax.axison]
    assert len(used) == 3
    assert len({ax.get_ylim() for ax in used}) == 1


@pytest.mark.parametrize(("p", "text"), [(0.0312, "= 0.031"), (1e-9, "< 0.001"), (0.5, "= 0.50")])
def test_p_values_in_words(p, text):
    assert p_text(p) == text
