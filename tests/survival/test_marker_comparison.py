from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import CohortError
from marrowtrace.survival.marker_comparison import _log_hazard_ratio, compare_markers
from tests.goodness_of_fit import assert_family
from tests.survival.known_truth import cohort, draw
from tests.survival.r_data import read, wanted

PAIR = ("DTC_post", "CTC_post")
METRICS = ("log_hazard_ratio", "auc", "brier", "concordance", "net_benefit_at_0.3")


def compare(made, rng=None, *, markers=PAIR, landmark=365, **options):
    rng = rng or np.random.default_rng(1)
    return compare_markers(rng, made, "relapse", markers=markers, landmark=landmark, **options)


def test_difference_of_hazard_ratios_equals_r():
    d = read("gbsg")
    time, code = d["rfstime"].to_numpy(), d["status"].to_numpy()
    parts = []
    for name in ("nodes", "pgr"):
        x = np.log2(1 + d[name].to_numpy())
        parts.append(_log_hazard_ratio(time, code, (x / x.std(ddof=1))[:, None]))
    error = np.sqrt(((parts[0][1] - parts[1][1]) ** 2).sum())
    expected = wanted("gbsg", "difference", "survival_prognosis")
    np.testing.assert_allclose([parts[0][0] - parts[1][0], error], expected, rtol=1e-7)


def test_forms_that_others_rely_on():
    found = compare(cohort(np.random.default_rng(2), 300)).to_json()
    assert found["markers"] == list(PAIR)
    assert found["landmark"] == 365
    assert found["patients"] == found["flow"][-1]["patients"]
    assert {"metric", "estimate", "ci_low", "ci_high", "p"} <= set(found["differences"][0])
    assert {"marker", "metric", "estimate"} <= set(found["metrics"][0])
    first = {r["metric"]: r["estimate"] for r in found["metrics"] if r["marker"] == PAIR[0]}
    second = {r["metric"]: r["estimate"] for r in found["metrics"] if r["marker"] == PAIR[1]}
    for row in found["differences"]:
        name = row["metric"]
        assert row["estimate"] == pytest.approx(first[name] - second[name], abs=1e-12)
        assert row["ci_low"] <= row["estimate"] <= row["ci_high"]
    assert any("no concordance" in note for note in found["notes"])


def covered(level: float, runs: int = 100) -> dict[str, float]:
    """Binomial p-values that intervals of the differences cover what a huge cohort shows."""
    rng = np.random.default_rng(21)
    options = {"thresholds": (0.3,), "horizon": 1461.0, "level": level}
    huge = compare(cohort(rng, 40_000, death=0), rng, **options).differences
    truth = dict(zip(huge["metric"], huge["estimate"], strict=True))
    inside = dict.fromkeys(METRICS, 0)
    for _ in range(runs):
        found = compare(cohort(rng, 300, death=0), rng, **options).differences
        for row in found.iter_rows(named=True):
            inside[row["metric"]] += row["ci_low"] <= truth[row["metric"]] <= row["ci_high"]
    return {m: stats.binomtest(k, runs, 0.95).pvalue for m, k in inside.items()}


def test_intervals_of_differences_cover_the_truth():
    assert_family(covered(0.95))


def test_narrower_intervals_are_caught():
    assert min(covered(0.75, 60).values()) < 1e-3


def test_binary_markers_have_sensitivity():
    made = cohort(np.random.default_rng(3), 400, death=0)
    found = compare(made, markers=["DTC_post:>=1", "DTC_post:>=4", "CTC_post:>=1"])
    metrics = dict(found.metrics.filter(marker="DTC_post:>=1").select("metric", "estimate").rows())
    stricter = dict(found.metrics.filter(marker="DTC_post:>=4").select("metric", "estimate").rows())
    assert metrics["sensitivity"] > stricter["sensitivity"]
    assert metrics["specificity"] < stricter["specificity"]
    # a binary marker's area is the mean of the two
    assert metrics["auc"] == pytest.approx((metrics["sensitivity"] + metrics["specificity"]) / 2)
    assert found.differences.select("first", "second").unique().height == 3
    assert found.table() is found.differences


def test_with_clinical_variables_every_prediction_holds_them():
    made = cohort(np.random.default_rng(4), 400)
    alone = compare(made)
    with_nodes = compare(made, covariates=["nodes", "er"])
    assert with_nodes.clinical == ("nodes", "er=positive")
    assert "sensitivity" not in with_nodes.metrics["metric"].to_list()
    gap = [abs(f.differences.filter(metric="auc")["estimate"][0]) for f in (alone, with_nodes)]
    assert gap[1] < gap[0] + 0.05


def test_patients_without_both_are_left_out():
    made = cohort(np.random.default_rng(5), 200)
    kept = made.samples["sample_id"].to_list()
    counts = made.enumerations.filter(~made.enumerations["sample_id"].is_in(["ctc_post-P000150"]))
    assert len(kept) > counts.height
    from marrowtrace.cohort import Cohort

    fewer = Cohort.from_tables({**made.tables, "enumerations": counts}, index_event="surgery")
    found = compare(fewer)
    assert any("1 patient(s) at risk lack one of the values" in n for n in found.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"markers": ["DTC_post"]}, "a comparison needs two markers or more; only 'DTC_post'"),
        ({"landmark": None}, r"(?s)DTC_post.*immortal time.*with --landmark"),
        ({"markers": ["DTC_post", "CTC_post:>=500"]}, "'CTC_post:>=500' is 0 in all"),
        ({"thresholds": (0.0,)}, r"thresholds 0 must be risks inside \(0, 1\)"),
        ({"horizon": 1e6}, "follow-up ends after"),
        ({"level": 95}, "confidence level 95"),
    ],
)
def test_bad_input(options, message):
    made = cohort(np.random.default_rng(6), 120)
    with pytest.raises(CohortError, match=message):
        compare(made, **options)


def test_nobody_with_an_event_has_all():
    rng = np.random.default_rng(7)
    d = draw(rng, 60)
    from marrowtrace.cohort import Cohort
    from tests.survival.known_truth import cohort_of

    made = cohort_of(d)
    relapsed = made.follow_up.filter(event=1)["patient_id"].implode()
    ctc = made.samples.filter(made.samples["patient_id"].is_in(relapsed), phase="post",
                              site="blood")["sample_id"].implode()  # fmt: skip
    counts = made.enumerations.filter(~made.enumerations["sample_id"].is_in(ctc))
    fewer = Cohort.from_tables({**made.tables, "enumerations": counts}, index_event="surgery")
    with pytest.raises(CohortError, match=r"have all of DTC_post, CTC_post, 0 of them with the"):
        compare(fewer)
