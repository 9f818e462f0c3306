"""Effects on outcome pooled from the tables."""

from __future__ import annotations

import json
import math

import pytest
from scipy import stats
from tests.evidence.test_pooling import reference

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.prognosis import FAMILIES, hazard_ratio, pool_prognosis
from marrowtrace.evidence.records import PrognosticEffect
from marrowtrace.evidence.selection import Query
from marrowtrace.evidence.tables import PUBLISHED, TABLE_2, EvidenceTables, bundled


def pooled(analyte="DTC", method="fisher", **query):
    query = {"phase": "post", "sources": (TABLE_2,), "endpoints": ("DFS",), **query}
    return pool_prognosis(bundled(), Query(analyte=analyte, **query), method=method)


def effect(name, study, **changes):
    base = {"row": name, "study": study, "analyte": "DTC", "endpoint": "OS", "phase": "post"}
    return PrognosticEffect(**{**base, **changes})


def test_figures_of_the_audit_against_r():
    """Fisher 3.5e-7 from 5 cells as printed, 4.9e-4 from 4 after the corrections."""
    expected = reference("dfs_post_dtc")
    printed = pooled(as_printed=True)
    assert len(printed.rows) == 5
    assert printed.p.p_low == pytest.approx(expected["fisher_printed"], rel=1e-9)
    assert printed.p.p_low == pytest.approx(3.5e-7, rel=0.02)
    careless = pooled(endpoints=FAMILIES["progression"], dependence="independent")
    assert {row.row for row in careless.rows} == {
        "t2-10-dfs-post", "t2-12-dfs-pre", "t2-17-dfs-post", "t2-21-dfs-post",
    }  # fmt: skip
    assert careless.p.p_low == pytest.approx(expected["fisher_corrected_all"], rel=1e-9)
    assert careless.p.p_low == pytest.approx(4.9e-4, rel=0.01)
    one_each = pooled(endpoints=FAMILIES["progression"])
    assert len(one_each.rows) == 3
    assert one_each.p.p_low == pytest.approx(expected["fisher_corrected_pick"], rel=1e-9)


def test_mixed_endpoints_are_named():
    result = pooled(endpoints=FAMILIES["progression"])
    assert "different endpoints are pooled as one: DFS, PFS" in result.warnings
    assert pooled().p.k == 2  # DFS alone


def test_censored_p_values_make_a_range():
    result = pooled("CTC", endpoints=("OS",), as_printed=True)
    assert 0 < result.p.p_low < result.p.p_high < 1
    assert result.to_json()["estimate"] is None


def test_stouffer_weighs_by_the_root_of_n():
    rows = (effect("a", "fehm2009", p="0.01", n=100), effect("b", "mansi1999", p="0.5", n=400))
    result = pool_prognosis(
        EvidenceTables({}, (), rows), Query(analyte="DTC", endpoints=("OS",)), method="stouffer"
    )
    z = [stats.norm.isf(p) for p in (0.01, 0.5)]
    expected = stats.norm.sf((10 * z[0] + 20 * z[1]) / math.sqrt(500))
    assert result.p.p_low == pytest.approx(expected, rel=1e-9)
    assert [row.weight for row in result.rows] == [0.2, 0.8]


def test_stouffer_without_n_says_so():
    rows = (effect("a", "fehm2009", p="0.01"), effect("b", "mansi1999", p="0.5", n=400))
    result = pool_prognosis(
        EvidenceTables({}, (), rows), Query(analyte="DTC", endpoints=("OS",)), method="stouffer"
    )
    assert any("Stouffer's method without weights" in warning for warning in result.warnings)


def test_hazard_ratio_from_interval_and_from_p():
    from_interval = hazard_ratio(effect("a", "x", hr=2.0, ci_low=1.0, ci_high=4.0))
    assert from_interval.se == pytest.approx(math.log(4) / (2 * 1.959963984540054))
    from_p = hazard_ratio(effect("a", "x", hr=2.3, p="0.003"))
    assert from_p.p_value == pytest.approx(0.003)
    assert hazard_ratio(effect("a", "x", hr=2.3, p="<0.001")) is None
    assert hazard_ratio(effect("a", "x", p="0.02")) is None


def test_pooled_hazard_ratio_of_identical_studies():
    one = {"hr": 2.0, "ci_low": 1.0, "ci_high": 4.0}
    rows = tuple(effect(key, key, **one) for key in ("fehm2009", "mansi1999", "hinz2017"))
    tables = EvidenceTables({}, (), rows)
    query = Query(analyte="DTC", endpoints=("OS",))
    result = pool_prognosis(tables, query, method="REML")
    payload = result.to_json()
    assert payload["estimate"] == pytest.approx(2.0)
    assert payload["tau2"] == 0
    assert [row.weight for row in result.rows] == pytest.approx([1 / 3] * 3)
    reach = stats.t.ppf(0.975, 2) * math.log(4) / (2 * stats.norm.ppf(0.975)) / math.sqrt(3)
    assert payload["ci_low"] == pytest.approx(
        2 * math.exp(-reach)
    )  # the guard holds the scale at 1


def test_rows_without_a_hazard_ratio_are_left_out_with_the_reason():
    result = pooled("CTC", "REML", phase="pre", sources=(TABLE_2, PUBLISHED), endpoints=("OS",))
    assert {row.study for row in result.rows} == {"hinz2017", "janni2016"}
    reasons = {out.row: out.reason for out in result.left_out}
    assert reasons["t2-02-os-pre"] == "no hazard ratio is printed"
    assert "shares patients with pf-janni2016-os" in reasons["pf-rack2014-os"]


def test_printed_interval_stands_in_the_rows():
    result = pooled("CTC", "REML", phase="pre", sources=(PUBLISHED,), endpoints=("DFS",))
    hinz = next(row for row in result.rows if row.study == "hinz2017")
    assert (hinz.ci_low, hinz.ci_high) == (1.1, 3.7)


def test_errors():
    with pytest.raises(EvidenceError, match="no endpoint given"):
        pooled(endpoints=())
    with pytest.raises(EvidenceError, match=r"method 'fischer' is unknown.*did you mean 'fisher'"):
        pooled(method="fischer")
    with pytest.raises(EvidenceError, match="neither an interval nor an exact p-value"):
        pooled("DTC", "REML", phase="pre", sources=(PUBLISHED,), endpoints=("OS",))


def test_json_is_plain():
    for method in ("fisher", "REML"):
        payload = pooled(method=method).to_json()
        json.dumps(payload, allow_nan=False)
        assert payload["schema"] == "marrowtrace.evidence.pool/1"
        assert pooled(method=method).table().height == payload["k"]
