"""The review's central claim against its tables."""

from __future__ import annotations

import json

import pytest
from tests.evidence.test_pooling import reference

from marrowtrace.citations import bibliography
from marrowtrace.evidence.comparison import compare
from marrowtrace.evidence.records import DetectionRate, PrognosticEffect
from marrowtrace.evidence.tables import EvidenceTables, bundled


@pytest.fixture(scope="module")
def result():
    return compare(bundled())


def test_pooled_odds_ratios_agree_with_r(result):
    for pooled in result.pooled_detection:
        expected = reference(f"odds_ratio_{pooled.phase}")
        assert pooled.odds_ratio == pytest.approx(expected["estimate"], rel=1e-6)
        assert pooled.ci_low == pytest.approx(expected["ci_low"], rel=1e-6)
        assert pooled.ci_high == pytest.approx(expected["ci_high"], rel=1e-6)
    assert [(p.phase, p.k) for p in result.pooled_detection] == [("pre", 4), ("post", 3)]


def test_between_studies_agrees_with_r(result):
    expected = reference("ctc_against_dtc")
    assert result.between_studies_p_wald == pytest.approx(expected["p_wald"], abs=1e-6)
    assert result.between_studies_p == pytest.approx(expected["p_knapp_hartung"], abs=1e-6)
    assert result.between_studies_p_wald == pytest.approx(0.07, abs=0.005)  # the audit's


def test_the_answer_says_what_the_numbers_say(result):
    text = " ".join(result.answer)
    assert text.startswith("The tables neither show nor refute that DTCs are the better marker")
    assert "6 of 141" in text
    assert "Benoy 2006 for DTCs, Bidard 2008 for CTCs" in text
    assert "0 for CTCs: there is nothing to hold them against" in text


def test_the_answer_turns_with_the_numbers():
    """Rows that differ beyond doubt must be reported so: this check can fail."""
    base = {"study": "fehm2009", "n": 500, "phase": "post", "endpoint": "OS", "direction": "worse"}
    clear = (
        PrognosticEffect(row="c", analyte="CTC", p="0.9", positives=200, **base),
        PrognosticEffect(row="d", analyte="DTC", p="0.0000001", positives=200, **base),
    )
    answer = compare(EvidenceTables({}, (), clear)).answer
    assert answer[0].startswith("In Fehm 2009 (OS) the hazard ratios of CTCs and DTCs differ")


def test_without_pairs():
    row = DetectionRate(row="a", study="fehm2009", analyte="CTC", k=1, n=10)
    answer = compare(EvidenceTables({}, (row,))).answer
    assert answer[0].startswith("No study in the tables held both cells against outcome")


def test_strata_hold_one_row_of_each_group(result):
    tables = bundled()
    cohort = {row.row: row.cohort for row in tables.effects}
    for stratum in result.strata:
        groups = [cohort[name] for name in stratum.rows]
        assert len(groups) == len(set(groups)) == stratum.k
    wanted = {(s.analyte, s.phase, s.family) for s in result.strata}
    assert {("CTC", "post", "progression"), ("DTC", "post", "progression")} <= wanted


def test_hazard_ratios_are_listed_once(result):
    keys = [(r.label, r.analyte, r.phase, r.endpoint, r.hr) for r in result.ratios]
    assert len(keys) == len(set(keys))


def test_json_and_papers(result):
    payload = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert payload["schema"] == "marrowtrace.evidence.compare/1"
    assert payload["detection"][0]["odds_ratio"] > 0
    assert set(result.papers) <= set(bibliography())
    assert result.table().height == len(result.prognosis)
