"""What the linear model gives by quadrature: a third way, independent of both programs.

Every patient alike (no spread between patients), surgery at day 0, no therapy, no shedding by
lesions: then arrivals are a Poisson process, and everything after it thins or shifts that process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from marrowtrace.simulation.exact_environment import canonical
from marrowtrace.simulation.scenario import Scenario

SUBTYPE = "er_pos_her2_neg"
ALIKE: dict[str, float] = {
    "subtype_prevalence.er_pos_her2_neg": 1.0,
    "subtype_prevalence.er_pos_her2_pos": 0.0,
    "subtype_prevalence.er_neg_her2_pos": 0.0,
    "subtype_prevalence.triple_negative": 0.0,
    "diameter_at_diagnosis_log_sd": 0.0,
    "shedding_log_sd": 0.0,
    "marrow_homing_log_sd": 0.0,
    "visceral_homing_log_sd": 0.0,
    "establishment_log_sd": 0.0,
    "primary_growth_log_sd": 0.0,
    "lesion_growth_log_sd": 0.0,
    "mesenchymal_log_sd": 0.0,
    "age_sd": 0.0,
    "other_death_rate": 0.0,
    "ctc_half_life": 0.01,
    "perivascular_niche_sites": 1e9,
    "endosteal_niche_sites": 1e9,
}
"""Values that make all patients alike, and niches without limit."""

_POINTS = 6001


class Linear:
    """The linear model of one scenario whose patients are alike.

    Parameters
    ----------
    scenario : Scenario
    """

    def __init__(self, scenario: Scenario) -> None:
        self.n: Mapping[str, float] = canonical(scenario.parameters, SUBTYPE)
        self.dormancy = scenario.dormancy
        n = self.n
        volume = math.pi / 6.0 * n["diameter_at_diagnosis_median"] ** 3 / 1000.0  # mL
        self.size = min(n["tumour_cell_density"] * volume, n["tumour_size_at_diagnosis_max"])
        self.plateau = math.log(n["tumour_carrying_capacity"])
        gap = (self.plateau - math.log(n["shedding_onset_size"])) / (
            self.plateau - math.log(self.size)
        )
        self.onset = -math.log(gap) / n["primary_growth_rate"]

    def flux(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cells shed per day on ``days``, all before surgery."""
        n = self.n
        gap = (self.plateau - math.log(self.size)) * np.exp(-n["primary_growth_rate"] * days)
        size = np.exp(self.plateau - gap)
        rate = (
            n["shedding_rate_reference"]
            * n["shedding_multiplier"]
            * (size / n["reference_tumour_size"]) ** n["shedding_size_exponent"]
        )
        flux = np.minimum(rate, n["shedding_cap_per_cell"] * size)
        return np.where((days >= self.onset) & (days <= 0.0), flux, 0.0)

    def arrival_share(self, place: str) -> float:
        """Return the share of shed cells that settle in ``place``."""
        n = self.n
        return {
            "perivascular": n["marrow_lodging_probability"] * (1.0 - n["endosteal_share"]),
            "endosteal": n["marrow_lodging_probability"] * n["endosteal_share"],
            "visceral": n["visceral_lodging_probability"],
        }[place]

    def exit_rate(self, place: str) -> float:
        """Return the rate of loss and of egress without return [1/day]."""
        n = self.n
        rate = n[f"{place}_loss_rate"]
        if place != "visceral":
            rate += n[f"{place}_egress_rate"] * (1.0 - n["rehoming_probability"])
        return rate

    def still_dormant(self, place: str, ages: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that a cell has not awakened at ``ages`` [day]."""
        rate, n = self.n[f"{place}_awakening_rate"], self.n
        ages = np.maximum(ages, 0.0)
        law = {
            "exponential": lambda: stats.expon(scale=1.0 / rate),
            "weibull": lambda: stats.weibull_min(
                n["dormancy_shape"],
                scale=1.0 / (rate * special.gamma(1.0 + 1.0 / n["dormancy_shape"])),
            ),
            "lognormal": lambda: stats.lognorm(
                n["dormancy_log_sd"], scale=math.exp(-0.5 * n["dormancy_log_sd"] ** 2) / rate
            ),
            "erlang": lambda: stats.gamma(
                n["dormancy_phases"], scale=1.0 / (rate * n["dormancy_phases"])
            ),
        }[self.dormancy]()
        return np.asarray(law.sf(ages))

    def pool(self, place: str, day: float) -> float:
        """Return the mean cells of the primary in ``place`` on ``day``."""
        days = np.linspace(self.onset, min(0.0, day), _POINTS)
        stay = np.exp(-self.exit_rate(place) * (day - days))
        here = self.flux(days) * stay * self.still_dormant(place, day - days)
        return float(np.trapezoid(self.arrival_share(place) * here, days))

    def via_marrow(self, day: float) -> float:
        """Return the mean cells in viscera that came by way of marrow, on ``day``."""
        n = self.n
        days = np.linspace(self.onset, day, 301)
        settling = min(1.0, n["visceral_lodging_of_egressed"]) * (1.0 - n["rehoming_probability"])
        coming = settling * sum(
            n[f"{niche}_egress_rate"] * np.array([self.pool(niche, d) for d in days])
            for niche in ("perivascular", "endosteal")
        )
        stay = np.exp(-self.exit_rate("visceral") * (day - days))
        return float(np.trapezoid(coming * stay * self.still_dormant("visceral", day - days), days))

    def ctc(self, day: float) -> float:
        """Return the mean single cells of the primary in the blood on ``day`` <= 0."""
        stay = self.n["ctc_half_life"] / math.log(2.0)
        days = np.linspace(day - 40.0 * stay, day, 4001)
        return float(np.trapezoid(self.flux(days) * np.exp(-(day - days) / stay), days))

    def awakenings(self, place: str, grid: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rate at which cells of ``place`` awaken on the days of ``grid`` [1/day]."""
        step = grid[1] - grid[0]
        ages = np.arange(grid.size) * step
        survival = self.still_dormant(place, ages)
        density = -np.gradient(survival, step) * np.exp(-self.exit_rate(place) * ages)
        density[0] *= 0.5
        arrivals = self.arrival_share(place) * self.flux(grid)
        return np.asarray(np.convolve(arrivals, density)[: grid.size] * step)

    def delay_cdf(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return P(an established clone is detectable within ``days``), by its limit law.

        The size of a clone that survives is W exp(r_0 t) once large, W exponential with mean
        1/(1 - ratio); from N_c on it grows by Gompertz' law.
        """
        n = self.n
        corner = math.log(n["growth_hand_over_size"])
        span = self.plateau - corner
        rate = n["lesion_growth_rate"]
        rest = math.log(span / (self.plateau - math.log(n["detection_size"]))) / rate
        log_w = corner - rate * span * (days - rest)
        w = np.exp(np.clip(log_w, -700.0, 700.0))
        return np.where(days > rest, np.exp(-w * (1.0 - n["clone_death_ratio"])), 0.0)

    def relapse_free(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of no distant relapse up to ``days`` >= 0.

        Cells that settle in viscera after a stay in marrow must be excluded by the scenario.
        """
        grid = np.arange(self.onset, float(days.max()) + 1.0, 1.0)
        founded = sum(
            self.awakenings(place, grid) for place in ("perivascular", "endosteal", "visceral")
        )
        founded = np.asarray(founded) * self.n["establishment_probability"]
        within = self.delay_cdf(np.arange(grid.size, dtype=np.float64))
        detected = np.convolve(founded, within)[: grid.size]
        return np.exp(-np.interp(days, grid, detected))
