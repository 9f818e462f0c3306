import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError
from marrowtrace.expression.differential import compare_pairs, compare_types, pool_comparisons
from marrowtrace.expression.reading import read_expression
from marrowtrace.expression.review import against, hold_against_review
from marrowtrace.expression.scores import rank_correlation
from tests.expression.made_expression import made

REFERENCE = Path(__file__).parents[1] / "reference"
RM1 = Path(__file__).parents[2] / "src/marrowtrace/datasets/rm1"
UP = ("MKI67", "TOP2A", "VIM", "FN1", "SPP1", "KRT8")


@pytest.fixture(scope="module")
def rm1():
    """Dormant against control, on every tenth gene and those the review speaks of."""
    edger = pl.read_csv(REFERENCE / "expression_edger.csv")
    whole = read_expression(RM1 / "counts.tsv.gz")
    symbols = {s.upper() for s in edger["symbol"][::2]}
    symbols |= {"MKI67", "TGFB2", "B2M", "HLA-A", "SPP1", "PRDM16", "CDKN1B"}
    index = [i for i, gene in enumerate(whole.genes) if gene in symbols]
    part = replace(
        whole, values=whole.values[:6, index], samples=whole.samples[:6],
        genes=tuple(whole.genes[i] for i in index),
    )  # fmt: skip
    types = ["dormant"] * 3 + ["control"] * 3
    return compare_types(part, types, "control", "dormant", study="RM1"), edger


def test_log_fold_changes_are_those_of_edger(rm1):
    found, edger = rm1
    both = found.table.join(
        edger.with_columns(pl.col("symbol").str.to_uppercase().alias("gene")), on="gene"
    ).filter(pl.col("symbol").is_unique())
    assert both.height > 1500
    rho = rank_correlation(both["effect"].to_numpy(), both["logFC"].to_numpy())
    assert rho > 0.99
    shuffled = np.random.default_rng(1).permutation(both["logFC"].to_numpy())
    assert abs(rank_correlation(both["effect"].to_numpy(), shuffled)) < 0.1


def test_rm1_goes_against_the_review_where_it_does(rm1):
    found, _ = rm1
    statements = hold_against_review(found)
    contrary = {s.gene for s in against(statements)}
    assert {"TGFB2", "B2M", "HLA-A"} <= contrary
    agrees = {s.gene for s in statements if s.verdict == "agrees"}
    assert {"MKI67", "SPP1"} <= agrees
    assert statements[0].comparison == "dormant against control in RM1"
    assert any("shift of the whole transcriptome" in note for note in found.notes)
    assert any("libraries are all smaller" in note for note in found.notes)


def test_nothing_is_held_against_other_types():
    found = compare_types(made(10), ["a"] * 5 + ["b"] * 5, "a", "b", study="s")
    assert hold_against_review(found) == []


def test_moderated_t_finds_what_was_raised():
    expression = made(20, raised=UP, rows=slice(10, 20), by=12.0)
    found = compare_types(expression, ["a"] * 10 + ["b"] * 10, "a", "b", study="s")
    assert set(found.table["gene"][:6]) == set(UP)
    assert found.method == "moderated t"
    assert found.effect("MKI67")[0] == pytest.approx(12.0, abs=4.0)


def test_permuted_labels_give_no_genes():
    expression = made(24, raised=UP, rows=slice(12, 24), by=6.0)
    rng = np.random.default_rng(9)
    labels = np.array((["a", "b"] * 6) + (["a", "b"] * 6))  # balanced over the raised half
    counts = []
    for _ in range(4):
        mixed = np.concatenate([rng.permutation(labels[:12]), rng.permutation(labels[12:])])
        counts.append(compare_types(expression, mixed.tolist(), "a", "b", study="s").significant)
    assert sum(counts) == 0


def test_cells_of_a_patient_are_one_unit():
    expression = made(24, raised=UP, rows=slice(12, 24), by=6.0)
    owner = [f"p{i // 4}" for i in range(24)]
    found = compare_types(expression, ["a"] * 12 + ["b"] * 12, "a", "b", study="s", patient=owner)
    assert found.units == (3, 3)
    assert "24 samples were brought together into 6 units" in found.notes[0]


def test_patients_with_both_types_are_compared_with_themselves():
    expression = made(16, raised=UP, rows=slice(8, 16), by=6.0)
    owner = [f"p{i % 8}" for i in range(16)]
    found = compare_types(expression, ["a"] * 8 + ["b"] * 8, "a", "b", study="s", patient=owner)
    assert found.paired
    assert found.units == (8, 8)


def test_faults():
    with pytest.raises(CohortError, match="'b' has 1 patient"):
        compare_types(made(6), ["a"] * 5 + ["b"], "a", "b", study="s")
    types = ["a"] * 4 + ["b"] * 4
    with pytest.raises(CohortError, match="the design is singular"):
        compare_types(made(8), types, "a", "b", study="s", batch=types)
    with pytest.raises(CohortError, match="the design is singular"):
        compare_types(made(8, log=False), types, "a", "b", study="s", batch=types)


def test_one_fit_serves_several_pairs():
    expression = made(9, log=False)
    keep = list(range(120))
    small = replace(expression, values=expression.values[:, keep], genes=expression.genes[:120])
    types = ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    ab, ac, bc = compare_pairs(small, types, [("a", "b"), ("a", "c"), ("b", "c")], study="s")
    joined = ab.table.join(ac.table, on="gene", suffix="_ac").join(
        bc.table, on="gene", suffix="_bc"
    )
    np.testing.assert_allclose(
        joined["effect_ac"] - joined["effect"], joined["effect_bc"], atol=1e-6
    )


def test_pooled_over_studies():
    types = ["a"] * 10 + ["b"] * 10
    several = [
        compare_types(made(20, seed=k, raised=UP, rows=slice(10, 20), by=6.0), types, "a", "b",
                      study=f"s{k}")
        for k in range(4)
    ]  # fmt: skip
    pooled = pool_comparisons(several, [*UP, "G1", "absent"])
    assert set(pooled["gene"][:6]) == set(UP)
    assert pooled["studies"].to_list() == [4] * 7
    assert pool_comparisons(several[:1], UP).height == 0


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare_types(made(8, log=False), ["a", "b"] * 4, "a", "b", study="s")
