from dataclasses import replace

import numpy as np

from marrowtrace.expression.calls import call_states, without_platelets
from marrowtrace.expression.genes import HOUSEKEEPING
from marrowtrace.expression.programs import program
from marrowtrace.expression.quality import PLATELET_BORNE, assess
from marrowtrace.expression.scores import score_programs
from tests.expression.made_expression import GENES, made


def with_levels(expression, genes, rows, level):
    values = expression.values.copy()
    for gene in genes:
        values[rows, GENES.index(gene)] = level
    return replace(expression, values=values)


def plain(n: int = 30):
    """Cells without the markers of any other cell."""
    markers = [g for p in ("qc_leukocyte", "platelet_coat", "qc_erythroid", "qc_plasma_cell",
                           "qc_stromal") for g in program(p).genes]  # fmt: skip
    return with_levels(made(n), markers, slice(None), 0.0)


def test_contamination_is_flagged():
    found = with_levels(plain(), ["PTPRC"], [0, 1], 12.0)
    found = with_levels(found, program("platelet_coat").genes, [2], 12.0)
    found = with_levels(found, program("qc_erythroid").genes, [3], 12.0)
    flags = assess(found).table["flags"].to_list()
    assert flags[0] == flags[1] == ["leukocyte"]
    assert flags[2] == ["platelet"]
    assert flags[3] == ["erythroid"]
    assert flags[4] == []


def test_bulk_is_not_flagged():
    found = with_levels(plain(), ["PTPRC"], [0, 1], 12.0)
    assert assess(found, cells=False).to_json()["flags"] == {}


def test_class_that_equals_depth_is_rejected():
    expression = plain(40)
    values = expression.values.copy()
    drop = np.random.default_rng(2).uniform(size=(20, values.shape[1])) < 0.5
    values[:20] *= ~drop
    types = ["a"] * 20 + ["b"] * 20
    found = assess(replace(expression, values=values), types)
    assert not found.passed
    assert (
        "equals depth: the number of genes detected alone tells it apart with AUC 1.00"
        in (found.faults[0])
    )
    shuffled = list(np.random.default_rng(4).permutation(types))
    assert assess(replace(expression, values=values), shuffled).passed


def test_housekeeping_missing_from_the_matrix():
    expression = plain()
    keep = [i for i, g in enumerate(GENES) if g not in HOUSEKEEPING]
    cut = replace(
        expression, values=expression.values[:, keep], genes=tuple(GENES[i] for i in keep)
    )
    assert "housekeeping genes are not in the matrix" in assess(cut).faults[0]


def test_housekeeping_not_expressed():
    silent = with_levels(plain(), HOUSEKEEPING, slice(None), 0.0)
    assert "empty wells" in assess(silent).faults[0]


def test_platelet_coat_alone_makes_no_mesenchymal_cell():
    up = [g for g in PLATELET_BORNE if g in program("mesenchymal").up]
    found = with_levels(plain(40), [*program("platelet_coat").genes, *up], slice(0, 8), 12.0)
    assert score_programs(found).of("mesenchymal")[:8].mean() > 1.0
    assert abs(without_platelets(found)[:8].mean()) < 1.0


def test_leukocytes_are_not_called():
    found = with_levels(plain(), ["PTPRC"], [0], 12.0)
    quality = assess(found)
    calls = call_states(found, score_programs(found), quality).table
    assert calls["her2"][0] == "not called"
    assert calls["her2_why"][0] == "looks like a leukocyte"


def test_receptor_calls_within_the_cell(monkeypatch):
    found = with_levels(plain(), ["ERBB2"], [0], 12.0)
    found = with_levels(found, ["ERBB2"], [1], 0.0)
    scores, quality = score_programs(found), assess(found)
    calls = call_states(found, scores, quality).table
    assert calls["her2"][0] == "positive"
    assert calls["her2"][1] == "not called"
    assert calls["her2_why"][1] == "ERBB2 not seen, in a cell of fewer than 2000 genes"
    monkeypatch.setattr("marrowtrace.expression.calls.DEEP", 800)
    assert call_states(found, scores, quality).table["her2"][1] == "negative"


def test_dormant_and_cycling():
    cycling, quiet = program("proliferation").up, program("dormancy_core").up
    expression = plain(40)
    expression = with_levels(expression, cycling, slice(0, 10), 11.0)
    expression = with_levels(expression, quiet, slice(10, 20), 11.0)
    expression = with_levels(expression, cycling, slice(10, 20), 0.0)
    calls = call_states(expression, score_programs(expression), assess(expression))
    states = calls.table["cycle"].to_list()
    assert states[:10].count("cycling") >= 8
    assert states[10:20].count("dormant") >= 8
    assert calls.counts("cycle")["not called"] >= 10


def test_low_mhc_is_not_called_in_shallow_cells():
    found = with_levels(plain(40), program("mhc1").genes, slice(0, 10), 0.0)
    calls = call_states(found, score_programs(found), assess(found)).table
    assert set(calls["mhc1"][:10]) == {"not called"}
    assert "low and not seen are the same" in calls["mhc1_why"][0]
