from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import CohortError
from marrowtrace.survival.cut_points import bonferroni_p, cut_point, limit_p
from tests.survival.r_data import read, reference


@pytest.mark.parametrize("row", range(3))
def test_statistic_and_corrections_equal_maxstat(row):
    wanted = reference("survival_cut_points").row(row, named=True)
    d = read("gbsg")
    least = 0.2 if wanted["set"] == "er" else 0.1
    found = cut_point(
        np.random.default_rng(1), d["rfstime"].to_numpy() + d["pid"].to_numpy() / 10000,
        d["status"], marker=d[wanted["set"]], smallest=least, permutations=99, folds=2,
    )  # fmt: skip
    assert found.cut == wanted["cut"]
    assert found.curve.height == wanted["candidates"]
    assert found.statistic == pytest.approx(wanted["statistic"], rel=1e-10)
    assert found.p_limit == pytest.approx(wanted["p92"], rel=1e-9)
    # R takes the difference of two normal probabilities near 1
    assert found.p_bonferroni == pytest.approx(wanted["p94"], rel=1e-9, abs=1e-15)


def null_family(marker_effect=0.0):
    rng = np.random.default_rng(20)
    out = []
    for _ in range(200):
        marker = rng.random(100)
        time, gone = (
            rng.exponential(np.exp(-marker_effect * (marker > 0.6))),
            rng.exponential(2, 100),
        )
        out.append(
            cut_point(
                rng, np.minimum(time, gone), time <= gone, marker=marker, permutations=199, folds=2
            )
        )
    return out


def test_corrected_p_holds_its_level_and_the_naive_one_does_not():
    """200 samples without an effect: 5 % of corrected p-values below 0.05, many more naive ones."""
    found = null_family()
    below = {
        name: sum(getattr(f, name) <= 0.05 for f in found)
        for name in ("p_naive", "p_limit", "p_bonferroni", "p_permutation")
    }
    for name in ("p_limit", "p_bonferroni", "p_permutation"):
        assert stats.binomtest(below[name], 200, 0.05, alternative="greater").pvalue > 1e-3
    assert stats.binomtest(below["p_naive"], 200, 0.05, alternative="greater").pvalue < 1e-12
    ranks = np.array([round(f.p_permutation * 200) for f in found])
    assert stats.chisquare(np.histogram(ranks, np.arange(0, 201, 25) + 0.5)[0]).pvalue > 1e-3
    naive = np.array([abs(f.naive.coefficients[0]) for f in found])
    honest = np.array([f.validated.coefficients[0] for f in found])
    assert naive.mean() > 0.4
    assert abs(honest.mean()) < 0.1


def test_a_real_cut_point_is_found():
    found = null_family(marker_effect=1.5)[:40]
    assert np.median([f.cut for f in found]) == pytest.approx(0.6, abs=0.05)
    assert np.mean([f.p_permutation < 0.05 for f in found]) > 0.9


def test_corrections_by_hand():
    assert limit_p(0.5, 0.1) == 1
    assert bonferroni_p(2.5, 100, [50]) == pytest.approx(2 * stats.norm.sf(2.5))
    b = 3.0
    wanted = stats.norm.pdf(b) * (4 / b + (b - 1 / b) * np.log(81))
    assert limit_p(b, 0.1) == pytest.approx(wanted)


def test_table_and_json():
    d = read("gbsg")
    rng = np.random.default_rng(1)
    found = cut_point(rng, d["rfstime"], d["status"], marker=d["nodes"], permutations=9, folds=5)
    assert found.table()["estimate"].to_list() == ["naive", "cross-validated"]
    assert found.to_json()["p_permutation"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smallest": 0.5}, r"the smallest share is 0.5; allowed: inside \(0, 0.5\)"),
        ({"folds": 1}, "1 folds cannot be made of 20 patients"),
        ({"permutations": 0}, "0 permutations say nothing"),
        ({"marker": [0] * 19 + [1]}, "no cut-point leaves at least 10% of the patients on both"),
        ({"marker": [1] * 20}, "marker: is 1 for every patient"),
    ],
)
def test_bad_input(change, message):
    good = {"time": range(1, 21), "event": [1] * 20, "marker": range(20)}
    with pytest.raises(CohortError, match=message):
        cut_point(np.random.default_rng(1), **{**good, **change})
