from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.study.analysis import Analysis
from marrowtrace.study.detection import detection_rows, rate
from tests.study.synthetic_panel import panel


def test_rates_and_exact_intervals_are_those_of_the_counts():
    study = panel(600)
    analysis = Analysis(study.protocol, study)
    rows = detection_rows(study, analysis.markers, analysis.groups)
    assert len(rows) == 4 * 3  # four markers; all and two arms
    row = next(r for r in rows if r["assay"] == "a45-b-b3" and r["arm"] == "one")
    mine = study.counts["diagnosis", "a45-b-b3"][(study.patients["arm"] == "one").to_numpy()]
    assert (row["assayed"], row["positive"]) == (mine.size, (mine > 0).sum())
    exact = stats.binomtest(row["positive"], row["assayed"]).proportion_ci(method="exact")
    assert row["low"] == pytest.approx(exact.low)
    assert row["high"] == pytest.approx(exact.high)
    assert row["at_least"]["2"] == pytest.approx((mine >= 2).mean())
    assert row["median_of_carriers"] == np.median(mine[mine > 0])


def test_those_without_a_sample_do_not_count():
    study = panel(600)
    analysis = Analysis(study.protocol, study)
    rows = detection_rows(study, analysis.markers, analysis.groups[:1])
    later = next(r for r in rows if r["visit"] == "12 months")
    assert later["assayed"] == np.isfinite(study.sampled["12 months"]).sum() < 600


def test_nobody_assayed_has_no_rate():
    assert rate(0, 0) == {"assayed": 0, "positive": 0, "rate": None, "low": None, "high": None}
