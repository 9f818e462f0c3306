"""Mutations of single cells, each cell labelled with the site it was taken from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from marrowtrace.errors import CohortError, ProblemList

Genotypes: TypeAlias = npt.NDArray[np.int8]
Reads: TypeAlias = npt.NDArray[np.int32]
Days: TypeAlias = npt.NDArray[np.float64]

MISSING, ABSENT, PRESENT, HOMOZYGOUS = -1, 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class CellMutations:
    """Genotypes of single cells, with their reads where these are known.

    Parameters
    ----------
    names : tuple of str
        The cells, all different; at least two.
    sites : tuple of str
        Site of each cell, as the source or the ``samples`` table of a cohort words it.
    mutations : tuple of str
        The mutations, all different.
    genotype : ndarray of int8, shape (n_cells, n_mutations)
        0 absent, 1 present, 2 present in homozygous state (all reads mutated; analyses that know
        only present and absent read it as present), -1 missing. At least one entry is known.
    total, alternative : ndarray of int32, shape (n_cells, n_mutations), optional
        Reads in all and with the mutation; both or neither.
    times : ndarray of float, shape (n_cells,), optional
        Day of sampling from the index event; NaN where it is not known.
    profiles : ndarray of int32, shape (n_cells,), optional
        Copy-number profile that the cell belongs to: equal numbers, equal copies.

    Raises
    ------
    CohortError
        Listing every fault: names that stand twice, one cell, codes out of range, nothing known.

    Examples
    --------
    >>> cells = CellMutations(("a", "b"), ("primary", "bone_marrow"), ("TP53",),
    ...                       np.array([[1], [-1]]))
    >>> len(cells), cells.present.tolist(), cells.known.tolist()
    (2, [[True], [False]], [[True], [False]])
    """

    names: tuple[str, ...]
    sites: tuple[str, ...]
    mutations: tuple[str, ...]
    genotype: Genotypes
    total: Reads | None = None
    alternative: Reads | None = None
    times: Days | None = None
    profiles: Reads | None = None

    def __post_init__(self) -> None:
        problems = ProblemList()
        shape = (len(self.names), len(self.mutations))
        genotype = np.asarray(self.genotype)
        check_names(problems, "cells", self.names)
        check_names(problems, "mutations", self.mutations)
        if len(self.names) < 2:
            problems.add("cells", f"there is {shape[0] or 'none'}; a comparison needs at least 2")
        if len(self.sites) != shape[0]:
            problems.add("sites", f"there are {len(self.sites)} for {shape[0]} cells")
        for place, row in enumerate(self.sites):
            if not row.strip():
                problems.add("sites", f"cell '{self.names[place]}' has none")
        if genotype.shape != shape:
            problems.add(
                "genotype", f"has shape {genotype.shape}; wanted cells x mutations {shape}"
            )
        else:
            self._check_codes(problems, genotype)
        check_reads(problems, shape, self.total, self.alternative)
        for name, column in (("times", self.times), ("profiles", self.profiles)):
            if column is not None and np.shape(column) != shape[:1]:
                problems.add(name, f"has shape {np.shape(column)}; wanted one for each cell")
        problems.raise_any(CohortError, "the mutations of the cells")
        object.__setattr__(self, "genotype", frozen(genotype, np.int8))
        for name, kind in (("total", np.int32), ("alternative", np.int32),
                           ("times", np.float64), ("profiles", np.int32)):  # fmt: skip
            values = getattr(self, name)
            object.__setattr__(self, name, None if values is None else frozen(values, kind))

    def _check_codes(self, problems: ProblemList, genotype: npt.NDArray[np.generic]) -> None:
        wrong = np.argwhere(~np.isin(genotype, (MISSING, ABSENT, PRESENT, HOMOZYGOUS)))
        if len(wrong):
            cell, mutation = wrong[0]
            problems.add(
                "genotype",
                f"{len(wrong)} code(s) are out of range, e.g. {genotype[cell, mutation]} of cell "
                f"'{self.names[cell]}' and mutation '{self.mutations[mutation]}'; allowed: 0 "
                "absent, 1 present, 2 homozygous, -1 missing (SCITE's 3 is -1 here)",
            )
        elif genotype.size == 0 or bool(np.all(genotype == MISSING)):
            problems.add("genotype", "every genotype is missing; there is nothing to compare")

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.names)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Whether each genotype is known, shape (n_cells, n_mutations)."""
        return np.asarray(self.genotype != MISSING)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Whether each mutation was called, shape (n_cells, n_mutations); False where missing."""
        return np.asarray(self.genotype > ABSENT)

    @property
    def site_names(self) -> tuple[str, ...]:
        """The sites, in order of first appearance."""
        return tuple(dict.fromkeys(self.sites))

    def select(self, cells: npt.ArrayLike) -> CellMutations:
        """Return some of the cells, in order.

        Parameters
        ----------
        cells : array_like
            Positions, or one truth value for each cell.

        Raises
        ------
        CohortError
            If fewer than two cells are left, or nothing is known of those that are.
        """
        mask = np.asarray(cells)
        rows = np.flatnonzero(mask) if mask.dtype == bool else mask.astype(np.intp)

        def pick(values: npt.NDArray[np.generic] | None) -> npt.NDArray[np.generic] | None:
            return None if values is None else values[rows]

        return CellMutations(
            tuple(self.names[row] for row in rows),
            tuple(self.sites[row] for row in rows),
            self.mutations,
            self.genotype[rows],
            pick(self.total),  # type: ignore[arg-type]
            pick(self.alternative),  # type: ignore[arg-type]
            pick(self.times),  # type: ignore[arg-type]
            pick(self.profiles),  # type: ignore[arg-type]
        )


def frozen(values: npt.ArrayLike, kind: type[np.generic]) -> npt.NDArray[np.generic]:
    """Return a copy of the values that cannot be written to."""
    copy = np.array(values, dtype=kind)
    copy.flags.writeable = False
    return copy


def check_names(problems: ProblemList, place: str, names: Sequence[str]) -> None:
    """Note names that are empty or stand twice."""
    again = [name for name, count in Counter(names).items() if count > 1]
    if again:
        shown = ", ".join(f"'{name}'" for name in again[:3]) + (", ..." if len(again) > 3 else "")
        problems.add(place, f"{len(again)} name(s) stand more than once: {shown}; rename them")
    if any(not name.strip() for name in names):
        problems.add(place, "a name is empty")


def check_reads(
    problems: ProblemList,
    shape: tuple[int, int],
    total: npt.ArrayLike | None,
    alternative: npt.ArrayLike | None,
) -> None:
    """Note reads that are negative, more than the depth, or of another shape."""
    if (total is None) != (alternative is None):
        problems.add("reads", "total and alternative go together; one of them is not given")
        return
    if total is None or alternative is None:
        return
    depth, mutated = np.asarray(total), np.asarray(alternative)
    for name, values in (("total", depth), ("alternative", mutated)):
        if values.shape != shape:
            problems.add(name, f"has shape {values.shape}; wanted {shape}")
            return
        if np.any(values != np.floor(values)) or np.any(values < 0):
            problems.add(name, "holds reads that are negative or no whole numbers")
    if np.any(mutated > depth):
        row, column = np.argwhere(mutated > depth)[0]
        problems.add(
            "alternative",
            f"{int(np.sum(mutated > depth))} value(s) are more than the total, e.g. "
            f"{mutated[row, column]} of {depth[row, column]} reads in row {row}, column {column}",
        )
