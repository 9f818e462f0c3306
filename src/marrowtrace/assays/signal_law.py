r"""The probability that a signal reaches its cut-off, between two bounds.

N cells that carry the marker give the signal :math:`S = X_1 + \dots + X_N` of log-normal amounts,
and the sample a log-normal background B. A sample is negative where S + B stays below the cut-off:

.. math:: P(\text{negative}) = \sum_n P(N=n)\, P(X_1 + \dots + X_n + B < c) .

The sums are convolved on a grid of `CELLS` cells up to the cut-off, once with every amount rounded
down to the grid and once rounded up: what is true lies between the two. No amount is negative, so
nothing above the cut-off matters and the convolutions need no room beyond it. The law of N is that
of `marrowtrace.assays.law`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats

from marrowtrace.assays.assay import Assay
from marrowtrace.assays.burden import Burden
from marrowtrace.assays.law import nodes, side_law
from marrowtrace.errors import ParameterError

Floats = NDArray[np.float64]
CELLS = 4096
_NEGLIGIBLE = 1e-15
_MOST_CELLS = 400  # below the cut-off; the signal of 200 cells must reach it


def bounds(
    assay: Assay,
    burden: Burden,
    *,
    burst_log_sd: float = 0.0,
    laboratory: tuple[float, float] = (1.0, 1.0),
) -> tuple[Floats, Floats]:
    """Bounds of the probability of a positive result.

    Parameters
    ----------
    assay : Assay
        One with the readout ``signal``.
    burden : Burden
    burst_log_sd, laboratory
        As for `marrowtrace.assays.law.pmf`.

    Returns
    -------
    low, high : ndarray of float64, shape (n,)
        NaN where nothing was sampled.

    Raises
    ------
    ParameterError
        If the assay counts cells, or the signals of 200 cells stay below the cut-off.
    """
    if assay.readout != "signal":
        raise ParameterError(f"{assay.name} counts cells; ask for its pmf")
    if assay["cut_off"] > 0.5 * _MOST_CELLS * assay["signal_median"]:
        raise ParameterError(
            f"{assay.name}: the signals of 200 cells stay below the cut-off "
            f"{assay['cut_off']:g}; check signal_median ({assay['signal_median']:g}) and cut_off"
        )
    reader, weight = nodes(assay["reader_log_sd"])
    tables = [_table(assay, assay["cut_off"] / factor, laboratory[1]) for factor in reader]
    level, level_weight = nodes(burst_log_sd)
    recovery = min(1.0, assay["recovery"] * laboratory[0])
    low, high = np.full(len(burden), np.nan), np.full(len(burden), np.nan)
    for row in np.flatnonzero(~np.isnan(burden.cells)):
        one = burden.at(int(row))
        levels = level if burst_log_sd > 0 else (np.ones(1) if one.known else one.level)
        most = max(table.shape[1] for table in tables) - 1
        cells = side_law(assay, one, levels, np.full(levels.size, recovery), most)
        missed = np.zeros(2)
        for table, w in zip(tables, weight, strict=True):
            sides = (cells[:, : table.shape[1]] @ table.T) ** assay["sides"]
            missed += w * (level_weight @ sides)
        low[row], high[row] = 1.0 - missed[0], 1.0 - missed[1]
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def _table(assay: Assay, cut_off: float, background: float) -> Floats:
    """P(n cells and the background stay below the cut-off), n = 0, 1, ...: upper, lower bound."""
    edges = np.linspace(0.0, cut_off, CELLS + 1)
    cell = _steps(edges, assay["signal_median"], assay["signal_log_sd"])
    blank = _steps(edges, assay["background_median"] * background, assay["background_log_sd"])
    rows = []
    for up in (False, True):
        one, law = _rounded(cell, up), _rounded(blank, up)
        below = [law.sum()]
        while below[-1] > _NEGLIGIBLE and len(below) < 4 * _MOST_CELLS:
            law = np.maximum(0.0, signal.fftconvolve(law, one)[:CELLS])
            below.append(law.sum())
        rows.append(np.array(below))
    out = np.zeros((2, max(r.size for r in rows)))
    for k, found in enumerate(rows):
        out[k, : found.size] = found
    return out


def _steps(edges: Floats, median: float, log_sd: float) -> Floats:
    """Probability between the edges of the grid."""
    if median <= 0:
        at = np.zeros(edges.size - 1)
        at[0] = 1.0
        return at
    if log_sd == 0:
        at = np.zeros(edges.size - 1)
        if median < edges[-1]:
            at[min(at.size - 1, math.floor(median / edges[1]))] = 1.0
        return at
    found: Floats = np.diff(stats.lognorm.cdf(edges, log_sd, scale=median))
    return found


def _rounded(steps: Floats, up: bool) -> Floats:
    """Amounts at the lower, or at the upper, edge of their step of the grid."""
    if not up:
        return steps
    moved = np.zeros_like(steps)
    moved[1:] = steps[:-1]
    return moved
