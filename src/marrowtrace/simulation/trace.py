"""What is noted along a life: burdens at visits and, in a replay, every event and step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.flux import flux_at
from marrowtrace.simulation.layout import (
    DORMANT,
    GONE,
    M_EGRESS,
    M_GROWTH,
    M_IMMUNE,
    M_REMOVAL,
    M_SHEDDING,
    Q_E,
    Q_FREE,
    Q_MODES_E,
    Q_MODES_V,
    Q_O,
    Q_O_MARROW,
    Q_V,
    RESTRICTED,
    STREAM_BURSTS,
)
from marrowtrace.simulation.lesions import log_size, shed
from marrowtrace.simulation.pools import marrow_receptors
from marrowtrace.streams import init, kernel, normal

_BLOCKS_PER_HOUR = 64

TRAIL = (
    "day",
    "log_primary_size",
    "perivascular",
    "endosteal",
    "free",
    "visceral",
    "visceral_via_marrow",
    "ctc",
    "lesions_growing",
    "lesions_restricted",
    "log_largest_lesion",
    "candidates_dormant",
    "immune_pressure",
)
"""Columns of a replayed trajectory."""


@kernel
def note(log: NDArray[np.float64], time: float, event: int, founder: int, value: float) -> None:
    """Add an event to the log, if one is kept; row 0 holds the number of rows in use."""
    if log.shape[0] == 0:
        return
    row = int(log[0, 0]) + 1
    if row < log.shape[0]:
        log[row, 0], log[row, 1] = time, event
        log[row, 2], log[row, 3] = founder, value
        log[0, 0] = row


@kernel
def begin_at(rng: NDArray[np.uint64], seed: int, process: int, patient: int, time: float) -> None:
    """Start the stretch of a stream that belongs to the hour of ``time``, whatever came before.

    So another visit, or another rule, changes no draw of those that are there.
    """
    init(rng, seed, process, patient)
    rng[0] += np.uint64(_BLOCKS_PER_HOUR * math.floor(24.0 * max(time, 0.0)))


@kernel
def blood(
    primary: float,
    time: float,
    founders: NDArray[np.void],
    used: int,
    pools: NDArray[np.float64],
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> tuple[float, float, float]:
    """Mean cells in the blood that came from the primary, from lesions and from marrow.

    Quasi-steady: a source that grows at rate g feeds flux / (removal + g) cells.
    """
    removal = modifiers[M_REMOVAL]
    room = max(0.0, p.log_tumour_carrying_capacity - max(primary, 0.0))
    growth = p.shedding_size_exponent * traits.primary_rate * room
    own = (
        modifiers[M_SHEDDING]
        * flux_at(primary, p.log_shedding_onset_size, traits.primary_scale, p)
        / (removal + growth)
    )
    others = 0.0
    for k in range(used):
        others += shed(founders[k], time, modifiers, p, traits)
    leave = modifiers[M_EGRESS] * (
        p.perivascular_egress_rate * pools[Q_V] + p.endosteal_egress_rate * pools[Q_E]
    )
    return own, others / removal, leave / removal


@kernel
def count_lesions(
    time: float,
    founders: NDArray[np.void],
    used: int,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> tuple[float, float, float]:
    """Growing (or shrinking) and restricted lesions, and the largest log size."""
    growing, restricted, largest = 0.0, 0.0, -math.inf
    for k in range(used):
        f = founders[k]
        if f.state == DORMANT or f.state == GONE:
            continue
        if f.state == RESTRICTED:
            restricted += 1.0
        else:
            growing += 1.0
        largest = max(largest, log_size(f, time, modifiers[M_GROWTH], p, traits))
    return growing, restricted, largest


@kernel
def _share(limit: float, shed_share: float, unchanged: float, total: float) -> float:
    """Fraction of a pool with a phenotype that is gained for good, from those not yet switched."""
    return limit - (limit - shed_share) * unchanged / total


@kernel
def observe(
    out: NDArray[np.float32],
    bursts: NDArray[np.uint64],
    seed: int,
    patient: int,
    time: float,
    primary: float,
    founders: NDArray[np.void],
    used: int,
    pools: NDArray[np.float64],
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> None:
    """Write one row of burdens (columns `layout.BURDENS`)."""
    own, others, marrow = blood(primary, time, founders, used, pools, modifiers, p, traits)
    single = 1.0 - p.cluster_fraction
    out[0], out[1], out[2] = pools[Q_V], pools[Q_E], pools[Q_FREE]
    out[3], out[4] = pools[Q_O] + pools[Q_O_MARROW], pools[Q_O_MARROW]
    out[5], out[6], out[7] = own * single, others * single, marrow
    out[8] = (own + others) * p.cluster_fraction / p.cluster_size_mean * p.cluster_half_life_ratio
    spread = p.blood_burst_log_sd
    begin_at(bursts, seed, STREAM_BURSTS, patient, time)
    out[9] = math.exp(spread * normal(bursts) - 0.5 * spread * spread)
    total = pools[Q_V] + pools[Q_E]
    if total > 0.0:
        one = (pools[Q_MODES_V] + pools[Q_MODES_E]) / total
        two = (pools[Q_MODES_V + 1] + pools[Q_MODES_E + 1]) / total
        out[10] = p.limit_e + p.right_1e * one + p.right_2e * two
        out[11] = p.limit_h + p.right_1h * one + p.right_2h * two
        out[12] = p.limit_m + p.right_1m * one + p.right_2m * two
        unchanged = pools[Q_MODES_V + 2] + pools[Q_MODES_E + 2]
        out[13] = _share(1.0, p.stem_like_share_shed, unchanged, total)
        out[14] = (pools[Q_E] - pools[Q_MODES_E + 4]) / total
        out[15] = _share(1.0, 0.0, pools[Q_MODES_V + 3] + pools[Q_MODES_E + 3], total)
    else:
        for i in range(10, 16):
            out[i] = math.nan
    out[16], out[17] = marrow_receptors(pools)
    fed = own + others + marrow
    out[18] = traits.mesenchymal
    if fed > 0.0 and total > 0.0:
        out[18] = ((own + others) * traits.mesenchymal + marrow * out[12]) / fed
    out[19] = primary
    growing, restricted, largest = count_lesions(time, founders, used, modifiers, p, traits)
    out[20], out[21], out[22] = growing, restricted, largest


@kernel
def trail(
    path: NDArray[np.float64],
    time: float,
    primary: float,
    founders: NDArray[np.void],
    used: int,
    pools: NDArray[np.float64],
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> None:
    """Add a row to the trajectory, if one is kept; row 0 holds the number of rows in use."""
    if path.shape[0] == 0:
        return
    row = int(path[0, 0]) + 1
    if row >= path.shape[0]:
        return
    path[0, 0] = row
    own, others, marrow = blood(primary, time, founders, used, pools, modifiers, p, traits)
    growing, restricted, largest = count_lesions(time, founders, used, modifiers, p, traits)
    path[row, 0], path[row, 1] = time, primary
    path[row, 2], path[row, 3], path[row, 4] = pools[Q_V], pools[Q_E], pools[Q_FREE]
    path[row, 5], path[row, 6] = pools[Q_O] + pools[Q_O_MARROW], pools[Q_O_MARROW]
    path[row, 7] = own + others + marrow
    path[row, 8], path[row, 9], path[row, 10] = growing, restricted, largest
    dormant = 0
    for k in range(used):
        if founders[k].state == DORMANT:
            dormant += 1
    path[row, 11], path[row, 12] = dormant, modifiers[M_IMMUNE]
