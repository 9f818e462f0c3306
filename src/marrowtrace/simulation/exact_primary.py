"""The twin's patient and primary tumour: traits, growth and flux, each from its own formula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.simulation.exact_environment import SUBTYPES


@dataclass(slots=True, kw_only=True)
class Traits:
    """What distinguishes one patient from another; section 1 of the definition."""

    subtype: str
    age: float
    diameter: float
    size: float
    shedding: float
    marrow: float
    visceral: float
    establishment: float
    primary_growth: float
    lesion_growth: float
    node_positive: bool
    log_kill: float
    mesenchymal: float

    @property
    def er(self) -> bool:
        """Whether the tumour is ER+."""
        return self.subtype in SUBTYPES[:2]

    @property
    def her2(self) -> bool:
        """Whether the tumour is HER2+."""
        return self.subtype in SUBTYPES[1:3]


def draw_subtype(rng: np.random.Generator, prevalence: Mapping[str, float]) -> str:
    """Draw the subtype of a patient by prevalence, which need not sum to 1."""
    weights = np.array([prevalence[name] for name in SUBTYPES])
    return SUBTYPES[int(rng.choice(len(SUBTYPES), p=weights / weights.sum()))]


def draw_traits(rng: np.random.Generator, subtype: str, n: Mapping[str, float]) -> Traits:
    """Draw the traits of a patient of ``subtype``.

    Parameters
    ----------
    rng : numpy.random.Generator
    subtype : str
    n : mapping of str to float
        The parameters of that subtype, canonical units.
    """
    z = np.concatenate([[0.0], rng.standard_normal(9)])  # z[1] to z[9] as on the page
    diameter = n["diameter_at_diagnosis_median"] * math.exp(
        n["diameter_at_diagnosis_log_sd"] * z[1]
    )
    per_volume = n["tumour_cell_density"] / 1000.0  # cells per mm3
    size = min(per_volume * math.pi / 6.0 * diameter**3, n["tumour_size_at_diagnosis_max"])
    logit = (
        n["node_intercept"]
        + n["node_size_slope"] * math.log(size / n["reference_tumour_size"])
        + n["node_shedding_slope"] * z[2]
        + n["node_establishment_slope"] * z[5]
    )
    mesenchymal = 1.0 - n["epithelial_share_shed"] - n["hybrid_share_shed"]
    if mesenchymal < 1.0:
        odds = mesenchymal / (1.0 - mesenchymal) * math.exp(n["mesenchymal_log_sd"] * z[9])
        mesenchymal = odds / (1.0 + odds)
    log_kill = n["chemotherapy_log_kill_mean"] + n["chemotherapy_log_kill_sd"] * z[8]
    return Traits(
        subtype=subtype,
        age=rng.normal(n["age_mean"], n["age_sd"]),
        diameter=diameter,
        size=size,
        shedding=n["shedding_rate_reference"]
        * n["shedding_multiplier"]
        * math.exp(n["shedding_log_sd"] * z[2]),
        marrow=min(
            0.95, n["marrow_lodging_probability"] * math.exp(n["marrow_homing_log_sd"] * z[3])
        ),
        visceral=min(
            0.95, n["visceral_lodging_probability"] * math.exp(n["visceral_homing_log_sd"] * z[4])
        ),
        establishment=n["establishment_probability"]
        * n["establishment_multiplier"]
        * math.exp(n["establishment_log_sd"] * z[5]),
        primary_growth=n["primary_growth_rate"] * math.exp(n["primary_growth_log_sd"] * z[6]),
        lesion_growth=n["lesion_growth_rate"] * math.exp(n["lesion_growth_log_sd"] * z[7]),
        node_positive=bool(rng.random() < 1.0 / (1.0 + math.exp(-logit))),
        log_kill=max(n["chemotherapy_log_kill_min"], log_kill),
        mesenchymal=mesenchymal,
    )


class Bulk:
    """Cells in numbers that leave nothing to chance.

    They grow at b ln(K/N_c) below N_c cells and at b ln(K/N) above; exposed to a therapy that
    kills at rate c they do not grow, but shrink as exp(-ct).
    """

    def __init__(self, rate: float, n: Mapping[str, float], *, size: float, start: float) -> None:
        self._plateau = math.log(n["tumour_carrying_capacity"])
        self._corner = math.log(n["growth_hand_over_size"])
        self.rate = rate
        self.kill = 0.0
        self.log_size = math.log(size)
        self.start = start

    def size(self, times: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the size at ``times`` [day], before or after the anchor."""
        times = np.asarray(times, dtype=np.float64)
        passed = times - self.start
        if self.kill > 0.0:
            return np.exp(self.log_size - self.kill * passed)
        if self.rate <= 0.0:
            return np.full_like(passed, math.exp(self.log_size))
        span = self._plateau - self._corner
        age = passed + self._age(self.log_size)  # from the corner, negative below it
        below = self._corner + self.rate * span * np.minimum(age, 0.0)
        above = self._plateau - span * np.exp(-self.rate * np.maximum(age, 0.0))
        return np.exp(np.where(age < 0.0, below, above))

    def largest(self, start: float, stop: float) -> float:
        """Return the largest size from ``start`` to ``stop`` [day]."""
        return float(self.size(np.array([start, stop])).max())

    def time_to(self, size: float) -> float:
        """Return the day on which the size is ``size``; infinity if never from now on."""
        target = math.log(size)
        if self.kill > 0.0:
            return self.start + (self.log_size - target) / self.kill
        if self.rate <= 0.0 or target >= self._plateau:
            return math.inf
        return self.start + self._age(target) - self._age(self.log_size)

    def _age(self, log_size: float) -> float:
        """Time from the corner at which the size is that, negative below the corner."""
        span = self._plateau - self._corner
        if log_size < self._corner:
            return (log_size - self._corner) / (self.rate * span)
        return math.log(span / max(self._plateau - log_size, 1e-12)) / self.rate

    def restart(self, start: float, *, size: float | None = None) -> None:
        """Anchor at ``start``, with the size of then or with ``size``."""
        now = float(self.size(start)) if size is None else size
        self.log_size, self.start = math.log(max(now, 1e-300)), start
