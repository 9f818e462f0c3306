from __future__ import annotations

import dataclasses
from typing import Any

import anndata
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrace.cohort import TABLES, Cohort, table
from marrowtrace.cohort.schema import json_schema
from marrowtrace.errors import CohortError
from marrowtrace.provenance import Provenance
from tests.cohort_strategy import cohorts


def matrix(names: list[str], values: float = 1.0, **options: Any) -> anndata.AnnData:
    frame = pd.DataFrame(index=names)
    return anndata.AnnData(np.full((len(names), 2), values), obs=frame, **options)


def make(**changes: Any) -> Cohort:
    tables = {
        "patients": pl.DataFrame({"patient_id": ["P1", "P2"], "age": [50.0, 60.0]}),
        "samples": pl.DataFrame(
            {
                "sample_id": ["S1", "S2"],
                "patient_id": ["P1", "P2"],
                "site": ["bone_marrow", "bone_marrow"],
                "time": [0.0, 1.0],
            }
        ),
        "cells": pl.DataFrame({"cell_id": ["C1", "C2"], "sample_id": ["S1", "S2"]}),
        "follow_up": pl.DataFrame(
            {
                "patient_id": ["P1", "P1"],
                "endpoint": ["relapse", "overall_survival"],
                "entry": [0.0, 0.0],
                "time": [5.0, 9.0],
                "event": [1, 0],
            }
        ),
    }
    options = {"index_event": "surgery", **changes}
    return Cohort.from_tables({**tables, **options.pop("tables", {})}, **options)


class TestMaking:
    def test_index_event_may_be_a_synonym(self):
        assert make(index_event="Operation").index_event == "surgery"

    def test_unknown_index_event(self):
        with pytest.raises(CohortError, match=r"index_event: is 'diagnosi'; allowed: diagnosis, .*"
                           r"did you mean 'diagnosis'"):  # fmt: skip
            make(index_event="diagnosi")

    def test_no_patients(self):
        with pytest.raises(CohortError, match=r"patients: has no rows; a cohort needs at least"):
            Cohort.from_tables({}, index_event="surgery")

    def test_tables_and_event_are_checked_together(self):
        patients = pl.DataFrame({"patient_id": ["P1"], "age": [-1.0]})
        with pytest.raises(CohortError, match=r"2 problems in the cohort tables"):
            Cohort.from_tables({"patients": patients}, index_event="wedding")

    def test_frozen(self):
        cohort = make()
        with pytest.raises(dataclasses.FrozenInstanceError):
            cohort.index_event = "diagnosis"  # type: ignore[misc]
        with pytest.raises(TypeError):
            cohort.tables["patients"] = cohort.samples  # type: ignore[index]

    def test_frames_given_are_not_shared(self):
        frame = pl.DataFrame({"patient_id": ["P1"]})
        cohort = Cohort.from_tables({"patients": frame}, index_event="surgery")
        frame.insert_column(1, pl.Series("age", [1.0]))
        assert cohort.patients["age"].to_list() == [None]

    def test_provenance_is_kept(self):
        provenance = Provenance(action="test")
        assert make(provenance=provenance).provenance is provenance
        assert make().provenance.action == "tables"


class TestMatrices:
    def test_rows_are_brought_into_the_order_of_cells(self):
        values = matrix(["C2", "C1"])
        values.X[:] = [[2.0, 2.0], [1.0, 1.0]]
        cohort = make(matrices={"expression": values})
        assert cohort.matrices["expression"].X[:, 0].tolist() == [1.0, 2.0]
        assert values.obs_names.tolist() == ["C2", "C1"]

    @pytest.mark.parametrize(
        ("matrices", "message"),
        [
            (
                {"variant": matrix(["C1", "C2"])},
                r"variant: is not a matrix of a cohort; did you mean 'variants'\?; allowed",
            ),
            (
                {"variants": matrix(["C1"])},
                r"1 cell\(s\) missing, 0 unknown; e\.g\. 'C2' is not in the matrix",
            ),
            (
                {"variants": matrix(["C1", "C2", "C3"])},
                r"0 cell\(s\) missing, 1 unknown; e\.g\. 'C3' is not in the cells table",
            ),
        ],
    )
    def test_rows_that_do_not_match(self, matrices: dict[str, Any], message: str):
        with pytest.raises(CohortError, match=message):
            make(matrices=matrices)

    @pytest.mark.filterwarnings("ignore:Observation names are not unique")
    def test_rows_that_stand_twice(self):
        with pytest.raises(CohortError, match=r"two rows for one cell; cell names must be unique"):
            make(matrices={"variants": matrix(["C1", "C2", "C2"])})


class TestEquality:
    @settings(max_examples=20, deadline=None)
    @given(cohort=cohorts(matrices=True))
    def test_a_cohort_equals_itself_and_its_selection_of_all(self, cohort: Cohort):
        assert cohort.equals(cohort)
        assert cohort.select(cohort.patients["patient_id"].to_list()).equals(cohort)

    @pytest.mark.parametrize(
        "other",
        [
            {"index_event": "diagnosis"},
            {"tables": {"patients": pl.DataFrame({"patient_id": ["P1", "P2"]})}},
            {"matrices": {"variants": matrix(["C1", "C2"])}},
            {"matrices": {"expression": matrix(["C1", "C2"], 2.0)}},
            {"matrices": {"expression": matrix(["C1", "C2"], layers={"a": np.ones((2, 2))})}},
            {"matrices": {"expression": matrix(["C1", "C2"], var=pd.DataFrame(index=["x", "y"]))}},
            {"matrices": {"expression": matrix(["C1", "C2"],
                                               var=pd.DataFrame({"g": [1, 2]}, ["0", "1"]))}},
        ],
    )  # fmt: skip
    def test_differences_are_seen(self, other: dict[str, Any]):
        same = {"matrices": {"expression": matrix(["C1", "C2"])}}
        assert make(**same).equals(make(**same))
        assert not make(**same).equals(make(**{**same, **other}))

    def test_types_matter(self):
        def cohort(grade: object) -> Cohort:
            frame = pl.DataFrame({"patient_id": ["P1", "P2"], "grade": [grade, grade]})
            return make(tables={"patients": frame})

        assert cohort(1).equals(cohort(1))
        assert not cohort(1).equals(cohort(1.0))

    def test_how_it_was_made_does_not_matter(self):
        assert make(provenance=Provenance(action="a")).equals(make())

    def test_operator_compares_identity(self):
        cohort = make()
        assert cohort == cohort
        assert cohort != make()
        assert len({cohort, make()}) == 2


class TestSelection:
    def test_everything_of_the_patients_and_nothing_else(self):
        cohort = make(matrices={"expression": matrix(["C1", "C2"])})
        chosen = cohort.select(["P2"])
        assert {name: frame.height for name, frame in chosen.tables.items() if frame.height} == {
            "patients": 1, "samples": 1, "cells": 1,
        }  # fmt: skip
        assert chosen.matrices["expression"].obs_names.tolist() == ["C2"]

    def test_unknown_patient(self):
        with pytest.raises(CohortError, match=r"1 id\(s\) are not patients of the cohort: 'P9'"):
            make().select(["P1", "P9"])

    @settings(max_examples=25, deadline=None)
    @given(cohort=cohorts(matrices=True), data=st.data())
    def test_a_selection_is_a_valid_cohort(self, cohort: Cohort, data: st.DataObject):
        ids = cohort.patients["patient_id"].to_list()
        wanted = data.draw(st.lists(st.sampled_from(ids), min_size=1))
        chosen = cohort.select(wanted)
        again = Cohort.from_tables(
            chosen.tables, index_event=chosen.index_event, matrices=chosen.matrices
        )
        assert again.equals(chosen)
        rest = [i for i in ids if i not in wanted]
        if rest:
            other = cohort.select(rest)
            for name in TABLES:
                assert chosen[name].height + other[name].height == cohort[name].height


class TestReading:
    def test_tables_by_name_and_attribute(self):
        cohort = make()
        for name in TABLES:
            assert cohort[name] is cohort.tables[name]
            assert getattr(cohort, name) is cohort.tables[name]

    def test_size_endpoints_and_text(self):
        cohort = make()
        assert len(cohort) == 2
        assert cohort.endpoints == ("overall_survival", "relapse")
        assert repr(cohort) == (
            "<Cohort from surgery; rows patients: 2, samples: 2, cells: 2, follow_up: 2>"
        )

    def test_unknown_table_and_column(self):
        with pytest.raises(CohortError, match=r"no table 'sampels'; did you mean 'samples'\?"):
            make()["sampels"]
        with pytest.raises(CohortError, match=r"table 'samples' has no column 'sight'; did you m"):
            table("samples").column("sight")


class TestDeclaration:
    def test_references_and_keys_exist(self):
        for spec in TABLES.values():
            assert set(spec.key) <= set(spec.names)
            for column in spec.columns:
                if column.refers_to:
                    name, _, key = column.refers_to.partition(".")
                    assert TABLES[name].column(key).required

    def test_json_lists_every_column(self):
        listed = json_schema()["tables"]
        assert [(t["name"], [c["name"] for c in t["columns"]]) for t in listed] == [
            (spec.name, list(spec.names)) for spec in TABLES.values()
        ]
        assert all(c["meaning"] and c["allowed"] for t in listed for c in t["columns"])
