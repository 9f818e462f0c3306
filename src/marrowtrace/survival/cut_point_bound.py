r"""The largest rank statistic in small samples: an upper bound of its p-value from exact laws.

Under permutation of the scores :math:`a_1,\dots,a_n` the sum over the :math:`m` patients below a
cut-point is that of a random subset of size :math:`m`, whose law follows from counting subsets by
size and sum. With :math:`A_i` the event that the standardised statistic of the i-th cut-point
reaches the largest one observed, the improved Bonferroni inequality (Worsley 1982, Biometrika
69:297-302)

.. math:: P(\cup A_i)\le\sum_i P(A_i)-\sum_{i>1}P(A_i\cap A_{i-1})

is used with these exact probabilities, as Hothorn and Lausen (2003, Comput. Stat. Data Anal.
43:121-137) propose for small samples (papers remembered, not verified). The pair is taken where one
patient lies between two neighbouring cut-points; where more do (ties of the marker) its
probability is left out, which keeps the bound. Scores are rounded to a grid of whole numbers.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marrowtrace.errors import CohortError

MOST_PATIENTS = 50
"""Above it the approximations for large samples do, and subsets take long to count."""


def small_sample_p(statistic: float, scores: ArrayLike, sizes: ArrayLike) -> float:
    """Bound the p-value of the largest standardised statistic from above.

    Parameters
    ----------
    statistic : float
        Largest standardised statistic observed.
    scores : array_like of float, shape (n,)
        Rank scores of the patients, e.g. log-rank scores; n up to 50.
    sizes : array_like of int, shape (k,)
        Patients at or below each candidate, increasing.

    Returns
    -------
    float

    Raises
    ------
    CohortError
        If there are more than 50 patients.
    """
    from marrowtrace.survival.cut_point_kernels import pair_probabilities, size_probabilities

    values = np.asarray(scores, dtype=np.float64).ravel()
    m = np.asarray(sizes, dtype=np.int64).ravel()
    n = values.size
    if n > MOST_PATIENTS:
        raise CohortError(
            f"the bound for small samples is for up to {MOST_PATIENTS} patients; there are {n}"
        )
    grid = _on_grid(values)
    if np.ptp(grid) == 0:
        return 1.0
    low, high = _edges(statistic, grid, m)
    single = size_probabilities(grid, m, low, high)
    both = pair_probabilities(grid, m, low, high)
    return float(min(1.0, single.sum() - both.sum()))


def _on_grid(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return scores as whole numbers from 0; those that are whole already keep their distances."""
    shifted = values - values.min()
    span = float(shifted.max())
    whole = np.allclose(shifted, np.round(shifted), atol=1e-12) and span <= 2 * values.size
    step = 1.0 if whole else values.size / span
    rounded: NDArray[np.int64] = np.round(shifted * step).astype(np.int64)
    return rounded


def _edges(
    statistic: float, grid: NDArray[np.int64], m: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sums at or below and at or above which each statistic is reached."""
    n = grid.size
    mean = m * grid.mean()
    spread = ((grid - grid.mean()) ** 2).sum()
    reach = (statistic - 1e-9) * np.sqrt(m * (n - m) / (n * (n - 1)) * spread)
    low = np.array([math.floor(x) for x in mean - reach], dtype=np.int64)
    high = np.array([math.ceil(x) for x in mean + reach], dtype=np.int64)
    return low, high
