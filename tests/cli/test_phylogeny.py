"""``marrowtrace phylogeny``: the agreed forms, every input, messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest
from typer.testing import CliRunner

from marrowtrace.cli.phylogeny import app
from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, InputFileError, MissingFileError, OutputError
from marrowtrace.io.folder import save_cohort
from marrowtrace.phylogeny.bundled import bundled_file

AGREED = {"migrations", "comigrations", "seeding_sites", "pattern", "solutions"}


def run(*arguments: object) -> tuple[str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def migrate(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("migrate", *arguments, "--json")[0])
    return found


def test_migrate_json_has_the_agreed_form():
    found = migrate("A31.tree", "A31.observed.labeling", "--primary", "prostate")
    assert set(found) >= AGREED
    assert (found["migrations"], found["comigrations"], found["pattern"]) == (10, 4, "pS")
    assert found["solutions"] == 4
    assert "histories" not in found


def test_migrate_order_and_histories():
    found = migrate(
        "A10.leaves.tree", "A10.leaves.labeling", "--primary", "prostate", "--order", "M",
        "--histories",
    )  # fmt: skip
    assert (found["solutions"], found["patterns"]) == (6, {"mPS": 2, "mS": 4})
    assert len(found["histories"]) == 6
    assert found["histories"][0]["nodes"][0] == {
        "clone": "grey",
        "site": "prostate",
        "parent": None,
    }


def test_migrate_of_a_newick_tree(tmp_path: Path):
    (tmp_path / "t.nwk").write_text("((x,y)b,z)a;")
    (tmp_path / "l").write_text("x M\ny M\nz P\n")
    found = migrate(tmp_path / "t.nwk", tmp_path / "l", "--primary", "P")
    assert (found["migrations"], found["pattern"]) == (1, "mPS")
    (tmp_path / "t.nwk").write_text("(x,y)a;(x,y)a;")
    with pytest.raises(InputFileError, match="holds 2 trees; one is wanted"):
        run("migrate", tmp_path / "t.nwk", tmp_path / "l", "--primary", "P")


def test_migrate_with_an_unknown_primary():
    arguments = ("A31.tree", "A31.observed.labeling", "--primary", "unknown")
    assert migrate(*arguments)["rootings"]["candidates"] == ["left_adrenal_gland"]
    out, err = run("migrate", *arguments)
    assert "Each site as the primary" in out
    assert "left_adrenal_gland alone costs least" in err


def test_migrate_in_words():
    out, err = run("migrate", "A31.leaves.tree", "A31.leaves.labeling", "--primary", "prostate")
    assert "13 migrations, 7 comigrations" in out
    assert "polyclonal reseeding" in out
    assert "These are all 2 histories" in err
    assert "self-seeding" in err


def test_migrate_refuses():
    with pytest.raises(InputFileError, match=r"did you mean 'prostate'\?"):
        run("migrate", "A31.tree", "A31.observed.labeling", "--primary", "prostat")
    with pytest.raises(MissingFileError):
        run("migrate", "none.tree", "A31.observed.labeling", "--primary", "prostate")


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def test_run_on_bulk_samples_with_copies_and_tree(tmp_path: Path):
    """Two sites of A22 and its first clones, as files of one's own."""
    lines = bundled_file("A22.mutations.csv").read_text().splitlines()
    rows = [line for line in lines[1:] if line.startswith(("A22-A,", "A22-C,"))]
    (tmp_path / "P7.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    copies = bundled_file("A22.segments.tsv").read_text().splitlines()
    part = [line for line in copies[1:] if line.startswith(("A22-A\t", "A22-C\t"))]
    (tmp_path / "s.tsv").write_text("\n".join([copies[0], *part]) + "\n")
    (tmp_path / "t.tree").write_text("a b\na c\n")
    (tmp_path / "l").write_text("a prostate\nb left_humerus_bone_marrow\nc prostate\n")
    run(
        "run", tmp_path / "P7.csv", "--primary", "prostate", "-o", tmp_path / "out",
        "--copies", tmp_path / "s.tsv", "--tree", tmp_path / "t.tree", "--labeling", tmp_path / "l",
    )  # fmt: skip
    found = results(tmp_path / "out")
    pair = next(
        p for p in found["overlap"]["pairs"] if p["source"] == "prostate" and p["group"] == "all"
    )
    assert (found["patient"], pair["shared"], pair["mutations"]) == ("P7", 51, 63)
    assert (found["migrations"], found["comigrations"], found["seeding_sites"]) == (1, 1, 1)
    assert "identical" in found["copy_numbers"]["definitions"]
    assert (tmp_path / "out" / "overlap.csv").read_text().startswith("source,target,group")
    with pytest.raises(OutputError, match="exists already"):
        run("run", tmp_path / "P7.csv", "-o", tmp_path / "out")


def test_run_on_cells_with_an_unknown_primary(tmp_path: Path):
    _, err = run("run", "CRC1", "--primary", "unknown", "-o", tmp_path / "out")
    found = results(tmp_path / "out")
    assert (found["primary"], found["migrations"]) == ("unknown", 1)
    assert "126 of 178 cells were left out" in err
    assert "The primary is not known" in err
    assert {row["reason"] for row in found["left_out"]} == {"declared normal", "looks normal"}


def test_run_on_a_maf(tmp_path: Path):
    head = "Hugo_Symbol\tChromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2\t"
    head += "Tumor_Sample_Barcode\tt_depth\tt_alt_count\n"
    rows = "TP53\t17\t7577120\tC\tT\ts1\t90\t40\nTP53\t17\t7577120\tC\tT\ts2\t80\t30\n"
    (tmp_path / "x.maf").write_text(head + rows + "KRAS\t12\t25398284\tC\tA\ts1\t70\t30\n")
    (tmp_path / "l.tsv").write_text("sample\tsite\ns1\tprimary\ns2\tbone_marrow\n")
    run("run", tmp_path / "x.maf", "--labels", tmp_path / "l.tsv", "-o", tmp_path / "out")
    found = results(tmp_path / "out")
    pair = found["overlap"]["pairs"][0]
    assert (found["primary"], pair["shared"], pair["lost"], pair["unknown"]) == ("primary", 1, 0, 1)


def test_run_on_a_matrix_of_cells_and_on_a_cohort(tmp_path: Path):
    names = [f"c{i}" for i in range(60)]
    codes = np.array([[1, 1, 0] if i < 30 else [1, 0, 1] for i in range(60)], dtype=float)
    sites = ["primary"] * 30 + ["bone_marrow"] * 30
    var = pd.DataFrame(index=["x", "y", "z"])
    matrix = anndata.AnnData(X=codes, obs=pd.DataFrame({"site": sites}, index=names), var=var)
    matrix.write_h5ad(tmp_path / "cells.h5ad")
    tables = {
        "patients": pl.DataFrame({"patient_id": ["P1"]}),
        "samples": pl.DataFrame(
            {"sample_id": ["s1", "s2"], "patient_id": ["P1"] * 2,
             "site": ["primary", "bone_marrow"], "time": [0.0, 9.0]}
        ),
        "cells": pl.DataFrame({"cell_id": names, "sample_id": ["s1"] * 30 + ["s2"] * 30}),
    }  # fmt: skip
    bare = anndata.AnnData(X=codes, obs=pd.DataFrame(index=names), var=var)
    cohort = Cohort.from_tables(tables, index_event="diagnosis", matrices={"variants": bare})
    save_cohort(cohort, tmp_path / "cohort")
    for source in ("cells.h5ad", "cohort"):
        run("run", tmp_path / source, "-o", tmp_path / "out", "--keep-all", "--overwrite")
        pair = results(tmp_path / "out")["overlap"]["pairs"][0]
        assert (pair["mutations"], pair["shared"], pair["lost"]) == (2, 1, 1), source
    with pytest.raises(CohortError, match="'P2' is not a patient"):
        run("run", tmp_path / "cohort", "--patient", "P2", "-o", tmp_path / "out", "--overwrite")


def test_run_refuses(tmp_path: Path):
    with pytest.raises(InputFileError, match="--tree and --labeling go together"):
        run("run", "CRC1", "-o", tmp_path / "out", "--tree", "A22.tree")
    with pytest.raises(InputFileError, match="needs --labels: a table of each cell's site"):
        run("run", bundled_file("CRC2.csv"), "--format", "scarlet", "-o", tmp_path / "out")
    (tmp_path / "x.maf").write_text("")
    with pytest.raises(InputFileError, match="needs --labels: a table of each sample's site"):
        run("run", tmp_path / "x.maf", "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()
