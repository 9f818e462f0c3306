r"""Change between two visits with the sampling noise removed.

A patient whose burden has not changed may still turn from positive to negative, or back, by chance.
With the gamma-Poisson law of `gamma_poisson` fitted to the first visit (mean c, shape
:math:`\theta`), y cells in the amount :math:`a_1` leave the burden gamma with shape
:math:`\theta+y`, so the count at an unchanged second visit is gamma-Poisson with that shape and
mean :math:`c\,a_2(\theta+y)/(\theta+c\,a_1)`. Let r be the share of the positive that turn
negative, s that of the negative that turn positive, and :math:`r_0`, :math:`s_0` what is expected
of unchanged burdens. Each patient has one of three fates, whatever the burden: unchanged (share
:math:`\kappa`), cleared (no cell left, :math:`\pi`) or risen (positive for certain,
:math:`\lambda`). Then

.. math:: r = \pi + \kappa r_0, \quad s = \lambda + \kappa s_0, \quad
   \kappa = \frac{1-r-s}{1-r_0-s_0},

which for one fate is Abbott's correction (Abbott 1925, J. Econ. Entomol. 18:265-267; remembered,
not verified). A fall that leaves cells is not told from a mixture of the first two. Intervals are
percentiles of a parametric bootstrap that refits the first visit; the p-value is from cohorts drawn
without change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from marrowtrace.cohort import Cohort
from marrowtrace.enumeration import gamma_poisson
from marrowtrace.enumeration.counts import Floats, check_arguments, check_counts
from marrowtrace.enumeration.pairing import Marker, paired_samples
from marrowtrace.errors import CohortError
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields

_LEAST_CONTRAST = 1e-6  # of 1 - r0 - s0; below it the first visit says nothing of the second


@dataclass(frozen=True, slots=True)
class Conversion:
    """Change of one marker between two visits.

    Parameters
    ----------
    stayed_positive, lost, gained, stayed_negative : int
        Patients by verdict at the first and the second visit.
    lost_expected, gained_expected : float
        Patients expected to turn by sampling noise alone.
    changed_low, changed_high : float
        Range of all who turn, in cohorts drawn without change.
    p_value : float
        That noise alone explains those who turn.
    cleared, cleared_low, cleared_high : float
        Share of patients truly cleared; NaN where it cannot be told.
    risen, risen_low, risen_high : float
        Share of patients who truly became positive; NaN where it cannot be told.
    unchanged : float
        The rest.
    mean, theta : float
        Law of the first visit; the mean in cells per unit of amount.
    replicates : int
    level : float
    statement : str
    """

    stayed_positive: int
    lost: int
    gained: int
    stayed_negative: int
    lost_expected: float
    gained_expected: float
    changed_low: float
    changed_high: float
    p_value: float
    cleared: float
    cleared_low: float
    cleared_high: float
    risen: float
    risen_low: float
    risen_high: float
    unchanged: float
    mean: float
    theta: float
    replicates: int
    level: float
    statement: str

    @property
    def patients(self) -> int:
        """Patients seen at both visits."""
        return self.stayed_positive + self.lost + self.gained + self.stayed_negative

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values; NaN and infinity are None."""
        return plain_fields(self)


def conversion(
    rng: np.random.Generator,
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    *,
    threshold: int = 1,
    replicates: int = 499,
    level: float = 0.95,
) -> Conversion:
    """Estimate the true change between two visits of the same patients.

    Parameters
    ----------
    rng : numpy.random.Generator
    first, second : tuple of array_like, shape (n,)
        Counts and amounts examined of each patient at the first and the second visit.
    threshold : int
        Cells that make a sample positive.
    replicates : int
        Cohorts drawn, at least 99.
    level : float

    Returns
    -------
    Conversion

    Raises
    ------
    CohortError
        If a count or an amount is impossible, there are fewer than two patients, or the first
        visit shows no cell in any.
    ParameterError
        If an argument is outside its range.
    """
    (y1, a1), (y2, a2) = check_counts(*first), check_counts(*second)
    check_arguments(
        "the conversion",
        ("threshold", threshold, "whole numbers from 1"),
        ("replicates", replicates, "whole numbers from 99"),
        ("level", level, "above 0, below 1"),
    )
    if y1.size != y2.size or y1.size < 2:
        raise CohortError(
            f"{y1.size} counts at the first visit and {y2.size} at the second make no pairs; give "
            "at least two patients with both"
        )
    if y1.sum() == 0:
        raise CohortError(
            "the first visit shows no cell in any patient, so how counts scatter cannot be told, "
            "nor who would turn by noise"
        )
    found = _Turns.of(y1[np.newaxis], y2[np.newaxis], (a1, a2), threshold)
    mean, theta = float(found.mean[0]), float(found.theta[0])
    cleared, risen = (float(v[0]) for v in found.fates())
    means = (mean * a1, mean * a2)
    still = _draw(rng, means, theta, (0.0, 0.0), threshold, replicates)
    null = _Turns.of(*still, (a1, a2), threshold)
    excess = (found.changed - found.expected)[0]
    tails = [(1 - level) / 2, (1 + level) / 2]
    fates = (0.0 if math.isnan(cleared) else cleared, 0.0 if math.isnan(risen) else risen)
    drawn = _draw(rng, means, theta, fates, threshold, replicates)
    again = _Turns.of(*drawn, (a1, a2), threshold).fates()
    ends = [
        (math.nan, math.nan) if math.isnan(value) else np.nanquantile(sample, tails)
        for value, sample in zip((cleared, risen), again, strict=True)
    ]
    positive = found.positive[0]
    after = y2 >= threshold
    p_value = (1 + int((null.changed - null.expected >= excess - 1e-9).sum())) / (1 + replicates)
    changed = np.quantile(null.changed, tails)
    return Conversion(
        stayed_positive=int((positive & after).sum()),
        lost=int((positive & ~after).sum()),
        gained=int((~positive & after).sum()),
        stayed_negative=int((~positive & ~after).sum()),
        lost_expected=float(found.lost_expected[0]),
        gained_expected=float(found.gained_expected[0]),
        changed_low=float(changed[0]),
        changed_high=float(changed[1]),
        p_value=p_value,
        cleared=cleared,
        cleared_low=float(ends[0][0]),
        cleared_high=float(ends[0][1]),
        risen=risen,
        risen_low=float(ends[1][0]),
        risen_high=float(ends[1][1]),
        unchanged=1 - cleared - risen,
        mean=mean,
        theta=theta,
        replicates=replicates,
        level=level,
        statement=_statement(found, cleared, ends[0], p_value),
    )


def visit_conversion(
    rng: np.random.Generator,
    cohort: Cohort,
    first: Marker,
    second: Marker,
    *,
    window: float = math.inf,
    replicates: int = 499,
    level: float = 0.95,
) -> Conversion:
    """Estimate the true change of one marker between two visits of a cohort.

    Each patient gives the pair of counted samples that are nearest in time, the second later.

    Parameters
    ----------
    rng : numpy.random.Generator
    cohort : Cohort
    first, second : Marker
        The same cell class, assay and threshold, at two phases or sites of time.
    window : float
        Days the visits may be apart.
    replicates : int
    level : float

    Returns
    -------
    Conversion

    Raises
    ------
    CohortError
        If the markers do not compare or no patient has both samples; also as for `conversion`.
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    ``visit_conversion(rng, cohort, Marker("DTC", phase="pre"), Marker("DTC", phase="post"))``
    """
    same = ("cell_class", "threshold", "assay", "site")
    unlike = [name for name in same if getattr(first, name) != getattr(second, name)]
    if unlike:
        raise CohortError(
            f"the visits {first} and {second} differ in {', '.join(unlike)}, so a change of "
            "verdict need not be one of burden; give both the same"
        )
    pairs = paired_samples(cohort, first, second, window=window, in_order=True, counted=True)
    return conversion(
        rng,
        (pairs["count_first"].to_numpy(), pairs["examined_first"].to_numpy()),
        (pairs["count_second"].to_numpy(), pairs["examined_second"].to_numpy()),
        threshold=first.threshold,
        replicates=replicates,
        level=level,
    )


@dataclass(frozen=True, slots=True)
class _Turns:
    """Who turns in many cohorts, each shape (sets,) but ``positive`` (sets, n)."""

    mean: Floats
    theta: Floats
    positive: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    lost: Floats
    gained: Floats
    lost_expected: Floats
    gained_expected: Floats

    @classmethod
    def of(cls, y1: Floats, y2: Floats, amounts: tuple[Floats, Floats], threshold: int) -> _Turns:
        """Fit the first visit of each cohort and expect who turns by noise."""
        mean, theta = gamma_poisson.fit(y1, amounts[0])
        shape = np.where(np.isfinite(theta), theta, math.inf)[:, np.newaxis]
        c = mean[:, np.newaxis]
        finite = np.where(np.isinf(shape), 1.0, shape)
        left = np.where(np.isinf(shape), 1.0, (finite + y1) / (finite + c * amounts[0]))
        negative = gamma_poisson.probability_below(threshold, c * amounts[1] * left, shape + y1)
        before, after = y1 >= threshold, y2 >= threshold
        return cls(
            mean, theta, before,
            (before & ~after).sum(axis=1).astype(np.float64),
            (~before & after).sum(axis=1).astype(np.float64),
            np.where(before, negative, 0.0).sum(axis=1),
            np.where(before, 0.0, 1 - negative).sum(axis=1),
        )  # fmt: skip

    @property
    def changed(self) -> Floats:
        """All who turned."""
        return np.asarray(self.lost + self.gained)

    @property
    def expected(self) -> Floats:
        """All expected to turn by noise."""
        return np.asarray(self.lost_expected + self.gained_expected)

    def fates(self) -> tuple[Floats, Floats]:
        """Shares cleared and risen, each in 0 to 1; NaN where they cannot be told."""
        m = self.positive.sum(axis=1).astype(np.float64)
        k = self.positive.shape[1] - m
        with np.errstate(divide="ignore", invalid="ignore"):
            r, r0 = self.lost / m, self.lost_expected / m
            s, s0 = self.gained / k, self.gained_expected / k
            contrast = np.where(1 - r0 - s0 > _LEAST_CONTRAST, 1 - r0 - s0, np.nan)
            same = (1 - r - s) / contrast
            cleared, risen = r - same * r0, s - same * s0
            # a share below 0 is 0, and the other then follows alone
            alone_cleared = (r - r0) / np.where(1 - r0 > _LEAST_CONTRAST, 1 - r0, np.nan)
            alone_risen = (s - s0) / np.where(1 - s0 > _LEAST_CONTRAST, 1 - s0, np.nan)
        cleared, risen = (
            np.where((risen < 0) | (k == 0), alone_cleared, cleared),
            np.where((cleared < 0) | (m == 0), alone_risen, risen),
        )
        cleared, risen = np.clip(cleared, 0.0, 1.0), np.clip(risen, 0.0, 1.0)
        total = np.maximum(np.nan_to_num(cleared) + np.nan_to_num(risen), 1.0)
        return np.asarray(cleared / total), np.asarray(risen / total)


def _draw(
    rng: np.random.Generator,
    means: tuple[Floats, Floats],
    theta: float,
    fates: tuple[float, float],
    threshold: int,
    sets: int,
) -> tuple[Floats, Floats]:
    """Draw counts of two visits, each shape (sets, n)."""
    shape = (sets, means[0].size)
    burden = rng.gamma(theta, 1 / theta, shape) if math.isfinite(theta) else np.ones(shape)
    y1, y2 = (rng.poisson(burden * mu).astype(np.float64) for mu in means)
    fate = rng.random(shape)
    y2 = np.where(fate < fates[0], 0.0, y2)
    risen = (fate >= fates[0]) & (fate < fates[0] + fates[1])
    return y1, np.where(risen, np.maximum(y2, threshold), y2)


def _statement(
    found: _Turns, cleared: float, ends: tuple[float, float] | Floats, p_value: float
) -> str:
    """The result as a sentence."""
    m, patients = int(found.positive.sum()), found.positive.shape[1]
    start = (
        f"{found.lost[0]:.0f} of {m} positive turned negative ({found.lost_expected[0]:.1f} "
        f"expected by noise alone) and {found.gained[0]:.0f} of {patients - m} negative turned "
        f"positive ({found.gained_expected[0]:.1f} expected)"
    )
    if math.isnan(cleared):
        return f"{start}; what part is a true change cannot be told."
    verdict = "more than noise" if p_value < 0.05 else "noise may be all there is"
    return (
        f"{start}; {100 * cleared:.0f} % ({100 * ends[0]:.0f} to {100 * ends[1]:.0f} %) were truly "
        f"cleared; {verdict} (p = {p_value:.2g})."
    )
