r"""Trim and fill: how many studies the funnel lacks on one side, and the pooled effect with them.

Duval and Tweedie 2000 (Biometrics 56:455-463; J. Am. Stat. Assoc. 95:89-98). Trim the outermost
studies of the fuller side, pool the rest, estimate again how many are lacking, until the number
stands; then mirror those studies about the pooled effect. With the signed ranks of the distances
from the pooled effect, :math:`T` the sum of positive ranks and :math:`\gamma` the run of the
largest positive ranks,

.. math:: L_0 = \frac{4T - k(k+1)}{2k-1}, \qquad R_0 = \gamma - 1.

The filled studies are made up. The result says how far asymmetry *could* move the answer; it is not
a corrected estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from marrowtrace.errors import EvidenceError, did_you_mean
from marrowtrace.evidence.bias import low_power_warning
from marrowtrace.evidence.effects import PooledEffect, PredictionRule, pool_effects
from marrowtrace.evidence.heterogeneity import Floats, Tau2Method, check_studies
from marrowtrace.evidence.plain_values import PlainValue, plain_fields, scalar_fields
from marrowtrace.evidence.regression import Test, fit_linear

FillEstimator = Literal["L0", "R0"]
Side = Literal["left", "right", "auto"]
_ROUNDS = 100


@dataclass(frozen=True)
class TrimAndFill:
    """The outcome of trim and fill.

    Parameters
    ----------
    filled : int
        Number of studies that the funnel lacks.
    side : str
        ``left`` or ``right``: where they are lacking.
    estimator : str
    observed, adjusted : PooledEffect
        Without and with the filled studies.
    filled_effects, filled_variances : tuple of float, length filled
    warnings : tuple of str
    """

    filled: int
    side: str
    estimator: str
    observed: PooledEffect
    adjusted: PooledEffect
    filled_effects: tuple[float, ...]
    filled_variances: tuple[float, ...]
    warnings: tuple[str, ...]

    def table(self) -> pl.DataFrame:
        """Return two rows: the studies as observed, and with the filled ones."""
        return pl.DataFrame(
            [
                {"studies": "observed", "filled": 0} | scalar_fields(self.observed),
                {"studies": "with filled", "filled": self.filled} | scalar_fields(self.adjusted),
            ]
        )

    def to_json(self) -> dict[str, PlainValue]:
        """Return the fields as plain JSON values, NaN as None."""
        return plain_fields(self)


def trim_and_fill(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    estimator: FillEstimator = "L0",
    side: Side = "auto",
    method: Tau2Method = "REML",
    test: Test = "wald",
    guard: bool = True,
    prediction: PredictionRule = "t(k-2)",
    level: float = 0.95,
) -> TrimAndFill:
    """Estimate the number of studies that the funnel lacks, and pool with their mirror images.

    Parameters
    ----------
    effects, variances : array_like, shape (k,)
        Effect of each study and its squared standard error; at least 3 studies.
    estimator : {"L0", "R0"}
    side : {"auto", "left", "right"}
        Where studies are thought to be lacking; ``auto`` takes the side away from the slope of
        Egger's regression.
    method, test, guard, prediction, level
        As for `effects.pool_effects`.

    Returns
    -------
    TrimAndFill

    Raises
    ------
    EvidenceError
        If an input is impossible or an option unknown.
    """
    y, v = check_studies(effects, variances, least=3)
    _check_word(estimator, "estimator", get_args(FillEstimator))
    _check_word(side, "side", get_args(Side))

    def pool(values: Floats, spreads: Floats) -> PooledEffect:
        return pool_effects(
            values,
            spreads,
            method=method,
            test=test,
            guard=guard,
            prediction=prediction,
            level=level,
        )

    observed = pool(y, v)
    lacking = _side(y, v, method) if side == "auto" else side
    sign = -1.0 if lacking == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    flipped, spread = sign * y[order], v[order]
    count, centre = _count(flipped, spread, estimator, method)
    warnings = list(low_power_warning(y.size))
    if count < 0:
        count = 0
        warnings.append("the number of lacking studies did not settle; none are filled")
    mirrored = 2 * centre - flipped[y.size - count :]
    fill_effects, fill_variances = sign * mirrored, spread[y.size - count :]
    return TrimAndFill(
        filled=count,
        side=lacking,
        estimator=estimator,
        observed=observed,
        adjusted=pool(np.append(y, fill_effects), np.append(v, fill_variances)),
        filled_effects=tuple(float(value) for value in fill_effects),
        filled_variances=tuple(float(value) for value in fill_variances),
        warnings=tuple(warnings),
    )


def _count(y: Floats, v: Floats, estimator: str, method: str) -> tuple[int, float]:
    """Number lacking left of sorted effects, and the trimmed centre; -1 if it never settles."""
    k, count, centre = y.size, 0, 0.0
    ones = np.ones((k, 1))
    for _ in range(_ROUNDS):
        keep = k - count
        fit = fit_linear(y[:keep], v[:keep], ones[:keep], method=method, test="wald", guard=False)
        centre = float(fit.beta[0])
        distance = y - centre
        ranks = np.empty(k)
        ranks[np.argsort(np.abs(distance), kind="stable")] = np.arange(1, k + 1)
        if estimator == "L0":
            total = float(ranks[distance > 0].sum())
            estimate = (4 * total - k * (k + 1)) / (2 * k - 1)
        else:
            below = ranks[distance < 0]
            estimate = k - float(below.max() if below.size else 0) - 1
        lacking = min(max(0, round(estimate)), k - 2)
        if lacking == count:
            return count, centre
        count = lacking
    return -1, centre


def _side(y: Floats, v: Floats, method: str) -> str:
    """The side away from which small studies lean."""
    if np.ptp(v) == 0:
        raise EvidenceError(
            "all variances are equal, so no side can be chosen; give side='left' or 'right'"
        )
    x = np.column_stack([np.ones(y.size), np.sqrt(v)])
    slope = float(fit_linear(y, v, x, method=method, test="wald", guard=False).beta[1])
    return "right" if slope < 0 else "left"


def _check_word(word: str, what: str, allowed: tuple[str, ...]) -> None:
    """Raise `EvidenceError` if ``word`` is not allowed."""
    if word not in allowed:
        raise EvidenceError(
            f"{what} '{word}' is unknown; allowed: {', '.join(allowed)}"
            f"{did_you_mean(word, allowed)}"
        )
