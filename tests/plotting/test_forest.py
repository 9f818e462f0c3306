"""Forest plots: what is drawn is what was pooled."""

from __future__ import annotations

import math

import matplotlib.patches as patches
import pytest

from marrowtrace.evidence.pooling import pool_rates
from marrowtrace.evidence.prognosis import pool_prognosis
from marrowtrace.evidence.rate_subgroups import rate_subgroups
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import PUBLISHED, TABLE_2, bundled
from marrowtrace.plotting.forest import effect_content, forest_effects, forest_rates, rate_content
from marrowtrace.plotting.style import BLACK, new_axes


def rates(analyte="DTC", **query):
    return pool_rates(bundled(), Query(analyte=analyte, phase="pre", **query))


def effects(method="REML", analyte="CTC", phase="pre"):
    query = Query(analyte=analyte, phase=phase, endpoints=("DFS",), sources=(TABLE_2, PUBLISHED))
    return pool_prognosis(bundled(), query, method=method)


def plot_of(ax):
    return ax.child_axes[0]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def squares(plot):
    return [line for line in plot.lines if line.get_marker() == "s"]


def diamonds(plot):
    return [patch for patch in plot.patches if isinstance(patch, patches.Polygon)]


def test_squares_whiskers_and_diamond_stand_where_the_numbers_are():
    result = rates(dependence="independent")
    plot = plot_of(forest_rates(result))
    assert [s.get_xdata()[0] for s in squares(plot)] == [row.rate for row in result.rows]
    whiskers = [line.get_xdata() for line in plot.lines if len(line.get_xdata()) == 2]
    for row in result.rows:
        assert any(w[0] == row.ci_low and w[1] == row.ci_high for w in whiskers)
    (diamond,) = diamonds(plot)
    across = diamond.get_xy()[:, 0]
    assert across.min() == result.pooled.ci_low
    assert across.max() == result.pooled.ci_high
    assert result.pooled.estimate in across
    prediction = (result.pooled.prediction_low, result.pooled.prediction_high)
    assert any(tuple(w) == prediction for w in whiskers)


def test_squares_grow_with_the_weight():
    result = rates(dependence="independent")
    sizes = [s.get_markersize() for s in squares(plot_of(forest_rates(result)))]
    order = sorted(range(len(sizes)), key=lambda i: result.rows[i].weight)
    assert [sizes[i] for i in order] == sorted(sizes)


def test_a_rate_that_should_not_be_pooled_is_hollow_and_says_so():
    ax = forest_rates(rates("CTC"))
    (diamond,) = diamonds(plot_of(ax))
    assert diamond.get_hatch()
    assert any("should not be pooled" in text for text in texts(ax))
    solid = diamonds(plot_of(forest_rates(rates(dependence="independent"))))[0]
    assert solid.get_hatch() is None
    assert BLACK == "#000000"
    assert solid.get_facecolor() == (0, 0, 0, 1)


def test_faults_are_letters_with_footnotes():
    content = rate_content(rates("CTC"))
    label = next(line.label for line in content.lines if line.label.startswith("Fehm"))
    assert label == "Fehm 2009$^{a}$"
    assert any(note.startswith("a  fault 1 (ERROR") for note in content.footnotes)
    assert any("Left out: t1-12" in note for note in content.footnotes)


def test_subgroups_have_headings_and_subtotals():
    result = rates(dependence="independent")
    groups = rate_subgroups(result, "cancer")
    content = rate_content(result, subgroups=groups)
    kinds = [line.kind for line in content.lines]
    assert kinds.count("heading") == 2
    subtotals = [line.estimate for line in content.lines if line.kind == "subtotal"]
    assert subtotals == [pooled.estimate for pooled in groups.pooled]
    assert any(note.startswith("Test of subgroups (cancer)") for note in content.footnotes)
    assert len(diamonds(plot_of(forest_rates(result, subgroups=groups)))) == 3


def test_hazard_ratios_are_on_a_log_axis_around_one():
    result = effects()
    plot = plot_of(forest_effects(result))
    assert plot.get_xscale() == "log"
    assert [s.get_xdata()[0] for s in squares(plot)] == [row.hr for row in result.rows]
    across = diamonds(plot)[0].get_xy()[:, 0]
    assert across.max() == pytest.approx(math.exp(result.effect.ci_high))


def test_p_values_alone_are_listed_not_drawn():
    result = effects("fisher", "DTC", "post")
    content = effect_content(result)
    assert any(line.kind == "text" and "Combined p (fisher" in line.label for line in content.lines)
    assert content.footnotes[0].startswith("Direction: unknown")
    drawn = squares(plot_of(forest_effects(result)))
    assert len(drawn) == sum(math.isfinite(row.ci_low) for row in result.rows) < len(result.rows)


def test_given_axes_are_used():
    ax = new_axes(width=9, height=5)
    assert forest_rates(rates(), ax=ax) is ax


def test_text_stays_inside_the_figure():
    for ax in (forest_rates(rates("CTC")), forest_effects(effects())):
        figure = ax.get_figure(root=True)
        figure.canvas.draw()
        box = figure.bbox
        for text in ax.texts:
            extent = text.get_window_extent()
            assert extent.x1 <= box.x1 + 1, text.get_text()
            assert extent.y0 >= box.y0 - 1, text.get_text()
