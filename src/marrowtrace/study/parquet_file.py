"""Parquet files written so that a full disk is told as one, and joined piece by piece."""

from __future__ import annotations

import errno
import io
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from marrowtrace.errors import InputFileError
from marrowtrace.storage import require_file

ROWS = 100_000
"""Rows of a row group of a joined file, however the pieces were cut."""
_OS_ERROR = re.compile(r"\(os error (\d+)\)")


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame; errors of the disk come as `OSError` with their number.

    Raises
    ------
    OSError
    """
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1)
    path.write_bytes(buffer.getbuffer())


def read_frame(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a frame.

    Raises
    ------
    MissingFileError, InputFileError
        If there is none, or it cannot be read.
    """
    try:
        return pl.read_parquet(require_file(path), columns=list(columns) if columns else None)
    except (pl.exceptions.PolarsError, OSError) as err:
        if isinstance(err, FileNotFoundError):
            raise
        raise InputFileError(f"{path} cannot be read as Parquet: {err}") from err


def join_files(parts: Sequence[Path], path: Path) -> tuple[int, pl.Schema]:
    """Write the rows of some files, in their order, as one file.

    The file is the same to the last byte however its rows were spread over the parts.

    Parameters
    ----------
    parts : sequence of Path
    path : Path

    Returns
    -------
    rows : int
    schema : Schema

    Raises
    ------
    OSError
    """
    try:
        frame = pl.scan_parquet(list(parts))
        frame.sink_parquet(
            path,
            compression="zstd",
            compression_level=1,
            row_group_size=ROWS,
            maintain_order=True,
        )
        written = pl.scan_parquet(path)
        rows = int(written.select(pl.len()).collect().item())
        return rows, written.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as err:
        raise _as_os_error(err) from err


def _as_os_error(err: Exception) -> OSError:
    """Give an error of Polars the error number that it keeps in its text only."""
    if isinstance(err, OSError) and err.errno:
        return err
    match = _OS_ERROR.search(str(err))
    return OSError(int(match[1]) if match else errno.EIO, str(err))
