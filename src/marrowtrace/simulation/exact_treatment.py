"""What therapies do in the twin at one moment: the kill at a start, and the cycles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from marrowtrace.simulation.exact_cells import phenotype_at
from marrowtrace.simulation.exact_environment import MARROW, Course
from marrowtrace.simulation.exact_lesions import Lesion

if TYPE_CHECKING:
    from marrowtrace.simulation.exact_life import Life


def begin(life: Life, course: Course) -> None:
    """Kill in marrow and at the site of the primary, and bring what a graft holds."""
    effects = course.therapy.effects
    if effects.get("marrow_log_kill", 0.0) > 0.0:
        _kill_cells(life, (*MARROW, "free"), 10.0 ** -effects["marrow_log_kill"])
    for _ in range(life.rng.poisson(effects.get("graft_cells", 0.0))):
        cell = life.blood.new_cell(life.now, "primary", cluster=False)
        cell.place = "marrow"
        life.lodge(cell, finds_site=True)
    if effects.get("local_log_kill", 0.0) > 0.0:
        _kill_cells(life, ("local",), 10.0 ** -effects["local_log_kill"])
        for lesion in life.out.lesions:
            if lesion.place == "local" and lesion.state in {"small", "large"}:
                _hit(life, lesion, effects["local_log_kill"])


def _kill_cells(life: Life, places: tuple[str, ...], survival: float) -> None:
    """Leave each dormant cell of some places alive with probability ``survival``."""
    for cell in list(life.cells):
        if not cell.aloft and cell.place in places and life.rng.random() >= survival:
            life.remove(cell)


def cycle(life: Life, course: Course) -> None:
    """Kill dormant cells, cells of growing lesions, and restricted lesions as a whole."""
    effects, n, rng = course.therapy.effects, life.n, life.rng
    log_kill = life.traits.log_kill * effects.get("log_kill", 0.0)
    dormant = effects.get("dormant_kill", 0.0)
    protection = n["mesenchymal_protection"]
    average = 1.0 - n["epithelial_share_shed"] - n["hybrid_share_shed"]
    mobilised = effects.get("mobilised_kill", 0.0)
    more = max(0.0, life.environment.level("egress") - 1.0)  # in the day of the cycle
    for cell in list(life.cells) if dormant + mobilised > 0.0 else []:
        if cell.aloft:
            continue
        kill = dormant
        if cell.place in MARROW and protection > 0.0:
            spared = protection * (phenotype_at(rng, cell, life.now, n) == 2)
            kill *= (1.0 - spared) / (1.0 - protection * average)
        if cell.place in MARROW:
            moved = -math.expm1(-n[f"{cell.place}_egress_rate"] * more)
            kill += (1.0 - kill) * moved * mobilised
        if rng.random() < kill:
            life.remove(cell)
    if life.primary is not None and log_kill > 0.0:
        life.primary.restart(life.now, size=math.exp(life.primary.log_size) * 10.0**-log_kill)
        if life.primary.log_size < 0.0:
            life.primary = None
    whole = effects.get("restricted_kill", 0.0) * life.traits.log_kill
    whole = min(1.0, whole / (2.0 * n["chemotherapy_log_kill_mean"]))
    for lesion in life.out.lesions:
        if lesion.state == "restricted":
            if rng.random() < whole:
                life.end_lesion(lesion, "killed")
        elif lesion.state != "gone" and log_kill > 0.0:
            _hit(life, lesion, log_kill)


def _hit(life: Life, lesion: Lesion, log_kill: float) -> None:
    """Kill cells of a lesion."""
    lesion.hit(life.rng, log_kill)
    if lesion.state == "small" and lesion.sure + lesion.plain == 0:
        life.end_lesion(lesion, "killed")
