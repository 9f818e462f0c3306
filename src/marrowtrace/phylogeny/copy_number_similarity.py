"""How alike the copy numbers of two samples are, by definitions that are printed with the values.

'53 % similar' means little without them: most of a genome is unaltered in both samples, a fit at
another ploidy makes all states differ, and copies lost in one sample and kept in the other mean
something else than copies gained. `DEFINITIONS` says what each value is; all are shares of the
genome by length, over the segments known in both samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import polars as pl

from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import PlainValue, plain_fields
from marrowtrace.phylogeny.breakpoints import Breakpoints, compare_breakpoints
from marrowtrace.phylogeny.copy_numbers import CopyNumbers

DEFINITIONS = MappingProxyType(
    {
        "identical": "same copies of each allele (of all alleles together where these are not "
        "known), as fitted",
        "identical_unphased": "same major and minor copies, whichever haplotype they are of",
        "identical_scaled": "the same as 'identical', after doubling all copies of the sample of "
        "lower ploidy where the ploidies differ by a factor of 1.5 or more (whole-genome doubling, "
        "or a wrong fit of the ploidy)",
        "identical_altered": "the same as 'identical', over segments where either sample differs "
        "from its own commonest state",
        "loh_agreement": "the same alleles are lost (copy 0), whatever is left",
        "loh_first_only": "an allele is lost in the first sample and kept in the second; a lost "
        "allele cannot be regained, so the second left before the loss, or a ploidy is wrong",
        "loh_second_only": "an allele is lost in the second sample and kept in the first",
    }
)
DOUBLING = 1.5
EARLY_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class CopyNumberSimilarity:
    """Two samples compared.

    Parameters
    ----------
    first, second : str
    first_site, second_site : str
    compared : float
        Length known in both samples [bp].
    ploidy_first, ploidy_second : float
        Mean copies.
    doubled : str
        Sample whose copies were doubled for ``identical_scaled``; empty if none.
    identical, identical_unphased, identical_scaled, identical_altered : float
    loh_agreement, loh_first_only, loh_second_only : float
        See `DEFINITIONS`; NaN where alleles are not known or nothing can be compared.
    breakpoints : Breakpoints
    """

    first: str
    second: str
    first_site: str
    second_site: str
    compared: float
    ploidy_first: float
    ploidy_second: float
    doubled: str
    identical: float
    identical_unphased: float
    identical_scaled: float
    identical_altered: float
    loh_agreement: float
    loh_first_only: float
    loh_second_only: float
    breakpoints: Breakpoints

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the values may mean, in sentences."""
        said = []
        if self.doubled:
            said.append(
                f"ploidies {self.ploidy_first:.2f} and {self.ploidy_second:.2f}: '{self.doubled}' "
                "was doubled before the states were compared; a whole-genome doubling, or a wrong "
                "fit of the ploidy"
            )
        for share, lost, kept in (
            (self.loh_first_only, self.first, self.second),
            (self.loh_second_only, self.second, self.first),
        ):
            if share > EARLY_SHARE:
                said.append(
                    f"{100 * share:.0f} % of the genome has lost an allele in '{lost}' that "
                    f"'{kept}' keeps; lost alleles are not regained, so '{kept}' left before the "
                    "loss, or one of the ploidies is fitted wrongly"
                )
        return tuple(said)


@dataclass(frozen=True, slots=True)
class CopyNumberSimilarities:
    """All pairs of samples.

    Parameters
    ----------
    pairs : tuple of CopyNumberSimilarity
        Each ordered once, in the order of the samples.
    """

    pairs: tuple[CopyNumberSimilarity, ...]

    def pair(self, first: str, second: str) -> CopyNumberSimilarity:
        """Return the comparison of two samples, in either order.

        Raises
        ------
        CohortError
            If they were not compared.
        """
        for pair in self.pairs:
            if {pair.first, pair.second} == {first, second}:
                return pair
        raise CohortError(f"'{first}' and '{second}' were not compared")

    def table(self) -> pl.DataFrame:
        """Return one row for each pair."""
        rows = []
        for pair in self.pairs:
            row = {k: v for k, v in plain_fields(pair).items() if k != "breakpoints"}
            rows.append({**row, "breakpoint_jaccard": pair.breakpoints.jaccard})
        return pl.DataFrame(rows, infer_schema_length=None)

    def to_json(self) -> dict[str, PlainValue]:
        """Return the definitions, the pairs and the remarks on each."""
        pairs: list[PlainValue] = [
            {**plain_fields(pair), "remarks": list(pair.remarks)} for pair in self.pairs
        ]
        return {"definitions": dict(DEFINITIONS), "pairs": pairs}


def compare_copy_numbers(copies: CopyNumbers, *, tolerance: float = 0.0) -> CopyNumberSimilarities:
    """Compare every pair of samples.

    Parameters
    ----------
    copies : CopyNumbers
    tolerance : float
        Distance within which two breakpoints are one [bp].
    """
    size = len(copies.samples)
    return CopyNumberSimilarities(
        tuple(
            _compare(copies, first, second, tolerance)
            for first in range(size)
            for second in range(first + 1, size)
        )
    )


def _compare(
    copies: CopyNumbers, first: int, second: int, tolerance: float
) -> CopyNumberSimilarity:
    known = (copies.total[first] >= 0) & (copies.total[second] >= 0)
    length = copies.lengths[known]

    def share(mask: npt.NDArray[np.bool_]) -> float:
        return float(length[mask].sum() / length.sum()) if length.sum() else math.nan

    states = [_states(copies, row)[:, known] for row in (first, second)]
    one, two = states
    ploidy = [float(copies.ploidy[row]) for row in (first, second)]
    scaled, doubled = _scale(states, ploidy)
    same = np.all(one == two, axis=0)
    altered = np.zeros(len(length), dtype=bool)
    for state in states:
        altered |= np.any(state != _commonest(state, length)[:, None], axis=0)
    allelic = copies.alleles is not None
    lost_one, lost_two = (_lost(state, copies.phased) for state in states)
    return CopyNumberSimilarity(
        first=copies.samples[first],
        second=copies.samples[second],
        first_site=copies.sites[first],
        second_site=copies.sites[second],
        compared=float(length.sum()),
        ploidy_first=ploidy[0],
        ploidy_second=ploidy[1],
        doubled=copies.samples[(first, second)[doubled]] if doubled >= 0 else "",
        identical=share(same),
        identical_unphased=share(np.all(np.sort(one, axis=0) == np.sort(two, axis=0), axis=0)),
        identical_scaled=share(np.all(scaled[0] == scaled[1], axis=0)),
        identical_altered=(
            float(length[same & altered].sum() / length[altered].sum())
            if altered.any()
            else math.nan
        ),
        loh_agreement=share(np.all(lost_one == lost_two, axis=0)) if allelic else math.nan,
        loh_first_only=share(np.any(lost_one & ~lost_two, axis=0)) if allelic else math.nan,
        loh_second_only=share(np.any(lost_two & ~lost_one, axis=0)) if allelic else math.nan,
        breakpoints=compare_breakpoints(copies, first, second, tolerance=tolerance),
    )


def _states(copies: CopyNumbers, row: int) -> npt.NDArray[np.int16]:
    """Copies of each allele, or of all together, shape (1 or 2, n_segments)."""
    return copies.total[None, row] if copies.alleles is None else copies.alleles[:, row]


def _lost(state: npt.NDArray[np.int16], phased: bool) -> npt.NDArray[np.bool_]:
    """Which alleles are lost; unphased, the rarer one first."""
    return np.asarray((state if phased else np.sort(state, axis=0)) == 0)


def _scale(
    states: list[npt.NDArray[np.int16]], ploidy: list[float]
) -> tuple[list[npt.NDArray[np.int16]], int]:
    """Double the sample of lower ploidy if they differ by half or more; -1 if none is."""
    low = int(ploidy[1] < ploidy[0])
    if not ploidy[1 - low] >= DOUBLING * ploidy[low] > 0:
        return states, -1
    scaled = list(states)
    scaled[low] = (2 * states[low]).astype(np.int16)
    return scaled, low


def _commonest(
    state: npt.NDArray[np.int16], length: npt.NDArray[np.float64]
) -> npt.NDArray[np.int16]:
    """The state of most of the genome."""
    kinds, which = np.unique(state, axis=1, return_inverse=True)
    weight = np.bincount(which.ravel(), weights=length, minlength=kinds.shape[1])
    most: npt.NDArray[np.int16] = kinds[:, int(np.argmax(weight))]
    return most
