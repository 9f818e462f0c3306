"""The twin's acquired resistance: daughters that a division makes resistant, one by one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.exact_walk import Walk

_CLONES = 1e5


def resistant_in_walk(
    rng: np.random.Generator, steps: Walk, rate: float, now: float, present: int
) -> int:
    """Draw how many cells of a clone are resistant at ``now``, given its size at all times.

    Resistance is neutral until a therapy tells the cells apart: whoever divides or dies is any of
    the cells, and a division of a sensitive cell has a resistant daughter with probability
    ``rate``.

    Parameters
    ----------
    rng : numpy.random.Generator
    steps : Walk
    rate : float
        Resistant daughters per division.
    now : float
        Day.
    present : int
        Resistant cells at the beginning of the walk.
    """
    times, sizes = steps
    last = int(np.searchsorted(times, now, side="right"))
    sizes = sizes[:last]
    changes = np.diff(sizes)
    resistant, at = present, 0
    births = np.flatnonzero(changes > 0)
    while at < changes.size:
        if resistant == 0:  # nothing happens until a division is the first to make one
            if rate <= 0.0:
                return 0
            next_birth = int(np.searchsorted(births, at)) + int(rng.geometric(rate)) - 1
            if next_birth >= births.size:
                return 0
            resistant, at = 1, int(births[next_birth]) + 1
            continue
        of_resistant = rng.random() * sizes[at] < resistant
        if changes[at] > 0:
            resistant += int(of_resistant or rng.random() < rate)
        else:
            resistant -= int(of_resistant)
        at += 1
    return resistant


def resistant_in_size(
    rng: np.random.Generator, cells: float, rate: float, birth: float, death: float
) -> int:
    """Draw the resistant cells of a clone that grew from one cell to ``cells`` by its mean law.

    Each resistant daughter comes at its own moment of the growth exp((birth - death) t), and its
    clone has the size that Kendall (1948) gives it. Clones beyond the first 100,000, the late and
    small ones, are counted by their mean.
    """
    net = birth - death
    per_cell = rate * birth / net
    early = min(cells, 1.0 + _CLONES / per_cell)  # size of the clone while the first of them came
    number = rng.poisson(per_cell * (early - 1.0))
    born = 1.0 / (1.0 - rng.random(number) * (1.0 - 1.0 / early))  # early size over that at birth
    growth = born * cells / early
    beta = (growth - 1.0) / (growth - death / birth)
    alive = rng.random(number) >= death / birth * beta
    sizes = rng.geometric(1.0 - beta[alive])
    return int(sizes.sum()) + round(per_cell * cells * math.log(cells / early))


def daughters_of_walk(
    rng: np.random.Generator, steps: Walk, rate: float, until: float
) -> NDArray[np.float64]:
    """Draw the days, up to ``until``, on which divisions of a walk make a resistant daughter."""
    times, sizes = steps
    births = times[1:][np.diff(sizes) > 0]
    births = births[births <= until]
    made: NDArray[np.float64] = births[rng.random(births.size) < rate]
    return made


def daughters_of_bulk(
    rng: np.random.Generator, cells: float, rate: float, birth: float, kill: float, span: float
) -> NDArray[np.float64]:
    """Draw the days, up to ``span``, on which cells that die at net rate ``kill`` make one."""
    gone = -math.expm1(-kill * span)
    number = rng.poisson(rate * birth * cells / kill * gone)
    days: NDArray[np.float64] = np.sort(-np.log1p(-gone * rng.random(number)) / kill)
    return days
