"""What primary tumours shed before they were found, and when the founders of relapses left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrace.claims.measure import Reals
from marrowtrace.simulation import History
from marrowtrace.simulation.seeding_history import LOCAL, seeding_history


def cells_shed(history: History) -> Reals:
    """Return the mean cells that each primary shed from its first cell to diagnosis, shape (n,).

    The size runs back from diagnosis by the law of growth of the model, between the onset of
    shedding and the size at diagnosis.
    """
    from marrowtrace.processes.shedding import expected
    from marrowtrace.simulation.driver import arrays
    from marrowtrace.simulation.layout import TRAIT
    from marrowtrace.simulation.patient import MAX_SWEEPS, draw_traits
    from marrowtrace.streams import STATE_WORDS

    parameters = arrays(history.scenario)[0]
    n = {name: value.canonical for name, value in history.scenario.parameters.items()}
    scratch, sweeps = np.zeros(STATE_WORDS, np.uint64), np.zeros(MAX_SWEEPS)
    traits = np.zeros(1, TRAIT)
    out = np.zeros(len(history))
    scale, log_size = history.column("shedding_scale"), history.column("log_size")
    for row, patient in enumerate(history.patient):
        subtype = draw_traits(scratch, history.seed, int(patient), parameters, traits[0], sweeps)
        p = parameters[subtype]
        out[row] = expected(
            0.0,
            float(log_size[row]),
            float(traits[0]["primary_rate"]),
            float(p["log_tumour_carrying_capacity"]),
            float(p["log_growth_hand_over_size"]),
            float(scale[row]),
            n["shedding_size_exponent"],
            float(np.log(n["reference_tumour_size"])),
            n["shedding_cap_per_cell"],
            float(np.log(n["shedding_onset_size"])),
        )
    return out


def founders(history: History, most: int = 400) -> tuple[NDArray[np.int64], Reals, Reals]:
    """Return when the founder of each first distant relapse left the primary.

    Parameters
    ----------
    history : History
    most : int
        Patients looked at, the first ones.

    Returns
    -------
    rows : ndarray of int64, shape (m,)
        Rows of patients whose first distant relapse came from the primary.
    day : ndarray of float, shape (m,)
        Of departure.
    log_size : ndarray of float, shape (m,)
        Of the primary on that day.
    """
    relapse = history.column("distant_relapse")
    rows, days, sizes = [], [], []
    for row in np.flatnonzero(np.isfinite(relapse))[:most]:
        seeds = seeding_history(history, int(history.patient[row]))
        own = history.lesions[history.offsets[row] : history.offsets[row + 1]]
        seen = {int(each["record"]) for each in own if each["detected"] <= relapse[row]}
        first = [
            each
            for each in seeds.lesions
            if each.record in seen and each.place != LOCAL and each.source < 0
        ]
        if first:
            rows.append(row)
            days.append(min(first[0].seeded, 0.0))
            sizes.append(float(np.interp(days[-1], seeds.days, seeds.log_size)))
    return np.array(rows, np.int64), np.array(days), np.array(sizes)
