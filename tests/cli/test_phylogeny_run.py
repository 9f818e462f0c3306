"""``marrowtrace phylogeny run``: the agreed form of its results, and the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marrowtrace.cli.phylogeny import app
from marrowtrace.errors import CohortError

AGREED = {"verdict", "support", "overlap", "timing", "migrations", "comigrations", "seeding_sites"}


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["run", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def test_results_have_the_agreed_form(tmp_path: Path):
    said = run("CRC1", "-o", tmp_path / "out", "--expansion", 5, "--clock", 2, "--seed", 3)
    assert "Verdict: linear" in said
    assert "Hu Z" in said
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert set(found) >= AGREED
    assert found["verdict"] in {"linear", "parallel", "mixed", "undetermined"}
    assert set(found["support"]) == {"linear", "parallel", "mixed"}
    assert sum(found["support"].values()) == pytest.approx(1.0)
    assert found["timing"]["sites"][0]["apart"] == pytest.approx(2.5)
    files = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"report.html", "cells.nwk", "clades.csv", "lineages.csv", "timing.csv"} < files
    assert "marrowtrace phylogeny run CRC1" in (tmp_path / "out" / "report.html").read_text()


def test_a_threshold_that_is_none(tmp_path: Path):
    with pytest.raises(CohortError, match=r"threshold: 1\.5"):
        CliRunner().invoke(
            app, ["run", "CRC1", "-o", str(tmp_path / "o"), "--threshold", "1.5"],
            catch_exceptions=False,
        )  # fmt: skip
    assert not (tmp_path / "o").exists()
