"""Mutations of bulk samples, each sample labelled with its site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from marrowtrace.errors import CohortError, ProblemList
from marrowtrace.phylogeny.cell_mutations import Reads, check_names, check_reads, frozen

Fractions: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SampleMutations:
    """Reads and cancer cell fractions of mutations in bulk samples.

    Parameters
    ----------
    samples : tuple of str
        The samples, all different; at least two.
    sites : tuple of str
        Site of each sample.
    mutations : tuple of str
        The mutations, all different.
    alternative, total : ndarray of int32, shape (n_samples, n_mutations), optional
        Reads with the mutation and in all. Total 0 means not looked at, never not mutated.
    ccf : ndarray of float, shape (n_samples, n_mutations), optional
        Cancer cell fraction from 0 to 1; NaN where it is not known. Reads or ccf must be given.
    purity : ndarray of float, shape (n_samples,), optional
        Share of tumour cells, above 0 to 1; NaN where it is not known.
    copy_number : ndarray of float, shape (n_samples, n_mutations), optional
        Copies of the locus in a tumour cell, from 0; NaN where it is not known.
    times : ndarray of float, shape (n_samples,), optional
        Day of sampling from the index event; NaN where it is not known.

    Raises
    ------
    CohortError
        Listing every fault.

    Examples
    --------
    >>> samples = SampleMutations(("a", "b"), ("primary", "bone_marrow"), ("TP53",),
    ...                           ccf=np.array([[1.2], [0.0]]))
    Traceback (most recent call last):
    ...
    marrowtrace.errors.CohortError: 1 problem in the mutations of the samples:
      ccf: 1 value(s) are outside 0 to 1, e.g. 1.2 of sample 'a' and mutation 'TP53'; a share of \
cells cannot be above 1 (percent? then divide by 100)
    """

    samples: tuple[str, ...]
    sites: tuple[str, ...]
    mutations: tuple[str, ...]
    alternative: Reads | None = None
    total: Reads | None = None
    ccf: Fractions | None = None
    purity: Fractions | None = None
    copy_number: Fractions | None = None
    times: Fractions | None = None

    def __post_init__(self) -> None:
        problems = ProblemList()
        shape = (len(self.samples), len(self.mutations))
        check_names(problems, "samples", self.samples)
        check_names(problems, "mutations", self.mutations)
        if shape[0] < 2:
            problems.add("samples", f"there is {shape[0] or 'none'}; a comparison needs at least 2")
        if not shape[1]:
            problems.add("mutations", "there are none")
        if len(self.sites) != shape[0]:
            problems.add("sites", f"there are {len(self.sites)} for {shape[0]} samples")
        problems_before = len(problems)
        check_reads(problems, shape, self.total, self.alternative)
        self._check_range(problems, "ccf", self.ccf, shape, 1.0)
        self._check_range(problems, "copy_number", self.copy_number, shape, np.inf)
        self._check_columns(problems)
        if len(problems) == problems_before and shape[1]:
            seen = self.total is not None and bool(np.any(np.asarray(self.total) > 0))
            given = self.ccf is not None and bool(np.any(np.isfinite(self.ccf)))
            if not seen and not given:
                problems.add("reads and ccf", "every value is missing; there is nothing to compare")
        problems.raise_any(CohortError, "the mutations of the samples")
        for name in ("alternative", "total", "ccf", "purity", "copy_number", "times"):
            values = getattr(self, name)
            kind = np.int32 if name in {"alternative", "total"} else np.float64
            object.__setattr__(self, name, None if values is None else frozen(values, kind))

    def _check_range(
        self,
        problems: ProblemList,
        name: str,
        given: npt.ArrayLike | None,
        shape: tuple[int, int],
        high: float,
    ) -> None:
        if given is None:
            return
        values = np.asarray(given, dtype=np.float64)
        if values.shape != shape:
            problems.add(name, f"has shape {values.shape}; wanted samples x mutations {shape}")
            return
        wrong = np.argwhere((values < 0) | (values > high) | np.isinf(values))
        if len(wrong):
            sample, mutation = wrong[0]
            value = values[sample, mutation]
            hint = (
                "; a share of cells cannot be above 1 (percent? then divide by 100)"
                if value > 1 and name == "ccf"
                else ""
            )
            allowed = "0 to 1" if name == "ccf" else "0 and above"
            problems.add(
                name,
                f"{len(wrong)} value(s) are outside {allowed}, e.g. {value:g} of sample "
                f"'{self.samples[sample]}' and mutation '{self.mutations[mutation]}'{hint}",
            )

    def _check_columns(self, problems: ProblemList) -> None:
        for name, given in (("purity", self.purity), ("times", self.times)):
            if given is None:
                continue
            values = np.asarray(given, dtype=np.float64)
            if values.shape != (len(self.samples),):
                problems.add(name, f"has shape {values.shape}; wanted one for each sample")
            elif name == "purity" and np.any((values <= 0) | (values > 1)):
                row = int(np.flatnonzero((values <= 0) | (values > 1))[0])
                problems.add(
                    name, f"{values[row]:g} of sample '{self.samples[row]}' is not above 0 to 1"
                )

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    @property
    def site_names(self) -> tuple[str, ...]:
        """The sites, in order of first appearance."""
        return tuple(dict.fromkeys(self.sites))

    def select(self, samples: npt.ArrayLike) -> SampleMutations:
        """Return some of the samples, in order.

        Parameters
        ----------
        samples : array_like
            Positions, or one truth value for each sample.

        Raises
        ------
        CohortError
            If fewer than two samples are left, or nothing is known of those that are.
        """
        mask = np.asarray(samples)
        rows = np.flatnonzero(mask) if mask.dtype == bool else mask.astype(np.intp)
        columns = {
            name: None if getattr(self, name) is None else getattr(self, name)[rows]
            for name in ("alternative", "total", "ccf", "purity", "copy_number", "times")
        }
        return SampleMutations(
            tuple(self.samples[row] for row in rows),
            tuple(self.sites[row] for row in rows),
            self.mutations,
            **columns,
        )
