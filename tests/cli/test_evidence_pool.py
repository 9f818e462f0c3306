"""``marrowtrace evidence pool``: the agreed form, every table, messages."""

from __future__ import annotations

import pytest

from marrowtrace.errors import EvidenceError
from tests.cli.evidence_command import payload, run
from tests.evidence.made_rows import PATH, REFERENCE

AGREED = {
    *("estimate", "ci_low", "ci_high", "prediction_low", "prediction_high", "tau2", "i2", "k", "n"),
    *("method", "rows", "flags", "schema"),
}


def test_pool_json_has_the_agreed_form():
    found = payload("pool", "--analyte", "DTC", "--phase", "pre")
    assert set(found) >= AGREED
    assert found["method"] == "glmm"
    assert found["values"] == "corrected"
    assert found["estimate"] == pytest.approx(0.2847, abs=1e-4)
    variants = {(v["values"], v["dependence"]): v["estimate"] for v in found["variants"]}
    assert variants["as printed", "independent"] == pytest.approx(0.2583, abs=1e-4)
    assert len(variants) == 4


def test_pool_as_printed():
    found = payload("pool", "--analyte", "CTC", "--phase", "pre", "--as-printed", "--independent")
    assert found["as_printed"]
    assert found["k"] == 6
    assert found["estimate"] == pytest.approx(0.737, abs=1e-3)
    assert not found["poolable"]


def test_pool_prints_both_and_the_reasons():
    out, err = run("pool", "--analyte", "DTC", "--phase", "pre")
    for rate in ("28.5 %", "26.5 %", "27.7 %", "25.8 %"):
        assert rate in out
    assert "Three rows are too few" in out
    assert "t1-05: shares patients with t1-04" in err
    assert "fault 2 (ERROR" in err
    assert err.rstrip().splitlines()[-1].startswith("  Sai B, Xiang J (2018)")


def test_pool_by_method_and_subgroup():
    found = payload("pool", "--analyte", "DTC", "--method", "reml-logit", "--by", "cancer")
    assert found["method"] == "reml-logit"
    assert found["subgroups"]["by"] == "cancer"
    out, _ = run("pool", "--analyte", "DTC", "--by", "cancer")
    assert "cancer breast: 25.7 %" in out


def test_pool_of_outcome():
    found = payload(
        "pool", "--analyte", "DTC", "--phase", "post", "--endpoint", "DFS", "--as-printed"
    )
    assert found["p_low"] == pytest.approx(3.46e-7, rel=1e-2)
    assert found["estimate"] is None
    assert set(found) >= AGREED
    out, err = run("pool", "--analyte", "DTC", "--phase", "post", "--endpoint", "progression")
    assert "combined p 0.00018" in out
    assert "direction: unknown" in out
    assert "different endpoints are pooled as one" in err
    out, _ = run("pool", "--analyte", "CTC", "--phase", "pre", "--endpoint", "OS", "--method", "DL")
    assert "hazard ratio 1.97" in out


def test_each_row_is_left_out_in_turn():
    found = payload("pool", "--analyte", "DTC", "--phase", "pre")["leave_one_out"]
    assert [row["row"] for row in found] == ["t1-04", "t1-10", "t1-11"]
    assert found[0]["estimate"] == pytest.approx((107 + 89) / (414 + 350), abs=2e-3)  # tau2 0
    assert found[0]["influential"] is True
    out, err = run("pool", "--analyte", "DTC", "--phase", "pre")
    assert "Without each row in turn" in out
    assert "Influential: t1-04" in err
    two = payload("pool", "--analyte", "CTC", "--endpoint", "OS", "--method", "DL")
    assert two["leave_one_out"] == []
    p_values = payload("pool", "--analyte", "DTC", "--endpoint", "DFS")["leave_one_out"]
    assert p_values[0]["estimate"] is None
    assert p_values[0]["p_high"] > 0


def test_meta_regression():
    arguments = ("pool", "--analyte", "CTC", "--stage", "unknown", "--rows", PATH)
    arguments += ("--moderators", "assay,cancer,volume", "--method", "reml-logit")
    found = payload(*arguments, "--source", "table2")["meta_regression"]
    assert found["k"] == 11
    for coefficient in found["coefficients"]:
        expected = REFERENCE["regression", coefficient["name"]]
        assert coefficient["estimate"] == pytest.approx(expected["estimate"], rel=1e-6)
        assert coefficient["p_value"] == pytest.approx(expected["p_value"], rel=1e-6)
    assert found["residual"]["q_p_value"] == pytest.approx(
        REFERENCE["regression", "model"]["q_p_value"], rel=1e-6
    )
    out, err = run(*arguments, "--source", "table2")
    assert "Meta-regression, logit scale, 11 rows" in out
    assert "against assay CellSearch, cancer breast" in out
    assert "fewer than 10 for each" in err
    plain = payload("pool", "--analyte", "DTC", "--phase", "pre")
    assert "meta_regression" not in plain


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--phase", "pre", "--moderators", "cancer"), "needs 4 rows; there are 3"),
        (("--moderators", "cancr"), r"'cancr' is unknown.*did you mean 'cancer'"),
        (("--endpoint", "DFS", "--moderators", "cancer"), r"combines p-values.*--method REML"),
        (("--endpoint", "OS", "--by", "cancer"), "--by is for detection"),
    ],
)
def test_messages(arguments, words):
    with pytest.raises(EvidenceError, match=words):
        run("pool", "--analyte", "DTC", *arguments)
