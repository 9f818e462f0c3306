"""Rows behind a pooled figure as effects on one scale: logits of rates, logs of hazard ratios.

What every method of inverse variance needs: tests of asymmetry, influence, meta-regression. A zero
or full cell gets 1/2 on either side.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from scipy import special

from marrowtrace.errors import EvidenceError
from marrowtrace.evidence.heterogeneity import Floats
from marrowtrace.evidence.pooling import PooledRate
from marrowtrace.evidence.prognosis import PooledPrognosis
from marrowtrace.evidence.proportions import logits

Pooled: TypeAlias = "PooledRate | PooledPrognosis"


def row_effects(result: Pooled) -> tuple[Floats, Floats]:
    """Effect of each row and its variance.

    Parameters
    ----------
    result : PooledRate or PooledPrognosis

    Returns
    -------
    effects, variances : ndarray, shape (rows,)
        Logits, or log hazard ratios.

    Raises
    ------
    EvidenceError
        If p-values were combined, which have no size.
    """
    if isinstance(result, PooledRate):
        return logits([row.k for row in result.rows], [row.n for row in result.rows])
    if result.effect is None:
        raise EvidenceError(
            f"method '{result.method}' combines p-values, which have no size; choose one for "
            "hazard ratios, e.g. --method REML"
        )
    return (
        np.array([math.log(row.hr) for row in result.rows]),
        np.array([row.se**2 for row in result.rows]),
    )


def scale_of(result: Pooled) -> str:
    """Name of the scale that `row_effects` is on."""
    return "logit" if isinstance(result, PooledRate) else "log hazard ratio"


def natural(result: Pooled, value: float) -> float:
    """A value on the scale of `row_effects` as a rate or a hazard ratio."""
    return float(special.expit(value)) if isinstance(result, PooledRate) else math.exp(value)
