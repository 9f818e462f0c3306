r"""How many aspirates find the cells of a marrow in which they lie unevenly.

Aspirates of one marrow, each with a gamma-distributed concentration of shape :math:`\kappa`
around the patient's, give counts that add up to a gamma-Poisson law with shape
:math:`n\kappa` and mean :math:`n\mu`. So detection grows with the number of aspirates even at a
fixed total amount, and a larger aspirate from one place does less than several small ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from marrowtrace.enumeration.counts import check_arguments
from marrowtrace.enumeration.detection import share_seen
from marrowtrace.enumeration.gamma_poisson import probability_at_least
from marrowtrace.errors import ParameterError
from marrowtrace.evidence.plain_values import PlainValue, plain

MOST_ASPIRATES = 10_000
"""No plan asks for more aspirates than this; it is refused instead."""

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AspiratePlan:
    """How many aspirates find the cells, and what the same amount from one place would do.

    Parameters
    ----------
    aspirates : int
        Fewest that reach the wanted sensitivity.
    sensitivity : float
        What they reach.
    amount : float
        Examined in all [mL or nucleated cells].
    single : float
        Sensitivity of one aspirate of the total amount.
    rows : DataFrame
        ``aspirates``, ``amount``, ``sensitivity`` and ``single`` for 1 to 20 aspirates.
    """

    aspirates: int
    sensitivity: float
    amount: float
    single: float
    rows: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """Return sensitivity by number of aspirates."""
        return self.rows

    def to_json(self) -> dict[str, PlainValue]:
        """Return the plan as plain JSON values."""
        return {
            "aspirates": self.aspirates,
            "sensitivity": self.sensitivity,
            "amount": self.amount,
            "single": self.single,
            "rows": plain(self.rows.to_dicts()),
        }


def aspirates_needed(
    sensitivity: float,
    concentration: float,
    amount: float,
    *,
    aspirate_theta: float,
    recovery: float = 1.0,
    marker_positivity: float = 1.0,
    threshold: int = 1,
    per: float = 1.0,
) -> AspiratePlan:
    """Fewest aspirates of equal amount that together show ``threshold`` cells or more.

    Parameters
    ----------
    sensitivity : float
        Wanted probability, from 0 and below 1.
    concentration : float
        The patient's, in the amount ``per``, above 0.
    amount : float
        Examined of each aspirate [mL or nucleated cells], above 0.
    aspirate_theta : float
        Shape of the concentrations of aspirates around the patient's; infinity if they are alike.
    recovery, marker_positivity : float
        Shares of the cells that are not lost and that carry the marker, above 0 to 1.
    threshold : int
        Cells of all aspirates together that make the patient positive.
    per : float
        Amount the concentration refers to.

    Raises
    ------
    ParameterError
        If an argument is outside its range, or more than `MOST_ASPIRATES` are needed.

    Examples
    --------
    Two even aspirates of 4 mL do; uneven ones (shape 0.25) must be six:

    >>> aspirates_needed(0.95, 0.5, 4.0, aspirate_theta=float("inf")).aspirates
    2
    >>> aspirates_needed(0.95, 0.5, 4.0, aspirate_theta=0.25).aspirates
    6
    """
    seen = share_seen(recovery, marker_positivity, aspirate_theta, threshold, per)
    check_arguments(
        "the number of aspirates",
        ("sensitivity", sensitivity, "from 0, below 1"),
        ("concentration", concentration, "above 0, finite"),
        ("amount", amount, "above 0, finite"),
    )
    number = np.arange(1.0, MOST_ASPIRATES + 1)
    mean = concentration * amount * seen / per * number
    reached = probability_at_least(threshold, mean, aspirate_theta * number)
    if reached[-1] < sensitivity:
        raise ParameterError(
            f"sensitivity = {sensitivity:g} is out of reach: {MOST_ASPIRATES} aspirates of "
            f"{amount:g} reach {reached[-1]:.3g}; ask for less, or examine more of each"
        )
    at = int(np.argmax(reached >= sensitivity))
    single = probability_at_least(threshold, mean, aspirate_theta)
    rows = pl.DataFrame(
        {
            "aspirates": number[:_SHOWN].astype(np.int64),
            "amount": amount * number[:_SHOWN],
            "sensitivity": reached[:_SHOWN],
            "single": single[:_SHOWN],
        }
    )
    return AspiratePlan(at + 1, float(reached[at]), amount * (at + 1), float(single[at]), rows)
