r"""Concordance: how often the patient with the higher predicted risk has the event first.

Harrell's C counts all pairs that can be ordered (Harrell et al. 1982, JAMA 247:2543-2546) and so
depends on the censoring; Uno's weighs each pair by :math:`1/\hat G(t-)^2`, where :math:`G` is the
curve of being uncensored, and estimates the same number whatever the censoring (Uno et al. 2011,
Stat. Med. 30:1105-1117). Standard errors are those of the infinitesimal jackknife with :math:`G`
taken as known, as R's ``concordance`` gives; pairs of tied predictions count half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError
from marrowtrace.survival.cox import CoxFit, check_level
from marrowtrace.survival.observations import Observations, observations


@dataclass(frozen=True, slots=True)
class Concordance:
    """A concordance with its interval.

    Parameters
    ----------
    value, error, low, high : float
        Probability, standard error and interval (normal, kept within [0, 1]).
    concordant, discordant, tied : float
        Weight of the pairs.
    method : {"harrell", "uno"}
    horizon : float
        Last day whose events count; infinite if all do.
    level : float
    influence : ndarray of float, shape (n,)
        Each row's part of the estimate's error, rows as given; two predictions on the same
        patients have a difference with the standard error of the root of the sum of squares of the
        differences of these.
    """

    value: float
    error: float
    low: float
    high: float
    concordant: float
    discordant: float
    tied: float
    method: str
    horizon: float
    level: float
    influence: NDArray[np.float64]

    def table(self) -> pl.DataFrame:
        """Return the concordance as a table of one row."""
        return pl.DataFrame([self.to_json()])

    def to_json(self) -> dict[str, Any]:
        """Return the concordance as JSON-ready values."""
        return {
            "method": self.method,
            "value": self.value,
            "standard_error": self.error,
            "low": self.low,
            "high": self.high,
            "concordant": self.concordant,
            "discordant": self.discordant,
            "tied": self.tied,
            "horizon": self.horizon if math.isfinite(self.horizon) else None,
            "level": self.level,
        }


def harrell_concordance(
    time: ArrayLike,
    event: ArrayLike,
    *,
    risk: ArrayLike,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Concordance:
    """Estimate Harrell's C of a predicted risk.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of bool, shape (n,)
    risk : array_like of float, shape (n,)
        Higher means an earlier event expected, e.g. a linear predictor.
    entry, weights, strata, cluster : array_like, shape (n,), optional
        As in `marrowtrace.survival.cox.cox_regression`; pairs are within strata.
    level : float

    Returns
    -------
    Concordance

    Raises
    ------
    CohortError
        If the rows are at fault, the risk is the same for all, or no pair can be ordered.
    """
    check_level(level)
    data = observations(
        time, event, covariates={"risk": risk}, entry=entry, weights=weights, strata=strata,
        cluster=cluster,
    )  # fmt: skip
    return _concordance(data, data.covariates[:, 0], np.ones(data.rows), "harrell", np.inf, level)


def concordance_of(fit: CoxFit, *, level: float = 0.95) -> Concordance:
    """Estimate Harrell's C of a Cox model on the patients it was fitted to.

    It is optimistic: the same patients served for the fit.
    """
    eta = fit.data.offset + fit.data.covariates @ fit.coefficients
    return _concordance(fit.data, eta, np.ones(fit.data.rows), "harrell", np.inf, level)


def uno_concordance(
    time: ArrayLike,
    event: ArrayLike,
    *,
    risk: ArrayLike,
    horizon: float = np.inf,
    level: float = 0.95,
) -> Concordance:
    """Estimate Uno's C of a predicted risk up to a horizon.

    Parameters
    ----------
    time : array_like of float, shape (n,)
        Time of event or censoring [days].
    event : array_like of bool, shape (n,)
    risk : array_like of float, shape (n,)
    horizon : float
        Only events up to this day count; choose one before few are left uncensored.
    level : float

    Returns
    -------
    Concordance

    Raises
    ------
    CohortError
        As `harrell_concordance`.
    """
    from marrowtrace.survival.censoring import censoring_curve

    check_level(level)
    data = observations(time, event, covariates={"risk": risk})
    curve = censoring_curve(data.time, data.event)
    before = curve.before(data.time)
    with np.errstate(divide="ignore"):
        weights = np.where(data.event & (data.time <= horizon) & (before > 0), 1 / before**2, 0.0)
    return _concordance(data, data.covariates[:, 0], weights, "uno", horizon, level)


def ranked(risk: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Return the place of each risk among the distinct ones, and their number.

    Risks that differ by rounding alone (1e-12 of the largest) are ties.
    """
    scale = float(np.abs(risk).max()) or 1.0
    values, rank = np.unique(np.round(risk / scale, 12), return_inverse=True)
    return rank.astype(np.int64), int(values.size)


def _concordance(
    data: Observations,
    risk: NDArray[np.float64],
    event_weights: NDArray[np.float64],
    method: str,
    horizon: float,
    level: float,
) -> Concordance:
    from marrowtrace.survival.concordance_kernels import pair_counts

    rank, ranks = ranked(risk)
    num, den = np.empty(data.rows), np.empty(data.rows)
    agree, against, tied = pair_counts(
        data.time, data.event, data.entry, data.by_entry, data.starts, rank,
        ranks, data.weights, event_weights, num, den,
    )  # fmt: skip
    total = agree + against + tied
    if not total > 0:
        raise CohortError(
            "no pair of patients can be ordered: nobody was still at risk after an event"
        )
    value = (agree + tied / 2) / total
    influence = data.weights * (num - value * den) / total
    grouped = np.bincount(data.cluster, weights=influence)
    error = float(np.sqrt((grouped**2).sum()))
    z = NormalDist().inv_cdf(0.5 + level / 2)
    return Concordance(
        value, error, max(0.0, value - z * error), min(1.0, value + z * error), agree, against,
        tied, method, horizon, level, data.in_given_order(influence),
    )  # fmt: skip
