from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marrowtrace.study.analysis import Analysis
from marrowtrace.study.marker_comparison import NOISE_PAIRS, compare_markers
from marrowtrace.survival.concordance import uno_concordance
from tests.study.synthetic_panel import YEAR, panel


@pytest.fixture(scope="module")
def study():
    return panel(3000)


@pytest.fixture(scope="module")
def found(study):
    (blood, marrow), *_ = Analysis(study.protocol, study).pairs()
    rng = np.random.default_rng(2)
    return compare_markers(rng, study, blood, marrow, ["relapse", "death"])


def test_discordance_is_that_of_the_counts(study, found):
    x = study.counts["diagnosis", "cellsearch"] > 0
    y = study.counts["diagnosis", "a45-b-b3"] > 0
    table = found["table"]
    assert table["both"] == (x & y).sum()
    assert table["blood_only"] == (x & ~y).sum()
    assert table["marrow_only"] == (~x & y).sum()
    assert table["both"] + table["blood_only"] + table["marrow_only"] + table["neither"] == 3000


def test_one_burden_seen_twice_disagrees_by_sampling_alone(found):
    """Both counts are Poisson of one gamma burden, so noise explains all and p is not small."""
    assert found["noise"]["patients"] == NOISE_PAIRS
    assert found["noise"]["p_value"] > 0.001
    assert found["noise"]["explained_high"] > 0.9
    assert found["noise_remark"] == "from the first 1000 of 3000 pairs"


def test_marrow_tells_more_of_relapse_which_depends_on_it(study, found):
    relapse = found["accuracy"][0]
    time, code = study.follow_up["relapse"]
    own = uno_concordance(
        time, code == 1, risk=study.counts["diagnosis", "a45-b-b3"].astype(float),
        horizon=relapse["concordance"]["horizon_years"] * YEAR,
    )  # fmt: skip
    assert relapse["concordance"]["marrow"]["value"] == pytest.approx(own.value)
    assert relapse["concordance"]["difference"]["low"] > 0
    assert [row["year"] for row in relapse["auc"]] == [2.0, 5.0, 10.0]


def test_neither_tells_of_death(found):
    difference = found["accuracy"][1]["concordance"]["difference"]
    assert difference["low"] < 0 < difference["high"]


def test_no_pairs_and_no_events_say_so(study):
    (blood, marrow), *_ = Analysis(study.protocol, study).pairs()
    rng = np.random.default_rng(2)
    nobody = compare_markers(
        rng, study, blood, marrow, ["relapse"], members=np.zeros(3000, bool)
    )  # fmt: skip
    assert nobody["table"] is None
    assert nobody["noise_remark"] == "no patient has both samples"
    quiet = replace(study, follow_up={"death": (np.full(3000, 9 * YEAR), np.zeros(3000, np.int8))})
    row = compare_markers(rng, quiet, blood, marrow, ["death"], noise=False)["accuracy"][0]
    assert row["concordance"] is None
    assert row["remark"] == "too few events, or follow-up too short"


def test_zero_positives_leave_the_noise_untold(study):
    (blood, marrow), *_ = Analysis(study.protocol, study).pairs()
    none = {key: np.zeros_like(value) for key, value in study.counts.items()}
    verdicts = {key: np.zeros_like(value) for key, value in study.positive.items()}
    clean = replace(study, counts=none, positive=verdicts)
    found = compare_markers(np.random.default_rng(1), clean, blood, marrow, ["relapse"])
    assert found["noise"] is None
    assert "show no cell in any patient" in found["noise_remark"]
    assert found["accuracy"][0]["concordance"] is None
    assert "same" in found["accuracy"][0]["remark"] or found["accuracy"][0]["remark"]
