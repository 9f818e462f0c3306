"""The directions in which the fit may move: mechanisms, never outcomes.

Each direction is one number that moves a family of parameters together: a rate or size by its
logarithm, a share by its log-odds. Its prior is normal around the values that the model was first
fitted with, or else those that the set's tables hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrace.catalog import SUBTYPES, calibration, parameter_set
from marrowtrace.catalog.parameter_sets import entered

Array = NDArray[np.float64]
PRIOR_SD = 0.35
WIDEST = 3.0
FIRST_FIT = {"early-breast": "early-breast", "early-breast-reservoir": "early-breast-reservoir"}
"""Calibration whose values are the centre of the prior, by parameter set."""


@dataclass(frozen=True)
class Direction:
    """One free number: ``symbols`` times exp(x), or with log-odds shifted by x."""

    name: str
    symbols: tuple[str, ...]
    share: bool = False
    prior_sd: float = PRIOR_SD


def _all(family: str) -> tuple[str, ...]:
    return tuple(f"{family}.{subtype}" for subtype in SUBTYPES)


def _one(name: str, *, prior_sd: float = PRIOR_SD) -> Direction:
    return Direction(name, (name,), prior_sd=prior_sd)


def _share(name: str, *, prior_sd: float = PRIOR_SD) -> Direction:
    return Direction(name, (name,), share=True, prior_sd=prior_sd)


_ER_POSITIVE, _ER_NEGATIVE = SUBTYPES[:2], SUBTYPES[2:]


def _half(family: str, subtypes: tuple[str, ...], label: str) -> Direction:
    return Direction(f"{family} ({label})", tuple(f"{family}.{s}" for s in subtypes))


DISEASE = (
    _one("node_shedding_slope"),
    _one("node_establishment_slope"),
    _one("shedding_rate_reference"),
    _half("shedding_multiplier", _ER_NEGATIVE, "ER-negative"),
    _one("shedding_log_sd"),
    _one("shedding_size_exponent"),
    _one("blood_burst_log_sd"),
    _one("marrow_lodging_probability"),
    _one("marrow_homing_log_sd"),
    _share("endosteal_share"),
    _one("perivascular_niche_sites"),
    _one("endosteal_niche_sites"),
    _half("perivascular_awakening_rate", _ER_POSITIVE, "ER-positive"),
    _half("perivascular_awakening_rate", _ER_NEGATIVE, "ER-negative"),
    Direction("endosteal_awakening_rate", _all("endosteal_awakening_rate")),
    Direction("perivascular_loss_rate", _all("perivascular_loss_rate")),
    Direction("endosteal_loss_rate", _all("endosteal_loss_rate")),
    _one("perivascular_egress_rate"),
    Direction("visceral_awakening_rate", _all("visceral_awakening_rate")),
    Direction("visceral_loss_rate", _all("visceral_loss_rate")),
    _one("establishment_probability"),
    _one("establishment_log_sd"),
    _half("establishment_multiplier", _ER_NEGATIVE, "ER-negative"),
    _share("restricted_fraction"),
    _one("escape_rate"),
    _one("lesion_shedding_multiplier"),
    _one("ctc_false_positives"),
)
STRUCTURE = {
    "early-breast": _one("visceral_lodging_probability"),
    "early-breast-reservoir": _share("rehoming_probability"),
}
ENDOCRINE = (
    _share("endocrine_awakening_factor"),
    _share("endocrine_escape_factor"),
    _share("endocrine_establishment_factor"),
    _one("endocrine_lesion_kill_rate"),
    _one("endocrine_restricted_elimination_rate"),
    _one("endocrine_dormant_loss_rate"),
    _share("endocrine_resistant_fraction"),
    _one("endocrine_resistance_rate", prior_sd=0.7),
    _one("endocrine_tolerance_rate", prior_sd=0.7),
    _one("endocrine_stopping_rate", prior_sd=0.2),
)


def directions(name: str) -> tuple[Direction, ...]:
    """Return the free directions of a parameter set: 28 of the disease, 10 of endocrine therapy."""
    return (*DISEASE, STRUCTURE[name], *ENDOCRINE)


class Space:
    """The free directions of a parameter set, with their centre and their limits."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.directions = directions(name)
        found, before = parameter_set(name), entered(name)
        fit = calibration(FIRST_FIT[name]).values
        self.centre: Mapping[str, float] = {
            symbol: fit.get(symbol, before.get(symbol, found[symbol].value))
            for direction in self.directions
            for symbol in direction.symbols
        }
        self.prior_sd = np.array([direction.prior_sd for direction in self.directions])
        self.low = np.full(self.prior_sd.size, -WIDEST)
        self.high = np.full(self.prior_sd.size, WIDEST)
        for place, direction in enumerate(self.directions):
            for symbol in direction.symbols:
                low = self._inverse(direction, symbol, found[symbol].low)
                high = self._inverse(direction, symbol, found[symbol].high)
                self.low[place] = max(self.low[place], low)
                self.high[place] = min(self.high[place], high)

    def _inverse(self, direction: Direction, symbol: str, value: float) -> float:
        centre = self.centre[symbol]
        value = min(max(value, 1e-9), 1 - 1e-9) if direction.share else max(value, 1e-12)
        if direction.share:
            return float(np.log(value / (1 - value)) - np.log(centre / (1 - centre)))
        return float(np.log(value / centre))

    def values(self, x: Array) -> dict[str, float]:
        """Return the parameter values at a point, in the unit of each parameter."""
        out = {}
        for direction, shift in zip(self.directions, x, strict=True):
            for symbol in direction.symbols:
                centre = self.centre[symbol]
                if direction.share:
                    odds = centre / (1 - centre) * np.exp(shift)
                    out[symbol] = float(odds / (1 + odds))
                else:
                    out[symbol] = float(centre * np.exp(shift))
        return out

    def point(self, values: Mapping[str, float]) -> Array:
        """Return the point whose first symbol of each direction has these values."""
        return np.array(
            [self._inverse(d, d.symbols[0], values[d.symbols[0]]) for d in self.directions]
        )
