r"""Immunity: elimination, equilibrium and escape of a small lesion.

Effector cells E, memory cells R and n tumour cells follow

.. math::
   E' &= s + aR + \frac{p\,n}{g+n}E - (\delta + cS)E, \\
   R' &= mE - \delta_R R, \qquad
   n' = \Big(r - \frac{kE}{g+n}\Big)n ,

a saturating form of the model of Kuznetsov et al. (1994, Bull. Math. Biol. 56:295-321; remembered,
not verified), with suppressor cells S (MDSC, regulatory cells) that remove effectors. With the
memory in balance the loss of effectors is :math:`L=\delta+cS-am/\delta_R`, and the tumour is in
balance at

.. math:: n^* = \frac{sk/r - Lg}{L-p}, \qquad E^* = r(g+n^*)/k .

A few cells are killed off if :math:`sk/r > Lg`; many cells raise more effectors than they can
outgrow if :math:`p > L`. The two signs give the phases of immunoediting:

=========================  ==========================  =====================================
few cells                  many cells                  phase
=========================  ==========================  =====================================
killed                     outnumbered                 elimination
outgrow                    outnumbered                 equilibrium at :math:`n^*`
killed                     outgrow                     threshold: escape only above :math:`n^*`
outgrow                    outgrow                     escape
=========================  ==========================  =====================================

Cells that lose MHC class I are not seen by T cells, but are killed by NK cells unless coated by
platelets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.errors import ParameterError
from marrowtrace.processes.domain import check_domain
from marrowtrace.streams import kernel

EFFECTORS, MEMORY, TUMOUR = 0, 1, 2
ELIMINATION, EQUILIBRIUM, THRESHOLD, ESCAPE = "elimination", "equilibrium", "threshold", "escape"
_LAW = "the immune balance"


@kernel
def derivative(
    state: NDArray[np.float64],
    out: NDArray[np.float64],
    source: float,
    recall: float,
    stimulation: float,
    half_saturation: float,
    loss: float,
    memory_gain: float,
    memory_loss: float,
    net_growth: float,
    killing: float,
) -> None:
    """Write the derivatives of (effectors, memory, tumour), in cells/day, to ``out``.

    ``loss`` is that of effectors with the suppressors' part, delta + c S.
    """
    effectors, memory, cells = state[EFFECTORS], state[MEMORY], state[TUMOUR]
    spread = half_saturation + cells
    out[EFFECTORS] = (
        source + recall * memory + stimulation * cells / spread * effectors - loss * effectors
    )
    out[MEMORY] = memory_gain * effectors - memory_loss * memory
    out[TUMOUR] = (net_growth - killing * effectors / spread) * cells


@kernel
def advance(
    state: NDArray[np.float64],
    work: NDArray[np.float64],
    time: float,
    steps: int,
    source: float,
    recall: float,
    stimulation: float,
    half_saturation: float,
    loss: float,
    memory_gain: float,
    memory_loss: float,
    net_growth: float,
    killing: float,
) -> None:
    """Advance ``state`` in place by ``time`` [day] in ``steps`` of the classical Runge-Kutta rule.

    ``work`` is scratch of shape (5, 3). No component falls below 0.
    """
    h = time / steps
    for _ in range(steps):
        for stage in range(4):
            part = 0.0 if stage == 0 else (h if stage == 3 else 0.5 * h)
            for k in range(3):
                back = work[stage - 1, k] if stage > 0 else 0.0
                work[4, k] = max(0.0, state[k] + part * back)
            derivative(
                work[4], work[stage], source, recall, stimulation, half_saturation, loss,
                memory_gain, memory_loss, net_growth, killing,
            )  # fmt: skip
        for k in range(3):
            slope = work[0, k] + 2.0 * work[1, k] + 2.0 * work[2, k] + work[3, k]
            state[k] = max(0.0, state[k] + h / 6.0 * slope)


@kernel
def steady_effectors(
    cells: float, source: float, stimulation: float, half_saturation: float, loss: float
) -> float:
    """Return the effectors in balance with ``cells`` tumour cells; infinity if they outgrow loss.

    ``loss`` is the effective L, with suppressors and memory in balance.
    """
    raised = stimulation * cells / (half_saturation + cells) if cells > 0.0 else 0.0
    spare = loss - raised
    return source / spare if spare > 0.0 else math.inf


@kernel
def effective_loss(
    loss: float, suppression: float, recall: float, memory_gain: float, memory_loss: float
) -> float:
    """Return L, the loss of effectors net of the recall from memory [1/day]."""
    recalled = recall * memory_gain / memory_loss if memory_loss > 0.0 else 0.0
    return loss + suppression - recalled


@kernel
def kill_rate(effectors: float, cells: float, killing: float, half_saturation: float) -> float:
    """Return the rate at which effectors kill each of ``cells`` [1/day]."""
    spread = half_saturation + cells
    return killing * effectors / spread if spread > 0.0 else math.inf


@kernel
def nk_kill_rate(nk: float, coat: float) -> float:
    """Return the rate at which NK cells kill an MHC-I low cell: ``nk`` [1/day] less the coat."""
    return nk * (1.0 - coat)


@kernel
def mutant_survival(birth: float, death: float, nk: float, coat: float) -> float:
    """Return the probability that an MHC-I low mutant founds a lasting clone."""
    if birth <= 0.0:
        return 0.0
    return max(0.0, 1.0 - (death + nk_kill_rate(nk, coat)) / birth)


@kernel
def escape_rate(cells: float, birth: float, mutation: float, mutant: float) -> float:
    """Return the hazard [1/day] of escape by mutation of a lesion held at ``cells``.

    Parameters
    ----------
    cells : float
    birth : float
        Division rate of a held cell [1/day].
    mutation : float
        Probability of losing MHC class I per division.
    mutant : float
        `mutant_survival`.
    """
    return cells * birth * mutation * mutant


@dataclass(frozen=True, slots=True, kw_only=True)
class ImmuneBalance:
    """The phase of immunoediting and the balance that separates or ends it.

    Parameters
    ----------
    phase : {"elimination", "equilibrium", "threshold", "escape"}
    cells, effectors : float
        The balance; NaN where there is none.
    stable : bool
        Whether small disturbances of the full system die out.
    """

    phase: str
    cells: float
    effectors: float
    stable: bool


def balance(
    *,
    net_growth: float,
    killing: float,
    source: float,
    stimulation: float,
    half_saturation: float,
    loss: float,
    suppression: float = 0.0,
    recall: float = 0.0,
    memory_gain: float = 0.0,
    memory_loss: float = 1.0,
) -> ImmuneBalance:
    """Classify the immune control of a lesion, in closed form.

    Parameters
    ----------
    net_growth : float
        Growth of unhindered tumour cells, r [1/day].
    killing : float
        Tumour cells killed by an effector at saturation, k [1/day].
    source : float
        Arrival of effectors, s [cells/day].
    stimulation : float
        Largest growth of effectors by tumour cells, p [1/day].
    half_saturation : float
        Tumour cells at half saturation, g, above 0.
    loss, suppression : float
        Loss of effectors by age and by suppressor cells, delta and c S [1/day].
    recall, memory_gain, memory_loss : float
        a, m and delta_R [1/day].

    Raises
    ------
    ParameterError
        If a parameter is outside its range, or the memory recalls effectors faster than they die.
    """
    names = ("net_growth", "killing", "source", "stimulation", "loss", "suppression", "recall")
    values = (net_growth, killing, source, stimulation, loss, suppression, recall)
    low = -math.inf
    check_domain(
        _LAW,
        *(
            (n, v, low if n == "net_growth" else 0.0, math.inf)
            for n, v in zip(names, values, strict=True)
        ),
        ("half_saturation", half_saturation, 5e-324, math.inf),
        ("memory_gain", memory_gain, 0.0, math.inf),
        ("memory_loss", memory_loss, 5e-324, math.inf),
    )
    whole = effective_loss(loss, suppression, recall, memory_gain, memory_loss)
    if whole <= 0.0:
        raise ParameterError(
            f"{_LAW}: memory recalls effectors at {recall * memory_gain / memory_loss:g} per day, "
            f"at least as fast as they are lost ({loss + suppression:g}); lower recall or "
            "memory_gain, or raise loss"
        )
    if net_growth <= 0.0:
        return ImmuneBalance(phase=ELIMINATION, cells=math.nan, effectors=math.nan, stable=False)
    few_killed = source * killing / net_growth - whole * half_saturation
    many_outgrow = whole - stimulation
    if few_killed >= 0.0 and many_outgrow <= 0.0:
        return ImmuneBalance(phase=ELIMINATION, cells=math.nan, effectors=math.nan, stable=False)
    if few_killed <= 0.0 and many_outgrow >= 0.0:
        return ImmuneBalance(phase=ESCAPE, cells=math.nan, effectors=math.nan, stable=False)
    cells = few_killed / many_outgrow
    effectors = net_growth * (half_saturation + cells) / killing
    spread = half_saturation + cells
    jacobian = np.array(
        [
            [
                stimulation * cells / spread - loss - suppression,
                recall,
                stimulation * half_saturation * effectors / spread**2,
            ],
            [memory_gain, -memory_loss, 0.0],
            [-killing * cells / spread, 0.0, net_growth * cells / spread],
        ]
    )
    stable = bool(np.linalg.eigvals(jacobian).real.max() < 0.0)
    phase = THRESHOLD if many_outgrow > 0.0 else EQUILIBRIUM
    return ImmuneBalance(phase=phase, cells=cells, effectors=effectors, stable=stable)
