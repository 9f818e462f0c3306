import json

import pytest
from typer.testing import CliRunner

from marrowtrace.cli.study import app
from marrowtrace.errors import CatalogError, OutputError, SimulationError


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def test_list():
    found = json.loads(invoke("list", "--json").stdout)["studies"]
    assert {"early-breast", "reservoir"} <= {row["name"] for row in found}
    assert all(row["question"] and row["patients"] for row in found)
    assert "early-breast" in invoke("list").stdout


def test_show():
    assert invoke("show", "early-breast").stdout.startswith("# Early breast cancer")
    found = json.loads(invoke("show", "early-breast", "--json").stdout)
    assert found["visits"][0]["name"] == "diagnosis"
    assert found["follow_up"]["accrual"] == 0.0
    with pytest.raises(CatalogError, match="did you mean 'colorectal'"):
        invoke("show", "colorectel")


def test_new_then_check(tmp_path):
    file = tmp_path / "trial one.toml"
    assert f"marrowtrace study check {file}" in invoke("new", file).stderr
    assert 'name = "trial-one"' in file.read_text(encoding="utf-8")
    assert "is in order: 2,000 patients" in invoke("check", file).stderr
    assert json.loads(invoke("check", file, "--json").stdout)["problems"] == []
    assert invoke("show", file).stdout == file.read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="exists already; choose another name, or ask to replace"):
        invoke("new", file)
    invoke("new", file, "--from", "metastatic-breast", "--replace")
    assert 'cancer = "metastatic-breast"' in file.read_text(encoding="utf-8")
    assert "1 arm, 3 visits" in invoke("check", file).stderr


def test_check_lists_every_problem(tmp_path):
    file = tmp_path / "bad.toml"
    invoke("new", file)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("2_000", "-1").replace("8 months", "8"), encoding="utf-8")
    with pytest.raises(SimulationError, match=r"2 problems in bad\.toml:") as caught:
        invoke("check", file)
    assert "patients: is -1" in str(caught.value)
    assert "visits[1].day: is '8' without a unit" in str(caught.value)
