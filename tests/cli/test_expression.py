import json

import numpy as np
import pytest
from typer.testing import CliRunner

from marrowtrace.cli.expression import app
from marrowtrace.errors import InputFileError
from marrowtrace.expression.programs import program
from tests.expression.made_expression import made

RUNNER = CliRunner()


def written(path, expression):
    lines = [",".join(["gene", *expression.samples])]
    for gene, row in zip(expression.genes, expression.values.T, strict=True):
        lines.append(",".join([gene, *(f"{v:.4f}" for v in row)]))
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrices")
    up = program("epithelial").up
    one = made(14, seed=1, name="ctc", raised=up, rows=slice(0, 7), by=5.0)
    two = made(12, seed=2, name="dtc")
    sheet = folder / "samples.csv"
    rows = [f"{s},{'CTC' if i < 7 else 'DTC'},p{i % 7}" for i, s in enumerate(one.samples)]
    sheet.write_text("sample,type,patient\n" + "\n".join(rows) + "\n")
    return written(folder / "a.csv", one), written(folder / "b.csv", two), str(sheet)


def test_design_refuses_what_is_confounded(files):
    done = RUNNER.invoke(app, ["design", *files[:2], "--types", "CTC,DTC", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["identifiable"] is False
    assert "type and study are one and the same" in found["reason"]
    assert found["contrasts"][0]["within_studies"] == []


def test_design_with_metadata_in_words(files, tmp_path):
    picture = tmp_path / "design.svg"
    done = RUNNER.invoke(
        app, ["design", files[0], "--metadata", files[2], "--figure", str(picture)]
    )
    assert done.exit_code == 0, done.output
    assert "DTC against CTC: can be answered" in done.stdout
    assert "<svg" in picture.read_text()


def test_run_writes_results_and_page(files, tmp_path):
    out = tmp_path / "out"
    done = RUNNER.invoke(app, ["run", files[0], "--metadata", files[2], "-o", str(out)])
    assert done.exit_code == 0, done.output
    found = json.loads((out / "results.json").read_text())
    assert found["design"]["identifiable"] is True
    assert found["comparisons"][0]["method"] == "moderated t"
    assert found["matrices"][0]["cells"] is True
    assert found["provenance"]["sources"][0]["name"] == "a.csv"
    page = (out / "report.html").read_text()
    assert "DTC against CTC in a" in page
    for name in ("heatmap-1", "scores-1", "design", "volcano-1"):
        for form in ("svg", "png", "pdf"):
            assert (out / "figures" / f"{name}.{form}").stat().st_size > 1000
    assert list(out.glob("fractions-*.toml"))


def test_run_on_confounded_matrices_says_what_was_refused(files, tmp_path):
    out = tmp_path / "out"
    done = RUNNER.invoke(app, ["run", *files[:2], "--types", "CTC,DTC", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "Refused: DTC against CTC cannot be estimated" in done.stderr
    found = json.loads((out / "results.json").read_text())
    assert found["comparisons"] == []
    assert "cannot be compared" in (out / "report.html").read_text()


def test_column_without_a_table(files):
    done = RUNNER.invoke(app, ["design", files[0], "--type-column", "x"])
    assert isinstance(done.exception, InputFileError)
    assert "give --metadata" in str(done.exception)


def test_observations_of_anndata_are_the_metadata(tmp_path):
    import anndata
    import pandas as pd

    expression = made(8)
    data = anndata.AnnData(
        X=expression.values,
        obs=pd.DataFrame({"sorted": ["CTC", "DTC"] * 4}, index=list(expression.samples)),
        var=pd.DataFrame(index=list(expression.genes)),
    )
    data.write_h5ad(tmp_path / "m.h5ad")
    done = RUNNER.invoke(
        app, ["design", str(tmp_path / "m.h5ad"), "--type-column", "sorted", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["identifiable"] is True


def test_bundled_data_set():
    done = RUNNER.invoke(app, ["design", "rm1", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["types"] == ["dormant", "control", "reawakened"]
    assert {(c["first"], c["second"]) for c in found["contrasts"]} >= {("control", "dormant")}
    assert np.isclose(found["contrasts"][0]["efficiency"], 1.0)
