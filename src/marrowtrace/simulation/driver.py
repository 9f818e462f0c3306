"""Simulate a cohort: blocks of patients over threads, with the same result however many."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import ProblemList, SimulationError
from marrowtrace.processes import dormancy
from marrowtrace.simulation import packing
from marrowtrace.simulation.history import History, read_record, write_chunk, write_record
from marrowtrace.simulation.layout import BURDENS, LESION, PATIENTS
from marrowtrace.simulation.scenario import Scenario
from marrowtrace.simulation.scenario_file import to_json

BLOCK = 1_000
"""Patients a thread takes at a time."""
CHUNK = 100_000
"""Patients a folder gets at a time."""

Progress = Callable[[int, int], None]


def waiting_law(scenario: Scenario) -> NDArray[np.float64]:
    """Return the law of the time in dormancy, of mean 1, as the processes take it."""
    values = scenario.parameters
    if scenario.dormancy == "weibull":
        return dormancy.weibull(values["dormancy_shape"].canonical, 1.0)
    if scenario.dormancy == "lognormal":
        return dormancy.lognormal(values["dormancy_log_sd"].canonical, 1.0)
    if scenario.dormancy == "erlang":
        phases = max(1, round(values["dormancy_phases"].canonical))
        return dormancy.erlang_mixture([1.0], [phases], [1.0])
    return dormancy.exponential(1.0)


def arrays(
    scenario: Scenario,
) -> tuple[NDArray[np.void], NDArray[np.void], NDArray[np.float64], NDArray[np.float64]]:
    """Return what the kernel needs of a scenario: parameters, therapies, visits, waiting law."""
    parameters = packing.parameters(
        scenario.parameters,
        scenario.therapies,
        horizon=scenario.horizon,
        surgery=scenario.surgery,
        step=scenario.step,
        founders_after_relapse=scenario.founders_after_relapse,
        metastatic=scenario.entry == "metastatic",
        dynamic_immunity=scenario.immunity == "dynamic",
    )
    parameters["wait_exponential"] = scenario.dormancy == "exponential"
    return (
        parameters,
        packing.therapies(scenario.therapies),
        np.array(scenario.visits, dtype=np.float64),
        waiting_law(scenario),
    )


def _checked(n: int, seed: int, first: int, workers: int | None) -> tuple[int, int, int, int]:
    """The counts as plain integers, or every problem with them at once."""
    problems = ProblemList()
    whole: list[int] = []
    for name, value, low, high in (
        ("patients", n, 1, 10**9),
        ("seed", seed, 0, 2**63 - 1),
        ("first", first, 0, 2**62),
        ("workers", 1 if workers is None else workers, 1, 1024),
    ):
        try:
            number = operator.index(value)
        except TypeError:
            problems.add(name, f"{value!r} is not a whole number; give one from {low} to {high}")
            continue
        if not low <= number <= high:
            problems.add(name, f"{number} is outside its range; give one from {low} to {high}")
        whole.append(number)
    problems.raise_any(SimulationError, "the call of simulate")
    if workers is None:
        whole[3] = os.cpu_count() or 1
    return whole[0], whole[1], whole[2], whole[3]


def _numbers(patients: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The numbers of patients, ascending and as many as announced."""
    numbers = np.ascontiguousarray(patients)
    if numbers.dtype.kind not in "iu" or numbers.shape != (n,):
        raise SimulationError(
            f"patients: {numbers.dtype} of shape {numbers.shape}; give {n} whole numbers"
        )
    numbers = numbers.astype(np.int64)
    if numbers[0] < 0 or (np.diff(numbers) <= 0).any():
        raise SimulationError("patients: give numbers from 0 on, ascending, each once")
    return numbers


def simulate(
    scenario: Scenario,
    n: int,
    seed: int,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    first: int = 0,
    patients: NDArray[np.int64] | None = None,
) -> History:
    """Simulate patients ``first`` to ``first + n - 1``, or those of the numbers given.

    Parameters
    ----------
    scenario : Scenario
    n : int
        Number of patients, 1 to 1e9.
    seed : int
        0 to 2**63 - 1. Scenarios of one seed share each patient's randomness until the histories
        part.
    workers : int, optional
        Threads; as many as there are processors if left out. It changes no result.
    progress : callable, optional
        Called with the patients done and in all, after each block.
    first : int
        Number of the first patient.
    patients : ndarray of int64, shape (n,), optional
        Numbers of the patients, ascending, in place of ``first`` and those that follow it: some of
        a cohort, under another therapy.

    Returns
    -------
    History

    Raises
    ------
    SimulationError, ParameterError

    Examples
    --------
    >>> from marrowtrace.simulation import scenario, simulate
    >>> history = simulate(scenario("early-breast"), 100, seed=1)
    >>> len(history), history.burden("perivascular").shape
    (100, (100, 8))
    """
    from marrowtrace.simulation.blocks import simulate_block
    from marrowtrace.simulation.trace import TRAIL

    n, seed, first, threads = _checked(n, seed, first, workers)
    numbers = np.arange(first, first + n, dtype=np.int64)
    if patients is not None:
        numbers = _numbers(patients, n)
    parameters, therapies, visits, law = arrays(scenario)
    columns = np.empty((n, len(PATIENTS)))
    burdens = np.empty((n, len(scenario.visits) + 1, len(BURDENS)), np.float32)
    lesions: list[NDArray[np.void]] = [np.empty(0, LESION)] * (-(-n // BLOCK))
    counts = np.empty(n, np.int64)
    log, path = np.zeros((0, 4)), np.zeros((0, len(TRAIL)))

    def run(block: int) -> int:
        start = block * BLOCK
        size = min(BLOCK, n - start)
        rows, seen, found, number = simulate_block(
            seed, numbers[start : start + size], parameters, therapies, visits, law, log, path
        )
        columns[start : start + size] = rows
        burdens[start : start + size] = seen
        counts[start : start + size] = number
        lesions[block] = found
        return size

    done = 0
    blocks = iter(range(len(lesions)))
    pending: set[Future[int]] = set()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        try:
            while True:
                while len(pending) < 2 * threads and (block := next(blocks, None)) is not None:
                    pending.add(pool.submit(run, block))
                if not pending:
                    break
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    done += future.result()
                    if progress is not None:
                        progress(done, n)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return History(
        scenario,
        seed,
        numbers,
        columns,
        burdens,
        _emptied(lesions),
        np.concatenate([[0], np.cumsum(counts)]),
    )


def _emptied(parts: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Join arrays, letting go of each as it is copied: memory for one copy, not two."""
    whole = np.zeros(sum(part.size for part in parts), LESION)
    filled = 0
    for index, part in enumerate(parts):
        whole[filled : filled + part.size] = part
        filled += part.size
        parts[index] = whole[:0]
    return whole


def simulate_to(
    folder: Path,
    scenario: Scenario,
    n: int,
    seed: int,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
    resume: bool = False,
) -> int:
    """Simulate into a folder, chunk by chunk; what is done stays if it is interrupted.

    Parameters
    ----------
    folder : Path
    scenario, n, seed, workers, progress
        See `simulate`.
    chunk : int
        Patients in memory at a time.
    resume : bool
        Whether to go on where an interrupted run of the same scenario and seed stopped.

    Returns
    -------
    int
        Patients simulated now.

    Raises
    ------
    SimulationError
        If the folder holds another history, or one that was not to be resumed.
    OutputError
        If it cannot be written.
    """
    n, seed, _, _ = _checked(n, seed, 0, workers)
    size = min(chunk, n)
    if (folder / "history.json").exists():
        _check_same(folder, scenario, n, seed, size, resume)
    else:
        write_record(folder, scenario, seed, n, size)
    now = 0
    for number, start in enumerate(range(0, n, size)):
        if (folder / f"patients-{number:06d}.parquet").exists():
            continue
        count = min(size, n - start)

        def told(done: int, _: int, start: int = start) -> None:
            if progress is not None:
                progress(start + done, n)

        part = simulate(scenario, count, seed, workers=workers, progress=told, first=start)
        write_chunk(folder, number, part)
        now += count
    return now


def _check_same(
    folder: Path, scenario: Scenario, n: int, seed: int, chunk: int, resume: bool
) -> None:
    """Refuse a folder with a history that this run does not continue."""
    record = read_record(folder)
    if not resume:
        raise SimulationError(
            f"'{folder}' holds a history already; choose another folder, or resume it"
        )
    problems = ProblemList()
    for name, wanted in (("patients", n), ("seed", seed), ("chunk", chunk)):
        if record[name] != wanted:
            problems.add(name, f"the folder has {record[name]}, this run {wanted}")
    if record["scenario"] != to_json(scenario):
        problems.add("scenario", "the folder has another scenario or other parameter values")
    problems.raise_any(SimulationError, f"resuming '{folder}'")
