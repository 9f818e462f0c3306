import json

import pytest

from marrowtrace.cohort import Cohort
from marrowtrace.errors import InputFileError
from marrowtrace.io.folder import load_cohort, save_cohort
from marrowtrace.study.cohort_folder import citations, provenance
from marrowtrace.study.manifest import Manifest
from marrowtrace.study.run import run
from tests.study.small_study import small


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "out"
    run(small(), out, chunk=110)
    return out


def test_it_is_what_saving_a_cohort_gives(folder, tmp_path):
    """The folder put together piece by piece has the record that one written at once has."""
    cohort = load_cohort(folder / "cohort")
    save_cohort(cohort, tmp_path / "again")
    records = [
        json.loads((path / "provenance.json").read_text(encoding="utf-8"))
        for path in (folder / "cohort", tmp_path / "again")
    ]
    assert records[0].keys() == records[1].keys()
    for name in ("schema", "format", "index_event", "provenance"):
        assert records[0][name] == records[1][name]
    kept = [
        [(f["name"], f["holds"], f["rows"], f["columns"]) for f in record["files"]]
        for record in records
    ]
    assert kept[0] == kept[1]
    assert isinstance(cohort, Cohort)


def test_it_is_sealed(folder, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder / "cohort", copy)
    record = copy / "provenance.json"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace('"seed": 3', '"seed": 4'), encoding="utf-8")
    with pytest.raises(InputFileError, match="was changed after it was written"):
        load_cohort(copy)


def test_papers_of_parameters_assays_and_figures_are_cited(folder):
    manifest = Manifest.read(folder)
    keys = citations(manifest)
    assert keys == sorted(set(keys))
    assert {"meng2004", "braun2005"} <= set(keys)
    made = provenance(manifest)
    assert made.parameters["arms"] == ["watched", "guided"]
    assert made.notes[0].startswith("simulated patients")
