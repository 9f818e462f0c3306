from __future__ import annotations

import pytest

from marrowtrace.plotting.marker_accuracy import marker_accuracy


def point(value):
    return {"value": value, "low": value - 0.05, "high": value + 0.05}


def test_both_markers_at_every_horizon_one_panel_an_endpoint():
    auc = [{"year": y, "blood": point(0.55), "marrow": point(0.6 + y / 100)} for y in (2.0, 5.0)]
    ax = marker_accuracy([{"auc": auc}, {"auc": auc[:1]}], titles=["OS", "DFS"])
    assert len(ax.figure.axes) == 2
    blood, marrow = (container.lines[0] for container in ax.containers)
    assert blood.get_ydata().tolist() == pytest.approx([0.55, 0.55])
    assert marrow.get_ydata().tolist() == pytest.approx([0.62, 0.65])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["2", "5"]
