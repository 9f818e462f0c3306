"""The record of a run: what it is a run of, and which chunks are whole; resuming trusts it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marrowtrace import __version__
from marrowtrace.errors import InputFileError, ProblemList, SimulationError
from marrowtrace.storage import atomic_file, require_file, sha256
from marrowtrace.study.protocol import Protocol
from marrowtrace.study.protocol_record import from_record, to_record

SCHEMA = "marrowtrace.study-run/1"
RECORD = "run.json"
PARTS = "parts"


@dataclass(slots=True)
class Manifest:
    """What a result folder is a run of, and what of it is done.

    Parameters
    ----------
    folder : Path
    protocol : Protocol
        With the number of patients and the seed of this run.
    chunk : int
        Patients of a chunk.
    version : str
    chunks : dict of int to dict
        For each chunk that is whole: its files with their SHA-256 and size, and its patients.
    finished : bool
        Whether the cohort has been put together.
    """

    folder: Path
    protocol: Protocol
    chunk: int
    version: str = __version__
    chunks: dict[int, dict[str, Any]] = field(default_factory=dict)
    finished: bool = False

    @property
    def count(self) -> int:
        """Number of chunks of the whole run."""
        return -(-self.protocol.patients // self.chunk)

    def range(self, number: int) -> tuple[int, int]:
        """Return the first patient of a chunk and how many it has."""
        first = number * self.chunk
        return first, min(self.chunk, self.protocol.patients - first)

    def part(self, number: int) -> Path:
        """Return the folder of a chunk."""
        return self.folder / PARTS / f"{number:06d}"

    def file(self, number: int, table: str) -> Path:
        """Return the file of a table of a chunk."""
        return self.part(number) / f"{table}.parquet"

    def add(self, number: int, patients: int) -> None:
        """Note that a chunk is whole, and write it down."""
        files = {
            path.name: {"sha256": sha256(path), "size": path.stat().st_size}
            for path in sorted(self.part(number).iterdir())
        }
        self.chunks[number] = {"patients": patients, "files": files}
        self.write()

    def damaged(self, number: int) -> str:
        """Return what is wrong with the files of a chunk; empty if they are whole."""
        for name, known in self.chunks[number]["files"].items():
            path = self.part(number) / name
            if not path.is_file():
                return f"{name} is missing"
            size = path.stat().st_size
            if size < known["size"]:
                return f"{name} is cut short ({size} of {known['size']} bytes)"
            if size != known["size"] or sha256(path) != known["sha256"]:
                return f"{name} was changed after it was written"
        return ""

    def write(self) -> None:
        """Write the record, whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        record = {
            "schema": SCHEMA,
            "version": self.version,
            "study": self.protocol.name,
            "patients": self.protocol.patients,
            "seed": self.protocol.seed,
            "chunk": self.chunk,
            "chunks_in_all": self.count,
            "finished": self.finished,
            "protocol": to_record(self.protocol),
            "chunks": {f"{number:06d}": self.chunks[number] for number in sorted(self.chunks)},
        }
        with atomic_file(self.folder / RECORD) as path:
            text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
            path.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the record of a run.

        Raises
        ------
        MissingFileError
            If the folder holds none.
        InputFileError
            If it cannot be read, or is of another version of the format.
        """
        path = require_file(folder / RECORD)
        try:
            record: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as err:
            raise InputFileError(f"{path} is not the record of a run: {err}") from err
        schema = record.get("schema") if isinstance(record, dict) else None
        if schema != SCHEMA:
            raise InputFileError(f"{path}: schema is {schema!r}, but this version reads '{SCHEMA}'")
        try:
            return cls(
                folder,
                from_record(record["protocol"]),
                int(record["chunk"]),
                version=str(record["version"]),
                chunks={int(number): dict(entry) for number, entry in record["chunks"].items()},
                finished=bool(record["finished"]),
            )
        except (KeyError, TypeError, ValueError) as err:
            raise InputFileError(f"{path}: the record of the run is incomplete: {err}") from err

    def refuse_other(self, protocol: Protocol, chunk: int | None) -> None:
        """Refuse to go on with a run that is not of this protocol, seed, size and version.

        Raises
        ------
        SimulationError
            With every difference.
        """
        problems = ProblemList()
        if self.version != __version__:
            problems.add("version", f"the folder was written by {self.version}, not {__version__}")
        if chunk is not None and chunk != self.chunk:
            problems.add("chunk", f"the folder has {self.chunk} patients a chunk, not {chunk}")
        ours, theirs = to_record(protocol), to_record(self.protocol)
        for name, value in ours.items():
            if theirs.get(name) == value:
                continue
            if isinstance(value, int | float | str):
                problems.add(name, f"the folder has {theirs.get(name)!r}, this run {value!r}")
            else:
                problems.add(name, "differs from that of the folder")
        problems.raise_any(SimulationError, f"'{self.folder}', which holds another run")
