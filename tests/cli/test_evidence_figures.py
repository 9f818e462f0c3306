"""``marrowtrace evidence forest | funnel``: figures, tests of asymmetry, messages."""

from __future__ import annotations

import pytest

from marrowtrace.errors import EvidenceError, OutputError
from tests.cli.evidence_command import payload, run
from tests.evidence.made_rows import PATH, REFERENCE


def test_figures(tmp_path):
    run("forest", "--analyte", "DTC", "--phase", "pre", "-o", tmp_path / "a.svg", "--by", "cancer")
    run("forest", "--analyte", "DTC", "--endpoint", "DFS", "-o", tmp_path / "b.svg")
    outcome = ("--analyte", "CTC", "--phase", "pre", "--endpoint", "OS")
    _, err = run("funnel", *outcome, "-o", tmp_path / "c.png")
    assert "Egger: " in err  # two rows only
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg", "b.svg", "c.png"]


def test_funnel_prints_the_tests():
    arguments = ("funnel", "--analyte", "CTC", "--source", "table2", "--rows", PATH)
    found = payload(*arguments)
    assert found["schema"] == "marrowtrace.evidence.funnel/1"
    for test in found["tests"]:
        expected = REFERENCE["bias", test["name"]]
        assert test["p_value"] == pytest.approx(expected["p_value"], rel=1e-6)
    out, _ = run(*arguments)
    assert out.index("Peters") < out.index("Egger") < out.index("Begg")
    assert "Trim and fill (L0, REML): 0 filled on the left; rate 0.291" in out
    _, err = run("funnel", "--analyte", "DTC", "--phase", "pre")
    assert "3 studies, fewer than 10: the test has little power" in err


def test_funnel_json_may_come_with_a_figure(tmp_path):
    found = payload("funnel", "--analyte", "DTC", "--phase", "pre", "-o", tmp_path / "a.svg")
    assert found["trim_and_fill"]["filled"] == 0
    assert (tmp_path / "a.svg").is_file()


def test_messages(tmp_path):
    with pytest.raises(OutputError, match=r"a figure is written as \.svg, \.png or \.pdf"):
        run("forest", "--analyte", "DTC", "-o", tmp_path / "a.gif")
    with pytest.raises(EvidenceError, match="which have no size"):
        run("funnel", "--analyte", "DTC", "--endpoint", "DFS", "--method", "fisher")
