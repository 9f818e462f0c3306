"""One small prognosis for the tests of its figures."""

from __future__ import annotations

from functools import cache

import numpy as np

from marrowtrace.survival.prognosis import Prognosis, prognosis
from tests.survival.known_truth import cohort


@cache
def example() -> Prognosis:
    """Two markers, three landmarks, competing deaths."""
    made = cohort(np.random.default_rng(51), 300)
    return prognosis(
        np.random.default_rng(1), made, "relapse", markers=["DTC_pre", "DTC_post:>=1"],
        landmarks=[365, 500, 730], bootstrap=20, permutations=99,
    )  # fmt: skip
