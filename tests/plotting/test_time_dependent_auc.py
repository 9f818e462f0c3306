from __future__ import annotations

from marrowtrace.plotting.style import new_axes
from marrowtrace.plotting.time_dependent_auc import areas_over_time
from tests.plotting.prognoses import example


def test_one_line_a_marker():
    results = {m.term.text: m.auc for m in example().markers}
    ax = new_axes()
    assert areas_over_time(results, ax=ax) is ax
    assert len(ax.containers) == 2
    assert list(ax.containers[0].lines[0].get_ydata()) == list(results["DTC_pre"].value)
    low, high = areas_over_time(results).get_ylim()
    assert low <= 0.4
    assert high == 1
