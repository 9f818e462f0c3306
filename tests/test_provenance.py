from __future__ import annotations

import json
import platform
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrace import __version__
from marrowtrace.errors import InputFileError
from marrowtrace.provenance import SCHEMA, Provenance, SourceFile

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(
    action=TEXT,
    parameters=st.dictionaries(TEXT, JSON, max_size=4),
    seed=st.none() | st.integers(0, 2**64 - 1),
    notes=st.lists(TEXT, max_size=3),
    sources=st.lists(st.builds(SourceFile, TEXT, TEXT, st.integers(0)), max_size=2),
    citations=st.lists(TEXT, max_size=2),
)
def test_record_returns_from_its_json(
    action: str, parameters: dict[str, Any], seed: int | None, notes: list[str],
    sources: list[SourceFile], citations: list[str],
):  # fmt: skip
    made = Provenance(
        action=action, parameters=parameters, seed=seed, notes=tuple(notes),
        sources=tuple(sources), citations=tuple(citations),
    )  # fmt: skip
    assert Provenance.from_json(json.loads(made.dumps()), where="x") == made


def test_what_is_left_out_is_filled_in():
    made = Provenance(action="cohort import")
    assert made.version == __version__
    assert made.python == platform.python_version()
    age = datetime.now(UTC) - datetime.fromisoformat(made.created)
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert made.to_json()["schema"] == SCHEMA


def test_source_file_keeps_no_path(tmp_path: Path):
    (tmp_path / "counts.csv").write_bytes(b"abc")
    source = SourceFile.of(tmp_path / "counts.csv")
    assert source == SourceFile(
        "counts.csv", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3
    )
    record = Provenance(action="x", sources=[source]).dumps()
    assert str(tmp_path) not in record


def test_text_of_any_script_is_readable():
    assert "Zoë 漢" in Provenance(action="Zoë 漢").dumps()


@pytest.mark.parametrize("schema", ["marrowtrace.provenance/2", None, "other/1"])
def test_other_schema(schema: str | None):
    record = {**Provenance(action="x").to_json(), "schema": schema}
    with pytest.raises(InputFileError, match=r"file\.json: schema is .*, but this version reads"):
        Provenance.from_json(record, where="file.json")


@pytest.mark.parametrize("key", ["action", "sources", "parameters", "seed", "notes", "created"])
def test_incomplete_record(key: str):
    record = Provenance(action="x").to_json()
    del record[key]
    with pytest.raises(InputFileError, match=rf"f\.json: the provenance record is .*'{key}'"):
        Provenance.from_json(record, where="f.json")


def test_damaged_sources():
    record = {**Provenance(action="x").to_json(), "sources": [{"name": "a", "md5": "b"}]}
    with pytest.raises(InputFileError, match=r"f\.json: the provenance record is incomplete"):
        Provenance.from_json(record, where="f.json")
