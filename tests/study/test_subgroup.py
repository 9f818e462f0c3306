from __future__ import annotations

import numpy as np
import pytest

from marrowtrace.study.published import Marker, Subgroup
from marrowtrace.study.subgroup import members
from tests.study.synthetic_panel import YEAR, panel


@pytest.fixture(scope="module")
def study():
    return panel(500)


@pytest.mark.parametrize(
    ("subgroup", "expected"),
    [
        (Subgroup(), lambda p: np.ones(500, bool)),
        (Subgroup(er="positive"), lambda p: (p.patients["er"] == "positive").to_numpy()),
        (Subgroup(her2="positive"), lambda p: np.zeros(500, bool)),  # her2 is not known here
        (Subgroup(node_positive=True), lambda p: p.patients["node_positive"].to_numpy()),
        (
            Subgroup(diameter_above=20, diameter_to=50),
            lambda p: ((p.patients["tumour_diameter"] > 20)
                       & (p.patients["tumour_diameter"] <= 50)).to_numpy(),
        ),
        (
            Subgroup(age_from=50, age_below=60),
            lambda p: ((p.patients["age"] >= 50) & (p.patients["age"] < 60)).to_numpy(),
        ),
        (Subgroup(arms=("two",)), lambda p: (p.patients["arm"] == "two").to_numpy()),
        (
            Subgroup(marker=Marker("diagnosis", "a45-b-b3", 2)),
            lambda p: p.counts["diagnosis", "a45-b-b3"] >= 2,
        ),
        (
            Subgroup(marker=Marker("12 months", "a45-b-b3"), marker_positive=False),
            lambda p: p.counts["12 months", "a45-b-b3"] == 0,
        ),
        (
            Subgroup(event_free_at=3 * YEAR),
            lambda p: p.follow_up["disease_free"][0] > 3 * YEAR,
        ),
    ],
)  # fmt: skip
def test_members(study, subgroup, expected):
    np.testing.assert_array_equal(members(study, subgroup), expected(study))
