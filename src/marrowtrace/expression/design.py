"""What a set of samples can answer: which contrasts of cell types survive the batches.

Where each cell type comes from a study, a platform or a site of its own, a difference between types
and a difference between studies are the same column of the design, and no correction can tell them
apart: taking out the study takes out the type. This is decided here before any gene is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError, ProblemList, did_you_mean

if TYPE_CHECKING:
    import polars as pl

FEWEST = 2
"""Patients a type needs within a study for a contrast with any measure of error."""
REFERENCES = ("control", "ctrl", "untreated", "vehicle", "normal", "baseline")
"""Types that others are compared with, whatever the order they come in."""
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One comparison of two types.

    Parameters
    ----------
    first, second : str
        The contrast is second minus first.
    across : bool
        Whether it can be estimated over all samples with every batch taken out.
    within : tuple of str
        Studies that hold both types, each with `FEWEST` patients or more of either.
    single : tuple of str
        Studies that hold both types, but too few patients of one of them.
    efficiency : float
        Variance that a balanced design with as many samples would have, over the variance of this
        one; 0 if the contrast cannot be estimated, 1 if batches cost nothing.
    residual : int
        Residual degrees of freedom of the design over all samples.
    reason : str
        Why, and what can be done instead.
    """

    first: str
    second: str
    across: bool
    within: tuple[str, ...]
    single: tuple[str, ...]
    efficiency: float
    residual: int
    reason: str

    @property
    def identifiable(self) -> bool:
        """Whether the data can answer it at all."""
        return self.across and self.residual > 0

    def to_json(self) -> dict[str, Any]:
        """Return the contrast as plain values."""
        return {
            "first": self.first,
            "second": self.second,
            "identifiable": self.identifiable,
            "within_studies": list(self.within),
            "studies_with_too_few": list(self.single),
            "efficiency": self.efficiency,
            "residual_degrees_of_freedom": self.residual,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Which samples are of which type, study and batch, and what follows from it.

    Parameters
    ----------
    types : tuple of str
        Types in order of first appearance.
    factors : tuple of str
        Batch factors with more than one level, "study" first if it is one.
    rank_batches, rank_types, rank_both : int
        Rank of [1 | batches], [1 | types] and [1 | batches | types].
    samples : int
    contrasts : tuple of Contrast
        One for each pair of types.
    counts : polars.DataFrame
        The confounding table: one row a study and platform, one column a type.
    """

    types: tuple[str, ...]
    factors: tuple[str, ...]
    rank_batches: int
    rank_types: int
    rank_both: int
    samples: int
    contrasts: tuple[Contrast, ...]
    counts: pl.DataFrame

    @property
    def identifiable(self) -> bool:
        """Whether every contrast of types can be estimated."""
        return all(contrast.identifiable for contrast in self.contrasts)

    @property
    def reason(self) -> str:
        """Why, in a sentence for each contrast."""
        return " ".join(contrast.reason for contrast in self.contrasts)

    def contrast(self, first: str, second: str) -> Contrast:
        """Return the contrast of two types, in either order.

        Raises
        ------
        CohortError
            If a type is unknown or both are the same.
        """
        for name in (first, second):
            if name not in self.types:
                raise CohortError(
                    f"type '{name}' is not in the data{did_you_mean(name, self.types)}; there are "
                    f"{', '.join(self.types)}"
                )
        for contrast in self.contrasts:
            if {contrast.first, contrast.second} == {first, second}:
                return contrast
        raise CohortError(f"'{first}' against itself is no contrast; name two types")

    def table(self) -> pl.DataFrame:
        """Return the confounding table."""
        return self.counts

    def to_json(self) -> dict[str, Any]:
        """Return the design as plain values."""
        return {
            "identifiable": self.identifiable,
            "reason": self.reason,
            "contrasts": [contrast.to_json() for contrast in self.contrasts],
            "types": list(self.types),
            "factors": list(self.factors),
            "samples": self.samples,
            "rank_batches": self.rank_batches,
            "rank_types": self.rank_types,
            "rank_both": self.rank_both,
            "rank_needed": self.rank_batches + self.rank_types - 1,
            "counts": self.counts.to_dicts(),
        }


def design(
    types: Sequence[str],
    study: Sequence[str],
    *,
    batches: dict[str, Sequence[str]] | None = None,
    patient: Sequence[str] | None = None,
) -> Design:
    """Say which contrasts of cell types a set of samples can bear.

    Parameters
    ----------
    types : sequence of str, length n
        Cell type (or state) of each sample, two or more different ones.
    study : sequence of str, length n
        The study each comes from.
    batches : dict of str to sequence of str, optional
        Further factors to be taken out: platform, centre, plate, enrichment.
    patient : sequence of str, optional
        The patient of each sample; samples of one patient count once. Each sample is its own
        patient if left out.

    Returns
    -------
    Design

    Raises
    ------
    CohortError
        Listing every fault of the input.

    Examples
    --------
    >>> both = design(["CTC", "CTC", "DTC", "DTC"], ["A", "A", "B", "B"])
    >>> both.identifiable, both.rank_both, both.contrasts[0].efficiency
    (False, 2, 0.0)
    >>> print(both.reason)
    DTC against CTC cannot be estimated: each is in studies of its own (CTC: A; DTC: B), so type \
and study are one and the same; samples of both types from one study are needed.
    """
    factors = {"study": list(study)} | {name: list(v) for name, v in (batches or {}).items()}
    _check(list(types), factors, None if patient is None else list(patient))
    owner = [str(i) for i in range(len(types))] if patient is None else list(patient)
    names = tuple(dict.fromkeys(types))
    kept = tuple(name for name, levels in factors.items() if len(set(levels)) > 1)
    one = np.ones((len(types), 1))
    batch_columns = np.hstack([one, *(_indicators(factors[name])[:, 1:] for name in kept)])
    type_columns = _indicators(types)
    both = np.hstack([batch_columns, type_columns[:, 1:]])
    rank = int(np.linalg.matrix_rank(both))
    contrasts = tuple(
        _contrast(first, second, names, both, rank, types, factors, kept, owner)
        for first, second in (_reference_first(*pair) for pair in combinations(names, 2))
    )
    return Design(
        types=names,
        factors=kept,
        rank_batches=int(np.linalg.matrix_rank(batch_columns)),
        rank_types=len(names),
        rank_both=rank,
        samples=len(types),
        contrasts=contrasts,
        counts=_counts(types, factors, names),
    )


def _check(types: list[str], factors: dict[str, list[str]], patient: list[str] | None) -> None:
    problems = ProblemList()
    if len(set(types)) < 2:
        found = f"only '{types[0]}'" if types else "no sample"
        problems.add("types", f"there is {found}; a contrast needs two types")
    columns = dict(factors) | ({} if patient is None else {"patient": patient})
    for name, values in columns.items():
        if len(values) != len(types):
            problems.add(name, f"has {len(values)} values for {len(types)} samples")
    for name, values in {"types": types, **columns}.items():
        empty = [i for i, value in enumerate(values) if not str(value).strip()]
        if empty:
            problems.add(name, f"{len(empty)} sample(s) have none, e.g. sample {empty[0]}")
    problems.raise_any(CohortError, "the design")


def _reference_first(first: str, second: str) -> tuple[str, str]:
    """The two types, a control before what it is a control of."""
    swap = second.casefold() in REFERENCES and first.casefold() not in REFERENCES
    return (second, first) if swap else (first, second)


def _indicators(values: Sequence[str]) -> NDArray[np.float64]:
    """One column of 0 and 1 a level, in order of first appearance."""
    levels = list(dict.fromkeys(values))
    return np.array([[float(value == level) for level in levels] for value in values])


def _contrast(
    first: str,
    second: str,
    names: tuple[str, ...],
    both: NDArray[np.float64],
    rank: int,
    types: Sequence[str],
    factors: dict[str, list[str]],
    kept: tuple[str, ...],
    owner: list[str],
) -> Contrast:
    """Whether the difference of two types is in the row space of the design."""
    vector = np.zeros(both.shape[1])
    offset = both.shape[1] - (len(names) - 1)
    for name, sign in ((second, 1.0), (first, -1.0)):
        place = names.index(name)
        if place > 0:
            vector[offset + place - 1] += sign
    solved = np.linalg.lstsq(both.T, vector, rcond=None)[0]
    across = bool(np.abs(both.T @ solved - vector).max() < _TOLERANCE)
    numbers = [sum(each == name for each in types) for name in (first, second)]
    balanced = 1.0 / numbers[0] + 1.0 / numbers[1]
    variance = float(vector @ np.linalg.pinv(both.T @ both) @ vector)
    within, single = _studies_with_both(first, second, types, factors["study"], owner)
    residual = len(types) - rank
    text = _reason(first, second, across, within, single, residual, types, factors, kept)
    return Contrast(
        first=first,
        second=second,
        across=across,
        within=within,
        single=single,
        efficiency=min(1.0, balanced / variance) if across and variance > 0.0 else 0.0,
        residual=residual,
        reason=text,
    )


def _studies_with_both(
    first: str, second: str, types: Sequence[str], study: list[str], owner: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    within, single = [], []
    for name in dict.fromkeys(study):
        patients = [
            {owner[i] for i, each in enumerate(types) if each == kind and study[i] == name}
            for kind in (first, second)
        ]
        fewest = min(len(found) for found in patients)
        if fewest >= FEWEST:
            within.append(name)
        elif fewest > 0:
            single.append(name)
    return tuple(within), tuple(single)


def _reason(
    first: str,
    second: str,
    across: bool,
    within: tuple[str, ...],
    single: tuple[str, ...],
    residual: int,
    types: Sequence[str],
    factors: dict[str, list[str]],
    kept: tuple[str, ...],
) -> str:
    """One sentence on a contrast: whether, why, and what instead."""
    what = f"{second} against {first}"
    if not across:
        where = {
            kind: ", ".join(
                dict.fromkeys(s for s, t in zip(factors["study"], types, strict=True) if t == kind)
            )
            for kind in (first, second)
        }
        culprit = _culprit(first, second, types, factors, kept)
        if culprit == "study":
            why = (
                f"each is in studies of its own ({first}: {where[first]}; {second}: "
                f"{where[second]}), so type and study are one and the same"
            )
        else:
            why = f"type and {culprit} coincide"
        return (
            f"{what} cannot be estimated: {why}; samples of both types from one study are needed."
        )
    if residual <= 0:
        return f"{what} leaves no degree of freedom for error: every sample is used up by a mean."
    if within and len(within) > 1:
        return (
            f"{what} can be estimated within {', '.join(within)}: do so in each and combine the "
            "effects by random-effects meta-analysis."
        )
    if within:
        return f"{what} can be estimated within {within[0]}."
    if single:
        return (
            f"{what} can be estimated across samples, but {', '.join(single)} hold too few "
            "patients of one type to estimate it within a study: no measure of error of its own."
        )
    return (
        f"{what} can be estimated only through studies that hold other types too, not within any "
        "one study; it rests on those types being the same everywhere."
    )


def _culprit(
    first: str,
    second: str,
    types: Sequence[str],
    factors: dict[str, list[str]],
    kept: tuple[str, ...],
) -> str:
    """The batch factor, or the factors together, that the difference of two types equals."""
    for name in kept:
        levels = {
            kind: {f for f, t in zip(factors[name], types, strict=True) if t == kind}
            for kind in (first, second)
        }
        if not levels[first] & levels[second]:
            return name
    return " and ".join(kept) + " together"


def _counts(
    types: Sequence[str], factors: dict[str, list[str]], names: tuple[str, ...]
) -> pl.DataFrame:
    import polars as pl

    frame = pl.DataFrame({**factors, "type": list(types)})
    return frame.group_by([*factors], maintain_order=True).agg(
        *((pl.col("type") == name).sum().cast(pl.Int64).alias(name) for name in names)
    )
