"""A world small enough for tests: two thousand patients."""

from __future__ import annotations

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
