"""Clones and their descent as Newick trees, one tree a founding clone.

Labels are clone ids. A comment in brackets annotates a node as BEAST and FigTree do,
``[&patient_id=P1,founding_site=bone_marrow]``: the patient stands at each root, the founding site
where it is known; a value is percent-encoded where it holds anything but letters, digits and
``_.-~``. Trees of other programs, without annotations, are read for a patient whom the caller
names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import polars as pl

from marrowtrace import terms
from marrowtrace.cohort import TABLES, Cohort
from marrowtrace.errors import InputFileError, ProblemList, did_you_mean
from marrowtrace.io.newick import ROOT, Tree, read_newick, write_newick

_SITE_KEYS = ("founding_site", "site")


@dataclass(frozen=True, slots=True)
class CloneTable:
    """Clones read from trees.

    Parameters
    ----------
    clones : DataFrame
        As the ``clones`` table of a cohort.
    report : tuple of str
        What was understood on the way.
    """

    clones: pl.DataFrame
    report: tuple[str, ...]


def trees_of(clones: pl.DataFrame) -> tuple[Tree, ...]:
    """Return one tree for each founding clone, in the order of the table.

    Parameters
    ----------
    clones : DataFrame
        A ``clones`` table that passed validation: no circle, parents of the same patient.
    """
    rows = {row["clone_id"]: row for row in clones.iter_rows(named=True)}
    below: dict[str | None, list[str]] = {}
    for clone, row in rows.items():
        below.setdefault(row["parent_id"], []).append(clone)
    trees = []
    for founder in below.get(None, []):
        names: list[str] = []
        parents: list[int] = []
        comments: list[str] = []
        stack = [(founder, ROOT)]
        while stack:
            clone, above = stack.pop()
            names.append(clone)
            parents.append(above)
            notes = {"patient_id": rows[clone]["patient_id"]} if above == ROOT else {}
            if rows[clone]["founding_site"] is not None:
                notes["founding_site"] = rows[clone]["founding_site"]
            comments.append(_annotation(notes))
            stack += [(child, len(names) - 1) for child in reversed(below.get(clone, []))]
        trees.append(Tree(tuple(parents), tuple(names), (None,) * len(names), tuple(comments)))
    return tuple(trees)


def clones_of(
    trees: Sequence[Tree],
    *,
    where: str,
    patient_id: str | None = None,
    prefix: bool = False,
) -> CloneTable:
    """Return the clones of trees.

    Parameters
    ----------
    trees : sequence of Tree
    where : str
        What to call the trees in errors, e.g. the name of their file.
    patient_id : str, optional
        The patient of trees whose root does not say so.
    prefix : bool
        Whether clone ids are put after the patient's id and a full stop, for trees of several
        patients that use the same labels.

    Raises
    ------
    InputFileError
        Listing every tree without a patient, clone that stands twice, and unknown site.
    """
    problems = ProblemList()
    report: list[str] = []
    rows: list[dict[str, str | None]] = []
    unnamed = 0
    for number, tree in enumerate(trees, start=1):
        place = f"{where}, tree {number}"
        patient = _read_annotation(tree.comments[0]).get("patient_id", patient_id)
        if patient is None:
            problems.add(place, "does not say whose clones these are; name the patient")
            continue
        ids = list(tree.names)
        for node, name in enumerate(ids):
            if not name:
                unnamed += 1
                ids[node] = f"{patient}.{number}.{node}" if not prefix else f"{number}.{node}"
        if prefix:
            ids = [f"{patient}.{name}" for name in ids]
        for node, name in enumerate(ids):
            above = tree.parents[node]
            rows.append(
                {
                    "clone_id": name,
                    "patient_id": patient,
                    "parent_id": None if above == ROOT else ids[above],
                    "founding_site": _site(tree.comments[node], place, name, report, problems),
                }
            )
    seen: set[str | None] = set()
    for clone in (row["clone_id"] for row in rows):
        if clone in seen:
            problems.add(where, f"the clone '{clone}' stands twice; clone ids must be unique")
        seen.add(clone)
    problems.raise_any(InputFileError, where)
    if unnamed:
        report.append(f"{unnamed} node(s) without a label are named by patient, tree and position")
    lengths = sum(length is not None for tree in trees for length in tree.lengths)
    if lengths:
        report.append(f"{lengths} branch length(s) are not kept: a clone table has no place for it")
    spec = TABLES["clones"]
    frame = pl.DataFrame(rows, schema={c.name: c.dtype for c in spec.columns}, orient="row")
    return CloneTable(frame, tuple(dict.fromkeys(report)))


def write_clones(cohort: Cohort, path: Path | str) -> Path:
    """Write the clones of a cohort as Newick, one tree a founding clone.

    Raises
    ------
    OutputError
        If the file cannot be written.
    InputFileError
        If the cohort has no clones.
    """
    if not cohort.clones.height:
        raise InputFileError("the cohort has no clones, so there is no tree to write")
    return write_newick(trees_of(cohort.clones), path)


def read_clones(
    path: Path | str, *, patient_id: str | None = None, prefix: bool = False
) -> CloneTable:
    """Read clones from a Newick file; see `clones_of`.

    Raises
    ------
    MissingFileError, InputFileError
        If the file cannot be read, or its trees do not make a table of clones.
    """
    file = Path(path)
    return clones_of(read_newick(file), where=file.name, patient_id=patient_id, prefix=prefix)


def _annotation(notes: dict[str, str]) -> str:
    if not notes:
        return ""
    return "&" + ",".join(f"{key}={quote(value, safe='')}" for key, value in notes.items())


def _read_annotation(comment: str) -> dict[str, str]:
    """Read ``&key=value,...`` (BEAST) or ``&&NHX:key=value:...``; other comments hold nothing."""
    if comment.startswith("&&NHX:"):
        parts = comment.removeprefix("&&NHX:").split(":")
    elif comment.startswith("&"):
        parts = comment[1:].split(",")
    else:
        return {}
    pairs = (part.partition("=") for part in parts)
    return {key.strip(): unquote(value.strip().strip('"')) for key, sign, value in pairs if sign}


def _site(
    comment: str, place: str, clone: str, report: list[str], problems: ProblemList
) -> str | None:
    """Return the founding site that a node's annotation names."""
    notes = _read_annotation(comment)
    word = next((notes[key] for key in _SITE_KEYS if key in notes), None)
    if word is None:
        return None
    site = terms.SITE.normalise(word)
    if site is None:
        allowed = terms.SITE.allowed
        hint = did_you_mean(word, allowed)
        problems.add(place, f"'{clone}' has site '{word}'; allowed: {', '.join(allowed)}{hint}")
    elif site != word:
        report.append(f"site '{word}' is read as {site}")
    return site
