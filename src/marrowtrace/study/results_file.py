"""``results.json``: the analyses of a run in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marrowtrace.storage import atomic_file


def write_results(results: Mapping[str, Any], folder: Path) -> Path:
    """Write the results of a run, whole or not at all.

    Parameters
    ----------
    results : mapping
        JSON-ready values, without NaN.
    folder : Path
        Result folder of the run.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path = folder / "results.json"
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
