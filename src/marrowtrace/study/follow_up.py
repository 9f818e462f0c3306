"""What a clinic sees of a patient's course: how long each is followed, and what is seen by then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.study.allocation import draw_drop_out, draw_entry
from marrowtrace.study.protocol import Protocol

Array = NDArray[np.float64]

ENDS = ("death", "horizon", "study closed", "lost to follow-up", "simulation limit")
"""Why follow-up ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The events of patients, in days from the index event; infinite for what does not come.

    Parameters
    ----------
    local, distant, bone, visceral : ndarray of float64, shape (n,)
        Relapses; bone and visceral: the first distant relapse, where it is there.
    death, cancer_death : ndarray of float64, shape (n,)
    limit : ndarray of float64, shape (n,)
        Day on which a history that could not be simulated to its end stops.
    """

    local: Array
    distant: Array
    bone: Array
    visceral: Array
    death: Array
    cancer_death: Array
    limit: Array

    @classmethod
    def of(cls, columns: Mapping[str, Array]) -> Course:
        """Take the events from the columns of a history (`marrowtrace.simulation.PATIENTS`)."""
        from marrowtrace.simulation.layout import STEP_LIMIT

        index = columns["index_day"]
        start = np.where(np.isfinite(index), index, 0.0)
        distant = columns["distant_relapse"] - start
        site = columns["relapse_site"]
        death = columns["death"] - start
        return cls(
            local=columns["local_relapse"] - start,
            distant=distant,
            bone=np.where(site == 0.0, distant, math.inf),
            visceral=np.where(site == 1.0, distant, math.inf),
            death=death,
            cancer_death=np.where(columns["death_cause"] == 1.0, death, math.inf),
            limit=np.where(columns["code"] == STEP_LIMIT, columns["end"] - start, math.inf),
        )


@dataclass(frozen=True, slots=True, eq=False)
class FollowedUp:
    """How long each patient was followed, and the endpoints.

    Parameters
    ----------
    to : ndarray of float64, shape (n,)
        Last day on which the patient is known to live, or the day of death [day].
    reason : ndarray of int8, shape (n,)
        Place in `ENDS`.
    endpoints : mapping of str to (ndarray of float64, ndarray of int8)
        Time [day] and event: 0 censored, 1 the event, 2 a competing one.
    """

    to: Array
    reason: NDArray[np.int8]
    endpoints: Mapping[str, tuple[Array, NDArray[np.int8]]]


def follow(protocol: Protocol, course: Course, seed: int, numbers: NDArray[np.int64]) -> FollowedUp:
    """Follow patients until death, horizon, end of study or loss, whichever comes first.

    An event on the very last day counts as an event.
    """
    plan = protocol.follow_up
    stops = np.stack(
        [
            np.full(numbers.size, protocol.horizon),
            plan.closes - draw_entry(seed, numbers, plan.accrual),
            draw_drop_out(seed, numbers, plan.drop_out),
            course.limit,
        ]
    )
    first = stops.argmin(axis=0)
    censored = stops[first, np.arange(numbers.size)]
    died = course.death <= censored
    return FollowedUp(
        to=np.where(died, course.death, censored),
        reason=np.where(died, 0, first + 1).astype(np.int8),
        endpoints={
            endpoint.name: _outcome(course, endpoint.name, censored)
            for endpoint in protocol.endpoints
        },
    )


def _outcome(course: Course, endpoint: str, censored: Array) -> tuple[Array, NDArray[np.int8]]:
    """Time and event of one endpoint; on one day the event comes before what competes with it."""
    never = np.full(censored.size, math.inf)
    any_relapse = np.minimum(course.local, course.distant)
    event, competing = {
        "relapse": (any_relapse, course.death),
        "distant_relapse": (course.distant, course.death),
        "bone_relapse": (course.bone, np.minimum(course.distant, course.death)),
        "visceral_relapse": (course.visceral, np.minimum(course.distant, course.death)),
        "local_relapse": (course.local, np.minimum(course.distant, course.death)),
        "disease_free": (np.minimum(any_relapse, course.death), never),
        "death": (course.death, never),
        "cancer_death": (course.cancer_death, course.death),
    }[endpoint]
    time = np.minimum(np.minimum(event, competing), censored)
    code = np.where(event <= time, 1, np.where(competing <= time, 2, 0))
    return time, code.astype(np.int8)
