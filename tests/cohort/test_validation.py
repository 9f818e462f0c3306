from __future__ import annotations

import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrace.cohort import TABLES, Cohort
from marrowtrace.cohort.validation import conform
from marrowtrace.errors import CohortError, ProblemList
from tests.cohort_strategy import cohorts

PATIENTS = {"patient_id": ["P1", "P2"]}
SAMPLES = {
    "sample_id": ["B1", "M1", "B2"],
    "patient_id": ["P1", "P1", "P2"],
    "site": ["blood", "bone_marrow", "blood"],
    "time": [0.0, 10.0, 5.0],
}
COUNTS = {
    "sample_id": ["B1", "M1"],
    "assay": ["ISET", "cytospin"],
    "cell_class": ["CTC", "DTC"],
    "count": [3, 0],
    "examined": [7.5, 2e6],
    "examined_unit": ["mL", "nucleated_cells"],
}
CLONES = {"clone_id": ["a", "b", "z"], "patient_id": ["P1", "P1", "P2"],
          "parent_id": [None, "a", None]}  # fmt: skip
FOLLOW_UP = {"patient_id": ["P1"], "endpoint": ["OS"], "entry": [0.0], "time": [99.0],
             "event": [1]}  # fmt: skip
TREATMENTS = {"patient_id": ["P1"], "start": [1.0], "stop": [2.0]}
BASE: dict[str, dict[str, list[Any]]] = {
    "patients": PATIENTS, "samples": SAMPLES, "enumerations": COUNTS, "clones": CLONES,
    "follow_up": FOLLOW_UP, "treatments": TREATMENTS,
}  # fmt: skip


def problems_of(**changes: Any) -> list[str]:
    """Problems of the sound tables with columns changed: ``samples={"site": [...]}``."""
    frames = {}
    for name in {**BASE, **changes}:
        columns = {**BASE.get(name, {}), **changes.get(name, {})}
        frames[name] = pl.DataFrame({k: v for k, v in columns.items() if v is not None})
    problems = ProblemList()
    conform(frames, problems)
    return [str(problem) for problem in problems]


def test_sound_tables_have_no_problem():
    assert problems_of() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"sample": {"x": [1]}},
            "sample: is not a table of a cohort; did you mean 'samples'?; tables: patients",
        ),
        (
            {"samples": {"site": None, "sites": ["blood"] * 3}},
            "samples.site: is missing; did you mean 'sites'? (it holds: where it was taken)",
        ),
        (
            {"enumerations": {"counts": [1, 2]}},
            "enumerations.counts: is not a column of this table; did you mean 'count'?; columns: ",
        ),
        (
            {"enumerations": {"count": [2.5, 1.0]}},
            "enumerations.count: 1 row(s) (0) hold 2.5, which is not whole; allowed: whole "
            "numbers from 0",
        ),
        (
            {"enumerations": {"count": [1e17, 1.0]}},
            "enumerations.count: 1 row(s) (0) hold 1e+17, which is too large; allowed: up to 2^53",
        ),
        (
            {"patients": {"age": ["61", "old"]}},
            "patients.age: 1 row(s) (1) hold 'old', which is not a number; allowed: numbers from "
            "0 to 120",
        ),
        (
            {"patients": {"age": ["61,5", "x"]}},
            "patients.age: 2 row(s) (0, 1) hold '61,5', which is not a number; allowed: numbers "
            "from 0 to 120; a comma is no decimal point here: say decimal = ',' in the mapping",
        ),
        (
            {"patients": {"age": [float("nan"), 50.0]}},
            "patients.age: 1 row(s) (0) hold nan, which is not a number",
        ),
        (
            {"samples": {"time": [0.0, float("inf"), 5.0]}},
            "samples.time: 1 row(s) (1) hold inf, which is not a number",
        ),
        (
            {"enumerations": {"positive": ["yes", "perhaps"]}},
            "enumerations.positive: 1 row(s) (1) hold 'perhaps'; allowed: true, false",
        ),
        (
            {"samples": {"time": [0.0, None, 5.0]}},
            "samples.time: 1 row(s) (1) are empty; a value is required",
        ),
        (
            {"samples": {"sample_id": [None, None, None]}, "enumerations": {"count": [1, 2]}},
            "samples.sample_id: 3 row(s) (0, 1, 2) are empty; a value is required",
        ),
        (
            {"samples": {"site": ["blood", "marow", "blood"]}},
            "samples.site: 1 row(s) (1) hold 'marow'; allowed: primary, blood, bone_marrow, "
            "lymph_node, metastasis; did you mean 'bone_marrow'?",
        ),
        (
            {"samples": {"site": ["PB", "bone_marrow", "blood"]}},
            "samples.site: 1 row(s) (0) hold 'PB'; allowed: primary, blood, bone_marrow, "
            "lymph_node, metastasis; did you mean 'blood'?",
        ),
        (
            {"samples": {"patient_id": ["P1", "P1", "P_2"]}},
            "samples.patient_id: 1 row(s) (2) name 'P_2', which is not in patients; "
            "did you mean 'P2'?",
        ),
        (
            {"enumerations": {"count": [-1, 2]}},
            "enumerations.count: 1 row(s) (0) hold -1, below 0; allowed: whole numbers from 0",
        ),
        (
            {"enumerations": {"examined": [0.0, 2e6]}},
            "enumerations.examined: 1 row(s) (0) hold 0, not above 0; allowed: numbers above 0",
        ),
        (
            {"samples": {"time": [0.0, 10.0, 44197.0]}, "follow_up": {"time": [50.0]}},
            "samples.time: 1 row(s) (2) hold 44197, above 36525 days: is it a date, or a time in "
            "another unit?; allowed: numbers from -36525 to 36525",
        ),
        (
            {"patients": {"patient_id": ["P1", "P1", "P2"]}},
            "patients: 2 row(s) (0, 1) share a key with another, e.g. patient_id = 'P1'; each "
            "patient_id may stand once",
        ),
        (
            {"enumerations": {"examined": [None, 2e6]}},
            "enumerations.examined: 1 row(s) (0) have the count 3, but no examined amount; a "
            "count means nothing without the mL or nucleated cells it was counted in",
        ),
        (
            {"enumerations": {"examined_unit": [None, "nucleated_cells"]}},
            "enumerations.examined_unit: 1 row(s) (0) have the examined amount 7.5, but no unit; "
            "allowed: mL, nucleated_cells",
        ),
        (
            {"enumerations": {"count": [None, 0]}},
            "enumerations.count: 1 row(s) (0) have neither count nor verdict, e.g. for 'B1'; "
            "leave the row out if the sample was not assayed",
        ),
        (
            {"enumerations": {"clusters": [4, 0]}},
            "enumerations.clusters: 1 row(s) (0) hold 4, which is more than the cells counted; "
            "allowed: at most the count",
        ),
        (
            {"enumerations": {"cell_class": ["CTC", "CTC"]}},
            "enumerations.cell_class: 1 row(s) (1) hold 'CTC', but their sample is from "
            "bone_marrow; CTCs are counted in blood, DTCs outside it",
        ),
        (
            {"enumerations": {"cell_class": ["DTC", "DTC"]}},
            "enumerations.cell_class: 1 row(s) (0) hold 'DTC', but their sample is from blood",
        ),
        (
            {"treatments": {"stop": [0.5]}},
            "treatments.stop: 1 row(s) (0) hold 0.5, which is before the start; allowed: the "
            "start day or later",
        ),
        (
            {"follow_up": {"entry": [100.0]}},
            "follow_up.time: 1 row(s) (0) hold 99, which is before the entry; an event cannot "
            "come before observation starts",
        ),
        (
            {"follow_up": {"time": [-1.0], "entry": [-2.0]}},
            "follow_up.time: 1 patient(s) ('P1') have a follow-up that ends (day -1) before their "
            "first sample (day 0); check the index date and the units of both",
        ),
        (
            {"clones": {"parent_id": [None, "a", "a"]}},
            "clones.parent_id: 1 clone(s), e.g. 'z', descend from a clone of another patient",
        ),
        (
            {"clones": {"parent_id": ["b", "a", None]}},
            "clones.parent_id: clones descend in a circle: a -> b -> a",
        ),
        (
            {"clones": {"parent_id": ["a", "a", None]}},
            "clones.parent_id: clones descend in a circle: a -> a",
        ),
        (
            {"clones": {"parent_id": [None, "q", None]}},
            "clones.parent_id: 1 row(s) (1) name 'q', which is not in clones",
        ),
        (
            {"cells": {"cell_id": ["C1"], "sample_id": ["B2"], "clone_id": ["a"]}},
            "cells.clone_id: 1 row(s) (0) name 'a', a clone of another patient than their sample's",
        ),
        (
            {
                "clone_prevalence": {
                    "sample_id": ["B1"], "clone_id": ["z"], "cancer_cell_fraction": [0.5],
                }
            },
            "clone_prevalence.clone_id: 1 row(s) (0) name 'z', a clone of another patient",
        ),
        (
            {"patients": {"born": [datetime.date(1950, 1, 1)] * 2}},
            "patients.born: holds calendar dates or times of day; allowed: days from the index",
        ),
        (
            {"samples": {"time": [datetime.datetime(2020, 1, 1)] * 3}},
            "samples.time: holds calendar dates or times of day; allowed: days from the index",
        ),
        (
            {"patients": {"tags": [["a"], ["b"]]}},
            "patients.tags: holds List(String); allowed: text, numbers, true or false",
        ),
        (
            {"patients": {"number": pl.Series([2**63, 1], dtype=pl.UInt64)}},
            "patients.number: holds a number above 2^63 - 1, which is too large",
        ),
    ],
)  # fmt: skip
def test_message(changes: dict[str, Any], problem: str):
    found = problems_of(**changes)
    assert any(text.startswith(problem) for text in found), found


def test_one_mistake_gives_one_problem():
    """A value that cannot be read is not reported as missing as well."""
    assert len(problems_of(enumerations={"count": ["three", "0"]})) == 1
    assert len(problems_of(samples={"time": ["0", "x", "5"]}, follow_up={"time": [99.0]})) == 1


def test_problems_of_all_tables_come_together():
    found = problems_of(
        patients={"age": [-3.0, 200.0]},
        samples={"site": ["blod", "bone_marrow", "blood"]},
        follow_up={"patient_id": ["P7"]},
    )
    assert [text.split(":")[0] for text in found] == [
        "patients.age", "patients.age", "samples.site", "follow_up.patient_id",
    ]  # fmt: skip


def test_many_rows_are_shortened():
    frame = pl.DataFrame({"patient_id": [f"P{i}" for i in range(9)], "age": [-1.0] * 9})
    problems = ProblemList()
    conform({"patients": frame}, problems)
    assert [str(p) for p in problems] == [
        "patients.age: 9 row(s) (0, 1, 2, ...) hold -1, below 0; allowed: numbers from 0 to 120"
    ]


class TestTypes:
    def conformed(self, **columns: Any) -> pl.DataFrame:
        problems = ProblemList()
        frames = conform({"patients": pl.DataFrame({**PATIENTS, **columns})}, problems)
        assert [str(p) for p in problems] == []
        return frames["patients"]

    def test_every_table_and_column_is_there(self):
        frames = conform({"patients": pl.DataFrame(PATIENTS)}, ProblemList())
        assert list(frames) == list(TABLES)
        for name, spec in TABLES.items():
            assert dict(frames[name].schema) == {c.name: c.dtype for c in spec.columns}

    def test_text_that_holds_numbers(self):
        frame = self.conformed(age=[" 61.5", ""], nodes=["3", "3.0"])
        assert frame["age"].to_list() == [61.5, None]
        assert frame["nodes"].to_list() == [3, 3]

    def test_words_for_yes_and_no(self):
        problems = ProblemList()
        verdicts = ["Yes", "neg", "1", "0.0", None]
        n = len(verdicts)
        frame = pl.DataFrame(
            {
                "sample_id": ["B1"] * n,
                "assay": [f"a{i}" for i in range(n)],
                "cell_class": ["tumour_cell"] * n,
                "count": [1] * n,
                "examined": [1.0] * n,
                "examined_unit": ["mL"] * n,
                "positive": verdicts,
            }
        )
        base = {name: pl.DataFrame(BASE[name]) for name in ("patients", "samples")}
        frames = conform({**base, "enumerations": frame}, problems)
        assert [str(p) for p in problems] == []
        assert frames["enumerations"]["positive"].to_list() == [True, False, True, False, None]

    def test_columns_of_nulls_and_categories(self):
        frame = self.conformed(
            age=[None, None], sex=pl.Series(["male", "female"], dtype=pl.Categorical)
        )
        assert frame.schema["age"] == pl.Float64
        assert frame["sex"].to_list() == ["male", "female"]

    def test_further_columns_keep_their_type(self):
        frame = self.conformed(
            small=pl.Series([1, None], dtype=pl.Int8),
            single=pl.Series([0.5, None], dtype=pl.Float32),
            flag=[True, None],
            word=["", " a "],
            category=pl.Series(["x", None], dtype=pl.Categorical),
        )
        assert dict(frame.schema.items() - TABLES["patients"].empty().schema.items()) == {
            "small": pl.Int64, "single": pl.Float64, "flag": pl.Boolean, "word": pl.String,
            "category": pl.String,
        }  # fmt: skip
        assert frame["word"].to_list() == ["", " a "]

    def test_clusters_without_a_count_are_allowed(self):
        assert problems_of(enumerations={"count": [None, 0], "positive": [True, None],
                                         "clusters": [2, None]}) == []  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(), data=st.data())
def test_drawn_cohorts_are_valid_and_stable(cohort: Cohort, data: st.DataObject):
    again = Cohort.from_tables(cohort.tables, index_event=cohort.index_event)
    assert again.equals(cohort)


@settings(max_examples=30, deadline=None)
@given(cohort=cohorts(), data=st.data())
def test_a_broken_reference_is_always_found(cohort: Cohort, data: st.DataObject):
    links = [
        (name, column.name)
        for name, spec in TABLES.items()
        for column in spec.columns
        if column.refers_to and cohort[name][column.name].drop_nulls().len()
    ]
    if not links:
        return
    table, column = data.draw(st.sampled_from(links))
    broken = cohort[table].with_columns(
        pl.when(pl.int_range(pl.len()) == cohort[table][column].is_not_null().arg_max())
        .then(pl.lit("nobody has this id"))
        .otherwise(pl.col(column))
        .alias(column)
    )
    with pytest.raises(CohortError, match=f"{table}.{column}: .*'nobody has this id'"):
        Cohort.from_tables({**cohort.tables, table: broken}, index_event=cohort.index_event)
