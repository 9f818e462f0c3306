"""What is there to be found: the true cells within reach of one sampling, one entry a patient."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import ParameterError, ProblemList

Floats = NDArray[np.float64]
PHENOTYPES = ("epithelial", "hybrid", "mesenchymal")


@dataclass(frozen=True, slots=True, eq=False)
class Burden:
    """True tumour cells of a compartment, patient by patient.

    Parameters
    ----------
    cells : ndarray of float64, shape (n,)
        Mean tumour cells in the compartment (marrow: dormant cells; blood: single circulating
        cells in the whole blood). NaN where no sample was taken. The number itself is Poisson
        around it, as the model's pools are, unless ``known``.
    phenotype : ndarray of float64, shape (n, 3)
        Shares epithelial, hybrid, mesenchymal; rows sum to 1. A row of NaN (nothing there to have
        a phenotype) is read as the assay's reference mixture.
    clusters : ndarray of float64, shape (n,)
        Mean clusters of tumour cells in the compartment, each counted once.
    level : ndarray of float64, shape (n,)
        Momentary level of the blood at this draw, relative to its mean; 1 for marrow. All tubes of
        one draw share it.
    known : bool
        ``cells`` and ``clusters`` are numbers, not means: each cell is then seen or missed by
        itself (Poisson-binomial). They must be whole, as must the cells of each phenotype.

    Raises
    ------
    ParameterError
        Listing every problem.

    Examples
    --------
    >>> two = Burden.of([1e4, 1e5], phenotype=(0.1, 0.2, 0.7))
    >>> two.cells.size, two.phenotype.shape
    (2, (2, 3))
    """

    cells: Floats
    phenotype: Floats
    clusters: Floats
    level: Floats
    known: bool = False

    def __post_init__(self) -> None:
        problems = ProblemList()
        n = self.cells.size
        shapes = {"cells": (n,), "phenotype": (n, 3), "clusters": (n,), "level": (n,)}
        for name, wanted in shapes.items():
            found = getattr(self, name)
            if found.shape != wanted:
                problems.add(name, f"has the shape {found.shape}; {wanted} is wanted")
        problems.raise_any(ParameterError, "the burden")
        sampled = ~np.isnan(self.cells)
        for name in ("cells", "clusters", "level"):
            values = getattr(self, name)[sampled]
            bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
            if bad.size:
                row = int(np.flatnonzero(sampled)[bad[0]])
                problems.add(
                    name,
                    f"{bad.size} row(s) are negative or not finite, e.g. row {row} = "
                    f"{values[bad[0]]:g}; give 0 or more, or NaN cells where none was taken",
                )
        shares = self.phenotype[sampled]
        with_share = ~np.isnan(shares).all(axis=1)
        total = shares[with_share].sum(axis=1)
        bad = np.flatnonzero(
            ~((np.abs(total - 1) < 1e-4) & (shares[with_share] >= -1e-6).all(axis=1))
        )
        if bad.size:
            row = int(np.flatnonzero(sampled)[np.flatnonzero(with_share)[bad[0]]])
            values_text = ", ".join(f"{v:g}" for v in self.phenotype[row])
            problems.add(
                "phenotype",
                f"{bad.size} row(s) are not shares that sum to 1, e.g. row {row} = {values_text}",
            )
        if self.known and not len(problems):
            self._check_whole(problems, sampled)
        problems.raise_any(ParameterError, "the burden")

    def _check_whole(self, problems: ProblemList, sampled: NDArray[np.bool_]) -> None:
        shares = np.where(np.isnan(self.phenotype), 0.0, self.phenotype)
        parts = {
            "cells": self.cells,
            "clusters": self.clusters,
            "phenotype": (self.cells[:, None] * shares).ravel(),
        }
        for name, values in parts.items():
            kept = values[np.repeat(sampled, values.size // max(self.cells.size, 1))]
            bad = np.abs(kept - np.round(kept)) > 1e-6 * np.maximum(1.0, kept)
            if bad.any():
                problems.add(
                    name,
                    f"{int(bad.sum())} number(s) of cells are not whole, e.g. {kept[bad][0]:g}; "
                    "give whole numbers, or leave out 'known' if they are means",
                )

    def __len__(self) -> int:
        return int(self.cells.size)

    def at(self, row: int) -> Burden:
        """Return one patient's burden, as a burden of length 1."""
        one = slice(row, row + 1)
        return replace(
            self,
            cells=self.cells[one],
            phenotype=self.phenotype[one],
            clusters=self.clusters[one],
            level=self.level[one],
        )

    @classmethod
    def of(
        cls,
        cells: ArrayLike,
        *,
        phenotype: ArrayLike | None = None,
        clusters: ArrayLike = 0.0,
        level: ArrayLike = 1.0,
        known: bool = False,
    ) -> Burden:
        """Make a burden from anything that broadcasts to one entry a patient.

        Parameters
        ----------
        cells, clusters, level : array_like of float, shape (n,) or ()
        phenotype : array_like of float, shape (n, 3) or (3,), optional
            The assay's reference mixture if left out.
        known : bool
            Whether the numbers are known, not means.

        Raises
        ------
        ParameterError
            Listing every problem.
        """
        number = np.atleast_1d(np.asarray(cells, dtype=np.float64))
        shares = np.full(3, np.nan) if phenotype is None else np.asarray(phenotype, np.float64)
        try:
            return cls(
                number,
                np.ascontiguousarray(np.broadcast_to(shares, (number.size, 3))),
                np.broadcast_to(np.asarray(clusters, np.float64), number.shape).copy(),
                np.broadcast_to(np.asarray(level, np.float64), number.shape).copy(),
                known,
            )
        except ValueError as err:
            if isinstance(err, ParameterError):
                raise
            raise ParameterError(
                f"the burden: {err}; give one entry a patient ({number.size}), or one for all"
            ) from err


def blood_phenotype(
    mesenchymal: ArrayLike,
    marrow_share: ArrayLike,
    marrow_phenotype: ArrayLike,
    *,
    epithelial_share: float,
    hybrid_share: float,
) -> Floats:
    """Shares of phenotypes among circulating cells that come partly from the marrow.

    Parameters
    ----------
    mesenchymal : array_like of float, shape (n,)
        Mesenchymal share of all circulating cells.
    marrow_share : array_like of float, shape (n,)
        Share of circulating cells that left the marrow.
    marrow_phenotype : array_like of float, shape (n, 3)
        Shares of the cells in the marrow; NaN where there are none.
    epithelial_share, hybrid_share : float
        Shares of cells as they are shed by tumours; only their ratio matters.

    Returns
    -------
    ndarray of float64, shape (n, 3)
        Rows sum to 1.

    Notes
    -----
    What is not mesenchymal of the cells shed by tumours is epithelial and hybrid in the ratio of
    shedding; what came from the marrow is as the marrow is.

    Examples
    --------
    >>> blood_phenotype([0.3], [0.0], [[0.1, 0.2, 0.7]], epithelial_share=0.4, hybrid_share=0.3)
    array([[0.4, 0.3, 0.3]])
    """
    whole = np.clip(np.asarray(mesenchymal, np.float64), 0.0, 1.0)
    from_marrow = np.clip(np.nan_to_num(np.asarray(marrow_share, np.float64)), 0.0, 1.0)
    marrow = np.asarray(marrow_phenotype, np.float64)
    from_marrow = np.where(np.isnan(marrow).any(axis=1), 0.0, from_marrow)
    marrow = np.nan_to_num(marrow)
    unlike = epithelial_share + hybrid_share
    ratio = epithelial_share / unlike if unlike > 0 else 0.5
    shed_others = np.maximum(0.0, 1.0 - whole - from_marrow * (1.0 - marrow[:, 2]))
    epithelial = ratio * shed_others + from_marrow * marrow[:, 0]
    hybrid = (1.0 - ratio) * shed_others + from_marrow * marrow[:, 1]
    found = np.column_stack([epithelial, hybrid, whole])
    shares: Floats = found / found.sum(axis=1, keepdims=True)
    return shares
