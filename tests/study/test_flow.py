from __future__ import annotations

import numpy as np

from marrowtrace.study.analysis import Analysis
from tests.study.synthetic_panel import YEAR, panel, protocol, tables


def test_nobody_gets_lost_between_the_boxes():
    study = panel(600)
    flow = Analysis(study.protocol, study).flow()
    for row in flow["arms"]:
        assert row["patients"] == sum(row["end"].values()) + row["not_followed"]
        for step in row["visits"]:
            gone = step["relapsed"] + step["died"] + step["left"]
            assert gone + step["there"] == row["patients"]
            assert step["sampled"] <= step["there"]
    later = [row["visits"][1] for row in flow["arms"]]
    assert sum(step["there"] for step in later) == (study.follow_up["relapse"][0] >= YEAR).sum()
    assert {row["reason"] for row in flow["screened"]} == {"enrolled", "metastatic at diagnosis"}


def test_treatments_and_rules_are_counted_in_their_arm():
    arms = tables()["arms"]
    arms[1]["rules"] = [
        {
            "visit": "12 months",
            "assay": "a45-b-b3",
            "threshold": 1,
            "regimen": "docetaxel-secondary",
        }
    ]
    study = panel(600, plan=protocol(arms=arms))
    first, second = Analysis(study.protocol, study).flow()["arms"]
    assert first["rules"] == []
    mine = (study.patients["arm"] == "two").to_numpy()
    positive = (study.counts["12 months", "a45-b-b3"] > 0) & mine
    assert second["rules"][0]["positive"] == positive.sum()
    assert first["treated"]["endocrine-5y"] == int((study.treated["endocrine-5y"] & ~mine).sum())
    assert np.all(study.treated["endocrine-5y"].size == 600)
