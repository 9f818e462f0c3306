"""A world small enough for tests: two thousand patients."""

from __future__ import annotations

from marrowtrace.claims.check import Outcome
from marrowtrace.claims.world import World

PATIENTS = 2000


class SmallWorld(World):
    """Cohorts of `PATIENTS`."""

    __slots__ = ()

    @property
    def patients(self) -> int:
        return PATIENTS


WORLD = SmallWorld()
"""Shared by the tests of a process, so that each cohort is simulated once."""


def assert_says_what_it_owes(outcome: Outcome) -> None:
    """A figure always, what would settle it or who contradicts it where that is the verdict."""
    assert outcome.figure
    assert bool(outcome.settle) == (outcome.verdict == "undetermined")
    assert bool(outcome.against) == (outcome.verdict == "contradicted")
    if outcome.interval is not None:
        assert outcome.interval[0] <= outcome.value <= outcome.interval[1]
