from __future__ import annotations

import json

import polars as pl
import pytest

from marrowtrace.errors import OutputError
from marrowtrace.report.prognosis_files import (
    prognosis_json,
    prognosis_tables,
    write_prognosis,
)
from tests.report.prognoses import figures as drawn
from tests.report.prognoses import made, pairs, whole


def test_folder_holds_everything(tmp_path):
    folder = tmp_path / "out"
    write_prognosis(whole(), pairs(), made(), folder, name="demo", seed=1)
    found = json.loads((folder / "results.json").read_text())
    assert found["schema"] == "marrowtrace.prognosis/1"
    assert found["pairs"][2]["agreement"]["measures"]["kappa"] is not None
    assert json.loads((folder / "provenance.json").read_text())["seed"] == 1
    tables = {path.stem for path in (folder / "tables").glob("*.csv")}
    assert tables == set(prognosis_tables(whole(), pairs(), made()))
    assert pl.read_csv(folder / "tables" / "flow.csv").height == whole().found.flow.height
    figures = {path.stem for path in (folder / "figures").glob("*.svg")}
    assert figures == set(drawn())
    with pytest.raises(OutputError, match="exists already"):
        write_prognosis(whole(), pairs(), made(), folder, name="demo", seed=1)
    assert prognosis_json(whole(), pairs())["endpoint"] == "relapse"
