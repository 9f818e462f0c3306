"""Forms in memory and files: round trips by hand, and every way of being wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CatalogError, CohortError, InputFileError, MissingFileError
from marrowtrace.phylogeny.bundled import FOLDERS, bundled_file, bundled_files
from marrowtrace.phylogeny.cell_mutations import CellMutations
from marrowtrace.phylogeny.cohort_mutations import cells_of, mutations_of, samples_of
from marrowtrace.phylogeny.patient import PatientData, bundled_patient
from marrowtrace.phylogeny.sample_mutations import SampleMutations
from marrowtrace.phylogeny.sample_mutations_file import read_sample_mutations
from marrowtrace.phylogeny.single_cell_file import CellFile, read_cell_labels, read_cells

GOOD = {
    "names": ("a", "b"), "sites": ("p", "m"), "mutations": ("x", "y"),
    "genotype": np.array([[1, 0], [2, -1]]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ("a", "a")}, r"cells: 1 name\(s\) stand more than once: 'a'; rename them"),
        ({"names": ("a", " ")}, "a name is empty"),
        ({"mutations": ("x", "x")}, "mutations: 1 name"),
        ({"names": ("a",), "sites": ("p",), "genotype": np.array([[1, 0]])},
         "cells: there is 1; a comparison needs at least 2"),
        ({"genotype": np.array([[1, 3], [4, 0]])},
         r"2 code\(s\) are out of range, e.g. 3 of cell 'a' and mutation 'y'; allowed: 0 absent"),
        ({"genotype": np.full((2, 2), -1)}, "every genotype is missing; there is nothing"),
        ({"genotype": np.array([[1, 0]])}, r"has shape \(1, 2\); wanted cells x mutations"),
        ({"sites": ("p",)}, "sites: there are 1 for 2 cells"),
        ({"sites": ("p", "")}, "cell 'b' has none"),
        ({"total": np.ones((2, 2))}, "total and alternative go together"),
        ({"total": np.ones((2, 2)), "alternative": np.full((2, 2), 2)},
         r"4 value\(s\) are more than the total, e.g. 2 of 1.0 reads"),
        ({"total": np.ones((2, 2)), "alternative": np.full((2, 2), -1)}, "negative or no whole"),
        ({"total": np.ones((2, 1)), "alternative": np.ones((2, 2))}, r"total: has shape \(2, 1\)"),
        ({"times": np.zeros(3)}, r"times: has shape \(3,\); wanted one for each cell"),
    ],
)  # fmt: skip
def test_impossible_cells(change: dict[str, object], message: str):
    with pytest.raises(CohortError, match=message):
        CellMutations(**{**GOOD, **change})


def test_every_fault_of_cells_at_once():
    with pytest.raises(CohortError, match="3 problems in the mutations of the cells"):
        CellMutations(("a", "a"), ("p",), ("x",), np.array([[7], [1]]))


def test_cells_are_frozen_and_picked():
    cells = CellMutations(**GOOD, times=np.array([0.0, 9.0]), profiles=np.array([1, 2]))
    with pytest.raises(ValueError, match="read-only"):
        cells.genotype[0, 0] = 0
    turned = cells.select([1, 0])
    assert (turned.names, turned.site_names) == (("b", "a"), ("m", "p"))
    assert turned.times is not None
    assert turned.times.tolist() == [9.0, 0.0]
    with pytest.raises(CohortError, match="there is 1; a comparison"):
        cells.select(np.array([True, False]))


SAMPLES = {"samples": ("a", "b"), "sites": ("p", "m"), "mutations": ("x",)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ccf": np.array([[1.2], [0]])}, r"outside 0 to 1, e.g. 1.2 of sample 'a' .*percent"),
        ({"ccf": np.array([[-0.1], [0]])}, "outside 0 to 1, e.g. -0.1"),
        ({"ccf": np.full((2, 1), np.nan)}, "every value is missing; there is nothing to compare"),
        ({}, "every value is missing"),
        ({"ccf": np.zeros((1, 1))}, r"ccf: has shape \(1, 1\); wanted samples x mutations"),
        ({"ccf": np.zeros((2, 1)), "purity": np.array([0.0, 1])}, "0 of sample 'a' is not above 0"),
        ({"ccf": np.zeros((2, 1)), "purity": np.ones(3)}, r"purity: has shape \(3,\)"),
        ({"ccf": np.zeros((2, 1)), "copy_number": np.full((2, 1), -1)}, "outside 0 and above"),
        ({"ccf": np.zeros((2, 1)), "sites": ("p",)}, "there are 1 for 2 samples"),
        ({"ccf": np.zeros((2, 0)), "mutations": ()}, "mutations: there are none"),
    ],
)
def test_impossible_samples(change: dict[str, object], message: str):
    with pytest.raises(CohortError, match=message):
        SampleMutations(**{**SAMPLES, **change})


HEAD = "sample\tsite\tmutation\talt\tdepth\tccf\tpurity\tday\n"


def written(tmp_path: Path, text: str, name: str = "s.tsv") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_table_of_samples(tmp_path: Path):
    rows = "a\tp\tx\t5\t50\t0.4\t0.8\t0\na\tp\ty\t0\t40\tNA\t0.8\t0\nb\tm\tx\t9\t90\t1\t\t30\n"
    found = read_sample_mutations(written(tmp_path, HEAD + rows))
    assert (found.samples, found.sites, found.mutations) == (("a", "b"), ("p", "m"), ("x", "y"))
    assert found.total is not None
    assert found.total.tolist() == [[50, 40], [90, 0]]
    assert found.ccf is not None
    assert np.isnan(found.ccf[1, 1])
    assert found.purity is not None
    assert found.purity[0] == 0.8
    assert found.times is not None
    assert found.times.tolist() == [0, 30]


def test_reference_reads_and_gzip(tmp_path: Path):
    text = "Sample,Site,Mutation,ref_counts,alt_counts\na,p,x,3,4\nb,m,x,1,0\n"
    (tmp_path / "s.csv.gz").write_bytes(gzip.compress(text.encode()))
    found = read_sample_mutations(tmp_path / "s.csv.gz")
    assert found.total is not None
    assert found.total.tolist() == [[7], [1]]


def test_reads_of_machina(tmp_path: Path):
    text = (
        "2 #anatomical sites\n2 #samples\n1 #mutations\n#sample_index\tsample_label\t"
        "anatomical_site_index\tanatomical_site_label\tcharacter_index\tcharacter_label\tref\tvar\n"
        "0\tA\t0\tmarrow\t0\tTTN\t32\t20\n1\tB\t1\tprostate\t0\tTTN\t40\t10\n"
    )
    found = read_sample_mutations(written(tmp_path, text))
    assert found.alternative is not None
    assert (found.sites, found.alternative.tolist()) == (("marrow", "prostate"), [[20], [10]])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a\tp\tx\t5\t4\t\t\t\n", "line 2: 5 mutated reads are more than the 4 in all"),
        ("a\tp\tx\t-1\t4\t\t\t\n", "line 2: -1 of 4 reads: wanted whole numbers from 0"),
        ("a\tp\tx\tz\t4\t\t\t\n", "line 2, alt: 'z' is not a number"),
        ("a\tp\tx\t1\t4\t\t\t\na\tp\tx\t1\t4\t\t\t\n", "stand in line 2 already"),
        ("a\tp\tx\t1\t4\t\t\t\na\tm\ty\t1\t4\t\t\t\n", "sample 'a' has site 'm' and 'p'"),
        ("a\tp\tx\t1\t4\t\t0.5\t\na\tp\ty\t1\t4\t\t0.6\t\n", "purity 0.6 of sample 'a' was 0.5"),
        ("a\tp\tx\t1\t4\t1.3\t\t\nb\tm\tx\t1\t4\t1\t\t\n", "e.g. 1.3 of sample 'a'"),
        ("a\tp\tx\t1\n", "line 2: has 4 fields; the header has 8"),
        ("a\tp\tx\t1\t4\t\t\t\n", "there is 1; a comparison needs at least 2"),
    ],
)
def test_tables_of_samples_that_are_refused(tmp_path: Path, rows: str, message: str):
    with pytest.raises(InputFileError, match=message):
        read_sample_mutations(written(tmp_path, HEAD + rows))


def test_headers_that_are_refused(tmp_path: Path):
    with pytest.raises(InputFileError, match=r"neither reads .* nor ccf"):
        read_sample_mutations(written(tmp_path, "sample,site,mutation\na,p,x\n"))
    with pytest.raises(InputFileError, match=r"no column 'sample'; did you mean 'sampel'\?"):
        read_sample_mutations(written(tmp_path, "sampel,site,mutation\na,p,x\n"))
    with pytest.raises(InputFileError, match="'site' stands over more than one column"):
        read_sample_mutations(written(tmp_path, "sample,site,site\na,p,x\n"))
    with pytest.raises(InputFileError, match="is empty"):
        read_sample_mutations(written(tmp_path, " "))
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputFileError, match="is not UTF-8 text"):
        read_sample_mutations(tmp_path / "b")
    with pytest.raises(MissingFileError):
        read_sample_mutations(tmp_path / "none.csv")


LABELS = "cell\tsite\tkind\tcluster\tday\nc1\tp\ttumour\t\t0\nc2\tm\tnormal\tk1\t5\n"


def cell_file(tmp_path: Path, text: str, form: str) -> CellFile:
    labels = written(tmp_path, LABELS, "labels.tsv")
    names = written(tmp_path, "c1\nc2\n", "cells")
    mutations = written(tmp_path, "x\ny\nz\n", "mutations")
    named = form in {"scite", "sphyr"}
    return read_cells(
        written(tmp_path, text, "m"), labels, form=form, cell_names=names if named else None,
        mutation_names=mutations if named else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("scite", "1 0\n0 2\n3 1\n"),
        ("sphyr", "2 #cells\n3 #SNVs\n1 0 -1\n0 2 1\n"),
        ("condor", "cell,x,y,z,cluster_id\nc1,1,0,-1,4\nc2,0.0,2,1,5\n"),
    ],
)
def test_forms_of_single_cells_agree(tmp_path: Path, form: str, text: str):
    found = cell_file(tmp_path, text, form)
    assert found.cells.genotype.tolist() == [[1, 0, -1], [0, 2, 1]]
    assert (found.cells.names, found.cells.sites) == (("c1", "c2"), ("p", "m"))
    assert (found.kinds, found.clusters) == (("tumour", "normal"), ("", "k1"))
    assert found.cells.times is not None
    assert found.cells.times.tolist() == [0, 5]
    if form == "condor":
        assert found.cells.profiles is not None
        assert found.cells.profiles.tolist() == [4, 5]


def test_reads_of_scarlet(tmp_path: Path):
    text = ",c,x_v,x_t,y_v,y_t\nc1,0,5,50,2,100\nc2,3,1,1,9,10\n"
    found = cell_file(tmp_path, text, "scarlet").cells
    assert found.genotype.tolist() == [[1, 0], [-1, 1]]
    assert found.total is not None
    assert found.total.tolist() == [[50, 100], [1, 10]]


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        ("scite", "1 5\n0 2\n3 1\n", "line 1: holds '5'; allowed: 0, 1, 2, 3, -1"),
        ("scite", "1 0\n0\n3 1\n", "line 2: has 1 entries; the first has 2"),
        ("scite", "1 0 0\n0 0 0\n1 1 1\n", "'cells' has 2 names; the matrix has 3 cells"),
        ("scite", "3 3\n3 3\n3 3\n", "every genotype is missing"),
        ("sphyr", "2 cells\n3 #SNVs\n", "the first lines look like '178 #cells'"),
        ("sphyr", "2 #cells\n3 #SNVs\n1 0 3\n0 0 0\n", r"'3'; allowed.*missing is -1 here, not 3"),
        ("sphyr", "9 #cells\n3 #SNVs\n1 0 1\n0 0 0\n", "has 2 cells x 3 mutations; .* say 9 x 3"),
        ("condor", "cell,x\nc1,1\nc3,0\n", "'c3': has no row in the table of sites"),
        ("condor", "cell,x\nc1,1\nc1,0\n", r"1 name\(s\) stand more than once: 'c1'"),
        ("scarlet", ",c,x_v\nc1,0,1\nc2,0,1\n", "'x_v' has no 'x_t' beside it"),
        ("scarlet", ",c,x\nc1,0,1\nc2,0,1\n", "has no columns of reads"),
        ("scarlet", ",c,x_v,x_t\nc1,0,9,1\nc2,0,1,2\n", "more than the total, e.g. 9 of 1"),
        ("vcf", "", "the form 'vcf' is not known; allowed: scite, sphyr"),
    ],
)
def test_cells_that_are_refused(tmp_path: Path, form: str, text: str, message: str):
    with pytest.raises(InputFileError, match=message):
        cell_file(tmp_path, text, form)


def test_labels_that_are_refused(tmp_path: Path):
    text = "cell\tsite\tkind\nc1\tp\ttumor\nc1\t\tnormal\n"
    with pytest.raises(InputFileError, match="3 problems") as caught:
        read_cell_labels(written(tmp_path, text))
    assert "'tumor' is not known; did you mean 'tumour'?" in str(caught.value)
    assert "line 3: the cell 'c1' stands twice" in str(caught.value)
    assert "line 3: the cell 'c1' has no site" in str(caught.value)


def matrix(**columns: list[object]) -> anndata.AnnData:
    return anndata.AnnData(
        X=np.array([[1.0, np.nan], [0.0, 2.0]]),
        obs=pd.DataFrame(columns, index=["c1", "c2"]),
        var=pd.DataFrame(index=["x", "y"]),
    )


def test_cells_of_a_matrix():
    found = cells_of(matrix(site=["p", "m"], kind=["tumour", "normal"], time=[0.0, 3.0]))
    assert found.cells.genotype.tolist() == [[1, -1], [0, 2]]
    assert found.kinds == ("tumour", "normal")
    reads = matrix(site=["p", "m"], cluster_id=[None, "k"])
    reads.X = None
    reads.layers["alt"], reads.layers["depth"] = np.array([[5, 0], [0, 1]]), np.full((2, 2), 9)
    found = cells_of(reads)
    assert (found.cells.genotype.tolist(), found.clusters) == ([[1, 0], [0, 0]], ("", "k"))


def test_matrices_that_are_refused():
    with pytest.raises(CohortError, match=r"no column 'site' .*; did you mean 'sites'\?"):
        cells_of(matrix(sites=["p", "m"]))
    half = matrix(site=["p", "m"])
    half.X = np.full((2, 2), 0.5)
    with pytest.raises(CohortError, match="the matrix holds fractions"):
        cells_of(half)
    half.X = None
    with pytest.raises(CohortError, match="neither genotypes nor the layers"):
        cells_of(half)
    with pytest.raises(CohortError, match=r"1 sample\(s\) have no site, e.g. 'c2'"):
        samples_of(half, {"c1": "p"})


def cohort(phenotype: str) -> Cohort:
    tables = {
        "patients": pl.DataFrame({"patient_id": ["P1", "P2"]}),
        "samples": pl.DataFrame(
            {"sample_id": ["s1", "s2"], "patient_id": ["P1", "P1"],
             "site": ["primary", "bone_marrow"], "time": [0.0, 40.0]}
        ),
        "cells": pl.DataFrame(
            {"cell_id": ["c1", "c2"], "sample_id": ["s1", "s2"], "phenotype": [phenotype] * 2,
             "cluster_id": [None, "k"]}
        ),
    }  # fmt: skip
    reads = matrix()
    reads.layers["alt"], reads.layers["depth"] = np.array([[5, 0], [0, 3]]), np.full((2, 2), 9)
    return Cohort.from_tables(tables, index_event="diagnosis", matrices={"variants": reads})


def test_cells_and_samples_of_a_cohort():
    found = mutations_of(cohort("mesenchymal"), "P1")
    assert isinstance(found, CellFile)
    assert (found.cells.sites, found.clusters) == (("primary", "bone_marrow"), ("", "k"))
    assert found.cells.times is not None
    assert found.cells.times.tolist() == [0, 40]
    bulk = mutations_of(cohort("bulk"), "P1")
    assert isinstance(bulk, SampleMutations)
    assert bulk.alternative is not None
    assert bulk.alternative.tolist() == [[5, 0], [0, 3]]


def test_patients_that_are_refused():
    with pytest.raises(CohortError, match="'P3' is not a patient of the cohort"):
        mutations_of(cohort("bulk"), "P3")
    bare = Cohort.from_tables(
        {"patients": pl.DataFrame({"patient_id": ["P1"]})}, index_event="diagnosis"
    )
    with pytest.raises(CohortError, match="no matrix 'variants'"):
        mutations_of(bare, "P1")
    samples = SampleMutations(("a", "b"), ("p", "m"), ("x",), ccf=np.ones((2, 1)))
    with pytest.raises(InputFileError, match="needs either single cells or bulk samples"):
        PatientData(name="P")
    with pytest.raises(
        InputFileError, match="'q' is not a site of 'P'; it has: p, m; say 'unknown'"
    ):
        PatientData(name="P", primary="q", samples=samples)


def test_bundled_patients_have_licence_and_provenance():
    folders = {file.parent for file in bundled_files().values()}
    assert len(folders) == len(set(FOLDERS.values()))
    for folder in folders:
        assert list(folder.glob("LICENSE*"))
        assert "commit" in (folder / "ABOUT.md").read_text()
    with pytest.raises(CatalogError, match="no bundled patient 'A23'; did you mean 'A22'"):
        bundled_patient("A23")
    with pytest.raises(CatalogError, match="no bundled file"):
        bundled_file("none.tree")


@pytest.mark.parametrize(
    ("name", "shape"), [("A22", (11, 124)), ("CRC1", (178, 16)), ("CRC2", (186, 36))]
)
def test_bundled_patients(name: str, shape: tuple[int, int]):
    found = bundled_patient(name)
    data = found.samples if found.cells is None else found.cells.cells
    assert data is not None
    assert (len(data), len(data.mutations)) == shape
    assert found.primary in found.sites
