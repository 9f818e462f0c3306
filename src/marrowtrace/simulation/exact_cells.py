"""The twin's shed cells: each followed alone through niches, receptor flips and dormancy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marrowtrace.simulation.exact_environment import MARROW, Environment

PLACES = ("perivascular", "endosteal", "free", "visceral", "local")


@dataclass(slots=True, eq=False)
class Cell:
    """One disseminated cell; ``wait`` is what is left of its dormancy in operational time [day]."""

    place: str
    origin: str
    shed: float
    er: bool
    her2: bool
    mhc_low: bool
    cluster: bool
    phenotype: int
    since: float
    tolerant: bool = False
    via_marrow: bool = False
    wait: float = math.inf
    pace: float = 0.0
    phenotype_day: float = 0.0
    aloft: bool = False
    stamp: int = 0

    @property
    def sensitive(self) -> bool:
        """Whether endocrine therapy acts on it."""
        return self.er and not self.tolerant


def draw_wait(rng: np.random.Generator, law: str, rate: float, n: Mapping[str, float]) -> float:
    """Draw a dormancy of mean 1/``rate`` [day] in operational time; infinite at rate 0."""
    if rate <= 0.0:
        return math.inf
    if law == "weibull":
        shape = n["dormancy_shape"]
        return float(rng.weibull(shape)) / (rate * math.gamma(1.0 + 1.0 / shape))
    if law == "lognormal":
        spread = n["dormancy_log_sd"]
        return math.exp(spread * rng.standard_normal() - 0.5 * spread**2) / rate
    if law == "erlang":
        phases = round(n["dormancy_phases"])
        return sum(float(rng.standard_exponential()) for _ in range(phases)) / (phases * rate)
    return float(rng.standard_exponential()) / rate


def awakening_rate(place: str, n: Mapping[str, float]) -> float:
    """Return the rate at which cells of ``place`` awaken at operational speed 1 [1/day]."""
    name = place if place in MARROW else "visceral"
    return n[f"{name}_awakening_rate"]


def next_step(
    rng: np.random.Generator, cell: Cell, now: float, environment: Environment
) -> tuple[float, str]:
    """Draw what happens next to a cell that has settled, if nothing around it changes.

    Returns
    -------
    tuple of float and str
        Day, and ``"lost"``, ``"egress"``, ``"awakening"``, ``"er"``, ``"her2"`` or ``"tolerance"``.
    """
    n, sensitive = environment.numbers, cell.sensitive
    loss, egress, cell.pace = environment.rates(cell.place, sensitive, cell.her2)
    awake = now + cell.wait / cell.pace if cell.pace > 0.0 else math.inf
    cell.since = now
    er = n["er_loss_rate"] if cell.er else n["er_gain_rate"]
    her2 = n["her2_loss_rate"] if cell.her2 else n["her2_gain_rate"]
    exposed = environment.exposed_to_endocrine and sensitive
    tolerance = n["endocrine_tolerance_rate"] if exposed else 0.0
    total = loss + egress + er + her2 + tolerance
    if total <= 0.0:
        return awake, "awakening"
    when = now + rng.standard_exponential() / total
    if awake <= when:
        return awake, "awakening"
    point = rng.random() * total
    for kind, rate in (("egress", egress), ("er", er), ("her2", her2), ("tolerance", tolerance)):
        if point < rate:
            return when, kind
        point -= rate
    return when, "lost"


def spend(cell: Cell, now: float) -> None:
    """Let the dormancy of a cell pass up to ``now``."""
    if cell.pace > 0.0:
        cell.wait -= cell.pace * (now - cell.since)
    cell.since = now


def phenotype_at(rng: np.random.Generator, cell: Cell, now: float, n: Mapping[str, float]) -> int:
    """Return the phenotype of a cell at ``now``: 0 epithelial, 1 hybrid, 2 mesenchymal.

    In marrow it is moved there switch by switch; elsewhere it stays.
    """
    up, down = n["mesenchymal_transition_rate"], n["epithelial_transition_rate"]
    if cell.place in MARROW:
        left = now - cell.phenotype_day
        while True:
            rise, fall = up * (cell.phenotype < 2), down * (cell.phenotype > 0)
            if rise + fall <= 0.0:
                break
            left -= rng.standard_exponential() / (rise + fall)
            if left <= 0.0:
                break
            cell.phenotype += 1 if rng.random() * (rise + fall) < rise else -1
    cell.phenotype_day = now
    return cell.phenotype
