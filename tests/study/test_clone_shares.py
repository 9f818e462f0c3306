from __future__ import annotations

import polars as pl
import pytest

from marrowtrace.study.clone_shares import clone_shares


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cohort").mkdir()

    def write(name, **columns):
        pl.DataFrame(columns).write_parquet(tmp_path / "cohort" / f"{name}.parquet")

    write(
        "clones", clone_id=["C", "A", "B", "X"], patient_id=["P1", "P1", "P1", "P2"],
        parent_id=["B", None, "A", None],
    )  # fmt: skip
    write(
        "samples", sample_id=["late", "early", "other"], patient_id=["P1", "P1", "P2"],
        site=["bone_marrow", "primary", "blood"], time=[730.5, 0.0, 0.0],
    )  # fmt: skip
    write(
        "clone_prevalence", sample_id=["early", "early", "late", "late", "late"],
        clone_id=["A", "B", "A", "B", "C"], cancer_cell_fraction=[1.0, 0.2, 1.0, 0.9, 0.5],
    )  # fmt: skip
    return tmp_path


def test_clones_stand_after_their_parents_and_samples_in_time(folder):
    found = clone_shares(folder, "P1")
    assert found == {
        "names": ["A", "B", "C"],
        "parents": [-1, 0, 1],
        "samples": ["primary, year 0.0", "bone marrow, year 2.0"],
        "shares": [[1.0, 1.0], [0.2, 0.9], [0.0, 0.5]],
    }


def test_a_patient_without_sequenced_samples_has_none(folder, tmp_path):
    assert clone_shares(folder, "P2") is None
    assert clone_shares(folder, "P9") is None
    assert clone_shares(tmp_path / "nowhere", "P1") is None
