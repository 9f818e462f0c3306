"""Where a result came from: version, command, parameters, seed, and the checksums of its files."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marrowtrace import __version__
from marrowtrace.errors import InputFileError
from marrowtrace.storage import sha256

SCHEMA = "marrowtrace.provenance/1"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that went into a result.

    Parameters
    ----------
    name : str
        Its name without the folder, so that no path of a machine is kept.
    sha256 : str
    size : int
        In bytes.
    """

    name: str
    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """Describe the file at ``path``."""
        return cls(path.name, sha256(path), path.stat().st_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a result was made.

    Parameters
    ----------
    action : str
        What made it, e.g. ``"cohort import"``.
    sources : sequence of SourceFile
        Files that were read.
    parameters : mapping
        Settings and parameter values, JSON-ready.
    seed : int, optional
    notes : sequence of str
        What was understood, converted or dropped on the way.
    citations : sequence of str
        Keys of the papers and data sets to cite.
    version, created : str
        marrowtrace's version and the time in UTC; filled in where left out.
    """

    action: str
    sources: Sequence[SourceFile] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    notes: Sequence[str] = ()
    citations: Sequence[str] = ()
    version: str = __version__
    python: str = field(default_factory=platform.python_version)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def __post_init__(self) -> None:
        for name in ("sources", "notes", "citations"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON-ready values."""
        return {
            "schema": SCHEMA,
            "action": self.action,
            "version": self.version,
            "python": self.python,
            "created": self.created,
            "seed": self.seed,
            "parameters": dict(self.parameters),
            "sources": [{"name": s.name, "sha256": s.sha256, "size": s.size} for s in self.sources],
            "notes": list(self.notes),
            "citations": list(self.citations),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any], *, where: str) -> Provenance:
        """Read a record that `to_json` wrote.

        Raises
        ------
        InputFileError
            If a field is missing or the schema is another one.
        """
        if record.get("schema") != SCHEMA:
            raise InputFileError(
                f"{where}: schema is {record.get('schema')!r}, but this version reads '{SCHEMA}'"
            )
        try:
            return cls(
                action=record["action"],
                sources=tuple(SourceFile(**s) for s in record["sources"]),
                parameters=record["parameters"],
                seed=record["seed"],
                notes=tuple(record["notes"]),
                citations=tuple(record["citations"]),
                version=record["version"],
                python=record["python"],
                created=record["created"],
            )
        except (KeyError, TypeError) as err:
            raise InputFileError(f"{where}: the provenance record is incomplete: {err}") from err

    def dumps(self) -> str:
        """Return the record as indented JSON text."""
        return json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n"
