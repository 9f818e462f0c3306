"""``marrowtrace evidence``: forms that others rely on, messages, files."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from marrowtrace.cli.evidence import app
from marrowtrace.errors import EvidenceError, InputFileError, OutputError

AGREED = {
    *("estimate", "ci_low", "ci_high", "prediction_low", "prediction_high", "tau2", "i2", "k", "n"),
    *("method", "rows", "flags", "schema"),
}


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


def payload(*arguments):
    return json.loads(run(*arguments, "--json")[0])


def test_pool_json_has_the_agreed_form():
    found = payload("pool", "--analyte", "DTC", "--phase", "pre")
    assert set(found) >= AGREED
    assert found["method"] == "glmm"
    assert found["values"] == "corrected"
    assert found["estimate"] == pytest.approx(0.2847, abs=1e-4)
    variants = {(v["values"], v["dependence"]): v["estimate"] for v in found["variants"]}
    assert variants["as printed", "independent"] == pytest.approx(0.2583, abs=1e-4)
    assert len(variants) == 4


def test_pool_as_printed():
    found = payload("pool", "--analyte", "CTC", "--phase", "pre", "--as-printed", "--independent")
    assert found["as_printed"]
    assert found["k"] == 6
    assert found["estimate"] == pytest.approx(0.737, abs=1e-3)
    assert not found["poolable"]


def test_pool_prints_both_and_the_reasons():
    out, err = run("pool", "--analyte", "DTC", "--phase", "pre")
    for rate in ("28.5 %", "26.5 %", "27.7 %", "25.8 %"):
        assert rate in out
    assert "Three rows are too few" in out
    assert "t1-05: shares patients with t1-04" in err
    assert "fault 2 (ERROR" in err
    assert err.rstrip().splitlines()[-1].startswith("  Sai B, Xiang J (2018)")


def test_pool_by_method_and_subgroup():
    found = payload("pool", "--analyte", "DTC", "--method", "reml-logit", "--by", "cancer")
    assert found["method"] == "reml-logit"
    assert found["subgroups"]["by"] == "cancer"
    out, _ = run("pool", "--analyte", "DTC", "--by", "cancer")
    assert "cancer breast: 25.7 %" in out


def test_pool_of_outcome():
    found = payload(
        "pool", "--analyte", "DTC", "--phase", "post", "--endpoint", "DFS", "--as-printed"
    )
    assert found["p_low"] == pytest.approx(3.46e-7, rel=1e-2)
    assert found["estimate"] is None
    assert set(found) >= AGREED
    out, err = run("pool", "--analyte", "DTC", "--phase", "post", "--endpoint", "progression")
    assert "combined p 0.00018" in out
    assert "direction: unknown" in out
    assert "different endpoints are pooled as one" in err
    out, _ = run("pool", "--analyte", "CTC", "--phase", "pre", "--endpoint", "OS", "--method", "DL")
    assert "hazard ratio 1.97" in out


def test_audit_lists_all_faults():
    found = payload("audit")
    assert [fault["number"] for fault in found["faults"]] == list(range(1, 26))
    assert {"kind", "printed", "source_says", "status", "effect", "citation"} <= set(
        found["faults"][0]
    )
    out, err = run("audit")
    assert out.count("source:") == 25
    assert "25 fault(s)." in err
    assert len(payload("audit", "--kind", "error")["faults"]) < 25


def test_list():
    out, err = run("list")
    assert "t1-10" in out
    assert "--json prints every column" in err
    rows = payload("list", "--table", "effects")["rows"]
    assert len(rows) == 67
    assert payload("list", "--table", "figures")["rows"][0]["id"] == "braun05_prev"
    studies = {row["key"]: row for row in payload("list", "--table", "studies")["rows"]}
    assert studies["rack2010"]["cohort"] == "success"


def test_compare():
    found = payload("compare")
    assert found["schema"] == "marrowtrace.evidence.compare/1"
    assert found["answer"][0].startswith("The tables neither show nor refute")
    out, err = run("compare")
    assert "Found in the same patients" in out
    assert "Please cite:" in err


def test_figures_and_page(tmp_path):
    run("forest", "--analyte", "DTC", "--phase", "pre", "-o", tmp_path / "a.svg", "--by", "cancer")
    run("forest", "--analyte", "DTC", "--endpoint", "DFS", "-o", tmp_path / "b.svg")
    outcome = ("--analyte", "CTC", "--phase", "pre", "--endpoint", "OS")
    run("funnel", *outcome, "-o", tmp_path / "c.png")
    _, err = run("page", "-o", tmp_path / "d.html")
    assert "Wrote" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg", "b.svg", "c.png", "d.html"]


def test_own_rows(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(
        "row,study,analyte,cancer,phase,k,n,citation\n"
        'mine,own2026,DTC,breast,pre,30,100,"Own A (2026)"\n'
    )
    found = payload("pool", "--analyte", "DTC", "--phase", "pre", "--rows", path)
    assert found["rows"][-1]["row"] == "mine"
    _, err = run("audit", "--rows", path)
    assert "own.csv: 1 row(s) read; none contradicts itself." in err
    path.write_text("row,study,analyte,k,n\nmine,fehm2009,DTC,130,100\n")
    with pytest.raises(InputFileError, match="130 of 100 positive is more than all"):
        run("pool", "--analyte", "DTC", "--rows", path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pool", "--analyte", "DTK"), r"did you mean 'DTC'"),
        (("pool", "--analyte", "DTC", "--source", "table3"), r"source 'table3' is unknown"),
        (
            ("pool", "--analyte", "DTC", "--endpoint", "OS", "--by", "cancer"),
            "--by is for detection",
        ),
        (("pool", "--analyte", "DTC", "--endpoint", "DSF"), r"did you mean 'DFS'"),
        (("list", "--table", "rate"), r"table 'rate' is unknown.*did you mean 'rates'"),
        (("audit", "--kind", "eror"), r"kind 'eror' is unknown"),
    ],
)
def test_messages(arguments, words):
    with pytest.raises(EvidenceError, match=words):
        run(*arguments)


def test_figure_of_an_unknown_form(tmp_path):
    with pytest.raises(OutputError, match=r"a figure is written as \.svg, \.png or \.pdf"):
        run("forest", "--analyte", "DTC", "-o", tmp_path / "a.gif")
