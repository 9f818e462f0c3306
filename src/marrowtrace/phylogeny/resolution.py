"""What would resolve it: how often a verdict would be given, and right, with other data.

Patients are drawn from the model of departures, linear and parallel alike, with the trunk, the
cells and the errors of the data at hand or of a larger study, and judged as real ones are. The
trunk is taken as known, so the figures are somewhat too good where few cells of the primary were
read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from marrowtrace.errors import CohortError, ProblemList
from marrowtrace.phylogeny.departure import DepartureModel, departure, unseen_part

if TYPE_CHECKING:
    import polars as pl

_REPLICATES = 200
_MOST_TRUNK = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How a lineage and the primary are looked at.

    Parameters
    ----------
    trunk : int
        Mutations of the trunk that are read, 0 or more.
    units : int
        Cells of the lineage, or bulk samples, 1 or more.
    primary_units : int
        Cells of the primary, or samples of it, 1 or more.
    tissue : bool
        Whether these are bulk samples.
    false_positive, false_negative : float
        Of a call in one cell or sample.
    missing : float
        Share of calls that are missing, 0 to below 1.

    Raises
    ------
    CohortError
        Listing every number out of range.
    """

    trunk: int
    units: int
    primary_units: int
    tissue: bool
    false_positive: float
    false_negative: float
    missing: float = 0.0

    def __post_init__(self) -> None:
        problems = ProblemList()
        for name, value, low in (("trunk", self.trunk, 0), ("units", self.units, 1),
                                 ("primary_units", self.primary_units, 1)):  # fmt: skip
            if value < low:
                problems.add(name, f"{value!r} is out of range; give {low} or more")
        for name, share in (("false_positive", self.false_positive),
                            ("false_negative", self.false_negative)):  # fmt: skip
            if not 0.0 < share < 0.5:
                problems.add(name, f"{share!r} is out of range; give above 0 to below 0.5")
        if not 0.0 <= self.missing < 1.0:
            problems.add("missing", f"{self.missing!r} is out of range; give 0 to below 1")
        problems.raise_any(CohortError, "the design")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What a design promises.

    Parameters
    ----------
    plan : str
        What is done otherwise.
    design : Design
    linear, parallel : float
        Share of linear and of parallel patients that get the right verdict.
    right : float
        Share of the verdicts given that are right; NaN if none was given.
    """

    plan: str
    design: Design
    linear: float
    parallel: float
    right: float


def prospects(
    rng: np.random.Generator,
    design: Design,
    *,
    threshold: float = 0.9,
    replicates: int = _REPLICATES,
) -> tuple[Prospect, ...]:
    """Simulate the design at hand and others that might tell more.

    Parameters
    ----------
    rng : numpy.random.Generator
    design : Design
    threshold : float
        Support from which a verdict is given.
    replicates : int
        Simulated patients for each plan, half of them linear.
    """
    return tuple(
        _prospect(rng, plan, each, threshold, replicates) for plan, each in plans(design).items()
    )


def plans(design: Design) -> dict[str, Design]:
    """Return the design at hand and others, by what is done otherwise."""
    unit = "samples" if design.tissue else "cells"
    found = {"as it is": design}
    for times in (2, 4):
        trunk = min(_MOST_TRUNK, max(1, times * design.trunk))
        found[f"{times} x as many mutations read"] = replace(design, trunk=trunk)
    found[f"4 x as many {unit} of the lineage"] = replace(design, units=4 * design.units)
    found["half the dropout (deeper or better coverage)"] = replace(
        design, false_negative=0.5 * design.false_negative, missing=0.5 * design.missing
    )
    more = 4 if design.tissue else 4 * design.primary_units
    if more > design.primary_units:
        found[f"{more} {unit} of the primary"] = replace(design, primary_units=more)
        trunk = min(_MOST_TRUNK, max(1, 4 * design.trunk))
        found[f"{more} {unit} of the primary and 4 x as many mutations"] = replace(
            design, primary_units=more, trunk=trunk
        )
    return found


def prospect_table(found: tuple[Prospect, ...]) -> pl.DataFrame:
    """Return one row a plan."""
    import polars as pl

    return pl.DataFrame(
        [
            {
                "plan": each.plan,
                "trunk": each.design.trunk,
                "linear": each.linear,
                "parallel": each.parallel,
                "right": each.right,
            }
            for each in found
        ],
        infer_schema_length=None,
    )


def to_json(found: tuple[Prospect, ...]) -> list[dict[str, Any]]:
    """Return the plans as plain values, null for a share of nothing."""
    return prospect_table(found).fill_nan(None).to_dicts()


def _prospect(
    rng: np.random.Generator, plan: str, design: Design, threshold: float, replicates: int
) -> Prospect:
    model = DepartureModel(unseen=unseen_part(design.primary_units, tissue=design.tissue))
    role = np.tile([1.0, 0.0, 0.0], (design.trunk, 1))
    number = max(1, replicates // 2)
    given, right = np.zeros(2, int), np.zeros(2, int)
    for early in (0, 1):
        for _ in range(number):
            odds = _drawn(rng, design, model, early=bool(early))
            chance = departure(odds, role, model).early
            given[early] += max(chance, 1.0 - chance) >= threshold
            right[early] += (chance if early else 1.0 - chance) >= threshold
    total = int(given.sum())
    return Prospect(
        plan=plan,
        design=design,
        linear=float(right[0] / number),
        parallel=float(right[1] / number),
        right=float(right.sum() / total) if total else float("nan"),
    )


def _drawn(
    rng: np.random.Generator, design: Design, model: DepartureModel, *, early: bool
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Log-odds of the trunk mutations in a lineage that left early or late."""
    loss = rng.beta(model.loss_mean * model.loss_weight, (1 - model.loss_mean) * model.loss_weight)
    looks_early = early or rng.random() < model.unseen
    share = rng.random() if looks_early else 1.0 - loss
    carried = rng.random(design.trunk) < share
    known = rng.binomial(design.units, 1.0 - design.missing, design.trunk)
    chance = np.where(carried, 1.0 - design.false_negative, design.false_positive)
    called = rng.binomial(known, chance)
    fp, fn = design.false_positive, design.false_negative
    return np.asarray(called * np.log((1.0 - fn) / fp) + (known - called) * np.log(fn / (1.0 - fp)))
