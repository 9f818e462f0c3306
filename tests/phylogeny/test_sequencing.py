import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.cohort_mutations import mutations_of
from marrowtrace.phylogeny.sequencing import (
    Sequencing,
    cohort_of_cells,
    sequence_bulk,
    sequence_cells,
)

CLEAN = Sequencing(
    coverage=60, spread=0.0, dropout=0.0, imbalance=0.0, read_error=0.0, false_place=0.0
)


def cells(number: int, mutations: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    sites = ("primary",) * (number // 2) + ("bone_marrow",) * (number - number // 2)
    return rng.random((number, mutations)) < 0.4, sites, tuple(f"c{i}" for i in range(number))


def test_without_errors_the_truth_is_read():
    read = sequence_cells(np.random.default_rng(1), *cells(40, 50), plan=CLEAN)
    np.testing.assert_array_equal(read.cells.genotype == 1, read.truth)
    assert not read.doublet.any()


def test_dropout_and_depth_follow_their_laws():
    plan = Sequencing(
        coverage=20, spread=0.0, dropout=0.3, imbalance=0.0, read_error=0.0, false_place=0.0
    )
    truth, sites, names = cells(200, 200)
    read = sequence_cells(np.random.default_rng(2), truth, sites, names, plan=plan).cells
    seen = read.alternative[truth] > 0
    expected = 0.7 * (1 - 0.3 * np.exp(-20) - 0.7 * np.exp(-10))
    pvalue = stats.binomtest(int(seen.sum()), seen.size, expected).pvalue
    assert pvalue > 1e-3
    empty = (read.total == 0).mean()
    assert empty == pytest.approx(0.09, abs=0.005)
    depth = read.total[read.total > 0]
    assert depth.mean() == pytest.approx(20, rel=0.01)
    assert read.alternative[~truth].sum() == 0


def test_doublets_carry_the_mutations_of_two_cells():
    truth, sites, names = cells(100, 60)
    plan = Sequencing(
        doublets=0.4, coverage=60, spread=0.0, dropout=0.0, imbalance=0.0, read_error=0.0,
        false_place=0.0,
    )  # fmt: skip
    read = sequence_cells(np.random.default_rng(3), truth, sites, names, plan=plan)
    assert stats.binomtest(int(read.doublet.sum()), 100, 0.4).pvalue > 1e-3
    more = read.truth.sum(axis=1) - truth.sum(axis=1)
    assert more[read.doublet].min() > 0
    assert more[~read.doublet].max() == 0
    share = read.cells.alternative / np.maximum(read.cells.total, 1)
    alone = read.truth[read.doublet] & ~truth[read.doublet]
    assert share[read.doublet][alone].mean() == pytest.approx(0.25, abs=0.01)


def test_bulk_reads_show_fractions_and_purity():
    truth, sites, _ = cells(400, 30)
    bulk = sequence_bulk(np.random.default_rng(4), truth, sites, coverage=5000, purity=0.6)
    own = truth[np.array(sites) == "primary"].mean(axis=0)
    np.testing.assert_allclose(bulk.alternative[0] / bulk.total[0], 0.3 * own, atol=0.03)
    assert bulk.purity.tolist() == [0.6, 0.6]


def test_cells_become_a_cohort_and_come_back():
    truth, sites, names = cells(20, 10)
    read = sequence_cells(np.random.default_rng(5), truth, sites, names, days=[3.0] * 20).cells
    cohort = cohort_of_cells(read, "P1")
    again = mutations_of(cohort, "P1").cells
    assert again.sites == read.sites
    np.testing.assert_array_equal(again.genotype, read.genotype)
    np.testing.assert_array_equal(again.alternative, read.alternative)
    assert again.times.tolist() == [3.0] * 20


def test_what_cannot_be_sequenced():
    with pytest.raises(CohortError, match="4 problems in the sequencing"):
        Sequencing(coverage=0.0, spread=-1.0, dropout=1.0, doublets=1.5)
    with pytest.raises(CohortError, match="the cells carry no mutation"):
        sequence_cells(
            np.random.default_rng(0), np.zeros((3, 0), bool), ("a",) * 3, ("x", "y", "z")
        )
    with pytest.raises(CohortError, match=r"purity: 1\.5 is out of range"):
        sequence_bulk(np.random.default_rng(0), *cells(4, 3)[:2], purity=1.5)
