"""What happens to lesions by themselves: restriction, shedding, detection, elimination, escape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.candidates import fall_asleep
from marrowtrace.simulation.layout import (
    BONE,
    DETECTION,
    DISTANT,
    DWINDLING,
    ELIMINATION,
    GONE,
    KILLED,
    LOCAL_RELAPSE,
    NOTHING,
    ONSET,
    ORIGIN,
    RESTRICTION,
    RETURN_TO_DORMANCY,
    SITE,
    VISCERAL_RELAPSE,
)
from marrowtrace.simulation.lesions import (
    adopt,
    dwindle,
    grow_from_cells,
    restrict,
    schedule,
    settle,
    site,
)
from marrowtrace.simulation.trace import note
from marrowtrace.streams import kernel


@kernel
def happen(
    rng: NDArray[np.uint64],
    f: Any,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
    summary: NDArray[np.float64],
    wait: NDArray[np.float64],
    log: NDArray[np.float64],
) -> None:
    """Carry out the next event of a lesion and plan the one after it."""
    time, event = f.next, f.event
    note(log, time, event, f.ident, f.place)
    if event == NOTHING:
        f.next = math.inf
        return
    if event == KILLED:  # the last cell dies
        f.state, f.ended, f.end_cause, f.next = GONE, time, KILLED, math.inf
        return
    settle(rng, f, time, modifiers, p, traits)
    if event == RETURN_TO_DORMANCY:
        fall_asleep(rng, f, time, modifiers, p, wait)
        return
    if event == RESTRICTION:
        restrict(rng, f, time)
    elif event == DETECTION:
        f.detected, f.detected_flag = max(time, 0.0), 1  # nothing is seen before diagnosis
        _relapse(f, f.detected, summary)
        if f.state == GONE:
            return
    elif event == DWINDLING:
        dwindle(f, time, p)
    elif event == ELIMINATION:
        f.state, f.ended, f.end_cause, f.next = GONE, time, ELIMINATION, math.inf
        return
    elif event == ONSET:
        if f.x < p.log_lesion_shedding_onset_size - 1e-9:  # too fast for the clock
            f.x = p.log_lesion_shedding_onset_size
    else:  # escape
        f.escaped, f.escape_cause = time, event
        grow_from_cells(rng, f, time, math.floor(math.exp(p.log_restricted_size) + 0.5), p)
        if f.state == GONE:
            return
        adopt(rng, f, time, modifiers, p, traits)
    schedule(rng, f, time, modifiers, p, traits)


@kernel
def _relapse(f: Any, time: float, summary: NDArray[np.float64]) -> None:
    """Note a relapse by site; a local one is resected."""
    where = site(f)
    if where == 2:
        summary[LOCAL_RELAPSE] = min(summary[LOCAL_RELAPSE], time)
        f.state, f.ended, f.end_cause, f.next = GONE, time, DETECTION, math.inf
        return
    index = BONE if where == 0 else VISCERAL_RELAPSE
    summary[index] = min(summary[index], time)
    if time < summary[DISTANT]:
        summary[DISTANT] = time
        summary[SITE] = where
        summary[ORIGIN] = f.route
