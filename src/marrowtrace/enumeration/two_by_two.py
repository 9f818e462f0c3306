r"""Agreement of two yes-or-no tests in the same patients.

With the shares :math:`p_{ij}` of patients, observed agreement :math:`p_o` and chance agreement
:math:`p_e`, an index is :math:`(p_o-p_e)/(1-p_e)`. Cohen's kappa (Cohen 1960, Educ. Psychol. Meas.
20:37-46) takes :math:`p_e=\sum_k p_{k\cdot}p_{\cdot k}`, with the large-sample variance of Fleiss,
Cohen and Everitt 1969 (Psychol. Bull. 72:323-327). Gwet's AC1 (Gwet 2008, Br. J. Math. Stat.
Psychol. 61:29-48) takes :math:`p_e=2\pi(1-\pi)` with the mean share of positives :math:`\pi`, and
keeps its meaning where nearly all are negative, as rare cells make them; its variance has the
factor n/(n-1) and its interval Student's t. Positive agreement is
:math:`2a/(2a+b+c)` with a pairs both positive; given the pairs with any positive, a is binomial,
so its exact interval is turned over; negative agreement likewise. McNemar's test is the exact
binomial one on the discordant pairs. (Papers remembered, not verified; numbers held against R.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl
from scipy import special

from marrowtrace.enumeration.counts import Floats, check_arguments
from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields
from marrowtrace.evidence.proportions import exact_interval


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """Agreement of two tests.

    Parameters
    ----------
    both, first_only, second_only, neither : int
        Patients by which test was positive.
    observed, observed_low, observed_high : float
        Share of patients who agree, with its exact interval.
    kappa, kappa_low, kappa_high : float
        Cohen's kappa; NaN where all patients are in one class of both tests.
    ac1, ac1_low, ac1_high : float
        Gwet's AC1; the interval is NaN for one patient.
    positive_agreement, positive_low, positive_high : float
        NaN where nobody is positive.
    negative_agreement, negative_low, negative_high : float
        NaN where nobody is negative.
    mcnemar_p_value : float
        That the tests are positive equally often; 1 where no pair is discordant.
    level : float
    """

    both: int
    first_only: int
    second_only: int
    neither: int
    observed: float
    observed_low: float
    observed_high: float
    kappa: float
    kappa_low: float
    kappa_high: float
    ac1: float
    ac1_low: float
    ac1_high: float
    positive_agreement: float
    positive_low: float
    positive_high: float
    negative_agreement: float
    negative_low: float
    negative_high: float
    mcnemar_p_value: float
    level: float

    @property
    def patients(self) -> int:
        """Patients in all."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def discordant(self) -> int:
        """Patients in whom one test alone is positive."""
        return self.first_only + self.second_only

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def two_by_two(
    both: int, first_only: int, second_only: int, neither: int, *, level: float = 0.95
) -> TwoByTwo:
    """Measure the agreement of two tests.

    Parameters
    ----------
    both, first_only, second_only, neither : int
        Patients by which test was positive, at least one in all.
    level : float
        Confidence level.

    Raises
    ------
    CohortError
        If a number of patients is negative or not whole, or there is none.
    ParameterError
        If level is outside its range.

    Examples
    --------
    Rare positives: kappa is low although 95 of 100 patients agree, AC1 is not.

    >>> found = two_by_two(1, 2, 3, 94)
    >>> round(found.kappa, 2), round(found.ac1, 2)
    (0.26, 0.95)
    """
    check_arguments("the agreement", ("level", level, "above 0, below 1"))
    cells = np.array([both, first_only, second_only, neither], dtype=np.float64)
    if not (np.all(cells >= 0) and np.all(cells == np.floor(cells)) and cells.sum() > 0):
        raise CohortError(
            f"a table of {both}, {first_only}, {second_only} and {neither} patients is not "
            "possible; allowed: whole numbers from 0, not all 0"
        )
    a, b, c, d = (int(v) for v in cells)
    n = a + b + c + d
    share = cells / n
    row, column = share[0] + share[1], share[0] + share[2]
    normal = NormalDist().inv_cdf(0.5 + level / 2)
    slope = np.array([row + column, 1 - row + column, row + 1 - column, 2 - row - column])
    chance = row * column + (1 - row) * (1 - column)
    kappa = _index(share, chance, slope, normal, n)
    pi = (row + column) / 2
    t = float(special.stdtrit(n - 1, 0.5 + level / 2)) if n > 1 else math.nan
    ac1 = _index(share, 2 * pi * (1 - pi), (1 - 2 * pi) * np.array([2.0, 1, 1, 0]), t, n - 1)
    agree = exact_interval([a + d], [n], level=level)
    tail = 2 * float(special.bdtr(min(b, c), b + c, 0.5)) if b + c else 1.0
    return TwoByTwo(
        a, b, c, d,
        (a + d) / n, float(agree[0][0]), float(agree[1][0]),
        *kappa, *ac1, *_specific(a, b + c, level), *_specific(d, b + c, level),
        min(1.0, tail), level,
    )  # fmt: skip


def _index(
    share: Floats, chance: float, slope: Floats, reach: float, divisor: int
) -> tuple[float, float, float]:
    """Agreement beyond chance with its interval; ``slope`` is that of chance in the shares."""
    agreed = np.array([1.0, 0, 0, 1])
    observed = float(share @ agreed)
    if 1 - chance < 1e-12:
        return math.nan, math.nan, math.nan
    value = float((observed - chance) / (1 - chance))
    gradient = agreed / (1 - chance) - (1 - observed) / (1 - chance) ** 2 * slope
    variance = float(share @ gradient**2 - (share @ gradient) ** 2)
    if divisor < 1:
        return value, math.nan, math.nan
    half = reach * math.sqrt(max(variance, 0.0) / divisor)
    return value, max(-1.0, float(value - half)), min(1.0, float(value + half))


def _specific(agreed: int, discordant: int, level: float) -> tuple[float, float, float]:
    """Positive or negative agreement with its interval."""
    total = agreed + discordant
    if not total:
        return math.nan, math.nan, math.nan
    low, high = exact_interval([agreed], [total], level=level)
    return tuple(2 * p / (1 + p) for p in (agreed / total, float(low[0]), float(high[0])))  # type: ignore[return-value]
