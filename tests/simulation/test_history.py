import json

import numpy as np
import polars as pl
import pytest

from marrowtrace.errors import InputFileError, MissingFileError, SimulationError
from marrowtrace.simulation import BURDENS, PATIENTS, History, life, replay, scenario, simulate
from marrowtrace.simulation.history import join
from marrowtrace.simulation.replay import same_lesions


@pytest.fixture(scope="module")
def history():
    return simulate(scenario("early-breast"), 400, seed=1)


def test_places_of_dropped_candidates_stay_free():
    """A candidate that is dropped on arrival must not come back at the next edge."""
    lesions = simulate(scenario("early-breast", regimens=()), 20_000, seed=5).lesions
    over = ~np.isnan(lesions["ended"])
    assert (lesions["ended"][over] >= lesions["awakened"][over]).all()


def test_save_and_load_give_the_same(history, tmp_path):
    history.save(tmp_path / "h")
    again = History.load(tmp_path / "h")
    np.testing.assert_array_equal(again.patients, history.patients)
    np.testing.assert_array_equal(again.burdens, history.burdens)
    np.testing.assert_array_equal(again.offsets, history.offsets)
    assert same_lesions(again.lesions, history.lesions)
    assert replay(again, 17).patient == 17


def test_columns_by_name(history):
    assert history.column("age").shape == (400,)
    assert history.burden("burst").shape == (400, 8)
    with pytest.raises(
        SimulationError, match="no column 'agge' in the patients; did you mean 'age'"
    ):
        history.column("agge")
    with pytest.raises(SimulationError, match="no column 'perivasculr' in the burdens"):
        history.burden("perivasculr")


def test_tables_have_words_and_nulls(history):
    patients = history.patient_table()
    assert patients.columns == ["patient", *PATIENTS]
    assert set(patients["code"]) <= {"complete", "lesion limit reached"}
    assert patients["distant_relapse"].null_count() > 200
    burdens = history.burden_table()
    assert burdens.columns == ["patient", "visit", "day", *BURDENS]
    relapsed = burdens.filter(pl.col("visit").is_null())
    assert relapsed.height == np.isfinite(history.column("distant_relapse")).sum()
    assert burdens["day"].null_count() == 0
    lesions = history.lesion_table()
    assert set(lesions["place"]) <= {"perivascular", "endosteal", "visceral", "local"}
    assert lesions.height == history.lesions.size


def test_records_agree_with_one_another(history):
    """Identities between patients, burdens and lesions."""
    detected = history.lesion_table().filter(
        pl.col("detected").is_not_null() & (pl.col("place") != "local")
    )
    first = dict(detected.group_by("patient").agg(pl.col("detected").min()).iter_rows())
    relapse = history.column("distant_relapse")
    for row, patient in enumerate(history.patient):
        assert first.get(int(patient), np.inf) == relapse[row]
    death, end = history.column("death"), history.column("end")
    assert (end <= history.scenario.horizon).all()
    assert np.array_equal(death[np.isfinite(death)], end[np.isfinite(death)])
    both = np.minimum(history.column("bone_relapse"), history.column("visceral_relapse"))
    np.testing.assert_array_equal(both, relapse)
    lesions = history.lesions
    assert (lesions["awakened"] >= lesions["seeded"]).all()
    over = ~np.isnan(lesions["ended"])
    assert (lesions["ended"][over] >= lesions["awakened"][over]).all()
    late = ~np.isnan(lesions["escaped"])
    assert (lesions["escaped"][late] >= lesions["awakened"][late]).all()
    phenotypes = sum(history.burden(n) for n in ("epithelial", "hybrid", "mesenchymal"))
    np.testing.assert_allclose(phenotypes[~np.isnan(phenotypes)], 1.0, atol=1e-5)


def test_replay_is_the_same_life(history):
    for patient in range(0, 400, 13):
        again = replay(history, patient)
        assert again.events["day"].is_sorted()
        assert again.trajectory["day"].is_sorted()
        assert again.trajectory["day"][-1] == history.column("end")[patient]


def test_replay_tells_another_life(history):
    wrong = History(
        history.scenario,
        history.seed + 1,
        history.patient,
        history.patients,
        history.burdens,
        history.lesions,
        history.offsets,
    )
    with pytest.raises(SimulationError, match="the replay of patient 3 is not the life"):
        replay(wrong, 3)


def test_unknown_patients_are_named(history):
    with pytest.raises(SimulationError, match="patient 400 is not in this history; it holds 0 to"):
        replay(history, 400)


def test_events_tell_the_life():
    usual = scenario("early-breast")
    told = life(usual, 1, 17)
    assert "surgery" in set(told.events["event"])
    established = told.events.filter(pl.col("event") == "lesion established")
    assert established.height == told.record.lesions.size


def test_join_puts_parts_in_a_row(history):
    arm = scenario("early-breast")
    parts = [simulate(arm, 200, seed=1, first=start) for start in (0, 200)]
    whole = join(parts)
    np.testing.assert_array_equal(whole.patients, history.patients)
    np.testing.assert_array_equal(whole.offsets, history.offsets)
    assert join(parts[:1]) is parts[0]


def test_folders_without_a_history_are_named(tmp_path):
    with pytest.raises(MissingFileError, match="there is no file"):
        History.load(tmp_path)
    (tmp_path / "history.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputFileError, match="is not a record of a history"):
        History.load(tmp_path)
    (tmp_path / "history.json").write_text(json.dumps({"schema": "x"}), encoding="utf-8")
    with pytest.raises(InputFileError, match="schema is 'x'"):
        History.load(tmp_path)


def test_a_record_without_chunks_is_named(history, tmp_path):
    history.save(tmp_path)
    for path in tmp_path.glob("patients-*.parquet"):
        path.unlink()
    with pytest.raises(InputFileError, match="no chunk of patients was finished"):
        History.load(tmp_path)


def test_a_broken_chunk_is_named(history, tmp_path):
    history.save(tmp_path)
    (tmp_path / "burdens-000000.parquet").write_bytes(b"nothing")
    with pytest.raises(InputFileError, match=r"burdens-000000\.parquet cannot be read as Parquet"):
        History.load(tmp_path)
