r"""Leave-one-out pooling and influence of single studies on a random-effects model.

Deletion diagnostics follow Viechtbauer and Cheung 2010 (Res. Synth. Methods 1:112-125;
not seen here): with :math:`\hat\mu_{(-i)}` the pooled effect without study i,

- studentised residual: :math:`(y_i - \hat\mu_{(-i)})` over the square root of
  :math:`v_i + \hat\tau^2_{(-i)} + \mathrm{se}_{(-i)}^2`;
- DFFITS: the shift of the pooled effect over :math:`\sqrt{h_i(v_i + \hat\tau^2_{(-i)})}`;
- Cook's distance: the squared shift over :math:`\mathrm{se}^2`;
- covariance ratio: :math:`\mathrm{se}_{(-i)}^2 / \mathrm{se}^2`, below 1 where the estimate is more
  precise without the study.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from marrowtrace.evidence.effects import PooledEffect, PredictionRule, pool_effects
from marrowtrace.evidence.heterogeneity import (
    Tau2Method,
    check_method,
    check_studies,
    q_statistic,
)
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields
from marrowtrace.evidence.regression import Test, fit_linear


@dataclass(frozen=True)
class LeaveOneOut:
    """The pooled effect without each study in turn.

    Parameters
    ----------
    pooled : tuple of PooledEffect, length k
        Entry i is without study i.
    all_studies : PooledEffect
    """

    pooled: tuple[PooledEffect, ...]
    all_studies: PooledEffect

    def table(self) -> pl.DataFrame:
        """Return one row for each study left out."""
        return pl.DataFrame(
            [{"left_out": i} | scalar_fields(part) for i, part in enumerate(self.pooled)]
        )

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


@dataclass(frozen=True)
class StudyInfluence:
    """What one study does to the model.

    Parameters
    ----------
    study : int
        Position in the input.
    studentised_residual, dffits, cook_distance, covariance_ratio : float
        See the module.
    tau2_without, q_without : float
        Between-study variance and Cochran's Q without the study.
    weight : float
        Share of the study in the pooled effect, which is also its leverage.
    influential : bool
        ``|DFFITS|`` above ``3 / sqrt(k - 1)``, or Cook's distance beyond the median of chi-square
        on 1 degree of freedom, or a share above ``3 / k``.
    """

    study: int
    studentised_residual: float
    dffits: float
    cook_distance: float
    covariance_ratio: float
    tau2_without: float
    q_without: float
    weight: float
    influential: bool


@dataclass(frozen=True)
class Influence:
    """Deletion diagnostics of every study."""

    studies: tuple[StudyInfluence, ...]

    def table(self) -> pl.DataFrame:
        """Return one row for each study."""
        return pl.DataFrame([scalar_fields(study) for study in self.studies])

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def leave_one_out(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    method: Tau2Method = "REML",
    test: Test = "knapp-hartung",
    guard: bool = True,
    prediction: PredictionRule = "t(k-2)",
    level: float = 0.95,
) -> LeaveOneOut:
    """Pool all studies but one, for each in turn.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error.
    method, test, guard, prediction, level
        As for `effects.pool_effects`.

    Returns
    -------
    LeaveOneOut

    Raises
    ------
    EvidenceError
        If there are fewer than two studies or an input is impossible.
    """
    y, v = check_studies(effects, variances, least=2)

    def pool(keep: npt.NDArray[np.bool_]) -> PooledEffect:
        return pool_effects(
            y[keep],
            v[keep],
            method=method,
            test=test,
            guard=guard,
            prediction=prediction,
            level=level,
        )

    everyone = np.ones(y.size, dtype=np.bool_)
    return LeaveOneOut(
        pooled=tuple(pool(np.arange(y.size) != i) for i in range(y.size)),
        all_studies=pool(everyone),
    )


def influence(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    method: Tau2Method = "REML",
) -> Influence:
    """Deletion diagnostics of every study under the Wald random-effects model.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error.
    method : str
        Estimator of tau2.

    Returns
    -------
    Influence

    Raises
    ------
    EvidenceError
        If there are fewer than three studies or an input is impossible.
    """
    y, v = check_studies(effects, variances, least=3)
    check_method(method)
    k = y.size
    ones = np.ones((k, 1))
    full = fit_linear(y, v, ones, method=method, test="wald", guard=False)
    mean, variance = float(full.beta[0]), float(full.covariance[0, 0])
    weights = 1 / (v + full.tau2)
    weights = weights / weights.sum()
    median = float(special.chdtri(1, 0.5))
    studies = []
    for i in range(k):
        keep = np.arange(k) != i
        part = fit_linear(y[keep], v[keep], ones[keep], method=method, test="wald", guard=False)
        without, without_variance = float(part.beta[0]), float(part.covariance[0, 0])
        own = float(v[i]) + part.tau2
        shift = mean - without
        dffits = shift / math.sqrt(float(weights[i]) * own)
        cook = shift**2 / variance
        studies.append(
            StudyInfluence(
                study=i,
                studentised_residual=(float(y[i]) - without) / math.sqrt(own + without_variance),
                dffits=dffits,
                cook_distance=cook,
                covariance_ratio=without_variance / variance,
                tau2_without=part.tau2,
                q_without=q_statistic(y[keep], v[keep], ones[keep], 0.0),
                weight=float(weights[i]),
                influential=(
                    abs(dffits) > 3 / math.sqrt(k - 1) or cook > median or float(weights[i]) > 3 / k
                ),
            )
        )
    return Influence(tuple(studies))
