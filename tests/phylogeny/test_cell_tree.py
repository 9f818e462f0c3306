import numpy as np
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.phylogeny.cell_likelihood import ErrorRates, log_odds, log_without
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cell_tree import (
    CellTree,
    clades_of,
    estimate_errors,
    infer_cell_tree,
)
from tests.goodness_of_fit import assert_family, chi2_pvalue
from tests.phylogeny.random_trees import all_trees, observed

RATES = ErrorRates(false_positive=0.02, false_negative=0.2)


def gain(parent: np.ndarray, weight: np.ndarray) -> float:
    sums = clades_of(parent, weight.shape[0]) @ weight
    return float(np.maximum(0.0, sums.max(axis=0)).sum())


def noisy(cells: int, mutations: int, seed: int) -> CellMutations:
    rng = np.random.default_rng(seed)
    return observed(cells, mutations, rng, false_positive=0.05, false_negative=0.3, missing=0.1)[0]


def test_number_of_trees():
    assert [len(all_trees(n)) for n in (2, 3, 4, 5)] == [1, 3, 15, 105]


@pytest.mark.parametrize("seed", range(12))
def test_no_tree_is_more_likely_than_the_one_found(seed):
    cells = noisy(6, 9, seed)
    tree = infer_cell_tree(cells, np.random.default_rng(0), errors=RATES)
    weight = log_odds(cells, RATES)
    best = max(gain(parent, weight) for parent in all_trees(6))
    assert tree.log_likelihood == pytest.approx(log_without(cells, RATES) + best, abs=1e-9)


def test_likelihood_is_that_of_the_implied_genotypes():
    cells = noisy(30, 25, 3)
    tree = infer_cell_tree(cells, np.random.default_rng(0), errors=RATES)
    carried, called, known = tree.genotype, cells.present, cells.known
    probability = np.where(
        carried,
        np.where(called, 1 - RATES.false_negative, RATES.false_negative),
        np.where(called, RATES.false_positive, 1 - RATES.false_positive),
    )
    assert tree.log_likelihood == pytest.approx(np.log(probability[known]).sum(), abs=1e-9)


def drawn(cells: CellMutations, errors: ErrorRates, samples: int) -> np.ndarray:
    """Number of each sampled tree of five cells."""
    tree = infer_cell_tree(
        cells, np.random.default_rng(7), errors=errors, samples=samples, thinning=2
    )
    place = {
        frozenset(row.tobytes() for row in clades_of(parent, 5)): i
        for i, parent in enumerate(all_trees(5))
    }
    return np.array(
        [place[frozenset(row.tobytes() for row in clades_of(p, 5))] for p in tree.samples]
    )


def posterior(cells: CellMutations, errors: ErrorRates) -> np.ndarray:
    gains = np.array([gain(parent, log_odds(cells, errors)) for parent in all_trees(5)])
    odds = np.exp(gains - gains.max())
    return odds / odds.sum()


def test_sampled_trees_follow_the_likelihood():
    flat = ErrorRates(false_positive=0.25, false_negative=0.45)
    cells = noisy(5, 6, 2)
    trees = drawn(cells, flat, 4000)
    assert_family({"trees": chi2_pvalue(trees, posterior(cells, flat))})
    steeper = posterior(cells, ErrorRates(false_positive=0.2, false_negative=0.4))
    assert chi2_pvalue(trees, steeper) < 1e-6


def test_clean_cells_give_back_their_genotypes():
    rng = np.random.default_rng(5)
    cells, truth, _ = observed(60, 40, rng, false_positive=0.0, false_negative=0.0)
    tree = infer_cell_tree(cells, rng)
    np.testing.assert_array_equal(tree.genotype, truth)
    assert 1e-6 < tree.errors.false_positive < 1e-3


def test_genotypes_of_a_hundred_cells_and_the_error_rates():
    rng = np.random.default_rng(11)
    cells, truth, parent = observed(
        100, 200, rng, false_positive=0.01, false_negative=0.1, missing=0.05
    )
    tree = infer_cell_tree(cells, rng, samples=20)
    assert (tree.genotype == truth).mean() > 0.9925
    assert tree.errors.false_positive == pytest.approx(0.01, abs=0.003)
    assert tree.errors.false_negative == pytest.approx(0.1, abs=0.02)
    weight = log_odds(cells, tree.errors)
    assert tree.log_likelihood >= log_without(cells, tree.errors) + gain(parent, weight)
    clades, true = tree.clades, {row.tobytes() for row in clades_of(parent, 100)}
    right = np.array([row.tobytes() in true for row in clades])
    inner = np.arange(clades.shape[0]) >= 100
    assert right[inner & (tree.support > 0.9)].mean() > 0.8
    assert right[inner & (tree.support < 0.5)].mean() < 0.5


def test_estimated_rates_count_calls():
    cells = CellMutations(("a", "b", "c", "d"), ("x",) * 4, ("m",), np.array([[1], [0], [1], [-1]]))
    truth = np.array([[True], [True], [False], [True]])
    rates = estimate_errors(cells, truth, ErrorRates(false_positive=0.01, false_negative=0.2))
    assert rates.false_negative == pytest.approx((1 + 2 * 0.2) / (2 + 2))
    assert rates.false_positive == pytest.approx((1 + 2 * 0.01) / (1 + 2))


def test_reads_speak_louder_than_calls():
    total = np.array([[40, 40, 1, 0]])
    alternative = np.array([[18, 0, 0, 0]])
    cells = CellMutations(
        ("a", "b"), ("x", "y"), ("m1", "m2", "m3", "m4"),
        np.array([[1, 0, 0, -1]] * 2), np.repeat(total, 2, 0), np.repeat(alternative, 2, 0),
    )  # fmt: skip
    odds = log_odds(cells, ErrorRates())[0]
    assert odds[0] > 3.0
    assert odds[1] < -1.0
    assert -1.0 < odds[2] < 0.0
    assert odds[3] == 0.0
    assert np.isfinite(log_without(cells, ErrorRates()))


def test_probabilities_of_reads_add_up():
    """Over every number of mutated reads, both hypotheses give a distribution."""
    depth = 12
    reads = np.arange(depth + 1).reshape(-1, 1)
    errors = ErrorRates(false_positive=0.03, false_negative=0.25)
    one = np.array([log_without(cells_of(reads[i, 0], depth), errors) / 2 for i in range(13)])
    odds = np.array([log_odds(cells_of(reads[i, 0], depth), errors)[0, 0] for i in range(13)])
    assert np.exp(one).sum() == pytest.approx(1.0)
    assert np.exp(one + odds).sum() == pytest.approx(1.0)


def cells_of(alternative: int, depth: int) -> CellMutations:
    return CellMutations(
        ("a", "b"), ("x", "y"), ("m",), np.ones((2, 1)),
        np.full((2, 1), depth), np.full((2, 1), alternative),
    )  # fmt: skip


def test_two_cells_newick_and_table():
    cells = CellMutations(
        ("cell 1", "b"), ("primary", "bone_marrow"), ("m1", "m2", "m3"),
        np.array([[1, 1, 0], [1, 0, 0]]),
    )  # fmt: skip
    tree = infer_cell_tree(cells, np.random.default_rng(0), errors=ErrorRates(), samples=3)
    assert isinstance(tree, CellTree)
    assert tree.newick() in {"('cell 1':1,b:0):1;", "(b:0,'cell 1':1):1;"}
    assert tree.placed.tolist() == [2, 0, -1]
    table = tree.table()
    assert table["cells"].to_list() == [2, 1]
    assert table["sites"].to_list() == ["bone_marrow, primary", "primary"]
    assert tree.to_json()["not_carried"] == ["m3"]


def test_same_seed_same_tree():
    cells = noisy(40, 30, 8)
    one, other = (infer_cell_tree(cells, np.random.default_rng(4), samples=5) for _ in range(2))
    np.testing.assert_array_equal(one.parent, other.parent)
    np.testing.assert_array_equal(one.samples, other.samples)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({"false_positive": 0.0}, "false_positive: 0.0 is outside its range; give above 0"),
        ({"false_negative": 1.0}, "false_negative: 1.0 is outside"),
        ({"overdispersion": 1.0}, "give from 0 to below 1"),
        ({"false_positive": 0.45, "false_negative": 0.6}, "would speak against the mutation"),
    ],
)
def test_rates_out_of_range(rates, message):
    with pytest.raises(CohortError, match=message):
        ErrorRates(**rates)


@pytest.mark.parametrize("name", ["restarts", "samples", "thinning"])
def test_counts_out_of_range(name):
    with pytest.raises(CohortError, match=f"{name}: -1 is out of range"):
        infer_cell_tree(noisy(4, 3, 0), np.random.default_rng(0), **{name: -1})
