from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings

from marrowtrace.cohort import Cohort
from marrowtrace.errors import InputFileError, MissingFileError
from marrowtrace.io.clone_trees import clones_of, read_clones, trees_of, write_clones
from marrowtrace.io.newick import format_newick, parse_newick
from tests.cohort_strategy import clone_tables


def cohort(clones: pl.DataFrame) -> Cohort:
    patients = clones.select(pl.col("patient_id").unique(maintain_order=True))
    return Cohort.from_tables({"patients": patients, "clones": clones}, index_event="diagnosis")


@settings(max_examples=80, deadline=None)
@given(clones=clone_tables())
def test_any_clones_return_equal(tmp_path_factory, clones: pl.DataFrame):
    path = write_clones(cohort(clones), tmp_path_factory.mktemp("trees") / "clones.nwk")
    read = read_clones(path)
    assert read.clones.sort("clone_id").equals(clones.sort("clone_id"))
    assert read.clones.schema == clones.schema
    assert read.report == ()


def test_one_tree_a_founder():
    clones = pl.DataFrame(
        {
            "clone_id": ["b", "a", "c", "x"],
            "patient_id": ["P 1", "P 1", "P 1", "P2"],
            "parent_id": ["a", None, "a", None],
            "founding_site": ["bone_marrow", "primary", None, None],
        }
    )
    texts = [format_newick(tree) for tree in trees_of(clones)]
    assert texts == [
        "(b[&founding_site=bone_marrow],c)a[&patient_id=P%201,founding_site=primary];",
        "x[&patient_id=P2];",
    ]


class TestOtherPrograms:
    def test_patient_is_named_by_the_caller(self):
        read = clones_of(parse_newick("((A,B)x,C);"), where="t.nwk", patient_id="P1")
        assert read.clones["clone_id"].to_list() == ["P1.1.0", "x", "A", "B", "C"]
        assert read.clones["parent_id"].to_list() == [None, "P1.1.0", "x", "x", "P1.1.0"]
        assert read.clones["patient_id"].unique().to_list() == ["P1"]
        assert read.report == ("1 node(s) without a label are named by patient, tree and position",)

    def test_same_labels_in_several_patients(self):
        trees = parse_newick("(A,)r[&patient_id=P1]; (A,B)r[&patient_id=P2];")
        read = clones_of(trees, where="t.nwk", prefix=True)
        assert read.clones["clone_id"].to_list() == [
            "P1.r", "P1.A", "P1.1.2", "P2.r", "P2.A", "P2.B",
        ]  # fmt: skip
        cohort(read.clones)

    def test_sites_of_other_spelling_are_reported(self):
        trees = parse_newick('(A[&site="BM"],B[&&NHX:S=human:site=LN])r[&!color=#ff];')
        read = clones_of(trees, where="t.nwk", patient_id="P1")
        assert read.clones["founding_site"].to_list() == [None, "bone_marrow", "lymph_node"]
        assert read.report == (
            "site 'BM' is read as bone_marrow",
            "site 'LN' is read as lymph_node",
        )

    def test_branch_lengths_are_reported_as_lost(self):
        read = clones_of(parse_newick("(A:1,B:2)r;"), where="t.nwk", patient_id="P1")
        assert read.report == (
            "2 branch length(s) are not kept: a clone table has no place for it",
        )

    def test_every_problem_at_once(self):
        trees = parse_newick("(A,B)r; (C[&site=marow],C)s[&patient_id=P1];")
        with pytest.raises(InputFileError, match=r"3 problems in t.nwk") as caught:
            clones_of(trees, where="t.nwk")
        text = str(caught.value)
        assert "t.nwk, tree 1: does not say whose clones these are; name the patient" in text
        assert "tree 2: 'C' has site 'marow'; allowed: primary, blood, bone_marrow" in text
        assert "t.nwk: the clone 'C' stands twice; clone ids must be unique" in text


def test_nothing_to_write(tmp_path: Path):
    patients = pl.DataFrame({"patient_id": ["P1"]})
    empty = Cohort.from_tables({"patients": patients}, index_event="diagnosis")
    with pytest.raises(InputFileError, match=r"has no clones, so there is no tree"):
        write_clones(empty, tmp_path / "t.nwk")


def test_no_file(tmp_path: Path):
    with pytest.raises(MissingFileError):
        read_clones(tmp_path / "t.nwk")
