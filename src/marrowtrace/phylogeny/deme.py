"""A population of tumour cells over time: where, from whom, how large, how fast it divides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import CohortError, ProblemList

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Deme:
    """One population: a clone of the primary between two sweeps, a reservoir, a lesion.

    Parameters
    ----------
    name : str
    site : str
        Where it is; several demes may share a site.
    source : str
        Name of the deme that its founders came from; empty for the first one.
    days : ndarray of float64, shape (n,)
        Days on which size and rate are given, ascending; the first is that of its founding.
    size : ndarray of float64, shape (n,)
        Cells, 1 or more; the log is linear in between. The first is the number of founders.
    birth : ndarray of float64, shape (n - 1,)
        Divisions of a cell a day in each interval, 0 or more; 0 while the cells sleep.

    Raises
    ------
    CohortError
        Listing every fault.
    """

    name: str
    site: str
    source: str
    days: Reals
    size: Reals
    birth: Reals

    def __post_init__(self) -> None:
        problems = ProblemList()
        days, size, birth = (
            np.asarray(values, dtype=float) for values in (self.days, self.size, self.birth)
        )
        if days.ndim != 1 or days.size < 2 or np.any(~np.isfinite(days)):
            problems.add("days", "two or more finite days are wanted, the founding first")
        elif np.any(np.diff(days) <= 0):
            problems.add("days", "must rise")
        if size.shape != days.shape or np.any(~(size >= 1.0)) or np.any(~np.isfinite(size)):
            problems.add("size", "one number of cells of 1 or more is wanted for each day")
        if birth.shape != (max(days.size - 1, 0),) or np.any(~(birth >= 0.0)):
            problems.add("birth", "one rate of 0 or more is wanted for each interval of days")
        problems.raise_any(CohortError, f"the deme '{self.name}'")
        for name, values in (("days", days), ("size", size), ("birth", birth)):
            object.__setattr__(self, name, values)

    @property
    def founded(self) -> float:
        """Day of its founding."""
        return float(self.days[0])

    @property
    def founders(self) -> int:
        """Number of founding cells."""
        return round(float(self.size[0]))

    def last_meeting(self, rng: np.random.Generator, lines: int, day: float) -> float:
        """Draw the day on which two of some lines of descent meet, going back from ``day``.

        A division makes one of the N(N - 1)/2 pairs of cells meet, and there are b N of them a day,
        so that each pair meets at rate 2 b/(N - 1) (Kingman's coalescent in a population of given
        size; exact where the size is given and cells are alike).

        Returns
        -------
        float
            The day; minus infinity if they have not met by the founding.
        """
        left = rng.exponential() / (0.5 * lines * (lines - 1)) if lines > 1 else np.inf
        number = int(np.searchsorted(self.days, day, side="left")) - 1
        while number >= 0 and lines > 1:
            start, stop = float(self.days[number]), min(day, float(self.days[number + 1]))
            rate = self._growth(number)
            low = float(self.size[number])
            high = low * np.exp(rate * (stop - start))
            whole = self.birth[number] * 2.0 * _over_size(low, high, rate, stop - start)
            if whole >= left:
                return start + _point(low, high, rate, stop - start, left, self.birth[number])
            left -= whole
            number -= 1
        return -np.inf

    def divisions(self, start: float, stop: float) -> float:
        """Return the mean divisions along a line of descent: 2 b a day."""
        low = np.maximum(self.days[:-1], start)
        high = np.minimum(self.days[1:], stop)
        return float(2.0 * (np.maximum(high - low, 0.0) * self.birth).sum())

    def _growth(self, number: int) -> float:
        gap = self.days[number + 1] - self.days[number]
        return float(np.log(self.size[number + 1] / self.size[number]) / gap)


def _over_size(low: float, high: float, rate: float, gap: float) -> float:
    """Integral of 1/(N - 1) over an interval in which N goes from low to high."""
    if min(low, high) <= 1.0 + 1e-12:
        return np.inf
    if abs(rate) * gap < 1e-9:
        return gap / (low - 1.0)
    return float((np.log1p(-1.0 / high) - np.log1p(-1.0 / low)) / rate)


def _point(low: float, high: float, rate: float, gap: float, left: float, birth: float) -> float:
    """Time after the interval's start at which what is left of the integral is used up."""
    wanted = left / (2.0 * birth)
    if abs(rate) * gap < 1e-9:
        return gap - wanted * (low - 1.0)
    # log(1 - 1/N(t)) = log(1 - 1/high) - rate * wanted
    inverse = -np.expm1(np.log1p(-1.0 / high) - rate * wanted)
    size = 1.0 / inverse
    return float(np.clip(gap + np.log(size / high) / rate, 0.0, gap))
