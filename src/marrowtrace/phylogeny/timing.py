"""When a lineage left, in years: from counts of private mutations, with the noise of counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import betaprime, gamma

from marrowtrace.errors import CohortError, ProblemList

_LEVEL = 0.95
HU_SLOPE = 0.13
"""Slope of Hu's closed form (Hu 2020, Nature Genetics 52:701)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedingTime:
    """A time with its interval.

    Parameters
    ----------
    years : float
        Years, from what `meaning` says; NaN if the counts do not determine it.
    low, high : float
        95 % interval of the noise of counting alone.
    meaning : str
        From where to where, and by which clock.
    """

    years: float
    low: float
    high: float
    meaning: str

    def to_json(self) -> dict[str, Any]:
        """Return the time as plain values."""
        return {"years": self.years, "low": self.low, "high": self.high, "meaning": self.meaning}


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """Hu's Jaccard index of a primary and a metastasis.

    Parameters
    ----------
    index, low, high : float
        Ws/(Ws + Lp + Lm) and its 95 % interval (Jeffreys); NaN without mutations.
    """

    index: float
    low: float
    high: float


def similarity(shared_subclonal: int, primary_private: int, metastasis_private: int) -> Similarity:
    """Return the Jaccard index JSI = Ws/(Ws + Lp + Lm).

    High values speak for seeding by several clones (Hu 2020).

    Parameters
    ----------
    shared_subclonal : int
        Ws: mutations subclonal in both.
    primary_private, metastasis_private : int
        Lp and Lm: clonal mutations of one that the other lacks.

    Raises
    ------
    CohortError
        If a count is negative.
    """
    from scipy.stats import beta

    _check(Ws=shared_subclonal, Lp=primary_private, Lm=metastasis_private)
    apart = primary_private + metastasis_private
    if shared_subclonal + apart == 0:
        return Similarity(index=np.nan, low=np.nan, high=np.nan)
    law = beta(shared_subclonal + 0.5, apart + 0.5)
    tail = 0.5 * (1.0 - _LEVEL)
    return Similarity(
        index=shared_subclonal / (shared_subclonal + apart),
        low=0.0 if shared_subclonal == 0 else float(law.ppf(tail)),
        high=1.0 if apart == 0 else float(law.ppf(1.0 - tail)),
    )


def closed_form(primary_private: int, metastasis_private: int, expansion: float) -> SeedingTime:
    """Return when a metastasis was seeded, t = (1 - 0.13 Lm/Lp) T, after the primary began to grow.

    Parameters
    ----------
    primary_private, metastasis_private : int
        Lp and Lm: clonal mutations of the primary that the metastasis lacks, and the reverse.
    expansion : float
        T: years from the first cell of the expansion to diagnosis, above 0.

    Returns
    -------
    SeedingTime
        Counts are taken as Poisson, with Jeffreys' prior for their means; bounded to 0 and T.

    Raises
    ------
    CohortError
        If a count is negative or T not above 0.

    Notes
    -----
    Hu 2020, Nature Genetics 52:701. The form was derived for a primary that grows at its boundary
    and one metastasis founded by one clone; it has no meaning for lineages that slept.

    Examples
    --------
    >>> time = closed_form(10, 10, 5.0)
    >>> round(time.years, 2), time.low < time.years < time.high
    (4.35, True)
    """
    _check(Lp=primary_private, Lm=metastasis_private)
    if not 0.0 < expansion < np.inf:
        raise CohortError(f"expansion: {expansion!r} is no time; give years above 0")
    meaning = "after the primary's expansion began (Hu 2020)"
    tail = 0.5 * (1.0 - _LEVEL)
    ratio = betaprime(metastasis_private + 0.5, primary_private + 0.5)
    early, late = (
        float(np.clip(1.0 - HU_SLOPE * ratio.ppf(level), 0.0, 1.0)) * expansion
        for level in (1.0 - tail, tail)
    )
    if primary_private == 0:
        return SeedingTime(years=np.nan, low=early, high=late, meaning=meaning)
    years = (1.0 - HU_SLOPE * metastasis_private / primary_private) * expansion
    return SeedingTime(
        years=float(np.clip(years, 0.0, expansion)), low=early, high=late, meaning=meaning
    )


def by_clock(private: float, rate: float, *, rate_log_sd: float = 0.0) -> SeedingTime:
    """Return for how long a lineage has been on its own, by a clock of mutations.

    Parameters
    ----------
    private : float
        Mutations that all cells of the lineage carry and the primary lacks, 0 or more.
    rate : float
        Mutations a year along one line of descent, in the part of the genome that was read,
        above 0.
    rate_log_sd : float
        Standard deviation of the log of the rate, 0 or more.

    Returns
    -------
    SeedingTime
        Before its cells' last common ancestor. A lineage that slept has been away for longer than
        it says, if cells that sleep do not mutate.

    Raises
    ------
    CohortError
        If a number is out of range.

    Examples
    --------
    >>> time = by_clock(20, 4.0)
    >>> round(time.years, 1), round(time.low, 1), round(time.high, 1)
    (5.0, 3.2, 7.6)
    """
    problems = ProblemList()
    for name, value, above in (("private", private, False), ("rate", rate, True),
                               ("rate_log_sd", rate_log_sd, False)):  # fmt: skip
        if not (0.0 < value < np.inf or (value == 0.0 and not above)):
            problems.add(name, f"{value!r} is out of range; give {'above 0' if above else '0 on'}")
    problems.raise_any(CohortError, "the clock")
    tail = 0.5 * (1.0 - _LEVEL)
    if rate_log_sd == 0.0:
        low, high = gamma(private + 0.5).ppf([tail, 1.0 - tail]) / rate
    else:
        points, weights = np.polynomial.hermite_e.hermegauss(41)
        rates = rate * np.exp(rate_log_sd * points)
        grid = np.geomspace(1e-4, 1e4, 4001) * max(private, 0.5) / rate
        below = (gamma(private + 0.5).cdf(grid[:, None] * rates) @ weights) / weights.sum()
        low, high = np.interp([tail, 1.0 - tail], below, grid)
    return SeedingTime(
        years=private / rate,
        low=0.0 if private == 0 else float(low),
        high=float(high),
        meaning="from departure to the lineage's last common ancestor, by a clock of "
        f"{rate:g} mutations a year",
    )


def _check(**counts: int) -> None:
    problems = ProblemList()
    for name, value in counts.items():
        if value < 0 or value != int(value):
            problems.add(
                name, f"{value!r} is no number of mutations; give a whole number from 0 on"
            )
    problems.raise_any(CohortError, "the counts of mutations")
