from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings

from marrowtrace.cohort import TABLES, Cohort
from marrowtrace.errors import CohortError, InputFileError, MissingFileError, OutputError
from marrowtrace.io.anndata_file import export_cells, import_cells, read_matrix, write_matrix
from tests.cohort_strategy import cohorts


def without_cells(cohort: Cohort) -> Cohort:
    tables = {name: frame for name, frame in cohort.tables.items() if name != "cells"}
    return Cohort.from_tables(tables, index_event=cohort.index_event)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=cohorts(matrices=True))
def test_cells_and_matrices_return_equal(tmp_path_factory, drawn: Cohort):
    assume(drawn.matrices)
    # .h5ad has one word for NaN and missing
    cells = drawn.cells.with_columns(pl.col(pl.Float64).fill_nan(None))
    cohort = Cohort.from_tables(
        {**drawn.tables, "cells": cells}, index_event=drawn.index_event, matrices=drawn.matrices
    )
    folder = tmp_path_factory.mktemp("h5ad")
    loaded = without_cells(cohort)
    for name in cohort.matrices:
        path = export_cells(cohort, name, path=folder / f"{name}.h5ad")
        loaded = import_cells(loaded, path, matrix=name).cohort
    assert loaded.equals(cohort)


@pytest.fixture
def cohort() -> Cohort:
    matrix = anndata.AnnData(
        np.array([[1.5, 0.0], [np.nan, 2.0]]),
        obs=pd.DataFrame({"batch": ["x", "y"]}, index=["C1", "C2"]),
        var=pd.DataFrame({"gene": ["KRT8", "EPCAM"]}, index=["ENSG1", "ENSG2"]),
    )
    tables = {
        "patients": pl.DataFrame({"patient_id": ["P1"], "age": [60.0], "CTC/7.5ml": [3]}),
        "samples": pl.DataFrame(
            {"sample_id": ["S1"], "patient_id": ["P1"], "site": ["bone_marrow"], "time": [5.0]}
        ),
        "cells": pl.DataFrame(
            {
                "cell_id": ["C1", "C2"],
                "sample_id": ["S1", "S1"],
                "phenotype": ["epithelial", None],
                "reads/cell": [10, None],
                "live": [True, None],
                "_index": ["", "a"],
            }
        ),
    }
    return Cohort.from_tables(tables, index_event="surgery", matrices={"expression": matrix})


def test_other_programs_see_sample_and_patient(cohort: Cohort, tmp_path: Path):
    obs = anndata.read_h5ad(export_cells(cohort, "expression", path=tmp_path / "x.h5ad")).obs
    assert obs["sample.site"].tolist() == ["bone_marrow", "bone_marrow"]
    assert obs["patient.age"].tolist() == [60.0, 60.0]
    assert obs["patient.CTC%2F7.5ml"].tolist() == [3, 3]
    assert obs["phenotype"].tolist()[0] == "epithelial"
    assert "patient.stage" not in obs


def test_columns_that_hdf5_cannot_name_return(cohort: Cohort, tmp_path: Path):
    path = export_cells(cohort, "expression", path=tmp_path / "x.h5ad")
    loaded = import_cells(without_cells(cohort), path, matrix="expression")
    assert loaded.cohort.equals(cohort)
    assert loaded.report == ("x.h5ad: 2 cells x 2 features taken as expression",)
    assert loaded.cohort.matrices["expression"].var["gene"].tolist() == ["KRT8", "EPCAM"]


def test_writing_leaves_the_matrix_as_it_was(cohort: Cohort, tmp_path: Path):
    matrix = cohort.matrices["expression"]
    write_matrix(matrix, tmp_path / "x.h5ad")
    assert matrix.obs["batch"].dtype == object
    assert matrix.var["gene"].dtype == object


def test_view_is_written(cohort: Cohort, tmp_path: Path):
    write_matrix(cohort.matrices["expression"][["C2"]], tmp_path / "x.h5ad")
    assert read_matrix(tmp_path / "x.h5ad").obs_names.tolist() == ["C2"]


class TestForeignFiles:
    def make(self, path: Path, obs: dict[str, Any], names: list[str] | None = None) -> Path:
        n = len(next(iter(obs.values())))
        frame = pd.DataFrame(obs, index=names or [f"K{i}" for i in range(n)])
        anndata.AnnData(np.ones((n, 3)), obs=frame).write_h5ad(path)
        return path

    def test_obs_becomes_cells(self, cohort: Cohort, tmp_path: Path):
        path = self.make(
            tmp_path / "x.h5ad",
            {
                "sample_id": ["S1", "S1"],
                "phenotype": ["a", "b"],
                "n_genes": [5, 6],
                "score": [0.5, np.nan],
                "louvain": pd.Categorical([1, 2]),
                "doublet": [True, False],
            },
        )
        made = import_cells(without_cells(cohort), path, matrix="expression")
        cells = made.cohort.cells
        assert cells["cell_id"].to_list() == ["K0", "K1"]
        assert cells["phenotype"].to_list() == ["a", "b"]
        assert cells["score"].to_list() == [0.5, None]
        assert cells.schema["n_genes"] == pl.Int64
        assert cells.schema["louvain"] == pl.Int64
        assert cells["doublet"].to_list() == [True, False]
        assert "further columns of obs kept: n_genes, score, louvain, doublet" in made.report

    def test_identifying_columns_stay_behind(self, cohort: Cohort, tmp_path: Path):
        path = self.make(
            tmp_path / "x_2021-03-04.h5ad",
            {"sample_id": ["S1"], "surname": ["Ada"], "sorted": ["on 2021-03-04"], "ok": ["a"]},
        )
        made = import_cells(without_cells(cohort), path, matrix="expression")
        assert set(made.cohort.cells.columns) - {"ok"} == set(TABLES["cells"].names)
        assert "column 'surname' of obs looks like names; left behind" in made.report
        assert "column 'sorted' of obs looks like calendar dates; left behind" in made.report
        assert "2021" not in " ".join(made.report)

    def test_sample_column_of_another_name(self, cohort: Cohort, tmp_path: Path):
        path = self.make(tmp_path / "x.h5ad", {"orig.ident": ["S1"], "sample_id": ["other"]})
        made = import_cells(
            without_cells(cohort), path, matrix="variants", sample_column="orig.ident"
        )
        assert made.cohort.cells["sample_id"].to_list() == ["S1"]
        assert "column 'orig.ident' of obs names the sample" in made.report
        assert "column 'sample_id' of obs is not used" in made.report

    def test_no_sample_column(self, cohort: Cohort, tmp_path: Path):
        path = self.make(tmp_path / "x.h5ad", {"sampleid": ["S1"]})
        with pytest.raises(InputFileError, match=r"no column 'sample_id'.*did you mean 'sampleid'"):
            import_cells(without_cells(cohort), path, matrix="expression")

    def test_unknown_sample(self, cohort: Cohort, tmp_path: Path):
        path = self.make(tmp_path / "x.h5ad", {"sample_id": ["S9"]})
        with pytest.raises(CohortError, match=r"name 'S9', which is not in samples"):
            import_cells(without_cells(cohort), path, matrix="expression")

    def test_cells_of_the_cohort_are_kept(self, cohort: Cohort, tmp_path: Path):
        path = self.make(tmp_path / "x.h5ad", {"phenotype": ["q", "r"]}, ["C2", "C1"])
        made = import_cells(cohort, path, matrix="copy_number")
        assert made.cohort.cells.equals(cohort.cells)
        assert made.cohort.matrices["copy_number"].obs_names.tolist() == ["C1", "C2"]
        assert "the cohort's own cells table is kept; columns of obs are not used" in made.report

    def test_other_cells_than_the_cohort(self, cohort: Cohort, tmp_path: Path):
        path = self.make(tmp_path / "x.h5ad", {"phenotype": ["q", "r"]}, ["C1", "C3"])
        with pytest.raises(CohortError, match=r"1 cell\(s\) missing, 1 unknown"):
            import_cells(cohort, path, matrix="copy_number")

    def test_unknown_matrix(self, cohort: Cohort, tmp_path: Path):
        with pytest.raises(CohortError, match=r"'variant' is not a matrix.*'variants'"):
            import_cells(cohort, tmp_path / "x.h5ad", matrix="variant")
        with pytest.raises(CohortError, match=r"has no matrix 'variants'; it has: expression"):
            export_cells(cohort, "variants", path=tmp_path / "x.h5ad")


class TestDamage:
    @pytest.mark.parametrize("text", [b"", b"cell,gene\n1,2\n"])
    def test_no_hdf5(self, tmp_path: Path, text: bytes):
        (tmp_path / "x.h5ad").write_bytes(text)
        with pytest.raises(InputFileError, match=r"'x\.h5ad' is not an \.h5ad file, or is cut"):
            read_matrix(tmp_path / "x.h5ad")

    def test_truncated(self, cohort: Cohort, tmp_path: Path):
        path = export_cells(cohort, "expression", path=tmp_path / "x.h5ad")
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(InputFileError, match=r"cut short or damaged: .*truncated"):
            read_matrix(path)

    def test_other_hdf5(self, tmp_path: Path):
        import h5py

        with h5py.File(tmp_path / "x.h5ad", "w") as file:
            file["obs"] = [1]
        with pytest.raises(InputFileError, match=r"is HDF5 but not \.h5ad: it lacks var"):
            read_matrix(tmp_path / "x.h5ad")

    def test_missing(self, tmp_path: Path):
        with pytest.raises(MissingFileError):
            read_matrix(tmp_path / "x.h5ad")

    @pytest.mark.parametrize("where", ["obs", "var"])
    def test_names_that_hdf5_cannot_hold(self, cohort: Cohort, tmp_path: Path, where: str):
        matrix = cohort.matrices["expression"].copy()
        getattr(matrix, where)["a/b"] = 1
        with pytest.raises(OutputError, match=r"cannot hold a column named 'a/b'; rename it"):
            write_matrix(matrix, tmp_path / "x.h5ad")

    def test_text_that_hdf5_cannot_hold(self, cohort: Cohort, tmp_path: Path):
        matrix = cohort.matrices["expression"].copy()
        matrix.var_names = ["a\0b", "c"]
        with pytest.raises(OutputError, match=r"\.h5ad cannot hold the matrix"):
            write_matrix(matrix, tmp_path / "x.h5ad")

    def test_full_disk_leaves_the_old_file(self, cohort: Cohort, tmp_path: Path, monkeypatch):
        path = export_cells(cohort, "expression", path=tmp_path / "x.h5ad")
        before = path.read_bytes()

        def full(self: anndata.AnnData, *_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(anndata.AnnData, "write_h5ad", full)
        with pytest.raises(OutputError, match=r"the disk is full"):
            export_cells(cohort, "expression", path=path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]
