"""One patient again, in detail: the same streams, with every event and step noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import SimulationError
from marrowtrace.simulation.driver import arrays
from marrowtrace.simulation.history import History
from marrowtrace.simulation.layout import EVENTS, MAX_STEPS, PLACES
from marrowtrace.simulation.scenario import Scenario

if TYPE_CHECKING:
    import polars as pl

_MAX_EVENTS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class PatientHistory:
    """One patient's life in detail.

    Parameters
    ----------
    patient : int
    record : History
        The same patient as a history of one.
    events : polars.DataFrame
        ``day``, ``event``, ``founder`` (number of the candidate or lesion, null for the patient),
        ``place``, ``value``; in order of time.
    trajectory : polars.DataFrame
        One row a step: primary, pools, cells in the blood, lesions
        (columns `marrowtrace.simulation.trace.TRAIL`).
    """

    patient: int
    record: History
    events: pl.DataFrame
    trajectory: pl.DataFrame


def life(scenario: Scenario, seed: int, patient: int) -> PatientHistory:
    """Simulate one patient in detail."""
    import polars as pl

    from marrowtrace.simulation.blocks import simulate_block
    from marrowtrace.simulation.trace import TRAIL

    log = np.zeros((_MAX_EVENTS + 1, 4))
    path = np.zeros((MAX_STEPS + 2, len(TRAIL)))
    parameters, therapies, visits, law = arrays(scenario)
    rows, seen, found, _ = simulate_block(
        seed, np.array([patient], np.int64), parameters, therapies, visits, law, log, path
    )
    record = History(
        scenario,
        seed,
        np.array([patient], dtype=np.int64),
        rows,
        seen,
        found,
        np.array([0, found.size], dtype=np.int64),
    )
    trajectory = path[1 : int(path[0, 0]) + 1]
    return PatientHistory(
        patient,
        record,
        _events(log[1 : int(log[0, 0]) + 1]),
        pl.DataFrame({name: trajectory[:, i] for i, name in enumerate(TRAIL)}),
    )


def _events(log: NDArray[np.float64]) -> pl.DataFrame:
    import polars as pl

    ordered = log[np.argsort(log[:, 0], kind="stable")]
    founder = ordered[:, 2].astype(np.int64)
    value = ordered[:, 3]
    place = [
        PLACES[int(v)] if f >= 0 and 0 <= v < len(PLACES) else None
        for f, v in zip(founder, value, strict=True)
    ]
    return pl.DataFrame(
        {
            "day": ordered[:, 0],
            "event": [EVENTS[int(code)] for code in ordered[:, 1]],
            "founder": pl.Series(founder).replace(-1, None),
            "place": pl.Series(place, dtype=pl.String),
            "value": value,
        }
    )


def same_lesions(one: NDArray[np.void], other: NDArray[np.void]) -> bool:
    """Return whether two arrays of lesions hold the same, bit for bit (padding apart)."""
    return one.size == other.size and all(
        np.array_equal(one[name], other[name], equal_nan=True) for name in one.dtype.names or ()
    )


def replay(history: History, patient: int) -> PatientHistory:
    """Simulate one patient of a history again, in detail, and check that it is the same life.

    Parameters
    ----------
    history : History
    patient : int

    Returns
    -------
    PatientHistory

    Raises
    ------
    SimulationError
        If the history does not hold this patient, or the life comes out otherwise (the history
        was made by another version, or on another machine whose exp and log differ).

    Examples
    --------
    >>> from marrowtrace.simulation import replay, scenario, simulate
    >>> again = replay(simulate(scenario("early-breast"), 20, seed=1), 17)
    >>> again.patient
    17
    """
    row = history.row_of(patient)
    again = life(history.scenario, history.seed, patient)
    mine = history.lesions[history.offsets[row] : history.offsets[row + 1]]
    same = (
        np.array_equal(again.record.patients[0], history.patients[row], equal_nan=True)
        and np.array_equal(again.record.burdens[0], history.burdens[row], equal_nan=True)
        and same_lesions(again.record.lesions, mine)
    )
    if not same:
        raise SimulationError(
            f"the replay of patient {patient} is not the life in the history; the history was "
            "made by another version or on a machine with other mathematical functions"
        )
    return again
