"""The pages of the claims."""

from __future__ import annotations

import re

import pytest

from marrowtrace.report.claims_page import claims_page, title_page, write
from marrowtrace.report.claims_table import interval_text

ROW = {
    "id": "C006",
    "section": "Abstract",
    "statement": "Cells <in> marrow & blood",
    "quantity": "",
    "references": "12",
    "kind": "comparison",
    "rests_on": "assays",
    "note": "",
    "verdict": "contradicted",
    "figure": "found this",
    "value": 1.5,
    "interval": [1.0, None],
    "against": "our model",
    "settle": "",
    "perturbation": "it is changed",
    "under_perturbation": "found that",
    "verdict_under_perturbation": "undetermined",
}
OTHER = {**ROW, "id": "C007", "section": "1 Background", "verdict": "built in", "against": ""}
RESULTS = {
    "schema": "marrowtrace.claims/1",
    "quick": True,
    "seed": 1,
    "counts": {
        "reproduced": 0, "contradicted": 1, "undetermined": 0, "built in": 1, "not modelled": 0,
    },
    "claims": [ROW, OTHER],
}  # fmt: skip
CONTEST = {
    "answer": "It depends.",
    "findings": ["One."],
    "tables": [
        {"title": "Amounts", "text": "Text.", "rows": [{"blood": "7.5 mL", "better": "DTC"}],
         "headings": {"blood": "blood", "better": "better"}, "footnotes": []},
    ],
    "methods": ["So."],
    "papers": ["sai2018"],
}  # fmt: skip


def test_page_shows_every_claim_and_escapes_it():
    page = claims_page(RESULTS, linked=True).html()
    assert "Cells &lt;in&gt; marrow &amp; blood" in page
    assert page.count("<article") == 2
    assert "1 contradicted, 1 built in" in page
    assert "Contradicted by our model" in page
    assert "it is changed. Then: undetermined, found that" in page
    assert "title-claim.html" in page
    assert "<script" not in page


@pytest.mark.parametrize("name", ["verdict", "section", "kind"])
def test_each_option_of_a_filter_has_its_rule(name):
    page = claims_page(RESULTS).html()
    options = re.findall(rf"<option value='({name}-\d+)'>", page)
    assert options
    for option in options:
        assert f".claims:has(option[value='{option}']:checked) .claim:not([data-{name}='" in page


def test_filters_are_split_by_what_the_claims_have():
    page = claims_page(RESULTS).html()
    assert "contradicted (1)" in page
    assert "reproduced (" not in page


def test_title_page_has_answer_tables_and_verdict():
    page = title_page(CONTEST, RESULTS).html()
    assert "It depends." in page
    assert "7.5 mL" in page
    assert "Verdict on C006: contradicted" in page


def test_write_makes_the_pages_and_the_record(tmp_path):
    written = write(RESULTS, CONTEST, tmp_path)
    assert [path.name for path in written] == ["claims.html", "claims.json", "title-claim.html"]
    assert all(path.stat().st_size for path in written)
    assert len(write(RESULTS, None, tmp_path)) == 2


def test_interval_text():
    assert interval_text({"value": None, "interval": None}) == ""
    assert interval_text({"value": 2.0, "interval": None}) == "2"
    assert interval_text({"value": 2.0, "interval": [1.5, None]}) == "2 (1.5 to open)"
