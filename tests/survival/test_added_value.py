from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import CohortError
from marrowtrace.survival.added_value import added_value
from tests.goodness_of_fit import assert_family
from tests.survival.known_truth import draw
from tests.survival.r_data import read, wanted


def test_likelihood_ratio_equals_r():
    d = read("gbsg")
    found = added_value(
        np.random.default_rng(1), d["rfstime"], d["status"],
        clinical=d["age", "grade"].to_numpy(), marker=d["nodes"], horizon=1100,
        thresholds=[0.3], replicates=20,
    )  # fmt: skip
    test = found.likelihood_ratio
    expected = wanted("gbsg", "likelihood_ratio", "survival_prognosis")
    np.testing.assert_allclose([test.statistic, test.p], expected, rtol=1e-7)
    assert test.degrees == 1
    assert found.table()["metric"].to_list() == ["auc", "brier", "net_benefit_at_0.3"]
    payload = found.to_json()
    assert payload["replicates"] == 20
    assert payload["changes"][0]["change"] == pytest.approx(
        payload["changes"][0]["with_marker"]
        - payload["changes"][0]["without"]
        - payload["changes"][0]["optimism"]
    )


def runs(marker_of, count):
    """Added value over nodes in samples of 150 patients."""
    rng = np.random.default_rng(11)
    out = []
    for _ in range(count):
        d = draw(rng, 150, death=0)
        out.append(
            added_value(
                rng, d["time"], d["event"], clinical=np.log1p(d["nodes"]),
                marker=marker_of(d, rng), horizon=1500, thresholds=[0.2], replicates=25,
            )
        )  # fmt: skip
    return out


def test_noise_adds_nothing():
    """The apparent change of a marker of noise is above 0; less its optimism it is not."""
    found = runs(lambda d, rng: rng.normal(size=d["time"].size), 40)
    auc = [f.changes.row(0, named=True) for f in found]
    apparent = np.array([row["with_marker"] - row["without"] for row in auc])
    corrected = np.array([row["change"] for row in auc])
    assert stats.ttest_1samp(apparent, 0, alternative="greater").pvalue < 0.05
    excluded = sum(row["low"] > 0 for row in auc)
    ranks = np.array([f.likelihood_ratio.p for f in found])
    assert_family(
        {
            "corrected change": stats.ttest_1samp(corrected, 0, alternative="greater").pvalue,
            "interval above 0": stats.binomtest(
                excluded, len(found), 0.025, alternative="greater"
            ).pvalue,
            "likelihood ratio": stats.kstest(ranks, "uniform").pvalue,
        }
    )


def test_a_real_marker_adds():
    found = runs(lambda d, _: np.log1p(d["dtc_pre"]), 12)
    assert np.mean([f.changes["change"][0] > 0 for f in found]) > 0.8
    assert np.mean([f.likelihood_ratio.p < 0.05 for f in found]) > 0.6


def test_separation_has_no_likelihood_ratio():
    rng = np.random.default_rng(2)
    d = draw(rng, 120)
    marker = (d["event"] == 1) & (rng.random(120) < 0.3)
    found = added_value(
        rng, d["time"], d["event"], clinical=d["age"], marker=~marker & (d["event"] != 1),
        horizon=1500, thresholds=[0.2], replicates=20,
    )  # fmt: skip
    assert np.isnan(found.likelihood_ratio.p)
    assert found.with_marker.penalised
    assert found.to_json()["likelihood_ratio"]["p"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clinical": np.empty((60, 0))}, "added value needs clinical variables"),
        ({"replicates": 5}, "5 bootstrap samples are too few"),
        ({"thresholds": [1.0]}, r"thresholds must be risks inside \(0, 1\)"),
        ({"thresholds": []}, r"thresholds must be risks inside \(0, 1\)"),
    ],
)
def test_bad_input(change, message):
    rng = np.random.default_rng(3)
    good = {
        "time": np.arange(1.0, 61), "event": np.arange(60) % 2, "clinical": rng.normal(size=60),
        "marker": rng.normal(size=(60, 1)), "horizon": 30.0, "thresholds": [0.2],
        "replicates": 20,
    }  # fmt: skip
    with pytest.raises(CohortError, match=message):
        added_value(rng, **{**good, **change})


def test_too_many_failed_samples():
    """Only patient 0 has the marker, so two samples in three hold a constant or a doubled one."""
    rng = np.random.default_rng(3)
    with pytest.raises(CohortError, match=r"in \d+ of 40 bootstrap samples no model could be"):
        added_value(
            rng, [5.0, 6, 7], [1, 1, 0], clinical=[1.0, 2, 4], marker=[1.0, 0, 0], horizon=5.5,
            thresholds=[0.2], replicates=40,
        )  # fmt: skip
