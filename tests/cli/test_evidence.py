"""``marrowtrace evidence``: forms that others rely on, messages, files."""

from __future__ import annotations

import pytest

from marrowtrace.errors import EvidenceError, InputFileError
from tests.cli.evidence_command import payload, run


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


def test_page(tmp_path):
    _, err = run("page", "-o", tmp_path / "d.html")
    assert "Wrote" in err
    assert "Without" in (tmp_path / "d.html").read_text(encoding="utf-8")


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
