from __future__ import annotations

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from marrowtrace.assays import assay, names, read
from marrowtrace.assays.power import power
from marrowtrace.cli.assay import SCHEMA, app
from marrowtrace.errors import CatalogError, ParameterError


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


def payload(*arguments: str) -> dict[str, object]:
    found = json.loads(run(*arguments, "--json")[0])
    assert found.pop("schema") == SCHEMA
    return found


def test_list_names_every_assay():
    assert [row["name"] for row in payload("list")["assays"]] == list(names())
    out, err = run("list")
    assert "cellsearch" in out
    assert "assay show NAME" in err


def test_show_gives_every_number_with_its_source():
    found = payload("show", "cellsearch")
    rows = {row["symbol"]: row for row in found["numbers"]}
    assert set(rows) == set(assay("cellsearch").numbers)
    assert rows["recovery"]["citation"] == "allard2004"
    out, err = run("show", "a45-b-b3")
    assert "recovery" in out
    assert "Please cite:" in err
    assert "Borgen" in err


def test_show_prints_a_file_to_start_from(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(run("show", "iset", "--toml")[0], encoding="utf-8")
    assert read(path).markers == assay("iset").markers
    assert payload("show", str(path))["assay"]["name"] == "iset"


def test_power_writes_the_table_and_the_figure(tmp_path):
    out, err = run("power", "a45-b-b3", "--cells", "1e4,1e5", "--volumes", "2e6,1e7",
                   "--aspirates", "1,2", "-o", str(tmp_path / "new"))  # fmt: skip
    wanted = power(assay("a45-b-b3"), [1e4, 1e5], amounts=[2e6, 1e7], aspirates=(1, 2))
    written = pl.read_csv(tmp_path / "new" / "power.csv")
    assert written["probability"].to_list() == pytest.approx(wanted.rows["probability"].to_list())
    assert (tmp_path / "new" / "detectable.csv").is_file()
    assert (tmp_path / "new" / "power.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "new" / "power.png").is_file()
    assert "half of samples are positive" in out
    assert "Wrote" in err


def test_power_as_json():
    found = payload("power", "cellsearch", "--cells", "100", "--phenotype", "1,0,0", "--burst", "1")
    assert found["power"]["phenotype"] == [1, 0, 0]
    assert found["power"]["burst_log_sd"] == 1
    assert len(found["power"]["rows"]) == 1


def test_arguments_that_cannot_be():
    for arguments, error, match in (
        (("show", "celsearch"), CatalogError, "did you mean 'cellsearch'"),
        (("power", "iset", "--cells", "1,x"), ParameterError, "--cells has 'x'"),
        (("power", "iset", "--phenotype", "1,0"), ParameterError, "has 2 shares; give three"),
        (("power", "iset", "--aspirates", "1.5"), ParameterError, "not whole numbers"),
    ):
        with pytest.raises(error, match=match):
            run(*arguments)
