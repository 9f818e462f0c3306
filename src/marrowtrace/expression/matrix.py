"""An expression matrix, samples by genes, and the scale that its numbers are on.

Scales: ``counts`` (whole numbers of reads or molecules), ``tpm`` (shares that sum to one million),
``linear`` (positive values that reach far beyond any logarithm), ``log`` (logarithms of 0 and more)
and ``ratio`` (logarithms centred on 0, as of two-colour arrays; below 0 is no fault there).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import InputFileError, ProblemList

SCALES = ("counts", "tpm", "linear", "log", "ratio")
LARGEST_LOG = 30.0
"""No logarithm to base 2 of a measured intensity or count goes beyond (assumed)."""

MOSTLY_WHOLE = 0.5
"""Share of whole numbers above which values that are not all whole pass for expected counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """Expression of genes in samples or cells.

    Parameters
    ----------
    values : ndarray or scipy.sparse.csr_array, shape (samples, genes)
    samples, genes : tuple of str
    scale : str
        One of `SCALES`.
    name : str
        What the matrix is called, e.g. the name of its file.
    species : str
    notes : tuple of str
        What was understood, repaired or merged.
    """

    values: Any
    samples: tuple[str, ...]
    genes: tuple[str, ...]
    scale: str
    name: str
    species: str = "human"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.values.shape == (len(self.samples), len(self.genes))

    @property
    def sparse(self) -> bool:
        """Whether the values are held sparsely."""
        return not isinstance(self.values, np.ndarray)

    def detected(self) -> NDArray[np.int64]:
        """Genes above 0 in each sample, shape (samples,)."""
        if self.sparse:
            return np.asarray(np.diff(self.values.indptr), dtype=np.int64)
        return np.asarray((self.values > 0).sum(axis=1), dtype=np.int64)

    def totals(self) -> NDArray[np.float64]:
        """Sum of each sample, shape (samples,)."""
        return np.asarray(self.values.sum(axis=1), dtype=np.float64).ravel()

    def gene(self, name: str) -> NDArray[np.float64]:
        """Values of one gene, shape (samples,); all NaN if it is not in the matrix."""
        if name not in self.genes:
            return np.full(len(self.samples), np.nan)
        column = self.values[:, [self.genes.index(name)]]
        return np.asarray(column.toarray() if self.sparse else column, dtype=np.float64).ravel()

    def take(self, keep: Sequence[int]) -> Expression:
        """Return these samples only."""
        index = list(keep)
        return replace(
            self, values=self.values[index], samples=tuple(self.samples[i] for i in index)
        )

    def logged(self) -> tuple[Any, str]:
        """Return the values on a logarithmic scale, and what was done, in words."""
        if self.scale in ("log", "ratio"):
            return self.values, "values are logarithms already and were taken as they are"
        target, words = 1.0, "log2(1 + TPM)"
        if self.scale == "linear":
            words = "log2(1 + value)"
        factors = np.ones(len(self.samples))
        if self.scale == "counts":
            totals = self.totals()
            target = 1e6 if np.median(totals) > 1e6 else 1e4
            factors = target / np.maximum(totals, 1.0)
            words = f"log2(1 + counts per {target:,.0f})"
        if self.sparse:
            out = self.values.astype(np.float32)
            out.data = np.log2(
                1.0 + out.data * np.repeat(factors, np.diff(out.indptr)).astype(np.float32)
            )
            return out, words
        return np.log2(1.0 + self.values * factors[:, None]), words


def find_scale(values: Any, *, where: str) -> str:
    """Say which scale a matrix is on.

    Parameters
    ----------
    values : ndarray or scipy.sparse array, shape (samples, genes)
    where : str
        Name of the matrix, for the message.

    Raises
    ------
    InputFileError
        If it holds large negative numbers, which fit no scale.
    """
    data = values if isinstance(values, np.ndarray) else values.data
    low, high = (float(data.min()), float(data.max())) if data.size else (0.0, 0.0)
    if low < 0:
        if max(-low, high) > LARGEST_LOG:
            raise InputFileError(
                f"{where}: values go from {low:.4g} to {high:.4g}; counts are never below 0 and no "
                "logarithm is that large; was a background subtracted? Give raw or log values"
            )
        return "ratio"
    sampled = data if data.size < 2_000_000 else data.ravel()[:: data.size // 1_000_000]
    whole = bool(np.all(sampled == np.floor(sampled)))
    if whole and high > 2:
        return "counts"
    positive = sampled[sampled > 0]
    if high > LARGEST_LOG and np.mean(positive == np.floor(positive)) > MOSTLY_WHOLE:
        return "counts"  # expected counts of RSEM or Salmon: mostly whole, some shared out
    totals = np.asarray(values.sum(axis=1), dtype=np.float64).ravel()
    if high > LARGEST_LOG and np.all(np.abs(totals / 1e6 - 1.0) < 0.05):
        return "tpm"
    return "linear" if high > LARGEST_LOG else "log"


def check_scale(expression: Expression, scale: str) -> Expression:
    """Return the matrix on the scale that it is said to be on.

    Raises
    ------
    InputFileError
        If the values cannot be on that scale, e.g. logarithms given as counts.
    """
    if scale not in SCALES:
        raise InputFileError(f"scale '{scale}' is unknown; there are {', '.join(SCALES)}")
    found = expression.scale
    if found == "ratio" and scale not in ("log", "ratio"):
        raise InputFileError(
            f"{expression.name}: given as {scale}, but values go below 0; give it as 'ratio'"
        )
    if scale == "counts" and found != "counts":
        raise InputFileError(
            f"{expression.name}: given as counts, but the values are not whole numbers "
            f"(they look like '{found}'); give the raw counts, or call it {found}"
        )
    if scale in ("log", "ratio") and found in ("tpm", "linear"):
        raise InputFileError(
            f"{expression.name}: given as '{scale}', but its values go beyond {LARGEST_LOG:g}; "
            f"give it as '{found}'"
        )
    return replace(expression, scale=scale)


def check_values(expression: Expression) -> None:
    """Look for cells and genes that carry nothing, and for numbers that are none.

    Raises
    ------
    InputFileError
        Listing every fault.
    """
    problems = ProblemList()
    data = expression.values.data if expression.sparse else expression.values
    wrong = int(np.sum(~np.isfinite(data)))
    if wrong:
        problems.add(
            expression.name, f"{wrong} value(s) are missing or infinite; fill or drop them"
        )
    elif expression.scale != "ratio":
        empty = np.flatnonzero(expression.detected() == 0)
        if empty.size:
            names = ", ".join(expression.samples[i] for i in empty[:5])
            problems.add(
                expression.name,
                f"{empty.size} sample(s) have no gene above 0 ({names}); remove them",
            )
    twice = [name for name, times in Counter(expression.samples).items() if times > 1]
    if twice:
        problems.add(
            expression.name,
            f"{len(twice)} sample name(s) stand twice, e.g. '{twice[0]}'; give each its own",
        )
    problems.raise_any(InputFileError, "the expression data")
