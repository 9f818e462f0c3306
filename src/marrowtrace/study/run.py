"""Run a study: chunks of patients into a result folder, each whole or not there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from marrowtrace.errors import SimulationError
from marrowtrace.storage import atomic_file, atomic_folder
from marrowtrace.study.chunk import Chunk, simulate_chunk
from marrowtrace.study.cohort_folder import write_cohort
from marrowtrace.study.manifest import PARTS, RECORD, Manifest
from marrowtrace.study.parquet_file import write_frame
from marrowtrace.study.protocol import Protocol
from marrowtrace.study.protocol_text import to_toml

CHUNK = 10_000
"""Patients of a chunk; memory grows with it, results do not depend on it."""
STUDY = "study.toml"
"""The protocol of a run in its folder, to run it again."""

Progress = Callable[[int, int], None]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run left.

    Parameters
    ----------
    folder : Path
    patients : int
        Patients of the protocol.
    simulated_now : int
        Patients of the chunks that were simulated now, not before.
    redone : tuple of str
        What was wrong with chunks that had to be simulated again.
    """

    folder: Path
    patients: int
    simulated_now: int
    redone: tuple[str, ...]


def run(
    protocol: Protocol,
    folder: Path,
    *,
    workers: int | None = None,
    resume: bool = False,
    chunk: int | None = None,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Ran:
    """Simulate a study into a folder.

    Interrupted at any moment, by Ctrl-C or by losing its power, the folder holds whole chunks;
    ``resume`` goes on and ends with the same files to the last byte.

    Parameters
    ----------
    protocol : Protocol
        With the number of patients and the seed to use (`marrowtrace.study.chunk.with_patients`).
    folder : Path
    workers : int, optional
        Threads; as many as there are processors if left out. Changes no result.
    resume : bool
        Whether to go on with a run of the same protocol, seed and version.
    chunk : int, optional
        Patients in memory at a time; `CHUNK`, or what a resumed run has, if left out. Changes no
        result.
    progress : callable, optional
        Called with the patients done and in all.
    tell : callable, optional
        Called with a sentence on what else happens.

    Returns
    -------
    Ran

    Raises
    ------
    SimulationError
        If the folder holds another run, or one that was not to be resumed, or something else.
    OutputError
        If it cannot be written: no space, no permission. What was done stays.
    """
    manifest = _begin(protocol, folder, resume, chunk)
    redone = _verified(manifest, tell)
    done = sum(manifest.range(number)[1] for number in manifest.chunks)
    if progress is not None:
        progress(done, protocol.patients)
    now = 0
    for number in range(manifest.count):
        if number in manifest.chunks:
            continue
        first, size = manifest.range(number)
        found = simulate_chunk(protocol, first, size, seed=protocol.seed, workers=workers)
        _write(manifest, number, found)
        now += size
        if progress is not None:
            progress(done + now, protocol.patients)
    if now or redone or not _stands(manifest):
        manifest.finished = False
        write_cohort(manifest)
        manifest.finished = True
        manifest.write()
    return Ran(folder, protocol.patients, now, tuple(redone))


def _begin(protocol: Protocol, folder: Path, resume: bool, chunk: int | None) -> Manifest:
    """Start a record, or read the one that is there."""
    found = Manifest.read(folder) if (folder / RECORD).exists() else None
    if found is not None and (resume or found.chunks):
        if not resume:
            state = "finished" if found.finished else f"{len(found.chunks)} of {found.count} chunks"
            raise SimulationError(
                f"'{folder}' holds a run of '{found.protocol.name}' already ({state}); choose "
                "another folder, or go on with it by --resume"
            )
        found.refuse_other(protocol, chunk)
        return found
    stranger = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if stranger and found is None:
        raise SimulationError(
            f"'{folder}' is not empty and holds no run; choose another folder"
            if folder.is_dir()
            else f"'{folder}' is a file; choose a folder"
        )
    size = min(CHUNK if chunk is None else chunk, protocol.patients)
    if size < 1:
        raise SimulationError(f"chunk: {chunk} is outside its range; give 1 or more patients")
    manifest = Manifest(folder, protocol, size)
    manifest.write()
    with atomic_file(folder / STUDY) as path:
        path.write_text(to_toml(protocol), encoding="utf-8")
    return manifest


def _verified(manifest: Manifest, tell: Tell | None) -> list[str]:
    """Forget the chunks whose files are not what was written, and say so."""
    redone = []
    for number in sorted(manifest.chunks):
        wrong = manifest.damaged(number)
        if wrong:
            del manifest.chunks[number]
            redone.append(f"chunk {number + 1} of {manifest.count} is simulated again: {wrong}")
            if tell is not None:
                tell(redone[-1])
    parts = manifest.folder / PARTS
    for stray in parts.iterdir() if parts.is_dir() else ():
        known = stray.name.isdigit() and int(stray.name) in manifest.chunks
        if stray.is_dir() and not known:  # what an interruption left, or a damaged chunk
            shutil.rmtree(stray, ignore_errors=True)
    return redone


def _write(manifest: Manifest, number: int, chunk: Chunk) -> None:
    with atomic_folder(manifest.part(number), replace=True) as folder:
        for name, frame in chunk.tables.items():
            write_frame(frame, folder / f"{name}.parquet")
    manifest.add(number, chunk.patients)


def _stands(manifest: Manifest) -> bool:
    """Whether the cohort was put together before."""
    return manifest.finished and all(
        (manifest.folder / name).is_file()
        for name in ("cohort/provenance.json", "truth/truth.parquet", "truth/burdens.parquet")
    )
