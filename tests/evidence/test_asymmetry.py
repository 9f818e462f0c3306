from __future__ import annotations

import json

import pytest
from tests.evidence.made_rows import RATIOS, REFERENCE, made_rates, rates, ratios

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.asymmetry import asymmetry
from marrowtrace.evidence.pooling import pool_rates
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import PUBLISHED, TABLE_1, bundled


def test_rates_agree_with_metafor():
    found = asymmetry(made_rates())
    assert [test.name for test in found.tests] == ["Peters", "Egger", "Begg"]
    for test in found.tests:
        expected = REFERENCE["bias", test.name]
        assert test.statistic == pytest.approx(expected["statistic"], rel=1e-6), test.name
        assert test.p_value == pytest.approx(expected["p_value"], rel=1e-6), test.name
    expected = REFERENCE["bias", "fill"]
    assert found.fill.filled == expected["filled"]
    assert found.pooled(adjusted=True)[0] == pytest.approx(expected["estimate"], rel=1e-5)
    assert found.warnings == ()  # eleven studies
    assert found.sentence == "Peters' test of asymmetry: p = 0.059 (11 studies)"
    assert found.table()["test"].to_list() == ["Peters", "Egger", "Begg"]


def test_few_studies_are_warned_of():
    found = asymmetry(rates((10, 40), (30, 90), (9, 50)))
    assert "3 studies, fewer than 10: the test has little power" in found.warnings[0]
    assert "under 10 studies, so it says little" in found.sentence


def test_filled_studies_are_said_to_be_made_up():
    query = Query(analyte="DTC", phase="pre", sources=(TABLE_1, PUBLISHED))
    found = asymmetry(pool_rates(bundled(), query, method="reml-logit"))
    assert found.fill.filled > 0
    assert "is made up" in found.warnings[-1]
    payload = found.to_json()
    json.dumps(payload, allow_nan=False)
    assert payload["schema"] == "marrowtrace.evidence.funnel/1"
    filled = payload["trim_and_fill"]
    assert len(filled["filled_studies"]) == found.fill.filled
    assert all(0 < study["estimate"] < 1 for study in filled["filled_studies"])


def test_hazard_ratios_have_egger_and_begg():
    result = ratios(*RATIOS, method="DL")
    found = asymmetry(result)
    assert [test.name for test in found.tests] == ["Egger", "Begg"]
    assert found.fill.observed.method == "DL"
    value, low, high = found.pooled(adjusted=False)
    assert low < value < high
    assert found.sentence.startswith("Egger's test of asymmetry: p = ")
    assert found.to_json()["scale"] == "log hazard ratio"


def test_what_the_rows_do_not_allow_is_named():
    full = asymmetry(rates((7, 7), (30, 90), (9, 50)))
    assert full.refused == ("Peters: in r0 all or none are positive",)
    two = asymmetry(rates((10, 40), (30, 90)))
    assert two.tests == ()
    assert two.fill is None
    assert len(two.refused) == 4
    assert two.sentence == "2 studies: no test of asymmetry is possible"
    assert two.to_json()["trim_and_fill"] is None
    same = asymmetry(rates((10, 40), (10, 40), (10, 40)))
    assert any("all variances are equal" in reason for reason in same.refused)
    assert same.table().height == 0


def test_p_values_have_no_funnel():
    with pytest.raises(EvidenceError, match="have no size"):
        asymmetry(ratios(*RATIOS, method="fisher"))
