"""What a tumour sheds: a power of its size, at most a share of its cells, nothing below an onset.

In logarithms throughout, so that a value costs one exponential; ``scale`` is the log of the flux
of a tumour of one cell by the power law alone, minus infinity for a tumour that sheds nothing.
"""

from __future__ import annotations

import math
from typing import Any

from marrowtrace.streams import kernel


@kernel
def flux_at(size: float, onset: float, scale: float, p: Any) -> float:
    """Return the cells shed per day by a tumour of log ``size``."""
    if size < onset - 1e-9:
        return 0.0
    return math.exp(
        min(scale + p.shedding_size_exponent * size, p.log_shedding_cap_per_cell + size)
    )


@kernel
def flux_growth(size: float, growth: float, scale: float, p: Any) -> float:
    """Return the relative growth rate of what is shed, by that of the tumour [1/day]."""
    by_power = scale + p.shedding_size_exponent * size
    if by_power < p.log_shedding_cap_per_cell + size:
        return float(p.shedding_size_exponent * growth)
    return growth
