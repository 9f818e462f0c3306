from __future__ import annotations

import json

import pytest

from marrowtrace.study.analysis import Analysis, analyse, analyse_panel
from marrowtrace.study.panel import Panel
from marrowtrace.study.run import run
from tests.study.small_study import small
from tests.study.synthetic_panel import panel, protocol, tables

TOP = [
    "schema", "study", "patients", "flow", "detection", "recurrence", "hazard", "relapse_origin",
    "markers", "ctc_against_dtc", "lives", "published", "limits", "parameters", "citations",
    "provenance", "timing",
]  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("analysis") / "out"
    run(small(), folder)
    return folder, analyse(small(), folder)


def test_results_are_plain_json_with_every_part(ran):
    _, results = ran
    assert list(results) == TOP
    text = json.dumps(results, allow_nan=False)
    assert json.loads(text) == results


def test_two_analyses_of_one_run_differ_in_provenance_and_timing_alone(ran):
    folder, results = ran
    again = analyse(small(), folder)
    for part in TOP[:-2]:
        assert again[part] == results[part], part


def test_results_do_not_depend_on_workers_or_chunks(ran, tmp_path):
    run(small(), tmp_path / "other", workers=2, chunk=70)
    again = analyse(small(), tmp_path / "other")
    for part in TOP[:-2]:
        assert again[part] == ran[1][part], part


def test_every_published_figure_of_the_protocol_is_there(ran):
    row = ran[1]["published"][0]
    assert (row["id"], row["calibrated"], row["source"]) == ("dtc_at_diagnosis", True, "protocol")
    assert 0 < row["simulated"] < 1


def test_the_estimates_use_no_truth(ran):
    """Another truth changes what is said to be truth, and nothing else."""
    folder, results = ran
    study = Panel.read(folder)
    shuffled = study.truth.sample(fraction=1.0, shuffle=True, seed=1)
    from dataclasses import replace

    other = analyse_panel(study.protocol, replace(study, truth=shuffled))
    for part in TOP[:-2]:
        if part not in ("relapse_origin", "lives"):
            assert other[part] == results[part], part
    assert other["relapse_origin"] != results["relapse_origin"]


def test_only_what_is_asked_for_is_analysed():
    study = panel(200, plan=protocol(analyses={"wanted": ["detection"]}))
    results = analyse_panel(study.protocol, study)
    assert results["detection"]
    assert results["recurrence"] is None
    assert results["markers"] is None
    assert results["lives"] == results["published"] == results["relapse_origin"] == []


def test_markers_of_the_protocol_have_its_thresholds():
    wanted = [{"visit": "12 months", "assay": "a45-b-b3", "threshold": 2}]
    study = panel(300, plan=protocol(analyses={"markers": wanted, "endpoints": ["relapse"]}))
    analysis = Analysis(study.protocol, study)
    (row,) = analysis.marker_tables()["rows"]
    assert row["landmark"]["positives"] == (study.counts["12 months", "a45-b-b3"] >= 2).sum()
    assert row["marker"] == "DTC >= 2 at 12 months (a45-b-b3)"


def test_paired_arms_are_never_pooled():
    study = panel(400, plan=protocol(allocation="paired"))
    analysis = Analysis(study.protocol, study)
    assert [name for name, _ in analysis.groups] == ["one", "two"]
    assert analysis.among.sum() == 200
    assert analysis.strata is None
    assert {row["arm"] for row in analysis.recurrence()["arms_compared"]} == {"two"}


def test_each_arm_is_compared_with_the_first_of_its_own_parameter_set():
    arms = [
        {"name": name, "regimens": [], "cancer": cancer}
        for name, cancer in (
            ("a", "early-breast"), ("b", "early-breast"),
            ("c", "early-breast-reservoir"), ("d", "early-breast-reservoir"),
        )
    ]  # fmt: skip
    study = panel(400, plan=protocol(arms=arms))
    found = Analysis(study.protocol, study).references()
    assert found == {"a": "a", "b": "a", "c": "a", "d": "c"}


def test_a_study_that_selects_its_patients_judges_no_row_of_the_tables():
    plan = protocol(eligibility={"er": "positive"}, published=tables().get("published", []))
    rows = Analysis(plan, panel(300, plan=plan)).published()
    assert rows
    assert all(row["inside"] is None for row in rows if row["source"] == "evidence")
    assert "selects its patients" in rows[0]["remark"]
