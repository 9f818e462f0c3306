r"""Therapies as windows in time: exposure, cycles, adherence.

Between its start and its stop a drug's exposure C rises to 1, and afterwards it fades, both to
first order,

.. math::
   C' = (1 - C)\ln 2/h_{on} \text{ in the window}, \qquad C' = -C\ln 2/h_{off} \text{ after it},

with a half-life of 0 for a switch. An effect e of full exposure acts as the multiplier
:math:`1-(1-e)C`. Cycles are pulses at equal intervals. Patients give a therapy up at a constant
hazard (the law is assumed), so it ends at the earlier of the plan and an exponential time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import exponential, kernel

_LN2 = math.log(2.0)


@kernel
def exposure(time: float, start: float, stop: float, onset: float, offset: float) -> float:
    """Return the exposure at ``time``, 0 to 1.

    Parameters
    ----------
    time, start, stop : float
        [day]; a stop not after the start is no therapy.
    onset, offset : float
        Half-lives of rise and fall [day].
    """
    if time <= start or stop <= start:
        return 0.0
    reached = min(time, stop) - start
    level = 1.0 if onset <= 0.0 else -math.expm1(-_LN2 * reached / onset)
    if time <= stop:
        return level
    return 0.0 if offset <= 0.0 else level * math.exp(-_LN2 * (time - stop) / offset)


@kernel
def exposure_to(time: float, start: float, stop: float, onset: float, offset: float) -> float:
    """Return the integral of the exposure up to ``time`` [day]."""
    if time <= start or stop <= start:
        return 0.0
    reached = min(time, stop) - start
    total = reached
    if onset > 0.0:
        pace = _LN2 / onset
        total -= -math.expm1(-pace * reached) / pace
    if time > stop and offset > 0.0:
        pace = _LN2 / offset
        level = exposure(stop, start, stop, onset, offset)
        total += level * -math.expm1(-pace * (time - stop)) / pace
    return total


@kernel
def mean_exposure(
    begin: float, end: float, start: float, stop: float, onset: float, offset: float
) -> float:
    """Return the mean exposure from ``begin`` to ``end`` [day]."""
    if end <= begin:
        return exposure(begin, start, stop, onset, offset)
    whole = exposure_to(end, start, stop, onset, offset)
    return (whole - exposure_to(begin, start, stop, onset, offset)) / (end - begin)


@kernel
def multiplier(effect: float, exposed: float) -> float:
    """Return the multiplier of a rate whose multiplier at full exposure is ``effect``."""
    return 1.0 - (1.0 - effect) * exposed


@kernel
def cycle_day(start: float, interval: float, index: int) -> float:
    """Return the day of cycle ``index``, counted from 0."""
    return start + interval * index


@kernel
def cycles_before(time: float, start: float, interval: float, count: int) -> int:
    """Return how many of ``count`` cycles were given before ``time`` [day]."""
    if time <= start or count <= 0:
        return 0
    if interval <= 0.0:
        return count
    return min(count, math.ceil((time - start) / interval))


@kernel
def draw_stop(rng: NDArray[np.uint64], start: float, stop: float, dropout: float) -> float:
    """Draw the day on which a therapy planned from ``start`` to ``stop`` really ends.

    ``dropout`` is the hazard of giving it up [1/day]. One number is drawn even if it is 0.
    """
    waited = exponential(rng)
    return min(stop, start + waited / dropout) if dropout > 0.0 else stop


def dropout_hazard(share: float, time: float) -> float:
    """Return the hazard [1/day] with which a ``share`` of patients gives up within ``time`` [day].

    Raises
    ------
    ParameterError
        If the share is not in [0, 1) or the time not above 0.
    """
    check_domain(
        "giving up a therapy",
        ("share", share, 0.0, math.nextafter(1.0, 0.0)),
        ("time", time, 5e-324, math.inf),
    )
    return -math.log1p(-share) / time


def mean_stay(planned: float, dropout: float) -> float:
    """Return the mean time on a therapy planned for ``planned`` [day]."""
    check_domain(
        "giving up a therapy",
        ("planned", planned, 0.0, math.inf),
        ("dropout", dropout, 0.0, math.inf),
    )
    return planned if dropout == 0.0 else -math.expm1(-dropout * planned) / dropout
