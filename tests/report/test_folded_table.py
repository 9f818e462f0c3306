from __future__ import annotations

import polars as pl

from marrowtrace.report.folded_table import FoldedTable
from marrowtrace.report.page import Table


def test_the_caption_is_what_is_seen_and_the_table_is_within():
    frame = pl.DataFrame({"a": [1], "b": ["<x>"]})
    html = FoldedTable(frame, caption="All & more", footnotes=["note"]).render()
    assert html.startswith("<details><summary>All &amp; more</summary>")
    assert html.endswith("</details>")
    assert Table(frame, footnotes=["note"]).render() in html
