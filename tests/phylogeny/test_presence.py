"""Calls by site: exact tails, power by simulation, coverage, clonality."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from marrowtrace.errors import ParameterError
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.presence import CallRule, call
from marrowtrace.phylogeny.sample_mutations import SampleMutations
from tests.goodness_of_fit import assert_family


def bulk(alternative: list[list[int]], total: list[list[int]], **more: object) -> SampleMutations:
    rows, columns = np.shape(total)
    return SampleMutations(
        tuple(f"s{i}" for i in range(rows)),
        tuple("pmlx"[i] for i in range(rows)),
        tuple(f"m{j}" for j in range(columns)),
        alternative=np.array(alternative),
        total=np.array(total),
        **more,  # type: ignore[arg-type]
    )


def test_a_call_needs_a_tail_below_the_rule():
    rule = CallRule(read_error=0.01, false_call=0.001, least_vaf=0.0)
    total = [[20, 100, 1000]]
    least = [int(stats.binom.isf(0.001, n, 0.01)) + 1 for n in total[0]]
    for shift, state in ((0, 1), (-1, 0)):
        found = call(bulk([[k + shift for k in least], [1, 1, 1]], total * 2), rule)
        assert (found.state[0] == 1).all() == bool(state)


def test_power_is_the_binomial_tail():
    rule = CallRule(read_error=0.01, false_call=0.001, least_vaf=0.0, least_ccf=0.2)
    found = call(bulk([[0, 0], [5, 5]], [[100, 10], [50, 50]]), rule)
    needed = stats.binom.isf(0.001, [100, 10], 0.01) + 1
    assert found.power[0] == pytest.approx(stats.binom.sf(needed - 1, [100, 10], 0.1))
    assert found.state[0].tolist() == [0, -1]


def test_depth_0_is_unknown():
    found = call(bulk([[0, 9], [9, 9]], [[0, 90], [90, 90]]))
    assert found.state[0, 0] == -1
    assert found.power[0, 0] == 0
    assert found.table()["share"][0] is None


def test_purity_lowers_the_power():
    pure = call(bulk([[0], [9]], [[80], [90]], purity=np.array([1.0, 1.0])))
    mixed = call(bulk([[0], [9]], [[80], [90]], purity=np.array([0.3, 1.0])))
    assert mixed.power[0, 0] < pure.power[0, 0]


def test_clonality_from_fractions_and_purity():
    ccf = call(
        bulk([[40, 40], [9, 0]], [[90, 90], [90, 90]], ccf=np.array([[0.9, 0.3], [0.9, 0.0]]))
    )
    assert ccf.clonal.tolist() == [[1, 0], [1, -1]]
    reads = call(
        bulk([[45, 10], [45, 0]], [[100, 100], [100, 100]], purity=np.array([0.9, np.nan]))
    )
    assert reads.clonal.tolist() == [[1, 0], [-1, -1]]


def test_fractions_without_reads():
    data = SampleMutations(
        ("a", "b"), ("p", "m"), ("x", "y"), ccf=np.array([[0.9, 0], [np.nan, 1]])
    )
    assert call(data).state.tolist() == [[1, 0], [-1, 1]]


def test_samples_of_a_site_are_joined():
    data = SampleMutations(
        ("a", "b", "c"), ("p", "p", "m"), ("x",),
        alternative=np.array([[0], [30], [0]]), total=np.array([[60], [60], [60]]),
    )  # fmt: skip
    assert call(data).state.tolist() == [[1], [0]]


def test_cells_are_called_as_often_as_the_power_says():
    rule = CallRule(false_positive=0.02, dropout=0.3, least_ccf=0.25, false_call=0.01)
    rng = np.random.default_rng(3)
    sites, reps = 12, 4000
    true = rng.random((sites, reps)) < 0.25
    seen = rng.random((sites, reps)) < np.where(true, 0.7, 0.02)
    genotype = np.vstack([seen, seen]).astype(np.int8)
    cells = CellMutations(
        tuple(f"c{i}" for i in range(2 * sites)), ("a",) * sites + ("b",) * sites,
        tuple(f"m{j}" for j in range(reps)), genotype,
    )  # fmt: skip
    found = call(cells, rule)
    hits = int(found.present[0].sum())
    power = float(found.power[0, 0])
    assert_family({"power": stats.binomtest(hits, reps, power).pvalue})
    assert stats.binomtest(hits, reps, 0.9 * power).pvalue < 1e-3, "the check has power"


@pytest.mark.parametrize("bad", [{"dropout": 1.0}, {"read_error": 0.0}, {"clonal_ccf": 1.5}])
def test_rules_out_of_range(bad: dict[str, float]):
    with pytest.raises(
        ParameterError, match=f"1 problem in the rule of the calls:\n  {next(iter(bad))}"
    ):
        CallRule(**bad)
