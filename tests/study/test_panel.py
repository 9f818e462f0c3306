import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import CohortError, InputFileError, MissingFileError
from marrowtrace.io.folder import load_cohort
from marrowtrace.study.manifest import Manifest
from marrowtrace.study.panel import Panel
from marrowtrace.study.run import run
from tests.study.small_study import small


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel") / "out"
    run(small(), folder, chunk=70)
    return Panel.read(folder), load_cohort(folder / "cohort")


def test_it_is_the_cohort_in_another_shape(both):
    panel, cohort = both
    assert panel.patients["patient_id"].equals(cohort.patients["patient_id"])
    for (visit, assay), counts in panel.counts.items():
        wanted = (
            cohort.enumerations.filter(pl.col("assay") == assay)
            .join(cohort.samples.filter(pl.col("visit") == visit), on="sample_id")
            .select("patient_id", "count", "positive", "time")
        )
        rows = cohort.patients.select("patient_id").join(
            wanted, on="patient_id", how="left", maintain_order="left"
        )
        np.testing.assert_array_equal(counts, rows["count"].fill_null(-1))
        verdict = panel.positive[visit, assay]
        np.testing.assert_array_equal(verdict, rows["positive"].cast(pl.Int8).fill_null(-1))
        assayed = verdict >= 0
        np.testing.assert_array_equal(panel.sampled[visit][assayed], rows["time"].drop_nulls())


def test_follow_up_and_treatments(both):
    panel, cohort = both
    for endpoint, (time, event) in panel.follow_up.items():
        wanted = cohort.follow_up.filter(pl.col("endpoint") == endpoint)
        np.testing.assert_array_equal(time, wanted["time"])
        np.testing.assert_array_equal(event, wanted["event"])
    for regimen, taken in panel.treated.items():
        wanted = set(cohort.treatments.filter(pl.col("regimen") == regimen)["patient_id"])
        assert set(panel.patients.filter(pl.Series(taken))["patient_id"]) == wanted
    assert panel.treated["surgery"].all()


def test_everybody_who_was_simulated_is_accounted_for(both):
    panel, _ = both
    assert panel.screened["patients"].sum() == 300
    entered = panel.screened.filter(pl.col("reason") == "enrolled")["patients"].sum()
    assert entered == len(panel)
    assert panel.truth.height == len(panel)
    assert panel.truth["patient_id"].equals(panel.patients["patient_id"])


def test_relapses_seen_have_a_site(both):
    panel, _ = both
    relapsed = panel.follow_up["distant_relapse"][1] == 1
    np.testing.assert_array_equal(panel.patients["relapse_site"].is_not_null(), relapsed)


def test_status_by_threshold(both):
    panel, _ = both
    counts = panel.counts["diagnosis", "a45-b-b3"]
    np.testing.assert_array_equal(
        panel.status("diagnosis", "a45-b-b3", 2.0), np.where(counts < 0, -1, counts >= 2)
    )
    between = panel.status("diagnosis", "a45-b-b3", 2.0, negative_below=1.0)
    np.testing.assert_array_equal(between == -1, (counts < 0) | (counts == 1))
    verdict = panel.positive["8 months", "ck19-rt-pcr"]
    np.testing.assert_array_equal(panel.status("8 months", "ck19-rt-pcr", 5.0), verdict)
    with pytest.raises(CohortError, match="has no assay 'cellsearch' at '8 months'"):
        panel.status("8 months", "cellsearch")


def test_folders_without_a_panel(tmp_path):
    with pytest.raises(MissingFileError, match=r"there is no file .*run\.json"):
        Panel.read(tmp_path)
    Manifest(tmp_path, small(), 100).write()
    with pytest.raises(InputFileError, match="no chunk of the run is done; go on with --resume"):
        Panel.read(tmp_path)
    record = tmp_path / "run.json"
    whole = record.read_text(encoding="utf-8")
    for text, message in (
        ("{", "is not the record of a run"),
        ('{"schema": "x/1"}', "schema is 'x/1', but this version reads"),
        (whole.replace('"chunk"', '"chonk"'), "the record of the run is incomplete"),
    ):
        record.write_text(text, encoding="utf-8")
        with pytest.raises(InputFileError, match=message):
            Panel.read(tmp_path)
