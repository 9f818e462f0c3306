r"""How many cells are in a millilitre, or among a million nucleated cells, by exact intervals.

With k cells in the amount a, the Poisson interval inverts both tails (Garwood 1936, Biometrika
28:437-442; remembered, not verified): it runs from the mean at which k or more cells have the
probability :math:`(1-\text{level})/2` to that at which k or fewer have it. The negative binomial
interval does the same for a law with a given shape :math:`\theta`, where samples of one patient
scatter more than Poisson's, as aspirates of unequal quality or clumped cells do. ``theta`` is then
the spread between repeated samples of one patient; the spread between patients
(`overdispersion`) does not belong into the interval of one patient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import special

from marrowtrace.cohort import Cohort
from marrowtrace.enumeration.counts import (
    PER,
    Floats,
    check_arguments,
    check_counts,
    marker_counts,
    unit_of,
)
from marrowtrace.evidence.plain_values import PlainValue, plain


@dataclass(frozen=True, slots=True)
class Concentrations:
    """Concentration of one marker in each sample.

    Parameters
    ----------
    rows : DataFrame
        One row a sample: ``patient_id``, ``sample_id``, ``site``, ``phase``, ``time`` (day),
        ``count``, ``examined``, ``concentration`` with its interval ``low`` to ``high``.
    cell_class, assay : str
    unit : str
        Of the concentrations: ``cells/mL`` or ``cells/1e6 nucleated cells``.
    theta : float
        Shape of the law of repeated samples; infinity for Poisson.
    level : float
        Confidence level.
    """

    rows: pl.DataFrame
    cell_class: str
    assay: str
    unit: str
    theta: float
    level: float

    def table(self) -> pl.DataFrame:
        """Return the concentrations, one row a sample."""
        return self.rows

    def to_json(self) -> dict[str, PlainValue]:
        """Return the concentrations as plain JSON values; an infinite theta is None."""
        return {
            "cell_class": self.cell_class,
            "assay": self.assay,
            "unit": self.unit,
            "theta": plain(self.theta),
            "level": self.level,
            "rows": plain(self.rows.to_dicts()),
        }


def concentration_interval(
    counts: ArrayLike,
    amounts: ArrayLike,
    *,
    theta: float = math.inf,
    per: float = 1.0,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Exact interval of the concentration of each sample.

    Parameters
    ----------
    counts : array_like of int, shape (n,)
        Cells counted.
    amounts : array_like of float, shape (n,) or scalar
        Amount examined [mL or nucleated cells].
    theta : float
        Shape of the negative binomial law of repeated samples; infinity for Poisson.
    per : float
        Amount the concentration refers to: 1 for a mL, 1e6 for a million nucleated cells.
    level : float
        Confidence level, above 0 and below 1.

    Returns
    -------
    low, high : ndarray of float, shape (n,)

    Raises
    ------
    CohortError
        If a count or an amount is impossible.
    ParameterError
        If theta, per or level is outside its range.

    Examples
    --------
    No cell in 7.5 mL still allows one in 2 mL:

    >>> low, high = concentration_interval([0], 7.5)
    >>> float(low[0]), round(float(high[0]), 3)
    (0.0, 0.492)
    """
    y, a = check_counts(counts, amounts)
    check_arguments(
        "the interval of a concentration",
        ("theta", theta, "above 0"),
        ("per", per, "above 0, finite"),
        ("level", level, "above 0, below 1"),
    )
    tail = (1 - level) / 2
    at_least_one = np.maximum(y, 1.0)
    if math.isinf(theta):
        low = special.gammaincinv(at_least_one, tail)
        high = special.gammainccinv(y + 1, tail)
    else:
        low = _odds(
            special.betaincinv(at_least_one, theta, tail),
            special.betainccinv(theta, at_least_one, tail),
            theta,
        )
        high = _odds(
            special.betainccinv(y + 1, theta, tail), special.betaincinv(theta, y + 1, tail), theta
        )
    return np.where(y == 0, 0.0, low) * per / a, high * per / a


def concentrations(
    cohort: Cohort,
    cell_class: str,
    *,
    assay: str | None = None,
    site: str | None = None,
    phase: str | None = None,
    theta: float = math.inf,
    level: float = 0.95,
) -> Concentrations:
    """Concentration of one marker in each sample of a cohort, with its exact interval.

    Parameters
    ----------
    cohort : Cohort
    cell_class : str
        ``"CTC"``, ``"DTC"``, ...
    assay, site, phase : str, optional
        Only these samples.
    theta : float
        Shape of the law of repeated samples of one patient; infinity for Poisson.
    level : float

    Returns
    -------
    Concentrations

    Raises
    ------
    CohortError
        If no sample fits, or several assays or units do.
    ParameterError
        If theta or level is outside its range.
    """
    rows = marker_counts(cohort, cell_class, assay=assay, site=site, phase=phase)
    unit = unit_of(rows)
    y, a = rows["count"].to_numpy(), rows["examined"].to_numpy()
    low, high = concentration_interval(y, a, theta=theta, per=PER[unit], level=level)
    return Concentrations(
        rows.select(
            "patient_id", "sample_id", "site", "phase", "time", "count", "examined",
            (pl.col("count") * PER[unit] / pl.col("examined")).alias("concentration"),
            pl.Series("low", low), pl.Series("high", high),
        ),
        cell_class, str(rows["assay"][0]), unit_name(unit), theta, level,
    )  # fmt: skip


def unit_name(examined_unit: str) -> str:
    """Unit of a concentration, by the unit of the amount examined."""
    return "cells/mL" if examined_unit == "mL" else "cells/1e6 nucleated cells"


def _odds(q: Floats, p: Floats, theta: float) -> Floats:
    """Mean from the two complementary probabilities of the negative binomial law."""
    with np.errstate(divide="ignore"):
        return np.asarray(theta * q / p)
