r"""Lesions: growth from one cell to detection, restriction, and what therapy does to them.

A clone that is not to die out is followed by its *surviving lines*, cells with descendants for
ever: from m lines there are :math:`m+\mathrm{Poisson}(G(e^{rs}-1))` after s days, G ~ Gamma(m), and
:math:`G e^{rs}/(1-d/b)` cells once they are many (Kendall 1966, J. London Math. Soc. 41:385-406;
remembered, not verified). A kill takes lines binomially. Above the hand-over size the
lesion grows by the Gomp-ex law.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrace.processes.birth_death import (
    draw_size,
    draw_surviving_size,
    draw_time_to_extinction,
    survival,
)
from marrowtrace.processes.gompertz import log_size_at, time_between
from marrowtrace.simulation.flux import flux_at
from marrowtrace.simulation.layout import (
    DETECTION,
    DORMANT,
    DWINDLING,
    ELIMINATION,
    ESCAPE_BY_ENVIRONMENT,
    ESCAPE_BY_MUTATION,
    FEW,
    GONE,
    GROWING,
    KILLED,
    LOCAL,
    M_ELIMINATE,
    M_ESCAPE,
    M_GROWTH,
    M_IMMUNE,
    M_KILL,
    M_SHEDDING,
    NOTHING,
    ONSET,
    RESTRICTED,
    RESTRICTION,
    RETURN_TO_DORMANCY,
    SHRINKING,
)
from marrowtrace.simulation.modifiers import factor, infinite_if_none, nk_sparing, rate
from marrowtrace.streams import binomial, exponential, gamma, kernel, negative_binomial, poisson

_MEAN_KILL_ABOVE = 1e7  # cells; a binomial draw there would change the log size by under 1e-3
_LN10 = math.log(10.0)


@kernel
def log_size(f: Any, time: float, growth: float, p: Any, traits: Any) -> float:
    """Return the log size of a lesion at ``time``, at or after its anchor; -1 for fewer cells."""
    elapsed = time - f.t0
    if f.state == GROWING:
        size = log_size_at(
            f.x,
            elapsed,
            traits.lesion_rate * growth,
            p.log_tumour_carrying_capacity,
            p.log_growth_hand_over_size,
        )
        return float(size)
    if f.state == SHRINKING:
        return float(f.x - f.kill * elapsed)
    if f.state == FEW:  # the mean of a clone that is still there
        birth = traits.birth * growth
        gone = math.log1p(-min(survival(birth, birth + f.kill, elapsed), 1.0 - 1e-16))
        there = -math.expm1(f.lines * gone)
        if there <= 0.0:
            return 0.0
        return float(max(0.0, math.log(f.lines) - f.kill * elapsed - math.log(there)))
    if f.state == RESTRICTED:
        return float(p.log_restricted_size)
    if f.state == DORMANT and not math.isnan(f.awakened):  # returned to dormancy
        return float(f.x)
    return -1.0


@kernel
def shed(f: Any, time: float, modifiers: NDArray[np.float64], p: Any, traits: Any) -> float:
    """Return the cells that a lesion sheds per day; 0 below its onset."""
    if f.state != GROWING and f.state != SHRINKING:
        return 0.0
    size = log_size(f, time, modifiers[M_GROWTH], p, traits)
    onset = p.log_lesion_shedding_onset_size
    return float(modifiers[M_SHEDDING] * flux_at(size, onset, traits.lesion_scale, p))


@kernel
def sensitive_er(f: Any) -> bool:
    """Return whether endocrine therapy acts on this cell or lesion."""
    return bool(f.er == 1 and f.tolerant == 0)


@kernel
def kill_rate(f: Any, modifiers: NDArray[np.float64]) -> float:
    """Return the rate at which cytocidal therapy kills the cells of a lesion [1/day]."""
    return rate(
        modifiers,
        M_KILL,
        sensitive_er(f) and f.resistant_er == 0,
        f.her2 == 1 and f.resistant_her2 == 0,
    )


@kernel
def grow_from_lines(rng: NDArray[np.uint64], f: Any, time: float, lines: float, p: Any) -> None:
    """Let a lesion grow from ``lines`` surviving lines; from none it is gone."""
    if lines <= 0.0:
        f.state, f.ended, f.end_cause, f.next = GONE, time, KILLED, math.inf
        return
    f.state = GROWING
    f.t0, f.age = time, 0.0
    f.lines, f.limit, f.doomed = lines, gamma(rng, lines), 0.0
    f.x = math.log(max(f.limit, 1e-300) / (1.0 - p.clone_death_ratio))


@kernel
def grow_from_cells(rng: NDArray[np.uint64], f: Any, time: float, cells: float, p: Any) -> None:
    """Let a lesion grow from ``cells`` cells, of which some have no surviving line."""
    if cells < math.exp(p.log_growth_hand_over_size):
        grow_from_lines(rng, f, time, binomial(rng, cells, 1.0 - p.clone_death_ratio), p)
        f.doomed = cells - f.lines
        return
    f.state, f.t0, f.age = GROWING, time, 0.0
    f.lines, f.limit, f.doomed = 0.0, 0.0, 0.0
    f.x = math.log(cells)


@kernel
def lines_now(rng: NDArray[np.uint64], f: Any) -> float:
    """Draw the surviving lines of a small growing lesion at its clock."""
    if f.lines <= 0.0:  # came down from a larger size without a count: the mean of its lines
        return -1.0
    return float(f.lines) + poisson(rng, f.limit * math.expm1(min(f.age, 700.0)))


@kernel
def others_per_line(f: Any, p: Any) -> float:
    """Return the mean of the cells that will die out, per line now and at the anchor."""
    ratio = p.clone_death_ratio
    growth = math.exp(min(f.age, 700.0))
    dying = ratio * (growth - 1.0) / (growth - ratio)
    return float(dying / (1.0 - dying))


@kernel
def cells_now(rng: NDArray[np.uint64], f: Any, lines: float, p: Any) -> float:
    """Draw the cells of a small growing lesion at its clock, given its lines."""
    trees = lines + f.lines  # each line's branches that die out, from the anchor on
    cells = lines + negative_binomial(rng, trees, trees * others_per_line(f, p))
    if f.doomed > 0.0:  # a clone that is to die out has its rates exchanged
        lasting = 1.0 - p.clone_death_ratio
        cells += draw_size(rng, f.doomed, p.clone_death_ratio / lasting, 1.0 / lasting, f.age)
    return cells


@kernel
def stays_small(f: Any, growth: float, p: Any, traits: Any) -> float:
    """Days from its anchor for which a growing lesion may still return to dormancy."""
    if f.x >= p.log_redormancy_size:
        return 0.0
    return time_between(
        f.x,
        p.log_redormancy_size,
        traits.lesion_rate * growth,
        p.log_tumour_carrying_capacity,
        p.log_growth_hand_over_size,
    )


@kernel
def settle(
    rng: NDArray[np.uint64],
    f: Any,
    time: float,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> None:
    """Bring a lesion to ``time`` under the modifiers that held since its anchor."""
    growth = modifiers[M_GROWTH]
    elapsed = time - f.t0
    if f.state == GROWING:
        if p.redormancy_rate > 0.0:
            f.tire -= p.redormancy_rate * min(elapsed, stays_small(f, growth, p, traits))
        f.x = log_size(f, time, growth, p, traits)
        f.age += traits.net * growth * elapsed
        f.t0 = time
    elif f.state == SHRINKING:
        f.x -= f.kill * elapsed
        f.t0 = time
    elif f.state == FEW:
        birth = traits.birth * growth
        f.lines = draw_surviving_size(rng, f.lines, birth, birth + f.kill, elapsed)
        f.t0 = time  # its extinction is an event of its own, planned by `schedule`
    elif f.state == RESTRICTED:
        eliminate, mutate, environment = exit_rates(f, modifiers, p, traits)
        f.eliminate -= eliminate * (time - f.clock)
        f.mutate -= mutate * (time - f.clock)
        f.environment -= environment * (time - f.clock)
        f.clock = time


@kernel
def cycle(
    rng: NDArray[np.uint64], f: Any, time: float, log10_kill: float, p: Any, traits: Any
) -> None:
    """Kill the cells of a lesion that is at its clock with probability 1 - 10^-``log10_kill``."""
    if log10_kill <= 0.0:
        return
    kept = math.exp(-_LN10 * log10_kill)
    if f.state == FEW:
        f.lines = binomial(rng, f.lines, kept)
        if f.lines <= 0.0:
            f.state, f.ended, f.end_cause, f.next = GONE, time, KILLED, math.inf
    elif f.state == GROWING and f.x < p.log_growth_hand_over_size and f.lines > 0.0:
        lines, before = lines_now(rng, f), f.lines
        others = (lines + before) * others_per_line(f, p) + f.doomed * math.exp(-f.age)
        grow_from_lines(rng, f, time, binomial(rng, lines, kept), p)
        f.doomed = math.floor(kept * others + 0.5)  # their mean: no line comes of them
    elif f.state in (GROWING, SHRINKING):
        cells = math.exp(f.x)
        if cells > _MEAN_KILL_ABOVE:
            cells *= kept
        else:
            cells = binomial(rng, math.floor(cells + 0.5), kept)
        if cells <= 0.0:
            f.state, f.ended, f.end_cause, f.next = GONE, time, KILLED, math.inf
        elif f.state == GROWING:
            grow_from_cells(rng, f, time, math.floor(cells + 0.5), p)
        else:
            f.x = math.log(cells)


@kernel
def adopt(
    rng: NDArray[np.uint64],
    f: Any,
    time: float,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> bool:
    """Start, change or end the cytocidal exposure of a lesion that is at its clock.

    Returns
    -------
    bool
        Whether exposure begins now.
    """
    if f.state not in (GROWING, SHRINKING, FEW):
        return False
    kill = kill_rate(f, modifiers)
    begins = False
    if kill > 0.0 and f.state == GROWING:
        begins = True
        if f.x >= p.log_growth_hand_over_size:
            f.state = SHRINKING
        else:
            lines = lines_now(rng, f)
            cells = 1.0 * math.floor(math.exp(f.x) + 0.5)
            if lines >= 0.0:
                cells = cells_now(rng, f, lines, p)
            f.state, f.lines = FEW, max(1.0, cells)
    elif kill <= 0.0 and f.state == SHRINKING:
        grow_from_cells(rng, f, time, max(1.0, math.floor(math.exp(f.x) + 0.5)), p)
    elif kill <= 0.0 and f.state == FEW:
        grow_from_cells(rng, f, time, f.lines, p)
    f.kill = kill
    return begins


@kernel
def dwindle(f: Any, time: float, p: Any) -> None:
    """Count the cells of a shrinking lesion that has come down to the hand-over size."""
    f.state, f.t0 = FEW, time
    f.lines = math.floor(math.exp(p.log_growth_hand_over_size) + 0.5)


@kernel
def restrict(rng: NDArray[np.uint64], f: Any, time: float) -> None:
    """Hold a lesion at its restricted size."""
    f.state, f.clock, f.t0 = RESTRICTED, time, time
    f.restrict = 0
    f.eliminate, f.mutate, f.environment = exponential(rng), exponential(rng), exponential(rng)


@kernel
def exit_rates(
    f: Any, modifiers: NDArray[np.float64], p: Any, traits: Any
) -> tuple[float, float, float]:
    """Rates at which a restricted lesion is eliminated, or escapes by mutation or environment."""
    er, her2 = sensitive_er(f), f.her2 == 1
    pressure = modifiers[M_IMMUNE]
    eliminate = p.restricted_elimination_rate * pressure + rate(modifiers, M_ELIMINATE, er, her2)
    mutate = (
        p.mhc_low_mutation_rate
        * traits.birth
        * math.exp(p.log_restricted_size)
        * (1.0 - p.clone_death_ratio)
        * nk_sparing(modifiers, p)
    )
    environment = p.escape * factor(modifiers, M_ESCAPE, er, her2) / pressure
    return eliminate, mutate, environment


@kernel
def schedule(
    rng: NDArray[np.uint64],
    f: Any,
    time: float,
    modifiers: NDArray[np.float64],
    p: Any,
    traits: Any,
) -> None:
    """Set the next event of a lesion that is at its clock."""
    f.next, f.event = math.inf, NOTHING
    growth = modifiers[M_GROWTH]
    if f.state == RESTRICTED:
        eliminate, mutate, environment = exit_rates(f, modifiers, p, traits)
        _sooner(f, time + infinite_if_none(max(f.eliminate, 0.0), eliminate), ELIMINATION)
        _sooner(f, time + infinite_if_none(max(f.mutate, 0.0), mutate), ESCAPE_BY_MUTATION)
        wait = infinite_if_none(max(f.environment, 0.0), environment)
        _sooner(f, time + wait, ESCAPE_BY_ENVIRONMENT)
    elif f.state == GROWING:
        if p.redormancy_rate > 0.0:
            wait = max(f.tire, 0.0) / p.redormancy_rate
            if wait < stays_small(f, growth, p, traits):
                _sooner(f, time + wait, RETURN_TO_DORMANCY)
        if f.restrict == 1:
            target, event = p.log_restricted_size, RESTRICTION
        elif f.x < min(p.log_lesion_shedding_onset_size, p.log_detection_size) - 1e-9:
            target, event = p.log_lesion_shedding_onset_size, ONSET
            if p.log_detection_size <= target and f.detected_flag == 0:
                target, event = p.log_detection_size, DETECTION
        elif f.detected_flag == 0:
            target, event = p.log_detection_size, DETECTION
        else:
            return
        if f.x >= target - 1e-9:
            _sooner(f, time, event)
            return
        wait = math.inf
        if growth > 0.0 and traits.lesion_rate > 0.0:
            wait = time_between(
                f.x,
                target,
                traits.lesion_rate * growth,
                p.log_tumour_carrying_capacity,
                p.log_growth_hand_over_size,
            )
        _sooner(f, time + wait, event)
    elif f.state == SHRINKING:
        room = max(0.0, f.x - p.log_growth_hand_over_size)
        _sooner(f, time + infinite_if_none(room, f.kill), DWINDLING)
    elif f.state == FEW:
        birth = traits.birth * growth
        wait = draw_time_to_extinction(rng, f.lines, birth, birth + f.kill)
        _sooner(f, time + wait, KILLED)


@kernel
def _sooner(f: Any, time: float, event: int) -> None:
    """Make this the next event if it comes before the one noted."""
    if time < f.next:
        f.next, f.event = time, event


@kernel
def site(f: Any) -> int:
    """Return 0 for bone, 1 for viscera, 2 for the site of the primary."""
    if f.place == LOCAL:
        return 2
    return 1 if f.place == 2 else 0


@kernel
def is_exposed(f: Any) -> bool:
    """Return whether cytocidal therapy kills the cells of a lesion."""
    return f.state in (SHRINKING, FEW)


@kernel
def is_lesion(f: Any) -> bool:
    """Return whether a lesion is there."""
    return f.state not in (DORMANT, GONE)
