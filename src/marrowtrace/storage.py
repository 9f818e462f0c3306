"""Files that are whole or not there: atomic writes, checksums, and clear errors for a full disk."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marrowtrace.errors import MissingFileError, OutputError, did_you_mean

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another folder",
    errno.EACCES: "you have no permission to write there; choose another folder",
    errno.EPERM: "you have no permission to write there; choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "the path is too long",
}


def sha256(path: Path) -> str:
    """Return the SHA-256 checksum of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def require_file(path: Path) -> Path:
    """Return ``path`` if it is a file.

    Raises
    ------
    MissingFileError
        If it does not exist (naming the nearest file beside it) or is a folder.
    """
    if path.is_file():
        return path
    if path.is_dir():
        raise MissingFileError(f"'{path}' is a folder; a file is wanted here")
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    raise MissingFileError(f"there is no file '{path}'{did_you_mean(path.name, beside)}")


def write_error(path: Path, err: OSError) -> OutputError:
    """Return the error to raise when ``path`` could not be written because of ``err``."""
    reason = _REASONS.get(err.errno or 0, err.strerror or str(err))
    return OutputError(f"cannot write '{path}': {reason}")


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    r"""Give a temporary path beside ``path``; move it there when the block ends without an error.

    Whatever interrupts the block (an exception, Ctrl-C, a full disk), ``path`` holds either what
    it held before or the whole new content, and the temporary file is removed.

    Raises
    ------
    OutputError
        If the file cannot be written: no space, no permission, or no such folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_file(folder / "counts.csv") as temporary:
    ...     _ = temporary.write_text("count\n3\n")
    >>> (folder / "counts.csv").read_text()
    'count\n3\n'
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=".part" + path.suffix, dir=path.parent
        )
        os.close(descriptor)
    except OSError as err:
        raise write_error(path, err) from err
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as err:
        if isinstance(err, OutputError):
            raise
        raise write_error(path, err) from err
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; rename it to ``path`` when the block ends well.

    Parameters
    ----------
    path : Path
        The folder to make.
    replace : bool
        Whether a folder that is there may be replaced as a whole.

    Raises
    ------
    OutputError
        If ``path`` exists and may not be replaced, or the folder cannot be written.
    """
    if path.exists() and not replace and (not path.is_dir() or any(path.iterdir())):
        raise OutputError(
            f"'{path}' exists already; choose another folder, or ask for it to be overwritten"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.part-", dir=path.parent))
    except OSError as err:
        raise write_error(path, err) from err
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _flush(file)
        temporary.chmod(0o777 & ~_umask())
        _swap(temporary, path)
    except OSError as err:
        if isinstance(err, OutputError):
            raise
        raise write_error(path, err) from err
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(temporary: Path, path: Path) -> None:
    """Put ``temporary`` in the place of ``path``, keeping the old one until the new one stands."""
    if not path.exists():
        temporary.rename(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old-", dir=path.parent)) / path.name
    try:
        path.rename(old)
        temporary.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _flush(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
