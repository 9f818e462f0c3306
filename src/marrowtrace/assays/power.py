"""How much there must be for an assay to find it, by amount examined and number of aspirates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import optimize

from marrowtrace.assays.assay import Assay
from marrowtrace.assays.burden import Burden
from marrowtrace.assays.law import detection_probability
from marrowtrace.errors import ParameterError, ProblemList

SENSITIVITIES = (0.5, 0.95)
_GRID = 61
_MOST_CELLS = 1e14


@dataclass(frozen=True, slots=True, eq=False)
class Power:
    """Detection probability of an assay against the true burden.

    Parameters
    ----------
    assay : Assay
    rows : DataFrame
        ``amount``, ``aspirates``, ``examined``, ``cells``, ``probability``: one row a combination.
    detectable : DataFrame
        ``amount``, ``aspirates``, ``examined``, ``sensitivity``, ``cells`` (the burden found with
        that probability; null where none is), ``false_positive`` (probability without any cell).
    curves : DataFrame
        As ``rows``, on a grid fine enough to draw.
    phenotype : tuple of float
        Shares epithelial, hybrid, mesenchymal of the cells.
    burst_log_sd : float
        Log-sd of the level of the blood between draws.
    """

    assay: Assay
    rows: pl.DataFrame
    detectable: pl.DataFrame
    curves: pl.DataFrame
    phenotype: tuple[float, float, float]
    burst_log_sd: float

    def table(self) -> pl.DataFrame:
        """Return the rows."""
        return self.rows

    def statements(self) -> list[str]:
        """Return what each amount and number of aspirates finds, one sentence each."""
        where = "in the blood" if self.assay.specimen == "blood" else "in the marrow"
        said = []
        for (amount, aspirates), part in self.detectable.group_by(
            "amount", "aspirates", maintain_order=True
        ):
            found = dict(zip(part["sensitivity"], part["cells"], strict=True))
            sample = _sample(self.assay, float(str(amount)), int(str(aspirates)))
            half, most = (_cells(found[s]) for s in SENSITIVITIES)
            said.append(
                f"{sample}: half of samples are positive at {half} tumour cells {where}, 95 % "
                f"at {most}; without any cell, {100 * part['false_positive'][0]:.2g} % are"
            )
        return said

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {
            "assay": self.assay.name,
            "specimen": self.assay.specimen,
            "unit": self.assay.examined_unit,
            "compartment": self.assay["compartment"],
            "phenotype": list(self.phenotype),
            "burst_log_sd": self.burst_log_sd,
            "rows": self.rows.to_dicts(),
            "detectable": self.detectable.to_dicts(),
            "statements": self.statements(),
        }


def power(
    assay: Assay,
    cells: Sequence[float],
    *,
    amounts: Sequence[float] | None = None,
    aspirates: Sequence[int] = (1,),
    phenotype: tuple[float, float, float] | None = None,
    burst_log_sd: float = 0.0,
) -> Power:
    """Compute the detection probability against true burden.

    Parameters
    ----------
    assay : Assay
    cells : sequence of float
        True tumour cells in the whole compartment (mean), >= 0.
    amounts : sequence of float, optional
        Examined of each side [mL or mononuclear cells]; the assay's own if left out.
    aspirates : sequence of int
        Sides, each of that amount and, in marrow, with its own local density.
    phenotype : tuple of float, optional
        Shares epithelial, hybrid, mesenchymal; the assay's reference mixture if left out.
    burst_log_sd : float
        Log-sd of the level of the blood between draws, 0 to 5; 0 for marrow.

    Raises
    ------
    ParameterError
        Listing every argument that cannot be.

    Examples
    --------
    >>> from marrowtrace.assays import assay
    >>> found = power(assay("a45-b-b3"), [1e5], aspirates=(1, 2))
    >>> found.rows["probability"].round(2).to_list()
    [0.28, 0.48]
    """
    problems = ProblemList()
    counts = np.asarray(cells, dtype=np.float64)
    if not counts.size or not (np.isfinite(counts) & (counts >= 0) & (counts <= 1e14)).all():
        problems.add("cells", f"is {list(cells)}; give numbers of cells from 0 to 1e14")
    if not 0 <= burst_log_sd <= 5:
        problems.add("burst", f"is {burst_log_sd:g}; allowed: from 0 to 5")
    elif burst_log_sd > 0 and assay.specimen != "blood":
        problems.add("burst", "is of blood; a marrow does not change between draws")
    mixture = assay.reference if phenotype is None else phenotype
    if abs(sum(mixture) - 1) > 1e-6 or min(mixture) < 0:
        problems.add("phenotype", f"is {mixture}; give three shares that sum to 1")
    variants: list[Assay] = []
    for amount in amounts or (assay["amount"],):
        for sides in aspirates:
            try:
                variants.append(_variant(assay, float(amount), int(sides)))
            except ParameterError as err:
                problems.add(f"amount {amount:g}, aspirates {sides}", str(err))
    problems.raise_any(ParameterError, f"the power of {assay.name}")

    def chance(variant: Assay, at: NDArray[np.float64]) -> NDArray[np.float64]:
        return detection_probability(
            variant, Burden.of(at, phenotype=mixture), burst_log_sd=burst_log_sd
        )

    low, high = _span(counts)
    grid = np.geomspace(low, high, _GRID)
    rows, curves, limits = [], [], []
    for variant in variants:
        rows.append(_frame(variant, counts, chance(variant, counts)))
        curves.append(_frame(variant, grid, chance(variant, grid)))
        blank = float(chance(variant, np.zeros(1))[0])
        limits += [
            _head(variant)
            | {
                "sensitivity": wanted,
                "cells": _needed(variant, mixture, burst_log_sd, wanted, blank),
                "false_positive": blank,
            }
            for wanted in SENSITIVITIES
        ]
    detectable = pl.DataFrame(limits, schema_overrides={"cells": pl.Float64})
    return Power(assay, pl.concat(rows), detectable, pl.concat(curves), mixture, burst_log_sd)


def _variant(assay: Assay, amount: float, sides: int) -> Assay:
    """The assay with an amount and sides, beyond the range of its parameters if need be."""
    from dataclasses import replace

    from marrowtrace.parameters import Parameter, ParameterSet, Source
    from marrowtrace.units import Unit

    source = Source(kind="assumed", where="asked for")
    asked = {"amount": (amount, assay.numbers["amount"].unit), "sides": (float(sides), Unit.NONE)}
    numbers = dict(assay.numbers)
    for name, (value, unit) in asked.items():
        inside = value / unit.size
        numbers[name] = Parameter(symbol=name, value=inside, low=inside, high=inside, unit=unit,
                                  meaning="asked for", source=source)  # fmt: skip
    return replace(assay, numbers=ParameterSet(list(numbers.values())))


def _head(variant: Assay) -> dict[str, Any]:
    return {
        "amount": variant["amount"],
        "aspirates": int(variant["sides"]),
        "examined": variant.examined,
    }


def _frame(variant: Assay, cells: NDArray[np.float64], found: NDArray[np.float64]) -> pl.DataFrame:
    head = {name: [value] * cells.size for name, value in _head(variant).items()}
    return pl.DataFrame(head | {"cells": cells.tolist(), "probability": found.tolist()})


def _span(cells: NDArray[np.float64]) -> tuple[float, float]:
    """Ends of the grid: the burdens asked for, and at least two decades."""
    some = cells[cells > 0]
    if not some.size:
        return 1.0, 1e6
    low, high = float(some.min()), float(some.max())
    widen = max(0.0, 1.0 - 0.5 * math.log10(high / low))
    return low / 10**widen, high * 10**widen


def _needed(
    variant: Assay, mixture: tuple[float, ...], burst: float, wanted: float, blank: float
) -> float | None:
    """Cells found with the wanted probability; None if no number is."""
    if blank >= wanted:
        return 0.0

    def lacking(log_cells: float) -> float:
        burden = Burden.of([math.exp(log_cells)], phenotype=mixture)
        return float(detection_probability(variant, burden, burst_log_sd=burst)[0]) - wanted

    low, high = -10.0, math.log(_MOST_CELLS)
    if lacking(high) < 0:
        return None
    if lacking(low) > 0:
        return 0.0
    return math.exp(float(optimize.brentq(lacking, low, high, xtol=1e-9)))


def _sample(assay: Assay, amount: float, sides: int) -> str:
    """The sample in words."""
    if assay.specimen == "blood":
        return f"{sides} x {amount:g} mL" if sides > 1 else f"{amount:g} mL"
    kind = "aspirate" if sides == 1 else "aspirates"
    return f"{sides} {kind} of {amount:.3g} mononuclear cells"


def _cells(number: float | None) -> str:
    if number is None:
        return "no number of"
    return f"{float(f'{number:.2g}'):,.10g}"
