from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from marrowtrace.catalog import (
    calibration,
    description,
    diff,
    names,
    parameter_set,
    regimen_names,
    targets,
)
from marrowtrace.cli.catalog import SCHEMA, app
from marrowtrace.errors import CatalogError


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


def payload(*arguments: str) -> dict[str, object]:
    found = json.loads(run(*arguments, "--json")[0])
    assert found.pop("schema") == SCHEMA
    return found


def test_list_names_every_set_and_regimen():
    found = payload("list")
    assert [row["name"] for row in found["models"]] == names()
    assert [row["name"] for row in found["regimens"]] == regimen_names()


def test_list_as_a_table_is_data_on_stdout():
    out, err = run("list")
    assert "early-breast" in out
    assert "zoledronate" in out
    assert err == "`marrowtrace catalog show NAME` prints one with its sources.\n"


def test_show_gives_every_parameter_with_its_source():
    found = payload("show", "early-breast")
    rows = {row["symbol"]: row for row in found["parameters"]}
    assert set(rows) == set(parameter_set("early-breast"))
    assert rows["ctc_half_life"]["citation"] == "meng2004"
    assert rows["ctc_half_life"]["canonical"] == 1.5 / 24
    fit = calibration(description("early-breast").calibration)
    assert all(row["informed"] == fit.informed(symbol) for symbol, row in rows.items())
    assert found["model"]["structure"] == "parallel"


def test_show_as_a_table_ends_with_the_papers_to_cite():
    out, err = run("show", "breast", "--topic", "blood")
    assert "ctc_half_life" in out
    assert "shedding_multiplier.*" in out
    assert "blood_volume" in out
    assert "node_intercept" not in out
    assert "Meng S, Tripathy D" in err
    assert err.index("Please cite:") < err.index("Sai B, Xiang J (2018)")


def test_show_of_one_topic_as_json():
    assert {row["topic"] for row in payload("show", "lung", "--topic", "assays")["parameters"]} == {
        "assays"
    }


def test_show_of_a_regimen():
    found = payload("show", "docetaxel-secondary")["regimen"]
    assert found["rule_specimen"] == "bone_marrow"
    out, err = run("show", "docetaxel-secondary")
    assert "only if bone_marrow" in out
    assert "Naume B" in err


def test_show_of_targets():
    rows = payload("show", "localised-prostate", "--targets")["targets"]
    assert [row["name"] for row in rows] == [t.name for t in targets("localised-prostate")]
    out, err = run("show", "localised-prostate", "--targets")
    assert "dtc_at_diagnosis" in out
    assert "Berg A" in err


def test_diff_lists_the_differences():
    found = payload("diff", "early-breast", "lung")
    expected = [item.symbol for item in diff("early-breast", "lung")]
    assert [row["symbol"] for row in found["differences"]] == expected
    assert "age_mean" in run("diff", "early-breast", "lung")[0]


def test_diff_with_sources_says_more():
    with_sources = payload("diff", "early-breast", "lung", "--sources")["differences"]
    assert len(with_sources) > len(payload("diff", "early-breast", "lung")["differences"])


def test_diff_of_a_set_with_itself_says_so():
    out, err = run("diff", "lung", "lung")
    assert (out, err) == ("", "lung and lung have the same values and ranges.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "brest"], "model 'brest' is not in the catalogue; did you mean 'breast'?"),
        (
            ["show", "zoledronat"],
            "regimen 'zoledronat' is not in the catalogue; did you mean 'zoledronate'?",
        ),
        (
            ["show", "breast", "--topic", "marow"],
            "topic 'marow' is not in the catalogue; did you mean 'marrow'?",
        ),
        (["diff", "breast", "lugn"], "model 'lugn' is not in the catalogue; did you mean 'lung'?"),
    ],
)
def test_an_unknown_name_is_an_error_of_the_user(arguments, message):
    with pytest.raises(CatalogError) as caught:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert str(caught.value) == message
