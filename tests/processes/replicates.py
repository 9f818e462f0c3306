"""Many draws from one law, from a fixed stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.streams import stream

SEED = 20_180_929


def replicates(
    sampler: Callable[..., Any], *parameters: Any, count: int = 10_000, process: int = 0
) -> NDArray[Any]:
    """Draw ``count`` values of ``sampler(rng, *parameters)``."""
    rng = stream(seed=SEED, process=process, patient=0)
    return np.array([sampler(rng, *parameters) for _ in range(count)])
