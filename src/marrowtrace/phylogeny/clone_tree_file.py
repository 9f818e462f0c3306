"""Clone trees as MACHINA and MACH2 write them: a file of edges and a file of sites.

A line of the ``.tree`` file is ``parent child``; a line of the labelling is ``clone site``
(MACHINA, one site for each leaf) or ``clone site site ...`` (MACH2, the sites where a clone was
seen; clones that were seen nowhere are left out). Words are parted by blanks or tabs.
"""

from __future__ import annotations

from pathlib import Path

from marrowtrace.errors import InputFileError, ProblemList
from marrowtrace.phylogeny.clone_tree import CloneTree
from marrowtrace.storage import require_file


def read_clone_tree(tree: Path | str, labeling: Path | str) -> CloneTree:
    """Read a clone tree and the sites of its clones.

    Parameters
    ----------
    tree, labeling : Path or str

    Raises
    ------
    MissingFileError
        If a file does not exist.
    InputFileError
        Listing every line that cannot be understood; if the edges make no tree; listing every
        clone that the tree lacks, and every leaf without a site.
    """
    edges = read_edges(tree)
    return CloneTree.from_edges(
        edges, read_labeling(labeling), where=f"'{Path(tree).name}' with '{Path(labeling).name}'"
    )


def read_edges(path: Path | str) -> tuple[tuple[str, str], ...]:
    """Read the pairs ``(parent, child)`` of a ``.tree`` file.

    Raises
    ------
    MissingFileError, InputFileError
        If the file cannot be read, or listing every line that is no pair.
    """
    problems = ProblemList()
    pairs: list[tuple[str, str]] = []
    for number, words in _lines(Path(path)):
        if len(words) == 2:
            pairs.append((words[0], words[1]))
        else:
            shown = " ".join(words)
            problems.add(f"line {number}", f"holds '{shown}'; wanted: parent child")
    problems.raise_any(InputFileError, f"'{Path(path).name}'")
    return tuple(pairs)


def read_labeling(path: Path | str) -> dict[str, tuple[str, ...]]:
    """Read the sites of each clone.

    Raises
    ------
    MissingFileError, InputFileError
        If the file cannot be read, or listing every line without a site and every clone or site
        that stands twice.
    """
    problems = ProblemList()
    sites: dict[str, tuple[str, ...]] = {}
    for number, words in _lines(Path(path)):
        clone, *found = words
        if not found:
            problems.add(f"line {number}", f"'{clone}' has no site; wanted: clone site")
        elif clone in sites:
            problems.add(f"line {number}", f"the clone '{clone}' stands twice")
        elif len(set(found)) < len(found):
            problems.add(f"line {number}", f"a site of '{clone}' stands twice")
        else:
            sites[clone] = tuple(found)
    problems.raise_any(InputFileError, f"'{Path(path).name}'")
    if not sites:
        raise InputFileError(f"'{Path(path).name}' is empty; a line looks like 'clone site'")
    return sites


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return the words of each line that has any, with the line's number."""
    require_file(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        raise InputFileError(f"'{path.name}' is not UTF-8 text: {err.reason}") from err
    return [(n, line.split()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
