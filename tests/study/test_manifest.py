import json

import pytest

from marrowtrace.errors import SimulationError
from marrowtrace.study.manifest import Manifest
from tests.study.small_study import small


def test_chunks_cover_the_patients_once(tmp_path):
    manifest = Manifest(tmp_path, small(), 70)
    assert manifest.count == 5
    ranges = [manifest.range(number) for number in range(5)]
    assert ranges == [(0, 70), (70, 70), (140, 70), (210, 70), (280, 20)]


def test_it_reads_back_the_same(tmp_path):
    manifest = Manifest(tmp_path, small(), 150)
    part = manifest.part(1)
    part.mkdir(parents=True)
    (part / "patients.parquet").write_bytes(b"abc")
    manifest.add(1, 150)
    found = Manifest.read(tmp_path)
    assert found == manifest
    assert found.damaged(1) == ""
    (part / "patients.parquet").write_bytes(b"ab")
    assert found.damaged(1) == "patients.parquet is cut short (2 of 3 bytes)"


def test_the_record_says_what_it_is_of_in_words(tmp_path):
    Manifest(tmp_path, small(), 150).write()
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (record["study"], record["patients"], record["seed"]) == ("small", 300, 3)
    assert record["protocol"]["arms"][1]["rules"][0]["assay"] == "a45-b-b3"
    assert str(tmp_path) not in json.dumps(record)


def test_every_difference_is_named(tmp_path):
    manifest = Manifest(tmp_path, small(), 150)
    manifest.refuse_other(small(), None)
    with pytest.raises(
        SimulationError, match=r"4 problems in .*, which holds another run"
    ) as caught:
        manifest.refuse_other(small(seed=8, patients=9, endpoints=["death"]), 20)
    for name in ("chunk", "seed", "patients", "endpoints"):
        assert f"  {name}: " in str(caught.value)
