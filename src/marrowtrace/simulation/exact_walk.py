"""The twin's young clones: single divisions and deaths, drawn one at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Walk = tuple[NDArray[np.float64], NDArray[np.int64]]

_SURE_ENOUGH = 1e-9


def walk(
    rng: np.random.Generator,
    cells: int,
    birth: float,
    death: float,
    *,
    duration: float,
    ceiling: float,
) -> Walk:
    """Follow a clone division by division and death by death.

    Parameters
    ----------
    rng : numpy.random.Generator
    cells : int
        Cells at time 0.
    birth, death : float
        Rates per cell [1/day].
    duration : float
        Days to follow it for.
    ceiling : float
        Number of cells at which to stop.

    Returns
    -------
    times : ndarray of float, shape (k,)
        Moments of change, the first 0.
    sizes : ndarray of int, shape (k,)
        Cells from each of them on.
    """
    times, sizes = [np.zeros(1)], [np.array([cells])]
    now, block = 0.0, 32
    while 0 < cells < ceiling and now < duration and birth + death > 0.0:
        steps = np.where(rng.random(block) < birth / (birth + death), 1, -1)
        after = cells + np.cumsum(steps)
        stopped = np.flatnonzero((after == 0) | (after >= ceiling))
        used = stopped[0] + 1 if stopped.size else block
        before = np.concatenate([[cells], after[: used - 1]])
        moments = now + np.cumsum(rng.standard_exponential(used) / ((birth + death) * before))
        times.append(moments)
        sizes.append(after[:used])
        now, cells = float(moments[-1]), int(after[used - 1])
        block = min(2 * block, 8192)
    moment, size = np.concatenate(times), np.concatenate(sizes)
    kept = moment <= duration
    return moment[kept], size[kept]


def surviving_walk(
    rng: np.random.Generator,
    cells: int,
    birth: float,
    death: float,
    *,
    duration: float,
    ceiling: float,
) -> Walk:
    """As `walk`, of a clone that is known not to die out: those that do are drawn again."""
    safe = safe_size(birth, death)
    while True:
        times, sizes = walk(rng, cells, birth, death, duration=math.inf, ceiling=max(safe, cells))
        if sizes[-1] > 0:
            break
    if times[-1] < duration and sizes[-1] < ceiling:
        more, larger = walk(
            rng,
            int(sizes[-1]),
            birth,
            death,
            duration=duration - float(times[-1]),
            ceiling=ceiling,
        )
        times = np.concatenate([times, times[-1] + more[1:]])
        sizes = np.concatenate([sizes, larger[1:]])
    reached = np.flatnonzero(sizes >= ceiling)
    end = reached[0] + 1 if reached.size else times.size
    kept = times[:end] <= duration
    return times[:end][kept], sizes[:end][kept]


def safe_size(birth: float, death: float) -> int:
    """Return a number of cells that dies out with a probability below 1e-9."""
    if death <= 0.0:
        return 1
    if death >= birth:
        raise ValueError("a clone that dies as fast as it divides does die out")
    return math.ceil(math.log(_SURE_ENOUGH) / math.log(death / birth))


def look_up(walk: Walk, times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sizes of a walk at ``times``."""
    found = np.searchsorted(walk[0], times, side="right") - 1
    sizes: NDArray[np.int64] = walk[1][np.maximum(found, 0)]
    return sizes


def add_up(walks: list[Walk]) -> Walk:
    """Add up walks that begin together."""
    times = np.concatenate([walk[0] for walk in walks])
    changes = np.concatenate([np.diff(walk[1], prepend=0) for walk in walks])
    order = np.argsort(times, kind="stable")
    begun = len(walks) - 1  # before it, not every walk has its first cells
    return times[order][begun:], np.cumsum(changes[order])[begun:]
