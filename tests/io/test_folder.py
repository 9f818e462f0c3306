from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marrowtrace.cohort import Cohort
from marrowtrace.errors import (
    CohortError,
    InputFileError,
    MarrowtraceError,
    MissingFileError,
    OutputError,
)
from marrowtrace.io import folder as folder_module
from marrowtrace.io.folder import RECORD, checksum, is_cohort_folder, load_cohort, save_cohort
from marrowtrace.provenance import Provenance, SourceFile
from tests.cohort_strategy import cohorts

FORMATS = ("parquet", "csv")
NOBODY = 65_534


@pytest.fixture
def cohort() -> Cohort:
    return Cohort.from_tables(
        {
            "patients": pl.DataFrame(
                {
                    "patient_id": ["P1", "P2"],
                    "age": [61.5, None],
                    "note": ['says "yes", then no\n', ""],
                    "grade": [2, None],
                }
            ),
            "samples": pl.DataFrame(
                {"sample_id": ["S1"], "patient_id": ["P1"], "site": ["blood"], "time": [0.1]}
            ),
        },
        index_event="surgery",
        provenance=Provenance(
            action="test", seed=7, notes=["µ"], sources=[SourceFile("a.csv", "0" * 64, 3)]
        ),
    )


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cohort=cohorts(matrices=True), form=st.sampled_from(FORMATS))
def test_any_cohort_returns_equal_from_its_folder(tmp_path_factory, cohort: Cohort, form: str):
    path = tmp_path_factory.mktemp("round") / "trip"
    save_cohort(cohort, path, format=form)
    loaded = load_cohort(path)
    assert loaded.equals(cohort)
    assert loaded.provenance == cohort.provenance
    assert {t: f.schema for t, f in loaded.tables.items()} == {
        t: f.schema for t, f in cohort.tables.items()
    }
    shutil.rmtree(path)


def test_a_changed_value_is_seen_by_the_round_trip(cohort: Cohort, tmp_path: Path):
    """The comparison above must be able to fail."""
    loaded = load_cohort(save_cohort(cohort, tmp_path / "c", format="csv"))
    other = dict(loaded.tables)
    other["samples"] = other["samples"].with_columns(pl.lit(0.1 + 1e-16).alias("time"))
    assert not Cohort.from_tables(other, index_event="surgery").equals(cohort)


@pytest.mark.parametrize("form", FORMATS)
def test_folder_holds_the_filled_tables_and_one_record(cohort: Cohort, tmp_path: Path, form: str):
    assert save_cohort(cohort, tmp_path / "a" / "c", format=form) == tmp_path / "a" / "c"
    assert listing(tmp_path / "a") == ["c"]
    assert listing(tmp_path / "a" / "c") == [f"patients.{form}", RECORD, f"samples.{form}"]
    record = json.loads((tmp_path / "a" / "c" / RECORD).read_text())
    assert record["schema"] == "marrowtrace.cohort-folder/1"
    assert record["index_event"] == "surgery"
    assert record["files"][0]["rows"] == 2
    assert record["files"][0]["columns"]["grade"] == "integer"
    assert is_cohort_folder(tmp_path / "a" / "c")
    assert not is_cohort_folder(tmp_path)


@pytest.mark.parametrize("form", FORMATS)
def test_provenance_returns(cohort: Cohort, tmp_path: Path, form: str):
    loaded = load_cohort(save_cohort(cohort, tmp_path / "c", format=form))
    assert loaded.provenance.to_json() == cohort.provenance.to_json()


def test_csv_tells_missing_from_empty_text(cohort: Cohort, tmp_path: Path):
    save_cohort(cohort, tmp_path / "c", format="csv")
    lines = (tmp_path / "c" / "patients.csv").read_text().splitlines()
    assert lines[-1] == '"P2",,,,,,,,,,,"",'


def test_names_of_columns_may_hold_anything(tmp_path: Path):
    names = ['a"b', "line\nend", "comma, too", " ", "_", "#", "CTC/7.5ml"]
    frame = pl.DataFrame({"patient_id": ["P1"], **{name: [name] for name in names}})
    cohort = Cohort.from_tables({"patients": frame}, index_event="diagnosis")
    for form in FORMATS:
        loaded = load_cohort(save_cohort(cohort, tmp_path / form, format=form))
        assert loaded.equals(cohort)
        assert loaded.patients.columns[-len(names) :] == names


def test_matrix_of_no_cells(cohort: Cohort, tmp_path: Path):
    import anndata
    import numpy as np

    none = anndata.AnnData(np.zeros((0, 3)))
    empty = Cohort.from_tables(cohort.tables, index_event="surgery", matrices={"variants": none})
    assert load_cohort(save_cohort(empty, tmp_path / "c")).equals(empty)


def test_many_rows_with_line_ends_inside_text(tmp_path: Path):
    """Readers that split a file among threads must not split inside quotes."""
    n = 50_000
    frame = pl.DataFrame({"patient_id": [f"P{i}" for i in range(n)]}).with_columns(
        pl.format('a\n"{}",\r\n', "patient_id").alias("note")
    )
    cohort = Cohort.from_tables({"patients": frame}, index_event="diagnosis")
    assert load_cohort(save_cohort(cohort, tmp_path / "c", format="csv")).equals(cohort)


def test_import_is_light():
    code = (
        "import sys, marrowtrace.io.folder; "
        "print(any(m in sys.modules for m in ('anndata', 'pandas', 'h5py', 'scipy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class TestRefusals:
    def test_unknown_format(self, cohort: Cohort, tmp_path: Path):
        with pytest.raises(OutputError, match="written as 'parket'; did you mean 'parquet'"):
            save_cohort(cohort, tmp_path / "c", format="parket")
        assert listing(tmp_path) == []

    def test_folder_in_use(self, cohort: Cohort, tmp_path: Path):
        save_cohort(cohort, tmp_path / "c")
        with pytest.raises(OutputError, match="exists already"):
            save_cohort(cohort, tmp_path / "c")

    def test_replace(self, cohort: Cohort, tmp_path: Path):
        save_cohort(cohort, tmp_path / "c")
        smaller = cohort.select(["P2"])
        save_cohort(smaller, tmp_path / "c", format="csv", replace=True)
        assert load_cohort(tmp_path / "c").equals(smaller)
        assert listing(tmp_path / "c") == ["patients.csv", RECORD]
        assert listing(tmp_path) == ["c"]

    def test_replace_through_a_link(self, cohort: Cohort, tmp_path: Path):
        save_cohort(cohort, tmp_path / "c")
        (tmp_path / "link").symlink_to("c")
        smaller = cohort.select(["P2"])
        save_cohort(smaller, tmp_path / "link", replace=True)
        assert (tmp_path / "link").is_symlink()
        assert load_cohort(tmp_path / "c").equals(smaller)

    def test_path_without_a_name(self, cohort: Cohort, tmp_path: Path, monkeypatch):
        (tmp_path / "c" / "deep").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / "c" / "deep")
        with pytest.raises(OutputError, match="exists already"):
            save_cohort(cohort, "..")
        (tmp_path / "c" / "deep").rmdir()
        save_cohort(cohort, tmp_path / "c" / "deep" / "..")
        assert listing(tmp_path) == ["c"]
        assert load_cohort(tmp_path / "c").equals(cohort)

    def test_an_empty_folder_may_be_filled(self, cohort: Cohort, tmp_path: Path):
        (tmp_path / "c").mkdir()
        save_cohort(cohort, tmp_path / "c")
        assert load_cohort(tmp_path / "c").equals(cohort)

    def test_other_files_are_never_replaced(self, cohort: Cohort, tmp_path: Path):
        (tmp_path / "thesis").mkdir()
        (tmp_path / "thesis" / "chapter.tex").write_text("x")
        with pytest.raises(OutputError, match="holds files that are not a cohort"):
            save_cohort(cohort, tmp_path / "thesis", replace=True)
        (tmp_path / "file").write_text("x")
        with pytest.raises(OutputError, match="is a file, so it is not replaced"):
            save_cohort(cohort, tmp_path / "file", replace=True)
        assert listing(tmp_path) == ["file", "thesis"]

    def test_parent_is_a_file(self, cohort: Cohort, tmp_path: Path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(OutputError, match=r"cannot write .*file"):
            save_cohort(cohort, tmp_path / "file" / "c")

    @pytest.mark.skipif(os.geteuid() != 0, reason="changing user needs root")
    def test_folder_without_write_permission(self, cohort: Cohort, tmp_path: Path):
        tmp_path.chmod(0o755)
        shut = tmp_path / "shut"
        shut.mkdir(mode=0o555)
        for parent in list(tmp_path.parents)[:3]:
            if parent.stat().st_uid == 0 and parent != Path("/tmp"):
                parent.chmod(0o755)
        os.seteuid(NOBODY)
        try:
            with pytest.raises(OutputError, match="you have no permission to write there"):
                save_cohort(cohort, shut / "c")
        finally:
            os.seteuid(0)
        assert listing(shut) == []

    def test_path_that_may_not_be_looked_at(self, cohort: Cohort, tmp_path: Path, monkeypatch):
        def denied(self: Path, **_: object) -> bool:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(Path, "exists", denied)
        with pytest.raises(OutputError, match="no permission"):
            save_cohort(cohort, tmp_path / "c")

    def test_matrix_that_h5ad_cannot_hold(self, cohort: Cohort, tmp_path: Path):
        import anndata
        import numpy as np
        import pandas as pd

        matrix = anndata.AnnData(
            np.zeros((1, 1)), obs=pd.DataFrame(index=["C1"]), layers={"a/b": np.zeros((1, 1))}
        )
        cells = pl.DataFrame({"cell_id": ["C1"], "sample_id": ["S1"]})
        with_cells = Cohort.from_tables(
            {**cohort.tables, "cells": cells},
            index_event="surgery",
            matrices={"expression": matrix},
        )
        with pytest.raises(OutputError, match="cannot hold a layer named 'a/b'"):
            save_cohort(with_cells, tmp_path / "c")
        assert listing(tmp_path) == []


class TestInterruption:
    """Whatever stops the writing: the old folder stands, nothing else stays."""

    STOPS = (
        KeyboardInterrupt(),
        OSError(errno.ENOSPC, "No space left on device"),
        MemoryError(),
    )

    @pytest.mark.parametrize("stop", STOPS, ids=lambda stop: type(stop).__name__)
    @pytest.mark.parametrize("replace", [True, False])
    def test_while_a_table_is_written(
        self, cohort: Cohort, tmp_path: Path, monkeypatch, stop: BaseException, replace: bool
    ):
        if replace:
            save_cohort(cohort, tmp_path / "c")
        before = {p.name: content(p) for p in tmp_path.iterdir()}
        write = folder_module._write_table

        def interrupted(folder: Path, spec, frame, suffix):
            if spec.name == "samples":
                (folder / "samples.parquet").write_bytes(b"PAR1 half")
                raise stop
            return write(folder, spec, frame, suffix)

        monkeypatch.setattr(folder_module, "_write_table", interrupted)
        wanted = OutputError if isinstance(stop, OSError) else type(stop)
        with pytest.raises(wanted):
            save_cohort(cohort.select(["P1"]), tmp_path / "c", replace=replace)
        assert {p.name: content(p) for p in tmp_path.iterdir()} == before

    @pytest.mark.parametrize("stop", STOPS[:2], ids=lambda stop: type(stop).__name__)
    def test_while_the_record_is_written(
        self, cohort: Cohort, tmp_path: Path, monkeypatch, stop: BaseException
    ):
        def interrupted(*_: object, **__: object) -> int:
            raise stop

        monkeypatch.setattr(Path, "write_text", interrupted)
        with pytest.raises(OutputError if isinstance(stop, OSError) else type(stop)):
            save_cohort(cohort, tmp_path / "c")
        assert listing(tmp_path) == []

    def test_full_disk_is_named(self, cohort: Cohort, tmp_path: Path, monkeypatch):
        def full(self: pl.DataFrame, *_: object, **__: object) -> None:
            raise pl.exceptions.ComputeError("parquet: No space left on device (os error 28)")

        monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
        with pytest.raises(OutputError, match="the disk is full; free some space"):
            save_cohort(cohort, tmp_path / "c")

    @pytest.mark.parametrize("form", FORMATS)
    def test_really_full_disk(self, tmp_path: Path, form: str):
        disk = tmp_path / "disk"
        disk.mkdir()
        mounted = (
            shutil.which("mount")
            and not subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],
                capture_output=True,
                check=False,
            ).returncode
        )
        if not mounted:
            pytest.skip("mounting a small file system is not allowed here")
        try:
            noise = random.Random(1)
            ids = ["P1", *(f"{noise.getrandbits(128):x}" for _ in range(60_000))]
            frame = pl.DataFrame({"patient_id": ids})
            large = Cohort.from_tables({"patients": frame}, index_event="diagnosis")
            small = large.select(["P1"])
            save_cohort(small, disk / "c", format=form)
            with pytest.raises(OutputError, match="the disk is full"):
                save_cohort(large, disk / "c", format=form, replace=True)
            assert load_cohort(disk / "c").equals(small)
            assert listing(disk) == ["c"]
        finally:
            subprocess.run(["umount", str(disk)], check=True)


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write a record that is intact as a file, whatever it says."""
    sealed = {**record, "checksum": checksum(record)}
    (folder / RECORD).write_text(json.dumps(sealed))


def rewrite(folder: Path, **changes: object) -> None:
    record = json.loads((folder / RECORD).read_text())
    write_record(folder, {**record, **changes})


@settings(max_examples=60, deadline=None)
@given(data=st.data(), form=st.sampled_from(FORMATS))
def test_any_changed_byte_is_found_or_harmless(tmp_path_factory, data: st.DataObject, form: str):
    frame = pl.DataFrame({"patient_id": ["P1", "P2"], "note": ["a", None]})
    cohort = Cohort.from_tables({"patients": frame}, index_event="diagnosis")
    folder = save_cohort(cohort, tmp_path_factory.mktemp("flip") / "c", format=form)
    file = data.draw(st.sampled_from(sorted(folder.iterdir())))
    raw = bytearray(file.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(bytes(raw))
    try:
        loaded = load_cohort(folder)
    except MarrowtraceError:
        return
    assert file.name == RECORD  # white space between the values of the record may change
    assert loaded.equals(cohort)
    assert loaded.provenance == cohort.provenance


def test_a_record_that_was_edited_is_found(tmp_path):
    cohort = Cohort.from_tables(
        {"patients": pl.DataFrame({"patient_id": ["P1"]})}, index_event="diagnosis"
    )
    folder = save_cohort(cohort, tmp_path / "c")
    text = (folder / RECORD).read_text()
    (folder / RECORD).write_text(text.replace("diagnosis", "surgery"))
    with pytest.raises(InputFileError, match=r"provenance.json' was changed after it was written"):
        load_cohort(folder)


class TestDamage:
    @pytest.fixture(params=FORMATS)
    def saved(self, request, cohort: Cohort, tmp_path: Path) -> Path:
        return save_cohort(cohort, tmp_path / "cohort", format=request.param)

    def table(self, saved: Path, name: str = "samples") -> Path:
        return next(saved.glob(f"{name}.*"))

    def test_no_such_folder(self, saved: Path):
        with pytest.raises(MissingFileError, match=r"there is no folder .*did you mean 'cohort'"):
            load_cohort(saved.parent / "cohrt")

    def test_file_instead_of_folder(self, saved: Path):
        with pytest.raises(InputFileError, match="is a file, but a cohort is a folder"):
            load_cohort(saved / RECORD)

    def test_folder_of_something_else(self, tmp_path: Path):
        with pytest.raises(InputFileError, match=r"holds no provenance.json.*cohort import"):
            load_cohort(tmp_path)

    def test_missing_table(self, saved: Path):
        self.table(saved).unlink()
        with pytest.raises(InputFileError, match=r"samples\.\w+: is missing; restore it"):
            load_cohort(saved)

    def test_truncated_table(self, saved: Path):
        whole = self.table(saved).read_bytes()
        self.table(saved).write_bytes(whole[:-7])
        size = len(whole)
        with pytest.raises(InputFileError, match=f"is cut short: {size - 7} of {size} bytes"):
            load_cohort(saved)

    def test_changed_table(self, saved: Path):
        whole = bytearray(self.table(saved).read_bytes())
        whole[len(whole) // 2] ^= 1
        self.table(saved).write_bytes(bytes(whole))
        with pytest.raises(InputFileError, match=r"was changed after it was written \(its check"):
            load_cohort(saved)

    def test_every_damage_is_listed_at_once(self, saved: Path):
        self.table(saved).unlink()
        with self.table(saved, "patients").open("ab") as file:
            file.write(b"x")
        with pytest.raises(InputFileError, match="2 problems in the cohort folder") as caught:
            load_cohort(saved)
        assert "patients" in str(caught.value)
        assert "samples" in str(caught.value)

    def test_table_put_there_later(self, saved: Path):
        suffix = self.table(saved).suffix
        (saved / f"clones{suffix}").write_text("x")
        (saved / "notes.txt").write_text("my own notes do not matter")
        with pytest.raises(InputFileError, match=r"clones.*is not in provenance.json.*take it out"):
            load_cohort(saved)

    def test_truncated_table_with_a_matching_checksum(self, saved: Path):
        """A file that was written broken is found even if its checksum is right."""
        table = self.table(saved, "patients")
        table.write_bytes(table.read_bytes()[:-20])
        record = json.loads((saved / RECORD).read_text())
        record["files"][0] |= {
            "size": SourceFile.of(table).size,
            "sha256": SourceFile.of(table).sha256,
        }
        write_record(saved, record)
        with pytest.raises(InputFileError, match=r"patients\.\w+: cannot be read"):
            load_cohort(saved)

    def test_other_columns_than_listed(self, saved: Path):
        record = json.loads((saved / RECORD).read_text())
        record["files"][0]["rows"] = 3
        write_record(saved, record)
        with pytest.raises(InputFileError, match=r"has 2 rows, but provenance\.json says 3"):
            load_cohort(saved)
        record["files"][0]["columns"]["grade"] = "text"
        record["files"][0]["rows"] = 2
        write_record(saved, record)
        if record["format"] == "parquet":
            with pytest.raises(InputFileError, match="its columns are not those"):
                load_cohort(saved)

    def test_newer_schema(self, saved: Path):
        made = {"version": "9.1"}
        rewrite(saved, schema="marrowtrace.cohort-folder/2", provenance=made)
        with pytest.raises(InputFileError, match=r"by marrowtrace 9.1 .*update marrowtrace"):
            load_cohort(saved)
        rewrite(saved, provenance=None)
        with pytest.raises(InputFileError, match=r"by a newer marrowtrace .*update marrowtrace"):
            load_cohort(saved)

    def test_foreign_schema(self, saved: Path):
        rewrite(saved, schema="frictionless/1")
        with pytest.raises(InputFileError, match="has the schema 'frictionless/1', but a cohort"):
            load_cohort(saved)
        (saved / RECORD).write_text("[1, 2]")
        with pytest.raises(InputFileError, match="has the schema None"):
            load_cohort(saved)

    def test_record_is_no_json(self, saved: Path):
        (saved / RECORD).write_text('{"schema": ')
        with pytest.raises(InputFileError, match="cannot be read as JSON"):
            load_cohort(saved)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"format": "xlsx"}, "has the format 'xlsx'; allowed: parquet, csv"),
            ({"files": [{"holds": "samples"}]}, "is incomplete: it lacks 'name'"),
            ({"files": 3}, "is damaged"),
            ({"index_event": 3}, "is damaged: index_event is not text"),
            ({"provenance": {"schema": "x"}}, "schema is 'x', but this version reads"),
            ({"provenance": 5}, "is damaged"),
        ],
    )
    def test_damaged_record(self, saved: Path, changes: dict[str, object], message: str):
        rewrite(saved, **changes)
        with pytest.raises(InputFileError, match=message):
            load_cohort(saved)

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ({"name": "../../etc/passwd"}, "the file of 'patients' is called"),
            ({"holds": "tumours"}, "'tumours' is neither a table nor a matrix"),
            ({"columns": {"a": "date"}}, "a column of the unknown type 'date'"),
        ],
    )
    def test_damaged_list_of_files(self, saved: Path, entry: dict[str, object], message: str):
        record = json.loads((saved / RECORD).read_text())
        record["files"][0] |= entry
        write_record(saved, record)
        with pytest.raises(InputFileError, match=message):
            load_cohort(saved)

    def test_intact_tables_that_make_no_cohort(self, saved: Path):
        rewrite(saved, index_event="marriage")
        with pytest.raises(CohortError, match="is 'marriage'; allowed: diagnosis"):
            load_cohort(saved)

    def test_table_that_may_not_be_read(self, saved: Path, monkeypatch):
        def denied(_: Path) -> str:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(folder_module, "sha256", denied)
        with pytest.raises(InputFileError, match="cannot be read: Permission denied"):
            load_cohort(saved)
