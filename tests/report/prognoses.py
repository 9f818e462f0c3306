"""One prognosis for the tests of its page and files."""

from __future__ import annotations

from functools import cache

import numpy as np

from marrowtrace.cohort import Cohort
from marrowtrace.report.marker_pairs import MarkerPair, marker_pairs
from marrowtrace.report.prognosis_files import prognosis_figures
from marrowtrace.survival.prognosis import Prognosis, prognosis
from tests.survival.known_truth import cohort


@cache
def made() -> Cohort:
    return cohort(np.random.default_rng(61), 260)


@cache
def whole() -> Prognosis:
    """Three markers, two landmarks, clinical variables, competing deaths."""
    return prognosis(
        np.random.default_rng(1), made(), "relapse",
        markers=["DTC_pre", "DTC_post:>=1", "CTC_post"], landmarks=[365, 600],
        covariates=["age", "er"], bootstrap=20, permutations=49,
    )  # fmt: skip


@cache
def simplest(*markers: str) -> Prognosis:
    """From day 0, without clinical variables."""
    return prognosis(np.random.default_rng(1), made(), "relapse", markers=markers, permutations=9)


@cache
def figures() -> dict[str, bytes]:
    return dict(prognosis_figures(whole()))


@cache
def pairs() -> tuple[MarkerPair, ...]:
    return marker_pairs(np.random.default_rng(2), made(), whole().found)
