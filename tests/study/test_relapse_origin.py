from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from marrowtrace.study.relapse_origin import relapse_origin
from tests.study.synthetic_panel import YEAR, panel


@pytest.fixture
def study():
    """Four relapses of known origin among six patients."""
    small = panel(6)
    truth = pl.DataFrame(
        {
            "relapse_origin": [
                "primary",
                "primary",
                "marrow reservoir",
                "recirculated",
                None,
                None,
            ],
            "relapse_site": ["bone", "visceral", "visceral", "bone", None, None],
            "seeded": [-100.0, -50.0, -10.0, 900.0, None, None],
            "awakened": [-100.0 + YEAR, 0.0, 2 * YEAR, 1000.0, None, None],
            "detected": [3 * YEAR, 500.0, 4 * YEAR, 2000.0, None, None],
        }
    )
    code = np.array([1, 1, 1, 1, 0, 2], np.int8)
    return replace(small, truth=truth, follow_up={"distant_relapse": (np.full(6, 10 * YEAR), code)})


def test_origins_routes_and_marrow(study):
    found = relapse_origin(study, surgery=np.zeros(6))
    assert found["relapses"] == 4
    assert found["before_surgery"]["positive"] == 3
    assert found["through_marrow"]["positive"] == 3  # two of bone, one by way of marrow
    assert {row["route"]: row["positive"] for row in found["routes"]} == {
        "direct to marrow": 1, "direct to viscera": 1, "by way of marrow": 1, "recirculated": 1,
    }  # fmt: skip
    assert sum(row["count"] for row in found["site_by_origin"]) == 4


def test_durations_are_medians_in_years(study):
    rows = relapse_origin(study, surgery=np.zeros(6))["durations"]
    primary = [row for row in rows if row["origin"] == "marrow reservoir"]
    years = {row["interval"]: row["median"] for row in primary}
    assert years["awakening to detection"] == pytest.approx(2.0)
    assert years["seeding to detection"] == pytest.approx((4 * YEAR + 10) / YEAR)


def test_only_relapses_seen_within_observation_of_the_members_count(study):
    time, code = study.follow_up["distant_relapse"]
    unseen = replace(study, follow_up={"distant_relapse": (time, np.where(code == 1, 0, code))})
    assert relapse_origin(unseen, surgery=np.zeros(6))["relapses"] == 0
    found = relapse_origin(study, surgery=np.zeros(6), members=np.arange(6) < 2)
    assert (found["patients"], found["relapses"]) == (2, 2)


def test_without_surgery_nothing_is_said_of_before_it(study):
    assert relapse_origin(study, surgery=np.full(6, np.inf))["before_surgery"] is None
