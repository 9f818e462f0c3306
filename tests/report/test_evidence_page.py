"""The evidence page holds the faults, the rates and the comparison."""

from __future__ import annotations

import html as html_text

import pytest

from marrowtrace.evidence.audit import faults
from marrowtrace.evidence.records import DetectionRate
from marrowtrace.evidence.tables import EvidenceTables, bundled
from marrowtrace.report.evidence_page import evidence_page
from tests.report.test_page import parsed


@pytest.fixture(scope="module")
def page():
    return evidence_page(bundled()).html()


def test_all_faults_with_what_the_cited_paper_says(page):
    text = html_text.unescape(page)
    for fault in faults():
        assert fault.printed in text
        assert fault.source_says in text


def test_rates_as_printed_and_corrected(page):
    space = "\N{NO-BREAK SPACE}"
    for rate in ("28.5", "27.7", "25.8", "26.5", "53.0", "62.6", "73.7"):
        assert f"{rate}{space}%" in page


def test_well_formed_with_figures_inside(page):
    reader = parsed(page)
    assert len(reader.fetched) == 2
    assert all(source.startswith("data:image/svg+xml") for source in reader.fetched)
    assert "neither show nor refute" in page


def test_what_one_row_or_missing_studies_could_do(page):
    text = html_text.unescape(page)
    assert "DTC before treatment without each row in turn" in text
    assert "Asymmetry of the funnel: Peters p = " in text
    assert "Trim and fill adds" in text
    assert "fewer than 10: the test has little power" in text


def test_own_rows_are_named():
    own = DetectionRate(row="mine", study="own2026", analyte="DTC", k=30, n=100)
    text = evidence_page(bundled().joined(EvidenceTables({}, (own,)))).html()
    assert "1 of them are your own" in text
