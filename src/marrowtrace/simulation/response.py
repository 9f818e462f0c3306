r"""The immune response of a patient in time: effector and memory cells that follow the lesions.

With dynamic immunity the pressure I on lesions is the number E of effector cells relative to
normal. E and the memory cells R follow `marrowtrace.processes.immunity`, in units of their normal
numbers,

.. math::
   E' = \lambda\Big[(1-\rho)\,e + \rho R - \frac{1+S}{1+S_0}E + \sigma\frac{B}{B_{1/2}+B}E\Big],
   \qquad R' = \mu\,(E - R),

with e the factor of therapies, S suppressors (:math:`S_0` without therapy), B the cells held in
restricted lesions, :math:`\lambda` = ``immune_turnover``, :math:`\rho` = ``immune_recall``,
:math:`\sigma` = ``immune_stimulation``, :math:`\mu` = ``immune_memory_loss`` and :math:`B_{1/2}` =
``memory_half_burden``. Without lesions and therapy E = R = 1. If
:math:`\sigma B/(B_{1/2}+B) > (1+S)/(1+S_0) - \rho` the response outgrows its losses until the
lesions are gone.

Rates of lesions are held constant over spans in which E changes by at most a tenth of ``step``, at
its value in mid-span: second order in that change. E and R themselves are exact.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.immunity import EFFECTORS, MEMORY
from marrowtrace.processes.immunity import TUMOUR as HELD
from marrowtrace.simulation.layout import M_EFFECTOR, M_IMMUNE, M_SUPPRESSOR
from marrowtrace.streams import kernel

STATE, CLOCK, TRIAL = 0, 1, 2  # rows: the state, its clock, the state in mid-span
SINCE, LOOK = 0, 1  # in the row of the clock: day of the state, day to look again
RESPONSE_SHAPE = (3, 3)
_CHANGE = 0.1  # of the effectors in a span, per unit of the step
_SHORTEST, _LONGEST = 0.25, 3650.0  # span [day]
_MOST = 1e6  # effectors relative to normal
_LEAST = 1e-9


@kernel
def rest(response: NDArray[np.float64], time: float) -> None:
    """Set the state of a patient without lesions at ``time``."""
    response[STATE, EFFECTORS] = response[STATE, MEMORY] = 1.0
    response[STATE, HELD] = 0.0
    response[CLOCK, SINCE], response[CLOCK, LOOK] = time, math.inf


@kernel
def _slopes(
    response: NDArray[np.float64], row: int, modifiers: NDArray[np.float64], p: Any
) -> tuple[float, float, float, float]:
    """Coefficients of E in E' and of R in E', and the derivatives of E and R now."""
    effectors, memory, cells = response[row, EFFECTORS], response[row, MEMORY], response[row, HELD]
    recall = min(p.immune_recall, 0.999)
    lost = (1.0 + modifiers[M_SUPPRESSOR]) / (1.0 + p.suppressor_level)
    raised = p.immune_stimulation * cells / (max(p.memory_half_burden, 1e-9) + cells)
    own, recalled = p.immune_turnover * (raised - lost), p.immune_turnover * recall
    supply = p.immune_turnover * (1.0 - recall) * modifiers[M_EFFECTOR]
    slope = supply + recalled * memory + own * effectors
    return own, recalled, slope, p.immune_memory_loss * (effectors - memory)


@kernel
def _once(rate: float, time: float) -> float:
    """Return the integral of exp(rate u) over 0..time."""
    return math.expm1(min(rate * time, 500.0)) / rate if abs(rate * time) > 1e-12 else time


@kernel
def _move(
    response: NDArray[np.float64],
    row: int,
    elapsed: float,
    modifiers: NDArray[np.float64],
    p: Any,
) -> None:
    """Advance the state in ``row`` by ``elapsed`` days: linear while burden and therapies last."""
    if elapsed <= 0.0:
        return
    own, recalled, slope, memory_slope = _slopes(response, row, modifiers, p)
    fade = p.immune_memory_loss
    root = max(1e-12, math.sqrt((own + fade) ** 2 + 4.0 * recalled * fade))
    fast, slow = 0.5 * (own - fade - root), 0.5 * (own - fade + root)
    bend = own * slope + recalled * memory_slope
    memory_bend = fade * (slope - memory_slope)
    by_slow, by_fast = _once(slow, elapsed), _once(fast, elapsed)
    first = (bend - fast * slope) / root
    response[row, EFFECTORS] += first * by_slow + (slope - first) * by_fast
    first = (memory_bend - fast * memory_slope) / root
    response[row, MEMORY] += first * by_slow + (memory_slope - first) * by_fast
    response[row, EFFECTORS] = min(max(response[row, EFFECTORS], 0.0), _MOST)
    response[row, MEMORY] = min(max(response[row, MEMORY], 0.0), _MOST)


@kernel
def react(
    response: NDArray[np.float64], time: float, modifiers: NDArray[np.float64], p: Any
) -> None:
    """Bring the response to ``time`` under the modifiers that held since its clock."""
    _move(response, STATE, time - response[CLOCK, SINCE], modifiers, p)
    response[CLOCK, SINCE] = time


@kernel
def press(
    response: NDArray[np.float64],
    time: float,
    restricted_cells: float,
    modifiers: NDArray[np.float64],
    p: Any,
) -> None:
    """Set the immune pressure that holds from ``time`` on, and the day to look again.

    Parameters
    ----------
    response : ndarray of float64, shape RESPONSE_SHAPE
        State at ``time``, its clock, and room for a trial.
    time : float
        [day]
    restricted_cells : float
        Cells in restricted lesions, constant until the next call.
    modifiers, p
        See `marrowtrace.simulation.modifiers`; the immune pressure is set.
    """
    state = response[STATE]
    state[HELD] = restricted_cells
    own, recalled, slope, memory_slope = _slopes(response, STATE, modifiers, p)
    bend = own * slope + recalled * memory_slope
    room = _CHANGE * p.step * max(state[EFFECTORS], _LEAST)
    span = _LONGEST
    if abs(slope) * span > room:
        span = room / abs(slope)
    if 0.5 * abs(bend) * span * span > room:
        span = math.sqrt(2.0 * room / abs(bend))
    span = max(span, _SHORTEST)
    for k in range(3):
        response[TRIAL, k] = state[k]
    _move(response, TRIAL, 0.5 * span, modifiers, p)
    modifiers[M_IMMUNE] = max(_LEAST, response[TRIAL, EFFECTORS])
    steady = abs(slope) * _LONGEST < 1e-9 and abs(bend) * _LONGEST * _LONGEST < 1e-9
    response[CLOCK, LOOK] = math.inf if steady else time + span
