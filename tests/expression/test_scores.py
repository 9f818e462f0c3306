from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from marrowtrace.expression.programs import Program, program
from marrowtrace.expression.scores import (
    BINS,
    area_under_curve,
    rank_correlation,
    score_programs,
)
from tests.expression.made_expression import GENES, made

EPITHELIAL = program("epithelial").genes


def drawn(expression, each: Program, sets: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd over drawn random sets that match the bins of a program."""
    x = expression.values
    z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    rank = np.argsort(np.argsort(x.mean(axis=0), kind="stable"), kind="stable")
    bins = rank * BINS // len(rank)
    place = {gene: i for i, gene in enumerate(expression.genes)}
    scores = np.zeros((sets, x.shape[0]))
    for b in range(BINS):
        signs = [s for genes, s in ((each.up, 1), (each.down, -1))
                 for g in genes if bins[place[g]] == b]  # fmt: skip
        pool = np.flatnonzero(bins == b)
        for k in range(sets if signs else 0):
            scores[k] += z[:, rng.choice(pool, len(signs), replace=False)] @ np.array(signs)
    scores /= len(each.genes)
    return scores.mean(axis=0), scores.std(axis=0, ddof=1)


def test_matched_score_is_that_of_drawn_random_sets():
    """The closed form agrees with 4,000 sets, for a signed program."""
    expression = made(40)
    each = program("dormancy_core")
    found = score_programs(expression, (each,))
    mean, sd = drawn(expression, each, 4000, np.random.default_rng(5))
    by_drawing = (found.raw[:, 0] - mean) / sd
    np.testing.assert_allclose(found.matched[:, 0], by_drawing, atol=0.15, rtol=0.08)


def test_a_wrong_variance_would_be_caught():
    """Taking genes with replacement and without signs is off by more than the test allows."""
    expression = made(40)
    each = program("dormancy_core")
    found = score_programs(expression, (each,))
    mean, sd = drawn(expression, each, 1000, np.random.default_rng(5))
    assert np.abs(found.matched[:, 0] - 1.3 * (found.raw[:, 0] - mean) / sd).max() > 0.2


def test_raised_program_stands_out():
    found = score_programs(made(40, raised=EPITHELIAL, rows=slice(0, 10)))
    score = found.of("epithelial")
    assert area_under_curve(score, np.arange(40) < 10) == 1.0
    assert abs(float(np.median(found.of("upr")))) < 1.0


def test_sparse_equals_dense():
    dense = made(30)
    sparse = replace(dense, values=sp.csr_array(dense.values))
    a, b = score_programs(dense), score_programs(sparse)
    np.testing.assert_allclose(a.matched, b.matched, atol=1e-5)
    np.testing.assert_allclose(a.raw, b.raw, atol=1e-6)


def test_slope_on_depth_is_taken_out():
    expression = made(60)
    values = expression.values.copy()
    rng = np.random.default_rng(8)
    share = np.linspace(0.3, 1.0, 60)
    place = [GENES.index(g) for g in EPITHELIAL]
    values *= rng.uniform(size=values.shape) < share[:, None]
    values[:, place] += 3 * share[:, None]
    found = score_programs(replace(expression, values=values))
    raw = rank_correlation(found.of("epithelial"), found.depth)
    assert raw > 0.5
    depth = found.depth
    corrected = found.of("epithelial", "corrected")
    assert np.corrcoef(corrected, depth)[0, 1] == pytest.approx(0.0, abs=1e-9)


def test_partial_score_loses_what_emt_explains():
    shared = tuple(g for g in program("mesenchymal").up if g in program("osteomimicry").up)
    assert "SPARC" in shared
    found = score_programs(made(60, raised=program("mesenchymal").up, rows=slice(0, 20), by=12.0))
    inside = np.arange(60) < 20
    assert area_under_curve(found.of("osteomimicry", "raw"), inside) > 0.68
    assert abs(area_under_curve(found.partial["osteomimicry"], inside) - 0.5) < 0.25


def test_programs_without_genes_are_not_scored():
    expression = made(10)
    keep = [i for i, g in enumerate(GENES) if g not in EPITHELIAL]
    cut = replace(
        expression, values=expression.values[:, keep], genes=tuple(GENES[i] for i in keep)
    )
    found = score_programs(cut)
    assert np.isnan(found.of("epithelial")).all()
    row = found.table.filter(found.table["program"] == "epithelial")
    assert row["coverage"][0] == 0.0


def test_no_depth_where_every_gene_has_a_value():
    expression = made(10)
    full = replace(expression, values=expression.values + 1.0)
    found = score_programs(full)
    assert found.depth is None
    np.testing.assert_array_equal(found.corrected, found.matched)
