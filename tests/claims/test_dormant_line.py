"""Changes of genes in the bundled dormant line."""

from __future__ import annotations

import math

from marrowtrace.claims.dormant_line import change_in_dormant_cells


def test_dormant_cells_divide_less():
    change = change_in_dormant_cells(("Mki67", "Cdkn1b"))
    assert change["Mki67"] < 0.0 < change["Cdkn1b"]


def test_a_gene_that_the_table_lacks_is_left_out():
    assert list(change_in_dormant_cells(("Gnai3", "NotAGene"))) == ["Gnai3"]


def test_change_is_that_of_counts_per_million(monkeypatch):
    """One gene of two doubles its share, in libraries of different depth."""
    import numpy as np

    from marrowtrace.claims import dormant_line

    counts = np.array([[4e5, 2e6, 1e5, 1e6], [6e5, 3e6, 4e5, 4e6]])
    types = ("dormant", "dormant", "control", "control")
    monkeypatch.setattr(dormant_line, "_table", lambda: ({"One": 0, "Two": 1}, counts, types))
    change = change_in_dormant_cells(("One", "Two"))
    assert math.isclose(change["One"], 1.0, abs_tol=1e-4)
    assert math.isclose(change["Two"], math.log2(0.75), abs_tol=1e-4)
