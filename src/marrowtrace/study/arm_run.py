"""One arm of one chunk: lives simulated, rules applied, the relapse lesions' truth kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from marrowtrace.study.arm import Arm
from marrowtrace.study.follow_up import Course, FollowedUp, follow
from marrowtrace.study.observation import Observer, sampled_days
from marrowtrace.study.protocol import Protocol
from marrowtrace.study.scenarios import arm_scenario, rules_in_time
from marrowtrace.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from marrowtrace.simulation import History, Scenario

Array = NDArray[np.float64]
FIRST = (
    "place",
    "origin",
    "seeded",
    "awakened",
    "escaped",
    "detected",
    "restricted",
    "founding_cells",
)
"""What is kept of the lesion that was the first distant relapse; NaN without one."""


@dataclass(slots=True, eq=False)
class Lives:
    """The true courses of the patients of one arm.

    Parameters
    ----------
    numbers : ndarray of int64, shape (n,)
    columns : ndarray of float64, shape (n, len(PATIENTS))
    burdens : ndarray of float32, shape (n, n_visits + 1, len(BURDENS))
    first : ndarray of float64, shape (n, len(FIRST))
    taken : ndarray of bool, shape (n, n_rules)
        Whose results started the regimen of a rule.
    """

    numbers: NDArray[np.int64]
    columns: Array
    burdens: NDArray[np.float32]
    first: Array
    taken: NDArray[np.bool_]

    def by_name(self) -> dict[str, Array]:
        """Return the columns of the patients by name."""
        from marrowtrace.simulation import PATIENTS

        return {name: self.columns[:, i] for i, name in enumerate(PATIENTS)}

    def burdens_by_name(self) -> dict[str, NDArray[np.float32]]:
        """Return the burdens by name, each of shape (n, n_visits + 1)."""
        from marrowtrace.simulation import BURDENS

        return {name: self.burdens[:, :, i] for i, name in enumerate(BURDENS)}


def eligible(protocol: Protocol, columns: Mapping[str, Array]) -> NDArray[np.int8]:
    """Return why each patient does not enter: 0 enters, else the place in `REASONS`.

    Parameters
    ----------
    protocol : Protocol
    columns : mapping of str to ndarray, shape (n,)
        Of a history.
    """
    from marrowtrace.simulation.layout import NOT_ENTERED

    who = protocol.eligibility
    subtype, age = columns["subtype"], age_at_index(columns)
    diameter = columns["diameter"]
    out = np.zeros(subtype.size, np.int8)

    def leave(reason: str, condition: NDArray[np.bool_]) -> None:
        out[(out == 0) & condition] = REASONS.index(reason)

    if protocol.metastatic:
        leave("never metastatic", columns["code"] == NOT_ENTERED)
    elif not who.metastatic:
        leave("metastatic at diagnosis", columns["metastatic_at_diagnosis"] > 0)
    leave("ER status", _other(who.er, subtype < 2))
    leave("HER2 status", _other(who.her2, (subtype == 1) | (subtype == 2)))
    if who.node_positive is not None:
        leave("lymph nodes", (columns["node_positive"] > 0) != who.node_positive)
    if who.age_from is not None:
        leave("age", age < who.age_from)
    if who.age_below is not None:
        leave("age", age >= who.age_below)
    if who.diameter_above is not None:
        leave("tumour diameter", diameter <= who.diameter_above)
    if who.diameter_to is not None:
        leave("tumour diameter", diameter > who.diameter_to)
    return out


REASONS = (
    "enrolled",
    "metastatic at diagnosis",
    "never metastatic",
    "ER status",
    "HER2 status",
    "lymph nodes",
    "age",
    "tumour diameter",
)
"""Why a simulated patient does not enter the study; the first is that one does."""


def _other(wanted: str | None, positive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if wanted is None:
        return np.zeros(positive.size, dtype=bool)
    other: NDArray[np.bool_] = positive != (wanted == "positive")
    return other


def age_at_index(columns: Mapping[str, Array]) -> Array:
    """Return the age [year] at the index event; the history has it at diagnosis, in days."""
    later = np.where(np.isfinite(columns["index_day"]), columns["index_day"], 0.0)
    age: Array = (columns["age"] + later) / DAYS_PER_YEAR
    return age


def live(
    protocol: Protocol, arm: Arm, numbers: NDArray[np.int64], seed: int, workers: int | None
) -> Lives:
    """Simulate the patients of one arm, and again those in whom a rule starts a regimen.

    Up to the day on which it starts, the second life is the first: the engine is given the same
    patient numbers, and every draw is keyed by them.

    Parameters
    ----------
    protocol : Protocol
    arm : Arm
    numbers : ndarray of int64, shape (n,)
        Ascending.
    seed : int
    workers : int or None
        Threads; changes no result.
    """
    rules = rules_in_time(protocol, arm)
    scenario = arm_scenario(protocol, arm)
    lives = _simulate(scenario, numbers, seed, workers)
    lives.taken = np.zeros((numbers.size, len(rules)), dtype=bool)
    observer = Observer(protocol, arm, scenario.parameters, seed)
    for place, rule in enumerate(rules):
        visit = protocol.visit(rule.visit)
        columns = lives.by_name()
        course = Course.of(columns)
        followed = follow(protocol, course, seed, numbers)
        days = sampled_days(protocol, arm, visit, course, followed, seed, numbers)
        days[eligible(protocol, columns) != 0] = math.nan
        known = followed.to if protocol.metastatic else np.minimum(followed.to, course.distant)
        days[days + rule.delay > known] = math.nan  # over before the regimen could start
        reading = observer.read(visit, rule.assay, lives.burdens_by_name(), days, numbers)
        lives.taken[reading.rows[reading.at_least(rule.threshold)], place] = True
        chosen = lives.taken[:, place]
        for taken in np.unique(lives.taken[chosen], axis=0):
            rows = np.flatnonzero(chosen & (lives.taken == taken).all(axis=1))
            again = arm_scenario(protocol, arm, taken.tolist())
            part = _simulate(again, numbers[rows], seed, workers)
            lives.columns[rows] = part.columns
            lives.burdens[rows] = part.burdens
            lives.first[rows] = part.first
    return lives


def _simulate(
    scenario: Scenario, numbers: NDArray[np.int64], seed: int, workers: int | None
) -> Lives:
    from marrowtrace.simulation import simulate

    history = simulate(scenario, numbers.size, seed, workers=workers, patients=numbers)
    return Lives(
        numbers, history.patients, history.burdens, first_relapse(history), np.zeros((0, 0), bool)
    )


def first_relapse(history: History) -> Array:
    """Return the lesion that was the first distant relapse of each patient.

    Returns
    -------
    ndarray of float64, shape (n, len(FIRST))
        In days from the index event where it is a day; NaN without one.
    """
    from marrowtrace.simulation.layout import LOCAL

    relapse = history.column("distant_relapse")
    index = history.column("index_day")
    start = np.where(np.isfinite(index), index, 0.0)
    lesions = history.lesions
    row = np.repeat(np.arange(len(history)), np.diff(history.offsets))
    found = np.flatnonzero((lesions["detected"] == relapse[row]) & (lesions["place"] != LOCAL))
    rows, first = np.unique(row[found], return_index=True)
    chosen = lesions[found[first]]
    out = np.full((len(history), len(FIRST)), math.nan)
    for column, name in enumerate(FIRST):
        values = chosen[name].astype(np.float64)
        is_day = name in {"seeded", "awakened", "escaped", "detected"}
        out[rows, column] = values - start[rows] if is_day else values
    return out


def observe(
    protocol: Protocol, arm: Arm, lives: Lives, seed: int
) -> tuple[Course, FollowedUp, dict[str, Array], Observer]:
    """Follow the patients of an arm, and say on which day each visit samples them."""
    from marrowtrace.study.scenarios import arm_parameters

    course = Course.of(lives.by_name())
    followed = follow(protocol, course, seed, lives.numbers)
    days = {
        visit.name: sampled_days(protocol, arm, visit, course, followed, seed, lives.numbers)
        for visit in protocol.visits
    }
    return course, followed, days, Observer(protocol, arm, arm_parameters(protocol, arm), seed)
