from __future__ import annotations

import gzip
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError, InputFileError, MissingFileError
from marrowtrace.io.maf import BULK, add_maf, read_maf

HEADER = (
    "Hugo_Symbol\tEntrez_Gene_Id\tNCBI_Build\tChromosome\tStart_Position\tReference_Allele\t"
    "Tumor_Seq_Allele1\tTumor_Seq_Allele2\tTumor_Sample_Barcode\tMatched_Norm_Sample_Barcode\t"
    "t_depth\tt_ref_count\tt_alt_count\tVariant_Classification"
)
ROWS = (
    "TP53\t7157\tGRCh38\tchr17\t7674220\tC\tC\tT\tS1\tN1\t100\t60\t40\tMissense_Mutation",
    "TP53\t7157\tGRCh38\tchr17\t7674220\tC\tC\tT\tS2\tN1\t20\t20\t0\tMissense_Mutation",
    "ERBB2\t2064\tGRCh38\tchr17\t39724775\tG\tG\t-\tS2\tN1\t\t7\t3\tFrame_Shift_Del",
)


def write(path: Path, *rows: str, header: str = HEADER, top: str = "#version gdc-1.0.0\n") -> Path:
    path.write_text(top + "\n".join((header, *rows)) + "\n")
    return path


@pytest.fixture
def maf(tmp_path: Path) -> Path:
    return write(tmp_path / "a.maf", *ROWS)


@pytest.fixture
def cohort() -> Cohort:
    samples = pl.DataFrame(
        {
            "sample_id": ["S1", "S2"],
            "patient_id": ["P1", "P1"],
            "site": ["primary", "bone_marrow"],
            "time": [0.0, 10.0],
        }
    )
    return Cohort.from_tables(
        {"patients": pl.DataFrame({"patient_id": ["P1"]}), "samples": samples},
        index_event="surgery",
    )


class TestReading:
    def test_counts(self, maf: Path):
        read = read_maf(maf)
        matrix = read.matrix
        assert matrix.obs_names.tolist() == ["S1", "S2"]
        assert matrix.var_names.tolist() == ["17:7674220:C>T", "17:39724775:G>-"]
        assert matrix.var["gene"].tolist() == ["TP53", "ERBB2"]
        assert matrix.var["position"].tolist() == [7674220, 39724775]
        assert matrix.obs["normal"].tolist() == ["N1", "N1"]
        assert matrix.layers["alt"].tolist() == [[40, 0], [0, 3]]
        assert matrix.layers["depth"].tolist() == [[100, 0], [20, 10]]
        assert matrix.layers["called"].tolist() == [[1, 0], [1, 1]]
        assert matrix.layers["alt"].dtype == np.int32
        assert read.report == (
            "a.maf: version gdc-1.0.0",
            "a.maf: 2 variants in 2 samples (3 calls)",
        )

    def test_gzip_old_capitals_and_quotation_marks(self, maf: Path, tmp_path: Path):
        text = maf.read_text().replace("Start_Position", "Start_position").replace("N1", '"N1')
        with gzip.open(tmp_path / "b.maf.gz", "wt") as file:
            file.write(text)
        read = read_maf(tmp_path / "b.maf.gz")
        assert read.matrix.layers["alt"].tolist() == read_maf(maf).matrix.layers["alt"].tolist()
        assert read.matrix.obs["normal"].tolist() == ['"N1', '"N1']

    def test_without_counts(self, tmp_path: Path):
        header = "\t".join(HEADER.split("\t")[:9])
        rows = ["\t".join(row.split("\t")[:9]) for row in ROWS]
        read = read_maf(write(tmp_path / "a.maf", *rows, header=header))
        assert read.matrix.layers["called"].sum() == 3
        assert read.matrix.layers["depth"].sum() == 0
        assert "3 call(s) have no read counts: called, with depth 0" in read.report

    def test_allele_in_the_first_column(self, tmp_path: Path):
        row = ROWS[0].replace("\tC\tC\tT\t", "\tC\tA\tC\t")
        assert read_maf(write(tmp_path / "a.maf", row)).matrix.var_names.tolist() == [
            "17:7674220:C>A"
        ]

    def test_same_row_twice_counts_once(self, tmp_path: Path):
        read = read_maf(write(tmp_path / "a.maf", *ROWS, ROWS[0]))
        assert read.matrix.layers["depth"].sum() == 130
        assert "1 repeated row(s) counted once" in read.report


class TestBadInput:
    def test_missing_file(self, maf: Path):
        with pytest.raises(MissingFileError, match=r"did you mean 'a\.maf'"):
            read_maf(maf.with_name("b.maf"))

    def test_missing_columns(self, tmp_path: Path):
        header = HEADER.replace("Hugo_Symbol", "Symbol").replace("Tumor_Sample_", "Tumour_Sample_")
        with pytest.raises(InputFileError, match=r"lacks the column\(s\) 'Hugo_Symbol'") as caught:
            read_maf(write(tmp_path / "a.maf", *ROWS, header=header))
        assert "'Tumor_Sample_Barcode'; did you mean 'Tumour_Sample_Barcode'?" in str(caught.value)

    def test_no_rows(self, tmp_path: Path):
        with pytest.raises(InputFileError, match="there are headers, but no variant"):
            read_maf(write(tmp_path / "a.maf"))

    def test_every_impossible_value_is_listed(self, tmp_path: Path):
        rows = [
            ROWS[0].replace("7674220", "7.6e6"),
            ROWS[0].replace("\t40\t", "\t-4\t"),
            ROWS[0].replace("\t40\t", "\t400\t"),
            ROWS[0].replace("\t100\t", "\t1e2\t"),
            ROWS[0].replace("\tS1\t", "\t\t"),
            ROWS[0].replace("\tC\tC\tT\t", "\tC\t\t\t"),
        ]
        with pytest.raises(InputFileError, match=r"6 problems in a\.maf") as caught:
            read_maf(write(tmp_path / "a.maf", *rows))
        text = str(caught.value)
        assert "a.maf.Start_Position: 1 row(s) (line 3): '7.6e6' is no position" in text
        assert "a.maf.t_alt_count: 1 row(s) (line 4): '-4' is no count" in text
        assert "a.maf.t_alt_count: 1 row(s) (line 5): '400' is more than the depth" in text
        assert "a.maf.t_depth: 1 row(s) (line 6): '1e2' is no count" in text
        assert "a.maf.Tumor_Sample_Barcode: 1 row(s) (line 7): is empty" in text
        assert "a.maf.Tumor_Seq_Allele2: 1 row(s) (line 8): is empty" in text

    def test_two_counts_of_one_variant(self, tmp_path: Path):
        other = ROWS[0].replace("\t100\t60\t40\t", "\t100\t59\t41\t")
        with pytest.raises(InputFileError, match=r"lines 3, 6: give other counts for 17:7674220"):
            read_maf(write(tmp_path / "a.maf", *ROWS, other))


class TestIntoCohort:
    def test_bulk_samples_stand_in_cells(self, cohort: Cohort, maf: Path):
        added = add_maf(cohort, maf)
        cells = added.cohort.cells
        assert cells["cell_id"].to_list() == cells["sample_id"].to_list() == ["S1", "S2"]
        assert cells["phenotype"].to_list() == [BULK, BULK]
        assert added.cohort.matrices["variants"].layers["alt"].tolist() == [[40, 0], [0, 3]]
        assert "2 bulk sample(s) stand in cells with phenotype 'bulk'" in added.report

    def test_cells_and_bulk_together(self, cohort: Cohort, tmp_path: Path):
        cells = pl.DataFrame({"cell_id": ["C2", "C1"], "sample_id": ["S2", "S2"]})
        with_cells = Cohort.from_tables({**cohort.tables, "cells": cells}, index_event="surgery")
        rows = [*ROWS, ROWS[2].replace("\tS2\t", "\tC1\t")]
        added = add_maf(with_cells, write(tmp_path / "a.maf", *rows))
        assert added.cohort.cells["cell_id"].to_list() == ["C2", "C1", "S1", "S2"]
        depth = added.cohort.matrices["variants"].layers["depth"]
        assert depth.tolist() == [[0, 0], [0, 10], [100, 0], [20, 10]]
        assert added.cohort.matrices["variants"].obs["normal"].tolist() == ["", "N1", "N1", "N1"]
        assert "1 cell(s) have no row in a.maf: depth 0 there, that is not known" in added.report

    def test_barcodes_that_are_not_samples(self, cohort: Cohort, tmp_path: Path):
        path = write(tmp_path / "a.maf", ROWS[0], ROWS[1].replace("\tS2\t", "\tT-S2\t"))
        with pytest.raises(InputFileError, match=r"'T-S2' is neither a sample nor a cell"):
            add_maf(cohort, path)
        added = add_maf(cohort, path, samples={"T-S2": "S2"})
        assert added.cohort.cells["cell_id"].to_list() == ["S1", "S2"]
        skipped = add_maf(cohort, path, skip_unknown=True)
        assert skipped.cohort.cells["cell_id"].to_list() == ["S1"]
        assert "1 barcode(s) of a.maf are not in the cohort; left out" in skipped.report
        with pytest.raises(InputFileError, match=r"two barcodes are mapped to 'S1'"):
            add_maf(cohort, path, samples={"T-S2": "S1"})

    def test_variants_twice(self, cohort: Cohort, maf: Path):
        with pytest.raises(CohortError, match=r"has a matrix 'variants' already"):
            add_maf(add_maf(cohort, maf).cohort, maf)

    def test_bulk_rows_would_break_other_matrices(self, cohort: Cohort, maf: Path):
        cells = pl.DataFrame({"cell_id": ["C1"], "sample_id": ["S2"]})
        expression = anndata.AnnData(np.zeros((1, 1)), obs=pd.DataFrame(index=["C1"]))
        other = Cohort.from_tables(
            {**cohort.tables, "cells": cells},
            index_event="surgery",
            matrices={"expression": expression},
        )
        with pytest.raises(CohortError, match=r"expression would lack; add the variants first"):
            add_maf(other, maf)


def test_large_files_are_sparse(tmp_path: Path, monkeypatch):
    from marrowtrace.io import maf as module

    monkeypatch.setattr(module, "_DENSE", 1)
    matrix = read_maf(write(tmp_path / "a.maf", *ROWS)).matrix
    assert matrix.layers["depth"].toarray().tolist() == [[100, 0], [20, 10]]
