from __future__ import annotations

from marrowtrace.report.remark import remark_table
from tests.report.prognoses import made, whole


def test_remark_has_twenty_items():
    table = remark_table(whole(), made())
    assert table["item"].to_list() == list(range(1, 21))
    assert set(table["state"]) == {"answered", "in part", "for the authors"}
    assert "er: positive" in table["answer"][1]
    assert "DTC by ICC, median 2e+06 nucleated_cells examined" in table["answer"][4]
