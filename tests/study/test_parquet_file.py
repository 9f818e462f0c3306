import errno

import polars as pl
import pytest

from marrowtrace.errors import InputFileError, MissingFileError
from marrowtrace.study.parquet_file import join_files, read_frame, write_frame

FRAME = pl.DataFrame(
    {"id": [f"P{k:04d}" for k in range(1_000)], "x": [k / 7 for k in range(1_000)]}
)


def pieces(folder, size):
    parts = []
    for start in range(0, FRAME.height, size):
        parts.append(folder / f"{size}-{start}.parquet")
        write_frame(FRAME[start : start + size], parts[-1])
    return parts


def test_what_is_written_is_read(tmp_path):
    write_frame(FRAME, tmp_path / "a.parquet")
    assert read_frame(tmp_path / "a.parquet").equals(FRAME)
    assert read_frame(tmp_path / "a.parquet", ["x"]).columns == ["x"]


def test_a_joined_file_does_not_tell_how_it_was_cut(tmp_path):
    files = []
    for size in (1_000, 300, 7):
        files.append(tmp_path / f"whole-{size}.parquet")
        rows, schema = join_files(pieces(tmp_path, size), files[-1])
        assert (rows, schema) == (1_000, FRAME.schema)
    assert len({file.read_bytes() for file in files}) == 1
    assert pl.read_parquet(files[0]).equals(FRAME)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(MissingFileError, match="there is no file"):
        read_frame(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(InputFileError, match="cannot be read as Parquet"):
        read_frame(tmp_path / "bad.parquet")


def test_errors_of_the_disk_keep_their_number(tmp_path):
    with pytest.raises(OSError, match=r".") as caught:
        join_files(pieces(tmp_path, 500), tmp_path / "nowhere" / "deep" / "x.parquet")
    assert caught.value.errno in {errno.ENOENT, errno.EIO}
