"""Virtual trials: the place of a printed p-value."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.claims.checks.table2 import ENTRIES
from marrowtrace.claims.trials import ORACLE, SWAPPED, Cell, Trial, _tail, hold
from tests.claims.small_world import WORLD
from tests.goodness_of_fit import assert_family

TRIAL = Trial(model="early-breast", assay="cellsearch", threshold=1, days=(0.0,), years=10.0)
CELL = Cell(row="t2-14-dfs-pre", visit=0, endpoint="disease_free")


@pytest.mark.parametrize(
    ("printed", "expected"), [("ns", 0.95), ("<0.05", 0.05), ("0.01", 0.02), ("0.5", 1.0)]
)
def test_tail_of_uniform_p_values(printed, expected):
    p = (np.arange(10_000) + 0.5) / 10_000
    assert _tail(p, printed) == pytest.approx(expected, abs=1e-3)


def test_swapped_samples_have_power_of_the_level():
    from scipy.stats import binomtest

    held = hold(WORLD, TRIAL, CELL, SWAPPED)
    below = int((held.p < 0.05).sum())
    assert_family({"level": binomtest(below, held.p.size, 0.05).pvalue})


def test_an_oracle_is_always_significant():
    assert hold(WORLD, TRIAL, CELL, ORACLE).power == 1.0


def test_size_is_the_corrected_one():
    cell = Cell(row="t2-06-os-post", visit=0, endpoint="death")
    held = hold(WORLD, TRIAL, cell)
    assert held.patients == 162
    assert held.printed == "<0.001"
    assert "n = 162" in held.words()


def test_every_p_value_of_the_table_is_played_or_explained():
    """Left out: progression, which the model lacks, and the samples at surgery (C112)."""
    from marrowtrace.evidence.tables import bundled

    rows = {
        row["row"] for row in bundled().effect_table().to_dicts() if row["row"].startswith("t2-")
    }
    played = {cell.row for entry in ENTRIES for cell in entry.cells}
    assert played <= rows
    left = rows - played
    assert left == {
        "t2-01-dfs-pre", "t2-01-dfs-post",
        "t2-08-os-pre", "t2-09-os-pre", "t2-12-dfs-pre", "t2-13-dfs-pre",
    }  # fmt: skip
