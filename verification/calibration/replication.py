"""Monte Carlo errors of the outputs of a cohort, by leaving out one group of patients at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verification.calibration.outputs import Cohort

Outputs = Callable[[Cohort], dict[str, float]]
GROUPS = 20


def with_errors(cohort: Cohort, outputs: Outputs) -> dict[str, tuple[float, float]]:
    """Return each output with its standard error (jackknife over groups of patients)."""
    whole = outputs(cohort)
    group = np.arange(len(cohort.history)) % GROUPS
    parts = [outputs(cohort.select(group != left)) for left in range(GROUPS)]
    found = {}
    for name, value in whole.items():
        each = np.array([part[name] for part in parts])
        variance = (GROUPS - 1) / GROUPS * ((each - each.mean()) ** 2).sum()
        found[name] = value, float(np.sqrt(variance))
    return found
