"""Streams for Python: the same triple (seed, process, patient), checked."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import ParameterError, ProblemList
from marrowtrace.streams.philox import STATE_WORDS, init

LARGEST_SEED = 2**64 - 1
LARGEST_PROCESS = 2**16 - 1
LARGEST_PATIENT = 2**63 - 1


def _checked(seed: int, process: int, patient: int) -> tuple[int, int, int]:
    """The triple as plain integers, or every problem with it at once."""
    problems = ProblemList()
    whole = []
    given = (
        ("seed", seed, LARGEST_SEED),
        ("process", process, LARGEST_PROCESS),
        ("patient", patient, LARGEST_PATIENT),
    )
    for name, value, largest in given:
        try:
            number = operator.index(value)
        except TypeError:
            problems.add(name, f"{value!r} is not a whole number; give one from 0 to {largest}")
            continue
        if not 0 <= number <= largest:
            problems.add(name, f"{number} is outside its range; give one from 0 to {largest}")
        whole.append(number)
    problems.raise_any(ParameterError, "the key of a random stream")
    return whole[0], whole[1], whole[2]


def stream(seed: int, process: int, patient: int) -> NDArray[np.uint64]:
    """Start the stream of random numbers of one process of one patient.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    process : int
        0 to 2**16 - 1.
    patient : int
        0 to 2**63 - 1.

    Returns
    -------
    ndarray of uint64, shape (STATE_WORDS,)
        The state, first argument of every draw; drawing changes it in place.

    Raises
    ------
    ParameterError
        If one of them is not a whole number in its range.

    Examples
    --------
    >>> from marrowtrace.streams import poisson, stream
    >>> rng = stream(seed=1, process=0, patient=7)
    >>> poisson(rng, 0.0)
    0.0
    """
    seed, process, patient = _checked(seed, process, patient)
    state = np.zeros(STATE_WORDS, dtype=np.uint64)
    init(state, np.uint64(seed), np.uint64(process), np.uint64(patient))
    return state


def generator(seed: int, process: int, patient: int) -> np.random.Generator:
    """Start a NumPy generator for slow Python code, keyed by the same triple.

    It is NumPy's Philox4x64-10 with key (seed, process) and the patient in the top counter word,
    so its draws are as independent of each other as those of `stream`, but are other draws.

    Parameters
    ----------
    seed, process, patient : int
        As in `stream`.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ParameterError
        If one of them is not a whole number in its range.
    """
    seed, process, patient = _checked(seed, process, patient)
    key = np.array([seed, process], dtype=np.uint64)
    counter = np.array([0, 0, 0, patient], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
