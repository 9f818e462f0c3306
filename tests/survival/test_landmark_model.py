from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.landmark_model import (
    landmark_cox,
    landmark_data,
    landmark_super_model,
)
from marrowtrace.survival.marker import Marker
from tests.survival.r_data import read, reference

BILI = Marker("bili", analyte="bili")


@pytest.fixture(scope="module")
def pbc() -> Cohort:
    rows = read("pbcseq").sort("id", "day").with_columns(pl.col("id").cast(pl.String))
    rows = rows.with_row_index("visit").with_columns(
        sample_id="V" + pl.col("visit").cast(pl.String)
    )
    first = rows.unique("id", keep="first", maintain_order=True)
    event = {0: 0, 1: 2, 2: 1}
    return Cohort.from_tables(
        {
            "patients": first.select(patient_id="id", age="age", status_text=pl.lit("a")),
            "samples": rows.select(
                "sample_id", patient_id="id", site=pl.lit("blood"), time=pl.col("day").cast(float)
            ),
            "measurements": rows.select(
                "sample_id", analyte=pl.lit("bili"), value="bili", unit=pl.lit("mg/dL")
            ),
            "follow_up": first.select(
                patient_id="id",
                endpoint=pl.lit("death"),
                entry=pl.lit(0.0),
                time=pl.col("futime").cast(float),
                event=pl.col("status").replace_strict(event).cast(pl.Int64),
            ),
        },
        index_event="enrolment",
    )


def wanted(name):
    return reference("survival_landmark").filter(pl.col("set") == name)


def test_one_landmark_equals_r(pbc):
    found = landmark_cox(
        pbc, "death", landmark=365, markers=[BILI], covariates=["age"], window=1825
    )
    np.testing.assert_allclose(found.fit.coefficients, wanted("one")["coefficient"], rtol=1e-8)
    np.testing.assert_allclose(found.fit.standard_errors, wanted("one")["error"], rtol=1e-8)
    assert found.data.counts["analysed"][0] == wanted("one")["n"][0]
    assert found.data.counts["events"][0] == wanted("one")["events"][0]
    assert found.table().height == 2


@pytest.mark.parametrize(("name", "interactions"), [("all", False), ("more", True)])
def test_super_model_equals_r(pbc, name, interactions):
    found = landmark_super_model(
        pbc, "death", landmarks=[365, 730, 1095], markers=[BILI], covariates=["age"],
        window=1825, interactions=interactions,
    )  # fmt: skip
    np.testing.assert_allclose(found.fit.coefficients, wanted(name)["coefficient"], rtol=1e-7)
    np.testing.assert_allclose(found.fit.standard_errors, wanted(name)["error"], rtol=1e-7)
    assert found.fit.rows == wanted(name)["n"][0]
    assert found.to_json()["data"]["landmarks"][0]["landmark"] == 365
    if interactions:
        later = found.predict({"bili": 3, "age": 50}, landmark=730, days=1000)
        numbers = [later.survival[0, 0], later.low[0, 0], later.high[0, 0]]
        np.testing.assert_allclose(numbers, wanted("prediction")["coefficient"], rtol=1e-7)


def late_marker(rng, patients):
    """Patients with one post sample at a random day, if then alive; it says nothing of the risk."""
    death = rng.exponential(1000, patients)
    gone = rng.uniform(300, 2500, patients)
    sampled = rng.uniform(50, 700, patients)
    cleared = rng.integers(0, 2, patients)
    ids = np.array([f"P{i}" for i in range(patients)])
    seen = sampled < np.minimum(death, gone)
    samples = pl.DataFrame(
        {
            "sample_id": np.char.add("S", ids[seen]),
            "patient_id": ids[seen],
            "site": ["bone_marrow"] * int(seen.sum()),
            "time": sampled[seen],
            "phase": ["post"] * int(seen.sum()),
        }
    )
    counts = samples.select(
        "sample_id", assay=pl.lit("ICC"), cell_class=pl.lit("DTC"),
        count=pl.Series(1 - cleared[seen]), examined=pl.lit(2e6),
        examined_unit=pl.lit("nucleated_cells"),
    )  # fmt: skip
    follow_up = pl.DataFrame(
        {
            "patient_id": ids,
            "endpoint": ["death"] * patients,
            "entry": [0.0] * patients,
            "time": np.minimum(death, gone),
            "event": (death <= gone).astype(int),
        }
    )
    cohort = Cohort.from_tables(
        {
            "patients": pl.DataFrame({"patient_id": ids}),
            "samples": samples,
            "enumerations": counts,
            "follow_up": follow_up,
        },
        index_event="surgery",
    )
    return cohort, follow_up, seen & (cleared == 1)


POST = Marker("DTC_post", cell_class="DTC", phase="post", threshold=1)


def test_landmark_is_unbiased_where_the_naive_analysis_is_not():
    """'Ever found cleared' against the rest halves the hazard out of nothing; at day 365 not."""
    cohort, follow_up, cleared = late_marker(np.random.default_rng(12), 4000)
    naive = cox_regression(
        follow_up["time"], follow_up["event"], covariates={"cleared": cleared.astype(float)}
    )
    assert naive.high[0] < -0.3
    honest = landmark_cox(cohort, "death", landmark=365, markers=[POST])
    assert abs(honest.fit.coefficients[0]) < 3 * honest.fit.standard_errors[0]
    assert honest.data.counts["without_value"][0] > 0


def test_marker_of_a_later_day_is_refused_at_baseline():
    cohort, _, _ = late_marker(np.random.default_rng(12), 300)
    with pytest.raises(
        CohortError, match=r"(?s)'DTC_post' was first measured after day 0.*immortal"
    ):
        landmark_cox(cohort, "death", landmark=0, markers=[POST])
    with pytest.raises(CohortError, match="Choose a later landmark: by day 5"):
        landmark_cox(cohort, "death", landmark=100, markers=[POST])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"landmarks": []}, "no landmark was given"),
        ({"landmarks": [1e5]}, "nobody is at risk of 'death' after day 100000"),
        ({"window": 0}, "the window is 0 days"),
        ({"covariates": ["agee"]}, "have no column 'agee'; did you mean 'age'"),
        ({"covariates": ["status_text"]}, "'status_text' is String, not a number"),
        ({"covariates": ["bili"]}, "share a name: bili, bili"),
        ({"markers": [Marker("x", analyte="bilu")]}, "no values of 'bilu'; did you mean 'bili'"),
        ({"markers": [Marker("x", analyte="bili", phase="post")]}, "'bili' in phase 'post'"),
    ],
)
def test_bad_input(pbc, options, message):
    with pytest.raises(CohortError, match=message):
        landmark_data(pbc, "death", **{"landmarks": [365], "markers": [BILI], **options})


def test_super_model_needs_two_landmarks(pbc):
    with pytest.raises(CohortError, match="two landmarks or more; only day 365"):
        landmark_super_model(pbc, "death", landmarks=[365], markers=[BILI], window=100)


def test_prediction_needs_a_landmark_of_the_model(pbc):
    found = landmark_cox(pbc, "death", landmark=365, markers=[BILI])
    with pytest.raises(CohortError, match="day 400 is not a landmark of the model: 365"):
        found.predict({"bili": 3}, landmark=400, days=100)


def test_marker_needs_one_source():
    with pytest.raises(CohortError, match="'x' needs either a cell class"):
        Marker("x")
