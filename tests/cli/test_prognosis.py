"""``marrowtrace prognosis``: forms that others rely on, messages, files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from marrowtrace.cli.prognosis import app
from marrowtrace.errors import CohortError, OutputError
from marrowtrace.io.folder import save_cohort
from marrowtrace.io.reshape import import_file
from tests.survival.known_truth import cohort
from tests.survival.r_data import DATA

PAIR = ["--markers", "DTC_post,CTC_post", "--landmark", "365d"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("cohorts") / "drawn"
    save_cohort(cohort(np.random.default_rng(71), 300), place, format="parquet", replace=False)
    return place


def run(*arguments: object) -> tuple[str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def test_analysis_of_a_cohort(folder, tmp_path):
    out, err = run(
        folder, "--endpoint", "relapse", "--markers", "DTC_pre,DTC_post", "--landmark", "365d",
        "-o", tmp_path / "out", "--adjust", "age,nodes", "--bootstrap", "20",
    )  # fmt: skip
    for words in ("left out: relapse by day 365", "DTC_post: hazard ratio for relapse",
                  "Hazard ratios", "Prediction at", "What DTC_pre adds to the clinical variables",
                  "Best cut-point of DTC_pre", "From DTC_pre to DTC_post"):  # fmt: skip
        assert words in out, words
    assert "Please cite:" in err
    assert "McShane" in err
    assert f"Report: {tmp_path / 'out' / 'report.html'}" in err
    assert (tmp_path / "out" / "tables" / "hazard_ratios.csv").exists()
    with pytest.raises(OutputError, match="exists already; choose another folder"):
        run(folder, "--endpoint", "relapse", "--markers", "DTC_pre", "-o", tmp_path / "out")


def test_options_may_come_first(folder):
    out, _ = run("--endpoint", "relapse", "--markers", "DTC_pre:>=1", folder)
    assert "DTC_pre:>=1: hazard ratio for relapse" in out


def test_json(folder):
    out, err = run(folder, "--endpoint", "relapse", "--markers", "DTC_pre", "--json")
    found = json.loads(out)
    assert found["schema"] == "marrowtrace.prognosis/1"
    assert found["markers"][0]["marker"] == "DTC_pre"
    assert "with -o the report lists all" in err


def test_compare_in_the_form_that_others_rely_on(folder):
    out, _ = run("compare", folder, "--endpoint", "relapse", *PAIR, "--json")
    found = json.loads(out)
    assert found["markers"] == ["DTC_post", "CTC_post"]
    assert found["landmark"] == 365
    assert found["patients"] > found["events"] > 0
    assert {"metric", "estimate", "ci_low", "ci_high", "p"} <= set(found["differences"][0])
    assert {row["metric"] for row in found["differences"]} >= {"log_hazard_ratio", "auc", "brier"}
    text, _ = run("compare", folder, "--endpoint", "relapse", *PAIR)
    assert "Differences, first less second" in text


def test_help_shows_both_forms_and_the_options():
    out, _ = run("--help")
    assert "compare" in out
    assert "--landmark" in out
    assert "--endpoint" in run("compare", "--help")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--markers", "DTC_post"], r"(?s)immortal time.*with --landmark"),
        (["--markers", ""], "no marker was given"),
        (["--markers", "DTC_pre", "--landmark", "soon"], "the landmark 'soon' is not a day"),
        (["--markers", "DTC_pre", "--horizon", "x"], "the horizon 'x' is not a day"),
        (["--markers", "DTC_pre", "--thresholds", "a"], "thresholds 'a' are not numbers"),
        (["--markers", "DTC_pre", "--endpoint", "relaps"], "did you mean 'relapse'"),
    ],
)
def test_messages(folder, arguments, message):
    with pytest.raises(CohortError, match=message):
        run(folder, "--endpoint", "relapse", *arguments)


def test_one_landmark_for_a_comparison(folder):
    with pytest.raises(CohortError, match="a comparison has one landmark; 2 were given"):
        run("compare", folder, "--endpoint", "relapse", "--markers", "DTC_post,CTC_post",
            "--landmark", "365d,400d")  # fmt: skip


def test_a_trial_without_markers_says_so():
    with pytest.raises(CohortError, match="this cohort has no marker"):
        run("azure", "--endpoint", "DFS", "--markers", "DTC_pre")


def test_real_patients_with_serial_measurements(tmp_path):
    """Bilirubin of 312 patients with primary biliary cholangitis; transplantation competes."""
    import gzip

    table = tmp_path / "pbcseq.csv"
    table.write_bytes(gzip.decompress((DATA / "pbcseq.csv.gz").read_bytes()))
    imported = import_file(table, DATA / "pbcseq.mapping.toml").cohort
    save_cohort(imported, tmp_path / "pbc", format="parquet", replace=False)
    out, _ = run(
        tmp_path / "pbc", "--endpoint", "OS", "--markers", "bili_pre:log2", "--json",
    )  # fmt: skip
    found = json.loads(out)
    assert found["patients"] == 312
    assert found["landmark"] == 0
    ratio = found["markers"][0]["models"]["marker alone"]["covariates"][0]
    assert ratio["low"] > 1.5
    out, _ = run(
        "compare", tmp_path / "pbc", "--endpoint", "OS", "--landmark", "365d",
        "--markers", "bilirubin:log2,albumin:low", "--json",
    )  # fmt: skip
    area = next(r for r in json.loads(out)["differences"] if r["metric"] == "auc")
    assert area["ci_low"] > 0
