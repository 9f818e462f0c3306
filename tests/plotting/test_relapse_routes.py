from __future__ import annotations

import pytest

from marrowtrace.plotting.relapse_routes import relapse_durations, relapse_routes


def group(name, *shares):
    routes = [
        {"meaning": meaning, "positive": round(100 * share), "rate": share,
         "low": 0.9 * share, "high": min(1.0, 1.1 * share)}
        for meaning, share in zip(("by marrow", "straight"), shares, strict=False)
    ]  # fmt: skip
    return {"group": name, "relapses": 100, "routes": routes}


def test_bars_are_the_shares_in_per_cent():
    ax = relapse_routes([group("all", 0.4, 0.6)])
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([40.0, 60.0])
    assert "40 (40 %)" in [text.get_text() for text in ax.texts]
    assert ax.get_legend() is None


def test_arms_stand_beside_each_other_and_a_route_may_be_missing_in_one():
    ax = relapse_routes([group("a", 0.4, 0.6), group("b", 1.0)])
    assert len(ax.patches) == 3
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["a (100 relapses)", "b (100 relapses)"]


def test_durations_have_median_and_quartiles():
    rows = [
        {"interval": "seeding to awakening", "origin": "all", "relapses": 7, "median": 2.0,
         "low": 1.0, "high": 4.0}
    ]  # fmt: skip
    ax = relapse_durations(rows)
    bar, point = ax.get_lines()
    assert list(bar.get_xdata()) == [1.0, 4.0]
    assert list(point.get_xdata()) == [2.0]
