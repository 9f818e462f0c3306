"""Who seeded whom in one simulated patient: the primary's sweeps and its lesions, from the streams.

A history keeps of the sweeps only how many each lesion saw; their days are drawn again here from
the patient's own streams, so that they are those of the simulated life.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.history import History

Reals = NDArray[np.float64]
_STEPS = 80
BONE, VISCERAL, LOCAL = "bone", "visceral", "local"
_PLACES = (BONE, BONE, VISCERAL, LOCAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededLesion:
    """One lesion of a patient.

    Parameters
    ----------
    record : int
        Its number in the history.
    source : int
        Number of the lesion that seeded it; -1 for the primary.
    place : {"bone", "visceral", "local"}
    seeded, awakened, last : float
        Days of departure from the source, of the first division, and of detection, death or the
        end of follow-up.
    founders : int
    log_size : float
        Log of the cells on the last day, 0 or more.
    birth : float
        Divisions of a cell a day once awake.
    """

    record: int
    source: int
    place: str
    seeded: float
    awakened: float
    last: float
    founders: int
    log_size: float
    birth: float


@dataclass(frozen=True, slots=True, eq=False)
class SeedingHistory:
    """The primary and the lesions of one patient.

    Parameters
    ----------
    days, log_size : ndarray of float64, shape (n,)
        Growth of the primary from its first cell to surgery.
    sweeps : ndarray of float64, shape (n_sweeps,)
        Days of the driver sweeps, ascending: all later cells descend from one cell of that day.
    birth : float
        Divisions of a cell of the primary a day.
    mutations_per_division : float
        Of a daughter cell, in the part of the genome that the scenario speaks of.
    lesions : tuple of SeededLesion
        In order of their departure.
    """

    days: Reals
    log_size: Reals
    sweeps: Reals
    birth: float
    mutations_per_division: float
    lesions: tuple[SeededLesion, ...]


def seeding_history(history: History, patient: int) -> SeedingHistory:
    """Return who seeded whom in one patient of a history.

    Parameters
    ----------
    history : History
    patient : int

    Raises
    ------
    SimulationError
        If the history does not hold this patient.
    """
    from marrowtrace.processes.gompertz import log_size_at
    from marrowtrace.simulation.driver import arrays
    from marrowtrace.simulation.layout import TRAIT
    from marrowtrace.simulation.patient import MAX_SWEEPS, draw_traits
    from marrowtrace.streams import STATE_WORDS

    row = history.row_of(patient)
    parameters = arrays(history.scenario)[0]
    scratch, sweeps = np.zeros(STATE_WORDS, np.uint64), np.zeros(MAX_SWEEPS)
    traits = np.zeros(1, TRAIT)
    subtype = draw_traits(scratch, history.seed, patient, parameters, traits[0], sweeps)
    p, of_patient = parameters[subtype], traits[0]
    rate, plateau = float(of_patient["primary_rate"]), float(p["log_tumour_carrying_capacity"])
    corner = float(p["log_growth_hand_over_size"])
    age = float(of_patient["tumour_age"])
    days = np.linspace(-age, 0.0, _STEPS)
    log_size = np.array(
        [log_size_at(float(of_patient["log_size"]), day, rate, plateau, corner) for day in days]
    )
    own = history.lesions[history.offsets[row] : history.offsets[row + 1]]
    end = float(history.column("end")[row])
    lesions = [_lesion(each, end, float(of_patient["birth"])) for each in own]
    return SeedingHistory(
        days,
        np.maximum(log_size, 0.0),
        np.sort(sweeps[np.isfinite(sweeps)]),
        rate * (plateau - corner) / (1.0 - float(p["clone_death_ratio"])),
        float(p["mutations_per_division"]),
        tuple(sorted(lesions, key=lambda each: each.seeded)),
    )


def _lesion(row: np.void, end: float, birth: float) -> SeededLesion:
    dates = (float(row["detected"]), float(row["ended"]), end)
    last = next(day for day in dates if not math.isnan(day) and math.isfinite(day))
    subclone = int(row["subclone_of"])
    return SeededLesion(
        record=int(row["record"]),
        source=subclone if subclone >= 0 else int(row["source"]),
        place=_PLACES[int(row["place"])],
        seeded=float(row["seeded"]),
        awakened=float(row["awakened"]),
        last=last,
        founders=max(1, round(float(row["founding_cells"]))),
        log_size=max(0.0, float(row["log_size"])),
        birth=birth,
    )
