"""What the twin knows of a patient's surroundings: numbers, therapies taken, and their effects now.

Written from the definition of the model alone, in plain Python; see `marrowtrace.simulation.exact`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from marrowtrace.parameters import ParameterSet
from marrowtrace.simulation.effects import (
    ALL_EFFECTS,
    CELL_EFFECTS,
    FACTORS,
    HOMING_EFFECTS,
    TARGETS,
    neutral,
)
from marrowtrace.simulation.therapy import Therapy

SUBTYPES = ("er_pos_her2_neg", "er_pos_her2_pos", "er_neg_her2_pos", "triple_negative")
MARROW = ("perivascular", "endosteal")


def canonical(values: ParameterSet, subtype: str) -> dict[str, float]:
    """Return every number of the set in canonical units, those by subtype under the family name."""
    numbers: dict[str, float] = {}
    for symbol, parameter in values.items():
        family, _, member = symbol.partition(".")
        if not member or member == subtype:
            numbers[family] = parameter.canonical
    return numbers


@dataclass(slots=True)
class Course:
    """One therapy as one patient takes it, from ``start`` to ``stop`` [day]."""

    therapy: Therapy
    start: float
    stop: float
    active: bool = False


class Environment:
    """The effects of the therapies under way, and what follows from them for rates.

    Constant between two edges of therapies, surgery, the end of its stress, and (with memory of
    the immune system) the coming and going of restricted lesions.

    Parameters
    ----------
    numbers : mapping of str to float
        The parameters of the patient's subtype, canonical units.
    mesenchymal : float
        Share of the patient's shed cells that are mesenchymal.

    Attributes
    ----------
    homing, homing_of_return : float
        H and H / H_ref, both without the readiness of the niche.
    blood_death : float
        D, the death rate in the blood relative to the reference.
    """

    def __init__(self, numbers: Mapping[str, float], mesenchymal: float) -> None:
        self.numbers = numbers
        self.mesenchymal = mesenchymal
        self.stress = False
        self.restricted_cells = 0.0
        self.relapsed = False
        self.update([])

    def update(self, courses: list[Course]) -> None:
        """Combine the effects of the courses that are active."""
        self._rates: dict[tuple[str, bool, bool], tuple[float, float, float]] = {}
        self._effects = {(name, t): neutral(name) for name in ALL_EFFECTS for t in TARGETS}
        self.exposed_to_endocrine = False
        for course in courses:
            if not course.active:
                continue
            target = course.therapy.acts_on
            self.exposed_to_endocrine |= target == "er_positive"
            for name, value in course.therapy.effects.items():
                key = (name, target if name in CELL_EFFECTS else "all")
                if name in FACTORS:
                    self._effects[key] *= value
                else:
                    self._effects[key] += value
        self.homing_of_return = math.prod(self.level(name) for name in HOMING_EFFECTS)
        self.homing = self.homing_of_return * math.prod(self.numbers[x] for x in HOMING_EFFECTS)
        self.blood_death = self._blood_death()

    def level(self, name: str) -> float:
        """Return an effect on the patient."""
        return self._effects[name, "all"]

    def on_cell(self, name: str, er_sensitive: bool, her2: bool) -> float:
        """Return an effect on a cell that is or is not ER+ and not tolerant, HER2+."""
        reach = [(name, "all")]
        if er_sensitive:
            reach.append((name, "er_positive"))
        if her2:
            reach.append((name, "her2_positive"))
        values = [self._effects[key] for key in reach]
        return math.prod(values) if name in FACTORS else math.fsum(values)

    @property
    def nk(self) -> float:
        """Activity of NK cells relative to the reference."""
        return self.level("nk")

    def _blood_death(self) -> float:
        """D, the death rate in the blood relative to the reference."""
        n = self.numbers
        population = 1.0 - n["epithelial_share_shed"] - n["hybrid_share_shed"]
        anoikis = (1.0 - n["anoikis_protection"] * self.mesenchymal) / (
            1.0 - n["anoikis_protection"] * population
        )
        coat, protection = n["platelet_coat_fraction"], n["platelet_protection"]
        coated = min(1.0, coat * self.level("platelet_coat"))
        platelets = (1.0 - protection * coated) / (1.0 - protection * coat)
        return (
            n["shear_death_share"]
            + n["anoikis_death_share"] * anoikis
            + n["nk_death_share"] * self.nk * platelets
        )

    @property
    def site_chance(self) -> float:
        """Chance of a site apart from (1 - D/K): 1 until a therapy moves stem cells."""
        n = self.numbers
        normal, displaced = n["haematopoietic_occupancy"], n["displacement_probability"]
        held = min(1.0, normal * self.level("haematopoietic_occupancy"))
        return (1.0 - held * (1.0 - displaced)) / (1.0 - normal * (1.0 - displaced))

    @property
    def immune_pressure(self) -> float:
        """I relative to the catalogue's levels without restricted lesions."""
        n = self.numbers
        burden = self.restricted_cells
        memory = 1.0 + n["memory_gain"] * burden / (burden + n["memory_half_burden"])
        normal = n["suppressor_level"]
        suppression = (1.0 + normal + self.level("suppressor")) / (1.0 + normal)
        return max(self.level("effector") * memory / suppression, 1e-9)

    @property
    def lesion_speed(self) -> float:
        """Growth of lesions relative to their own rate."""
        slowed = self.numbers["relapse_growth_factor"] if self.relapsed else 1.0
        return self.level("lesion_growth") * slowed

    @property
    def mhc_low_odds(self) -> float:
        """How often an MHC-low clone establishes, relative to others."""
        return 1.0 / (1.0 + (self.numbers["nk_kill_multiplier"] - 1.0) * self.nk)

    def rates(self, place: str, er_sensitive: bool, her2: bool) -> tuple[float, float, float]:
        """Return the rates of loss and egress [1/day] of a dormant cell, and A, its speed."""
        key = (place, er_sensitive, her2)
        found = self._rates.get(key)
        if found is None:
            found = self._rates[key] = self._dormant(place, er_sensitive, her2)
        return found

    def _dormant(self, place: str, er_sensitive: bool, her2: bool) -> tuple[float, float, float]:
        """Loss, egress and speed, from their factors."""
        n = self.numbers
        if place == "free":
            return n["free_loss_rate"], 0.0, 0.0
        pace = self._pace(place, er_sensitive, her2)
        if place not in MARROW:
            added = self.on_cell("visceral_loss", er_sensitive, her2)
            return n["visceral_loss_rate"] + added, 0.0, pace
        added = self.on_cell("marrow_loss", er_sensitive, her2)
        egress = n[f"{place}_egress_rate"] * self.level("egress")
        return n[f"{place}_loss_rate"] + added, egress, pace

    def _pace(self, place: str, er_sensitive: bool, her2: bool) -> float:
        """A, from its factors."""
        if place not in MARROW:
            return self.on_cell("visceral_awakening", er_sensitive, her2)
        n = self.numbers
        pace = self.on_cell("marrow_awakening", er_sensitive, her2) * self._gain(
            n["awakening_norepinephrine_gain"],
            n["norepinephrine_level"],
            (n["norepinephrine_level"] + self.stress * n["surgery_stress_level"])
            * self.level("norepinephrine"),
        )
        if place == "perivascular":
            sprouting = n["sprouting_level"]
            gain = self._gain(
                n["awakening_sprouting_gain"], sprouting, sprouting + self.level("sprouting")
            )
            return pace * gain * self._hold("tsp1")
        osteoclasts = n["osteoclast_level"]
        pace *= self._gain(
            n["awakening_osteoclast_gain"], osteoclasts, osteoclasts + self.level("osteoclast")
        )
        return pace * self._hold("tgfb2") * self._hold("gas6_axl") * self._hold("osteoclast_tgfb")

    def _gain(self, gain: float, reference: float, level: float) -> float:
        """(1 + g l) / (1 + g l_0)."""
        return (1.0 + gain * level) / (1.0 + gain * reference)

    def _hold(self, name: str) -> float:
        """(1 - h l) / (1 - h), never below 0."""
        hold = self.numbers[f"{name}_hold"]
        level = self.numbers[f"{name}_level"] * self.level(name)
        return max(0.0, 1.0 - hold * level) / (1.0 - hold)
