r"""What an assay can find: probability, amount needed, limits of blank and detection.

A sample of the amount a from a patient at the concentration c holds cells that are seen with the
probability ``recovery`` x ``marker_positivity``, each independently; so the cells seen are Poisson
with the mean :math:`\mu = c\,a\,r\,m`, or gamma-Poisson with that mean where concentrations scatter
with the shape :math:`\theta`: between patients of one mean, or between samples of one patient.
Detection is to see ``threshold`` cells or more.

The limits follow the idea of CLSI EP17 (remembered, not verified) with the exact laws of counts in
place of its percentiles of measured values; no conformity with the guideline is claimed:

- limit of blank: the smallest count B such that false positives alone, Poisson with a known rate,
  exceed B with probability at most alpha; a sample is called positive above B;
- limit of detection: the concentration at which cells and false positives together exceed B with
  probability 1 - beta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import optimize, special

from marrowtrace.cohort import Cohort
from marrowtrace.enumeration.concentration import unit_name
from marrowtrace.enumeration.counts import PER, Floats, check_arguments, marker_counts, unit_of
from marrowtrace.enumeration.gamma_poisson import (
    mean_for,
    probability_at_least,
    probability_below,
)
from marrowtrace.errors import ParameterError
from marrowtrace.evidence.plain_values import PlainValue, plain, plain_fields, scalar_fields


@dataclass(frozen=True, slots=True)
class LimitOfBlank:
    """The count that false positives alone seldom exceed.

    Parameters
    ----------
    count : int
        A sample is positive above it, so its threshold is ``count + 1``.
    mean : float
        False positives expected in a sample.
    exceeded : float
        Probability that a blank sample exceeds ``count``; at most ``alpha``.
    alpha : float
    """

    count: int
    mean: float
    exceeded: float
    alpha: float

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True)
class LimitOfDetection:
    """The concentration that is told from a blank with a wanted probability.

    Parameters
    ----------
    concentration : float
        Cells in the amount ``per``.
    cells : float
        True cells expected to be seen in one sample at that concentration.
    blank : LimitOfBlank
    beta : float
        Probability of missing it.
    per : float
        Amount the concentration refers to.
    """

    concentration: float
    cells: float
    blank: LimitOfBlank
    beta: float
    per: float

    def table(self) -> pl.DataFrame:
        """Return one row with the fields as columns, those of the blank among them."""
        return pl.DataFrame([scalar_fields(self)])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True)
class Depth:
    """How little each sample of a cohort would have shown.

    Parameters
    ----------
    rows : DataFrame
        One row a sample: ``patient_id``, ``sample_id``, ``site``, ``phase``, ``time`` (day),
        ``examined``, ``count`` and ``detectable``, the concentration found with the wanted
        sensitivity.
    unit : str
        Of the concentrations.
    sensitivity, recovery, marker_positivity, theta : float
    threshold : int
    """

    rows: pl.DataFrame
    unit: str
    sensitivity: float
    recovery: float
    marker_positivity: float
    theta: float
    threshold: int

    def table(self) -> pl.DataFrame:
        """Return the samples, one a row."""
        return self.rows

    def to_json(self) -> dict[str, PlainValue]:
        """Return the result as plain JSON values; an infinite theta is None."""
        return {
            "unit": self.unit,
            "sensitivity": self.sensitivity,
            "recovery": self.recovery,
            "marker_positivity": self.marker_positivity,
            "theta": plain(self.theta),
            "threshold": self.threshold,
            "rows": plain(self.rows.to_dicts()),
        }


def detection_probability(
    concentration: ArrayLike,
    amount: ArrayLike,
    *,
    recovery: float = 1.0,
    marker_positivity: float = 1.0,
    theta: float = math.inf,
    threshold: int = 1,
    per: float = 1.0,
) -> Floats:
    """Probability that a sample shows ``threshold`` cells or more.

    Parameters
    ----------
    concentration : array_like of float
        True cells in the amount ``per``, >= 0.
    amount : array_like of float
        Amount examined [mL or nucleated cells], >= 0; broadcast against ``concentration``.
    recovery : float
        Share of cells that survive preparation, above 0 to 1.
    marker_positivity : float
        Share of tumour cells that carry the marker, above 0 to 1.
    theta : float
        Shape of the concentrations around their mean; infinity for one fixed concentration.
    threshold : int
        Cells that make a sample positive, at least 1.
    per : float
        Amount the concentration refers to: 1 for a mL, 1e6 for a million nucleated cells.

    Returns
    -------
    ndarray of float

    Raises
    ------
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    One cell in 10 mL is missed by a 7.5 mL tube about half the time:

    >>> round(float(detection_probability(0.1, 7.5)), 3)
    0.528
    """
    seen = share_seen(recovery, marker_positivity, theta, threshold, per)
    c, a = (np.asarray(v, dtype=np.float64) for v in (concentration, amount))
    check_arguments(
        "the probability of detection",
        ("concentration", _worst(c), "from 0, finite"),
        ("amount", _worst(a), "from 0, finite"),
    )
    return probability_at_least(threshold, c * a * seen / per, theta)


def amount_needed(
    sensitivity: float,
    concentration: float,
    *,
    recovery: float = 1.0,
    marker_positivity: float = 1.0,
    theta: float = math.inf,
    threshold: int = 1,
    per: float = 1.0,
) -> float:
    """Amount [mL or nucleated cells] to examine for a wanted probability of detection.

    Parameters
    ----------
    sensitivity : float
        Wanted probability of detection, from 0 and below 1.
    concentration : float
        True cells in the amount ``per``, above 0.
    recovery, marker_positivity, theta, threshold, per
        As for `detection_probability`.

    Raises
    ------
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    95 % for one cell in 10 mL needs 30 mL, or 40 mL if a quarter of the cells is lost:

    >>> round(amount_needed(0.95, 0.1), 1), round(amount_needed(0.95, 0.1, recovery=0.75), 1)
    (30.0, 39.9)
    """
    seen = share_seen(recovery, marker_positivity, theta, threshold, per)
    check_arguments(
        "the amount needed",
        ("sensitivity", sensitivity, "from 0, below 1"),
        ("concentration", concentration, "above 0, finite"),
    )
    return mean_for(threshold, sensitivity, theta) * per / (concentration * seen)


def limit_of_blank(
    false_positive_rate: float, amount: float, *, alpha: float = 0.05, per: float = 1.0
) -> LimitOfBlank:
    """Smallest count that false positives exceed with probability at most ``alpha``.

    Parameters
    ----------
    false_positive_rate : float
        False positives in the amount ``per``, >= 0: from blank samples, their summed count over
        their summed amount, or the upper end of its `concentration_interval` to be on the safe
        side.
    amount : float
        Amount examined in a sample [mL or nucleated cells], above 0.
    alpha : float
        Between 0 and 1.
    per : float
        Amount the rate refers to.

    Raises
    ------
    ParameterError
        If an argument is outside its range.

    Examples
    --------
    >>> limit_of_blank(0.04, 7.5).count
    1
    """
    check_arguments(
        "the limit of blank",
        ("false_positive_rate", false_positive_rate, "from 0, finite"),
        ("amount", amount, "above 0, finite"),
        ("alpha", alpha, "above 0, below 1"),
        ("per", per, "above 0, finite"),
    )
    mean = false_positive_rate * amount / per

    def exceeded(count: int) -> float:
        return float(special.gammainc(count + 1, mean))

    count = max(0, math.ceil(float(special.pdtrik(1 - alpha, mean)))) if mean > 0 else 0
    while count > 0 and exceeded(count - 1) <= alpha:
        count -= 1
    while exceeded(count) > alpha:
        count += 1
    return LimitOfBlank(count, mean, exceeded(count), alpha)


def limit_of_detection(
    false_positive_rate: float,
    amount: float,
    *,
    alpha: float = 0.05,
    beta: float = 0.05,
    recovery: float = 1.0,
    marker_positivity: float = 1.0,
    theta: float = math.inf,
    per: float = 1.0,
) -> LimitOfDetection:
    """Concentration that exceeds the limit of blank with probability 1 - ``beta``.

    Parameters
    ----------
    false_positive_rate, amount, alpha, per
        As for `limit_of_blank`.
    beta : float
        Probability of missing it, between 0 and 1.
    recovery, marker_positivity, theta
        Of the true cells, as for `detection_probability`; false positives stay Poisson.

    Raises
    ------
    ParameterError
        If an argument is outside its range, or ``beta`` is so large that a blank sample exceeds the
        limit as often.

    Examples
    --------
    Without false positives one cell counts, and three must be expected (the rule of three):

    >>> round(limit_of_detection(0.0, 7.5).cells, 2)
    3.0
    """
    seen = share_seen(recovery, marker_positivity, theta, 1, per)
    check_arguments("the limit of detection", ("beta", beta, "above 0, below 1"))
    blank = limit_of_blank(false_positive_rate, amount, alpha=alpha, per=per)
    if blank.exceeded >= 1 - beta:
        raise ParameterError(
            f"beta = {beta:g} leaves no limit of detection: blank samples exceed {blank.count} "
            f"cell(s) with probability {blank.exceeded:.3g}; allowed: below {1 - blank.exceeded:g}"
        )
    below = np.arange(blank.count + 1.0)
    false = np.exp(special.xlogy(below, blank.mean) - blank.mean - special.gammaln(below + 1))

    def missed(cells: float) -> float:
        return float(false @ probability_below(blank.count + 1 - below, cells, theta)) - beta

    enough = mean_for(blank.count + 1, 1 - beta, theta) * (1 + 1e-9)
    cells = float(optimize.brentq(missed, 0.0, enough, xtol=1e-13, rtol=1e-14))
    return LimitOfDetection(cells * per / (amount * seen), cells, blank, beta, per)


def depth(
    cohort: Cohort,
    cell_class: str,
    *,
    assay: str | None = None,
    site: str | None = None,
    phase: str | None = None,
    sensitivity: float = 0.95,
    recovery: float = 1.0,
    marker_positivity: float = 1.0,
    theta: float = math.inf,
    threshold: int = 1,
) -> Depth:
    """Concentration that each sample of a cohort would have shown with a wanted probability.

    Parameters
    ----------
    cohort : Cohort
    cell_class : str
    assay, site, phase : str, optional
        Only these samples.
    sensitivity : float
        From 0 and below 1.
    recovery, marker_positivity, theta, threshold
        As for `detection_probability`.

    Returns
    -------
    Depth

    Raises
    ------
    CohortError
        If no sample fits, or several assays or units do.
    ParameterError
        If an argument is outside its range.
    """
    rows = marker_counts(cohort, cell_class, assay=assay, site=site, phase=phase)
    unit = unit_of(rows)
    amount = amount_needed(
        sensitivity,
        1.0,
        recovery=recovery,
        marker_positivity=marker_positivity,
        theta=theta,
        threshold=threshold,
        per=PER[unit],
    )
    return Depth(
        rows.select(
            "patient_id", "sample_id", "site", "phase", "time", "examined", "count",
            (amount / pl.col("examined")).alias("detectable"),
        ),
        unit_name(unit), sensitivity, recovery, marker_positivity, theta, threshold,
    )  # fmt: skip


def share_seen(
    recovery: float, marker_positivity: float, theta: float, threshold: float, per: float
) -> float:
    """Share of cells seen, after a check of the arguments that describe an assay.

    Raises
    ------
    ParameterError
        If an argument is outside its range.
    """
    check_arguments(
        "the assay",
        ("recovery", recovery, "above 0, to 1"),
        ("marker_positivity", marker_positivity, "above 0, to 1"),
        ("theta", theta, "above 0"),
        ("threshold", threshold, "whole numbers from 1"),
        ("per", per, "above 0, finite"),
    )
    return recovery * marker_positivity


def _worst(values: Floats) -> float:
    """The first value that is negative or not finite, or else 0."""
    bad = values[~(np.isfinite(values) & (values >= 0))]
    return float(bad[0]) if bad.size else 0.0
