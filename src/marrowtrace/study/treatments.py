"""Who took which therapy from when to when: the windows that the engine gives a patient.

The engine draws uptake and stopping on the stream of the therapy's agent; drawn again here from the
same stream they are the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marrowtrace.simulation.layout import TRAIT, WINDOW
from marrowtrace.simulation.patient import choose_therapies
from marrowtrace.streams import STATE_WORDS

if TYPE_CHECKING:
    from marrowtrace.simulation import Scenario


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _windows(
    seed: int,
    numbers: NDArray[np.int64],
    known: NDArray[np.float64],
    parameters: NDArray[np.void],
    therapies: NDArray[np.void],
    traits: NDArray[np.void],
    windows: NDArray[np.void],
    state: NDArray[np.uint64],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
) -> None:
    one: Any = traits[0]
    for i in range(numbers.size):
        one.er, one.her2, one.node, one.diameter = (
            known[i, 1], known[i, 2], known[i, 3], known[i, 4],
        )  # fmt: skip
        p = parameters[int(known[i, 0])]
        count = choose_therapies(state, seed, numbers[i], therapies, windows, p, one)
        for w in range(count):
            window = windows[w]
            therapy = therapies[window.therapy]
            lasting = window.stop if p.entry > 0.0 else window.stop - window.start
            start[i, window.therapy] = therapy.start
            stop[i, window.therapy] = therapy.start + lasting


def taken_windows(
    scenario: Scenario, seed: int, numbers: NDArray[np.int64], columns: Mapping[str, NDArray[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first and last day of each therapy of a scenario in each patient.

    Parameters
    ----------
    scenario : Scenario
        Without rules of its own.
    seed : int
    numbers : ndarray of int64, shape (n,)
    columns : mapping of str to ndarray, shape (n,)
        ``subtype``, ``node_positive`` and ``diameter`` of a history.

    Returns
    -------
    start, stop : ndarray of float64, shape (n, n_therapies)
        [day from the index event]; NaN where it is not taken, ``stop`` infinite where it goes on.
    """
    from marrowtrace.simulation.driver import arrays

    parameters, therapies, _, _ = arrays(scenario)
    subtype = columns["subtype"]
    known = np.stack(
        [
            subtype,
            subtype < 2,
            (subtype == 1) | (subtype == 2),
            columns["node_positive"],
            columns["diameter"],
        ],
        axis=1,
    ).astype(np.float64)
    shape = (numbers.size, max(1, len(scenario.therapies)))
    start, stop = np.full(shape, math.nan), np.full(shape, math.nan)
    if scenario.therapies:
        _windows(
            seed, numbers, known, parameters, therapies, np.zeros(1, TRAIT),
            np.zeros(therapies.size, WINDOW), np.zeros(STATE_WORDS, np.uint64), start, stop,
        )  # fmt: skip
    return start[:, : len(scenario.therapies)], stop[:, : len(scenario.therapies)]
