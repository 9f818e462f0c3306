"""Funnel plots."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marrowtrace.evidence.asymmetry import asymmetry
from marrowtrace.evidence.pooling import pool_rates
from marrowtrace.evidence.prognosis import pool_prognosis
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import PUBLISHED, TABLE_1, bundled
from marrowtrace.plotting.funnel import funnel, funnel_effects, funnel_rates
from marrowtrace.plotting.style import new_axes
from tests.evidence.made_rows import made_rates


@pytest.fixture(scope="module")
def rates():
    query = Query(analyte="DTC", phase="pre", sources=(TABLE_1, PUBLISHED))
    return pool_rates(bundled(), query)


def points(ax):
    line = next(line for line in ax.lines if line.get_marker() == "o")
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def test_points_are_logits_and_their_errors(rates):
    ax = funnel_rates(rates)
    x, y = points(ax)
    assert x == pytest.approx([math.log(r.k / (r.n - r.k)) for r in rates.rows])
    assert y == pytest.approx([math.sqrt(1 / r.k + 1 / (r.n - r.k)) for r in rates.rows])
    assert ax.get_ylim()[1] == 0  # the most exact studies stand at the top
    low, high = ax.get_xlim()
    assert ((low <= x) & (x <= high)).all()


def test_lines_hold_95_per_cent(rates):
    ax = funnel_rates(rates)
    sides = next(line for line in ax.lines if line.get_linestyle() == "--")
    x, y = np.asarray(sides.get_xdata()), np.asarray(sides.get_ydata())
    assert (x[2] - x[1]) / y[2] == pytest.approx(1.959963984540054)
    assert x[1] == pytest.approx(rates.pooled.link_estimate)


def test_hazard_ratios():
    query = Query(analyte="CTC", phase="pre", endpoints=("DFS",), sources=(PUBLISHED,))
    result = pool_prognosis(bundled(), query, method="REML")
    ax = new_axes()
    assert funnel_effects(result, ax=ax) is ax
    x, _ = points(ax)
    assert np.exp(x) == pytest.approx([row.hr for row in result.rows])
    assert ax.get_title(loc="left") == "2 studies: no test of asymmetry is possible"


def test_title_is_the_test_and_its_lack_of_power():
    few = pool_rates(bundled(), Query(analyte="DTC", phase="pre"))
    found = asymmetry(few)
    ax = funnel(found)
    assert ax.get_title(loc="left") == found.sentence
    assert "under 10 studies, so it says little" in found.sentence


def test_filled_studies_are_hollow(rates):
    found = asymmetry(rates)
    ax = funnel(found)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert found.fill.filled > 0
    assert list(hollow[0].get_xdata()) == pytest.approx(found.fill.filled_effects)
    low, high = ax.get_xlim()
    assert all(low <= effect <= high for effect in found.fill.filled_effects)
    assert ax.get_legend() is not None
    assert funnel(asymmetry(made_rates())).get_legend() is None  # none filled


def test_names_cover_neither_points_nor_each_other(rates):
    ax = funnel_rates(rates)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
