from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from marrowtrace import storage
from marrowtrace.errors import MarrowtraceError, MissingFileError, OutputError
from marrowtrace.storage import atomic_file, atomic_folder, require_file, sha256, write_error

STOPS = [KeyboardInterrupt(), SystemExit(1), ValueError("x"), OSError(errno.ENOSPC, "full")]
by_name = {"ids": lambda stop: type(stop).__name__}


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half_a_file(path: Path, stop: BaseException) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text("half")
        raise stop


def write_half_a_folder(path: Path, stop: BaseException, *, replace: bool) -> None:
    with atomic_folder(path, replace=replace) as temporary:
        (temporary / "a").write_text("half")
        raise stop


def make_empty(path: Path) -> None:
    with atomic_folder(path):
        pass


def test_sha256_is_the_standard_one(tmp_path: Path):
    """The digest of 'abc' is the example of FIPS 180-2, appendix B.1."""
    (tmp_path / "f").write_bytes(b"abc")
    wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "f") == wanted
    large = b"\0" * 3_000_000
    (tmp_path / "f").write_bytes(large)
    assert sha256(tmp_path / "f") == hashlib.sha256(large).hexdigest()


class TestRequireFile:
    def test_file(self, tmp_path: Path):
        (tmp_path / "a.csv").touch()
        assert require_file(tmp_path / "a.csv") == tmp_path / "a.csv"

    def test_folder(self, tmp_path: Path):
        with pytest.raises(MissingFileError, match=r"is a folder; a file is wanted here"):
            require_file(tmp_path)

    def test_missing(self, tmp_path: Path):
        (tmp_path / "counts.csv").touch()
        with pytest.raises(MissingFileError, match=r"no file .*; did you mean 'counts\.csv'\?"):
            require_file(tmp_path / "count.csv")
        with pytest.raises(MissingFileError, match=r"there is no file '[^;]*'$"):
            require_file(tmp_path / "none" / "count.csv")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "the disk is full; free some space or choose another folder"),
        (errno.EDQUOT, "your disk quota is used up; free some space"),
        (errno.EACCES, "you have no permission to write there; choose another folder"),
        (errno.EPERM, "you have no permission to write there"),
        (errno.EROFS, "the file system is read-only"),
        (errno.ENOTDIR, "a part of the path is a file, not a folder"),
        (errno.ENAMETOOLONG, "the path is too long"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_reasons_why_nothing_was_written(code: int, reason: str):
    err = write_error(Path("out"), OSError(code, os.strerror(code)))
    assert str(err).startswith(f"cannot write 'out': {reason}")
    assert isinstance(err, MarrowtraceError)
    assert isinstance(err, OSError)


def test_reason_of_an_error_without_number():
    assert str(write_error(Path("out"), OSError("odd"))) == "cannot write 'out': odd"


class TestAtomicFile:
    def test_whole_file_with_usual_rights(self, tmp_path: Path):
        with atomic_file(tmp_path / "new" / "a.csv") as temporary:
            assert temporary.suffix == ".csv"
            assert temporary.parent == tmp_path / "new"
            temporary.write_text("x")
            assert listing(tmp_path / "new") == [temporary.name]
        assert (tmp_path / "new" / "a.csv").read_text() == "x"
        assert listing(tmp_path / "new") == ["a.csv"]
        mask = os.umask(0)
        os.umask(mask)
        assert stat.S_IMODE((tmp_path / "new" / "a.csv").stat().st_mode) == 0o666 & ~mask

    @pytest.mark.parametrize("stop", STOPS, **by_name)
    @pytest.mark.parametrize("before", ["old", None])
    def test_interrupted(self, tmp_path: Path, stop: BaseException, before: str | None):
        path = tmp_path / "a.csv"
        if before is not None:
            path.write_text(before)
        wanted = OutputError if isinstance(stop, OSError) else type(stop)
        with pytest.raises(wanted):
            write_half_a_file(path, stop)
        assert listing(tmp_path) == (["a.csv"] if before else [])
        assert before is None or path.read_text() == before

    def test_our_own_error_passes_as_it_is(self, tmp_path: Path):
        with pytest.raises(OutputError, match=r"^as it is$"), atomic_file(tmp_path / "a"):
            raise OutputError("as it is")

    def test_parent_is_a_file(self, tmp_path: Path):
        (tmp_path / "f").touch()
        with (
            pytest.raises(OutputError, match=r"cannot write '.*f/a'"),
            atomic_file(tmp_path / "f" / "a"),
        ):
            pass

    def test_target_is_a_folder(self, tmp_path: Path):
        (tmp_path / "a").mkdir()
        with (
            pytest.raises(OutputError, match=r"Is a directory"),
            atomic_file(tmp_path / "a") as temporary,
        ):
            temporary.write_text("x")
        assert listing(tmp_path) == ["a"]


class TestAtomicFolder:
    def fill(self, folder: Path, text: str) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_text(text)

    def test_whole_folder(self, tmp_path: Path):
        with atomic_folder(tmp_path / "x" / "out") as temporary:
            self.fill(temporary, "new")
            assert not (tmp_path / "x" / "out").exists()
        assert (tmp_path / "x" / "out" / "deep" / "a").read_text() == "new"
        assert listing(tmp_path / "x") == ["out"]

    def test_replaced_as_a_whole(self, tmp_path: Path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "old").touch()
        with atomic_folder(tmp_path / "out", replace=True) as temporary:
            self.fill(temporary, "new")
            assert listing(tmp_path / "out") == ["old"]
        assert listing(tmp_path / "out") == ["deep"]
        assert listing(tmp_path) == ["out"]

    def test_in_use(self, tmp_path: Path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "old").touch()
        with pytest.raises(OutputError, match=r"exists already; choose another folder, or ask"):
            make_empty(tmp_path / "out")
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match=r"exists already"), atomic_folder(tmp_path / "file"):
            pass
        assert listing(tmp_path) == ["file", "out"]

    def test_empty_folder_is_free(self, tmp_path: Path):
        (tmp_path / "out").mkdir()
        with atomic_folder(tmp_path / "out") as temporary:
            self.fill(temporary, "new")
        assert listing(tmp_path) == ["out"]
        assert listing(tmp_path / "out") == ["deep"]

    @pytest.mark.parametrize("stop", STOPS, **by_name)
    @pytest.mark.parametrize("replace", [True, False])
    def test_interrupted(self, tmp_path: Path, stop: BaseException, replace: bool):
        if replace:
            (tmp_path / "out").mkdir()
            self.fill(tmp_path / "out", "old")
        wanted = OutputError if isinstance(stop, OSError) else type(stop)
        with pytest.raises(wanted):
            write_half_a_folder(tmp_path / "out", stop, replace=replace)
        assert listing(tmp_path) == (["out"] if replace else [])
        assert not replace or (tmp_path / "out" / "deep" / "a").read_text() == "old"

    def test_parent_is_a_file(self, tmp_path: Path):
        (tmp_path / "f").touch()
        with pytest.raises(OutputError, match=r"cannot write '.*f/out'"):
            make_empty(tmp_path / "f" / "out")

    @pytest.mark.parametrize(
        "stop",
        [
            OSError(errno.EIO, "lost"),
            KeyboardInterrupt(),
        ],
        **by_name,
    )
    def test_interrupted_between_the_two_renames(
        self, tmp_path: Path, monkeypatch, stop: BaseException
    ):
        """The old folder is out of the way and the new one not yet in place."""
        (tmp_path / "out").mkdir()
        self.fill(tmp_path / "out", "old")
        rename = Path.rename

        def fails_for_the_new(self: Path, target: Path) -> Path:
            if ".part-" in self.name:
                raise stop
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", fails_for_the_new)
        wanted = OutputError if isinstance(stop, OSError) else type(stop)
        with pytest.raises(wanted), atomic_folder(tmp_path / "out", replace=True) as temporary:
            self.fill(temporary, "new")
        assert listing(tmp_path) == ["out"]
        assert (tmp_path / "out" / "deep" / "a").read_text() == "old"


def test_files_are_on_the_disk_before_they_are_named(tmp_path: Path, monkeypatch):
    flushed = []
    monkeypatch.setattr(storage, "_flush", lambda path: flushed.append(path.name))
    with atomic_folder(tmp_path / "out") as temporary:
        (temporary / "a").touch()
        (temporary / "deep").mkdir()
        (temporary / "deep" / "b").touch()
    assert sorted(flushed) == ["a", "b"]
