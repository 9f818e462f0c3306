"""Real series that may not be shipped; MARROWTRACE_TEST_DATA names the folder that holds them."""

import os
from pathlib import Path

import numpy as np
import pytest

from marrowtrace.expression.analysis import design_of
from marrowtrace.expression.differential import compare_types
from marrowtrace.expression.quality import assess
from marrowtrace.expression.reading import read_expression
from marrowtrace.expression.samples import describe_samples, read_table
from marrowtrace.expression.scores import area_under_curve, score_programs

FOLDER = Path(os.environ.get("MARROWTRACE_TEST_DATA", ""))
pytestmark = pytest.mark.skipif(
    "MARROWTRACE_TEST_DATA" not in os.environ,
    reason="MARROWTRACE_TEST_DATA is not set: the series may not be redistributed",
)


@pytest.fixture(scope="module")
def ctc():
    expression = read_expression(FOLDER / "gse75367" / "GSE75367_norm.csv.gz")
    labels = read_table(FOLDER / "gse75367" / "GSE75367_cell_labels.csv")
    her2, cd45 = (
        np.array([dict(zip(labels["cell"], labels[c], strict=True))[s] == "True"
                  for s in expression.samples])
        for c in ("facs_ERBB2_high", "facs_PTPRC_high")
    )  # fmt: skip
    return expression, labels, her2, cd45


@pytest.fixture(scope="module")
def marrow():
    expression = read_expression(FOLDER / "gse83142" / "GSE83142_norm_symbols.csv.gz")
    return expression, np.array([s.startswith("LRC") for s in expression.samples])


def test_her2_against_sorting(ctc):
    expression, _, her2, _ = ctc
    scores = score_programs(expression)
    assert area_under_curve(scores.of("receptor_her2", "raw"), her2) >= 0.94
    assert area_under_curve(expression.gene("ERBB2"), her2) >= 0.98


def test_leukocytes_against_sorting(ctc):
    expression, _, _, cd45 = ctc
    assert area_under_curve(expression.gene("PTPRC"), cd45) == 1.0
    flagged = assess(expression).flagged("leukocyte")
    assert (flagged == cd45).all()
    assert flagged.sum() == 13


def test_gene_count_alone_passes_for_biology(ctc, marrow):
    expression, _, her2, _ = ctc
    scores = score_programs(expression)
    assert area_under_curve(scores.depth, her2) > 0.85
    slope = scores.table.filter(scores.table["program"] == "g0_arrest")
    assert slope["rho_depth_raw"][0] < -0.7
    cells, dormant = marrow
    assert area_under_curve(-score_programs(cells).depth, dormant) > 0.88


def test_dormant_against_cycling(marrow):
    expression, dormant = marrow
    assert dormant.sum() == 14
    scores = score_programs(expression)
    assert area_under_curve(scores.of("g0_arrest"), dormant) > 0.85
    row = scores.table.filter(scores.table["program"] == "g0_arrest")
    assert row["depth_slope"][0] < 0


def test_a_confounded_pair_is_refused(ctc, marrow):
    samples = describe_samples([ctc[0], marrow[0]], types=["CTC", "DTC"])
    found = design_of(samples)
    assert not found.identifiable
    assert found.rank_both < found.rank_batches + found.rank_types - 1


def test_permuted_labels_give_no_genes(ctc):
    expression, _, her2, _ = ctc
    rng = np.random.default_rng(2)
    types = rng.permutation(np.where(her2, "high", "low")).tolist()
    assert compare_types(expression, types, "low", "high", study="s").significant <= 2
    real = np.where(her2, "high", "low").tolist()
    assert compare_types(expression, real, "low", "high", study="s").significant > 500
