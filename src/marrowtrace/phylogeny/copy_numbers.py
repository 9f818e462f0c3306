"""Copy numbers of samples or cells on common segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from marrowtrace.errors import CohortError, ProblemList
from marrowtrace.phylogeny.cell_mutations import check_names, frozen

Copies: TypeAlias = npt.NDArray[np.int16]
Positions: TypeAlias = npt.NDArray[np.int64]

MISSING = -1
MOST_COPIES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class CopyNumbers:
    """Copies of each segment in each sample.

    Parameters
    ----------
    samples, sites : tuple of str
        The samples or cells, all different, and the site of each.
    chromosomes : tuple of str
        Chromosome of each segment, segments of one chromosome side by side.
    start, end : ndarray of int, shape (n_segments,)
        Positions [bp], end after start, rising and without overlap within a chromosome.
    total : ndarray of int16, shape (n_samples, n_segments)
        Copies in all, -1 where not known.
    alleles : ndarray of int16, shape (2, n_samples, n_segments), optional
        Copies of the two alleles, -1 where not known; their sum is the total.
    phased : bool
        Whether allele 1 is the same haplotype in all samples; if not, the major copies stand first.

    Raises
    ------
    CohortError
        Listing every fault.
    """

    samples: tuple[str, ...]
    sites: tuple[str, ...]
    chromosomes: tuple[str, ...]
    start: Positions
    end: Positions
    total: Copies
    alleles: Copies | None = None
    phased: bool = False

    def __post_init__(self) -> None:
        problems = ProblemList()
        size, count = len(self.samples), len(self.chromosomes)
        check_names(problems, "samples", self.samples)
        if size < 2:
            problems.add("samples", f"there is {size or 'none'}; a comparison needs at least 2")
        if len(self.sites) != size:
            problems.add("sites", f"there are {len(self.sites)} for {size} samples")
        if not count:
            problems.add("segments", "there are none")
        shapes = {"start": (count,), "end": (count,), "total": (size, count)}
        if self.alleles is not None:
            shapes["alleles"] = (2, size, count)
        for name, shape in shapes.items():
            if np.shape(getattr(self, name)) != shape:
                problems.add(name, f"has shape {np.shape(getattr(self, name))}; wanted {shape}")
        problems.raise_any(CohortError, "the copy numbers")
        self._check_segments(problems)
        for name in ("total", "alleles"):
            values = getattr(self, name)
            if values is not None and np.any((values < MISSING) | (values > MOST_COPIES)):
                worst = values[(values < MISSING) | (values > MOST_COPIES)].flat[0]
                problems.add(name, f"holds {worst}; allowed: 0 to {MOST_COPIES}, -1 missing")
        if np.all(np.asarray(self.total) == MISSING):
            problems.add("total", "every value is missing; there is nothing to compare")
        if self.alleles is not None:
            known = np.all(np.asarray(self.alleles) >= 0, axis=0)
            if np.any(np.sum(self.alleles, axis=0)[known] != np.asarray(self.total)[known]):
                problems.add("alleles", "do not add up to the total")
        problems.raise_any(CohortError, "the copy numbers")
        for name, kind in (("start", np.int64), ("end", np.int64), ("total", np.int16)):
            object.__setattr__(self, name, frozen(getattr(self, name), kind))
        if self.alleles is not None:
            object.__setattr__(self, "alleles", frozen(self.alleles, np.int16))

    def _check_segments(self, problems: ProblemList) -> None:
        seen: set[str] = set()
        for at, chromosome in enumerate(self.chromosomes):
            place = f"segment {chromosome}:{self.start[at]}-{self.end[at]}"
            if self.end[at] <= self.start[at]:
                problems.add(place, "ends before it starts")
            if at and self.chromosomes[at - 1] == chromosome:
                if self.start[at] < self.end[at - 1]:
                    problems.add(
                        place, f"overlaps the one before it, which ends {self.end[at - 1]}"
                    )
            elif chromosome in seen:
                problems.add(place, "is apart from the others of its chromosome")
            seen.add(chromosome)

    @property
    def lengths(self) -> npt.NDArray[np.float64]:
        """Length of each segment [bp]."""
        return np.asarray(self.end - self.start, dtype=np.float64)

    @property
    def ploidy(self) -> npt.NDArray[np.float64]:
        """Mean copies of each sample over the length known, shape (n_samples,)."""
        known = (self.total >= 0) * self.lengths
        weight = known.sum(axis=1)
        mean: npt.NDArray[np.float64] = np.divide(
            (self.total * known).sum(axis=1), weight, out=np.full(len(weight), np.nan),
            where=weight > 0,
        )  # fmt: skip
        return mean

    def position(self, sample: str) -> int:
        """Return the row of a sample.

        Raises
        ------
        CohortError
            If there is no such sample.
        """
        if sample not in self.samples:
            raise CohortError(
                f"there is no sample '{sample}'; there are: {', '.join(self.samples)}"
            )
        return self.samples.index(sample)


Segment: TypeAlias = tuple[str, int, int, int, int]


def align(
    segments: Mapping[str, Sequence[Segment]],
    sites: Mapping[str, str],
    *,
    alleles: bool,
    phased: bool = False,
) -> CopyNumbers:
    """Cut the samples' own segments at every border of any of them.

    Parameters
    ----------
    segments : mapping of str to sequence of (chromosome, start, end, first, second)
        Segments of each sample. With ``alleles`` the last two are the alleles' copies, else the
        first is the total and the second is ignored. Overlaps within a sample are a fault.
    sites : mapping of str to str
        Site of each sample.
    alleles : bool
    phased : bool

    Returns
    -------
    CopyNumbers
        Pieces that no sample covers are left out; those that some do not are missing there.

    Raises
    ------
    CohortError
        If a sample's segments overlap, or there is nothing to align.

    Examples
    --------
    >>> aligned = align({"a": [("1", 0, 10, 2, 0)], "b": [("1", 0, 4, 2, 0), ("1", 4, 10, 3, 0)]},
    ...                 {"a": "primary", "b": "marrow"}, alleles=False)
    >>> aligned.total.tolist(), aligned.end.tolist()
    ([[2, 2], [2, 3]], [4, 10])
    """
    problems = ProblemList()
    names = tuple(segments)
    chromosomes = tuple(dict.fromkeys(s[0] for rows in segments.values() for s in rows))
    pieces: list[tuple[str, int, int]] = []
    columns: list[npt.NDArray[np.int16]] = []
    for chromosome in chromosomes:
        own = [sorted(s for s in segments[name] if s[0] == chromosome) for name in names]
        borders = np.unique([b for rows in own for s in rows for b in s[1:3]])
        values = np.full((2, len(names), len(borders) - 1), MISSING, dtype=np.int16)
        for row, rows in enumerate(own):
            end = -1
            for _, start, stop, first, second in rows:
                if start < end:
                    place = f"sample '{names[row]}', {chromosome}:{start}-{stop}"
                    problems.add(place, f"overlaps the segment before it, which ends {end}")
                end = stop
                low, high = np.searchsorted(borders, (start, stop))
                values[0, row, low:high], values[1, row, low:high] = first, second
        covered = np.flatnonzero(np.any(values[0] >= 0, axis=0))
        pieces += [(chromosome, int(borders[i]), int(borders[i + 1])) for i in covered]
        columns.append(values[:, :, covered])
    problems.raise_any(CohortError, "the segments")
    grid = np.concatenate(columns, axis=2) if columns else np.empty((2, len(names), 0), np.int16)
    total = np.where(np.any(grid < 0, axis=0), MISSING, grid.sum(axis=0)) if alleles else grid[0]
    return CopyNumbers(
        names,
        tuple(sites[name] for name in names),
        tuple(piece[0] for piece in pieces),
        np.array([piece[1] for piece in pieces], dtype=np.int64),
        np.array([piece[2] for piece in pieces], dtype=np.int64),
        total.astype(np.int16),
        grid if alleles else None,
        phased,
    )
