"""Which rows are pooled, and why others are not."""

from __future__ import annotations

import pytest

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.records import DetectionRate, Study
from marrowtrace.evidence.selection import Query, choose
from marrowtrace.evidence.tables import TABLE_2, EvidenceTables, bundled


def usable(row):
    return "" if row.n else "no n"


def rate(name, study="fehm2009", **changes):
    base = {"row": name, "study": study, "analyte": "CTC", "k": 5, "n": 50}
    return DetectionRate(**{**base, **changes})


def chosen(rows, studies=(), **query):
    tables = EvidenceTables({study.key: study for study in studies}, tuple(rows))
    found = choose(tables.rates, Query(analyte="CTC", **query), tables, usable=usable)
    return [row.row for row in found.rows], found


def test_one_row_of_a_group_the_largest():
    names, found = chosen([rate("a"), rate("b", n=60), rate("c", study="mansi1999")])
    assert names == ["b", "c"]
    assert [(out.row, out.reason) for out in found.left_out] == [
        ("a", "shares patients with b, which has more or comes first")
    ]


def test_ties_go_to_the_first_row():
    names, _ = chosen([rate("a"), rate("b")])
    assert names == ["a"]


def test_independent_keeps_all_and_says_so():
    names, found = chosen([rate("a"), rate("b"), rate("c", "mansi1999")], dependence="independent")
    assert names == ["a", "b", "c"]
    assert found.shared == (("a", "b"),)


def test_a_study_that_pools_others_cannot_stand_beside_them():
    """Sharing passes on: a pooled analysis of x and y puts x, y and itself in one group."""
    studies = [Study(key="janni2016", pools=("fehm2009", "mansi1999"))]
    rows = [rate("x"), rate("y", "mansi1999"), rate("both", "janni2016", n=500)]
    assert chosen(rows, studies)[0] == ["both"]
    small = [rate("x"), rate("y", "mansi1999"), rate("both", "janni2016", n=20)]
    assert chosen(small, studies)[0] == ["x"]


def test_different_thresholds_are_never_pooled_when_corrected():
    five = {"threshold": 5, "volume_ml": 7.5}
    rows = [rate("a"), rate("b", "mansi1999"), rate("c", "janni2016", **five)]
    names, found = chosen(rows)
    assert names == ["a", "b"]
    assert found.left_out[0].reason == (
        "positive means 5 or more in 7.5 mL, in the other rows 1 or more"
    )
    assert chosen(rows, as_printed=True)[0] == ["a", "b", "c"]
    assert chosen(rows, threshold=5)[0] == ["c"]


def test_samples_and_rows_set_aside_are_left_out():
    rows = [
        rate("a"),
        rate("b", "mansi1999", unit="samples"),
        rate("c", "janni2016", set_aside="chosen for it"),
    ]
    names, found = chosen(rows)
    assert names == ["a"]
    assert {out.row: out.reason for out in found.left_out} == {
        "b": "counts samples, not patients",
        "c": "chosen for it",
    }


def test_corrected_rows_are_matched_by_their_corrected_words():
    """Aspirates printed under post that were taken before belong to pre."""
    tables = bundled()
    query = {"analyte": "DTC", "endpoints": ("PSA-PFS",), "sources": (TABLE_2,)}
    found = choose(tables.effects, Query(phase="pre", **query), tables, usable=lambda _: "")
    assert [row.row for row in found.rows] == ["t2-18-dfs-post"]
    with pytest.raises(EvidenceError, match="no row of review table 2, user is DTC PSA-PFS post"):
        choose(tables.effects, Query(phase="post", **query), tables, usable=lambda _: "")


def test_flags_name_faults_corrections_notes_and_doubt():
    tables = bundled()
    query = Query(analyte="CTC", phase="pre")
    flags = choose(tables.rates, query, tables, usable=usable).flags
    assert any(flag.startswith("fault 3 (ERROR") for flag in flags)
    assert any(flag.startswith("t1-09: k corrected to 58") for flag in flags)
    printed = choose(
        tables.rates, Query(analyte="CTC", phase="pre", as_printed=True), tables, usable=usable
    ).flags
    assert not any("corrected to" in flag for flag in printed)
    remembered = choose(
        tables.rates,
        Query(analyte="CTC", phase="pre", sources=("published figures",)),
        tables,
        usable=usable,
    ).flags
    assert "pf-rack2014-pre: remembered, not verified" in remembered


def test_every_unknown_word_of_a_query_at_once():
    with pytest.raises(EvidenceError) as caught:
        Query(
            analyte="CTK",
            phase="befor",
            endpoints=("OSS",),
            sources=("table 9",),
            dependence="clever",
        )
    text = str(caught.value)
    assert text.startswith("5 problems in what to pool:")
    for part in ("did you mean 'CTC'?", "endpoint: 'OSS'", "source: 'table 9'", "dependence: 'cle"):
        assert part in text


def test_nothing_that_can_be_pooled():
    with pytest.raises(EvidenceError, match=r"1 row.s. match but none can be pooled: a: no reason"):
        chosen([rate("a", set_aside="no reason")])
    with pytest.raises(EvidenceError, match="widen --phase"):
        chosen([rate("a")], cancer="lung")
