import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from marrowtrace.errors import OutputError, SimulationError
from marrowtrace.io.folder import load_cohort
from marrowtrace.study import run as run_module
from marrowtrace.study.manifest import Manifest
from marrowtrace.study.panel import Panel
from marrowtrace.study.protocol_file import read_protocol
from marrowtrace.study.run import run
from tests.study.small_study import small

FILES = (
    "cohort/patients.parquet",
    "cohort/treatments.parquet",
    "cohort/samples.parquet",
    "cohort/enumerations.parquet",
    "cohort/follow_up.parquet",
    "truth/truth.parquet",
    "truth/burdens.parquet",
)


def bytes_of(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "out"
    told = []
    ran = run(
        small(), folder, chunk=100, workers=2, progress=lambda done, n: told.append((done, n))
    )
    assert (ran.patients, ran.simulated_now, ran.redone) == (300, 300, ())
    assert told == [(0, 300), (100, 300), (200, 300), (300, 300)]
    return folder


def test_a_run_leaves_a_cohort_that_loads(finished):
    cohort = load_cohort(finished / "cohort")
    assert cohort.index_event == "diagnosis"
    assert cohort.provenance.action == "run"
    assert cohort.provenance.seed == 3
    assert "braun2005" in cohort.provenance.citations
    assert set(cohort.endpoints) == {e.name for e in small().endpoints}
    truth = pl.read_parquet(finished / "truth" / "truth.parquet")
    assert truth["patient_id"].equals(cohort.patients["patient_id"])
    assert not list(finished.rglob(".*"))
    assert read_protocol(finished / "study.toml") == small()


@pytest.mark.parametrize(("chunk", "workers"), [(300, 1), (61, 2), (10_000, 2)])
def test_files_are_the_same_to_the_last_byte(finished, tmp_path, chunk, workers):
    run(small(), tmp_path / "out", chunk=chunk, workers=workers)
    assert bytes_of(tmp_path / "out") == bytes_of(finished)


def test_another_seed_gives_others(finished, tmp_path):
    run(small(seed=4), tmp_path / "out", chunk=300)
    assert bytes_of(tmp_path / "out") != bytes_of(finished)


def stopping_after(monkeypatch, chunks, error):
    """Let a run end with ``error`` before the chunk after these."""
    simulate_chunk, done = run_module.simulate_chunk, []

    def limited(*arguments, **options):
        if len(done) == chunks:
            raise error
        done.append(1)
        return simulate_chunk(*arguments, **options)

    monkeypatch.setattr(run_module, "simulate_chunk", limited)


def test_an_interrupted_run_goes_on_to_the_same_files(finished, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        stopping_after(patched, 2, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run(small(), out, chunk=100)
    assert not (out / "cohort").exists()
    assert len(Manifest.read(out).chunks) == 2
    ran = run(small(), out, resume=True)
    assert ran.simulated_now == 100
    assert bytes_of(out) == bytes_of(finished)
    assert run(small(), out, resume=True).simulated_now == 0


def test_a_panel_can_be_had_of_what_is_done(tmp_path, monkeypatch):
    stopping_after(monkeypatch, 1, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(small(), tmp_path, chunk=100)
    assert 0 < len(Panel.read(tmp_path)) <= 100


@pytest.mark.parametrize("harm", ["truncate", "delete", "change"])
def test_a_damaged_chunk_is_simulated_again(finished, tmp_path, monkeypatch, harm):
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        stopping_after(patched, 2, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run(small(), out, chunk=100)
    file = out / "parts" / "000001" / "samples.parquet"
    whole = file.read_bytes()
    messages = {
        "truncate": f"samples.parquet is cut short ({len(whole) // 2} of {len(whole)} bytes)",
        "delete": "samples.parquet is missing",
        "change": "samples.parquet was changed after it was written",
    }
    if harm == "truncate":
        file.write_bytes(whole[: len(whole) // 2])
    elif harm == "delete":
        file.unlink()
    else:
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    told = []
    ran = run(small(), out, resume=True, tell=told.append)
    assert told == [f"chunk 2 of 3 is simulated again: {messages[harm]}"]
    assert ran.redone == tuple(told)
    assert ran.simulated_now == 200
    assert bytes_of(out) == bytes_of(finished)


def test_a_damaged_chunk_of_a_finished_run_is_mended_too(finished, tmp_path):
    out = tmp_path / "out"
    run(small(), out, chunk=300)
    (out / "parts" / "000000" / "patients.parquet").write_bytes(b"")
    assert run(small(), out, resume=True).simulated_now == 300
    (out / "truth" / "truth.parquet").unlink()
    assert run(small(), out, resume=True).simulated_now == 0
    assert bytes_of(out) == bytes_of(finished)


def test_a_full_disk_is_told_and_loses_the_chunk_in_hand_only(finished, tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_frame, written = run_module.write_frame, []

    def full(frame, path):
        written.append(path)
        if len(written) > 12:  # in the second chunk
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_frame(frame, path)

    with monkeypatch.context() as patched:
        patched.setattr(run_module, "write_frame", full)
        with pytest.raises(OutputError, match="the disk is full; free some space"):
            run(small(), out, chunk=100)
    assert sorted(Manifest.read(out).chunks) == [0]
    assert [p.name for p in (out / "parts").iterdir()] == ["000000"]
    run(small(), out, resume=True)
    assert bytes_of(out) == bytes_of(finished)


def test_a_disk_that_is_full_when_the_cohort_is_put_together(tmp_path, monkeypatch):
    from marrowtrace.study import cohort_folder

    def full(parts, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(cohort_folder, "join_files", full)
        with pytest.raises(OutputError, match="the disk is full"):
            run(small(), tmp_path / "out", chunk=300)
    assert not (tmp_path / "out" / "cohort").exists()
    assert run(small(), tmp_path / "out", resume=True).simulated_now == 0
    load_cohort(tmp_path / "out" / "cohort")


def test_other_runs_are_refused(finished):
    def refused(protocol, message, **options):
        before = bytes_of(finished)
        with pytest.raises(SimulationError) as caught:
            run(protocol, finished, **options)
        assert message in str(caught.value)
        assert bytes_of(finished) == before

    refused(small(), "holds a run of 'small' already (finished); choose another folder, or go on")
    refused(small(seed=4), "seed: the folder has 3, this run 4", resume=True)
    refused(small(patients=400), "patients: the folder has 300, this run 400", resume=True)
    refused(small(surgery="9 d"), "surgery: the folder has 0.0, this run 9.0", resume=True)
    refused(small(arms=[{"name": "one"}]), "arms: differs from that of the folder", resume=True)
    refused(small(), "chunk: the folder has 100 patients a chunk, not 50", resume=True, chunk=50)


def test_a_run_of_another_version_is_refused(finished, monkeypatch):
    from marrowtrace.study import manifest

    monkeypatch.setattr(manifest, "__version__", "99.0")
    with pytest.raises(SimulationError, match=r"version: the folder was written by .*, not 99\.0"):
        run(small(), finished, resume=True)


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(SimulationError, match="is not empty and holds no run"):
        run(small(), tmp_path)
    with pytest.raises(SimulationError, match="is a file; choose a folder"):
        run(small(), tmp_path / "thesis.tex")
    with pytest.raises(SimulationError, match="chunk: 0 is outside its range"):
        run(small(), tmp_path / "new", chunk=0)


def test_a_run_that_did_not_get_far_is_begun_anew(tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        stopping_after(patched, 0, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run(small(seed=9), tmp_path)
    assert run(small(), tmp_path).simulated_now == 300
    assert read_protocol(tmp_path / "study.toml") == small()


def test_a_study_that_nobody_enters(tmp_path):
    with pytest.raises(SimulationError, match=r"none of the 20 simulated patients meets the elig"):
        run(small(patients=20, eligibility={"age_from": "119 years"}), tmp_path / "out")


_SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.study.small_study import small
from marrowtrace.study import run as run_module
simulate_chunk = run_module.simulate_chunk
def slowly(*arguments, **options):
    found = simulate_chunk(*arguments, **options)
    time.sleep(0.4)
    return found
run_module.simulate_chunk = slowly
run_module.run(small(), Path(sys.argv[1]), chunk=30)
"""


def test_a_killed_process_loses_at_most_the_chunk_in_hand(finished, tmp_path):
    out = tmp_path / "out"
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, "-c", _SCRIPT, str(out), root])
    record = out / "run.json"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if record.exists() and len(json.loads(record.read_text())["chunks"]) >= 2:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = len(Manifest.read(out).chunks)
    assert 2 <= done < 10
    ran = run(small(), out, resume=True)
    assert ran.simulated_now == 300 - 30 * done
    assert bytes_of(out) == bytes_of(finished)
