"""Laboratories differ: in how many of the cells they recover, and in what they take for one.

Each laboratory multiplies the recovery and the false positives of an assay by its own log-normal
factors of mean 1. A patient's samples of one assay all go to one laboratory.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.assays.draw import LABORATORIES, OF_LABORATORIES
from marrowtrace.errors import ParameterError, ProblemList
from marrowtrace.streams import LARGEST_PATIENT, init, kernel, normal, stream, uniform


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratories:
    """How many laboratories there are, and how much they differ.

    Parameters
    ----------
    count : int
        At least 1.
    recovery_log_sd : float
        Log-sd of the factor of recovery, from 0 to 3; 0 is none.
    false_positive_log_sd : float
        Log-sd of the factor of false positives (of the background of a signal), likewise.

    Raises
    ------
    ParameterError
        Listing every problem.
    """

    count: int = 1
    recovery_log_sd: float = 0.0
    false_positive_log_sd: float = 0.0

    def __post_init__(self) -> None:
        problems = ProblemList()
        if not (isinstance(self.count, int) and 1 <= self.count <= 10_000):
            problems.add("count", f"is {self.count!r}; allowed: whole numbers from 1 to 10000")
        for name in ("recovery_log_sd", "false_positive_log_sd"):
            value = getattr(self, name)
            if not 0 <= value <= 3:
                problems.add(name, f"is {value!r}; allowed: from 0 to 3")
        problems.raise_any(ParameterError, "the laboratories")

    def of_patients(self, seed: int, patients: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return which laboratory examines each patient's samples, 0 to count - 1.

        Parameters
        ----------
        seed : int
        patients : ndarray of int64, shape (n,)

        Returns
        -------
        ndarray of int32, shape (n,)
        """
        numbers = np.ascontiguousarray(patients, dtype=np.int64)
        state = stream(seed, OF_LABORATORIES, 0)
        out = np.empty(numbers.size, dtype=np.int32)
        _assign(state, np.uint64(seed), OF_LABORATORIES, numbers, self.count, out)
        return out

    def factors(self, seed: int, assay: str) -> NDArray[np.float64]:
        """Return each laboratory's factors of recovery and of false positives for an assay.

        Parameters
        ----------
        seed : int
        assay : str
            Name of the assay; a laboratory is strict with one and not with another.

        Returns
        -------
        ndarray of float64, shape (count, 2)
            Log-normal of mean 1.
        """
        sds = (self.recovery_log_sd, self.false_positive_log_sd)
        out = np.empty((self.count, 2))
        for laboratory in range(self.count):
            key = (zlib.crc32(assay.encode()) * 2**16 + laboratory) % LARGEST_PATIENT
            state = stream(seed, LABORATORIES, key)
            out[laboratory] = [np.exp(sd * normal(state) - 0.5 * sd * sd) for sd in sds]
        return out

    def for_patients(
        self, seed: int, patients: NDArray[np.int64], assay: str
    ) -> NDArray[np.float64] | None:
        """Return each patient's factors for an assay, or None where laboratories do not differ.

        Returns
        -------
        ndarray of float64, shape (n, 2), or None
            For `marrowtrace.assays.draw.draw`.
        """
        if self.recovery_log_sd == 0 and self.false_positive_log_sd == 0:
            return None
        return self.factors(seed, assay)[self.of_patients(seed, patients)]


@kernel
def _assign(
    rng: NDArray[np.uint64],
    seed: np.uint64,
    process: int,
    patients: NDArray[np.int64],
    count: int,
    out: NDArray[np.int32],
) -> None:
    """Draw a laboratory for each patient."""
    for i in range(patients.size):
        init(rng, seed, process, patients[i])
        out[i] = min(count - 1, int(uniform(rng) * count))
