"""Pooled detection rates of the tables, against R's metafor."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.pooling import pool_rates
from marrowtrace.evidence.records import DetectionRate
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import PUBLISHED, TABLE_1, EvidenceTables, bundled

REFERENCE = Path(__file__).parents[1] / "reference" / "evidence_tables.csv"
WAYS = [
    (f"{analyte.lower()}_{values}_{rows}", analyte, values == "printed", dependence)
    for analyte in ("DTC", "CTC")
    for values in ("printed", "corrected")
    for rows, dependence in (("all", "independent"), ("pick", "pick"))
    if (analyte, values, rows) != ("CTC", "corrected", "all")  # nothing shared is left there
]


def reference(name):
    with REFERENCE.open(newline="") as file:
        return {r["quantity"]: float(r["value"]) for r in csv.DictReader(file) if r["set"] == name}


def pooled(analyte="DTC", method="glmm", **query):
    query = {"phase": "pre", **query}
    return pool_rates(bundled(), Query(analyte=analyte, **query), method=method)


@pytest.mark.parametrize(("name", "analyte", "printed", "dependence"), WAYS)
def test_table_1_agrees_with_r(name, analyte, printed, dependence):
    """The binomial-normal model to 1e-3 (quadrature; reached: 1e-6), logits by REML to 1e-6."""
    expected = reference(name)
    result = pooled(analyte, as_printed=printed, dependence=dependence).pooled
    for quantity in ("estimate", "ci_low", "ci_high", "i2"):
        assert getattr(result, quantity) == pytest.approx(expected[quantity], abs=1e-3)
    assert result.tau2 == pytest.approx(expected["tau2"], rel=1e-3)
    logit = pooled(analyte, "reml-logit", as_printed=printed, dependence=dependence).pooled
    assert logit.estimate == pytest.approx(expected["reml_estimate"], abs=1e-6)
    assert logit.i2 == pytest.approx(expected["reml_i2"], abs=1e-6)


def test_figures_of_the_audit():
    """DTC 25.8 % (21.6 to 30.6), I2 72 %; with source counts 26.5 % (22.3 to 31.1); CTC 74 %."""
    careless = {"dependence": "independent"}
    result = pooled(as_printed=True, **careless).pooled
    assert 100 * result.estimate == pytest.approx(25.8, abs=0.05)
    assert 100 * result.ci_low == pytest.approx(21.6, abs=0.06)
    assert 100 * result.ci_high == pytest.approx(30.6, abs=0.05)
    logit = pooled(method="reml-logit", as_printed=True, **careless).pooled
    assert 100 * logit.i2 == pytest.approx(72, abs=0.5)
    source = pooled(**careless).pooled
    assert [round(100 * v, 1) for v in (source.estimate, source.ci_low, source.ci_high)] == [
        26.5, 22.3, 31.1,
    ]  # fmt: skip
    ctc = pooled("CTC", as_printed=True, **careless).pooled
    assert [round(100 * v) for v in (ctc.estimate, ctc.ci_low, ctc.ci_high)] == [74, 27, 95]
    assert not ctc.poolable
    assert reference("ctc_printed_all")["reml_pi_low_normal"] == pytest.approx(0.02, abs=0.005)
    assert reference("ctc_printed_all")["reml_pi_high_normal"] > 0.99


def test_careless_pooling_warns_and_the_default_refuses_it():
    careless = pooled(dependence="independent")
    assert any("t1-04, t1-05, t1-06 share patients" in warning for warning in careless.warnings)
    result = pooled()
    assert [row.row for row in result.rows] == ["t1-04", "t1-10", "t1-11"]
    assert {out.row for out in result.left_out} == {"t1-05", "t1-06"}
    assert not any("share patients" in warning for warning in result.warnings)


def test_corrected_ctc_leaves_out_samples_and_the_other_threshold():
    result = pooled("CTC")
    assert [row.row for row in result.rows] == ["t1-01", "t1-03", "t1-09", "t1-13"]
    reasons = {out.row: out.reason for out in result.left_out}
    assert "116 are samples" in reasons["t1-12"]
    assert "positive means 5 or more" in reasons["t1-07"]


def test_thresholds_pooled_as_printed_are_named():
    result = pooled("CTC", as_printed=True)
    assert "rows with different thresholds (1, 5 cells or more) are pooled" in result.warnings


def test_three_rows_that_agree_are_called_few_not_far_apart():
    result = pooled()
    assert result.pooled.verdict.startswith("Three rows are too few to say")
    assert not result.pooled.poolable


def test_three_rows_far_apart_are_called_that():
    rows = tuple(
        DetectionRate(row=f"r{i}", study=study, analyte="DTC", k=k, n=100)
        for i, (study, k) in enumerate((("fehm2009", 2), ("mansi1999", 50), ("hinz2017", 97)))
    )
    result = pool_rates(EvidenceTables({}, rows), Query(analyte="DTC"))
    assert result.pooled.verdict.startswith("Should not be pooled")


def test_one_row_has_the_exact_interval():
    row = DetectionRate(row="a", study="nagrath2007", analyte="CTC", k=7, n=7)
    result = pool_rates(EvidenceTables({}, (row,)), Query(analyte="CTC"))
    assert result.pooled.ci_low == pytest.approx(0.025 ** (1 / 7), abs=1e-9)
    assert result.pooled.ci_high == 1.0
    assert result.rows[0].weight == 1.0


def test_weights_sum_to_one_and_rates_are_those_of_the_counts():
    result = pooled(dependence="independent")
    assert math.fsum(row.weight for row in result.rows) == pytest.approx(1)
    assert all(row.rate == row.k / row.n for row in result.rows)
    assert result.table().height == result.pooled.k


def test_other_papers_widen_the_base():
    result = pooled(sources=(TABLE_1, PUBLISHED))
    names = {row.row for row in result.rows}
    assert "pf-kollermann2008" in names
    assert not {"pf-braun2005", "pf-hartkopf2021"} & names  # pooled analyses of others
    assert len({row.study for row in result.rows}) == len(result.rows)


def test_a_users_rows_are_always_among_the_sources():
    own = DetectionRate(row="mine", study="own2026", analyte="DTC", k=30, n=100)
    tables = bundled().joined(EvidenceTables({}, (own,)))
    result = pool_rates(tables, Query(analyte="DTC", phase="pre"))
    assert result.rows[-1].row == "mine"
    assert result.pooled.k == 4


def test_json_has_the_agreed_form():
    payload = json.loads(json.dumps(pooled().to_json(), allow_nan=False))
    assert payload["schema"] == "marrowtrace.evidence.pool/1"
    agreed = "estimate ci_low ci_high prediction_low prediction_high tau2 i2 k n method rows flags"
    assert set(agreed.split()) <= set(payload)
    assert payload["values"] == "corrected"
    assert payload["rows"][0]["row"] == "t1-04"


def test_unknown_method():
    with pytest.raises(EvidenceError, match=r"method 'glm' is unknown.*did you mean 'glmm'"):
        pooled(method="glm")


def test_unusable_rows_are_left_out():
    row = DetectionRate(row="a", study="fehm2009", analyte="CTC", k=3, n=7)
    result = pool_rates(bundled(), Query(analyte="CTC", phase="on", as_printed=True))
    assert [r.row for r in result.rows] == ["t1-08"]
    with pytest.raises(EvidenceError, match="n at first follow-up is not 83"):
        pool_rates(bundled(), Query(analyte="CTC", phase="on"))
    assert row.count == 3


@pytest.mark.parametrize("method", ["reml-logit", "pm-logit", "dl-logit", "freeman-tukey"])
def test_other_methods_come_near(method):
    result = pooled(method=method, dependence="independent")
    assert result.pooled.estimate == pytest.approx(0.265, abs=0.01)
    assert result.to_json()["method"] == method
