from __future__ import annotations

import json
import math

import pytest
from tests.evidence.made_rows import RATIOS, REFERENCE, made_rates, rates, ratios

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.pooling import pool_rates
from marrowtrace.evidence.records import DetectionRate
from marrowtrace.evidence.row_regression import parse_moderators, regress_rows
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import EvidenceTables


def pooled(*rows):
    """Rates of (assay, cancer, volume) with k / 60 positive, k from 10 up."""
    made = tuple(
        DetectionRate(
            row=f"r{i}",
            study=f"s{i}",
            analyte="CTC",
            assay=assay,
            cancer=cancer,
            k=10 + i,
            n=60,
            threshold=None if volume is None else 1,
            volume_ml=volume,
        )
        for i, (assay, cancer, volume) in enumerate(rows)
    )
    return pool_rates(EvidenceTables({}, made), Query(analyte="CTC"), method="reml-logit")


def test_agrees_with_metafor():
    found = regress_rows(made_rates(), ("assay", "cancer", "volume"))
    assert found.references == ("assay CellSearch", "cancer breast")
    for coefficient in found.fit.coefficients:
        for quantity, value in REFERENCE["regression", coefficient.name].items():
            assert getattr(coefficient, quantity) == pytest.approx(value, rel=1e-6), quantity
    expected = REFERENCE["regression", "model"]
    assert found.fit.moderator_p_value == pytest.approx(expected["p_value"], rel=1e-6)
    assert found.fit.r2 == pytest.approx(expected["r2"], rel=1e-5)
    assert found.fit.residual.tau2 == pytest.approx(expected["tau2"], rel=1e-5)
    assert found.fit.residual.q == pytest.approx(expected["q"], rel=1e-6)
    payload = found.to_json()
    json.dumps(payload, allow_nan=False)
    assert payload["method"] == "REML"
    assert payload["test"] == "knapp-hartung"
    assert "fewer than 10 for each" in payload["warnings"][0]
    ratio = found.table()["ratio"].to_list()
    assert ratio == pytest.approx([math.exp(c.estimate) for c in found.fit.coefficients])


def test_hazard_ratios():
    result = ratios(*RATIOS, assays=("ICC", "ICC", "RT-PCR", "RT-PCR"), method="PM")
    found = regress_rows(result, ("assay",))
    assert found.scale == "log hazard ratio"
    assert found.fit.residual.method == "PM"
    assert [c.name for c in found.fit.coefficients] == ["intercept", "assay RT-PCR"]


def test_rows_without_a_moderator_are_named():
    same = [("a", "breast", 7.5), ("b", "breast", 7.5)] * 2
    found = regress_rows(pooled(*same, ("", "breast", 7.5)), ("assay",))
    assert found.rows == ("r0", "r1", "r2", "r3")
    assert found.left_out[0].row == "r4"
    assert found.left_out[0].reason == "assay not printed"


def test_refused_with_the_reason():
    with pytest.raises(EvidenceError, match="has 2 coefficients and needs 4 rows; there are 3;"):
        regress_rows(pooled(*[("a", "breast", 5), ("b", "breast", 5), ("b", "lung", 5)]), ["assay"])
    twins = [("a", "breast", 5), ("b", "lung", 5)] * 4
    with pytest.raises(EvidenceError, match=r"assay, cancer cannot be told apart.*rank-deficient"):
        regress_rows(pooled(*twins), ("assay", "cancer"))
    with pytest.raises(EvidenceError, match="volume: is 5 mL in all 8 rows that print volume"):
        regress_rows(pooled(*twins), ("volume",))
    with pytest.raises(EvidenceError, match="volume: no row prints volume"):
        regress_rows(rates((10, 40), (30, 90)), ("volume",))
    with pytest.raises(EvidenceError, match="combines p-values"):
        regress_rows(ratios(*RATIOS, method="fisher"), ("assay",))


def test_names():
    assert parse_moderators("Timing,assay,phase") == ("phase", "assay")
    with pytest.raises(EvidenceError, match=r"'asay' is unknown.*did you mean 'assay'"):
        parse_moderators("asay,volume")
    with pytest.raises(EvidenceError, match="'' is unknown"):
        parse_moderators("")
