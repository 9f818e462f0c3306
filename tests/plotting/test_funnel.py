"""Funnel plots."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marrowtrace.evidence.bias import egger
from marrowtrace.evidence.pooling import pool_rates
from marrowtrace.evidence.prognosis import pool_prognosis
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import PUBLISHED, TABLE_1, bundled
from marrowtrace.plotting.funnel import asymmetry, funnel_effects, funnel_rates
from marrowtrace.plotting.style import new_axes


@pytest.fixture(scope="module")
def rates():
    query = Query(analyte="DTC", phase="pre", sources=(TABLE_1, PUBLISHED))
    return pool_rates(bundled(), query)


def points(ax):
    (line,) = [line for line in ax.lines if line.get_marker() == "o"]
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
    effects, errors = [0.1, 0.4, 0.9, 0.2], [0.1, 0.3, 0.5, 0.2]
    p = egger(effects, [e**2 for e in errors]).p_value
    text = asymmetry(effects, errors)
    assert f"p = {p:.2g}" in text
    assert "under 10 studies, so it says little" in text
    many = asymmetry([float(i % 3) for i in range(12)], [0.1 + 0.01 * i for i in range(12)])
    assert "little" not in many


def test_equal_errors_cannot_be_tested():
    assert asymmetry([0.0, 1.0, 2.0], [0.1, 0.1, 0.1]).endswith("no test of asymmetry is possible")
