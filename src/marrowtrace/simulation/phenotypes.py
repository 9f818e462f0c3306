"""What a cycle of chemotherapy does to dormant marrow cells of different phenotype.

The law of a cell's state E, H or M is kept by its projections on the two modes of switching.
"""

from __future__ import annotations

from typing import Any

from marrowtrace.streams import kernel


@kernel
def mesenchymal_share(one: float, two: float, p: Any) -> float:
    """Return the mesenchymal share, by the projections of the EMT law on its two modes."""
    return float(min(1.0, max(0.0, p.limit_m + p.right_1m * one + p.right_2m * two)))


@kernel
def spare_mesenchymal(
    one: float, two: float, kill: float, kill_mesenchymal: float, p: Any
) -> tuple[float, float, float]:
    """Kill cells by their EMT state at one moment.

    Parameters
    ----------
    one, two : float
        Projections of the law of a cell's state on the two modes of switching.
    kill, kill_mesenchymal : float
        Probability that an epithelial or hybrid, and a mesenchymal cell dies.

    Returns
    -------
    tuple of float, float, float
        Fraction left, and the projections of those left.
    """
    m = mesenchymal_share(one, two, p)
    h = min(1.0, max(0.0, p.limit_h + p.right_1h * one + p.right_2h * two))
    e = max(0.0, 1.0 - m - h)
    e, h, m = e * (1.0 - kill), h * (1.0 - kill), m * (1.0 - kill_mesenchymal)
    left = e + h + m
    if left <= 0.0:
        return 0.0, one, two
    one = (p.left_1e * e + p.left_1h * h + p.left_1m * m) / left
    two = (p.left_2e * e + p.left_2h * h + p.left_2m * m) / left
    return left, one, two
