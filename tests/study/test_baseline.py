from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.study.analysis import Analysis
from marrowtrace.study.baseline import baseline_rows
from tests.study.synthetic_panel import panel


@pytest.fixture(scope="module")
def rows():
    study = panel(300)
    return baseline_rows(study, Analysis(study.protocol, study).groups), study


def test_numbers_have_medians_and_quartiles_by_arm(rows):
    table, study = rows
    age = next(r for r in table if r["characteristic"].startswith("age"))
    mine = study.patients.filter(study.patients["arm"] == "two")["age"].to_numpy()
    low, median, high = np.quantile(mine, (0.25, 0.5, 0.75))
    assert age["groups"]["two"] == pytest.approx({"median": median, "low": low, "high": high})


def test_levels_are_counted_and_add_up(rows):
    table, study = rows
    er = [r for r in table if r["characteristic"] == "oestrogen receptor"]
    assert sum(r["groups"]["all"]["count"] for r in er) == len(study)
    nodes = next(r for r in table if r["characteristic"] == "lymph nodes positive")
    assert nodes["level"] == "yes"
    assert nodes["groups"]["all"]["count"] == study.patients["node_positive"].sum()


def test_what_is_nowhere_known_or_only_later_known_is_left_out(rows):
    names = {r["characteristic"] for r in rows[0]}
    assert "HER2" not in names
    assert not {"number", "followed to", "arm"} & names
