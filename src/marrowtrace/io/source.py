"""Which reader a file needs: by its first bytes, not by its name."""

from __future__ import annotations

from pathlib import Path

from marrowtrace.errors import InputFileError
from marrowtrace.io.delimited import read_delimited
from marrowtrace.io.sheet import FileSettings, Sheet
from marrowtrace.io.spreadsheet import is_workbook, read_spreadsheet
from marrowtrace.storage import require_file


def read_sheet(path: Path, settings: FileSettings | None = None) -> Sheet:
    """Read a CSV file or a one-sheet workbook as text, finding out how it was written.

    Parameters
    ----------
    path : Path
    settings : FileSettings, optional

    Returns
    -------
    Sheet

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputFileError
        If it cannot be read as a table.
    """
    settings = settings or FileSettings()
    require_file(path)
    try:
        if is_workbook(path):
            return read_spreadsheet(path, settings)
        return read_delimited(path, settings)
    except PermissionError as err:
        raise InputFileError(f"{path.name} may not be read: you have no permission") from err
