"""Results of the parts of the suite, kept beside the page that is written from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marrowtrace import __version__
from marrowtrace.storage import atomic_file

FOLDER = Path(__file__).parent / "results"


def keep(part: str, record: dict[str, Any]) -> None:
    """Write the record of one part as JSON, with the version."""
    FOLDER.mkdir(exist_ok=True)
    with atomic_file(FOLDER / f"{part}.json") as path:
        text = json.dumps({"version": __version__, **record}, indent=1)
        Path(path).write_text(text + "\n", "utf-8")


def kept(part: str) -> dict[str, Any] | None:
    """Read the record of one part; None if it has not been run."""
    path = FOLDER / f"{part}.json"
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return record
