from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.enumeration.positivity import positivity
from marrowtrace.errors import CohortError

REFERENCE = Path(__file__).parents[1] / "reference" / "binomial_interval.csv"


def test_interval_equals_r():
    wanted = pl.read_csv(REFERENCE)
    ids = [f"{i}" for i in range(431)]
    tables = {
        "patients": pl.DataFrame({"patient_id": ["A"]}),
        "samples": pl.DataFrame(
            {"sample_id": ids, "patient_id": "A", "site": "blood", "time": 0}
        ),
        "enumerations": pl.DataFrame(
            {
                "sample_id": ids, "assay": "AdnaTest", "cell_class": "CTC",
                "positive": [i < 58 for i in range(431)],
            }
        ),
    }  # fmt: skip
    row = positivity(Cohort.from_tables(tables, index_event="surgery")).table().row(0, named=True)
    low, high = wanted.filter(pl.col("n") == 431).row(0)[2:]
    assert (row["positive"], row["samples"]) == (58, 431)
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)


def cohort() -> Cohort:
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame({"patient_id": ["A", "B"]}),
            "samples": pl.DataFrame(
                {
                    "sample_id": ["a1", "a2", "b1", "b2"],
                    "patient_id": ["A", "A", "B", "B"],
                    "site": ["blood", "blood", "blood", "bone_marrow"],
                    "time": [0, 90, 0, 0],
                    "phase": ["pre", "post", "pre", "pre"],
                }
            ),
            "enumerations": pl.DataFrame(
                {
                    "sample_id": ["a1", "a2", "b1", "b2"],
                    "assay": ["CellSearch", "CellSearch", "CellSearch", "RT-PCR"],
                    "cell_class": ["CTC", "CTC", "CTC", "DTC"],
                    "count": [4, 0, 1, None],
                    "examined": [7.5, 7.5, 7.5, None],
                    "examined_unit": ["mL", "mL", "mL", None],
                    "positive": [None, None, None, True],
                }
            ),
        },
        index_event="diagnosis",
    )


def test_rates_by_site_and_phase():
    rows = positivity(cohort()).table()
    found = {(r["site"], r["phase"]): (r["positive"], r["samples"]) for r in rows.to_dicts()}
    assert found == {
        ("blood", "pre"): (2, 2),
        ("blood", "post"): (0, 1),
        ("bone_marrow", "pre"): (1, 1),
    }


def test_threshold_applies_to_counts_and_not_to_verdicts():
    rows = positivity(cohort(), threshold=5).table()
    assert rows.filter(pl.col("site") == "blood")["positive"].sum() == 0
    assert rows.filter(pl.col("site") == "bone_marrow")["positive"].sum() == 1


def test_threshold_of_zero_is_refused():
    with pytest.raises(CohortError, match="threshold 0 would call every sample positive"):
        positivity(cohort(), threshold=0)


def test_json_form():
    assert set(positivity(cohort()).to_json()) == {"threshold", "level", "rows"}


def test_no_enumerations_give_no_rows():
    bare = Cohort.from_tables(
        {"patients": pl.DataFrame({"patient_id": ["A"]})}, index_event="diagnosis"
    )
    assert positivity(bare).table().height == 0
