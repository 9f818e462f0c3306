"""What the therapies of the moment do to the rates: one vector of modifiers for a patient.

Between two edges (a window's start or stop, surgery, the end of its stress) every modifier is
constant. The first 24 entries are three groups of eight: effects on all cells, on ER+ cells and on
HER2+ cells.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.layout import (
    GROUP,
    M_COAT,
    M_EFFECTOR,
    M_EGRESS,
    M_ELIMINATE,
    M_ESCAPE,
    M_ESTABLISH,
    M_EXPOSED,
    M_GAS6,
    M_GROWTH,
    M_HOMING,
    M_IMMUNE,
    M_KILL,
    M_LODGE_ODDS,
    M_LOSS,
    M_MARROW,
    M_NE,
    M_NK,
    M_OCTGFB,
    M_OSTEOCLAST,
    M_REMOVAL,
    M_RETURN,
    M_SHEDDING,
    M_SITES,
    M_SPROUTING,
    M_STEM,
    M_SUPPRESSOR,
    M_TGFB2,
    M_TSP1,
    M_VISCERAL,
    M_VISCERAL_LOSS,
    M_VISCERAL_ODDS,
    M_WAKE_E,
    M_WAKE_V,
)
from marrowtrace.streams import kernel

_LEAST_PRESSURE = 1e-9


@kernel
def held(hold: float, level: float) -> float:
    """Return the pace that one holding influence leaves; 1 at level 1."""
    return max(0.0, 1.0 - hold * level) / (1.0 - hold)


@kernel
def gained(gain: float, level: float, reference: float) -> float:
    """Return the pace that one waking influence gives; 1 at the reference level."""
    return max(0.0, 1.0 + gain * level) / (1.0 + gain * reference)


@kernel
def _add(modifiers: NDArray[np.float64], therapy: Any) -> None:
    """Fold one active therapy into the modifiers."""
    base = GROUP * therapy.acts_on
    modifiers[base + M_MARROW] *= therapy.marrow_awakening
    modifiers[base + M_VISCERAL] *= therapy.visceral_awakening
    modifiers[base + M_ESTABLISH] *= therapy.establishment
    modifiers[base + M_ESCAPE] *= therapy.escape
    modifiers[base + M_LOSS] += therapy.marrow_loss
    modifiers[base + M_VISCERAL_LOSS] += therapy.visceral_loss
    modifiers[base + M_ELIMINATE] += therapy.restricted_elimination
    modifiers[base + M_KILL] += therapy.lesion_kill
    modifiers[M_HOMING] *= therapy.homing
    modifiers[M_EGRESS] *= therapy.egress
    modifiers[M_NE] *= therapy.norepinephrine
    modifiers[M_TSP1] *= therapy.tsp1
    modifiers[M_TGFB2] *= therapy.tgfb2
    modifiers[M_GAS6] *= therapy.gas6_axl
    modifiers[M_OCTGFB] *= therapy.osteoclast_tgfb
    modifiers[M_COAT] *= therapy.platelet_coat
    modifiers[M_NK] *= therapy.nk
    modifiers[M_EFFECTOR] *= therapy.effector
    modifiers[M_GROWTH] *= therapy.lesion_growth
    modifiers[M_SHEDDING] *= therapy.shedding
    modifiers[M_STEM] *= therapy.haematopoietic_occupancy
    modifiers[M_SPROUTING] += therapy.sprouting
    modifiers[M_OSTEOCLAST] += therapy.osteoclast
    modifiers[M_SUPPRESSOR] += therapy.suppressor
    if therapy.acts_on == 1:
        modifiers[M_EXPOSED] = 1.0


@kernel
def refresh(
    modifiers: NDArray[np.float64],
    windows: NDArray[np.void],
    count: int,
    therapies: NDArray[np.void],
    time: float,
    p: Any,
    traits: Any,
    restricted_cells: float,
) -> None:
    """Set the modifiers that hold from ``time`` on.

    Parameters
    ----------
    modifiers : ndarray of float64, shape (MODIFIERS,)
    windows : ndarray of WINDOW
        The first ``count`` are the patient's.
    therapies : ndarray of THERAPY
    time : float
        [day]
    p, traits : record of PARAMETER, record of TRAIT
    restricted_cells : float
        Cells in restricted lesions, which sustain immune memory.
    """
    for i in range(3 * GROUP):
        modifiers[i] = 1.0 if i % GROUP < M_LOSS else 0.0
    for i in range(M_HOMING, M_SPROUTING):
        modifiers[i] = 1.0
    modifiers[M_SPROUTING] = p.sprouting_level
    modifiers[M_OSTEOCLAST] = p.osteoclast_level
    modifiers[M_SUPPRESSOR] = p.suppressor_level
    modifiers[M_EXPOSED] = 0.0
    for w in range(count):
        window = windows[w]
        if window.start <= time < window.stop:
            _add(modifiers, therapies[window.therapy])
    _derive(modifiers, time, p, traits, restricted_cells)


@kernel
def _derive(
    modifiers: NDArray[np.float64], time: float, p: Any, traits: Any, restricted_cells: float
) -> None:
    """Paces of awakening, fates in the blood, niche sites and immune pressure."""
    modifiers[M_GROWTH] *= traits.relapse_growth
    stress = 0.0
    if traits.surgery <= time < traits.stress_end:
        stress = p.surgery_stress_level
    tone = gained(
        p.awakening_norepinephrine_gain,
        (p.norepinephrine_level + stress) * modifiers[M_NE],
        p.norepinephrine_level,
    )
    modifiers[M_WAKE_V] = (
        tone
        * held(p.tsp1_hold, p.tsp1_level * modifiers[M_TSP1])
        * gained(p.awakening_sprouting_gain, modifiers[M_SPROUTING], p.sprouting_level)
    )
    modifiers[M_WAKE_E] = (
        tone
        * held(p.tgfb2_hold, p.tgfb2_level * modifiers[M_TGFB2])
        * held(p.gas6_axl_hold, p.gas6_axl_level * modifiers[M_GAS6])
        * held(p.osteoclast_tgfb_hold, p.osteoclast_tgfb_level * modifiers[M_OCTGFB])
        * gained(p.awakening_osteoclast_gain, modifiers[M_OSTEOCLAST], p.osteoclast_level)
    )
    # competing fates in the blood, relative to the reference state
    coat = p.platelet_coat_fraction
    death = (
        p.shear_death_share
        + p.anoikis_death_share * traits.lodging_death
        + p.nk_death_share
        * modifiers[M_NK]
        * (1.0 - p.platelet_protection * min(1.0, coat * modifiers[M_COAT]))
        / (1.0 - p.platelet_protection * coat)
    ) / (p.shear_death_share + p.anoikis_death_share + p.nk_death_share)
    homing = p.homing_reference * modifiers[M_HOMING]
    death = max(death, 1e-12)
    modifiers[M_LODGE_ODDS] = homing / death
    modifiers[M_VISCERAL_ODDS] = 1.0 / death
    lodging = min(traits.marrow + traits.visceral, 0.99)
    modifiers[M_REMOVAL] = p.clearance * (
        (1.0 - lodging) * death
        + lodging
        * (traits.marrow * homing + traits.visceral)
        / max(traits.marrow + traits.visceral, 1e-300)
    )
    modifiers[M_RETURN] = lodging_probability(p.rehoming_probability, modifiers[M_HOMING])
    kept = 1.0 - p.haematopoietic_occupancy * (1.0 - p.displacement_probability)
    stem = min(1.0, p.haematopoietic_occupancy * modifiers[M_STEM])
    free = 1.0 - stem * (1.0 - p.displacement_probability)
    modifiers[M_SITES] = free / kept if kept > 0.0 else 1.0
    memory = 0.0
    if restricted_cells > 0.0:
        memory = p.memory_gain * restricted_cells / (restricted_cells + p.memory_half_burden)
    modifiers[M_IMMUNE] = max(
        _LEAST_PRESSURE,
        modifiers[M_EFFECTOR]
        * (1.0 + memory)
        * (1.0 + p.suppressor_level)
        / (1.0 + modifiers[M_SUPPRESSOR]),
    )


@kernel
def lodging_probability(base: float, odds: float) -> float:
    """Return the probability of lodging when the odds are multiplied; ``base`` at odds 1."""
    if base >= 1.0:
        return 1.0 if odds > 0.0 else 0.0
    return base * odds / (1.0 - base + base * odds)


@kernel
def factor(modifiers: NDArray[np.float64], effect: int, er: bool, her2: bool) -> float:
    """Return the factor of one of the first four effects on a cell; ``er`` = ER+ and sensitive."""
    value = modifiers[effect]
    if er:
        value *= modifiers[GROUP + effect]
    if her2:
        value *= modifiers[2 * GROUP + effect]
    return float(value)


@kernel
def rate(modifiers: NDArray[np.float64], effect: int, er: bool, her2: bool) -> float:
    """Return the added rate of one of the last four effects on a cell [1/day]."""
    value = modifiers[effect]
    if er:
        value += modifiers[GROUP + effect]
    if her2:
        value += modifiers[2 * GROUP + effect]
    return float(value)


@kernel
def pool_factor(modifiers: NDArray[np.float64], effect: int, er: float, her2: float) -> float:
    """Return the mean factor over a pool of which the fractions ``er`` and ``her2`` respond."""
    return float(
        modifiers[effect]
        * (1.0 - er * (1.0 - modifiers[GROUP + effect]))
        * (1.0 - her2 * (1.0 - modifiers[2 * GROUP + effect]))
    )


@kernel
def pool_rate(modifiers: NDArray[np.float64], effect: int, er: float, her2: float) -> float:
    """Return the mean added rate over a pool [1/day]."""
    return float(
        modifiers[effect] + er * modifiers[GROUP + effect] + her2 * modifiers[2 * GROUP + effect]
    )


@kernel
def nk_sparing(modifiers: NDArray[np.float64], p: Any) -> float:
    """Return the share of MHC-low clones that NK cells spare."""
    return float(1.0 / (1.0 + (p.nk_kill_multiplier - 1.0) * modifiers[M_NK]))


@kernel
def infinite_if_none(amount: float, pace: float) -> float:
    """Return the time to use up ``amount`` at ``pace``."""
    return amount / pace if pace > 0.0 else math.inf
