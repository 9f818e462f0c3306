from __future__ import annotations

from marrowtrace.plotting.cut_point import cut_point_search
from marrowtrace.plotting.style import new_axes
from tests.plotting.prognoses import example


def test_both_p_values_are_in_the_title():
    found = example().markers[0].cut
    ax = new_axes()
    assert cut_point_search(found, name="DTC_pre", ax=ax) is ax
    assert f"{found.p_permutation:.2g} corrected" in ax.get_title(loc="left")
    assert list(ax.lines[0].get_ydata()) == found.curve["statistic"].to_list()
    assert cut_point_search(found, name="x").get_xlabel() == "cut-point of x"
