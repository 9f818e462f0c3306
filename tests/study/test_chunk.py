import numpy as np
import polars as pl
import pytest

from marrowtrace.study.chunk import COHORT_TABLES, TABLES, simulate_chunk, with_patients
from tests.study.small_study import small


def joined(protocol, size, workers=2):
    parts = [
        simulate_chunk(
            protocol, first, min(size, protocol.patients - first), seed=3, workers=workers
        )
        for first in range(0, protocol.patients, size)
    ]
    return {name: pl.concat([part.tables[name] for part in parts]) for name in TABLES}


@pytest.fixture(scope="module")
def whole():
    return joined(small(), 300)


@pytest.mark.parametrize(("size", "workers"), [(300, 1), (100, 2), (37, 2)])
def test_results_depend_neither_on_workers_nor_on_chunks(whole, size, workers):
    found = joined(small(), size, workers)
    for name in TABLES:
        if name != "screened":
            assert found[name].equals(whole[name]), name
    count = pl.col("patients").sum()
    totals = [t["screened"].group_by("arm", "reason").agg(count).sort("arm", "reason")
              for t in (found, whole)]  # fmt: skip
    assert totals[0].equals(totals[1])


def test_each_patient_is_in_one_arm_and_is_numbered(whole):
    patients = whole["patients"]
    assert patients["patient_id"].n_unique() == patients.height
    assert set(patients["arm"]) == {"watched", "guided"}
    assert patients["patient_id"][0] == f"P{patients['number'][0]:07d}"
    assert patients["number"].is_sorted()
    assert whole["screened"]["patients"].sum() == 300
    assert patients.height < 300


def test_paired_arms_have_the_same_patients():
    protocol = small(allocation="paired", patients=150)
    patients = simulate_chunk(protocol, 0, 150, seed=3).tables["patients"]
    watched, guided = (patients.filter(pl.col("arm") == arm) for arm in ("watched", "guided"))
    known = ["number", "age", "tumour_diameter", "subtype", "node_positive"]
    assert watched.select(known).equals(guided.select(known))
    assert patients["patient_id"][1].endswith(".2")
    assert patients["patient_id"].n_unique() == patients.height


def test_tables_agree_with_each_other(whole):
    """Samples within follow-up, death after relapse, treatments of those who got them."""
    times = whole["follow_up"].pivot(on="endpoint", index="patient_id", values="time")
    events = whole["follow_up"].pivot(on="endpoint", index="patient_id", values="event")
    assert (times["death"] >= times["distant_relapse"]).all()
    assert (times["disease_free"] == times["distant_relapse"]).sum() > 0
    site = events.filter(pl.col("distant_relapse") == 1)
    assert (site["bone_relapse"] + site["visceral_relapse"] == 3).all()  # one 1, the other 2
    observed = whole["samples"].join(whole["observation"], on="patient_id")
    assert (observed["time"] <= observed["followed_to"]).all()
    death = whole["observation"].join(times, on="patient_id")
    assert (death["followed_to"] == death["death"]).all()
    given = whole["treatments"].join(whole["observation"], on="patient_id")
    assert (given["start"] <= given["followed_to"]).all()
    assert (given["stop"].drop_nulls() >= 0).all()


def test_docetaxel_is_given_to_who_the_truth_says(whole):
    given = whole["treatments"].filter(pl.col("regimen") == "docetaxel-secondary")["patient_id"]
    truth = whole["truth"]
    assert given.len() > 5
    assert set(given) <= set(truth.filter(pl.col("rule_1"))["patient_id"])
    assert (truth.filter(pl.col("rule_1"))["arm"] == "guided").all()
    marrow = whole["samples"].filter((pl.col("visit") == "8 months") & (pl.col("site") != "blood"))
    counts = marrow.join(whole["enumerations"], on="sample_id")
    assert (counts.filter(pl.col("patient_id").is_in(given.implode()))["count"] >= 1).all()


def test_an_assay_without_counts_has_none(whole):
    assay = whole["enumerations"].filter(pl.col("assay") == "ck19-rt-pcr")
    assert assay["count"].is_null().all()
    assert assay["positive"].is_not_null().all()
    blood = whole["enumerations"].filter(pl.col("assay") == "cellsearch")
    assert blood["count"].is_not_null().all()
    assert (blood["examined"] == 7.5).all()


def test_sample_ids_can_be_read(whole):
    row = whole["samples"].filter(pl.col("visit") == "8 months").row(0, named=True)
    assert row["sample_id"] == f"{row['patient_id']}-V2-{row['site'].split('_')[-1]}"


def test_relapses_in_the_truth_are_those_of_the_clinic(whole):
    both = whole["truth"].join(
        whole["follow_up"].filter(pl.col("endpoint") == "distant_relapse"), on="patient_id"
    )
    seen = both.filter(pl.col("event") == 1)
    np.testing.assert_allclose(seen["time"], seen["distant_relapse"])
    np.testing.assert_allclose(seen["time"], seen["detected"], rtol=1e-6, atol=1e-3)
    assert seen["relapse_origin"].is_not_null().all()
    assert both.filter(pl.col("event") != 1)["relapse_site"].is_null().sum() > 0


def test_nobody_enters():
    protocol = small(eligibility={"age_from": "119 years"})
    found = simulate_chunk(protocol, 0, 50, seed=3)
    for name in COHORT_TABLES:
        assert found.tables[name].height == 0
    assert set(found.tables["screened"]["reason"]) <= {"age", "metastatic at diagnosis"}
    some = simulate_chunk(small(), 0, 50, seed=3)
    for name in TABLES:
        assert found.tables[name].schema == some.tables[name].schema, name


def test_other_numbers_and_seeds():
    protocol = with_patients(small(), 12, 9)
    assert (protocol.patients, protocol.seed) == (12, 9)
    assert with_patients(small(), None, None) == small()
