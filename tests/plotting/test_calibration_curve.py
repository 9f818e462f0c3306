from __future__ import annotations

from marrowtrace.plotting.calibration_curve import calibration_curves
from marrowtrace.plotting.style import new_axes
from tests.plotting.prognoses import example


def test_one_symbol_a_group():
    results = {m.term.text: m.calibration for m in example().markers}
    ax = new_axes()
    assert calibration_curves(results, ax=ax) is ax
    assert len(ax.containers) == 2
    shown = ax.containers[0].lines[0].get_ydata()
    assert list(shown) == results["DTC_pre"].groups["observed"].to_list()
    assert calibration_curves(results).get_xlim() == calibration_curves(results).get_ylim()
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[0].startswith("DTC_pre (slope ")
