from __future__ import annotations

import json
import math

import pytest
from tests.evidence.made_rows import RATIOS, REFERENCE, made_rates, rates, ratios

from marrowtrace.evidence import leave_one_out
from marrowtrace.evidence.effects import pool_effects
from marrowtrace.evidence.leave_one_out import leave_rows_out
from marrowtrace.evidence.p_values import combine_p_values, parse_p
from marrowtrace.evidence.row_effects import row_effects


def test_rates_agree_with_metafor():
    for row in leave_rows_out(made_rates()).rows:
        expected = REFERENCE["without", row.row]
        assert row.estimate == pytest.approx(expected["estimate"], rel=1e-3)  # quadrature
        assert row.tau2 == pytest.approx(expected["tau2"], rel=1e-2)
        for quantity in ("studentised_residual", "dffits", "cook_distance"):
            # influence() refits at metafor's default convergence limit
            assert getattr(row, quantity) == pytest.approx(expected[quantity], rel=1e-3, abs=1e-4)


def test_logits_by_reml_agree_with_metafor():
    for row in leave_rows_out(made_rates("reml-logit")).rows:
        expected = REFERENCE["without", row.row]
        assert row.estimate == pytest.approx(expected["reml"], rel=1e-6)
        assert row.ci_low == pytest.approx(expected["reml_low"], rel=1e-6)
        assert row.ci_high == pytest.approx(expected["reml_high"], rel=1e-6)


def test_hazard_ratios():
    result = ratios(*RATIOS, method="PM")
    effects, variances = row_effects(result)
    found = leave_rows_out(result)
    without_first = pool_effects(effects[1:], variances[1:], method="PM")
    assert found.rows[0].estimate == pytest.approx(math.exp(without_first.estimate))
    assert found.rows[0].ci_high == pytest.approx(math.exp(without_first.ci_high))
    json.dumps(found.to_json(), allow_nan=False)
    assert found.table().height == 4


def test_combined_p_values():
    found = leave_rows_out(ratios(*RATIOS, method="fisher"))
    expected = combine_p_values([parse_p("0.02")] * 3, method="fisher")
    assert [row.p_high for row in found.rows] == pytest.approx([expected.p_high] * 4)
    assert found.rows[0].influential is None
    assert found.influential == ()


def test_a_row_far_from_the_others_is_named():
    found = leave_rows_out(rates(*[(20, 100)] * 5, (95, 100)))
    assert found.influential == ("r5",)


def test_too_few_and_too_many_rows(monkeypatch):
    assert leave_rows_out(rates((10, 40), (30, 90))).rows == ()
    assert leave_rows_out(rates((10, 40), (30, 90))).to_json() == []
    monkeypatch.setattr(leave_one_out, "MOST", 3)
    assert leave_rows_out(rates((10, 40), (30, 90), (9, 50), (8, 50))).rows == ()
