"""Spearman's rank correlation with its interval."""

from __future__ import annotations

import numpy as np

from marrowtrace.claims.measure import Figure, Reals

_Z = 1.959964


def rank_correlation(one: Reals, other: Reals) -> Figure:
    """Return Spearman's correlation with Fisher's interval (variance 1.06/(n - 3)).

    Parameters
    ----------
    one, other : ndarray of float, shape (n,)
        Four pairs or more; NaN if one of them does not vary.
    """
    from scipy.stats import rankdata

    if one.size < 4 or np.ptp(one) == 0.0 or np.ptp(other) == 0.0:
        return Figure(np.nan, -1.0, 1.0)
    value = float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])
    spread = _Z * float(np.sqrt(1.06 / (one.size - 3)))
    middle = np.arctanh(np.clip(value, -0.999999, 0.999999))
    return Figure(value, float(np.tanh(middle - spread)), float(np.tanh(middle + spread)))
